package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// counted counts the writes that come down.
type counted struct {
	net.Conn
	mu    sync.Mutex
	sizes []int
}

func (c *counted) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.sizes = append(c.sizes, len(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// take is the writes since it was called before.
func (c *counted) take() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	sizes := c.sizes
	c.sizes = nil
	return sizes
}

// An answer whose length is told goes down in one write, however net/http hands it over; the next one, too.
func TestAnswersGoInOneWrite(t *testing.T) {
	for _, size := range []int{1, 100, 2000, 3900, 3950, 4096, 4097, 5000, 8191, 8192, 8193, 20_000, maxGathered, maxGathered + 1, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			server, client := pair(t, generous)
			below := &counted{Conn: server.(*conn).Conn}
			server.(*conn).Conn = below
			body := strings.Repeat("x", size)
			s := &http.Server{
				ConnContext: withConn,
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", fmt.Sprint(size))
					expectBody(r.Context(), size)
					_, _ = io.WriteString(w, body)
				}),
			}
			go func() { _ = s.Serve(&once{conn: server, done: t.Context().Done()}) }()
			t.Cleanup(func() { _ = s.Close() })
			for range 3 {
				send(t, client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
				got := make([]byte, 0, size+200)
				for !strings.HasSuffix(string(got), "\r\n\r\n"+body) {
					b := make([]byte, 64<<10)
					n, err := client.Read(b)
					if err != nil {
						t.Fatalf("%v after %d bytes", err, len(got))
					}
					got = append(got, b[:n]...)
				}
				if sizes := below.take(); size <= maxGathered && len(sizes) != 1 {
					t.Errorf("writes of %d bytes", sizes)
				}
			}
		})
	}
}

// once hands out one connection.
type once struct {
	conn net.Conn
	done <-chan struct{}
}

func (o *once) Accept() (net.Conn, error) {
	if c := o.conn; c != nil {
		o.conn = nil
		return c, nil
	}
	<-o.done
	return nil, net.ErrClosed
}

func (o *once) Close() error   { return nil }
func (o *once) Addr() net.Addr { return &net.TCPAddr{} }

// What is no answer with headers is passed on as it comes.
func TestGatherKeepsNothingElse(t *testing.T) {
	server, client := pair(t, generous)
	c := server.(*conn)
	expectBody(withConn(context.Background(), c), 10_000)
	if n, err := c.Write([]byte("no headers")); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	if err := read(client, 10); err != nil || c.owed != 0 || c.gathered != nil {
		t.Errorf("%v; %d bytes are owed", err, c.owed)
	}
	expectBody(context.Background(), 10) // of no connection of ours: nothing to tell
}
