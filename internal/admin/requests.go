package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/replay"
	"github.com/souk-market/souk/internal/reqlog"
)

// RequestPage is a part of the list of requests that the AWS face answered, newest first.
type RequestPage struct {
	Requests []reqlog.View `json:"requests"`
	// Next is what to ask for with RequestQuery.Before; 0 at the end. A page may be short of its limit, or empty, and still have one: a search for text
	// looks at so many requests at a time.
	Next uint64 `json:"next,omitempty"`
}

// ReplayInput is how a request is sent again.
type ReplayInput struct {
	Body *string `json:"body,omitempty"` // JSON, in place of what was sent; nil: that
}

const (
	// maxSought bounds the text that is searched for, in bytes.
	maxSought = 1 << 10
	// heartbeat is how often a follower hears from a server that has nothing to tell: often enough for proxies that cut
	// idle connections (nginx, proxy_read_timeout, and AWS's Application Load Balancer, idle timeout: 60 seconds each).
	heartbeat = 15 * time.Second
	// followWrite is how long a follower may take for what it is sent.
	followWrite = 10 * time.Second
)

func (a *API) listRequests(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := number(q, "limit", defaultLimit, 1, maxLimit)
	if err != nil {
		return err
	}
	before, err := number[uint64](q, "before", 0, 1, math.MaxInt64)
	if err != nil {
		return err
	}
	query := reqlog.Query{
		Filter: reqlog.Filter{
			Operation: q.Get("operation"), Outcome: q.Get("outcome"), Principal: q.Get("principal"), Product: q.Get("product"),
			Buyer: q.Get("buyer"), License: q.Get("license"), Before: before, Limit: limit,
		},
		Text: q.Get("text"), Call: q.Get("call"),
	}
	if len(query.Text) > maxSought {
		return invalid("text", "must be %d bytes long at most", maxSought)
	}
	found := a.log.Search(query)
	page := RequestPage{Requests: listOf(found.Views), Next: found.Next}
	for i := range page.Requests {
		page.Requests[i].Headers = listOf(page.Requests[i].Headers)
	}
	return answer(w, http.StatusOK, page)
}

func (a *API) getRequest(w http.ResponseWriter, r *http.Request) error {
	v, ok := a.log.Get(r.PathValue("id"))
	if !ok {
		return refuse(http.StatusNotFound, CodeNotFound, "there is no request %q; only the newest are kept", r.PathValue("id"))
	}
	v.Headers = listOf(v.Headers)
	return answer(w, http.StatusOK, v)
}

// replayRequest sends a request again, its body edited or not, and answers with the record of the new one.
func (a *API) replayRequest(w http.ResponseWriter, r *http.Request) error {
	if a.replay == nil {
		return notOffered("requests that are sent again")
	}
	v, ok := a.log.Get(r.PathValue("id"))
	if !ok {
		return refuse(http.StatusNotFound, CodeNotFound, "there is no request %q; only the newest are kept", r.PathValue("id"))
	}
	var in ReplayInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	unhurried(w) // a fault rule may hold it up
	again, err := a.replay.Send(r.Context(), &v, in.Body)
	var (
		impossible replay.Impossible
		bad        replay.BadBody
		unanswered replay.Unanswered
	)
	switch {
	case errors.As(err, &impossible):
		return refuse(http.StatusConflict, CodeConflict, "%v", err)
	case errors.As(err, &bad):
		return invalid("body", "cannot be sent: %v", err)
	case errors.As(err, &unanswered):
		return refuse(http.StatusServiceUnavailable, CodeUnavailable, "%v", err)
	case err != nil:
		return err
	}
	again.Headers = listOf(again.Headers)
	return answer(w, http.StatusCreated, again)
}

// followRequests sends each request as it is answered, as server-sent events (WHATWG HTML, section 9.2), until the client goes or Close is called.
func (a *API) followRequests(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.open, cancel)()

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	views := a.log.Follow(ctx)
	out := http.NewResponseController(w)
	// Timeouts of the server are for requests that end. Where there are none to lift, there is nothing to do.
	_ = out.SetReadDeadline(time.Time{})
	send := func(event []byte) bool {
		_ = out.SetWriteDeadline(time.Now().Add(followWrite))
		_, err := w.Write(event)
		return err == nil && out.Flush() == nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	alive := send([]byte(": following\n\n"))
	for alive {
		select {
		case v, ok := <-views:
			if !ok {
				return nil
			}
			event, err := requestEvent(v)
			if err != nil {
				a.logger.ErrorContext(ctx, "follow requests", "error", err)
				return nil
			}
			alive = send(event)
		case <-beat.C:
			alive = send([]byte(": heartbeat\n\n"))
		}
	}
	return nil
}

func requestEvent(v reqlog.View) ([]byte, error) {
	v.Headers = listOf(v.Headers)
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("admin: encode request: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "id: %d\nevent: request\ndata: %s\n\n", v.Seq, data)
	return b.Bytes(), nil
}
