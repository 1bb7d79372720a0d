package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// overload is how a server does that is asked for ten times what it can answer.
type overload struct {
	name        string
	connections int
	capacity    sample // in a closed loop of capacityConnections
	flood       flooded
	other       *witness // another operation meanwhile
}

const (
	// capacityConnections are enough that the server never waits for its client, and few enough that nobody queues for long.
	capacityConnections = 64
	timesCapacity       = 10
	floodRecords        = 5 // of a batch, so that there are enough batches before the window of usage is full
	witnessPause        = 5 * time.Millisecond
)

// witness is one client that calls now and then, while others flood.
type witness struct {
	quiet, flooded []time.Duration // what its calls took, before and during the flood; sorted
	shed           int
}

// overload measures ResolveCustomer and BatchMeterUsage.
func (b *bench) overload(ctx context.Context) (out []overload, err error) {
	connections := b.flood
	if err := raiseFiles(connections + 100); err != nil {
		return nil, fmt.Errorf("overload needs %d connections: %w", connections, err)
	}
	s, err := startSouk(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	requests, err := s.resolves(ctx)
	if err != nil {
		return nil, err
	}
	resolve := overload{name: "ResolveCustomer", connections: connections}
	resolve.capacity, err = measure(ctx, load{server: &s.server, connections: capacityConnections, length: b.duration, insist: true, next: func(conn, n int) []byte {
		return requests[(conn*7+n)%len(requests)]
	}})
	if err != nil {
		return nil, err
	}
	b.say("overload: %s, %.0f/s", resolve.name, resolve.capacity.perSecond)
	resolve.flood, err = (&flood{
		server: &s.server, connections: connections, perSecond: timesCapacity * resolve.capacity.perSecond, length: 2 * b.duration, check: checkResolved,
		next: func(n int) []byte { return requests[n%len(requests)] }, again: requests[0],
	}).run(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", resolve.name, err)
	}
	batch, err := b.overloadBatch(ctx, connections)
	if err != nil {
		return nil, fmt.Errorf("BatchMeterUsage: %w", err)
	}
	return []overload{resolve, batch}, nil
}

// overloadBatch floods BatchMeterUsage, while a witness resolves tokens.
func (b *bench) overloadBatch(ctx context.Context, connections int) (out overload, err error) {
	m, err := b.startMeter(ctx)
	if err != nil {
		return out, err
	}
	defer m.souk.stop()
	out = overload{name: fmt.Sprintf("BatchMeterUsage, %d records", floodRecords), connections: connections, other: &witness{}}
	m.insist = true
	if _, err := m.sample(ctx, block/bareBatch*bareBatch); err != nil { // warm up, and have every series met
		return out, err
	}
	measured := b.sampleRows() / 4
	first := m.sent
	requests, err := m.batches(ctx, min(maxSample-2*block, 4*measured)/floodRecords)
	if err != nil {
		return out, err
	}
	resolves, err := m.souk.resolves(ctx) // now that the clock stands where it will
	if err != nil {
		return out, err
	}
	var next atomic.Int64
	take := func(limit int) []byte {
		if n := int(next.Add(1)) - 1; n < limit {
			return requests[n]
		}
		return nil
	}
	w := out.other
	stop := w.watch(ctx, &m.souk.server, resolves, &w.quiet)
	out.capacity, err = measure(ctx, load{server: &m.souk.server, connections: capacityConnections, check: checkFloodBatch, insist: true, next: func(int, int) []byte {
		return take(len(requests) / 4)
	}})
	if err := errors.Join(err, stop()); err != nil {
		return out, err
	}
	next.Store(int64(len(requests) / 4))
	b.say("overload: %s, %.0f/s", out.name, out.capacity.perSecond)
	stop = w.watch(ctx, &m.souk.server, resolves, &w.flooded)
	out.flood, err = (&flood{
		server: &m.souk.server, connections: connections, perSecond: timesCapacity * out.capacity.perSecond, length: 2 * b.duration, check: checkFloodBatch,
		next: func(int) []byte { return take(len(requests)) }, again: requests[0],
	}).run(ctx)
	if err := errors.Join(err, stop()); err != nil {
		return out, err
	}
	return out, m.checkKept(ctx, first, len(requests)/4, out.flood.kept)
}

// checkKept: what was acknowledged is in the ledger, and what was shed is not.
func (m *meter) checkKept(ctx context.Context, first, before int, kept []int) error {
	type identity struct {
		customer, dimension int
		hour                int64
	}
	want := map[identity]bool{}
	add := func(row int) {
		r := m.stream.row(row)
		want[identity{r.customer, r.dimension, r.at.Unix() / 3600}] = true
	}
	for row := range first + before*floodRecords {
		add(row)
	}
	for _, n := range kept {
		for i := range floodRecords {
			add(first + (before+n)*floodRecords + i)
		}
	}
	n, err := m.ledger(ctx)
	if err == nil && n != len(want) {
		err = fmt.Errorf("%d records were acknowledged, and the ledger has %d", len(want), n)
	}
	return err
}

// batches makes n requests of BatchMeterUsage, of the stream's next rows.
func (m *meter) batches(ctx context.Context, n int) ([][]byte, error) {
	if err := m.moveTo(ctx, m.sent+n*floodRecords); err != nil {
		return nil, err
	}
	now := time.Now()
	out := make([][]byte, n)
	var body []byte
	for i := range out {
		body = m.stream.appendBody(body[:0], m.sent, floodRecords)
		m.sent += floodRecords
		out[i] = appendRequest(nil, batchMeterUsage, m.souk.host, body, i, now)
	}
	return out, nil
}

// resolves makes requests of ResolveCustomer.
func (s *soukServer) resolves(ctx context.Context) ([][]byte, error) {
	const tokens = 64
	bodies := make([][]byte, tokens)
	for i := range bodies {
		p, err := s.process.Buy(ctx, resolved)
		if err != nil {
			return nil, err
		}
		bodies[i] = []byte(`{"RegistrationToken":"` + p.RegistrationToken + `"}`)
	}
	return requestsFor(resolveCustomer, s.host, tokens, func(i int) []byte { return bodies[i] }), nil
}

func checkResolved(answer []byte) error {
	if countOf(answer, `"ProductCode":"`+resolved+`"`) != 1 {
		return fmt.Errorf("the token was not resolved: %s", answer)
	}
	return nil
}

func checkFloodBatch(answer []byte) error {
	if countOf(answer, success) != floodRecords || countOf(answer, unprocessed) != 1 {
		return fmt.Errorf("not all records are a success: %s", answer)
	}
	return nil
}

// watch calls now and then until stop, which says what went wrong.
func (w *witness) watch(ctx context.Context, s *server, requests [][]byte, to *[]time.Duration) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.call(ctx, s, requests, to) }()
	return func() error {
		cancel()
		return <-done
	}
}

// call is one call after the other, each on a connection of its own.
func (w *witness) call(ctx context.Context, s *server, requests [][]byte, to *[]time.Duration) error {
	for n := 0; ctx.Err() == nil; n++ {
		begin := time.Now()
		body, err := s.try(requests[n%len(requests)])
		took := time.Since(begin)
		switch {
		case err == nil:
			if err := checkResolved(body); err != nil {
				return err
			}
			*to = append(*to, took)
		case strings.Contains(err.Error(), "ThrottlingException"):
			w.shed++
		default:
			return fmt.Errorf("ResolveCustomer meanwhile: %w", err)
		}
		time.Sleep(witnessPause)
	}
	slices.Sort(*to)
	return nil
}
