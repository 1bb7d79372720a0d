package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// flood is more than a server can answer: requests that go out at a rate, whether or not earlier ones have been answered (an open loop).
type flood struct {
	server      *server
	connections int // that many are open; what finds none without a request under way does not go out
	perSecond   float64
	length      time.Duration
	next        func(n int) []byte        // the n-th request; nil: there are no more
	again       []byte                    // the request by which is asked whether the flood is over
	check       func(answer []byte) error // of an answer of status 200
}

// flooded is what came of a flood.
type flooded struct {
	due, sent  int           // by the rate; and those that found a connection
	took       time.Duration // until the last was sent
	answered   []time.Duration
	shed       []time.Duration // refused with ThrottlingException
	kept       []int           // which were answered, by their numbers
	unanswered int             // within hangs after the last was sent
	before     int64           // resident memory of the server, in bytes
	peak       int64
	after      int64
	recovery   time.Duration // from the end until a request on another connection was answered, and right
	calm       time.Duration // and until ten in a row were, each within calmWithin

	cpu                    time.Duration // of the server, per answer that was no refusal
	serverBusy, clientBusy float64       // of the CPUs that they may run on: 0 to 1
}

const (
	// hangs is how long a request may be under way before it counts as unanswered.
	hangs = 10 * time.Second
	// calmWithin is what an answer takes at most when the flood has left nothing behind.
	calmWithin = 10 * time.Millisecond
	calmCalls  = 10
)

func (f *flooded) goodput() float64 { return float64(len(f.answered)) / f.took.Seconds() }

// floodConn is one connection. It has one request under way at most: SDKs do not pipeline.
type floodConn struct {
	net.Conn
	sent           atomic.Int64 // when, since the epoch
	number         int          // of the request
	answered, shed []time.Duration
	kept           []int
}

// run floods the server. An answer that is neither right nor a refusal, and a connection that is lost, is an error.
func (f *flood) run(ctx context.Context) (out flooded, err error) {
	conns := make([]*floodConn, f.connections)
	for i := range conns {
		c, err := net.Dial("tcp", f.server.host)
		if err != nil {
			return out, fmt.Errorf("connection %d: %w", i+1, err)
		}
		conns[i] = &floodConn{Conn: c}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	closing := make(chan struct{})
	defer func() {
		close(closing)
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	free := make(chan *floodConn, f.connections)
	failed := make(chan error, 1)
	epoch := time.Now() // that the connections count from
	var under atomic.Int64
	for _, c := range conns {
		free <- c
		wg.Go(func() {
			err := c.listen(epoch, f.check, func() { under.Add(-1); free <- c }) // until there is one
			select {
			case <-closing: // by us
			case failed <- err:
			default:
			}
		})
	}
	out.before = resident(f.server.pid)
	stop := watchPeak(f.server.pid, &out.peak)
	defer stop()

	cpu, own, start := cpuOf(f.server.pid), cpuOf(os.Getpid()), time.Now()
	ticks := time.NewTicker(time.Millisecond)
	defer ticks.Stop()
	for more := true; more && time.Since(start) < f.length; {
		select {
		case err := <-failed:
			return out, err
		case <-ctx.Done():
			return out, ctx.Err()
		case <-ticks.C:
		}
		for due := int(time.Since(start).Seconds() * f.perSecond); out.due < due && more; out.due++ {
			select {
			case c := <-free:
				request := f.next(out.sent)
				if more = request != nil; !more {
					free <- c
					break
				}
				under.Add(1)
				c.number = out.sent
				c.sent.Store(int64(time.Since(epoch)))
				if _, err := c.Write(request); err != nil {
					return out, err
				}
				out.sent++
			default:
				out.due = due - 1 // none is free: all that are due by now stay at home
			}
		}
	}
	out.took = time.Since(start)
	server, client := shares()
	out.cpu = cpuOf(f.server.pid) - cpu
	out.serverBusy = out.cpu.Seconds() / out.took.Seconds() / server
	out.clientBusy = (cpuOf(os.Getpid()) - own).Seconds() / out.took.Seconds() / client
	return out, f.recover(&out, &under, func() error {
		select {
		case err := <-failed:
			return err
		default:
			return ctx.Err()
		}
	}, conns)
}

// recover waits for what is under way, and asks how soon a client that comes now is answered.
func (f *flood) recover(out *flooded, under *atomic.Int64, failed func() error, conns []*floodConn) error {
	end := time.Now()
	for calm := 0; calm < calmCalls; {
		begin := time.Now()
		body, err := f.server.try(f.again)
		if err == nil {
			err = f.check(body)
		}
		switch took := time.Since(begin); {
		case err != nil && time.Since(end) > hangs:
			return fmt.Errorf("after the flood: %w", err)
		case err != nil:
			calm = 0
			continue
		case took < calmWithin:
			calm++
		default:
			calm = 0
		}
		if out.recovery == 0 {
			out.recovery = time.Since(end)
		}
		if out.calm = time.Since(end); out.calm > hangs {
			break
		}
	}
	for under.Load() > 0 && time.Since(end) < hangs {
		if err := failed(); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	if err := failed(); err != nil {
		return err
	}
	out.unanswered, out.after = int(under.Load()), resident(f.server.pid)
	if out.unanswered > 0 {
		return fmt.Errorf("%d requests were not answered within %s", out.unanswered, hangs)
	}
	for _, c := range conns {
		out.answered, out.shed = append(out.answered, c.answered...), append(out.shed, c.shed...)
		out.kept = append(out.kept, c.kept...)
	}
	slices.Sort(out.answered)
	slices.Sort(out.shed)
	if len(out.answered) == 0 {
		return errors.New("nothing was answered in the flood")
	}
	out.cpu /= time.Duration(len(out.answered))
	return nil
}

// listen takes the answers in.
func (c *floodConn) listen(epoch time.Time, check func([]byte) error, done func()) error {
	r := bufio.NewReaderSize(c, 4<<10)
	for {
		status, body, err := readAny(r)
		if err != nil {
			return err
		}
		took := time.Since(epoch) - time.Duration(c.sent.Load())
		switch {
		case status == 200:
			if err := check(body); err != nil {
				return err
			}
			c.answered, c.kept = append(c.answered, took), append(c.kept, c.number)
		case throttled(status, body):
			c.shed = append(c.shed, took)
		default:
			return fmt.Errorf("answer is %d %q", status, body)
		}
		if _, err := r.Discard(len(body)); err != nil {
			return err
		}
		done()
	}
}

// watchPeak notes the most memory that a process has resident, until stop.
func watchPeak(pid int, peak *int64) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(20 * time.Millisecond)
		defer t.Stop()
		for {
			*peak = max(*peak, resident(pid))
			select {
			case <-t.C:
			case <-quit:
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(quit); <-ended })
}

// at is a quantile of a sorted list.
func at(sorted []time.Duration, quantile float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*quantile))]
}
