package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// soak is what a long, moderate load leaves behind.
type soak struct {
	length   time.Duration
	answered [3]int // of soakOperations
	shed     int64
	points   []soakPoint
}

// soakPoint is what a server had at one moment.
type soakPoint struct {
	resident   int64 // bytes
	files      int
	goroutines float64
	heap       float64 // in use, garbage included, in bytes
}

// soakOperations are what is called, how often a second, and over how many connections each.
var soakOperations = [3]struct {
	name        string
	perSecond   int
	connections int
}{{"ResolveCustomer", 1500, 8}, {"GetEntitlements", 150, 4}, {"BatchMeterUsage", 100, 8}}

// soak loads a server for the length of -duration.
func (b *bench) soak(ctx context.Context) (out soak, err error) {
	m, err := b.startMeter(ctx)
	if err != nil {
		return out, err
	}
	defer m.souk.stop()
	if err := m.souk.addHolders(ctx); err != nil {
		return out, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var tokens [16][]byte
	var mu sync.Mutex       // of tokens and m
	renew := func() error { // the clock moves with the usage, and the tokens' life with it
		for i := range tokens {
			p, err := m.souk.process.Buy(ctx, resolved)
			if err != nil {
				return err
			}
			tokens[i] = []byte(`{"RegistrationToken":"` + p.RegistrationToken + `"}`)
		}
		return nil
	}
	request := [3]func(n int) ([]byte, error){
		func(n int) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			return appendRequest(nil, resolveCustomer, m.souk.host, tokens[n%len(tokens)], n, time.Now()), nil
		},
		func(n int) ([]byte, error) {
			return appendRequest(nil, getEntitlements, m.souk.host, entitlementsJSON(holder(n%holders)), n, time.Now()), nil
		},
		func(n int) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			if m.sent%block == 0 || tokens[0] == nil {
				if err := m.moveTo(ctx, m.sent+block); err != nil {
					return nil, err
				}
				if err := renew(); err != nil {
					return nil, err
				}
			}
			body := m.stream.appendBody(nil, m.sent, batchRecords)
			m.sent += batchRecords
			return appendRequest(nil, batchMeterUsage, m.souk.host, body, n, time.Now()), nil
		},
	}
	check := [3]func([]byte) error{checkResolved, func([]byte) error { return nil }, checkBatch}
	first, err := request[2](0) // makes the tokens
	if err != nil {
		return out, err
	}
	if _, err := m.souk.try(first); err != nil {
		return out, err
	}
	errs := make(chan error, 64)
	var wg sync.WaitGroup
	var counts [3][]int
	var shed atomic.Int64
	start := time.Now()
	for op, o := range soakOperations {
		counts[op] = make([]int, o.connections)
		for i := range o.connections {
			wg.Go(func() {
				pause := time.Second * time.Duration(o.connections) / time.Duration(o.perSecond)
				if err := pace(ctx, m.souk.host, pause, request[op], check[op], &counts[op][i], &shed); err != nil && ctx.Err() == nil {
					errs <- fmt.Errorf("%s: %w", o.name, err)
				}
			})
		}
	}
	every := max(b.duration/900, 100*time.Millisecond)
	for time.Since(start) < b.duration && err == nil {
		select {
		case err = <-errs:
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(every):
			p := m.souk.look()
			out.points = append(out.points, p)
			b.say("soak, %s of %s: %.1f MiB resident, %.1f MiB heap, %d files, %.0f goroutines",
				time.Since(start).Round(time.Second), b.duration, mebi(p.resident), p.heap/(1<<20), p.files, p.goroutines)
		}
	}
	out.length = time.Since(start)
	cancel()
	wg.Wait()
	out.shed = shed.Load()
	for op := range counts {
		for _, n := range counts[op] {
			out.answered[op] += n
		}
	}
	return out, err
}

// pace sends a request at most each pause, over one connection, until ctx ends.
func pace(ctx context.Context, host string, pause time.Duration, next func(n int) ([]byte, error), check func([]byte) error, count *int, shed *atomic.Int64) error {
	c, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 32<<10)
	t := time.NewTicker(pause)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		request, err := next(*count)
		if err != nil {
			return err
		}
		answer, err := ask(c, r, request)
		refused := errors.Is(err, errThrottled) // the machine was busy with something else
		if err != nil && !refused {
			return err
		}
		if refused {
			shed.Add(1)
		} else if err := check(answer); err != nil {
			return err
		} else {
			*count++
		}
		if _, err := r.Discard(len(answer)); err != nil {
			return err
		}
	}
}

// look asks the server's process, and its metrics, what it has.
func (s *server) look() (p soakPoint) {
	p.resident, p.files = resident(s.pid), openFiles(s.pid)
	res, err := http.Get(s.mallocsURL)
	if err != nil {
		return p
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "go_goroutines":
			p.goroutines, _ = strconv.ParseFloat(value, 64)
		case "go_memstats_heap_inuse_bytes":
			p.heap, _ = strconv.ParseFloat(value, 64)
		}
	}
	return p
}

// quarters are what the second and the last quarter of a soak come to. In the first, memory fills with what is kept there.
func (s *soak) quarters(value func(*soakPoint) float64, of func([]float64) float64) (second, last float64) {
	n := max(1, len(s.points)/4)
	sum := func(list []soakPoint) float64 {
		v := make([]float64, len(list))
		for i := range list {
			v[i] = value(&list[i])
		}
		return of(v)
	}
	return sum(s.points[min(n, len(s.points)-n):][:n]), sum(s.points[len(s.points)-n:])
}
