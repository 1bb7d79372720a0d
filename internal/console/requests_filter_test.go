package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/reqlog"
)

// filterCases are filters and which of fillFiltered's requests they let through. The list and what comes live share them.
func filterCases() map[string]string {
	return map[string]string{
		"":                              "d c b a",
		"operation=ResolveCustomer":     "d b a",
		"operation=Resolve":             "",
		"outcome=ok":                    "b",
		"outcome=error":                 "d c a",
		"outcome=cut":                   "d",
		"outcome=InvalidTokenException": "a",
		"outcome=invalidtokenexception": "",
		"caller=user/meter":             "d b a",
		"caller=AKIAOTHER":              "c",
		"caller=AKIAOTH":                "",
		"product=" + legacy:             "d a",
		"buyer=" + bob:                  "b",
		"buyer=2109":                    "",
		"license=l-0b":                  "b",
		"q=TOKEN+is":                    "a",
		"q=curl":                        "c",
		"q=user-agent:+curl":            "c",
		"q=quantity":                    "b",
		"q=l-0":                         "d c b a",
		"q=no+statement":                "c",
		"q=deeply+hidden":               "",
		"call=call-1":                   "b a",
		"call=call-":                    "",
		"operation=ResolveCustomer&buyer=" + alice + "&outcome=error": "d a",
		"operation=ResolveCustomer&q=nothing+of+this":                 "",
		"unknown=filter": "d c b a",
	}
}

// fillFiltered commits the requests a to d.
func fillFiltered(l *reqlog.Log) {
	attempt(l, "a", "call-1", 1, func(r *reqlog.Record) {
		r.Status, r.ErrorCode, r.Reason = 400, "InvalidTokenException", "the token is of another key"
	})
	attempt(l, "b", "call-1", 2, func(r *reqlog.Record) {
		r.ProductCode, r.Buyer, r.LicenseARN = team, bob, "arn:aws:license-manager::294406891311:license:l-0b"
		r.Response = append(r.Response, `{"Quantity":3}`...)
		r.AccessKeyID = "AKIAELSE" // so that the list does not group them
	})
	record(l, func(r *reqlog.Record) {
		r.ID, r.Operation, r.Principal, r.AccessKeyID, r.ProductCode = "c", "MeterUsage", "arn:aws:iam::"+seller+":user/denied", "AKIAOTHER", team
		r.Status, r.ErrorCode = 400, "AccessDeniedException"
		r.Authz = reqlog.Authz{Decided: true, Why: "no statement allows it"}
		r.Header = http.Header{"User-Agent": {"curl/8"}}
	})
	record(l, func(r *reqlog.Record) {
		r.ID, r.Status = "d", 0
		r.Body = append(r.Body, strings.Repeat("a b ", 2<<10)+"deeply hidden"...) // further than a list shows
	})
}

func TestRequestsAreFiltered(t *testing.T) {
	s := sampleSite(t)
	fillFiltered(s.log)
	for query, want := range filterCases() {
		if got := s.get("/requests?"+query).is(t, http.StatusOK).requestIDs(); got != want {
			t.Errorf("%q lets %q through, want %q", query, got, want)
		}
	}
}

// Each filter in use is a link that takes it away and leaves the others; each value in a row is one that adds it.
func TestFiltersAreDeepLinks(t *testing.T) {
	s := sampleSite(t)
	fillFiltered(s.log)
	p := s.get("/requests?operation=ResolveCustomer&q=L-0&before=9").is(t, http.StatusOK, "Operation: ResolveCustomer", "Text: L-0")
	for text, want := range map[string]string{
		"Remove the filter Operation: ResolveCustomer ×": "/requests?q=L-0",
		"Remove the filter Text: L-0 ×":                  "/requests?operation=ResolveCustomer",
		"Remove all filters":                             "/requests",
		"Refresh":                                        "/requests?before=9&operation=ResolveCustomer&q=L-0",
		"InvalidTokenException":                          "/requests?operation=ResolveCustomer&outcome=InvalidTokenException&q=L-0",
		"Brightwater Clinics":                            "/requests?buyer=" + bob + "&operation=ResolveCustomer&q=L-0",
		"Seats":                                          "/requests?operation=ResolveCustomer&product=" + team + "&q=L-0",
	} {
		if got := p.linkTo(t, text); got != want {
			t.Errorf("%q leads to %s, want %s", text, got, want)
		}
	}
	if got := p.linkTo(t, "meter"); got != "/requests?"+(url.Values{"caller": {signer}, "operation": {"ResolveCustomer"}, "q": {"L-0"}}).Encode() {
		t.Errorf("the caller leads to %s", got)
	}
	if got := s.get(p.linkTo(t, "Seats")).requestIDs(); got != "b" {
		t.Errorf("behind a product's link are %q", got)
	}
}

// The form gives back what it was sent with, so that one filter more takes one field more.
func TestFilterFormKeepsItsValues(t *testing.T) {
	s := sampleSite(t)
	q := url.Values{"q": {`"x" & <y>`}, "caller": {"user/meter"}, "product": {legacy}, "buyer": {alice}, "license": {"l-0"}, "call": {"call-1"},
		"operation": {"FutureOperation"}, "outcome": {"ThrottlingException"}}
	p := s.get("/requests?"+q.Encode()).is(t, http.StatusOK)
	got := url.Values{}
	for _, m := range regexp.MustCompile(`<input[^>]* name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(p.body, -1) {
		got.Add(m[1], html.UnescapeString(m[2]))
	}
	for i, m := range regexp.MustCompile(`<option value="([^"]*)" selected>`).FindAllStringSubmatch(p.body, -1) {
		got.Add([]string{"operation", "outcome"}[i], m[1])
	}
	if got.Encode() != q.Encode() {
		t.Errorf("the form holds %q, want %q", got, q)
	}
	if !strings.Contains(p.body, "<details open>") || strings.Contains(s.get("/requests?q=x").body, "<details open>") {
		t.Error("the fields that seldom are used show if and only if one of them is used")
	}
}

func TestWrongFiltersAreRefusedWithTheForm(t *testing.T) {
	s := sampleSite(t)
	fillFiltered(s.log)
	for query, text := range map[string]string{
		"q=" + strings.Repeat("x", 201) + "&buyer=" + alice: "The filter “Text” is longer than 200 bytes.",
		"caller=%ff&buyer=" + alice:                         "The filter “Caller” is not text.",
		"before=0&buyer=" + alice:                           "The address names no place in the list.",
		"before=-1&buyer=" + alice:                          "no place in the list",
		"before=x&buyer=" + alice:                           "no place in the list",
		"before=18446744073709551615&buyer=" + alice:        "no place in the list",
	} {
		p := s.get("/requests?"+query).is(t, http.StatusUnprocessableEntity, text)
		if len(p.requestRows()) != 0 || !strings.Contains(p.body, `name="buyer" value="`+alice+`"`) || strings.Contains(p.body, "data-live") {
			t.Errorf("%.40s: %d rows; the form:\n%s", query, len(p.requestRows()), p.body)
		}
		unique(t, query, p)
	}
	if p := s.get("/requests?before=9223372036854775807").is(t, http.StatusOK); len(p.requestRows()) != 4 {
		t.Errorf("before the last number there are %d rows", len(p.requestRows()))
	}
}
