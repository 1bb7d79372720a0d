package api

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// capacity counts the connections that are open, and bounds them. Beyond the bound clients wait where the kernel keeps them until they are accepted, and no
// file descriptor is used up that the store may need. While it is full, connections that ask nothing go soon.
type capacity struct {
	places chan struct{} // nil: there is no bound
	open   atomic.Int64
	closed chan struct{}
	once   sync.Once
}

// crowdedIdle is how long a connection may ask nothing while there is no place for another one.
const crowdedIdle = 5 * time.Second

func newCapacity(most int) *capacity {
	c := &capacity{closed: make(chan struct{})}
	if most > 0 {
		c.places = make(chan struct{}, most)
	}
	return c
}

// enter waits for a place; false: there will be none any more.
func (c *capacity) enter() bool {
	if c.places != nil {
		select {
		case c.places <- struct{}{}:
		case <-c.closed:
			return false
		}
	}
	return true
}

// leave gives a place back.
func (c *capacity) leave() {
	if c.places != nil {
		<-c.places
	}
}

func (c *capacity) full() bool { return c.places != nil && len(c.places) == cap(c.places) }

// lean is a listener whose connections keep little for clients that do not read. By itself Linux lets a connection's answers grow to some megabytes in
// the kernel (tcp_wmem); twenty thousand clients that ask without reading would take all the memory there is.
type lean struct{ net.Listener }

// writeBuffer is how many bytes of answers the kernel is asked to keep for a client: a few of the usual ones. Linux doubles it.
const writeBuffer = 64 << 10

// Accept accepts a connection.
func (l lean) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetWriteBuffer(writeBuffer) // of a connection that is gone already, it fails
	}
	return c, err
}

func (c *capacity) close() { c.once.Do(func() { close(c.closed) }) }
