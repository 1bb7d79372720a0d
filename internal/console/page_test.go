package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// nasty is a text that tries everything at once.
func nasty(name string) string {
	return name + `<script>alert("x")</script>' onmouseover=alert(1) "><img src=x> {{.}} & ` + "\u202egnp.exe\u202c \u2066x\u2069 \u200f \x07"
}

// nastyWorld has it wherever people can put text.
func nastyWorld() market.World {
	w := sampleWorld()
	for i := range w.Directory.Accounts {
		w.Directory.Accounts[i].Name = nasty("account")
	}
	for i := range w.Products {
		p := &w.Products[i]
		p.Title, p.Description = nasty("title"), nasty("description")
		p.Dimensions = []market.Dimension{{Key: nasty("key"), Kind: market.Metered, Name: nasty("name"), Unit: nasty("unit")}}
		if p.Code == team {
			p.Dimensions[0].Kind = market.Entitled
		}
		p.RegistrationURL = `http://x.example/"><script>alert(1)</script>'?` + "\u202e"
	}
	w.Offers[0].Name = nasty("offer")
	return w
}

// everyPage asks for each page once, by name.
func everyPage(s *site) map[string]page {
	pages := map[string]page{"products": s.get("/"), "no subscriptions": s.get("/subscriptions"), "product": s.get("/products/" + legacy), "contract": s.get("/products/" + team)}
	at := s.subscribe(legacy, alice, trial)
	pages["subscription"] = s.get(at)
	pages["subscriptions"] = s.get("/subscriptions?buyer=" + url.QueryEscape(alice))
	pages["foreign buyer"] = s.get("/subscriptions?buyer=" + url.QueryEscape(nasty("")))
	pages["setup"] = s.post(at+"/setup", url.Values{})
	contract := s.subscribe(team, alice, "")
	pages["contract's subscription"] = s.get(contract)
	pages["change"], pages["cancel"] = s.get(contract+"/change"), s.get(contract+"/cancel")
	s.post(contract+"/cancel", pages["cancel"].hiddenFields()).is(s, http.StatusSeeOther)
	pages["cancelled already"] = s.get(contract + "/cancel")
	pages["cancelled"] = s.get(contract + "?notice=cancelled")
	pages["refused"] = s.post("/products/"+legacy+"/subscribe", url.Values{"buyer": {nasty("")}, "offer": {nasty("")}})
	pages["bad URL"] = s.post("/products/"+legacy+"/registration-url", url.Values{"url": {nasty("")}})
	pages["no product"] = s.get("/products/" + url.PathEscape(nasty("")))
	pages["no page"] = s.get("/" + url.PathEscape(nasty("")))
	pages["no method"] = s.do(http.MethodPut, "/", url.Values{})
	return pages
}

func TestEverythingIsEscaped(t *testing.T) {
	s := newSite(t, siteConfig{world: nastyWorld(), builtin: builtin})
	steering := regexp.MustCompile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]")
	for name, p := range everyPage(s) {
		if strings.Contains(p.body, "<script>") || strings.Contains(p.body, "<img") || strings.Contains(p.body, `" onmouseover`) || strings.Contains(p.body, "' onmouseover") {
			t.Errorf("%s: text became markup:\n%s", name, p.body)
		}
		// The one field that has to give back what was typed is the registration URL's.
		body := regexp.MustCompile(`<input id="registration-url"[^>]*>`).ReplaceAllString(p.body, "")
		if at := steering.FindStringIndex(body); at != nil {
			t.Errorf("%s: a steering character stands as it is: %q", name, body[max(0, at[0]-60):at[1]])
		}
	}
	s.get("/").is(t, http.StatusOK, `title<script>alert("x")</script>' onmouseover=alert(1) "><img src=x> {{.}} & ‹U+202E›gnp.exe‹U+202C›`)
}

func TestEveryPageIsStrictAndSound(t *testing.T) {
	s := sampleSite(t)
	for name, p := range everyPage(s) {
		if ct := p.Header.Get("Content-Type"); ct != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", name, ct)
		}
		policy := p.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action "} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q lacks %q", name, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "connect-src") != strings.Contains(p.body, "data-live") {
			t.Errorf("%s: policy %q lets more in than the page needs", name, policy)
		}
		if p.Header.Get("X-Content-Type-Options") != "nosniff" || p.Header.Get("X-Frame-Options") != "DENY" || p.Header.Get("Referrer-Policy") == "" || p.Header.Get("Cache-Control") == "" {
			t.Errorf("%s: headers %v", name, p.Header)
		}
		bare := regexp.MustCompile(`(value|placeholder)="[^"]*"`).ReplaceAllString(p.body, "") // which may hold any text
		for what, pattern := range map[string]string{
			"inline style": `<style|\sstyle=`, "inline script": `<script>|<script [^>]*>[^<]|<[^>]*\son[a-z]+=`, "foreign resource": `(src|<link[^>]* href)="(https?:)?//`,
		} {
			if m := regexp.MustCompile(pattern).FindString(bare); m != "" {
				t.Errorf("%s: %s: %q", name, what, m)
			}
		}
		for what, n := range map[string]int{"<!doctype html>": 1, `<html lang="en">`: 1, "<h1>": 1, "<main ": 1, `<nav aria-label="Main">`: 1, "<header ": 1, "<footer ": 1, `class="skip" href="#content"`: 1, `name="viewport"`: 1} {
			if got := strings.Count(p.body, what); got != n {
				t.Errorf("%s: has %d of %s, want %d", name, got, what, n)
			}
		}
		unique(t, name, p)
		labelled(t, name, p)
	}
}

var ids = regexp.MustCompile(`\sid="([^"]+)"`)

// unique fails the test if an id stands twice, or one that is referred to does not stand.
func unique(t *testing.T, name string, p page) {
	t.Helper()
	seen := map[string]int{}
	for _, m := range ids.FindAllStringSubmatch(p.body, -1) {
		seen[m[1]]++
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s: id %q stands %d times", name, id, n)
		}
	}
	for _, m := range regexp.MustCompile(`\s(?:for|aria-labelledby|aria-describedby)="([^"]+)"`).FindAllStringSubmatch(p.body, -1) {
		for _, id := range strings.Fields(m[1]) {
			if seen[id] != 1 {
				t.Errorf("%s: refers to id %q, which does not stand", name, id)
			}
		}
	}
}

// labelled fails the test if a control has no label: one that names it, or one around it.
func labelled(t *testing.T, name string, p page) {
	t.Helper()
	for _, m := range regexp.MustCompile(`<(?:input|select)[^>]*>`).FindAllStringIndex(p.body, -1) {
		control := p.body[m[0]:m[1]]
		if strings.Contains(control, `type="hidden"`) {
			continue
		}
		id := ids.FindStringSubmatch(control)
		named := id != nil && strings.Contains(p.body, `<label for="`+id[1]+`">`)
		if around := strings.LastIndex(p.body[:m[0]], "<label class=") > strings.LastIndex(p.body[:m[0]], "</label>"); !named && !around {
			t.Errorf("%s: no label for %s", name, control)
		}
	}
}

func TestErrorPages(t *testing.T) {
	s := sampleSite(t)
	s.get("/nothing").is(t, http.StatusNotFound, "There is no page at this address.")
	s.get("/assets/console-000000000000.css").is(t, http.StatusNotFound, "Not found")
	s.get("/products/nothing").is(t, http.StatusNotFound, `Product "nothing" does not exist.`)
	s.get("/subscriptions/agmt-nothing").is(t, http.StatusNotFound, "does not exist")
	s.post("/subscriptions/agmt-nothing/setup", url.Values{}).is(t, http.StatusNotFound, "does not exist")
	if p := s.post("/products/"+legacy, url.Values{}).is(t, http.StatusMethodNotAllowed, "does not take POST requests"); p.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %q", p.Header.Get("Allow"))
	}
	if p := s.get("/products/"+legacy+"/subscribe").is(t, http.StatusMethodNotAllowed); p.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", p.Header.Get("Allow"))
	}
	s.post("/products/"+legacy+"/subscribe", url.Values{"buyer": {strings.Repeat("x", 70<<10)}}).is(t, http.StatusRequestEntityTooLarge, "The form is too large.")
	if p := s.get("/products/").is(t, http.StatusFound); p.Header.Get("Location") != "/" {
		t.Errorf("Location: %q", p.Header.Get("Location"))
	}
	if p := s.do(http.MethodHead, "/", nil).is(t, http.StatusOK); p.body != "" || p.ContentLength <= 0 {
		t.Errorf("HEAD: %d bytes, Content-Length %d", len(p.body), p.ContentLength)
	}
}

// brokenStore fails when it is told to.
type brokenStore struct {
	market.Store
	err atomic.Pointer[error]
}

func (b *brokenStore) View(ctx context.Context, fn func(market.Tx) error) error {
	if err := b.err.Load(); err != nil {
		return *err
	}
	return b.Store.View(ctx, fn)
}

func TestInternalErrorsAreWithheldAndLogged(t *testing.T) {
	store := &brokenStore{}
	s := newSite(t, siteConfig{world: sampleWorld(), store: func(real market.Store) market.Store { store.Store = real; return store }})
	secret := errors.New("disk /dev/secret is on fire")
	store.err.Store(&secret)
	p := s.get("/").is(t, http.StatusInternalServerError, "Something went wrong here", "Reference")
	if strings.Contains(p.body, "fire") {
		t.Error("the text of an internal error is on the page")
	}
	_, reference, _ := strings.Cut(p.body, "Reference <code>")
	reference, _, _ = strings.Cut(reference, "<")
	if log := s.logged.String(); !strings.Contains(log, "on fire") || !strings.Contains(log, "reference="+reference) {
		t.Errorf("reference %q; log:\n%s", reference, log)
	}
	var down error = &market.Error{Code: market.Unavailable, Message: "the store is shutting down"}
	store.err.Store(&down)
	s.get("/").is(t, http.StatusServiceUnavailable, "The store is shutting down.")
}

func TestPostsFromOtherSitesAreRefusedByTheListener(t *testing.T) {
	s := sampleSite(t)
	at := s.subscribe(legacy, alice, "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL+at+"/setup", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := s.browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", resp.StatusCode)
	}
}

func TestFooterShowsTheMarketsTime(t *testing.T) {
	at := time.Date(2031, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
	s := newSite(t, siteConfig{now: func() time.Time { return at }})
	p := s.get("/").is(t, http.StatusOK, "Market time 3 Feb 2031, 03:05:06 UTC")
	if !strings.Contains(p.body, `datetime="2031-02-03T03:05:06Z"`) {
		t.Error("the time is not machine-readable")
	}
}

func TestAssetsAreKeptForGood(t *testing.T) {
	s := sampleSite(t)
	body := s.post(s.subscribe(legacy, alice, "")+"/setup", url.Values{}).body
	for kind, pattern := range map[string]string{
		"text/css; charset=utf-8": `href="(/assets/console-[0-9a-f]{12}\.css)"`, "text/javascript; charset=utf-8": `src="(/assets/setup-[0-9a-f]{12}\.js)"`, "image/svg+xml": `href="(/assets/icon-[0-9a-f]{12}\.svg)"`,
	} {
		m := regexp.MustCompile(pattern).FindStringSubmatch(body)
		if m == nil {
			t.Errorf("no %s in the page", pattern)
			continue
		}
		p := s.get(m[1]).is(t, http.StatusOK)
		if p.Header.Get("Content-Type") != kind || p.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || p.body == "" {
			t.Errorf("%s: %v", m[1], p.Header)
		}
	}
}
