package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/pgtest"
)

// trialConfig says how much a database is tried.
type trialConfig struct {
	config
	faults    int    // drawn of kinds. 0: each of them once, but for the outage
	fills     int    // of a disk
	failovers int    // to a replica
	only      string // draws only kinds that have this in their names
	brief     bool   // everything takes as little time as it may
}

// trial is a sweep on a database that fails, instead of nodes that are killed: though now and then one is too.
type trial struct {
	*sweep
	db    *database
	only  string
	brief bool
	*report
}

// recoverWithin is how long a node may take to be well again once its database is.
const recoverWithin = 15 * time.Second

// try has everything befall databases, one after the other. An error is a finding, or says that it could not go on.
func try(ctx context.Context, c trialConfig) (*report, error) {
	c.records, c.pace = 600, 20*time.Millisecond
	r := newReport()
	err := r.sequence(ctx, c, startDatabase, func(t *trial) error {
		if c.faults == 0 {
			for _, k := range kinds {
				if k.name == outage {
					continue
				}
				if err := t.round(ctx, k); err != nil {
					return err
				}
			}
		}
		for range c.faults {
			if err := t.round(ctx, t.draw()); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && c.fills > 0 {
		err = r.sequence(ctx, c, startSmall, func(t *trial) error { return t.fillDisk(ctx, c.fills) })
		if errors.Is(err, pgtest.ErrNoDisk) {
			r.skipped = append(r.skipped, "full disk: "+err.Error())
			err = nil
		}
	}
	if err == nil && c.failovers > 0 {
		err = r.sequence(ctx, c, startPair, func(t *trial) error { return t.failOver(ctx, c.failovers) })
	}
	r.took = time.Since(r.begun)
	return r, err
}

// sequence is a sweep on a database of its own.
func (r *report) sequence(ctx context.Context, c trialConfig, start func(context.Context) (*database, error), body func(*trial) error) error {
	db, err := start(ctx)
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	defer db.stop()
	c.store = db.url
	s, err := newSweep(c.config)
	if err != nil {
		return err
	}
	t := &trial{sweep: s, db: db, only: c.only, brief: c.brief, report: r}
	if err = s.begin(ctx); err == nil {
		err = body(t)
	}
	logs := t.logs()
	if err == nil {
		err = s.finish(ctx)
	}
	s.end(err == nil)
	r.add(t)
	if err != nil {
		return fmt.Errorf("after %d faults, the last of them %q, seed %d: %w\n%sthe cluster:%s, its key: %s", r.faults, r.last, c.seed, err, logs(), db.leave(), s.engine.dir)
	}
	return nil
}

// logs are the ends of what the nodes said, once they have gone.
func (t *trial) logs() func() string {
	nodes := append([]*node(nil), t.running...)
	return func() string {
		var b strings.Builder
		for i, n := range nodes {
			if n != nil {
				text := n.complaints.String()
				fmt.Fprintf(&b, "node %d:\n%s\n", i, text[max(0, len(text)-4000):])
			}
		}
		return b.String()
	}
}

// round is load, a fault in it, and a verdict when all nodes are well again.
func (t *trial) round(ctx context.Context, k kind) error {
	return t.under(ctx, k.name, func() error {
		kill := !t.brief && len(t.running) > 1 && t.dice.IntN(6) == 0
		if !kill {
			return k.do(ctx, t)
		}
		victim, after := t.dice.IntN(len(t.running)), t.span(0, 1000)
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(after)
			t.running[victim].kill()
		})
		err := k.do(ctx, t)
		wg.Wait()
		t.running[victim] = nil
		t.sweep.result.kills++
		return err
	})
}

// under has something happen under load.
func (t *trial) under(ctx context.Context, name string, happen func() error) error {
	t.report.last = name
	if err := t.open(ctx); err != nil {
		return err
	}
	stop := t.load(ctx)
	defer func() { stop() }()
	t.pause(100, 400)
	if err := happen(); err != nil {
		return err
	}
	took, err := t.recovered(ctx)
	if err != nil {
		return err
	}
	stop()
	stop = func() {}
	t.report.fault(name, took)
	late, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := t.verdict(late); err != nil {
		return err
	}
	if t.check > 0 && t.report.faults%t.check == 0 {
		if err := t.checkStore(ctx); err != nil {
			return err
		}
	}
	c := t.journal.tally()
	t.say("fault %d, %s: well after %s; %d acknowledged, %d without an answer (%d there)", t.report.faults, name, took, c.Acknowledged, c.Unknown, c.UnknownThere)
	return nil
}

// recovered waits until every node acknowledges usage, and answers how long that took those that were not killed.
func (t *trial) recovered(ctx context.Context) (took []time.Duration, err error) {
	over := time.Now()
	survivors := append([]*node(nil), t.running...)
	took = make([]time.Duration, len(survivors))
	errs := make([]error, len(survivors))
	var wg sync.WaitGroup
	for i, n := range survivors {
		if n != nil {
			wg.Go(func() { took[i], errs[i] = t.well(ctx, n, over) })
		}
	}
	err = t.start(ctx)
	for i, n := range survivors {
		if n == nil && err == nil {
			_, err = t.well(ctx, t.running[i], time.Now())
		}
	}
	wg.Wait()
	kept := took[:0]
	for i, n := range survivors {
		if n != nil {
			kept = append(kept, took[i])
		}
	}
	return kept, errors.Join(append(errs, err)...)
}

// well waits until a node acknowledges a record, which everybody else may make it wait for, and answers how long after a time that is.
func (t *trial) well(ctx context.Context, n *node, since time.Time) (time.Duration, error) {
	c := newClient(t.site, t.seed, -1, t.pace)
	c.only = n
	c.http.Timeout = 2 * time.Second // then it asks again
	defer c.http.CloseIdleConnections()
	for {
		if c.meter(ctx, c.attempts(c.stream.takeSpare())) == 1 {
			return time.Since(since), nil
		}
		if time.Since(since) > recoverWithin {
			return 0, fmt.Errorf("the database is well again, and after %s the node at %s does not take usage", recoverWithin, n.Endpoint)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
