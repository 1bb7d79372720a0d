package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/quota"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
	"github.com/souk-market/souk/internal/sqlstore"
)

const (
	seller, otherSeller, buyer = "111122223333", "444455556666", "777788889999"
	legacyCode, concurrentCode = "legacyproductcode00000000", "concurrentproduct00000000"
)

func allow(action string) []account.Inline {
	return []account.Inline{{Name: "P", Document: `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`}}
}

// keys of the test world; a secret follows from its id.
func key(id string) sigv4.Key { return sigv4.Key{AccessKeyID: id, Secret: "secret-of-" + id} }

var (
	sellerKey = key("AKIASELLER0000000000")
	deniedKey = key("AKIADENIED0000000000")
	otherKey  = key("AKIAOTHER00000000000")
	rootKey   = key("AKIAROOT000000000000")
	frozenKey = key("AKIASUSPENDED0000000")
	offKey    = key("AKIAINACTIVE00000000")
)

func testWorld() market.World {
	user := func(accountID, name string, in []account.Inline) account.User {
		return account.User{Identity: account.Identity{Account: accountID, Name: name, Inline: in}}
	}
	accessKey := func(k sigv4.Key, accountID, user string) account.AccessKey {
		return account.AccessKey{ID: k.AccessKeyID, Secret: k.Secret, Account: accountID, User: user}
	}
	off := accessKey(offKey, seller, "app")
	off.Inactive = true
	return market.World{
		Directory: account.State{
			Accounts: []account.Account{
				{ID: seller, Name: "Seller", Seller: true}, {ID: otherSeller, Name: "Other", Seller: true},
				{ID: buyer, Name: "Buyer", Buyer: true}, {ID: "999999999999", Name: "Suspended", Seller: true, Suspended: true},
			},
			Users: []account.User{user(seller, "app", allow("aws-marketplace:ResolveCustomer")), user(seller, "denied", allow("s3:*")),
				user(otherSeller, "app", allow("aws-marketplace:*")), user("999999999999", "app", allow("*"))},
			Roles: []account.Role{{Identity: account.Identity{Account: seller, Name: "App", Inline: allow("aws-marketplace:*")}}},
			Keys: []account.AccessKey{accessKey(sellerKey, seller, "app"), accessKey(deniedKey, seller, "denied"), accessKey(otherKey, otherSeller, "app"),
				accessKey(rootKey, seller, ""), accessKey(frozenKey, "999999999999", "app"), off},
		},
		Products: []market.Product{
			{Code: legacyCode, Seller: seller, Title: "L", Kind: market.Legacy},
			{Code: concurrentCode, Seller: seller, Title: "C", Kind: market.ConcurrentAgreements},
		},
	}
}

// souk is a whole AWS face over a store in memory, on a real socket.
type souk struct {
	*Server
	t    testing.TB
	url  string
	addr string

	mu  sync.Mutex
	now time.Time // the market's
}

func (s *souk) marketNow() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *souk) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func start(t testing.TB, change ...func(*Config, *market.Config)) *souk {
	t.Helper()
	return startWith(t, func(*Server) {}, change...)
}

// startWith lets a test change the Server before it serves.
func startWith(t testing.TB, prepare func(*Server), change ...func(*Config, *market.Config)) *souk {
	t.Helper()
	ctx := context.Background()
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &souk{t: t, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	dir, ring := new(account.Directory), new(keyring.Ring)
	mc := market.Config{Store: store, Directory: dir, Ring: ring, Now: s.marketNow, Rand: rand.Reader, Regions: market.AWSRegions()}
	ac := Config{
		Credentials: &account.Credentials{Directory: dir, Ring: ring, Now: time.Now, Rand: rand.Reader},
		Records:     reqlog.New(reqlog.Config{}), Faults: fault.New(fault.Config{Seed: 1, Known: KnownCode}), Quotas: quota.New(quota.Off(), nil),
	}
	for _, f := range change {
		f(&ac, &mc)
	}
	if ac.Service, err = market.Open(ctx, mc); err != nil {
		t.Fatal(err)
	}
	if _, err := ac.Service.ApplyWorld(ctx, market.Operator(), testWorld()); err != nil {
		t.Fatal(err)
	}
	s.Server = New(ac)
	prepare(s.Server)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	s.url = "http://" + s.addr + "/"
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln, nil) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-done; err != http.ErrServerClosed {
			t.Errorf("serve: %v", err)
		}
	})
	return s
}

func (s *souk) buy(product string) market.Purchase {
	s.t.Helper()
	p, err := s.Service.Buy(context.Background(), market.Operator(), market.PurchaseInput{ProductCode: product})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// request is a signed ResolveCustomer, ready to be spoilt.
func (s *souk) request(token string) *http.Request {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"RegistrationToken": token})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.requestBody(body)
}

func (s *souk) requestBody(body []byte) *http.Request {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
	return r
}

func sign(r *http.Request, k sigv4.Key, region string, at time.Time) *http.Request {
	var body []byte
	if r.GetBody != nil {
		rc, _ := r.GetBody()
		body, _ = io.ReadAll(rc)
	}
	sigv4.Sign(r, body, k, region, "aws-marketplace", at)
	return r
}

// answer is what came back.
type answer struct {
	status    int
	header    http.Header
	body      string
	members   map[string]any
	namespace string // of an error's code, in CBOR
}

func (a answer) code() string    { s, _ := a.members["__type"].(string); return s }
func (a answer) message() string { s, _ := a.members["message"].(string); return s }

var client = &http.Client{Timeout: 20 * time.Second}

func (s *souk) do(r *http.Request) answer {
	s.t.Helper()
	res, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.read(res)
}

// read checks what every answer has in common.
func (s *souk) read(res *http.Response) answer {
	s.t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(b)}
	if ct := res.Header.Get("Content-Type"); ct == "application/cbor" {
		return a
	} else if !strings.HasPrefix(ct, "application/x-amz-json-1.") {
		s.t.Errorf("Content-Type is %q", ct)
	}
	if err := json.Unmarshal(b, &a.members); err != nil {
		s.t.Errorf("body %q: %v", b, err)
	}
	if len(res.Header.Get("x-amzn-RequestId")) != 36 {
		s.t.Errorf("x-amzn-RequestId is %q", res.Header.Get("x-amzn-RequestId"))
	}
	if a.status >= 400 && res.Header.Get("x-amzn-ErrorType") != a.code() {
		s.t.Errorf("x-amzn-ErrorType is %q, __type %q", res.Header.Get("x-amzn-ErrorType"), a.code())
	}
	date, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil || time.Since(date).Abs() > 5*time.Second {
		s.t.Errorf("Date is %q: must be the wall clock's", res.Header.Get("Date"))
	}
	return a
}

// last is the newest request record.
func (s *souk) last() reqlog.View {
	s.t.Helper()
	deadline := time.Now().Add(2 * time.Second)
	for time.Now().Before(deadline) { // a record is committed after its answer is written
		if l := s.Records.List(reqlog.Filter{Limit: 1}); len(l) == 1 {
			return l[0]
		}
		time.Sleep(time.Millisecond)
	}
	s.t.Fatal("no request record")
	return reqlog.View{}
}

// record waits for the record of a request.
func (s *souk) record(id string) reqlog.View {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	v, err := s.Records.Wait(ctx, func(v reqlog.View) bool { return v.ID == id })
	if err != nil {
		s.t.Fatalf("record %s: %v", id, err)
	}
	return v
}

func want(t testing.TB, a answer, status int, code, message string) {
	t.Helper()
	if a.status != status || a.code() != code || a.message() != message {
		t.Errorf("got %d %s %q,\nwant %d %s %q", a.status, a.code(), a.message(), status, code, message)
	}
}
