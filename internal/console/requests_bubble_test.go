package console_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

// bubbleSite is one whose store is down: another's goroutines are outside the bubble that streamed makes, and names of accounts can be missed.
func bubbleSite(t *testing.T) *site {
	t.Helper()
	store := &brokenStore{}
	s := newSite(t, siteConfig{store: func(real market.Store) market.Store { store.Store = real; return store }})
	down := errors.New("outside the bubble")
	store.err.Store(&down)
	return s
}

// streamed is what a page that follows for some time is told, in a bubble where time costs nothing. Records come in at during.
func (s *site) streamed(log *reqlog.Log, query string, header http.Header, life time.Duration, during func()) (text string) {
	s.Helper()
	synctest.Test(s.T, func(t *testing.T) {
		mux := http.NewServeMux()
		pages := console.New(console.Config{Service: s.service, Log: log})
		defer pages.Close()
		pages.Register(mux)
		ctx, cancel := context.WithTimeout(t.Context(), life)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/requests/live?"+query, nil)
		for name, values := range header {
			r.Header[name] = values
		}
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() { mux.ServeHTTP(w, r); close(done) }()
		synctest.Wait()
		if during != nil {
			during()
		}
		<-done
		if w.Code != http.StatusOK {
			t.Errorf("%q: status %d: %s", query, w.Code, w.Body)
		}
		text = w.Body.String()
	})
	return text
}

// told are the ids of the requests that a stream told of, newest first as the list shows them, and whether it said that it left some out.
func told(t *testing.T, stream string) (ids string, gap bool) {
	t.Helper()
	l := &liveStream{t: t, lines: bufio.NewScanner(strings.NewReader(stream))}
	l.lines.Buffer(nil, 1<<20)
	var list []string
	for range strings.Count(stream, "\ndata: ") {
		for _, row := range l.event() {
			list = append(list, strings.TrimPrefix(row.Path, "/requests/"))
		}
	}
	slices.Reverse(list)
	return strings.Join(list, " "), l.gap
}

// The list and what comes live pass the same.
func TestLiveRequestsAreFilteredAsTheListIs(t *testing.T) {
	s := bubbleSite(t)
	for query, want := range filterCases() {
		log := reqlog.New(reqlog.Config{})
		if got, gap := told(t, s.streamed(log, query, nil, time.Second, func() { fillFiltered(log) })); got != want || gap {
			t.Errorf("%q lets %q through, want %q; gap: %v", query, got, want, gap)
		}
		// What came between the page and the stream is out of the log.
		if got, gap := told(t, s.streamed(log, "after=0&"+query, nil, time.Second, nil)); got != want || gap {
			t.Errorf("%q catches up with %q, want %q; gap: %v", query, got, want, gap)
		}
	}
}

func TestAStreamCatchesUp(t *testing.T) {
	s := bubbleSite(t)
	for name, test := range map[string]struct {
		before int // requests that there were
		query  string
		header http.Header
		during int
		want   string
		gap    bool
	}{
		"only new ones":                {before: 5, during: 2, want: "r6 r5"},
		"from the page on":             {before: 5, query: "after=3", during: 1, want: "r5 r4 r3"},
		"from the lost connection on":  {before: 5, query: "after=1", header: http.Header{"Last-Event-Id": {"4"}}, want: "r4"},
		"nothing is new":               {before: 5, query: "after=5", want: ""},
		"of a server started again":    {before: 2, query: "after=7", during: 1, want: "r2 r1 r0"},
		"of one that has none yet":     {query: "after=7", during: 1, want: "r0"},
		"more than can be shown":       {before: 53, query: "after=0", want: names(3, 53), gap: true},
		"as many as can be shown":      {before: 53, query: "after=3", want: names(3, 53)},
		"a burst too fast to show":     {during: 60, want: names(10, 60), gap: true},
		"a burst too fast to keep up":  {during: 2000, want: names(1950, 2000), gap: true},
		"filtered, among more":         {before: 60, query: "after=0&q=r1", want: "r19 r18 r17 r16 r15 r14 r13 r12 r11 r10 r1"},
		"filtered by what the log can": {before: 60, query: "after=0&operation=MeterUsage", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			log, next := reqlog.New(reqlog.Config{}), 0
			come := func(n int) {
				for range n {
					record(log, func(r *reqlog.Record) { r.ID = fmt.Sprintf("r%d", next) })
					next++
				}
			}
			come(test.before)
			site := *s
			site.T = t
			got, gap := told(t, site.streamed(log, test.query, test.header, time.Second, func() { come(test.during) }))
			if got != test.want || gap != test.gap {
				t.Errorf("told of %q, gap %v; want %q, %v", got, gap, test.want, test.gap)
			}
		})
	}
}

// names are r(from) to r(end-1), newest first.
func names(from, end int) string {
	var list []string
	for i := end - 1; i >= from; i-- {
		list = append(list, fmt.Sprintf("r%d", i))
	}
	return strings.Join(list, " ")
}

func TestAQuietStreamBeats(t *testing.T) {
	s := bubbleSite(t)
	if got := s.streamed(reqlog.New(reqlog.Config{}), "", nil, 50*time.Second, nil); got != "retry: 2000\n\n"+strings.Repeat(": heartbeat\n\n", 3) {
		t.Errorf("in 50 seconds: %q", got)
	}
}

// A text is looked for beyond the requests that one event tells of; others that come in between are no gap.
func TestLiveTextIsFoundAmongMany(t *testing.T) {
	s, log := bubbleSite(t), reqlog.New(reqlog.Config{})
	among := func(n int) func() {
		return func() {
			record(log, func(r *reqlog.Record) { r.ID, r.Reason = "needle", "hay and needle" })
			for i := range n {
				record(log, func(r *reqlog.Record) { r.ID = fmt.Sprint("hay-", i) })
			}
		}
	}
	if text := s.streamed(log, "q=and+needle", nil, time.Second, among(150)); !strings.Contains(text, "/requests/needle") || strings.Contains(text, `"Gap":true`) {
		t.Errorf("among 150: %s", text)
	}
	if text := s.streamed(log, "q=and+needle", nil, time.Second, among(500)); strings.Contains(text, "/requests/needle") || !strings.Contains(text, `"Gap":true`) {
		t.Errorf("among more than are looked at: %s", text)
	}
}
