package admin

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/world"
)

func TestNewClient(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"127.0.0.1:7686": "http://127.0.0.1:7686", "localhost:1": "http://localhost:1", "[::1]:7686": "http://[::1]:7686", ":7686": "http://127.0.0.1:7686",
		"http://h:1/": "http://h:1", "https://souk.example.com": "https://souk.example.com", "https://h/souk/": "https://h/souk",
		"": "", "http://": "", "ftp://h": "", "http://h?x": "", "http://h#x": "", "http://user:pw@h": "", "h:port": "", "http://h:1 ": "", "/tmp/x": "",
	} {
		c, err := NewClient(in, "")
		if want == "" {
			if err == nil || strings.Contains(err.Error(), "pw") {
				t.Errorf("NewClient(%q) = %v, want an error without the password", in, err)
			}
			continue
		}
		if err != nil || c.Base() != want {
			t.Errorf("NewClient(%q) = %v, %v; want %s", in, c, err, want)
		}
	}
}

// The client's methods and the routes come in pairs, and each method brings back what its route gives.
func TestClient(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSite(t, siteConfig{})
	c := s.client
	check := func(name string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	check("Healthy", c.Healthy(ctx))
	check("Ready", c.Ready(ctx))
	info, err := c.Info(ctx)
	if check("Info", err); info.Keys[0].SecretAccessKey != "s" || info.Products[0].Kind != market.Legacy {
		t.Errorf("Info = %+v", info)
	}
	metrics, err := c.Metrics(ctx)
	if check("Metrics", err); !strings.Contains(string(metrics), "souk_test_total") {
		t.Errorf("Metrics = %s", metrics)
	}
	doc, err := c.OpenAPI(ctx)
	if check("OpenAPI", err); string(doc) != string(openAPI) {
		t.Error("OpenAPI is not the document")
	}
	accounts, err := c.Accounts(ctx)
	want := []Account{{ID: "111122223333", Name: "Seller", Seller: true}, {ID: "444455556666", Name: "Buyer", Buyer: true}, {ID: "777788889999", Name: "Suspended", Buyer: true, Suspended: true}}
	if diff := cmp.Diff(want, accounts); err != nil || diff != "" {
		t.Errorf("Accounts: %v\n%s", err, diff)
	}
	products, err := c.Products(ctx)
	if check("Products", err); len(products) != 3 || products[2].RegistrationURL != "http://127.0.0.1:7686/register" || products[2].Offers != nil {
		t.Errorf("Products = %+v", products)
	}
	for _, code := range []string{"legacy1", "concurrent/1:a@b=c", "two..dots"} {
		p, err := c.Product(ctx, code)
		if check("Product", err); p.ProductCode != code || len(p.Offers) == 0 {
			t.Errorf("Product(%q) = %+v", code, p)
		}
	}
	target, life := "http://localhost:3000/register", "90s"
	p, err := c.ChangeProduct(ctx, "two..dots", ProductChange{RegistrationURL: &target, TokenLife: &life})
	if check("ChangeProduct", err); p.RegistrationURL != target || p.BuiltinRegistration || p.TokenLife != "1m30s" {
		t.Errorf("ChangeProduct = %+v", p)
	}

	bought, err := c.Buy(ctx, PurchaseInput{ProductCode: "legacy1", FreeTrial: true})
	if check("Buy", err); !bought.FreeTrial || bought.Existing || bought.OfferID != "offer-trial" || bought.CustomerAWSAccountID != "444455556666" {
		t.Errorf("Buy = %+v", bought)
	}
	if left := time.Until(bought.TokenExpiresAt); left < 3*time.Hour+59*time.Minute || left > 4*time.Hour {
		t.Errorf("the token lives %s", left)
	}
	again, err := c.SetUpAccount(ctx, bought.AgreementID)
	if check("SetUpAccount", err); again.LicenseARN != bought.LicenseARN || again.RegistrationToken == bought.RegistrationToken || !again.Existing {
		t.Errorf("SetUpAccount = %+v", again)
	}
	got, err := s.service.ResolveCustomer(ctx, market.Caller{Account: "111122223333", Region: "us-east-1"}, []byte(again.RegistrationToken))
	if check("ResolveCustomer", err); got.CustomerIdentifier != bought.CustomerIdentifier || got.LicenseARN != bought.LicenseARN {
		t.Errorf("the token stands for %+v", got)
	}
	page, err := c.Agreements(ctx, AgreementQuery{Product: "legacy1"})
	if check("Agreements", err); len(page.Agreements) != 1 || page.Next != "" || page.Agreements[0].EndAt.Sub(page.Agreements[0].StartAt) < 13*24*time.Hour {
		t.Errorf("Agreements = %+v", page)
	}
	customers, err := c.Customers(ctx)
	if check("Customers", err); len(customers) != 1 || customers[0].CustomerIdentifier != bought.CustomerIdentifier {
		t.Errorf("Customers = %+v", customers)
	}

	file, err := c.World(ctx, WorldOptions{})
	if check("World", err); strings.Contains(string(file), "websiteSecret") {
		t.Error("the export holds a secret that was not asked for")
	}
	file, err = c.World(ctx, WorldOptions{Secrets: true})
	if check("World", err); !strings.Contains(string(file), "websiteSecret") {
		t.Error("the export does not hold the secret")
	}
	if _, err := world.Parse(file); err != nil {
		t.Errorf("the export does not parse: %v", err)
	}
	changes, err := c.ApplyWorld(ctx, file)
	if check("ApplyWorld", err); changes.Created+changes.Updated != 0 || changes.Unchanged == 0 {
		t.Errorf("applying the export again = %+v", changes)
	}
	_, err = c.ApplyWorld(ctx, []byte("accounts: [{id: 1}]\nproducts: [{code: x}]\n"))
	var e *APIError
	if !errors.As(err, &e) || e.Status != 422 || e.Code != CodeInvalid || len(e.Problems) < 2 || e.Problems[0].Line != 1 || e.Error() != e.Message {
		t.Errorf("ApplyWorld of nonsense = %#v", err)
	}

	state, err := c.FreezeClock(ctx)
	if check("FreezeClock", err); !state.Frozen {
		t.Errorf("FreezeClock = %+v", state)
	}
	moved, err := c.AdvanceClock(ctx, 5*time.Hour)
	if check("AdvanceClock", err); moved.Now.Sub(state.Now) != 5*time.Hour || !s.clock.Now().Equal(moved.Now) || time.Since(moved.Wall) > time.Minute {
		t.Errorf("AdvanceClock = %+v after %+v", moved, state)
	}
	to := moved.Now.Add(time.Nanosecond)
	if state, err = c.SetClock(ctx, to); err != nil || !state.Now.Equal(to) {
		t.Errorf("SetClock = %+v, %v", state, err)
	}
	if _, err := c.ResumeClock(ctx); err != nil {
		t.Error(err)
	}
	if state, err = c.Clock(ctx); err != nil || state.Frozen {
		t.Errorf("Clock = %+v, %v", state, err)
	}

	rule, err := c.AddFault(ctx, fault.Rule{Operation: "ResolveCustomer", Refuse: "ThrottlingException", Times: 2, Delay: time.Second})
	check("AddFault", err)
	list, err := c.Faults(ctx)
	if diff := cmp.Diff(FaultList{Faults: []fault.Rule{rule}, Seed: 7}, list); err != nil || diff != "" || rule.Delay != time.Second {
		t.Errorf("Faults: %v\n%s", err, diff)
	}
	check("RemoveFault", c.RemoveFault(ctx, rule.ID))
	_, err = c.AddFault(ctx, fault.Rule{Cut: true})
	check("AddFault", err)
	if n, err := c.ClearFaults(ctx); err != nil || n != 1 || !s.faults.Empty() {
		t.Errorf("ClearFaults = %d, %v", n, err)
	}

	s.record("req/1", nil)
	view, err := c.Request(ctx, "req/1")
	if check("Request", err); view.Operation != "ResolveCustomer" || view.Authz == nil || !view.Authz.Allowed {
		t.Errorf("Request = %+v", view)
	}
	requests, err := c.Requests(ctx, RequestQuery{Operation: "ResolveCustomer", Outcome: "ok", Limit: 5})
	s.sent("sent", "{}")
	_, replayed := c.Replay(ctx, "sent", ReplayInput{})
	check("Replay", replayed)
	if diff := cmp.Diff([]reqlog.View{view}, requests.Requests); err != nil || diff != "" {
		t.Errorf("Requests: %v\n%s", err, diff)
	}

	key, err := c.RotateTokenKey(ctx)
	check("RotateTokenKey", err)
	keys, err := c.TokenKeys(ctx)
	if check("TokenKeys", err); len(keys) != 2 || keys[0].Active || !keys[1].Active || keys[1].ID != key.ID {
		t.Errorf("TokenKeys = %+v", keys)
	}
	check("RetireTokenKey", c.RetireTokenKey(ctx, keys[0].ID))
	session, err := c.IssueSession(ctx, SessionInput{RoleARN: "arn:aws:iam::111122223333:role/backend", SessionName: "ci"})
	if check("IssueSession", err); !strings.HasPrefix(session.AccessKeyID, "ASIA") || session.Token == "" || time.Until(session.ExpiresAt) > time.Hour {
		t.Errorf("IssueSession = %+v", session)
	}
	report, err := c.Check(ctx)
	if check("Check", err); len(report.Problems) != 0 || report.Checked.Accounts != 3 || report.Checked.Products != 3 {
		t.Errorf("Check = %+v", report)
	}
	for range c.Follow(endedSoon(ctx, s)) {
		break
	}
	s.addVault(t)
	agreed := s.buyVault(t).AgreementID
	_, err = c.Agreement(ctx, agreed)
	check("Agreement", err)
	events, err := c.Events(ctx, agreed, EventQuery{})
	if check("Events", err); len(events.Events) == 0 || events.Events[0].Kind != market.EventAccepted {
		t.Errorf("Events = %+v", events)
	}
	_, err = c.Amend(ctx, agreed, Amendment{Entitlements: Entitlements{"seats": 2}})
	check("Amend", err)
	_, err = c.Suspend(ctx, agreed)
	check("Suspend", err)
	_, err = c.Reinstate(ctx, agreed)
	check("Reinstate", err)
	_, err = c.Renew(ctx, agreed, Terms{})
	check("Renew", err)
	replaced, err := c.Replace(ctx, agreed, Terms{})
	check("Replace", err)
	_, err = c.Cancel(ctx, replaced.AgreementID)
	check("Cancel", err)
	_, err = c.Terminate(ctx, s.buyVault(t).AgreementID)
	check("Terminate", err)
	_, err = c.Expire(ctx, s.buyVault(t).AgreementID)
	check("Expire", err)
	_, err = c.Usage(ctx, UsageQuery{}, UsageList{Count: true})
	check("Usage", err)
	_, err = c.SumUsage(ctx, UsageQuery{}, []market.UsageField{market.ByDay})
	check("SumUsage", err)
	_, err = c.Bill(ctx, BillQuery{Product: "legacy1"})
	check("Bill", err)
	export, err := c.ExportUsage(ctx, UsageQuery{}, "csv")
	check("ExportUsage", err)
	export.Body.Close()
	_, err = c.RotateSigningKey(ctx)
	check("RotateSigningKey", err)
	if keys, err := c.SigningKeys(ctx); err != nil || len(keys) == 0 {
		t.Errorf("SigningKeys = %+v, %v", keys, err)
	}
	callTheRest(t, ctx, c)
	for path, item := range mustDocument(t).Paths.Map() {
		for method, op := range item.Operations() {
			called := slices.ContainsFunc(slices.Collect(maps.Keys(s.conform.seen)), func(seen string) bool { return strings.HasPrefix(seen, op.OperationID+" 2") })
			if !called && path != "/openapi.json" { // which is for others
				t.Errorf("no method of the client calls %s %s", method, path)
			}
		}
	}
}

// callTheRest is of TestClient: what moves the whole market comes last.
func callTheRest(t *testing.T, ctx context.Context, c *Client) {
	t.Helper()
	key, err := c.CreateAccessKey(ctx, AccessKeyInput{Account: "111122223333", Name: "extra"})
	if err != nil || key.SecretAccessKey == "" {
		t.Errorf("CreateAccessKey = %+v, %v", key, err)
	}
	if key, err = c.SwitchAccessKey(ctx, key.AccessKeyID, true); err != nil || !key.Inactive {
		t.Errorf("SwitchAccessKey = %+v, %v", key, err)
	}
	keys, err := c.AccessKeys(ctx, "111122223333")
	if err != nil || !slices.ContainsFunc(keys, func(k AccessKey) bool { return k == key }) {
		t.Errorf("AccessKeys = %+v, %v", keys, err)
	}
	if v, err := c.May(ctx, Question{Principal: "111122223333", Action: "aws-marketplace:ResolveCustomer"}); err != nil || !v.Allowed {
		t.Errorf("May = %+v, %v", v, err)
	}
	if r, err := c.TryProduct(ctx, "legacy1", TryInput{}); err != nil || len(r.Hops) == 0 {
		t.Errorf("TryProduct = %+v, %v", r, err)
	}
	if taken, err := c.TakeSnapshot(ctx, "before"); err != nil || taken.Name != "before" {
		t.Errorf("TakeSnapshot = %+v, %v", taken, err)
	}
	if list, err := c.Snapshots(ctx); err != nil || !slices.ContainsFunc(list, func(s Snapshot) bool { return s.Name == "before" }) {
		t.Errorf("Snapshots = %+v, %v", list, err)
	}
	if state, err := c.DueClock(ctx); err != nil || state.Now.IsZero() {
		t.Errorf("DueClock = %+v, %v", state, err)
	}
	if _, err := c.RestoreSnapshot(ctx, "before"); err != nil {
		t.Errorf("RestoreSnapshot: %v", err)
	}
	if err := c.DropSnapshot(ctx, "before"); err != nil {
		t.Errorf("DropSnapshot: %v", err)
	}
	if _, err := c.Reset(ctx); err != nil {
		t.Errorf("Reset: %v", err)
	}
	if keys, err := c.AccessKeys(ctx, "111122223333"); err != nil || slices.ContainsFunc(keys, func(k AccessKey) bool { return k.AccessKeyID == key.AccessKeyID }) {
		t.Errorf("AccessKeys after the reset = %+v, %v", keys, err)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c, err := NewClient(addr, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Info(t.Context())
	var u *UnreachableError
	if !errors.As(err, &u) || !strings.Contains(err.Error(), "no souk is listening at http://"+addr+": start one with `souk dev`") || !strings.Contains(err.Error(), "SOUK_CONTROL") {
		t.Errorf("Info = %v", err)
	}
	for _, err := range c.Follow(t.Context()) {
		if !errors.As(err, &u) {
			t.Errorf("Follow = %v", err)
		}
	}
	// A caller who gives up is told so, and not that nobody is there.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Info(gone); !errors.Is(err, context.Canceled) || errors.As(err, new(*UnreachableError)) {
		t.Errorf("Info, cancelled = %v", err)
	}
}

// Something else on the port is told apart from a Souk, and gets the token at most once: it is not followed elsewhere.
func TestNotASouk(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed, with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/readyz":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		case "/api/v1/info":
			io.WriteString(w, "<!doctype html>")
		case "/api/v1/requests/follow":
			io.WriteString(w, "data: what\n\n")
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	c, err := NewClient(s.URL, "token")
	if err != nil {
		t.Fatal(err)
	}
	_, info := c.Info(t.Context())
	_, accounts := c.Accounts(t.Context())
	var follow error
	for _, follow = range c.Follow(t.Context()) {
	}
	for name, err := range map[string]error{"Ready": c.Ready(t.Context()), "Info": info, "Accounts": accounts, "Follow": follow} {
		var e *APIError
		if !errors.As(err, &e) || e.Code != "" || !strings.Contains(e.Message, "is not the control listener of a souk") {
			t.Errorf("%s = %#v", name, err)
		}
	}
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{"right": "", "wrong": "refuses the token", "": "wants its token"} {
		s := newSite(t, siteConfig{guard: GuardConfig{Token: "right"}, clientToken: token})
		_, err := s.client.Info(t.Context())
		var e *APIError
		if want == "" && err != nil || want != "" && (!errors.As(err, &e) || e.Code != CodeUnauthorized || !strings.Contains(e.Message, want)) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

// A follower gets what is answered from then on, in order, until it breaks off.
func TestFollow(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	s.record("before", nil)
	ctx := endedSoon(t.Context(), s)
	var seqs []uint64
	for v, err := range s.client.Follow(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if v.ID != "req-follow" || v.Authz == nil || len(v.Headers) != 1 {
			t.Errorf("followed %+v", v)
		}
		if seqs = append(seqs, v.Seq); len(seqs) == 3 {
			break
		}
	}
	if len(seqs) != 3 || seqs[1] != seqs[0]+1 || seqs[2] != seqs[0]+2 {
		t.Errorf("followed %v", seqs)
	}
}

// Shutdown of the server ends what is followed, cleanly, and does not wait for it.
func TestFollowEndsWithTheServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	ctx := endedSoon(t.Context(), s)
	n := 0
	for _, err := range s.client.Follow(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			stop, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := s.server.Config.Shutdown(stop); err != nil {
				t.Fatalf("Shutdown = %v", err)
			}
		}
	}
	if n == 0 || ctx.Err() != nil {
		t.Errorf("followed %d requests; %v", n, ctx.Err())
	}
}

// The server's timeouts are for requests that end.
func TestFollowOutlivesTimeouts(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	const timeout = 300 * time.Millisecond
	slow := httptest.NewUnstartedServer(Guard(GuardConfig{}, s.api.Handler()))
	slow.Config.ReadTimeout, slow.Config.WriteTimeout = timeout, timeout
	slow.Start()
	t.Cleanup(slow.Close)
	c, err := NewClient(slow.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for _, err := range c.Follow(endedSoon(t.Context(), s)) {
		if err != nil {
			t.Fatalf("after %s: %v", time.Since(begin), err)
		}
		if time.Since(begin) > 3*timeout {
			return
		}
	}
	t.Errorf("it ended after %s", time.Since(begin))
}

// A connection that breaks is told from one that ends.
func TestFollowBreaks(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	ctx := endedSoon(t.Context(), s)
	var last error
	n := 0
	for _, err := range s.client.Follow(ctx) {
		if last = err; err == nil {
			n++
			s.server.CloseClientConnections()
		}
	}
	if n == 0 || last == nil {
		t.Errorf("after %d requests the connection broke; the last error is %v", n, last)
	}
}

// A follower hears from a server that has nothing to tell; and takes one that it does not hear from for gone.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &API{log: reqlog.New(reqlog.Config{})}
		a.open, a.finish = context.WithCancel(context.Background())
		w := &streamRecorder{header: http.Header{}}
		done := make(chan error)
		go func() {
			done <- a.followRequests(w, httptest.NewRequestWithContext(context.Background(), "GET", "/api/v1/requests/follow", nil))
		}()
		time.Sleep(2*heartbeat + heartbeat/2)
		synctest.Wait()
		if got, want := w.String(), ": following\n\n: heartbeat\n\n: heartbeat\n\n"; got != want || w.flushed != 3 {
			t.Errorf("sent %q in %d pieces, want %q", got, w.flushed, want)
		}
		a.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, err := NewClient("127.0.0.1:1", "")
		if err != nil {
			t.Fatal(err)
		}
		c.http.Transport = silent{}
		begin := time.Now()
		var last error
		for _, last = range c.Follow(t.Context()) {
		}
		if !errors.Is(last, errSilence) || time.Since(begin) != followSilence {
			t.Errorf("after %s: %v", time.Since(begin), last)
		}
	})
}

// streamRecorder is a ResponseWriter that can flush.
type streamRecorder struct {
	lockedBuffer
	header  http.Header
	flushed int
}

func (w *streamRecorder) Header() http.Header { return w.header }
func (w *streamRecorder) WriteHeader(int)     {}
func (w *streamRecorder) Flush()              { w.flushed++ }

// silent answers with a stream that says nothing until its request is cancelled.
type silent struct{}

func (silent) RoundTrip(req *http.Request) (*http.Response, error) {
	r, w := io.Pipe()
	context.AfterFunc(req.Context(), func() { w.CloseWithError(os.ErrDeadlineExceeded) })
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: r, Request: req}, nil
}
