package api

import (
	"bytes"
	"context"
	"sync"
)

// net/http hands an answer of more than 4 KiB down in two pieces or more: headers and the beginning, then the rest. Each would be a system call, on
// loopback with the whole way through the kernel to the client's side and its being woken. So a handler says how long its answer's body is, and the
// connection keeps the pieces until it has them all.

// maxGathered bounds what is kept so. Longer answers go in net/http's pieces.
const maxGathered = 64 << 10

var gatherings = sync.Pool{New: func() any { return new([]byte) }}

// expectBody tells the connection of a request, if it is one of ours, that an answer with a body of n bytes comes next.
func expectBody(ctx context.Context, n int) {
	if n > maxGathered {
		return
	}
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		c.owed = n
	}
}

// gather keeps p where more of the answer is to come: then whole is nil. Else whole is what is to be written. It is called by who writes the answer, as
// expectBody is, and by nobody else meanwhile.
func (c *conn) gather(p []byte) (whole []byte) {
	if c.gathered == nil {
		head := bytes.Index(p, []byte("\r\n\r\n"))
		if head < 0 {
			c.owed = 0
			return p
		}
		c.owed += head + len("\r\n\r\n")
	}
	c.owed -= len(p)
	switch {
	case c.owed > 0:
		if c.gathered == nil {
			c.gathered = gatherings.Get().(*[]byte)
		}
		*c.gathered = append(*c.gathered, p...)
		return nil
	case c.gathered == nil: // all of it came at once
		c.owed = 0
		return p
	}
	c.owed = 0
	*c.gathered = append(*c.gathered, p...)
	return *c.gathered
}

// writeGathered is write for an answer of which the handler has told the length.
func (c *conn) writeGathered(p []byte) (int, error) {
	whole := c.gather(p)
	if whole == nil {
		return len(p), nil
	}
	_, err := c.write(whole)
	if c.gathered != nil {
		*c.gathered = (*c.gathered)[:0]
		gatherings.Put(c.gathered)
		c.gathered = nil
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}
