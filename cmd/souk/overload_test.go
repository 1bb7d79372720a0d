package main

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// The bound of connections holds, and the metrics tell how much there is to do.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	n := startTest(t, func(c *nodeConfig) { c.MaxConnections, c.MaxWait = 1, time.Second })
	ask := func() net.Conn {
		c, err := net.Dial("tcp", strings.TrimPrefix(n.Endpoint, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	answered := func(c net.Conn, within time.Duration) bool {
		_ = c.SetReadDeadline(time.Now().Add(within))
		_, err := http.ReadResponse(bufio.NewReader(c), nil)
		return err == nil
	}
	first, second := ask(), ask()
	if !answered(first, 5*time.Second) || answered(second, 200*time.Millisecond) {
		t.Error("not the first connection alone was answered")
	}
	res, err := http.Get(n.Control + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"souk_connections 1\n", "souk_requests_waiting 0\n", "souk_late_seconds ", "souk_large_bodies_bytes 0\n",
		`souk_shed_total{cause="processor"} 0`, `souk_shed_total{cause="turn"} 0`, `souk_shed_total{cause="body"} 0`,
	} {
		if !strings.Contains(string(page), line) {
			t.Errorf("the metrics have no %q", line)
		}
	}
	_ = first.Close()
	if !answered(second, 5*time.Second) {
		t.Error("the second is not answered when the first has gone")
	}
}

func TestNegativeBounds(t *testing.T) {
	for name, f := range map[string]nodeFlags{"MaxWait": {MaxWait: -1}, "MaxConnections": {MaxConnections: -1}} {
		f.UsageWindow = market.DefaultUsageWindow
		if err := f.Validate(); err == nil {
			t.Errorf("%s of -1 is taken", name)
		}
	}
}

// Never more connections than files, less those that are needed for other things.
func TestMaxConnectionsAndFiles(t *testing.T) {
	files, ok := openFiles()
	if !ok {
		t.Skip("this system does not bound open files, or does not say so")
	}
	most := max(files-reservedFiles, files/2)
	log := slog.New(slog.DiscardHandler)
	for wanted, want := range map[int]int{0: most, 1: 1, most: most, most + 1: most, 1 << 31: most} {
		if got := maxConnections(wanted, log); got != want {
			t.Errorf("of %d wanted %d, want %d", wanted, got, want)
		}
	}
}
