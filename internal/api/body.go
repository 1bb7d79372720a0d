package api

import (
	"errors"
	"io"
	"net"
	"sync/atomic"

	"github.com/souk-market/souk/internal/awsproto"
)

// Room for bodies, in bytes. A body is read into a buffer that grows with what has arrived, not with what was announced: a client that announces a
// megabyte and sends none takes none. What a body has beyond smallBody is taken from the budget of all. An SDK's batch of 25 records has some 6 KB, so it
// never is; a body of the largest size finds room while 63 others of its kind are under way.
const (
	smallBody  = 16 << 10
	bodyBudget = 64 << 20
)

// budget is memory that requests share.
type budget struct{ left atomic.Int64 }

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

func (b *budget) giveBack(n int64) {
	if n != 0 {
		b.left.Add(n)
	}
}

// readBody reads the request's body into the record.
func (q *call) readBody() *awsproto.Fault {
	r := q.r
	if r.ContentLength > MaxBody {
		q.closing = true
		q.rec.BodySize = int(min(r.ContentLength, 1<<40))
		return awsproto.RequestEntityTooLarge(MaxBody)
	}
	buf := q.rec.Body[:0]
	if n := int(r.ContentLength); n >= cap(buf) {
		buf = make([]byte, 0, min(n+1, smallBody))
	}
	for {
		if len(buf) == cap(buf) {
			var ok bool
			if buf, ok = q.grow(buf); !ok {
				q.closing = true
				return q.refuse(NoRoom, "the bodies of other requests take all the memory that there is for them")
			}
		}
		n, err := r.Body.Read(buf[len(buf):min(cap(buf), MaxBody+1)])
		buf = buf[:len(buf)+n]
		q.rec.Body = buf
		switch {
		case len(buf) > MaxBody:
			q.closing = true
			return awsproto.RequestEntityTooLarge(MaxBody)
		case err == io.EOF:
			return nil
		case err != nil:
			q.closing = true
			q.rec.Reason = "body: " + err.Error()
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return awsproto.RequestTimeout()
			}
			return awsproto.MalformedHTTPRequest("request body is cut short or badly chunked")
		}
	}
}

// grow doubles the room of a body, as far as it can be needed and the budget has it.
func (q *call) grow(buf []byte) (_ []byte, ok bool) {
	size := min(max(2*cap(buf), 512), MaxBody+1)
	if n := int(q.r.ContentLength) + 1; n > cap(buf) {
		size = min(size, n)
	}
	if more := int64(size-smallBody) - q.charged; more > 0 && q.s.admission.maxWait > 0 {
		if !q.s.admission.bodies.take(more) {
			return buf, false
		}
		q.charged += more
	}
	return append(make([]byte, 0, size), buf...), true
}
