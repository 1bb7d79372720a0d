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
func pair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := newListener(inner, nil, func(string, string, *awsproto.Fault) {})
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

func mustSet(t *testing.T, set func(time.Time) error, at time.Time) {
	t.Helper()
	if err := set(at); err != nil {
		t.Fatal(err)
	}
}

func readOne(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

var longAgo = time.Unix(1, 0)

func TestConnDeadlines(t *testing.T) {
	t.Run("past, nothing waits", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t)
		mustSet(t, s.SetReadDeadline, longAgo)
		if err := readOne(s); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		mustSet(t, s.SetReadDeadline, time.Time{})
		_, _ = io.WriteString(c, "x")
		if err := readOne(s); err != nil {
			t.Errorf("after clearing: %v", err)
		}
	})
	t.Run("past, a read waits", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t)
		done := make(chan error, 1)
		go func() { done <- readOne(s) }()
		time.Sleep(20 * time.Millisecond)
		mustSet(t, s.SetReadDeadline, longAgo)
		select {
		case err := <-done:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("the read goes on waiting")
		}
		mustSet(t, s.SetReadDeadline, time.Now().Add(time.Hour)) // clears what was armed below
		_, _ = io.WriteString(c, "x")
		if err := readOne(s); err != nil {
			t.Errorf("after moving it: %v", err)
		}
		mustSet(t, s.SetReadDeadline, time.Time{})
		_, _ = io.WriteString(c, "x")
		if err := readOne(s); err != nil {
			t.Errorf("after clearing: %v", err)
		}
	})
	t.Run("to come, and it comes", func(t *testing.T) {
		t.Parallel()
		s, _ := pair(t)
		begin := time.Now()
		mustSet(t, s.SetReadDeadline, begin.Add(1500*time.Millisecond))
		if err := readOne(s); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if took := time.Since(begin); took < 1500*time.Millisecond || took > 6*time.Second {
			t.Errorf("ended after %s", took)
		}
	})
	t.Run("to come, and moved", func(t *testing.T) {
		t.Parallel()
		s, c := pair(t)
		mustSet(t, s.SetReadDeadline, time.Now().Add(1200*time.Millisecond))
		mustSet(t, s.SetReadDeadline, time.Now().Add(time.Hour))
		done := make(chan error, 1)
		go func() { done <- readOne(s) }()
		time.Sleep(2500 * time.Millisecond)
		_, _ = io.WriteString(c, "x")
		if err := <-done; err != nil {
			t.Errorf("read: %v", err)
		}
	})
	t.Run("a writer that nobody reads", func(t *testing.T) {
		t.Parallel()
		s, _ := pair(t)
		mustSet(t, s.SetDeadline, time.Now().Add(1200*time.Millisecond))
		_, err := s.Write(make([]byte, 64<<20))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
	})
}

// A client that is too slow over its headers is cut off; one that is too slow over its body is told so.
func TestSlowClients(t *testing.T) {
	s := startWith(t, func(s *Server) { s.http.ReadHeaderTimeout, s.http.ReadTimeout = time.Second, 2*time.Second })
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
