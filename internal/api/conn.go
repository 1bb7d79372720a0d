package api

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/awsproto"
)

// timeouts bound how long a connection may wait for its client. Each holds to within a tick.
type timeouts struct {
	idle    time.Duration // for the next request
	request time.Duration // for the rest of a request, from its first byte on
	write   time.Duration // for the client to take an answer
}

// tick is how often connections are looked at.
const tick = time.Second

// listener hands out conns, bounds their waiting, and puts AWS's words in the place of net/http's own.
//
// net/http's timeouts read the clock and move the connection's deadlines several times a request, and each move reschedules a runtime timer, which
// can wake the network poller: measured on one core, that was a tenth of a request. Nearly none of these deadlines is ever reached. So a conn only
// notes what it waits for and since which tick, and the listener looks once a tick whether anybody has waited too long. It counts
// the monotonic clock: a wall clock that is stepped neither ends connections nor keeps them.
//
// What net/http answers by itself (headers that are too large, a malformed request line, an unknown transfer coding) it writes as plain text, which
// SDKs report as a deserialization error; the connections put the AWS error of the same meaning in its place, and tell answered.
//
// With a TLS configuration the connections speak TLS, and HTTP/1.1 only: net/http takes HTTP/2 from a *tls.Conn alone, and its
// own plain-text answers with it.
type listener struct {
	net.Listener
	limits   timeouts
	capacity *capacity
	answered func(remote, requestID string, f *awsproto.Fault)
	start    time.Time
	ticked   atomic.Int64 // time since start, as of the last tick

	mu     sync.Mutex
	conns  map[*conn]struct{}
	ticker bool // the goroutine that ticks is running
}

func newListener(ln net.Listener, conf *tls.Config, limits timeouts, answered func(remote, requestID string, f *awsproto.Fault)) *listener {
	ln = lean{ln}
	if conf != nil {
		conf = conf.Clone()
		conf.NextProtos = []string{"http/1.1"}
		ln = tls.NewListener(ln, conf)
	}
	return &listener{Listener: ln, limits: limits, capacity: newCapacity(0), answered: answered, start: time.Now(), conns: map[*conn]struct{}{}}
}

func (l *listener) Accept() (net.Conn, error) {
	if !l.capacity.enter() {
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		l.capacity.leave()
		return nil, err
	}
	l.capacity.open.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ticker {
		l.ticker = true
		l.ticked.Store(int64(time.Since(l.start)))
		go l.watch()
	}
	w := &conn{Conn: c, l: l, since: l.ticked.Load()}
	l.conns[w] = struct{}{}
	return w, nil
}

// Close ends Accept, also where it waits for a connection to go.
func (l *listener) Close() error {
	l.capacity.close()
	return l.Listener.Close()
}

func (l *listener) remove(c *conn) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	l.capacity.open.Add(-1)
	l.capacity.leave()
}

// watch ticks for as long as there are connections; the listener may be closed long before, while they drain.
func (l *listener) watch() {
	t := time.NewTicker(tick)
	defer t.Stop()
	var all []*conn
	for range t.C {
		now := int64(time.Since(l.start))
		l.ticked.Store(now)
		l.mu.Lock()
		if len(l.conns) == 0 {
			l.ticker = false
			l.mu.Unlock()
			return
		}
		all = all[:0]
		for c := range l.conns {
			all = append(all, c)
		}
		l.mu.Unlock()
		limits := l.limits
		if l.capacity.full() {
			limits.idle = min(limits.idle, crowdedIdle)
		}
		for _, c := range all {
			c.expire(now, limits)
		}
		clear(all) // holds no connection for as long as there are fewer
	}
}

// longAgo ends what waits on a connection.
var longAgo = time.Unix(1, 0)

// conn is a connection of the AWS face.
type conn struct {
	net.Conn
	l *listener

	owed     int     // how much of an answer's body is still to be written, where that is known: see gather
	gathered *[]byte // its pieces; nil: there are none

	mu           sync.Mutex
	since        int64 // tick since which the client has been waited for: the end of the last answer, or the first byte of a request
	looked       bool  // its request line was looked at
	cbor         bool  // and it is of Smithy RPC v2 CBOR
	asking       bool  // a request has begun to arrive, and is not answered yet
	reading      bool  // a Read is under way below
	watching     bool  // it is the one by which net/http notices that a client hangs up: nobody waits for it
	writing      int64 // tick since which a Write has been under way; 0: none is
	expired      bool  // the client was waited for too long: nothing is read from it any more
	passed       bool  // net/http has put a read deadline into the past
	armed        bool  // and the connection below has it too
	deregistered bool

	resting time.Duration // how long to read nothing before the next request
	closing chan struct{} // closed with the connection, if it ever rested
	refused time.Time     // when a request of it last waited for its turn in vain
}

// expire ends what has waited for the client too long. The answer that says so can still be written.
func (c *conn) expire(now int64, limits timeouts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := limits.idle
	if c.asking {
		limit = limits.request
	}
	if c.reading && !c.watching && now-c.since > int64(limit) {
		c.expired = true
		_ = c.Conn.SetReadDeadline(longAgo) // fails on a closed connection, which is past waiting
	}
	if c.writing != 0 && now-c.writing > int64(limits.write) {
		_ = c.Conn.SetWriteDeadline(longAgo)
	}
}

// Read notes what it waits for. A Read of one byte is net/http's watch for clients that hang up while a handler runs.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if c.passed {
		c.mu.Unlock()
		return 0, os.ErrDeadlineExceeded
	}
	if c.resting > 0 && !c.asking && len(p) > 1 {
		c.rest()
	}
	c.reading, c.watching = true, len(p) == 1
	c.mu.Unlock()
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.reading = false
	if n > 0 && !c.asking {
		c.asking, c.since, c.looked = true, c.l.ticked.Load(), false
	}
	if n > 1 && !c.looked { // the first byte alone tells nothing: net/http's watch reads that
		c.looked, c.cbor = true, cborLine(p[:n])
	}
	c.mu.Unlock()
	return n, err
}

// write passes an answer on; with it, the wait for the next request begins.
func (c *conn) write(p []byte) (int, error) {
	now := max(c.l.ticked.Load(), 1)
	c.mu.Lock()
	c.writing = now
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	c.writing, c.asking, c.since = 0, false, now
	c.mu.Unlock()
	return n, err
}

// SetReadDeadline is how net/http ends its watch after each request: by a deadline in the past, and then none. Where nothing waits below, that is
// answered without asking it. Other deadlines are not set here: the listener bounds the waiting.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.expired:
		return nil
	case t.IsZero():
		c.passed = false
		if !c.armed {
			return nil
		}
		c.armed = false
	default:
		c.passed = true
		if !c.reading {
			return nil
		}
		c.armed = true
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline does nothing: the listener bounds the writing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline is SetReadDeadline: see there.
func (c *conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *conn) Close() error {
	c.mu.Lock()
	again := c.deregistered
	c.deregistered = true
	if c.closing != nil && !again {
		close(c.closing)
	}
	c.mu.Unlock()
	err := c.Conn.Close()
	if !again {
		c.l.remove(c) // last: its place is that of a file descriptor
	}
	return err
}

// CloseWrite lets net/http end its own answers gracefully.
func (c *conn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}
