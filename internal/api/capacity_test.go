package api

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// Beyond the bound a client waits to be accepted, without an error and without a file descriptor of the server's, until another one goes.
func TestCapacity(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *Config, _ *market.Config) { c.MaxConnections = 2 })
	const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
	ask := func() net.Conn {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		send(t, c, request)
		return c
	}
	answered := func(c net.Conn, within time.Duration) bool {
		t.Helper()
		_ = c.SetReadDeadline(time.Now().Add(within))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			if e := net.Error(nil); !errors.As(err, &e) || !e.Timeout() {
				t.Errorf("answer: %v", err)
			}
			return false
		}
		_, _ = io.Copy(io.Discard, res.Body)
		return true
	}
	first, second, third := ask(), ask(), ask()
	if !answered(first, 5*time.Second) || !answered(second, 5*time.Second) {
		t.Fatal("those within the bound are not answered")
	}
	if answered(third, 300*time.Millisecond) {
		t.Error("the third is answered while two are open")
	}
	if n := s.Load().Connections; n != 2 {
		t.Errorf("%d connections are open", n)
	}
	_ = first.Close()
	if !answered(third, 5*time.Second) {
		t.Error("the third is not answered when the first has gone")
	}
	// second and third ask nothing, and are ended, long before an idle connection is where there is room.
	fourth := ask()
	if !answered(fourth, crowdedIdle+3*tick) {
		t.Error("nobody makes room for the fourth")
	}
}

// A server that is full can be shut down.
func TestShutdownWhenFull(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := newListener(inner, nil, generous, func(string, string, *awsproto.Fault) {})
	ln.capacity = newCapacity(1)
	if _, err := net.Dial("tcp", inner.Addr().String()); err != nil {
		t.Fatal(err)
	}
	c, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	done := make(chan error, 1)
	go func() {
		_, err := ln.Accept()
		done <- err
	}()
	time.Sleep(10 * time.Millisecond)
	_ = ln.Close()
	select {
	case err := <-done:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Accept goes on waiting")
	}
}

// broken is a listener that has no file descriptors left, at first.
type broken struct {
	net.Listener
	calls int
}

func (b *broken) Accept() (net.Conn, error) {
	if b.calls++; b.calls <= 3 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return b.Listener.Accept()
}

// Without file descriptors the server neither ends nor spins, and no place is lost: it tries again, later and later.
func TestNoFilesLeft(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{MaxConnections: 1})
	b := &broken{Listener: inner}
	done := make(chan error, 1)
	go func() { done <- s.Serve(b, nil) }()
	c, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for end := time.Now().Add(5 * time.Second); s.Load().Connections == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it accepts nothing any more")
		}
	}
	_ = s.Shutdown(t.Context())
	if err := <-done; err != http.ErrServerClosed {
		t.Errorf("serve: %v", err)
	}
	if b.calls > 5 {
		t.Errorf("%d calls of Accept", b.calls)
	}
}

// Clients that send by drops, or read nothing of what they ask for, hold nobody up, and are gone when their time is over.
func TestSlowClientsBesideOthers(t *testing.T) {
	s := startWith(t, func(s *Server) { s.limits.request, s.limits.write = time.Second, time.Second },
		func(c *Config, _ *market.Config) { c.MaxWait, c.EchoCanonical = 500*time.Millisecond, true })
	p := s.buy(legacyCode)
	head := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSMPMeteringService.ResolveCustomer\r\n"
	var wg sync.WaitGroup
	defer wg.Wait()
	wrong := s.request(p.Token)
	wrong.Header.Set("X-Amz-Meta-Long", strings.Repeat("x", 8<<10))
	sign(wrong, sellerKey, "us-east-1", time.Now())
	wrong.Header.Set("X-Amz-Meta-Long", strings.Repeat("y", 8<<10)) // so the answer repeats it
	var long bytes.Buffer
	if err := wrong.Write(&long); err != nil {
		t.Fatal(err)
	}
	for range 5 { // that read nothing
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.(*net.TCPConn).SetReadBuffer(1 << 10)
		wg.Go(func() {
			for {
				if _, err := c.Write(long.Bytes()); err != nil {
					return
				}
			}
		})
	}
	var slow []net.Conn
	for i := range 200 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		slow = append(slow, c)
		text := head
		if i%2 == 1 {
			text += "Content-Length: 600000\r\n\r\n{" // with a body under way
		} else {
			text += "X-Slow: " // with a header under way
		}
		send(t, c, text)
	}
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() { // drop by drop
		defer close(ended)
		for {
			for _, c := range slow {
				_, _ = io.WriteString(c, "x")
			}
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	begin := time.Now()
	var longest time.Duration
	others := &http.Client{Transport: &http.Transport{}}
	defer others.CloseIdleConnections()
	for time.Since(begin) < time.Second+3*tick && (s.Load().Connections > 1 || time.Since(begin) < time.Second) {
		one := time.Now()
		res, err := others.Do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now()))
		if err != nil {
			t.Fatal(err)
		}
		if a := s.read(res); a.status != 200 {
			t.Fatalf("beside slow clients: %d %s", a.status, a.body)
		}
		longest = max(longest, time.Since(one))
		time.Sleep(5 * time.Millisecond)
	}
	close(stop)
	<-ended
	if longest > time.Second {
		t.Errorf("beside slow clients a call took %s", longest)
	}
	if n := s.Load().Connections; n > 1 {
		t.Errorf("%d connections are open after %s", n, time.Since(begin))
	}
}
