package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load is what is sent to a server, and over how many connections.
type load struct {
	server      *server
	connections int
	length      time.Duration             // how long; 0: until the requests are used up
	next        func(conn, n int) []byte  // the n-th request of a connection, whole; nil: there are no more
	check       func(answer []byte) error // nil: any answer of status 200 is right
	insist      bool                      // send again what was refused with ThrottlingException; else a refusal is an error: a server that refuses is not fast
}

// sample is one measurement.
type sample struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server, per request, user and system
	mallocs   float64       // of the server, per request; 0 if it does not tell

	// How busy both sides were, of the CPUs that they may run on: 0 to 1.
	serverBusy, clientBusy float64
	// othersBusy is how busy everything else kept the machine's CPUs: noise.
	othersBusy float64
}

// limitedByClient is whether a sample says more of the client than of the server.
func (s *sample) limitedByClient() bool { return s.clientBusy > 0.9 && s.serverBusy < 0.9 }

// measure drives a server, one request after the other on each connection.
func measure(ctx context.Context, l load) (sample, error) {
	conns := make([]net.Conn, l.connections)
	for i := range conns {
		c, err := net.Dial("tcp", l.server.host)
		if err != nil {
			return sample{}, err
		}
		defer c.Close()
		conns[i] = c
	}
	runtime.GC() // what was made for this sample is not cleared away in it
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	latencies := make([][]time.Duration, l.connections)
	errs := make([]error, l.connections)
	mallocs := l.server.mallocs()
	all, cpu, own, start := cpuOfAll(), cpuOf(l.server.pid), cpuOf(os.Getpid()), time.Now()
	if l.length > 0 {
		defer time.AfterFunc(l.length, func() { stop.Store(true) }).Stop()
	}
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			latencies[i], errs[i] = l.drive(i, c, &stop)
			if errs[i] != nil {
				stop.Store(true)
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	all, cpu, own = cpuOfAll()-all, cpuOf(l.server.pid)-cpu, cpuOf(os.Getpid())-own
	mallocs = l.server.mallocs() - mallocs
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return sample{}, err
	}
	times := slices.Concat(latencies...)
	slices.Sort(times)
	count := len(times)
	if count == 0 {
		return sample{}, errors.New("no request was answered")
	}
	s := sample{
		perSecond: float64(count) / took.Seconds(),
		p50:       times[count/2], p99: times[count*99/100],
		cpu:     cpu / time.Duration(count),
		mallocs: mallocs / float64(count),
	}
	server, client := shares()
	s.serverBusy, s.clientBusy = cpu.Seconds()/took.Seconds()/server, own.Seconds()/took.Seconds()/client
	s.othersBusy = max(0, (all-cpu-own).Seconds()/took.Seconds()/float64(runtime.NumCPU()))
	return s, nil
}

// drive sends requests on one connection until told to stop.
func (l *load) drive(conn int, c net.Conn, stop *atomic.Bool) ([]time.Duration, error) {
	r := bufio.NewReaderSize(c, 32<<10)
	out := make([]time.Duration, 0, 1<<14)
	for n := 0; !stop.Load(); n++ {
		request := l.next(conn, n)
		if request == nil {
			break
		}
		start := time.Now()
		answer, err := ask(c, r, request)
		for l.insist && errors.Is(err, errThrottled) {
			if _, err := r.Discard(len(answer)); err != nil {
				return nil, err
			}
			answer, err = ask(c, r, request)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, time.Since(start))
		if l.check != nil {
			if err := l.check(answer); err != nil {
				return nil, err
			}
		}
		if _, err := r.Discard(len(answer)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// errThrottled is a refusal with ThrottlingException.
var errThrottled = errors.New("ThrottlingException")

// ask sends a request, and reads its answer, which is an error unless its status is 200. The body is good until r is read from; it is left there.
func ask(c net.Conn, r *bufio.Reader, request []byte) ([]byte, error) {
	if _, err := c.Write(request); err != nil {
		return nil, err
	}
	status, body, err := readAny(r)
	switch {
	case err != nil:
		return nil, err
	case throttled(status, body):
		return body, errThrottled
	case status != 200:
		return body, fmt.Errorf("answer is %d %q", status, body)
	}
	return body, nil
}

func throttled(status int, body []byte) bool {
	return status == 400 && bytes.Contains(body, []byte(`"ThrottlingException"`))
}

// readAny reads an answer with a Content-Length. Its body is good until r is read from; it is left there.
func readAny(r *bufio.Reader) (status int, body []byte, err error) {
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if status == 0 {
			if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
				return 0, nil, fmt.Errorf("answer is %q", line)
			}
			status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
		}
		if len(line) == 2 {
			break
		}
		if len(line) > 16 && bytes.EqualFold(line[:16], []byte("Content-Length: ")) {
			for _, d := range bytes.TrimSpace(line[16:]) {
				length = length*10 + int(d-'0')
			}
		}
	}
	if length == 0 {
		return 0, nil, errors.New("an answer without Content-Length")
	}
	body, err = r.Peek(length)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return status, body, err
}
