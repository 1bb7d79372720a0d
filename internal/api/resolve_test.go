package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/quota"
	"github.com/souk-market/souk/internal/sigv4"
)

func TestResolveCustomer(t *testing.T) {
	s := start(t)
	for _, product := range []string{legacyCode, concurrentCode} {
		p := s.buy(product)
		wantBody := map[string]any{
			"CustomerAWSAccountId": buyer, "CustomerIdentifier": p.Customer.Identifier, "LicenseArn": p.Agreement.LicenseARN, "ProductCode": product,
		}
		if product == concurrentCode {
			wantBody["CustomerIdentifier"] = ""
		}
		for range 3 { // the same answer every time
			a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now()))
			if d := cmp.Diff(wantBody, a.members); a.status != 200 || d != "" {
				t.Fatalf("status %d (-want +got):\n%s", a.status, d)
			}
		}
	}
	v := s.last()
	if v.Outcome != "ok" || v.Principal != "arn:aws:iam::"+seller+":user/app" || v.ProductCode != concurrentCode || v.Buyer != buyer || v.Region != "us-east-1" {
		t.Errorf("record %+v", v)
	}
	if !strings.Contains(v.Authz.Why, `Sid "S"`) {
		t.Errorf("the record says of the decision: %q", v.Authz.Why)
	}
}

// On a warm cache a replayable token costs no read of the store: it still resolves when the store is closed.
func TestResolveCustomerReadsNothing(t *testing.T) {
	var store market.Store
	s := start(t, func(_ *Config, m *market.Config) { store = m.Store })
	p := s.buy(legacyCode)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.status != 200 {
		t.Errorf("with the store closed: %d %s", a.status, a.body)
	}
}

func TestRefusals(t *testing.T) {
	s := start(t)
	p := s.buy(legacyCode)
	session := func(life time.Duration) sigv4.Key {
		issued, err := s.Credentials.IssueSession(account.SessionInput{RoleARN: "arn:aws:iam::" + seller + ":role/App", Name: "worker-1", Life: life})
		if err != nil {
			t.Fatal(err)
		}
		return sigv4.Key{AccessKeyID: issued.AccessKeyID, Secret: issued.Secret, SessionToken: issued.Token}
	}
	expired, living := session(time.Second), session(time.Hour)
	time.Sleep(1100 * time.Millisecond)
	good := func() *http.Request { return sign(s.request(p.Token), sellerKey, "us-east-1", time.Now()) }
	now := time.Now

	const mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	tests := []struct {
		name    string
		request *http.Request
		status  int
		code    string
		message string
		reason  string // part of what only the record says
	}{
		{"living session", sign(s.request(p.Token), living, "us-east-1", now()), 200, "", "", ""},
		{"root", sign(s.request(p.Token), rootKey, "us-east-1", now()), 200, "", "", ""},
		{"garbage token", sign(s.request("garbage"), sellerKey, "us-east-1", now()), 400, "InvalidTokenException", "Registration token is invalid", "does not open"},
		{"another seller", sign(s.request(p.Token), otherKey, "us-east-1", now()), 400, "InvalidTokenException", "Registration token is invalid", "published by account " + seller},
		{"no permission", sign(s.request(p.Token), deniedKey, "us-east-1", now()), 400, "AccessDeniedException",
			"User: arn:aws:iam::111122223333:user/denied is not authorized to perform: aws-marketplace:ResolveCustomer because no identity-based policy allows the aws-marketplace:ResolveCustomer action", ""},
		{"suspended account", sign(s.request(p.Token), frozenKey, "us-east-1", now()), 400, "AccessDeniedException",
			"User: arn:aws:iam::999999999999:user/app is not authorized to perform: aws-marketplace:ResolveCustomer", "suspended"},
		{"Region without the API", sign(s.request(p.Token), sellerKey, "us-gov-west-1", now()), 400, "DisabledApiException", "This API is disabled in this Region.", ""},
		{"unknown key", sign(s.request(p.Token), key("AKIANOBODY0000000000"), "us-east-1", now()), 400, "UnrecognizedClientException", "The security token included in the request is invalid.", ""},
		{"inactive key", sign(s.request(p.Token), offKey, "us-east-1", now()), 400, "UnrecognizedClientException", "The security token included in the request is invalid.", ""},
		{"another's session token", sign(s.request(p.Token), sigv4.Key{AccessKeyID: living.AccessKeyID, Secret: living.Secret, SessionToken: expired.SessionToken}, "us-east-1", now()),
			400, "UnrecognizedClientException", "The security token included in the request is invalid", ""},
		{"expired session", sign(s.request(p.Token), expired, "us-east-1", now()), 400, "ExpiredTokenException", "The security token included in the request is expired", ""},
		{"wrong secret", sign(s.request(p.Token), sigv4.Key{AccessKeyID: sellerKey.AccessKeyID, Secret: "wrong"}, "us-east-1", now()), 400, "InvalidSignatureException", mismatch, ""},
		{"unsigned", s.request(p.Token), 400, "MissingAuthenticationTokenException", "Request is missing Authentication Token", ""},
		{"no token", sign(s.requestBody([]byte(`{}`)), sellerKey, "us-east-1", now()), 400, "ValidationException",
			"1 validation error detected: Value null at 'registrationToken' failed to satisfy constraint: Member must not be null", ""},
		{"empty token", sign(s.request(""), sellerKey, "us-east-1", now()), 400, "ValidationException",
			`1 validation error detected: Value '' at 'registrationToken' failed to satisfy constraint: Member must satisfy regular expression pattern: [\s\S]+`, ""},
		{"token is a number", sign(s.requestBody([]byte(`{"RegistrationToken":7}`)), sellerKey, "us-east-1", now()), 400, "SerializationException", "NUMBER_VALUE cannot be converted to String", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.do(tt.request)
			if tt.status == 200 {
				if a.status != 200 {
					t.Errorf("got %d %s", a.status, a.body)
				}
				return
			}
			want(t, a, tt.status, tt.code, tt.message)
			v := s.record(a.header.Get("x-amzn-RequestId"))
			if !strings.Contains(v.Reason, tt.reason) {
				t.Errorf("the record's reason is %q, want something with %q", v.Reason, tt.reason)
			}
			if strings.Contains(a.body, "published by") {
				t.Error("the caller is told the true reason")
			}
		})
	}

	t.Run("expired token", func(t *testing.T) {
		s.advance(4*time.Hour - time.Second)
		if a := s.do(good()); a.status != 200 {
			t.Errorf("one second before its end: %s", a.body)
		}
		s.advance(time.Second)
		want(t, s.do(good()), 400, "ExpiredTokenException", "Registration token has expired")
		if a := s.do(sign(s.request(p.Token), otherKey, "us-east-1", now())); a.code() != "InvalidTokenException" {
			t.Errorf("a stranger learns that the token was real: %s", a.body)
		}
	})
}

// The order of checks is AWS's: what comes first hides what comes later.
func TestOrderOfChecks(t *testing.T) {
	s := start(t)
	unsigned := func(body, target string) *http.Request {
		r := s.requestBody([]byte(body))
		r.Header.Set("X-Amz-Target", target)
		return r
	}
	get, _ := http.NewRequest(http.MethodGet, s.url, nil)
	text := s.requestBody([]byte("not json"))
	text.Header.Set("Content-Type", "text/plain")
	huge := s.requestBody(make([]byte, MaxBody+1))
	huge.Header.Set("Content-Type", "text/plain")
	tests := []struct {
		name    string
		request *http.Request
		status  int
		code    string
	}{
		{"size before content type", huge, 413, "RequestEntityTooLargeException"},
		{"method", get, 404, "UnknownOperationException"},
		{"content type before syntax", text, 404, "UnknownOperationException"},
		{"syntax before operation", unsigned("{", "Nobody.Nothing"), 400, "SerializationException"},
		{"operation before authentication", unsigned("{}", "AWSMPMeteringService.Nothing"), 400, "UnknownOperationException"},
		{"authentication before validation", unsigned("{}", "AWSMPMeteringService.ResolveCustomer"), 400, "MissingAuthenticationTokenException"},
		{"authorization before validation", sign(s.requestBody([]byte("{}")), deniedKey, "us-east-1", time.Now()), 400, "AccessDeniedException"},
		{"authorization before Region", sign(s.request("x"), deniedKey, "us-gov-west-1", time.Now()), 400, "AccessDeniedException"},
		{"types before Region", sign(s.requestBody([]byte(`{"RegistrationToken":[]}`)), sellerKey, "us-gov-west-1", time.Now()), 400, "SerializationException"},
		{"Region before token", sign(s.request("x"), sellerKey, "us-gov-west-1", time.Now()), 400, "DisabledApiException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a := s.do(tt.request); a.status != tt.status || a.code() != tt.code {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
}

func TestSingleUse(t *testing.T) {
	s := start(t, func(_ *Config, m *market.Config) { m.TokenReuse = market.ReuseSingle })
	p := s.buy(legacyCode)
	if a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.status != 200 {
		t.Fatalf("first redemption: %s", a.body)
	}
	want(t, s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())), 400, "ExpiredTokenException", "Registration token has expired")
}

func TestQuota(t *testing.T) {
	s := start(t, func(a *Config, _ *market.Config) {
		at := time.Now() // stands still: nothing refills
		a.Quotas = quota.New(quota.AWS(), func() time.Time { return at })
	})
	p := s.buy(legacyCode)
	ok := 0
	for range 20 {
		switch a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.status {
		case 200:
			ok++
		default:
			want(t, a, 400, "ThrottlingException", "Rate exceeded")
		}
	}
	if ok != 10 {
		t.Errorf("%d of 20 calls got through, want 10", ok)
	}
	if a := s.do(sign(s.request(p.Token), sellerKey, "eu-west-1", time.Now())); a.status != 200 {
		t.Errorf("another Region has its own quota: %s", a.body)
	}
	if a := s.do(sign(s.request(p.Token), otherKey, "us-east-1", time.Now())); a.code() != "InvalidTokenException" {
		t.Errorf("another account has its own quota: %s", a.body)
	}
}

func TestRelaxed(t *testing.T) {
	s := start(t, func(a *Config, _ *market.Config) {
		dir := a.Credentials.Directory
		a.Relaxed = func(id string) *account.Principal {
			if !account.ValidID(id) {
				id = seller
			}
			p, _ := dir.Root(id)
			return p
		}
	})
	p := s.buy(legacyCode)
	if a := s.do(sign(s.request(p.Token), key("anything"), "us-east-1", time.Now())); a.status != 200 {
		t.Errorf("an unknown key stands for the sample seller: %s", a.body)
	}
	if a := s.do(sign(s.request(p.Token), key(otherSeller), "us-east-1", time.Now())); a.code() != "InvalidTokenException" {
		t.Errorf("twelve digits stand for that account: %s", a.body)
	}
	if a := s.do(sign(s.request(p.Token), key("123456789012"), "us-east-1", time.Now())); a.code() != "UnrecognizedClientException" {
		t.Errorf("an account that does not exist: %s", a.body)
	}
	if a := s.do(sign(s.request(p.Token), sigv4.Key{AccessKeyID: sellerKey.AccessKeyID, Secret: "wrong"}, "us-east-1", time.Now())); a.code() != "InvalidSignatureException" {
		t.Errorf("a known key is held to its signature: %s", a.body)
	}
}

// Every error that an operation can answer with can be asked for by a fault rule, and arrives as it is.
func TestFaultsRefuse(t *testing.T) {
	s := start(t)
	p := s.buy(legacyCode)
	for code, shape := range shapes {
		if _, err := s.Faults.Add(fault.Rule{Operation: "ResolveCustomer", Refuse: code, Times: 1}); err != nil {
			t.Fatal(err)
		}
		want(t, s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())), shape.status, code, shape.message)
		s.Faults.Clear()
	}
	for _, op := range operations {
		for _, code := range op.codes {
			if !shapes[code].modeled {
				t.Errorf("%s lists %s, which is not a modeled error", op.name, code)
			}
		}
	}
}

func TestFaultsMatch(t *testing.T) {
	s := start(t)
	legacy, concurrent := s.buy(legacyCode), s.buy(concurrentCode)
	call := func(token string, k sigv4.Key, attempt string) answer {
		r := s.request(token)
		r.Header.Set("Amz-Sdk-Request", attempt)
		return s.do(sign(r, k, "us-east-1", time.Now()))
	}
	add := func(r fault.Rule) {
		t.Helper()
		s.Faults.Clear()
		if _, err := s.Faults.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	add(fault.Rule{ProductCode: concurrentCode, Refuse: "ThrottlingException"})
	if a := call(legacy.Token, sellerKey, ""); a.status != 200 {
		t.Errorf("another product: %s", a.body)
	}
	if a := call(concurrent.Token, sellerKey, ""); a.code() != "ThrottlingException" {
		t.Errorf("its product: %s", a.body)
	}
	add(fault.Rule{Attempt: 1, Refuse: "InternalServiceErrorException"})
	if a := call(legacy.Token, sellerKey, "attempt=1; max=3"); a.status != 500 {
		t.Errorf("first attempt: %s", a.body)
	}
	if a := call(legacy.Token, sellerKey, "attempt=2; max=3"); a.status != 200 {
		t.Errorf("second attempt: %s", a.body)
	}
	add(fault.Rule{Principal: "arn:aws:iam::*:user/app", Refuse: "ServiceUnavailable"})
	if a := call(legacy.Token, rootKey, ""); a.status != 200 {
		t.Errorf("another principal: %s", a.body)
	}
	if a := call(legacy.Token, sellerKey, ""); a.status != 503 {
		t.Errorf("the principal: %s", a.body)
	}
}

func TestFaultsCutAndLose(t *testing.T) {
	s := start(t, func(_ *Config, m *market.Config) { m.TokenReuse = market.ReuseSingle })
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a transport retries on connections that it kept
	for _, tt := range []struct {
		rule fault.Rule
		then string // what the retry gets: cut leaves the token unused, lose has used it up
	}{
		{fault.Rule{Cut: true, Times: 1}, ""},
		{fault.Rule{Lose: true, Times: 1}, "ExpiredTokenException"},
	} {
		p := s.buy(legacyCode)
		if _, err := s.Faults.Add(tt.rule); err != nil {
			t.Fatal(err)
		}
		if res, err := once.Do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); err == nil {
			t.Errorf("%+v: got an answer, %s", tt.rule, res.Status)
			res.Body.Close()
		}
		if v := s.last(); v.Outcome != "cut" || v.FaultID == "" {
			t.Errorf("record: outcome %s, fault %q", v.Outcome, v.FaultID)
		}
		if a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.code() != tt.then {
			t.Errorf("%+v: the retry got %s", tt.rule, a.body)
		}
	}
}

func TestFaultsDelay(t *testing.T) {
	s := start(t)
	p := s.buy(legacyCode)
	if _, err := s.Faults.Add(fault.Rule{Delay: 150 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.status != 200 || time.Since(begin) < 150*time.Millisecond {
		t.Errorf("after %s: %s", time.Since(begin), a.body)
	}
}

// A store that fails is an internal error, its text withheld, told in the record and once in the log.
func TestStoreFails(t *testing.T) {
	var store market.Store
	s := start(t, func(_ *Config, m *market.Config) { store, m.TokenReuse = m.Store, market.ReuseSingle })
	p := s.buy(legacyCode)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now()))
	want(t, a, 503, "ServiceUnavailable", shapes["ServiceUnavailable"].message)
}

// A node that cannot know what others changed does not answer, not even who would be refused, and says why in the record only.
func TestStale(t *testing.T) {
	why := ""
	s := start(t, func(a *Config, _ *market.Config) { a.Stale = func() string { return why } })
	p := s.buy(legacyCode)
	request := func(key sigv4.Key) answer { return s.do(sign(s.request(p.Token), key, "us-east-1", time.Now())) }
	if a := request(sellerKey); a.status != 200 {
		t.Errorf("up to date: %s", a.body)
	}
	why = "cut off"
	for _, key := range []sigv4.Key{sellerKey, key("AKIANOBODY0000000000")} {
		want(t, request(key), 503, "ServiceUnavailable", shapes["ServiceUnavailable"].message)
	}
	if r := s.last(); r.Reason != why || r.Principal != "" {
		t.Errorf("the record: %+v", r)
	}
	why = ""
	if a := request(sellerKey); a.status != 200 {
		t.Errorf("up to date again: %s", a.body)
	}
}

// Tokens, signatures and session tokens are nowhere in what a record shows.
func TestRecordsHoldNoSecret(t *testing.T) {
	s := start(t)
	p := s.buy(legacyCode)
	issued, err := s.Credentials.IssueSession(account.SessionInput{RoleARN: "arn:aws:iam::" + seller + ":role/App", Name: "worker-1", Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	r := sign(s.request(p.Token), sigv4.Key{AccessKeyID: issued.AccessKeyID, Secret: issued.Secret, SessionToken: issued.Token}, "us-east-1", time.Now())
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	a := s.do(r)
	if a.status != 200 {
		t.Fatal(a.body)
	}
	bad := sign(s.request(p.Token), sigv4.Key{AccessKeyID: issued.AccessKeyID, Secret: "wrong", SessionToken: issued.Token}, "us-east-1", time.Now())
	s.do(bad)
	broken := s.requestBody([]byte(`{"RegistrationToken":"` + strings.ReplaceAll(p.Token, "/", `\/`) + `"`))
	s.do(broken)
	for _, v := range s.Records.List(fullList) {
		text := strings.Join([]string{v.Body, v.Target, v.Canonical, v.StringToSign, v.Reason, v.Response, headers(v.Headers)}, "\n")
		for name, secret := range map[string]string{"token": p.Token[:60], "token, escaped": strings.ReplaceAll(p.Token, "/", `\/`)[:60], "signature": signature, "session token": issued.Token[:60], "secret": issued.Secret} {
			if strings.Contains(text, secret) {
				t.Errorf("record %s (%s) shows the %s", v.ID, v.Outcome, name)
			}
		}
	}
}

func TestTwoInParallel(t *testing.T) {
	a, b := start(t), start(t)
	p := a.buy(legacyCode)
	if got := b.do(sign(b.request(p.Token), sellerKey, "us-east-1", time.Now())); got.code() != "InvalidTokenException" {
		t.Errorf("a token of another Souk: %s", got.body)
	}
	if got := a.do(sign(a.request(p.Token), sellerKey, "us-east-1", time.Now())); got.status != 200 {
		t.Errorf("its own: %s", got.body)
	}
	if n := len(b.Records.List(fullList)); n != 1 {
		t.Errorf("the other Souk has %d records, want 1", n)
	}
}

func TestTokenKeys(t *testing.T) {
	s := start(t)
	ctx, op := context.Background(), market.Operator()
	p := s.buy(legacyCode)
	if _, err := s.Service.RotateTokenKey(ctx, op); err != nil {
		t.Fatal(err)
	}
	if a := s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())); a.status != 200 {
		t.Errorf("after rotation: %s", a.body)
	}
	keys, err := s.Service.TokenKeys(ctx, op)
	if err != nil || len(keys) != 2 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	if err := s.Service.RetireTokenKey(ctx, op, keys[0].ID.String()); err != nil {
		t.Fatal(err)
	}
	want(t, s.do(sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())), 400, "InvalidTokenException", "Registration token is invalid")
	if err := s.Service.RetireTokenKey(ctx, op, keys[1].ID.String()); market.CodeOf(err) != market.Conflict {
		t.Errorf("retiring the key that seals: %v", err)
	}
	again, err := s.Service.SetUpAccount(ctx, op, p.Agreement.ID)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.do(sign(s.request(again.Token), sellerKey, "us-east-1", time.Now())); a.status != 200 {
		t.Errorf("a new token: %s", a.body)
	}
}

func TestKnownCode(t *testing.T) {
	codes := make([]string, 0, len(shapes))
	for c := range shapes {
		if !KnownCode(c) {
			t.Errorf("%s is not known", c)
		}
		codes = append(codes, c)
	}
	if slices.Contains(codes, "") || KnownCode("Nonsense") {
		t.Error("nonsense is known")
	}
}
