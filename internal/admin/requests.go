package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/reqlog"
)

// RequestPage is a part of the list of requests that the AWS face answered, newest first.
type RequestPage struct {
	Requests []reqlog.View `json:"requests"`
	Next     uint64        `json:"next,omitempty"` // what to ask for with RequestQuery.Before; 0 at the end
}

const (
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
	list := a.log.List(reqlog.Filter{
		Operation: q.Get("operation"), Outcome: q.Get("outcome"), Principal: q.Get("principal"), Product: q.Get("product"),
		Before: before, Limit: limit + 1, // one more tells whether there are more
	})
	page := RequestPage{Requests: listOf(list)}
	if len(list) > limit {
		page.Requests = list[:limit]
		page.Next = list[limit-1].Seq
	}
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
