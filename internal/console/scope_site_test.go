package console_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sqlstore"
)

// Two sellers, each with a product, a buyer and people.
const (
	alder, birch    = "101010101010", "202020202020"
	cedar, dogwood  = "303030303030", "404040404040" // who bought from alder, and from birch
	alderCode       = "alder-code"
	birchCode       = "birch-code"
	controlToken    = "the control token of this test"
	alderRoot       = "AKIAALDERROOT0000001"
	alderReader     = "AKIAALDERREADER00001" // may read all that there is to read
	alderNobody     = "AKIAALDERNOBODY00001" // no policy
	birchRoot       = "AKIABIRCHROOT0000001"
	cedarRoot       = "AKIACEDARROOT0000001"
	secretOf        = "/the+secret/of+a/key+of/these+tests/1234" // behind the key's id
	readingPolicies = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*","Action":["aws-marketplace:*","aws-marketplace-management:viewReports","iam:Get*","iam:List*"]}}`
)

// houses is a console in serve, of a market of two sellers.
type houses struct {
	*testing.T
	service     *market.Service
	console     *console.Console
	credentials *account.Credentials
	log         *reqlog.Log
	server      *httptest.Server
	agreement   map[string]market.Agreement // by product code
	wall        func() time.Time
}

func housesWorld() market.World {
	identity := func(id, name string, documents ...string) account.User {
		u := account.User{Identity: account.Identity{Account: id, Name: name}}
		for _, d := range documents {
			u.Inline = append(u.Inline, account.Inline{Name: name + "-inline", Document: d})
		}
		return u
	}
	key := func(id, of, user string) account.AccessKey {
		return account.AccessKey{ID: id, Secret: id[:8] + secretOf, Account: of, User: user, Name: "key-of-" + of}
	}
	product := func(code, seller, title string) market.Product {
		return market.Product{Code: code, ID: "prod-of-" + seller, Seller: seller, Title: title, Description: "Made by " + title, Kind: market.Legacy,
			RegistrationURL: "https://" + seller + ".example/in", Dimensions: []market.Dimension{{Key: "dim-of-" + seller, Kind: market.Metered}}}
	}
	return market.World{
		Directory: account.State{
			Accounts: []account.Account{
				{ID: alder, Name: "Alder Works", Seller: true}, {ID: birch, Name: "Birch Works", Seller: true},
				{ID: cedar, Name: "Cedar Buyers", Buyer: true}, {ID: dogwood, Name: "Dogwood Buyers", Buyer: true},
			},
			Policies: []account.Policy{{Account: birch, Name: "BirchManaged", Document: readingPolicies}, {Account: alder, Name: "AlderManaged", Document: readingPolicies}},
			Users:    []account.User{identity(alder, "reader", readingPolicies), identity(alder, "nobody"), identity(birch, "birch-user", readingPolicies)},
			Roles:    []account.Role{{Identity: account.Identity{Account: birch, Name: "birch-role"}}},
			Keys:     []account.AccessKey{key(alderRoot, alder, ""), key(alderReader, alder, "reader"), key(alderNobody, alder, "nobody"), key(birchRoot, birch, ""), key(cedarRoot, cedar, "")},
		},
		Products: []market.Product{product(alderCode, alder, "Alder Title"), product(birchCode, birch, "Birch Title")},
	}
}

func newHouses(t *testing.T) *houses {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	directory, ring := new(account.Directory), new(keyring.Ring)
	h := &houses{T: t, log: reqlog.New(reqlog.Config{}), agreement: map[string]market.Agreement{}, wall: time.Now}
	if h.service, err = market.Open(t.Context(), market.Config{Store: store, Directory: directory, Ring: ring, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.ApplyWorld(t.Context(), market.Operator(), housesWorld()); err != nil {
		t.Fatal(err)
	}
	h.credentials = &account.Credentials{Directory: directory, Ring: ring, Now: func() time.Time { return h.wall() }, Rand: rand.Reader}
	h.server = h.node(controlToken)
	return h
}

// node is another node of the same market, with a control token of its own.
func (h *houses) node(token string) *httptest.Server {
	h.Helper()
	mux := http.NewServeMux()
	api := admin.New(admin.Config{Service: h.service, Info: func() admin.Info { return admin.Info{} }})
	api.Register(mux)
	h.console = console.New(console.Config{
		Service: h.service, Log: h.log, Logger: slog.New(slog.DiscardHandler), Credentials: h.credentials, Export: api.UsageExport(),
		SignIn: &console.SignIn{Token: token, Wait: time.Millisecond},
	})
	h.console.Register(mux)
	pages := h.console
	server := httptest.NewServer(admin.Guard(admin.GuardConfig{Token: token, Pages: func(r *http.Request) bool { return pages.Answers(mux, r) }}, mux))
	h.Cleanup(server.Close)
	h.Cleanup(h.console.Close)
	return server
}

// trade has each seller sell to its buyer, who uses it; and has requests logged of both, and of each about the other's.
func (h *houses) trade() {
	h.Helper()
	for _, s := range []struct{ seller, code, buyer string }{{alder, alderCode, cedar}, {birch, birchCode, dogwood}} {
		p, err := h.service.Buy(h.Context(), market.Operator(), market.PurchaseInput{ProductCode: s.code, Buyer: s.buyer})
		if err != nil {
			h.Fatal(err)
		}
		h.agreement[s.code] = p.Agreement
		var out market.BatchOutput
		err = h.service.BatchMeterUsage(h.Context(), market.Caller{Account: s.seller, Region: "us-east-1"}, &market.BatchInput{ProductCode: []byte(s.code), Records: []market.UsageInput{{
			Timestamp: h.service.Now(), Dimension: []byte("dim-of-" + s.seller), Quantity: 7, CustomerAWSAccountID: []byte(s.buyer),
		}}}, &out)
		if err != nil || out.Results[0].Status != market.UsageSuccess {
			h.Fatal(err, out.Results)
		}
	}
	for _, s := range []struct{ id, signer, code string }{
		{"request-alder", alder, alderCode}, {"request-birch", birch, birchCode},
		{"request-alder-of-birch", alder, birchCode}, {"request-birch-of-alder", birch, alderCode},
	} {
		r := h.log.Begin()
		a := h.agreement[s.code]
		r.ID, r.Time, r.MarketTime, r.Remote = s.id, time.Now(), time.Now(), "remote-of-"+s.signer
		r.Operation, r.Method, r.Target, r.Status, r.Reason = "ResolveCustomer", "POST", "/", 400, "the product was published by account "+a.Seller
		r.ErrorCode, r.ErrorMessage = "InvalidTokenException", "the message to "+s.signer
		r.Principal, r.Account, r.AccessKeyID = "arn:aws:iam::"+s.signer+":user/signer", s.signer, "AKIA"+s.signer
		r.ProductCode, r.Buyer, r.LicenseARN = s.code, a.Buyer, a.LicenseARN
		r.Body = append(r.Body, `{"sent-by":"`+s.signer+`"}`...)
		h.log.Commit(r)
	}
}

// person is a browser, signed in or not.
type person struct {
	*houses
	at      string // URL of the node
	cookies []*http.Cookie
}

func (h *houses) anybody() *person { return &person{houses: h, at: h.server.URL} }

// signed is a browser that has signed in; with "" as the key, by the control token.
func (h *houses) signed(key string) *person {
	h.Helper()
	secret := controlToken
	if key != "" {
		secret = key[:8] + secretOf
	}
	p := h.anybody()
	got := p.do(http.MethodPost, "/sign-in", url.Values{"key": {key}, "secret": {secret}})
	if p.cookies = got.Cookies(); got.StatusCode != http.StatusSeeOther || len(p.cookies) != 1 {
		h.Fatalf("sign in as %q: %s, %v\n%s", key, got.Status, p.cookies, got.text())
	}
	return p
}

func (p *person) do(method, path string, form url.Values, headers ...string) page {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.at+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", p.at)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range p.cookies {
		req.AddCookie(c)
	}
	browser := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, // a test's own certificate
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := browser.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") { // goes on until somebody ends it
		time.AfterFunc(400*time.Millisecond, cancel) // the first news comes after 250
		body, _ := io.ReadAll(resp.Body)
		return page{resp, string(body)}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	return page{resp, string(body)}
}

func (p *person) get(path string, headers ...string) page {
	p.Helper()
	return p.do(http.MethodGet, path, nil, headers...)
}
