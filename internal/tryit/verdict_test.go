package tryit

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// noSite is a transport to a site that fails.
type noSite struct{ err error }

func (n noSite) RoundTrip(*http.Request) (*http.Response, error) { return nil, n.err }

func TestJudging(t *testing.T) {
	answered := func(status int) Hop {
		return Hop{Method: "POST", Status: status, host: "site.example", encrypted: true}
	}
	late := &recorder{next: noSite{context.DeadlineExceeded}, secret: secretOf("dG9rZW4=")}
	req, err := http.NewRequest("POST", "https://user:secret@site.example/in?t=dG9rZW4%3D", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if got, want := late.hops[0].URL, "https://user:xxxxx@site.example/in?t=dG9rZW…(token)"; got != want {
		t.Errorf("address %q, want %q", got, want)
	}
	for name, tc := range map[string]struct {
		in    findings
		level Level
		says  string // the first verdict
	}{
		"nothing posted": {findings{}, Bad, "no http or https address"},
		"slow":           {findings{hops: []Hop{answered(200)}, took: 11 * time.Second}, Bad, "It took 11 seconds"},
		"late":           {findings{hops: late.hops, failure: errors.New("no answer in time")}, Bad, "No answer came from site.example in time"},
		"half an answer": {findings{hops: []Hop{{Status: 200, host: "site.example", failure: context.DeadlineExceeded}}, failure: errors.New("x")}, Bad, "began and did not end"},
		"nobody watched": {findings{hops: []Hop{answered(204)}}, Good, "answered 204"},
		"retried": {findings{hops: []Hop{answered(200)}, watched: true, calls: []Call{{Outcome: "ThrottlingException"}, {Outcome: "ok", Certain: true}}}, Warning,
			"refused: ThrottlingException"},
		"in the clear":        {findings{hops: []Hop{{Method: "POST", Status: 200, host: "site.example"}}}, Warning, "without encryption"},
		"to another host":     {findings{hops: []Hop{answered(307), {Method: "POST", Status: 200, host: "other.example", encrypted: true}}}, Warning, "another host: other.example"},
		"GET refused":         {findings{hops: []Hop{answered(303), {Method: "GET", Status: 405, host: "site.example", encrypted: true}}}, Bad, "does not take GET"},
		"odd status":          {findings{hops: []Hop{answered(304)}}, Bad, "answered 304, of which"},
		"unreadable redirect": {findings{hops: []Hop{{Status: 302, redirection: true, encrypted: true}}}, Bad, "an address that cannot be read"},
	} {
		got := judge(tc.in)
		if len(got) == 0 || got[0].Level != tc.level || !strings.Contains(got[0].Text, tc.says) {
			t.Errorf("%s: %+v, want first %s …%s…", name, got, tc.level, tc.says)
		}
	}
}

func TestTokensAreKnownHoweverTheyAreWritten(t *testing.T) {
	s := secretOf("Ab+/cd==")
	for _, written := range []string{"Ab+/cd==", "Ab%2B%2Fcd%3D%3D", "Ab%2b%2fcd%3d%3d", "Ab%252B%252Fcd%253D%253D", "Ab /cd==", "Ab&#43;/cd&#61;&#61;", `Ab\u002b\/cd\u003d=`, "Ab+/cd"} {
		if got := s.mask("<" + written + ">"); got != "<Ab+/cd…(token)>" || !s.in(written) {
			t.Errorf("%s: %s", written, got)
		}
	}
	if s.in("Ab+/ce==") {
		t.Error("another token is taken for it")
	}
}
