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

// listener hands out conns, and enforces their deadlines.
//
// net/http moves a connection's deadlines four times a request, and each move reschedules a runtime timer, which can cost a wake-up of the
// network poller: on one core that was a third of the time of a request. Nearly none of these deadlines is ever reached. So a conn only notes
// them, and the listener looks once a tick whether any has passed, and arms the real one then. A deadline is late by a tick at most.
//
// Deadlines are kept as the time since the listener's start, by the monotonic clock: a wall clock that is stepped neither ends
// connections nor keeps them.
//
// What net/http answers by itself (headers that are too large, a malformed request line, an unknown transfer coding) it writes as plain text, which
// SDKs report as a deserialization error; the connections put the AWS error of the same meaning in its place, and tell answered.
//
// With a TLS configuration the connections speak TLS, and HTTP/1.1 only: net/http takes HTTP/2 from a *tls.Conn alone, and its
// own plain-text answers with it.
type listener struct {
	net.Listener
	answered func(remote, requestID string, f *awsproto.Fault)
	start    time.Time
	ticked   atomic.Int64 // time since start, as of the last tick

	mu     sync.Mutex
	conns  map[*conn]struct{}
	ticker bool // the goroutine that ticks is running
}

// tick is how often deadlines are looked at. The shortest one here is 10 seconds.
const tick = time.Second

func newListener(ln net.Listener, conf *tls.Config, answered func(remote, requestID string, f *awsproto.Fault)) *listener {
	if conf != nil {
		conf = conf.Clone()
		conf.NextProtos = []string{"http/1.1"}
		ln = tls.NewListener(ln, conf)
	}
	return &listener{Listener: ln, answered: answered, start: time.Now(), conns: map[*conn]struct{}{}}
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := &conn{Conn: c, l: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[w] = struct{}{}
	if !l.ticker {
		l.ticker = true
		l.ticked.Store(int64(time.Since(l.start)))
		go l.watch()
	}
	return w, nil
}

func (l *listener) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// watch ticks for as long as there are connections; the listener may be closed long before, while they drain.
func (l *listener) watch() {
	t := time.NewTicker(tick)
	defer t.Stop()
	var late []*conn
	for range t.C {
		now := int64(time.Since(l.start))
		l.ticked.Store(now)
		l.mu.Lock()
		if len(l.conns) == 0 {
			l.ticker = false
			l.mu.Unlock()
			return
		}
		late = late[:0]
		for c := range l.conns {
			if c.late(now) {
				late = append(late, c)
			}
		}
		l.mu.Unlock()
		for _, c := range late {
			c.expire(now)
		}
	}
}

// conn is a connection of the AWS face: its deadlines are lazy, and what net/http writes by itself is put into AWS's words (Write).
type conn struct {
	net.Conn
	l *listener

	mu           sync.Mutex
	read, write  deadline
	reading      bool // a Read is under way below
	deregistered bool
}

// deadline is one that was asked for. passed says that it was in the past already, which net/http uses to end a read of its own after each
// request; armed, that the connection below has one, which then has passed.
type deadline struct {
	at     int64 // nanoseconds since the listener's start; 0: none
	passed bool
	armed  bool
}

// note takes down a deadline. If below is set, the deadline of the connection below has to be made until: the past, to end what waits there, or
// the zero time, to clear what was armed.
func (d *deadline) note(t time.Time, l *listener, waiting bool) (until time.Time, below bool) {
	wasArmed := d.armed
	*d = deadline{}
	if t.IsZero() {
		return time.Time{}, wasArmed
	}
	d.at = max(int64(t.Sub(l.start)), 1)
	if d.at > l.ticked.Load() { // to come: the listener will see
		return time.Time{}, wasArmed
	}
	d.passed, d.armed = true, waiting || wasArmed
	return t, d.armed
}

func (d *deadline) late(now int64) bool { return d.at != 0 && d.at <= now && !d.passed && !d.armed }

// Read answers for a deadline that has passed without asking the connection below.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if c.read.passed {
		c.mu.Unlock()
		return 0, os.ErrDeadlineExceeded
	}
	c.reading = true
	c.mu.Unlock()
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.reading = false
	c.mu.Unlock()
	return n, err
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until, below := c.read.note(t, c.l, c.reading); below {
		return c.Conn.SetReadDeadline(until)
	}
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until, below := c.write.note(t, c.l, true); below {
		return c.Conn.SetWriteDeadline(until)
	}
	return nil
}

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *conn) late(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read.late(now) || c.write.late(now)
}

// expire arms what has passed, which ends reads and writes that wait. It looks again: the deadline may have been moved meanwhile.
func (c *conn) expire(now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	past := time.Unix(1, 0)
	if c.read.late(now) {
		c.read.armed = true
		_ = c.Conn.SetReadDeadline(past) // fails on a closed connection, which is past waiting
	}
	if c.write.late(now) {
		c.write.armed = true
		_ = c.Conn.SetWriteDeadline(past)
	}
}

func (c *conn) Close() error {
	c.mu.Lock()
	again := c.deregistered
	c.deregistered = true
	c.mu.Unlock()
	if !again {
		c.l.remove(c)
	}
	return c.Conn.Close()
}

// CloseWrite lets net/http end its own answers gracefully.
func (c *conn) CloseWrite() error {
	if cw, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return cw.CloseWrite()
	}
	return nil
}
