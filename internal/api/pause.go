package api

import (
	"context"
	"net"
	"time"
)

// connKey is where a request's context has its connection.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// pause has nothing read from the connection for a while, once the request that is under way has been answered. What the client sends meanwhile
// stays in the kernel, and costs nothing.
func (c *conn) pause(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > 0 && !c.deregistered {
		c.resting, c.closing = d, make(chan struct{})
	}
}

// noteRefusal notes that the client has waited in vain. A request of no connection of ours, as in some tests, has nothing to note it on.
func (c *conn) noteRefusal() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.refused = time.Now()
	c.mu.Unlock()
}

// wasRefused reports whether it has waited in vain within that time.
func (c *conn) wasRefused(within time.Duration) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.refused.IsZero() && time.Since(c.refused) < within
}

// rest waits until the pause is over, or the connection is closed. It is called, and returns, under the lock.
func (c *conn) rest() {
	d, closing := c.resting, c.closing
	c.resting = 0
	c.mu.Unlock()
	t := time.NewTimer(d)
	select {
	case <-t.C:
	case <-closing:
		t.Stop()
	}
	c.mu.Lock()
}
