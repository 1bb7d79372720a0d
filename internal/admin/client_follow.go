package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/souk-market/souk/internal/reqlog"
)

const (
	// followSilence is after how long a server that sends nothing, not even a heartbeat, is taken for gone.
	followSilence = 3 * heartbeat
	// maxEvent bounds one line of what is followed, in bytes: a record's bodies, each of up to reqlog.MaxBody bytes that JSON may
	// write as six characters, its headers, and room.
	maxEvent = 2*6*reqlog.MaxBody + 1<<20
)

// Follow yields each request that the AWS face answers from now on, until ctx ends, the loop breaks, or the server shuts down. If it ends for
// another reason, that is the last thing it yields. A client that does not keep up misses requests, as the gaps in their Seq show.
func (c *Client) Follow(ctx context.Context) iter.Seq2[reqlog.View, error] {
	return func(yield func(reqlog.View, error) bool) {
		err := c.follow(ctx, func(v reqlog.View) bool { return yield(v, nil) })
		if err != nil && ctx.Err() == nil {
			yield(reqlog.View{}, err)
		}
	}
}

var errSilence = errors.New("nothing was heard of it for too long")

// follow hands out requests until each answers false.
func (c *Client) follow(ctx context.Context, each func(reqlog.View) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	res, err := c.send(ctx, call{method: "GET", path: "/api/v1/requests/follow"})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	silence := time.AfterFunc(followSilence, func() { cancel(errSilence) })
	defer silence.Stop()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if ok { // the server writes an event's data in one line
			var v reqlog.View
			if err := json.Unmarshal(data, &v); err != nil {
				return c.notSouk(res)
			}
			silence.Stop() // the time that each takes is not the server's
			if !each(v) {
				return nil
			}
		}
		silence.Reset(followSilence)
	}
	err = lines.Err()
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("follow requests at %s: %w", c.base, err)
}
