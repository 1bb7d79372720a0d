package console_test

import (
	"context"
	"crypto/rand"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sqlstore"
)

const (
	seller  = "111122223333"
	alice   = "210987654321" // buyer
	bob     = "210987654322" // buyer
	broke   = "210987654323" // suspended buyer
	legacy  = "74az0btybm649octamy0sktos"
	team    = "es8jj45gpn2jd9o5wl3p7v08j"          // concurrent agreements
	odd     = "vendor:tools/a=b@c.d"               // a code with all that a code may hold
	builtin = "http://127.0.0.1:7686/register"     // built-in registration page
	trial   = "offer-trialtrialtria"               // of legacy
	foreign = "https://seller.example/landing?x=1" // registration URL of odd
)

func sampleWorld() market.World {
	return market.World{
		Directory: account.State{Accounts: []account.Account{
			{ID: seller, Name: "Harbour Software", Seller: true},
			{ID: alice, Name: "Acme Corporation", Buyer: true},
			{ID: bob, Name: "Brightwater Clinics", Buyer: true},
			{ID: broke, Name: "Suspended Inc.", Buyer: true, Suspended: true},
		}},
		Products: []market.Product{
			{Code: legacy, ID: "prod-legacy", Seller: seller, Title: "Log Search", Kind: market.Legacy, Description: "Finds things.\nFast.",
				Dimensions: []market.Dimension{{Key: "gb", Kind: market.Metered, Name: "Data", Unit: "GB"}}},
			{Code: team, ID: "prod-team", Seller: seller, Title: "Seats", Kind: market.ConcurrentAgreements,
				Dimensions: []market.Dimension{{Key: "seats", Kind: market.Entitled}}},
			{Code: odd, ID: "prod-odd", Seller: seller, Kind: market.ConcurrentAgreements, RegistrationURL: foreign},
		},
		Offers: []market.Offer{{ID: trial, ProductCode: legacy, Kind: market.FreeTrialOffer, TrialDays: 14}},
	}
}

// site is a console over a market of its own, behind the protection that its listener has.
type site struct {
	*testing.T
	service *market.Service
	log     *reqlog.Log
	server  *httptest.Server
	logged  *strings.Builder
	browser *http.Client
}

type siteConfig struct {
	world   market.World
	builtin string
	store   func(market.Store) market.Store // a decorator
	now     func() time.Time
	// hasty pages wait for their figures as briefly as in life; others as long as it takes, so that what they show does not depend on the machine.
	hasty bool
}

func (c siteConfig) patience() time.Duration {
	if c.hasty {
		return 0
	}
	return time.Minute
}

func newSite(t *testing.T, cfg siteConfig) *site {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	var s market.Store = store
	if cfg.store != nil {
		s = cfg.store(store)
	}
	service, err := market.Open(t.Context(), market.Config{
		Store: s, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader, Now: cfg.now, BuiltinRegistrationURL: cfg.builtin,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.ApplyWorld(t.Context(), market.Operator(), cfg.world); err != nil {
		t.Fatal(err)
	}
	out := &site{T: t, service: service, log: reqlog.New(reqlog.Config{}), logged: new(strings.Builder)}
	mux := http.NewServeMux()
	console.New(console.Config{Service: service, Log: out.log, Logger: slog.New(slog.NewTextHandler(out.logged, nil)), Patience: cfg.patience()}).Register(mux)
	out.server = httptest.NewServer(http.NewCrossOriginProtection().Handler(mux))
	t.Cleanup(out.server.Close)
	out.browser = out.server.Client()
	out.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return out
}

func sampleSite(t *testing.T) *site {
	t.Helper()
	return newSite(t, siteConfig{world: sampleWorld(), builtin: builtin})
}

// page is an answer, its body read.
type page struct {
	*http.Response
	body string
}

func (s *site) do(method, path string, form url.Values) page {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", s.server.URL)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := s.browser.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return page{resp, string(body)}
}

func (s *site) get(path string) page {
	s.Helper()
	return s.do(http.MethodGet, path, nil)
}

func (s *site) post(path string, form url.Values) page {
	s.Helper()
	return s.do(http.MethodPost, path, form)
}

// is fails the test unless the page has the status and the texts, as a reader sees them.
func (p page) is(t testing.TB, status int, texts ...string) page {
	t.Helper()
	if p.StatusCode != status {
		t.Fatalf("%s: status %d, want %d; text:\n%s", p.Request.URL, p.StatusCode, status, p.text())
	}
	for _, want := range texts {
		if !strings.Contains(p.text(), want) {
			t.Errorf("%s: does not say %q; text:\n%s", p.Request.URL, want, p.text())
		}
	}
	return p
}

var tag = regexp.MustCompile(`<[^>]*>`)

// text is what a reader sees of the page: no tags, entities resolved, blanks collapsed.
func (p page) text() string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(p.body, ""))), " ")
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// hiddenFields are what a form will send without being asked.
func (p page) hiddenFields() url.Values {
	v := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(p.body, -1) {
		v.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return v
}

// radios are the values that can be chosen under a name, the chosen one in second place.
func (p page) radios(name string) (all []string, checked string) {
	for _, m := range regexp.MustCompile(`<input type="radio" name="`+name+`" value="([^"]*)" required( checked)?>`).FindAllStringSubmatch(p.body, -1) {
		all = append(all, html.UnescapeString(m[1]))
		if m[2] != "" {
			checked = all[len(all)-1]
		}
	}
	return all, checked
}

// subscribe buys through the pages and returns the path of the subscription.
func (s *site) subscribe(code, buyer, offer string) string {
	s.Helper()
	path := "/products/" + url.PathEscape(code)
	if offer == "" {
		_, offer = s.get(path).is(s, http.StatusOK).radios("offer")
	}
	p := s.post(path+"/subscribe", url.Values{"buyer": {buyer}, "offer": {offer}}).is(s, http.StatusSeeOther)
	at, _, _ := strings.Cut(p.Header.Get("Location"), "?")
	return at
}

func (s *site) resolve(token string) (market.Resolution, error) {
	return s.service.ResolveCustomer(context.Background(), market.Caller{Account: seller, Region: "us-east-1"}, []byte(token))
}
