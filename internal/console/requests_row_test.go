package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/reqlog"
)

func TestAttemptsAtOneCallShareARow(t *testing.T) {
	s := sampleSite(t)
	attempt(s.log, "a1", "call-a", 1, throttled)
	attempt(s.log, "b1", "call-b", 1, nil)
	attempt(s.log, "a2", "call-a", 2, throttled)
	attempt(s.log, "other", "call-a", 1, func(r *reqlog.Record) { r.AccessKeyID = "AKIASOMEBODYELSE0000" })
	attempt(s.log, "a3", "call-a", 3, nil)
	attempt(s.log, "c2", "call-c", 2, nil)
	attempt(s.log, "c1", "call-c", 1, func(r *reqlog.Record) { r.Status, r.FaultEffect = 0, "delay" }) // the client had not waited for it
	attempt(s.log, "long", strings.Repeat("x", 65), 1, nil)
	p := s.get("/requests").is(t, http.StatusOK)
	if got, want := p.requestIDs(), "long c1(c2) a3(a2 a1) other b1"; got != want {
		t.Fatalf("rows %q, want %q", got, want)
	}
	rows := p.requestRows()
	rows[1].is(t, http.StatusOK, "Attempt 1", "Attempt 2: Answered, 840 µs", "All attempts at this call")
	rows[2].is(t, http.StatusOK, "Attempt 3", "Answered", "Attempt 2: Too many requests (ThrottlingException), 840 µs", "Attempt 1: Too many requests")
	all := s.get(rows[2].linkTo(t, "All attempts at this call")).is(t, http.StatusOK, "Attempts of call: call-a")
	if got, want := all.requestIDs(), "a3 other a2 a1"; got != want {
		t.Errorf("all attempts %q, want %q", got, want)
	}
	if got, want := s.get("/requests?outcome=ThrottlingException").requestIDs(), "a2(a1)"; got != want {
		t.Errorf("throttled ones %q, want %q", got, want)
	}
}

func TestManyAttemptsAreCut(t *testing.T) {
	s := sampleSite(t)
	for i := range 20 {
		attempt(s.log, fmt.Sprintf("a%d", i), "the-same", i+1, nil)
	}
	p := s.get("/requests").is(t, http.StatusOK, "14 more attempts")
	if got, want := p.requestIDs(), "a19(a18 a17 a16 a15 a14)"; got != want {
		t.Errorf("rows %q, want %q", got, want)
	}
}

// A call whose attempts stand on either side of a page's end is one row, on the newer page; nothing is lost or shown twice.
func TestAttemptsAcrossAPagesEnd(t *testing.T) {
	s := sampleSite(t)
	for i := range 200 {
		record(s.log, func(r *reqlog.Record) { r.ID = fmt.Sprintf("r%d", i) })
		switch i {
		case 145:
			attempt(s.log, "a1", "call-a", 1, throttled)
		case 155:
			attempt(s.log, "a2", "call-a", 2, nil)
		}
	}
	first := s.get("/requests").is(t, http.StatusOK)
	if !strings.Contains(first.requestIDs(), "a2(a1)") {
		t.Errorf("first page: %s", first.requestIDs())
	}
	second := s.get(first.linkTo(t, "Older requests")).is(t, http.StatusOK)
	if ids := strings.Fields(second.requestIDs()); slices.Contains(ids, "a1") || len(ids) != 49 {
		t.Errorf("second page: %d rows, %q", len(ids), ids)
	}
	seen := strings.Fields(first.requestIDs() + " " + second.requestIDs())
	for i := 110; i < 200; i++ {
		if !slices.Contains(seen, fmt.Sprintf("r%d", i)) {
			t.Errorf("r%d is on neither page", i)
		}
	}
}

func TestRequestsAreEscapedAndMasked(t *testing.T) {
	s := newSite(t, siteConfig{world: nastyWorld(), builtin: builtin})
	token := strings.Repeat("Ab1+/", 36) + "Ab=="
	text := nasty("sent")
	record(s.log, func(r *reqlog.Record) {
		r.ID, r.Operation, r.Method, r.Target, r.Principal, r.AccessKeyID = text, text, text, text, text, text
		r.ErrorCode, r.ErrorMessage, r.Warning, r.FaultEffect, r.Status = text, text, text+strings.Repeat("w", 1<<20), text, 500
		r.Header = http.Header{"Amz-Sdk-Invocation-Id": {`"><script>` + "\u202e"}, "User-Agent": {text + strings.Repeat("u", 1<<20)}}
		r.Body = append(r.Body, `{"RegistrationToken":"`+token+`"}`...)
	})
	record(s.log, func(r *reqlog.Record) {
		r.ProductCode, r.Buyer, r.LicenseARN, r.Operation, r.Target = text, text, text, "", text
	})
	filter := url.Values{}
	for _, name := range []string{"operation", "outcome", "caller", "product", "buyer", "license", "q", "call"} {
		filter.Set(name, nasty(name))
	}
	steering := regexp.MustCompile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]")
	for _, path := range []string{"/requests", "/requests?" + filter.Encode(), "/requests?q=script", "/requests?call=" + url.QueryEscape(`"><script>`)} {
		p := s.get(path).is(t, http.StatusOK)
		if strings.Contains(p.body, "<script>") || strings.Contains(p.body, "<img") || strings.Contains(p.body, `" onmouseover`) || strings.Contains(p.body, "' onmouseover") {
			t.Errorf("%s: text became markup:\n%s", path, p.body)
		}
		// Only a field that gives back what was typed has it as it is.
		body := regexp.MustCompile(`(<input|<option) [^>]*>`).ReplaceAllString(p.body, "")
		if at := steering.FindStringIndex(body); at != nil {
			t.Errorf("%s: a steering character stands as it is: %q", path, body[max(0, at[0]-60):at[1]])
		}
		if strings.Contains(p.body, token[:20]) || len(p.body) > 64<<10 {
			t.Errorf("%s: %d bytes, token shown: %v", path, len(p.body), strings.Contains(p.body, token[:20]))
		}
		unique(t, path, p)
		labelled(t, path, p)
	}
	s.get("/requests?q="+url.QueryEscape(token[20:60])).is(t, http.StatusOK, "No request matches")
}
