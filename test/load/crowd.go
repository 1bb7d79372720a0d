package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

const (
	idleConnections = 10_000
	slowWriters     = 1_000
	slowReaders     = 1_000
	// slowFor is longer than the server bears a slow client: 30 s for a request, and for an answer (docs/operate.md).
	slowFor = 70 * time.Second
	// A slow reader asks for two pages of entitlements a second, until there is no room left for answers between it and the server. That takes some ten
	// seconds; all at once would be a flood.
	slowAsks = 2
	// crowdLoad is the load that is measured beside them.
	crowdLoad = 16
)

// crowd is how a server does that many connections want nothing of, or want it slowly.
type crowd struct {
	alone, idle, slow     []sample // of ResolveCustomer over crowdLoad connections: with nobody else, with idle connections, with slow ones
	memory                [3]int64 // resident at the end of each, in bytes
	files                 [3]int   // open in the server
	after                 int64    // resident memory, and files, when all have gone
	filesAfter            int
	writersCut, readerCut int // slow clients whose connections the server ended
}

// crowd measures ResolveCustomer alone, beside idle connections, and beside slow clients.
func (b *bench) crowd(ctx context.Context) (out crowd, err error) {
	if err := raiseFiles(idleConnections + slowWriters + slowReaders + 500); err != nil {
		return out, fmt.Errorf("connections needs %d of them: %w", idleConnections, err)
	}
	s, err := startSouk(ctx)
	if err != nil {
		return out, err
	}
	defer s.stop()
	if err := s.addHolders(ctx); err != nil {
		return out, err
	}
	requests, err := s.resolves(ctx)
	if err != nil {
		return out, err
	}
	measureCrowd := func(phase int, to *[]sample, until func(n int) bool) error {
		for n := 0; !until(n); n++ {
			sample, err := measure(ctx, load{server: &s.server, connections: crowdLoad, length: b.duration, insist: true, next: func(conn, n int) []byte {
				return requests[(conn*7+n)%len(requests)]
			}})
			if err != nil {
				return err
			}
			*to = append(*to, sample)
			b.say("connections, phase %d: %.0f/s, p99 %s", phase+1, sample.perSecond, sample.p99)
		}
		out.memory[phase], out.files[phase] = resident(s.pid), openFiles(s.pid)
		return nil
	}
	rounds := func(n int) bool { return n >= b.rounds }
	if err := measureCrowd(0, &out.alone, rounds); err != nil {
		return out, err
	}
	idle := make([]net.Conn, idleConnections)
	for i := range idle {
		if idle[i], err = net.Dial("tcp", s.host); err != nil {
			return out, fmt.Errorf("connection %d: %w", i+1, err)
		}
		defer idle[i].Close()
	}
	if err := measureCrowd(1, &out.idle, rounds); err != nil {
		return out, err
	}
	for _, c := range idle {
		_ = c.Close()
	}
	body := entitlementsJSON(holder(0))
	burst := []byte(strings.Repeat(string(appendRequest(nil, getEntitlements, s.host, body, 0, time.Now())), slowAsks))
	slow, stopSlow := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var errs [2]error
	wg.Go(func() { out.writersCut, errs[0] = slowly(slow, s.host, slowWriters, writeSlowly) })
	wg.Go(func() {
		out.readerCut, errs[1] = slowly(slow, s.host, slowReaders, func(c net.Conn, n int) error { return readSlowly(c, n, burst) })
	})
	end := time.Now().Add(slowFor)
	err = measureCrowd(2, &out.slow, func(int) bool { return time.Now().After(end) })
	stopSlow()
	wg.Wait()
	for _, e := range errs {
		if err == nil {
			err = e
		}
	}
	if err != nil {
		return out, err
	}
	time.Sleep(2 * time.Second)
	out.after, out.filesAfter = resident(s.pid), openFiles(s.pid)
	return out, nil
}

// slowly has n connections take a step a second each, and makes new ones for those that the server ends. It answers how many that were.
func slowly(ctx context.Context, host string, n int, step func(c net.Conn, n int) error) (cut int, err error) {
	type client struct {
		net.Conn
		steps int
	}
	clients := make([]client, n)
	defer func() {
		for _, c := range clients {
			if c.Conn != nil {
				_ = c.Close()
			}
		}
	}()
	for {
		begin := time.Now()
		for i := range clients {
			c := &clients[i]
			if c.Conn == nil {
				if c.Conn, err = net.Dial("tcp", host); err != nil {
					return cut, err
				}
				c.steps = 0
			}
			if err := step(c.Conn, c.steps); err != nil {
				_ = c.Close()
				c.Conn = nil
				cut++
			}
			c.steps++
		}
		select {
		case <-ctx.Done():
			return cut, nil
		case <-time.After(time.Second - time.Since(begin)):
		}
	}
}

// writeSlowly sends a head that does not end.
func writeSlowly(c net.Conn, n int) error {
	text := "a"
	if n == 0 {
		text = "POST / HTTP/1.1\r\nHost: souk\r\nContent-Type: application/x-amz-json-1.1\r\nX-Slow: "
	}
	_, err := c.Write([]byte(text))
	return err
}

// readSlowly asks for more than it reads, which is a byte at a time.
func readSlowly(c net.Conn, n int, burst []byte) error {
	if n == 0 {
		_ = c.(*net.TCPConn).SetReadBuffer(2 << 10)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); err != nil {
		if e, ok := err.(net.Error); !ok || !e.Timeout() {
			return err
		}
	}
	// A server that is done with it has closed its side, which is seen when all that it sent has been read, or here: it answers with a reset.
	_ = c.SetWriteDeadline(time.Now().Add(time.Millisecond))
	if _, err := c.Write(burst); err != nil {
		if e, ok := err.(net.Error); !ok || !e.Timeout() {
			return err
		}
	}
	return nil
}
