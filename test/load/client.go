package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// target is a server with the requests that it is to answer.
type target struct {
	name     string
	server   *server
	requests [][]byte // whole, as they go on the wire
	host     string
}

// sample is one measurement.
type sample struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server, per request, user and system
	mallocs   float64       // of the server, per request; 0 if it does not tell
}

// measure drives t over n connections, one request after the other on each.
func measure(ctx context.Context, t *target, n int, length time.Duration) (sample, error) {
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", t.host)
		if err != nil {
			return sample{}, err
		}
		defer c.Close()
		conns[i] = c
	}
	var stop atomic.Bool
	latencies := make([][]time.Duration, n)
	errs := make([]error, n)
	cpu, mallocs, start := t.server.cpu(), t.server.mallocs(), time.Now()
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() { latencies[i], errs[i] = drive(c, t.requests, i*7, &stop) })
	}
	select {
	case <-time.After(length):
	case <-ctx.Done():
	}
	stop.Store(true)
	wg.Wait()
	took := time.Since(start)
	cpu, mallocs = t.server.cpu()-cpu, t.server.mallocs()-mallocs
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return sample{}, err
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	count := len(all)
	if count == 0 {
		return sample{}, errors.New("no request was answered")
	}
	return sample{
		perSecond: float64(count) / took.Seconds(),
		p50:       all[count/2], p99: all[count*99/100],
		cpu:     cpu / time.Duration(count),
		mallocs: mallocs / float64(count),
	}, nil
}

// drive sends requests on one connection until told to stop. Anything but 200 is an error: a server that refuses is not fast.
func drive(c net.Conn, requests [][]byte, at int, stop *atomic.Bool) ([]time.Duration, error) {
	r := bufio.NewReaderSize(c, 4096)
	out := make([]time.Duration, 0, 1<<16)
	for !stop.Load() {
		request := requests[at%len(requests)]
		at++
		start := time.Now()
		if _, err := c.Write(request); err != nil {
			return nil, err
		}
		if err := readAnswer(r); err != nil {
			return nil, err
		}
		out = append(out, time.Since(start))
	}
	return out, nil
}

// readAnswer reads an answer with a Content-Length.
func readAnswer(r *bufio.Reader) error {
	length, first := 0, true
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			rest, _ := r.Peek(r.Buffered())
			return fmt.Errorf("answer is %q %q", line, rest)
		}
		first = false
		if len(line) == 2 {
			break
		}
		if len(line) > 16 && bytes.EqualFold(line[:16], []byte("Content-Length: ")) {
			for _, d := range bytes.TrimSpace(line[16:]) {
				length = length*10 + int(d-'0')
			}
		}
	}
	_, err := r.Discard(length)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
