package console_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sqlstore"
)

const (
	allowAll  = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"aws-marketplace:*","Resource":"*"}]}`
	fromHome  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"aws-marketplace:MeterUsage","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}}`
	denyBatch = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"NoBatch","Effect":"Deny","Action":"aws-marketplace:BatchMeterUsage","Resource":"*"}]}`
	userARN   = "arn:aws:iam::" + seller + ":user/app"
	roleARN   = "arn:aws:iam::" + seller + ":role/Meter"
	policyARN = "arn:aws:iam::" + seller + ":policy/Home"
	sampleKey = "AKIASAMPLESAMPLE0001"
	keySecret = "the+secret+of+the+sample+key+is+a+secret"
)

// peopledWorld has users, roles, policies and keys.
func peopledWorld() market.World {
	w := sampleWorld()
	d := &w.Directory
	d.Policies = []account.Policy{{Account: seller, Name: "Home", Document: fromHome}}
	d.Users = []account.User{{Identity: account.Identity{
		Account: seller, Name: "app", Inline: []account.Inline{{Name: "Marketplace", Document: allowAll}, {Name: "NotBatch", Document: denyBatch}},
	}}, {Identity: account.Identity{Account: broke, Name: "late", Inline: []account.Inline{{Name: "Marketplace", Document: allowAll}}}}}
	d.Roles = []account.Role{{Identity: account.Identity{Account: seller, Name: "Meter", Attached: []string{"Home", "AWSMarketplaceGetEntitlements"}}, Workload: account.ECSTask}}
	d.Keys = []account.AccessKey{{ID: sampleKey, Secret: keySecret, Account: seller, User: "app", Name: "app", Note: "the sample"}}
	return w
}

// world is a site with everything that the section "World" acts with.
type world struct {
	*site
	clock       *clock.Clock
	faults      *fault.Set
	credentials *account.Credentials
	saved       int   // how often the clock was
	failing     error // of saving it
}

type worldConfig struct {
	world  market.World
	serve  bool // without simulation
	faulty func(market.Store) market.Store
}

// start is when the clocks of tests begin, and stand.
var start = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

func newWorld(t *testing.T, cfg worldConfig) *world {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	var s market.Store = store
	if cfg.faulty != nil {
		s = cfg.faulty(store)
	}
	w := &world{
		site:  &site{T: t, log: reqlog.New(reqlog.Config{}), logged: new(strings.Builder)},
		clock: clock.New(func() time.Time { return start }), faults: fault.New(fault.Config{Seed: 7}),
	}
	directory, ring := new(account.Directory), new(keyring.Ring)
	if w.service, err = market.Open(t.Context(), market.Config{Store: s, Directory: directory, Ring: ring, Rand: rand.Reader, Now: w.clock.Now, BuiltinRegistrationURL: builtin,
		OnRestore: func(context.Context) error { w.clock.Adopt(clock.State{}); return nil }}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.ApplyWorld(t.Context(), market.Operator(), cfg.world); err != nil {
		t.Fatal(err)
	}
	if err := w.service.SnapshotStart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.credentials = &account.Credentials{Directory: directory, Ring: ring, Now: time.Now, Rand: rand.Reader}
	config := console.Config{
		Service: w.service, Log: w.log, Logger: slog.New(slog.NewTextHandler(w.logged, nil)), Credentials: w.credentials, Clock: w.clock, Faults: w.faults,
		SaveClock: func(context.Context) error { w.saved++; return w.failing },
	}
	if cfg.serve {
		config.Clock, config.Faults = nil, nil
	}
	mux := http.NewServeMux()
	console.New(config).Register(mux)
	w.server = httptest.NewServer(http.NewCrossOriginProtection().Handler(mux))
	t.Cleanup(w.server.Close)
	w.browser = w.server.Client()
	w.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w
}

func peopled(t *testing.T) *world {
	t.Helper()
	return newWorld(t, worldConfig{world: peopledWorld()})
}

func policyAt(of, inline string) string {
	v := url.Values{"of": {of}}
	if inline != "" {
		v.Set("inline", inline)
	}
	return "/world/policy?" + v.Encode()
}

func TestWorldListsAccounts(t *testing.T) {
	w := peopled(t)
	p := w.get("/world").is(t, http.StatusOK, "4 accounts", "Harbour Software", "Sells", "Suspended", "Clock", "Faults")
	row := regexp.MustCompile(`<tr>.*` + seller + `.*</tr>`).FindString(p.body)
	if got := regexp.MustCompile(`<td class="number">(\d+)</td>`).FindAllStringSubmatch(row, -1); len(got) != 3 || got[0][1] != "1" || got[1][1] != "1" || got[2][1] != "1" {
		t.Errorf("users, roles and keys of the seller: %q, want 1 each", got)
	}
	newWorld(t, worldConfig{}).get("/world").is(t, http.StatusOK, "There is nobody yet", "souk apply -f world.yaml")
}

func TestWorldPagesThroughAccounts(t *testing.T) {
	var cfg worldConfig
	for i := range 120 {
		cfg.world.Directory.Accounts = append(cfg.world.Directory.Accounts, account.Account{ID: fmt.Sprintf("1%011d", i), Buyer: true})
	}
	w := newWorld(t, cfg)
	seen := map[string]bool{}
	path := "/world"
	for range 3 {
		p := w.get(path).is(t, http.StatusOK)
		for _, m := range regexp.MustCompile(`<td><code>(\d{12})</code>`).FindAllStringSubmatch(p.body, -1) {
			if seen[m[1]] {
				t.Errorf("%s stands on two pages", m[1])
			}
			seen[m[1]] = true
		}
		_, next, _ := strings.Cut(p.body, `<a href="/world?after=`)
		next, _, _ = strings.Cut(next, `"`)
		path = "/world?after=" + next
	}
	if len(seen) != 120 || path != "/world?after=" {
		t.Errorf("three pages show %d accounts and go on at %q, want all 120", len(seen), path)
	}
	w.get("/world?after=999").is(t, http.StatusOK, "There are no more accounts")
}

// everyWorldPage asks for each page of the section once.
func everyWorldPage(w *world) map[string]page {
	w.post("/world/faults", url.Values{"effect": {"refuse"}, "code": {nasty("Code")}, "message": {nasty("")}, "principal": {"*" + nasty("")}, "product": {nasty("")}, "when": {"always"}}).is(w, http.StatusSeeOther)
	ask := url.Values{"principal": {userARN}, "action": {"aws-marketplace:" + nasty("")}, "resource": {nasty("")}, "context": {"aws:sourceip = " + nasty("")}}
	pages := map[string]page{
		"world": w.get("/world"), "account": w.get("/world/accounts/" + seller), "no such account": w.get("/world/accounts/" + url.PathEscape(nasty(""))),
		"key":             w.post("/world/accounts/"+seller+"/keys", url.Values{"user": {"app"}, "name": {nasty("")}, "note": {nasty("")}}),
		"key refused":     w.post("/world/accounts/"+seller+"/keys", url.Values{"user": {nasty("")}, "name": {nasty("")}, "note": {nasty("")}}),
		"session":         w.post("/world/accounts/"+seller+"/sessions", url.Values{"role": {"Meter"}, "name": {"me"}, "life": {"1h"}}),
		"session refused": w.post("/world/accounts/"+seller+"/sessions", url.Values{"role": {nasty("")}, "name": {nasty("")}, "life": {nasty("")}}),
		"policies":        w.get("/world/policies"),
		"inline policy":   w.get(policyAt(userARN, "NotBatch")),
		"managed policy":  w.get(policyAt("AdministratorAccess", "")),
		"policy refused":  w.post(policyAt(policyARN, ""), url.Values{"document": {"{\n\t" + nasty("") + "\n}"}}),
		"no such policy":  w.get(policyAt(nasty(""), nasty(""))),
		"evaluator":       w.get("/world/evaluate"), "answer": w.post("/world/evaluate", ask),
		"denied":      w.get("/world/evaluate?principal=" + url.QueryEscape(userARN) + "&action=aws-marketplace:BatchMeterUsage"),
		"undecided":   w.get("/world/evaluate?principal=" + url.QueryEscape(roleARN) + "&action=aws-marketplace:MeterUsage"),
		"no question": w.post("/world/evaluate", url.Values{"principal": {nasty("")}, "action": {nasty("")}, "context": {nasty("")}}),
		"clock":       w.get("/world/clock?since=0"), "no act": w.post("/world/clock", url.Values{"act": {nasty("")}}),
		"faults":        w.get("/world/faults"),
		"fault refused": w.post("/world/faults", url.Values{"effect": {nasty("")}, "code": {nasty("")}, "delay": {nasty("")}, "when": {nasty("")}, "number": {nasty("")}, "times": {nasty("")}}),
		"no fault":      w.post("/world/faults/"+url.PathEscape(nasty(""))+"/remove", url.Values{}),
	}
	pages["account with keys"] = w.get("/world/accounts/" + seller)
	return pages
}

func TestWorldPagesAreEscapedStrictAndSound(t *testing.T) {
	people := peopledWorld()
	for i := range people.Directory.Accounts {
		people.Directory.Accounts[i].Name = nasty("account")
	}
	people.Directory.Keys[0].Name, people.Directory.Keys[0].Note = nasty("key"), nasty("note")
	w := newWorld(t, worldConfig{world: people})
	steering := regexp.MustCompile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]")
	typed := regexp.MustCompile(`(?s)\s(value|placeholder)="[^"]*"|<textarea[^>]*>.*?</textarea>`) // fields give back what was typed
	for name, p := range everyWorldPage(w) {
		if strings.Contains(p.body, "<script>") || strings.Contains(p.body, "<img") || strings.Contains(p.body, "<b>\"") || strings.Contains(p.body, `" onmouseover`) {
			t.Errorf("%s: text became markup:\n%s", name, p.body)
		}
		bare := typed.ReplaceAllString(p.body, "")
		if at := steering.FindStringIndex(bare); at != nil {
			t.Errorf("%s: a steering character stands as it is: %q", name, bare[max(0, at[0]-60):at[1]])
		}
		if m := regexp.MustCompile(`<style|\sstyle=|<script>|<[^>]*\son[a-z]+=|(src|<link[^>]* href)="(https?:)?//`).FindString(bare); m != "" {
			t.Errorf("%s: inline or foreign: %q", name, m)
		}
		policy := p.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") || p.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", name, p.Header)
		}
		if n := strings.Count(p.body, "<h1>"); n != 1 || len(p.body) > 100_000 {
			t.Errorf("%s: %d headings, %d bytes", name, n, len(p.body))
		}
		if strings.Contains(p.body, html.EscapeString(keySecret)) || strings.Contains(p.body, keySecret) {
			t.Errorf("%s: shows the secret of a key that was not made just now", name)
		}
		unique(t, name, p)
		labelled(t, name, p)
	}
}

func TestWorldWithoutSimulationHasNoClockAndNoFaults(t *testing.T) {
	w := newWorld(t, worldConfig{world: peopledWorld(), serve: true})
	p := w.get("/world").is(t, http.StatusOK)
	if strings.Contains(p.body, "/world/clock") || strings.Contains(p.body, "/world/faults") {
		t.Error("the navigation leads to pages that are not there")
	}
	for _, path := range []string{"/world/clock", "/world/faults"} {
		w.get(path).is(t, http.StatusNotFound, "started without --simulation")
		w.post(path, url.Values{"act": {"day"}, "effect": {"cut"}, "when": {"always"}}).is(t, http.StatusNotFound, "started without --simulation")
	}
	for _, path := range []string{"/world/faults/clear", "/world/faults/flt-1/remove", "/world/faults/flt-1/arm"} {
		w.post(path, url.Values{}).is(t, http.StatusNotFound, "started without --simulation")
	}
	if w.clock.Now() != start || !w.faults.Empty() || w.saved != 0 {
		t.Errorf("something changed: %s, %v", w.clock.Now(), w.faults.List())
	}
}

func TestWorldSaysWhenTheStoreFails(t *testing.T) {
	store := &brokenStore{}
	w := newWorld(t, worldConfig{world: peopledWorld(), faulty: func(real market.Store) market.Store { store.Store = real; return store }})
	broken := errors.New("disk /dev/secret is on fire")
	store.err.Store(&broken)
	for _, path := range []string{"/world", "/world/accounts/" + seller, "/world/policies", policyAt(policyARN, ""), "/world/evaluate", "/world/clock?since=0"} {
		if p := w.get(path).is(t, http.StatusInternalServerError, "Reference"); strings.Contains(p.body, "fire") {
			t.Errorf("%s: the text of an internal error is on the page", path)
		}
	}
	w.post("/world/clock", url.Values{"act": {"day"}}).is(t, http.StatusInternalServerError)
	if w.clock.Now() != start {
		t.Errorf("the clock was moved to %s though the history could not be read", w.clock.Now())
	}
	w.get("/world/faults").is(t, http.StatusOK) // which no store is asked for
}
