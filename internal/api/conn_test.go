package api

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/reqlog"
)

// pair is a connection of the AWS face's kind, and its other end.
func pair(t *testing.T, limits timeouts) (server, client net.Conn) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := newListener(inner, nil, limits, func(string, string, *awsproto.Fault) {})
	t.Cleanup(func() { _ = ln.Close() })
	client, err = net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server, client
}

func read(c net.Conn, n int) error {
	_, err := c.Read(make([]byte, n))
	return err
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

var generous = timeouts{idle: time.Hour, request: time.Hour, write: time.Hour}

func TestConnDeadlines(t *testing.T) {
	t.Run("in the past, and nothing waits", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t, generous)
		_ = s.SetReadDeadline(longAgo)
		if err := read(s, 1); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		_ = s.SetReadDeadline(time.Time{})
		send(t, c, "x")
		if err := read(s, 1); err != nil {
			t.Errorf("after clearing: %v", err)
		}
	})
	t.Run("in the past, and a read waits", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t, generous)
		done := make(chan error, 1)
		go func() { done <- read(s, 1) }()
		time.Sleep(20 * time.Millisecond)
		_ = s.SetReadDeadline(longAgo)
		select {
		case err := <-done:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("the read goes on waiting")
		}
		_ = s.SetReadDeadline(time.Time{})
		send(t, c, "x")
		if err := read(s, 1); err != nil {
			t.Errorf("after clearing: %v", err)
		}
	})
}

// Each limit ends what it is about, not before its time, and nothing else.
func TestConnTimeouts(t *testing.T) {
	soon := 1500 * time.Millisecond
	ends := func(t *testing.T, begin time.Time, err error) {
		t.Helper()
		if took := time.Since(begin); !errors.Is(err, os.ErrDeadlineExceeded) || took < soon-tick || took > soon+4*tick {
			t.Errorf("%v after %s", err, took)
		}
	}
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		s, _ := pair(t, timeouts{idle: soon, request: time.Hour, write: time.Hour})
		begin := time.Now()
		ends(t, begin, read(s, 100))
	})
	t.Run("in the middle of a request", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t, timeouts{idle: time.Hour, request: soon, write: time.Hour})
		send(t, c, "x")
		if err := read(s, 100); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		ends(t, begin, read(s, 100))
	})
	t.Run("in drops", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t, timeouts{idle: time.Hour, request: soon, write: time.Hour})
		go func() {
			for range 100 {
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		begin := time.Now()
		var err error
		for err == nil {
			err = read(s, 100)
		}
		ends(t, begin, err)
	})
	t.Run("a writer that nobody reads", func(t *testing.T) {
		t.Parallel()
		s, _ := pair(t, timeouts{idle: time.Hour, request: time.Hour, write: soon})
		begin := time.Now()
		_, err := s.Write(make([]byte, 64<<20))
		ends(t, begin, err)
	})
	t.Run("not while a handler runs", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t, timeouts{idle: tick, request: tick, write: tick})
		send(t, c, "request")
		if err := read(s, 100); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- read(s, 1) }() // net/http's watch
		time.Sleep(4 * tick)
		send(t, c, "x")
		if err := <-done; err != nil {
			t.Errorf("the watch ended: %v", err)
		}
	})
	t.Run("begins anew with each answer", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t, timeouts{idle: time.Hour, request: soon, write: time.Hour})
		for range 3 {
			send(t, c, "request")
			if err := read(s, 100); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Write([]byte("answer")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(soon)
		}
	})
}

// A client that is too slow over its headers is cut off; one that is too slow over its body is told so.
func TestSlowClients(t *testing.T) {
	s := startWith(t, func(s *Server) { s.limits.request = time.Second })
	head := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSMPMeteringService.ResolveCustomer\r\n"
	for name, tt := range map[string]struct{ sent, want string }{
		"headers": {head, ""}, "body": {head + "Content-Length: 100\r\n\r\n{", "RequestTimeoutException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, tt.sent); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
			b, err := io.ReadAll(c)
			if err != nil {
				t.Errorf("the connection was not ended: %v", err)
			}
			if !strings.Contains(string(b), tt.want) || tt.want == "" && len(b) > 0 && !strings.Contains(string(b), "x-amz-json") {
				t.Errorf("answered %q, want %s", b, tt.want)
			}
		})
	}
}

// A call that a fault rule holds does not hold the house: it is let go when the house closes, and answered.
func TestShutdownEndsDelays(t *testing.T) {
	s := start(t)
	p := s.buy(legacyCode)
	if _, err := s.Faults.Add(fault.Rule{Delay: fault.MaxDelay}); err != nil {
		t.Fatal(err)
	}
	done := make(chan answer, 1)
	go func() { done <- s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())) }()
	time.Sleep(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if a := <-done; a.status != 200 {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

// What net/http answers by itself is in the records too, under the id that the answer has.
func TestBareAnswersAreRecorded(t *testing.T) {
	s := start(t)
	a := s.raw("nonsense\r\n\r\n")
	v := s.record(a.header.Get("x-amzn-RequestId"))
	if v.ErrorCode != "MalformedHttpRequestException" || v.Status != 400 {
		t.Errorf("record %+v", v)
	}
	var long []reqlog.View
	r := s.request("x")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+strings.Repeat("A", 9000)+"/20261123/us-east-1/aws-marketplace/aws4_request, SignedHeaders=host, Signature=00")
	s.do(r)
	long = s.Records.List(reqlog.Filter{Limit: 1})
	if len(long[0].AccessKeyID) > 128 {
		t.Errorf("the record holds an access key id of %d characters", len(long[0].AccessKeyID))
	}
}
