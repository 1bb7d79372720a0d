package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/reqlog"
)

// Bounds of what is told live.
const (
	// maxStreams is how many pages may follow at once.
	maxStreams = 32
	// liveRows is how many requests one event tells of at most, and liveEvery how often there may be one: nobody reads faster. What is
	// more is left out, and the event says so. The log is asked so often rather than followed, because it would mask each request for its
	// followers while the caller waits, which takes longer than all the rest of a request.
	liveRows  = 50
	liveEvery = 250 * time.Millisecond
	// liveLook is how many requests one event masks at most, to find those that have a text in them.
	liveLook = 200
	// liveBeat is how often a page hears from a server that has nothing to tell: often enough for proxies that cut idle connections.
	liveBeat = 15 * time.Second
	// liveWrite is how long a page may take for what it is sent.
	liveWrite = 10 * time.Second
	// liveNames is for how long names are good: those of new buyers and products turn up a little later.
	liveNames = 10 * time.Second
)

// following is the state of all pages that follow.
type following struct {
	open    context.Context // ends with Close
	finish  context.CancelFunc
	streams atomic.Int32
}

func (l *following) begin() { l.open, l.finish = context.WithCancel(context.Background()) }

// Close ends what goes on until somebody ends it: pages that follow the requests would hold a server's shutdown up.
func (c *Console) Close() { c.live.finish() }

// liveEvent is what a page is told.
type liveEvent struct {
	Rows []requestRow // oldest first, each to be put on top
	Gap  bool         // some before these were left out
}

// liveRequests tells of requests as they end, as server-sent events (WHATWG HTML, section 9.2), until the client goes or Close is called.
func (c *Console) liveRequests(w http.ResponseWriter, r *http.Request) error {
	if c.log == nil {
		return noPage(w, r)
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" { // it could read nothing, but use up the streams
		return &httpError{http.StatusForbidden, "Only the console’s own pages can follow requests."}
	}
	f, problem := parseRequestFilter(r.URL.Query())
	after, known, err := followAfter(r)
	if problem != "" || err != nil {
		return &httpError{http.StatusUnprocessableEntity, "The address does not say what to follow: " + problem}
	}
	if f.scope, err = c.logScope(r.Context()); err != nil {
		return err
	}
	if c.live.streams.Add(1) > maxStreams {
		c.live.streams.Add(-1)
		w.Header().Set("Retry-After", "30")
		return &httpError{http.StatusServiceUnavailable, fmt.Sprintf("%d pages follow the requests already. Close one of them.", maxStreams)}
	}
	defer c.live.streams.Add(-1)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(c.live.open, cancel)()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	f.Before = 0
	s := stream{c: c, w: w, out: http.NewResponseController(w), filter: f}
	s.begin(after, known)
	s.run(ctx)
	return nil
}

// followAfter reads after which request a page wants to be told: the last one that a lost connection brought, or else the one in the
// address. known means that there is either; without, it is told of new ones only.
func followAfter(r *http.Request) (after uint64, known bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, false, nil
	}
	after, err = strconv.ParseUint(text, 10, 63)
	return after, err == nil, err
}

// stream is one page that follows.
type stream struct {
	c      *Console
	w      http.ResponseWriter
	out    *http.ResponseController
	filter requestFilter
	last   uint64 // sequence number up to which requests were looked at
	names  requestNames
	named  time.Time // when names were read
}

// begin says from where on the page is told.
func (s *stream) begin(after uint64, known bool) {
	newest := s.c.newestRequest(s.filter.scope)
	switch {
	case !known:
		s.last = newest
	case after <= newest:
		s.last = after
	default: // of a log before this one: the server was started again, and all that it has is new
		s.last = 0
	}
}

// run sends events until the page goes or ctx ends.
func (s *stream) run(ctx context.Context) {
	// Timeouts of the server are for requests that end. Where there are none to lift, there is nothing to do.
	_ = s.out.SetReadDeadline(time.Time{})
	beat, tick := time.NewTicker(liveBeat), time.NewTicker(liveEvery)
	defer beat.Stop()
	defer tick.Stop()
	alive := s.send([]byte("retry: 2000\n\n")) // milliseconds
	for alive {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			alive = stillSees(ctx) && s.tell(ctx)
		case <-beat.C:
			alive = s.send([]byte(": heartbeat\n\n"))
		}
	}
}

// tell sends what is new, and reports whether the page is still there.
func (s *stream) tell(ctx context.Context) bool {
	newest := s.c.newestRequest(s.filter.scope)
	if newest <= s.last {
		return true
	}
	views, gap := s.since(newest)
	s.last = newest
	if len(views) == 0 && !gap {
		return true
	}
	if now := time.Now(); now.Sub(s.named) > liveNames {
		s.names, s.named = s.c.requestNames(ctx), now
	}
	event := liveEvent{Gap: gap}
	for _, v := range slices.Backward(views) {
		event.Rows = append(event.Rows, s.filter.rowOf(v, s.names))
	}
	data, err := json.Marshal(event)
	if err != nil {
		s.c.logger.ErrorContext(ctx, "requests: encode event", "error", err)
		return false
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %d\nevent: requests\ndata: %s\n\n", s.last, data)
	return s.send(b.Bytes())
}

// since is what came after s.last, newest and newest first; gap means that there is more than an event can tell of.
func (s *stream) since(newest uint64) (views []reqlog.View, gap bool) {
	q := s.filter.query(liveRows)
	q.Before, q.After, q.Look = newest+1, s.last, liveLook
	found := s.c.log.Search(q)
	return found.Views, found.Next != 0
}

func (s *stream) send(event []byte) bool {
	_ = s.out.SetWriteDeadline(time.Now().Add(liveWrite))
	_, err := s.w.Write(event)
	return err == nil && s.out.Flush() == nil
}
