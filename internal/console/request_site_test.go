package console_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/api"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/quota"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
	"github.com/souk-market/souk/internal/sqlstore"
)

// inspected is a site beside an AWS face, whose requests it shows.
type inspected struct {
	*site
	faults      *fault.Set
	credentials *account.Credentials
	endpoint    string
}

var (
	goodKey   = sigv4.Key{AccessKeyID: "AKIAINSPECTGOOD00000", Secret: "secret-of-the-good-key-0000000000000000"}
	deniedKey = sigv4.Key{AccessKeyID: "AKIAINSPECTDENIED000", Secret: "secret-of-the-denied-key-00000000000000"}
)

const appRole = "arn:aws:iam::" + seller + ":role/App"

func inspectedWorld() market.World {
	w := sampleWorld()
	identity := func(name, action string) account.Identity {
		return account.Identity{Account: seller, Name: name, Inline: []account.Inline{{Name: "P", Document: `{"Version":"2012-10-17","Statement":[{"Sid":"TheOne","Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`}}}
	}
	w.Directory.Users = []account.User{{Identity: identity("good", "aws-marketplace:*")}, {Identity: identity("denied", "s3:*")}}
	w.Directory.Roles = []account.Role{{Identity: identity("App", "aws-marketplace:*")}}
	w.Directory.Keys = []account.AccessKey{
		{ID: goodKey.AccessKeyID, Secret: goodKey.Secret, Account: seller, User: "good"}, {ID: deniedKey.AccessKeyID, Secret: deniedKey.Secret, Account: seller, User: "denied"},
	}
	return w
}

// newInspected makes one; replay is Config.Replay.
func newInspected(t *testing.T, replay func(*http.Request) (*http.Response, error)) *inspected {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	directory, ring := new(account.Directory), new(keyring.Ring)
	service, err := market.Open(t.Context(), market.Config{Store: store, Directory: directory, Ring: ring, Rand: rand.Reader, BuiltinRegistrationURL: builtin})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.ApplyWorld(t.Context(), market.Operator(), inspectedWorld()); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	s := &inspected{
		site:        &site{T: t, service: service, log: reqlog.New(reqlog.Config{}), logged: new(strings.Builder)},
		faults:      fault.New(fault.Config{Known: api.KnownCode, Log: quiet}),
		credentials: &account.Credentials{Directory: directory, Ring: ring, Now: time.Now, Rand: rand.Reader},
	}
	face := httptest.NewServer(api.New(api.Config{Service: service, Credentials: s.credentials, Records: s.log, Faults: s.faults, Quotas: quota.New(quota.Limits{}, nil), Log: quiet}))
	t.Cleanup(face.Close)
	s.endpoint = face.URL
	mux := http.NewServeMux()
	console.New(console.Config{
		Service: service, Log: s.log, Logger: slog.New(slog.NewTextHandler(s.logged, nil)), Credentials: s.credentials, Replay: replay,
		Environment: console.Environment{Endpoint: face.URL, Region: "us-east-1"},
	}).Register(mux)
	s.server = httptest.NewServer(http.NewCrossOriginProtection().Handler(mux))
	t.Cleanup(s.server.Close)
	s.browser = s.server.Client()
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return s
}

// call makes a request of the AWS face and returns its id; change changes it after it was signed.
func (s *inspected) call(key sigv4.Key, operation, body string, headers map[string]string, change func(*http.Request)) string {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.endpoint+"/", bytes.NewReader([]byte(body)))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	service := "AWSMPMeteringService."
	if operation == "GetEntitlements" {
		service = "AWSMPEntitlementService."
	}
	req.Header.Set("X-Amz-Target", service+operation)
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	sigv4.Sign(req, []byte(body), key, "us-east-1", "aws-marketplace", time.Now())
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		s.Fatal(err)
	}
	id := resp.Header.Get("X-Amzn-Requestid")
	s.kept(id)
	return id
}

// kept waits for the record of a request, which is made after its answer.
func (s *inspected) kept(id string) reqlog.View {
	s.Helper()
	v, err := s.log.Wait(s.Context(), func(v reqlog.View) bool { return v.ID == id })
	if err != nil {
		s.Fatal(err)
	}
	return v
}

// token buys a product and returns a registration token.
func (s *inspected) token(code, buyer string) string {
	s.Helper()
	p, err := s.service.Buy(s.Context(), market.Operator(), market.PurchaseInput{ProductCode: code, Buyer: buyer})
	if err != nil {
		s.Fatal(err)
	}
	return p.Token
}
