package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
)

// Each route gives each answer that the document names by its status, and each of them has the document's form.
func TestEveryDeclaredAnswer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSite(t, siteConfig{})
	bought, err := s.client.Buy(ctx, PurchaseInput{ProductCode: "legacy1"})
	if err != nil {
		t.Fatal(err)
	}
	ended, err := s.client.ApplyWorld(ctx, []byte("agreements: [{id: agmt-ended, product: legacy1, buyer: 444455556666, status: EXPIRED}]"))
	if err != nil || ended.Created != 1 {
		t.Fatalf("ApplyWorld = %+v, %v", ended, err)
	}
	old, err := s.client.TokenKeys(ctx)
	if err != nil || len(old) != 1 {
		t.Fatalf("TokenKeys = %+v, %v", old, err)
	}
	s.addVault(t)
	contract := "/api/v1/agreements/" + s.buyVault(t).AgreementID
	s.record("req-1", nil)
	s.record("req-2", nil)
	const role = `"role_arn": "arn:aws:iam::111122223333:role/backend"`
	product := "/api/v1/products/" + escape("concurrent/1:a@b=c")
	for _, tc := range []struct {
		method, target, body string
		status               int
		in                   string // the answer
	}{
		{"GET", "/healthz", "", 200, `"ok"`},
		{"GET", "/healthz?probe=1", "", 200, `"ok"`},
		{"GET", "/readyz", "", 200, `"ready"`},
		{"GET", "/metrics", "", 200, "souk_test_total 0"},
		{"GET", "/openapi.yaml", "", 200, "openapi: 3.1.0"},
		{"GET", "/openapi.json", "", 200, `"openapi":"3.1.0"`},
		{"GET", "/api/v1/info", "", 200, `"dimensions":[]`},
		{"GET", "/api/v1/accounts", "", 200, `"444455556666"`},
		{"GET", "/api/v1/accounts?x=1", "", 400, `unknown query parameter \"x\"`},
		{"GET", "/api/v1/customers", "", 200, bought.CustomerIdentifier},
		{"GET", "/api/v1/products", "", 200, `"token_life":"10m0s"`},
		{"GET", product, "", 200, `"registration_url":"https://example.com/register?a=1&b=2"`},
		{"GET", "/api/v1/products/two%2E%2Edots", "", 200, `"Two dots"`},
		{"GET", "/api/v1/products/none", "", 404, `product \"none\" does not exist`},
		{"PATCH", product, `{"registration_url": "", "token_life": "1m", "token_reuse": null}`, 200, `"token_life":"1m0s","token_reuse":"single"`},
		{"PATCH", product, `{"token_life": "", "token_reuse": ""}`, 200, `"builtin_registration":true,"token_life":"","token_reuse":""`},
		{"PATCH", product, `{"title": "x"}`, 400, `unknown member \"title\"`},
		{"PATCH", "/api/v1/products/none", `{}`, 404, "NotFound"},
		{"PATCH", product, `{"token_reuse": "twice"}`, 422, "token reuse must be"},
		{"PATCH", product, `{"token_life": "soon"}`, 422, `"path":"token_life"`},
		{"PATCH", product, `{"registration_url": "ftp://x"}`, 422, "registration URL must be"},
		{"POST", "/api/v1/products/legacy1/try", `{"buyer": "444455556666"}`, 200, `"registration_url":"` + s.landing(t)},
		{"POST", "/api/v1/products/legacy1/try", `{}`, 200, `"calls":[],"verdicts":[{"level":"bad"`},
		{"POST", "/api/v1/products/legacy1/try", `{"buyers": []}`, 400, `unknown member \"buyers\"`},
		{"POST", "/api/v1/products/none/try", `{}`, 404, "does not exist"},
		{"POST", "/api/v1/products/legacy1/try", `{"buyer": "777788889999"}`, 409, "is suspended"},
		{"POST", "/api/v1/products/two%2E%2Edots/try", `{"agreement_id": "` + bought.AgreementID + `"}`, 422, "is of product legacy1"},
		{"POST", "/api/v1/purchases", `{"product_code": "legacy1"}`, 201, `"existing":true`},
		{"POST", "/api/v1/purchases", `{"product_code": "concurrent/1:a@b=c", "buyer": "444455556666"}`, 201, `"customer_identifier":""`},
		{"POST", "/api/v1/purchases", `{"product": "legacy1"}`, 400, `unknown member \"product\"`},
		{"POST", "/api/v1/purchases", `{"product_code": "none"}`, 404, "does not exist"},
		{"POST", "/api/v1/purchases", `{"product_code": "legacy1", "buyer": "777788889999"}`, 409, "is suspended"},
		{"POST", "/api/v1/purchases", `{"product_code": "legacy1", "free_trial": true}`, 409, "Conflict"},
		{"POST", "/api/v1/purchases", `{"product_code": "legacy1", "offer_id": "offer-public", "free_trial": true}`, 422, "not a free trial"},
		{"POST", "/api/v1/purchases", `{}`, 422, `"path":"product_code"`},
		{"GET", "/api/v1/agreements?product=legacy1&buyer=444455556666&status=ACTIVE", "", 200, bought.AgreementID},
		{"GET", "/api/v1/agreements?status=active", "", 400, "not a status"},
		{"GET", "/api/v1/agreements?limit=0", "", 400, "from 1 to 1000"},
		{"GET", "/api/v1/agreements?limit=1&limit=2", "", 400, "stands twice"},
		{"POST", "/api/v1/agreements/" + bought.AgreementID + "/tokens", "", 201, `"existing":true`},
		{"POST", "/api/v1/agreements/none/tokens", "{}", 404, "does not exist"},
		{"POST", "/api/v1/agreements/agmt-ended/tokens", "", 409, "EXPIRED"},
		{"POST", "/api/v1/purchases", `{"product_code": "vault", "offer_id": "offer-private", "buyer": "444455556666"}`, 403, "private"},
		{"POST", "/api/v1/purchases", `{"product_code": "vault", "start_at": "tomorrow"}`, 400, "an instant must be text"},
		{"POST", "/api/v1/purchases", `{"product_code": "vault", "start_at": 7}`, 400, "an instant must be text"},
		{"POST", "/api/v1/purchases", `{"product_code": "vault", "start_at": "2001-01-01T00:00:00Z"}`, 422, "or later"},
		{"GET", contract, "", 200, `"entitlements":{"seats":3,"sso":true,"storage":1,"tier":"tier"}`},
		{"GET", "/api/v1/agreements/none", "", 404, "does not exist"},
		{"GET", contract + "/events?limit=1", "", 200, `"kind":"accepted"`},
		{"GET", contract + "/events?after=x", "", 400, "whole number"},
		{"GET", "/api/v1/agreements/none/events", "", 404, "does not exist"},
		{"POST", contract + "/amend", `{"entitlements": {"seats": 5}, "end_at": null}`, 200, `"seats":5`},
		{"POST", contract + "/amend", `{"seats": 5}`, 400, `unknown member \"seats\"`},
		{"POST", contract + "/amend", `{"end_at": "2001-01-01T00:00:00Z"}`, 422, "the end must be"},
		{"POST", "/api/v1/agreements/none/amend", `{"auto_renew": true}`, 404, "does not exist"},
		{"POST", "/api/v1/agreements/none/amend", `{"entitlements": {"seats": 5}}`, 404, "does not exist"},
		{"POST", "/api/v1/agreements/agmt-ended/amend", `{"auto_renew": true}`, 409, "EXPIRED"},
		{"POST", contract + "/suspend", "", 200, `"suspended_at":"2`},
		{"POST", "/api/v1/agreements/none/suspend", "", 404, "does not exist"},
		{"POST", "/api/v1/agreements/agmt-ended/suspend", "", 409, "EXPIRED"},
		{"POST", contract + "/reinstate", "{}", 200, `"status":"ACTIVE"`},
		{"POST", "/api/v1/agreements/none/reinstate", "", 404, "does not exist"},
		{"POST", "/api/v1/agreements/agmt-ended/reinstate", "", 409, "EXPIRED"},
		{"POST", contract + "/renew", `{"term_months": 61}`, 422, "60"},
		{"POST", contract + "/renew", `{"months": 6}`, 400, `unknown member \"months\"`},
		{"POST", contract + "/renew", `{"term_months": 6}`, 201, `"intent":"RENEW"`},
		{"POST", contract + "/renew", `{}`, 409, "renewed already"},
		{"POST", "/api/v1/agreements/none/renew", "{}", 404, "does not exist"},
		{"POST", contract + "/replace", `{"entitlements": {"seats": true}}`, 422, "seats"},
		{"POST", contract + "/replace", "", 400, "no body"},
		{"POST", contract + "/replace", `{"offer_id": "offer-vault"}`, 201, `"intent":"REPLACE"`},
		{"POST", contract + "/replace", `{}`, 409, "REPLACED"},
		{"POST", "/api/v1/agreements/none/replace", "{}", 404, "does not exist"},
		{"POST", "/api/v1/agreements/" + s.buyVault(t).AgreementID + "/cancel", "", 200, `"status":"CANCELLED"`},
		{"POST", "/api/v1/agreements/none/cancel", "", 404, "does not exist"},
		{"POST", contract + "/cancel", "", 409, "REPLACED"},
		{"POST", "/api/v1/agreements/" + s.buyVault(t).AgreementID + "/terminate", "", 200, `"status":"TERMINATED"`},
		{"POST", "/api/v1/agreements/none/terminate", "", 404, "does not exist"},
		{"POST", contract + "/terminate", "", 409, "REPLACED"},
		{"POST", "/api/v1/agreements/" + s.buyVault(t).AgreementID + "/expire", "", 200, `"status":"EXPIRED"`},
		{"POST", "/api/v1/agreements/none/expire", "", 404, "does not exist"},
		{"POST", contract + "/expire", "", 409, "REPLACED"},
		{"GET", "/api/v1/usage?product=vault&from=2026-01-01T00:00:00Z&count=true&limit=5", "", 200, `{"records":[],"count":0}`},
		{"GET", "/api/v1/usage?from=yesterday", "", 400, "must be an instant"},
		{"GET", "/api/v1/usage?to=2026-01-01", "", 400, "must be an instant"},
		{"GET", "/api/v1/usage?after=-1", "", 400, "whole number"},
		{"GET", "/api/v1/usage?count=yes", "", 400, "true or false"},
		{"GET", "/api/v1/usage/sums?by=hour,dimension,buyer", "", 200, `{"sums":[]}`},
		{"GET", "/api/v1/usage/sums?by=minute", "", 422, "minute"},
		{"GET", "/api/v1/usage/sums?by=hour,hour", "", 422, "twice"},
		{"GET", "/api/v1/usage/sums?limit=1", "", 400, "limit"},
		{"GET", "/api/v1/bill?product=legacy1&month=2026-11", "", 200, `"total":"0.00"`},
		{"GET", "/api/v1/bill?product=legacy1&month=november", "", 400, "must be a month"},
		{"GET", "/api/v1/bill?product=none", "", 404, "does not exist"},
		{"GET", "/api/v1/usage/export?format=csv", "", 200, "record_id,hour,"},
		{"GET", "/api/v1/usage/export", "", 200, ""},
		{"GET", "/api/v1/usage/export?format=xml", "", 400, "csv or jsonl"},
		{"GET", "/api/v1/signing-keys", "", 200, `"version":1`},
		{"POST", "/api/v1/signing-keys/rotate", "", 201, `"version":2`},
		{"GET", "/api/v1/world?secrets=yes", "", 400, "true or false"},
		{"GET", "/api/v1/clock", "", 200, `"frozen":false`},
		{"POST", "/api/v1/clock/freeze", "", 200, `"frozen":true`},
		{"POST", "/api/v1/clock/advance", `{"by": "4h1m"}`, 200, `"offset":"4h`},
		{"POST", "/api/v1/clock/advance", `{"by": "-1s"}`, 409, "does not go backwards"},
		{"POST", "/api/v1/clock/advance", `{"by": "4 hours"}`, 422, `"path":"by"`},
		{"POST", "/api/v1/clock/set", `{"to": "2100-01-01T00:00:00+01:00"}`, 200, `"now":"2099-12-31T23:00:00Z"`},
		{"POST", "/api/v1/clock/set", `{"to": "2001-01-01T00:00:00Z"}`, 409, "does not go backwards"},
		{"POST", "/api/v1/clock/set", `{"to": "1999-01-01T00:00:00Z"}`, 422, "2000 to 9999"},
		{"POST", "/api/v1/clock/set", `{"to": "tomorrow"}`, 422, `"path":"to"`},
		{"POST", "/api/v1/clock/resume", "{}", 200, `"settled":0`},
		{"GET", "/api/v1/faults", "", 200, `{"faults":[],"seed":7}`},
		{"POST", "/api/v1/faults", `{"refuse": "ThrottlingException", "delay": "250ms", "times": 2}`, 201, `"delay":"250ms"`},
		{"POST", "/api/v1/faults", `{"refuse": "ThrottlingException", "tmes": 2}`, 400, `unknown member \"tmes\"`},
		{"POST", "/api/v1/faults", `{"cut": true, "lose": true}`, 422, "exclude each other"},
		{"POST", "/api/v1/faults", `{"refuse": "NoSuchException"}`, 422, "NoSuchException"},
		{"DELETE", "/api/v1/faults/flt-1", "", 204, ""},
		{"DELETE", "/api/v1/faults/flt-1", "", 404, "flt-1"},
		{"DELETE", "/api/v1/faults", "", 200, `{"cleared":0}`},
		{"POST", "/api/v1/faults", `{"unprocessed": 2, "times": 1}`, 201, `"unprocessed":2`},
		{"DELETE", "/api/v1/faults", "", 200, `{"cleared":1}`},
		{"GET", "/api/v1/requests?operation=ResolveCustomer&outcome=ok&principal=website&limit=1", "", 200, `"next":2`},
		{"GET", "/api/v1/requests?before=2", "", 200, `"req-1"`},
		{"GET", "/api/v1/requests?outcome=error", "", 200, `{"requests":[]}`},
		{"GET", "/api/v1/requests?before=-1", "", 400, "whole number"},
		{"GET", "/api/v1/requests/req-1", "", 200, `"why":"a statement allows it"`},
		{"GET", "/api/v1/requests/none", "", 404, "only the newest are kept"},
		{"GET", "/api/v1/requests/follow?operation=x", "", 400, "operation"},
		{"DELETE", "/api/v1/token-keys/" + old[0].ID, "", 409, "rotate first"},
		{"POST", "/api/v1/token-keys", "", 201, `"active":true`},
		{"GET", "/api/v1/token-keys", "", 200, `"active":false,"retired":false`},
		{"DELETE", "/api/v1/token-keys/" + old[0].ID, "", 204, ""},
		{"DELETE", "/api/v1/token-keys/ffffffff", "", 404, "does not exist"},
		{"POST", "/api/v1/evaluate", `{"principal": "111122223333", "action": "aws-marketplace:MeterUsage"}`, 200, `"allowed":true,"principal":"arn:aws:iam::111122223333:root"`},
		{"POST", "/api/v1/evaluate", `{"principal": "777788889999", "action": "aws-marketplace:MeterUsage"}`, 200, `"allowed":false,"principal":"arn:aws:iam::777788889999:root","suspended":true,"effect":"Allow"`},
		{"POST", "/api/v1/evaluate", `{"principal": "arn:aws:iam::111122223333:user/website", "action": "aws-marketplace:MeterUsage", "context": {"aws:SourceIp": ["203.0.113.7"]}}`, 200,
			`"effect":"NoMatch","why":"no identity-based policy allows the action","policy":"","statement":-1,"sid":"","message":"User: arn:aws:iam::111122223333:user/website is not authorized`},
		{"POST", "/api/v1/evaluate", `{"principal": "arn:aws:iam::111122223333:user/nobody", "action": "aws-marketplace:MeterUsage"}`, 404, "does not exist"},
		{"GET", "/api/v1/access-keys?account=111122223333", "", 200, `"access_key_id":"AKIAWEBSITEEXAMPLE01","account":"111122223333","user":"website"`},
		{"POST", "/api/v1/access-keys", `{"account": "111122223333", "user": "website", "name": "ci"}`, 201, `"secret_access_key":"`},
		{"POST", "/api/v1/access-keys", `{"account": "111122223333", "user": "none"}`, 404, "no user"},
		{"POST", "/api/v1/access-keys", `{"account": "none"}`, 404, "does not exist"},
		{"POST", "/api/v1/access-keys", `{"account": "111122223333", "name": "` + strings.Repeat("n", 101) + `"}`, 422, "at most 100"},
		{"PATCH", "/api/v1/access-keys/AKIAWEBSITEEXAMPLE01", `{"inactive": true}`, 200, `"inactive":true`},
		{"PATCH", "/api/v1/access-keys/AKIAWEBSITEEXAMPLE01", `{"inactive": false}`, 200, `"inactive":false`},
		{"PATCH", "/api/v1/access-keys/AKIAWEBSITEEXAMPLE01", `{}`, 422, "must be given"},
		{"PATCH", "/api/v1/access-keys/none", `{"inactive": true}`, 404, "does not exist"},
		{"POST", "/api/v1/evaluate", `{"principal": "111122223333", "action": "MeterUsage"}`, 422, "a service and an operation"},
		{"PUT", "/api/v1/snapshots/base", "", 200, `"name":"base","taken_at":`},
		{"PUT", "/api/v1/snapshots/base", `{"name": "x"}`, 400, `unknown member \"name\"`},
		{"PUT", "/api/v1/snapshots/start", "", 409, "takes itself"},
		{"PUT", "/api/v1/snapshots/a%2Fb", "", 422, "a snapshot's name"},
		{"GET", "/api/v1/snapshots", "", 200, `"name":"start"`},
		{"POST", "/api/v1/snapshots/none/restore", "", 404, `no snapshot \"none\"`},
		{"POST", "/api/v1/snapshots/a%20b/restore", "", 422, "a snapshot's name"},
		{"DELETE", "/api/v1/snapshots/none", "", 404, `no snapshot \"none\"`},
		{"DELETE", "/api/v1/snapshots/start", "", 409, "it stays"},
		{"POST", "/api/v1/sessions", `{` + role + `, "session_name": "ci", "duration": "15m"}`, 201, ":assumed-role/backend/ci"},
		{"POST", "/api/v1/sessions", `{` + role + `, "name": "ci"}`, 400, `unknown member \"name\"`},
		{"POST", "/api/v1/sessions", `{"role_arn": "arn:aws:iam::111122223333:role/none", "session_name": "ci"}`, 404, "role"},
		{"POST", "/api/v1/sessions", `{` + role + `, "session_name": "c i"}`, 422, `"path":"session_name"`},
		{"POST", "/api/v1/sessions", `{` + role + `, "session_name": "ci", "duration": "13h"}`, 422, `"path":"duration"`},
		{"POST", "/api/v1/sessions", `{"session_name": "ci"}`, 422, `"path":"role_arn"`},
		{"GET", "/api/v1/check", "", 200, `{"problems":[],"checked":{"accounts":4,"products":4,`},
		{"GET", "/api/v1/nothing", "", 404, "/openapi.yaml"},
		{"GET", "/api/v1/products/a/b", "", 404, "there is nothing"},
		{"POST", "/api/v1/clock", "{}", 405, "takes GET, HEAD, not POST"},
	} {
		media := ""
		if tc.body != "" {
			media = "application/json"
		}
		status, answer := s.raw(t, tc.method, tc.target, media, []byte(tc.body))
		if status != tc.status || !strings.Contains(answer, tc.in) {
			t.Errorf("%s %s %s\n got %d %s\nwant %d …%s…", tc.method, tc.target, tc.body, status, answer, tc.status, tc.in)
		}
	}
	for _, tc := range []struct {
		media, body string
		status      int
		in          string
	}{
		{"application/yaml", "accounts: [{id: 123456789012, name: New, buyer: true}]", 200, `{"created":1,`},
		{"text/yaml; charset=utf-8", "accounts: [{id: 123456789012, name: New, buyer: true}]", 200, `{"created":0,"updated":0,"unchanged":1}`},
		{"application/x-yaml", "version: 1\n", 200, `"created":0`},
		{"application/json", `{"accounts": [{"id": "123456789012", "name": "Newer", "buyer": true}]}`, 200, `"updated":1`},
		{"application/yaml", "products:\n  - code: p\n    seller: 999999999999\n    kind: legacy\n    title: P\n", 422, `"path":"products[0].seller","line":3`},
		{"application/yaml", "accounts:\n  - {id: 12, nmae: x}\n", 422, `"line":2`},
		{"application/x-www-form-urlencoded", "version: 1", 415, "application/yaml"},
		{"application/yaml", "", 400, "no body"},
		{"application/yaml", strings.Repeat("#", MaxWorldBody+1), 413, "4194304"},
	} {
		status, answer := s.raw(t, "PUT", worldPath, tc.media, []byte(tc.body))
		if status != tc.status || !strings.Contains(answer, tc.in) {
			t.Errorf("PUT world, %s %.60q: got %d %s; want %d …%s…", tc.media, tc.body, status, answer, tc.status, tc.in)
		}
	}
	for range fault.MaxRules {
		if _, err := s.faults.Add(fault.Rule{Cut: true}); err != nil {
			t.Fatal(err)
		}
	}
	if status, answer := s.raw(t, "POST", "/api/v1/faults", "application/json", []byte(`{"cut": true}`)); status != 409 {
		t.Errorf("one rule too many: %d %s", status, answer)
	}
	if _, err := s.client.World(ctx, WorldOptions{}); err != nil {
		t.Error(err)
	}
	s.buyVault(t) // which has an end
	if status, answer := s.raw(t, "POST", "/api/v1/clock/due", "", nil); status != 200 {
		t.Errorf("to what falls due: %d %s", status, answer)
	}
	for _, target := range []string{"/api/v1/snapshots/base/restore", "/api/v1/reset"} { // last, since they undo what stands above
		if status, answer := s.raw(t, "POST", target, "", nil); status != 200 || !strings.Contains(answer, `"frozen":false`) {
			t.Errorf("POST %s: %d %s", target, status, answer)
		}
	}
	if status, answer := s.raw(t, "POST", "/api/v1/clock/due", "", nil); status != 409 || !strings.Contains(answer, "nothing falls due") {
		t.Errorf("to what falls due, where nothing does: %d %s", status, answer)
	}
	if status, answer := s.raw(t, "DELETE", "/api/v1/snapshots/base", "", nil); status != 204 {
		t.Errorf("drop: %d %s", status, answer)
	}
	s.replays(t)
	for range s.client.Follow(endedSoon(ctx, s)) { // holds its headers to the document
		break
	}

	// What this Souk does not offer, and what its store cannot answer.
	bare := newSite(t, siteConfig{noSimulation: true, ready: func(context.Context) error { return errors.New("replica lags") }})
	for _, rt := range bare.api.routes() {
		if strings.Contains(rt.path, "/clock") || strings.Contains(rt.path, "/faults") || strings.Contains(rt.path, "/snapshots") || strings.Contains(rt.path, "/reset") || strings.Contains(rt.path, "/replay") {
			status, answer := bare.raw(t, rt.method, strings.NewReplacer("{id}", "flt-1", "{name}", "base").Replace(rt.path), "", nil)
			if status != http.StatusForbidden || !strings.Contains(answer, "--simulation") {
				t.Errorf("%s %s without simulation: %d %s", rt.method, rt.path, status, answer)
			}
		}
	}
	if status, answer := bare.raw(t, "GET", "/readyz", "", nil); status != 503 || strings.Contains(answer, "replica") || !strings.Contains(bare.logs.String(), "replica lags") {
		t.Errorf("not ready: %d %s", status, answer)
	}

	for _, want := range declared(t) {
		if !s.conform.seen[want] && !bare.conform.seen[want] {
			t.Errorf("the document declares %q, and nothing here was answered so", want)
		}
	}
}

// endedSoon records requests, for a follower to find, until the test ends; its context ends what waits for them in vain.
func endedSoon(ctx context.Context, s *site) context.Context {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			s.record("req-follow", nil)
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	s.conform.t.Cleanup(func() { cancel(); <-done })
	return ctx
}

// Agreements and requests come in pages that join without gap or overlap.
func TestPages(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSite(t, siteConfig{})
	want := map[string]bool{}
	for range 7 {
		p, err := s.client.Buy(ctx, PurchaseInput{ProductCode: "concurrent/1:a@b=c"})
		if err != nil {
			t.Fatal(err)
		}
		want[p.AgreementID] = true
		s.record("r", nil)
	}
	got, pages := map[string]bool{}, 0
	for q := (AgreementQuery{Limit: 3, Product: "concurrent/1:a@b=c", Buyer: "444455556666", Status: market.Active}); ; pages++ {
		page, err := s.client.Agreements(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.Agreements {
			if got[g.AgreementID] || !want[g.AgreementID] {
				t.Errorf("agreement %s twice, or of nobody", g.AgreementID)
			}
			got[g.AgreementID] = true
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if len(got) != 7 || pages != 2 {
		t.Errorf("%d agreements with %d next pages, want 7 with 2", len(got), pages)
	}
	var seqs []uint64
	for q := (RequestQuery{Limit: 3}); ; {
		page, err := s.client.Requests(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Requests {
			seqs = append(seqs, v.Seq)
		}
		if q.Before = page.Next; q.Before == 0 {
			break
		}
	}
	if len(seqs) != 7 || seqs[0] != 7 || seqs[6] != 1 {
		t.Errorf("requests %v, want 7 down to 1", seqs)
	}
}
