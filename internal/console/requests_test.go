package console_test

import (
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

const (
	signer    = "arn:aws:iam::" + seller + ":user/meter"
	signerKey = "AKIASOUKSELLER2EXAMP"
)

// record commits a request, an answered ResolveCustomer unless fill says otherwise.
func record(l *reqlog.Log, fill func(*reqlog.Record)) {
	r := l.Begin()
	r.ID, r.Time, r.MarketTime, r.Duration = "request-1", time.Date(2026, 11, 24, 8, 9, 10, 0, time.UTC), time.Date(2026, 11, 24, 8, 9, 10, 0, time.UTC), 840*time.Microsecond
	r.Method, r.Target, r.Operation, r.Status = "POST", "/", "ResolveCustomer", 200
	r.AccessKeyID, r.Principal, r.Account, r.Region = signerKey, signer, seller, "us-east-1"
	r.ProductCode, r.Buyer, r.LicenseARN = legacy, alice, "arn:aws:license-manager::294406891311:license:l-0123"
	if fill != nil {
		fill(r)
	}
	l.Commit(r)
}

// attempt commits one attempt at a call of an SDK.
func attempt(l *reqlog.Log, id, call string, n int, fill func(*reqlog.Record)) {
	record(l, func(r *reqlog.Record) {
		r.ID, r.Attempt = id, n
		r.Header = http.Header{"Amz-Sdk-Invocation-Id": {call}, "Amz-Sdk-Request": {fmt.Sprintf("attempt=%d; max=3", n)}}
		if fill != nil {
			fill(r)
		}
	})
}

func throttled(r *reqlog.Record) { r.Status, r.ErrorCode = 400, "ThrottlingException" }

var requestRow = regexp.MustCompile(`(?s)<tr data-seq="([1-9]\d*)".*?</tr>`)

// requestRows are the rows of the list, without the blank one.
func (p page) requestRows() (rows []page) {
	for _, m := range requestRow.FindAllString(p.body, -1) {
		rows = append(rows, page{p.Response, strings.ReplaceAll(m, "</", " </")})
	}
	return rows
}

var requestLink = regexp.MustCompile(`href="/requests/([^"/?]+)"`)

// requestIDs are those of the page's rows, the attempts below a row in parentheses.
func (p page) requestIDs() string {
	var list []string
	for _, row := range p.requestRows() {
		var ids []string
		for _, m := range requestLink.FindAllStringSubmatch(row.body, -1) {
			ids = append(ids, m[1])
		}
		id := ids[0]
		if len(ids) > 1 {
			id += "(" + strings.Join(ids[1:], " ") + ")"
		}
		list = append(list, id)
	}
	return strings.Join(list, " ")
}

// linkTo is the address behind a text.
func (p page) linkTo(t *testing.T, text string) string {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?s)<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>`).FindAllStringSubmatch(p.body, -1) {
		if strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(m[2], ""))) == text {
			return html.UnescapeString(m[1])
		}
	}
	t.Fatalf("%s: no link %q; text:\n%s", p.Request.URL, text, p.text())
	return ""
}

func TestRequestsAreListedNewestFirst(t *testing.T) {
	s := sampleSite(t)
	record(s.log, nil)
	record(s.log, func(r *reqlog.Record) {
		r.ID, r.Operation, r.Status, r.ErrorCode = "request-2", "BatchMeterUsage", 400, "TimestampOutOfBoundsException"
		r.Duration, r.Warning = 12345*time.Microsecond, "the record falls into a later month"
		r.MarketTime = r.Time.Add(24 * time.Hour)
		r.Principal = "arn:aws:sts::" + seller + ":assumed-role/Meter/i-1"
	})
	record(s.log, func(r *reqlog.Record) {
		r.ID, r.Status, r.FaultID, r.FaultEffect, r.Duration = "request-3", 0, "rule-1", "lose", 1500*time.Millisecond
	})
	record(s.log, func(r *reqlog.Record) {
		*r = reqlog.Record{ID: "request-4", Time: r.Time, Method: "GET", Target: "/nothing?x=1", Status: 404, ErrorCode: "UnknownOperationException"}
	})
	record(s.log, func(r *reqlog.Record) {
		r.ID, r.Principal, r.Account, r.Status, r.ErrorCode = "request-5", "", "", 400, "BrandNewException"
	})
	p := s.get("/requests").is(t, http.StatusOK)
	if got, want := p.requestIDs(), "request-5 request-4 request-3 request-2 request-1"; got != want {
		t.Fatalf("rows %q, want %q", got, want)
	}
	for i, texts := range [][]string{
		{"Refused", "BrandNewException", signerKey, "not known by this key"},
		{"GET /nothing?x=1", "No such operation", "UnknownOperationException", "Not signed"},
		{"ResolveCustomer", "Done, and the answer lost", "Fault: answer lost", "1.5 s"},
		{"BatchMeterUsage", "The usage is too old or not yet due", "TimestampOutOfBoundsException", "Meter/i-1", "Market time 25 Nov 2026, 08:09:10 UTC", "Warning the record falls into a later month", "12.3 ms"},
		{"24 Nov 2026, 08:09:10 UTC", "ResolveCustomer", "Answered", "meter", "Harbour Software", "Log Search", "Acme Corporation", "840 µs"},
	} {
		row := p.requestRows()[i].is(t, http.StatusOK, texts...)
		if i == 4 && (strings.Contains(row.text(), "Market time") || strings.Contains(row.text(), "Fault") || strings.Contains(row.text(), "Attempt")) {
			t.Errorf("a plain row says %s", row.text())
		}
	}
	for what, n := range map[string]int{`datetime="2026-11-24T08:09:10Z"`: 5, `id="refresh"`: 1, `data-live="/requests/live?after=5"`: 1} {
		if got := strings.Count(p.body, what); got != n {
			t.Errorf("%s stands %d times, want %d", what, got, n)
		}
	}
	policy := p.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	for _, asset := range []string{`href="(/assets/requests-[0-9a-f]{12}\.css)"`, `src="(/assets/requests-[0-9a-f]{12}\.js)" defer`} {
		m := regexp.MustCompile(asset).FindStringSubmatch(p.body)
		if m == nil {
			t.Fatalf("no %s", asset)
		}
		s.get(m[1]).is(t, http.StatusOK)
	}
	unique(t, "requests", p)
	labelled(t, "requests", p)
}

func TestNoRequestsSayHowToMakeOne(t *testing.T) {
	s := sampleSite(t)
	s.get("/requests").is(t, http.StatusOK, "No requests yet", `eval "$(souk env)"`, "aws marketplace-entitlement get-entitlements --product-code "+legacy)
	s.get("/requests?operation=MeterUsage").is(t, http.StatusOK, "No request matches", "Remove all filters")
	newSite(t, siteConfig{}).get("/requests").is(t, http.StatusOK, "get-entitlements --product-code product-code")
	mux := http.NewServeMux()
	console.New(console.Config{Service: s.service}).Register(mux)
	for _, path := range []string{"/requests", "/requests/live"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s without a log: status %d, want 404", path, w.Code)
		}
	}
}

func TestRequestsArePagedBySequenceNumber(t *testing.T) {
	for _, filter := range []string{"", "operation=ResolveCustomer", "buyer=" + alice, "q=resolvecustomer&product=" + legacy} {
		t.Run(filter, func(t *testing.T) {
			s := sampleSite(t)
			var want, got []string
			for i := range 120 {
				id := fmt.Sprintf("r%d", i)
				record(s.log, func(r *reqlog.Record) { r.ID = id })
				want = append(want, id)
			}
			slices.Reverse(want)
			p := s.get("/requests?"+filter).is(t, http.StatusOK)
			for range 2 {
				if n := len(p.requestRows()); n != 50 {
					t.Fatalf("%d rows on a page, want 50", n)
				}
				got = append(got, strings.Fields(p.requestIDs())...)
				record(s.log, nil) // what comes meanwhile moves nothing
				p = s.get(p.linkTo(t, "Older requests")).is(t, http.StatusOK)
				if strings.Contains(p.body, "data-live") || strings.Contains(p.body, `src="/assets/requests-`) {
					t.Error("an older page follows what comes")
				}
			}
			got = append(got, strings.Fields(p.requestIDs())...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("all pages (-want +got):\n%s", diff)
			}
			if strings.Contains(p.text(), "Older requests") {
				t.Error("there is a page after the last")
			}
			if newest := s.get(p.linkTo(t, "Back to the newest")).is(t, http.StatusOK); len(newest.requestRows()) != 50 || !strings.Contains(newest.body, "data-live") {
				t.Errorf("back at %s: %d rows", newest.Request.URL, len(newest.requestRows()))
			}
		})
	}
}

func TestRequestsShowWhenTheStoreFails(t *testing.T) {
	store := &brokenStore{}
	s := newSite(t, siteConfig{world: sampleWorld(), store: func(real market.Store) market.Store { store.Store = real; return store }})
	record(s.log, nil)
	broken := errors.New("disk is on fire")
	store.err.Store(&broken)
	s.get("/requests").is(t, http.StatusOK, "ResolveCustomer", legacy, alice)
	if !strings.Contains(s.logged.String(), "on fire") {
		t.Error("the failure is not logged")
	}
}

// bigLog holds n requests, and is as large as it must be.
func bigLog(n int) *reqlog.Log {
	l := reqlog.New(reqlog.Config{Capacity: n, MaxBytes: 1 << 30})
	header := http.Header{"User-Agent": {"aws-sdk-go-v2/1.41.0 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/marketplacemetering#1.36.0"}}
	for i := range n {
		attempt(l, fmt.Sprintf("a7dbf4d4-dd4d-4586-b247-%012d", i), fmt.Sprintf("d430fde5-7c14-4c62-bead-%012d", i/2), 1+i%2, func(r *reqlog.Record) {
			r.Header["User-Agent"] = header["User-Agent"]
			r.Body = append(r.Body, `{"UsageRecords":[{"Timestamp":1700000000,"Dimension":"gb","Quantity":3}],"ProductCode":"`+legacy+`"}`...)
			r.Status, r.ErrorCode = 400, "TimestampOutOfBoundsException"
		})
	}
	return l
}

func TestFiftyThousandRequestsPage(t *testing.T) {
	s := sampleSite(t)
	mux := http.NewServeMux()
	console.New(console.Config{Service: s.service, Log: bigLog(50_000)}).Register(mux)
	get := func(path string) page {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		r := w.Result()
		r.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		return page{r, w.Body.String()}
	}
	for _, path := range []string{"/requests", "/requests?before=25000", "/requests?before=60", "/requests?outcome=error&operation=ResolveCustomer&q=attempt&caller=" + url.QueryEscape(signer)} {
		p := get(path).is(t, http.StatusOK, "Older requests")
		if n := len(p.requestRows()); n < 25 || len(p.body) > 80<<10 {
			t.Errorf("%s: %d rows, %d bytes", path, n, len(p.body))
		}
	}
	p := get("/requests?q=nowhere").is(t, http.StatusOK, "None among the 1000 requests that were looked at")
	if older := p.linkTo(t, "Look through older requests"); older != "/requests?before=49001&q=nowhere" {
		t.Errorf("older ones are at %s", older)
	}
}
