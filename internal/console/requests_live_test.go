package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/reqlog"
)

// liveStream is a page that follows.
type liveStream struct {
	t     *testing.T
	resp  *http.Response
	lines *bufio.Scanner
	leave context.CancelFunc
	id    string // of the last event
	gap   bool   // an event told of one
}

func (s *site) follow(query string, header http.Header) *liveStream {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	s.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL+"/requests/live?"+query, nil)
	if err != nil {
		s.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := s.browser.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { resp.Body.Close() })
	l := &liveStream{t: s.T, resp: resp, lines: bufio.NewScanner(resp.Body), leave: cancel}
	l.lines.Buffer(nil, 1<<20)
	if resp.StatusCode == http.StatusOK && !l.lines.Scan() {
		s.Fatal("the stream says nothing")
	}
	return l
}

// liveRow is what the script reads of a row.
type liveRow struct {
	Seq                        uint64
	Key, Path, Operation       string
	Attempt, Summary, Duration string
	Outcome, Caller, Product   struct{ Text, Path, Tone string }
}

// event waits for the next event.
func (l *liveStream) event() (rows []liveRow) {
	l.t.Helper()
	for l.lines.Scan() {
		line := l.lines.Text()
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			l.id = id
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var event struct {
				Rows []liveRow
				Gap  bool
			}
			if err := json.Unmarshal([]byte(data), &event); err != nil {
				l.t.Fatalf("%v: %s", err, data)
			}
			l.gap = l.gap || event.Gap
			return event.Rows
		}
	}
	l.t.Fatalf("the stream ended: %v", l.lines.Err())
	return nil
}

// ended reads on until the stream's end, and reports whether it is one that the server made.
func (l *liveStream) ended() bool {
	for l.lines.Scan() {
	}
	return l.lines.Err() == nil
}

func TestRequestsComeLive(t *testing.T) {
	s := sampleSite(t)
	record(s.log, nil)
	l := s.follow("", nil)
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := l.resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	token := strings.Repeat("Ab1+/", 36) + "Ab=="
	attempt(s.log, "second", "call-1", 2, func(r *reqlog.Record) {
		throttled(r)
		r.Target, r.Operation = "/<script>?token="+token, ""
	})
	rows := l.event()
	if len(rows) != 1 {
		t.Fatalf("%d rows, want the one that came after the start", len(rows))
	}
	row := rows[0]
	if row.Seq != 2 || l.id != "2" || row.Path != "/requests/second" || row.Attempt != "Attempt 2" || row.Summary != "Attempt 2: Too many requests (ThrottlingException), 840 µs" ||
		row.Outcome.Tone != "bad" || row.Caller.Text != "meter" || row.Product.Text != "Log Search" || row.Product.Path != "/requests?product="+legacy {
		t.Errorf("event %s: %+v", l.id, row)
	}
	if !strings.HasPrefix(row.Operation, "POST /<script>?token=") || strings.Contains(fmt.Sprint(row), token[:20]) {
		t.Errorf("operation %q", row.Operation)
	}
	page := s.get("/requests")
	if !strings.Contains(page.body, `data-key="`+row.Key+`" data-summary="`+row.Summary+`"`) {
		t.Errorf("the page's row has another key or summary than %q and %q", row.Key, row.Summary)
	}
}

func TestStreamsAreBoundedAndEnd(t *testing.T) {
	s := sampleSite(t)
	mux := http.NewServeMux()
	pages := console.New(console.Config{Service: s.service, Log: s.log})
	pages.Register(mux)
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	var streams []*liveStream
	for range 32 {
		streams = append(streams, s.follow("", nil))
	}
	s.get("/requests/live").is(t, http.StatusServiceUnavailable, "32 pages follow the requests already")
	streams[0].leave()
	free := func() bool {
		l := s.follow("", nil)
		return l.resp.StatusCode == http.StatusOK
	}
	for deadline := time.Now().Add(10 * time.Second); !free(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a page that went still counts")
		}
	}
	pages.Close()
	for i, l := range streams[1:] {
		if !l.ended() {
			t.Errorf("stream %d did not end with the server: %v", i+1, l.lines.Err())
		}
	}
	if l := s.follow("", nil); l.resp.StatusCode != http.StatusOK || !l.ended() {
		t.Error("a stream that comes after Close stays open")
	}
}

func TestRefusedStreams(t *testing.T) {
	s := sampleSite(t)
	for query, text := range map[string]string{
		"after=x": "does not say what to follow", "after=-1": "does not say what to follow", "after=18446744073709551615": "does not say what to follow",
		"q=" + strings.Repeat("x", 201): "longer than 200 bytes",
	} {
		s.get("/requests/live?"+query).is(t, http.StatusUnprocessableEntity, text)
	}
	for site, want := range map[string]int{"cross-site": http.StatusForbidden, "same-site": http.StatusForbidden, "same-origin": http.StatusOK, "none": http.StatusOK} {
		if l := s.follow("", http.Header{"Sec-Fetch-Site": {site}}); l.resp.StatusCode != want {
			t.Errorf("from %s: status %d, want %d", site, l.resp.StatusCode, want)
		}
	}
	if p := s.do(http.MethodHead, "/requests/live", nil).is(t, http.StatusOK); p.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %v", p.Header)
	}
	s.post("/requests/live", nil).is(t, http.StatusMethodNotAllowed)
}
