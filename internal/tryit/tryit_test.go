package tryit_test

import (
	"crypto/rand"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/tryit"
)

const (
	seller = "111122223333"
	buyer  = "444455556666"
	gone   = "777788889999" // suspended buyer
	token  = "x-amzn-marketplace-token"
)

// bench is a marketplace with one product, and a seller's site.
type bench struct {
	*testing.T
	service *market.Service
	log     *reqlog.Log
	site    *httptest.Server
	tester  *tryit.Tester
}

func newBench(t *testing.T, site http.HandlerFunc) *bench {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b := &bench{T: t, log: reqlog.New(reqlog.Config{})}
	if b.service, err = market.Open(t.Context(), market.Config{Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	b.site = httptest.NewServer(site)
	t.Cleanup(b.site.Close)
	if _, err := b.service.ApplyWorld(t.Context(), market.Operator(), market.World{
		Directory: account.State{Accounts: []account.Account{{ID: seller, Seller: true}, {ID: buyer, Buyer: true}, {ID: gone, Buyer: true, Suspended: true}}},
		Products: []market.Product{
			{Code: "p", ID: "prod-p", Seller: seller, Kind: market.Legacy, RegistrationURL: b.site.URL + "/register", Dimensions: []market.Dimension{{Key: "gb", Kind: market.Metered}}},
			{Code: "nowhere", Seller: seller, Kind: market.Legacy},
		},
	}); err != nil {
		t.Fatal(err)
	}
	b.tester = tryit.New(tryit.Config{Service: b.service, Log: b.log})
	return b
}

// resolve is what a seller's site does with a token; the record is what the AWS face would have kept.
func (b *bench) resolve(text string) {
	res, err := b.service.ResolveCustomer(b.Context(), market.Caller{Account: seller, Region: "us-east-1"}, []byte(text))
	r := b.log.Begin()
	r.ID, r.Time, r.Operation, r.Status = "req-"+rand.Text(), time.Now(), "ResolveCustomer", 200
	r.ProductCode, r.LicenseARN = res.ProductCode, res.LicenseARN
	if err != nil {
		r.Status, r.ErrorCode = 400, string(market.CodeOf(err))+"Exception"
	}
	b.log.Commit(r)
}

func (b *bench) try() tryit.Report {
	b.Helper()
	r, err := b.tester.Try(b.Context(), market.Operator(), tryit.Input{ProductCode: "p", Buyer: buyer})
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// says fails the test unless there is a verdict of the level with the words.
func says(t *testing.T, r tryit.Report, level tryit.Level, words string) {
	t.Helper()
	for _, v := range r.Verdicts {
		if v.Level == level && strings.Contains(v.Text, words) {
			return
		}
	}
	t.Errorf("no %s verdict says %q: %+v", level, words, r.Verdicts)
}

func TestAGoodPage(t *testing.T) {
	var b *bench
	var sent url.Values
	b = newBench(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST /register":
			if err := r.ParseForm(); err != nil {
				t.Error(err)
			}
			sent = r.PostForm
			b.resolve(sent.Get(token))
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "very-secret", SameSite: http.SameSiteLaxMode})
			http.Redirect(w, r, "/welcome", http.StatusSeeOther)
		case "GET /welcome":
			if c, err := r.Cookie("session"); err != nil || c.Value != "very-secret" {
				t.Errorf("the cookie did not come back: %v, %v", c, err)
			}
			fmt.Fprintf(w, "<h1>Welcome</h1> %s %s", html.EscapeString(sent.Get(token)), url.QueryEscape(url.QueryEscape(sent.Get(token))))
		default:
			t.Errorf("asked for %s %s", r.Method, r.URL)
		}
	})
	r := b.try()
	if !r.OK || !r.Subscribed || r.Buyer != buyer || r.URL != b.site.URL+"/register" {
		t.Errorf("report %+v", r)
	}
	if sent.Get(token) == "" || sent.Get("x-amzn-marketplace-agreement-id") != r.AgreementID || sent.Get("x-amzn-marketplace-product-id") != "prod-p" {
		t.Errorf("form %v", sent)
	}
	var way []string
	for _, h := range r.Hops {
		way = append(way, fmt.Sprint(h.Method, " ", strings.TrimPrefix(h.URL, b.site.URL), " ", h.Status))
	}
	if diff := cmp.Diff([]string{"POST /register 303", "GET /welcome 200"}, way); diff != "" {
		t.Errorf("the way (-want +got):\n%s", diff)
	}
	if text := fmt.Sprintf("%+v", r); strings.Contains(text, sent.Get(token)[8:40]) || strings.Contains(text, "very-secret") {
		t.Errorf("the report has secrets in it: %s", text)
	}
	if !strings.Contains(r.Hops[1].Body, "<h1>Welcome</h1>") || strings.Count(r.Hops[1].Body, "…(token)") != 2 {
		t.Errorf("body %q", r.Hops[1].Body)
	}
	says(t, r, tryit.Good, "answered 200")
	says(t, r, tryit.Good, "called ResolveCustomer")
	if len(r.Calls) != 1 || !r.Calls[0].Certain || r.Calls[0].Outcome != "ok" {
		t.Errorf("calls %+v", r.Calls)
	}
	if again := b.try(); again.Subscribed || again.AgreementID != r.AgreementID || len(again.Calls) != 1 {
		t.Errorf("again: %+v", again)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	var b *bench
	for name, tc := range map[string]struct {
		site  http.HandlerFunc
		level tryit.Level
		says  []string
		ok    bool
	}{
		"not resolved":  {func(w http.ResponseWriter, r *http.Request) {}, tryit.Bad, []string{"answered without calling ResolveCustomer"}, false},
		"not there":     {http.NotFound, tryit.Bad, []string{"answered 404", "Compare the registration URL"}, false},
		"GET only":      {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(405) }, tryit.Bad, []string{"does not take POST"}, false},
		"CSRF":          {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) }, tryit.Bad, []string{"CSRF"}, false},
		"crash":         {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, tryit.Bad, []string{"answered 500: it failed"}, false},
		"cut":           {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, tryit.Bad, []string{"cut the connection"}, false},
		"slash":         {http.RedirectHandler("/there/", http.StatusMovedPermanently).ServeHTTP, tryit.Bad, []string{"more than 10 times"}, false},
		"other scheme":  {http.RedirectHandler("ftp://x.example/", http.StatusFound).ServeHTTP, tryit.Bad, []string{"not http or https"}, false},
		"token refused": {func(w http.ResponseWriter, r *http.Request) { b.resolve("mangled") }, tryit.Bad, []string{"was refused: InvalidTokenException"}, false},
		"lost": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/register" {
				http.Redirect(w, r, "/register/", http.StatusMovedPermanently)
			}
		}, tryit.Bad, []string{"redirect (301)", "the token was lost"}, false},
		"token in an address": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				b.resolve(r.PostFormValue(token))
				http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1", SameSite: http.SameSiteStrictMode})
				http.Redirect(w, r, "/app?t="+url.QueryEscape(r.PostFormValue(token)), http.StatusFound)
			}
		}, tryit.Warning, []string{"stands in the address of a redirect", "sid is SameSite=Strict"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b = newBench(t, tc.site)
			r := b.try()
			for _, words := range tc.says {
				says(t, r, tc.level, words)
			}
			if r.OK != tc.ok {
				t.Errorf("ok %v, want %v: %+v", r.OK, tc.ok, r.Verdicts)
			}
			for _, h := range r.Hops {
				for _, line := range h.Headers {
					if len(line.Value) > 100 {
						t.Errorf("a header holds the token: %s: %s", line.Name, line.Value)
					}
				}
			}
		})
	}
}

func TestSitesThatAreNotThere(t *testing.T) {
	b := newBench(t, func(http.ResponseWriter, *http.Request) {})
	plain := newListener(t, func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") })
	dead := newListener(t, nil)
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	for target, words := range map[string]string{
		"http://" + dead:                "Nothing listens at " + dead,
		"https://" + plain:              "does not speak TLS",
		untrusted.URL:                   "not one that browsers trust",
		"http://nobody.souk.invalid/in": "no host of the name nobody.souk.invalid",
	} {
		if _, err := b.service.ChangeProduct(t.Context(), market.Operator(), "p", market.ProductChange{RegistrationURL: &target}); err != nil {
			t.Fatal(err)
		}
		r := b.try()
		says(t, r, tryit.Bad, words)
		if r.OK || len(r.Hops) != 1 || r.Hops[0].Status != 0 || r.Hops[0].Error == "" {
			t.Errorf("%s: %+v", target, r)
		}
	}
}

// newListener answers each connection with fn; without one, nothing listens at the address any more.
func newListener(t *testing.T, fn func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	if fn == nil {
		ln.Close()
		return ln.Addr().String()
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			fn(c)
			c.Close()
		}
	}()
	return ln.Addr().String()
}

func TestLargeAnswersAreCut(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("€", 16<<10))
	})
	h := b.try().Hops[0]
	if !h.Truncated || len(h.Body) > 16<<10 || len(h.Body) < 16<<10-3 || strings.Trim(h.Body, "€") != "" {
		t.Errorf("%d bytes, truncated %v", len(h.Body), h.Truncated)
	}
}

func TestNothingIsPostedWhereItMayNotBe(t *testing.T) {
	b := newBench(t, func(http.ResponseWriter, *http.Request) { t.Error("the site was asked") })
	other, err := b.service.Buy(t.Context(), market.Operator(), market.PurchaseInput{ProductCode: "nowhere", Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		in   tryit.Input
		by   market.Caller
		want market.Code
	}{
		"no product":            {tryit.Input{ProductCode: "none"}, market.Operator(), market.NotFound},
		"no URL":                {tryit.Input{ProductCode: "nowhere"}, market.Operator(), market.Conflict},
		"no agreement":          {tryit.Input{ProductCode: "p"}, market.Operator(), market.Conflict},
		"unknown agreement":     {tryit.Input{ProductCode: "p", AgreementID: "none"}, market.Operator(), market.NotFound},
		"another's agreement":   {tryit.Input{ProductCode: "p", AgreementID: other.Agreement.ID}, market.Operator(), market.Invalid},
		"suspended buyer":       {tryit.Input{ProductCode: "p", Buyer: gone}, market.Operator(), market.Conflict},
		"a seller, no operator": {tryit.Input{ProductCode: "p", Buyer: buyer}, market.Caller{Account: seller, Rights: ^market.Rights(0)}, market.Forbidden},
	} {
		if _, err := b.tester.Try(t.Context(), tc.by, tc.in); market.CodeOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}
