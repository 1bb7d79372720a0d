package console_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/registration"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

// told is another console over the site's market, which knows an environment to tell.
func (s *site) told(env console.Environment) *site {
	s.Helper()
	mux := http.NewServeMux()
	console.New(console.Config{Service: s.service, Log: s.log, Environment: env}).Register(mux)
	out := *s
	out.server = httptest.NewServer(mux)
	s.Cleanup(out.server.Close)
	return &out
}

func sampleEnvironment() console.Environment {
	return console.Environment{
		Endpoint: "http://127.0.0.1:7685", Region: "us-east-1", AccessKeyID: "AKIASOUKSELLER2EXAMP", SecretAccessKey: "it's/a+secret", Account: seller,
	}
}

// pasted are the texts that a page offers to paste.
func (p page) pasted() (list []string) {
	for _, m := range regexp.MustCompile(`(?s)<pre class="paste"[^>]*><code>(.*?)</code></pre>`).FindAllStringSubmatch(p.body, -1) {
		list = append(list, html.UnescapeString(m[1]))
	}
	return list
}

func TestStartTellsTheEnvironment(t *testing.T) {
	s := sampleSite(t)
	got := s.told(sampleEnvironment()).get("/start").is(t, http.StatusOK, "as the sample seller").pasted()
	// What `souk env` prints: cmd/souk/testdata/script/env.txt.
	want := `export AWS_ENDPOINT_URL_MARKETPLACE_METERING='http://127.0.0.1:7685'
export AWS_ENDPOINT_URL_MARKETPLACE_ENTITLEMENT_SERVICE='http://127.0.0.1:7685'
export AWS_REGION='us-east-1'
export AWS_DEFAULT_REGION='us-east-1'
export AWS_ACCESS_KEY_ID='AKIASOUKSELLER2EXAMP'
export AWS_SECRET_ACCESS_KEY='it'\''s/a+secret'
unset AWS_SESSION_TOKEN
unset AWS_PROFILE
unset AWS_DEFAULT_PROFILE
unset AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
`
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("block (-want +got):\n%s", diff)
	}
	p := s.told(console.Environment{Endpoint: "https://souk.example", Region: "eu-central-1"}).get("/start").is(t, http.StatusOK, "This Souk tells no keys", "https://souk.example")
	if strings.Contains(p.pasted()[0], "SECRET") || strings.Contains(p.pasted()[0], "AWS_PROFILE") {
		t.Errorf("a Souk that tells no keys has one to paste:\n%s", p.pasted()[0])
	}
	s.get("/start").is(t, http.StatusOK, `Run eval "$(souk env)" in a shell`)
}

func TestStartHasAFirstCallInFiveLanguages(t *testing.T) {
	s := sampleSite(t).told(sampleEnvironment())
	p := s.get("/start").is(t, http.StatusOK, "AWS CLI", "Python", "JavaScript", "Go", "Java", "entitled to")
	calls := p.pasted()[1:6]
	for i, want := range []string{
		"aws marketplace-entitlement get-entitlements --product-code " + team, `client.get_entitlements(ProductCode="` + team + `")`, `new GetEntitlementsCommand({ ProductCode: "` + team + `" })`,
		`ProductCode: aws.String("` + team + `")`, `r.productCode("` + team + `")`,
	} {
		if !strings.Contains(calls[i], want) {
			t.Errorf("call %d does not contain %s:\n%s", i, want, calls[i])
		}
	}
	if n := strings.Count(p.body, `<details class="snippet" name="language" open>`); n != 1 {
		t.Errorf("%d calls are open, want the first", n)
	}
	newSite(t, siteConfig{}).get("/start").is(t, http.StatusOK, "There is no product yet", "souk apply -f world.yaml", "0 of 3 steps done.")
}

// What is shown is pasted into shells: a dimension's key cannot make a command there.
func TestCommandsAreQuoted(t *testing.T) {
	w := sampleWorld()
	w.Products[0].Dimensions[0].Key = "$(touch x)`id`'"
	p := newSite(t, siteConfig{world: w}).get("/start").is(t, http.StatusOK)
	list := p.pasted()
	if got, want := list[len(list)-1], `Dimension='$(touch x)`+"`id`"+`'\''',Quantity=1`; !strings.Contains(got, want) {
		t.Errorf("%s\ndoes not contain %s", got, want)
	}
}

// Whoever comes first to a Souk to try things with is led to the page to start with, until something was tried.
func TestNewcomersAreLedToStart(t *testing.T) {
	s := sampleSite(t)
	for name, env := range map[string]console.Environment{"tells no key": {Endpoint: "https://souk.example", Region: "eu-central-1"}, "tells nothing": {}} {
		if strings.Contains(s.told(env).get("/").is(t, http.StatusOK).body, `class="notice new"`) {
			t.Errorf("a Souk that %s leads newcomers to Start", name)
		}
	}
	s = s.told(sampleEnvironment())
	s.get("/").is(t, http.StatusOK, "New here? Start has what to paste into your shell").has(t, `New here? <a href="/start">`)
	if strings.Contains(s.get("/subscriptions").body, "New here?") {
		t.Error("every page leads newcomers to Start")
	}
	s.called("GetEntitlements", "aws-cli", "", "{}")
	if strings.Contains(s.get("/").is(t, http.StatusOK).body, "New here?") {
		t.Error("who has made a call is still called new")
	}
}

type ladderState struct {
	Steps []struct {
		ID   string
		Done bool
		Seen string
	}
	Text string
	Done bool
}

// ladder is what the page's script is told; done are the steps with a tick. The page must say the same.
func (s *site) ladder(done ...string) ladderState {
	s.Helper()
	p := s.get("/start/state")
	var state ladderState
	if err := json.Unmarshal([]byte(p.body), &state); err != nil || p.Header.Get("Content-Type") != "application/json" || p.Header.Get("Cache-Control") != "no-store" {
		s.Fatalf("%v: %v\n%s", err, p.Header, p.body)
	}
	var got []string
	for _, step := range state.Steps {
		if step.Done {
			got = append(got, step.ID)
		}
	}
	if diff := cmp.Diff(done, got); diff != "" {
		s.Errorf("steps done (-want +got):\n%s", diff)
	}
	page := s.get("/start").is(s, http.StatusOK, state.Text)
	var shown []string
	for _, m := range regexp.MustCompile(`<li id="step-([a-z]*)" class="card done">`).FindAllStringSubmatch(page.body, -1) {
		shown = append(shown, m[1])
	}
	if diff := cmp.Diff(got, shown); diff != "" {
		s.Errorf("ticks on the page (-state +page):\n%s", diff)
	}
	return state
}

// called notes a request as the AWS face does.
func (s *site) called(operation, agent, code, response string) {
	r := s.log.Begin()
	r.ID, r.Operation, r.MarketTime, r.Principal, r.Status, r.ErrorCode = "r-"+operation, operation, time.Now(), "arn:aws:iam::111122223333:user/seller", 200, code
	r.Header = http.Header{"User-Agent": {agent}}
	r.Response = append(r.Response, response...)
	if code != "" {
		r.Status = 400
	}
	s.log.Commit(r)
}

func TestTheLadder(t *testing.T) {
	s := sampleSite(t)
	if got := s.ladder(); got.Text != "0 of 4 steps done." || got.Done {
		t.Errorf("the ladder begins as %+v", got)
	}
	s.called("ResolveCustomer", "souk-sample-seller/1", "ExpiredTokenException", "")
	s.called("GetEntitlements", "aws-cli", "AccessDeniedException", "")
	s.called("BatchMeterUsage", "Boto3/1", "", `{"Results":[{"Status":"CustomerNotSubscribed"}],"UnprocessedRecords":[]}`)
	s.ladder()
	s.called("ResolveCustomer", "souk-sample-seller/1", "", "{}")
	if got := s.ladder("builtin"); !strings.Contains(got.Steps[0].Seen, "by arn:aws:iam::111122223333:user/seller, request r-ResolveCustomer") {
		t.Errorf("seen: %q", got.Steps[0].Seen)
	}
	s.called("ResolveCustomer", "aws-sdk-go-v2/1.40", "", "{}")
	s.ladder("builtin", "own")
	s.called("BatchMeterUsage", "Boto3/1", "", `{"Results":[{"MeteringRecordId":"x","Status":"Success"}],"UnprocessedRecords":[]}`)
	s.ladder("builtin", "own", "meter")
	for range reqlog.DefaultCapacity { // so that all of these leave the log
		s.called("RegisterUsage", "x", "", "{}")
	}
	s.ladder("builtin", "own", "meter")
	s.called("GetEntitlements", "aws-cli", "", "{}")
	if got := s.ladder("builtin", "own", "meter", "entitled"); got.Text != "4 of 4 steps done." || !got.Done {
		t.Errorf("the ladder ends as %+v", got)
	}
}

func TestMeteringInCBORAndBeforeARestartCounts(t *testing.T) {
	s := sampleSite(t)
	s.called("BatchMeterUsage", "aws-sdk-go-v2", "", "\xbfgResults\x9f\xbffStatusgSuccess\xff\xff\xff")
	s.ladder("meter")
	s = sampleSite(t)
	s.meter(s.buy(market.PurchaseInput{ProductCode: legacy, Buyer: alice}), true, "gb", 3, time.Now())
	s.ladder("meter") // by what is in the store
}

func TestWithoutABuiltinPageTheLadderBeginsWithYourOwn(t *testing.T) {
	s := newSite(t, siteConfig{world: sampleWorld()})
	if got := s.ladder(); len(got.Steps) != 3 || got.Steps[0].ID != "own" {
		t.Errorf("steps %+v", got.Steps)
	}
}

// The ladder tells the built-in page's calls from others by how they call themselves: so this asks that page.
func TestTheBuiltinPageIsKnownByItsCalls(t *testing.T) {
	s := sampleSite(t)
	face := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.called("ResolveCustomer", r.UserAgent(), "", "{}")
		fmt.Fprint(w, `{"CustomerAWSAccountId":"`+alice+`","CustomerIdentifier":"x","LicenseArn":"l","ProductCode":"`+legacy+`"}`)
	}))
	t.Cleanup(face.Close)
	mux := http.NewServeMux()
	registration.New(registration.PageConfig{Endpoint: func() string { return face.URL }, Region: "us-east-1", Key: sigv4.Key{AccessKeyID: "AKIA", Secret: "s"}, Path: "/register"}).Register(mux)
	theirs := httptest.NewServer(mux)
	t.Cleanup(theirs.Close)
	resp, err := theirs.Client().PostForm(theirs.URL+"/register", url.Values{registration.FieldToken: {strings.Repeat("QUJD", 46)}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.ladder("builtin")
}
