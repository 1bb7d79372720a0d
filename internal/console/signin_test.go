package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	p := h.anybody()
	got := p.get("/agreements?product=a%2Fb")
	if to := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || to != "/sign-in?to=%2Fagreements%3Fproduct%3Da%252Fb" {
		t.Fatalf("a page without a session: %s to %s", got.Status, to)
	}
	form := p.get(got.Header.Get("Location")).is(t, http.StatusOK, "Sign in", "control token")
	if to := form.hiddenFields().Get("to"); to != "/agreements?product=a%2Fb" || form.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the form leads to %q, its cache: %q", to, form.Header.Get("Cache-Control"))
	}
	in := p.do(http.MethodPost, "/sign-in", url.Values{"key": {alderReader}, "secret": {alderReader[:8] + secretOf}, "to": {"/usage"}}).is(t, http.StatusSeeOther)
	set := in.Header.Get("Set-Cookie")
	for _, want := range []string{"souk_session=", "; Path=/", "; HttpOnly", "; SameSite=Strict", "; Max-Age=43200"} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie %q lacks %q", set, want)
		}
	}
	if strings.Contains(set, "Secure") || in.Header.Get("Location") != "/usage" {
		t.Errorf("the cookie is %q, and leads to %q", set, in.Header.Get("Location"))
	}
	p.cookies = in.Cookies()
	page := p.get("/").is(t, http.StatusOK, "reader of Alder Works", "Sign out", "Alder Title")
	if strings.Contains(page.body, `href="/start"`) || strings.Contains(page.body, `href="/subscriptions"`) || !strings.Contains(page.body, `href="/usage"`) {
		t.Error("the navigation is not the seller's")
	}
	p.get("/start").is(t, http.StatusForbidden, "Only the operator")
	out := p.do(http.MethodPost, "/sign-out", url.Values{}).is(t, http.StatusSeeOther)
	if set := out.Header.Get("Set-Cookie"); !strings.Contains(set, "souk_session=;") || !strings.Contains(set, "Max-Age=0") {
		t.Errorf("signing out sets %q", set)
	}
	if got := p.do(http.MethodGet, "/sign-out", nil); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("signing out by a link: %s", got.Status)
	}
	op := h.signed("")
	op.get("/start").is(t, http.StatusOK, "the operator", "Sign out")
	h.signed(alderNobody).get("/").is(t, http.StatusForbidden, "aws-marketplace:ListEntities")
}

// The control API and its clients go on as before, and its token opens pages by itself as well.
func TestTokenWithoutASession(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	p := h.anybody()
	for path, status := range map[string]int{"/api/v1/info": 401, "/metrics": 401, "/openapi.yaml": 401, "/api/v2/": 401, "/healthz": 200, "/nowhere": 303, "/sign-in": 200} {
		if got := p.get(path); got.StatusCode != status {
			t.Errorf("%s: %s, want %d", path, got.Status, status)
		}
	}
	req, _ := http.NewRequest("GET", "/", nil)
	req.SetBasicAuth("anybody", controlToken)
	basic := req.Header.Get("Authorization")
	req.SetBasicAuth("anybody", controlToken+"x")
	wrong := req.Header.Get("Authorization")
	for _, header := range []string{basic, "Bearer " + controlToken} {
		body := p.get("/", "Authorization", header).is(t, http.StatusOK, "the operator").body
		if strings.Contains(body, "Sign out") {
			t.Error("a page offers to end a session that there is not")
		}
		if got := p.get("/api/v1/products", "Authorization", header); got.StatusCode != http.StatusOK {
			t.Errorf("the control API: %s", got.Status)
		}
	}
	for _, header := range []string{wrong, "Bearer", "Bearer x", "Digest " + controlToken} {
		got := p.get("/", "Authorization", header)
		if got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %s", header, got.Status)
		}
	}
	if got := p.get("/", "Accept", "*/*"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a client that is no browser: %s", got.Status)
	}
	if got := p.get("/requests/live", "Accept", "text/event-stream", "Sec-Fetch-Mode", "cors"); got.StatusCode != http.StatusUnauthorized || got.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("a page's script: %s, and a browser asks over the page", got.Status)
	}
	for _, key := range []string{"", alderRoot} { // a session is for pages
		if got := h.signed(key).get("/api/v1/products"); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("the control API takes the session of %q: %s", key, got.Status)
		}
	}
	if got := p.do(http.MethodPost, "/sign-in", url.Values{"secret": {controlToken}}, "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"); got.StatusCode != http.StatusForbidden {
		t.Errorf("a page elsewhere signs its visitors in: %s", got.Status)
	}
}

// Whoever may not sign in any more is signed out, at the next click.
func TestSessionsEndWithWhatTheyRestOn(t *testing.T) {
	t.Parallel()
	key := func(k *account.AccessKey) *account.AccessKey {
		for _, have := range housesWorld().Directory.Keys {
			if have.ID == alderReader {
				*k = have
			}
		}
		return k
	}
	for name, change := range map[string]func(*houses) market.World{
		"the key is inactive": func(*houses) market.World {
			k := key(new(account.AccessKey))
			k.Inactive = true
			return market.World{Directory: account.State{Keys: []account.AccessKey{*k}}}
		},
		"the secret is another": func(*houses) market.World {
			k := key(new(account.AccessKey))
			k.Secret = strings.Repeat("another+", 5)
			return market.World{Directory: account.State{Keys: []account.AccessKey{*k}}}
		},
		"the account is suspended": func(*houses) market.World {
			a := housesWorld().Directory.Accounts[0]
			a.Suspended = true
			return market.World{Directory: account.State{Accounts: []account.Account{a}}}
		},
		"twelve hours are over": func(h *houses) market.World {
			h.wall = func() time.Time { return time.Now().Add(12 * time.Hour) }
			return market.World{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouses(t)
			h.T = t
			p := h.signed(alderReader)
			p.get("/agreements").is(t, http.StatusOK)
			if _, err := h.service.ApplyWorld(t.Context(), market.Operator(), change(h)); err != nil {
				t.Fatal(err)
			}
			if got := p.get("/agreements"); got.StatusCode != http.StatusSeeOther {
				t.Errorf("still there: %s", got.Status)
			}
		})
	}
	t.Run("the policy says otherwise", func(t *testing.T) {
		h := newHouses(t)
		p := h.signed(alderReader)
		u := housesWorld().Directory.Users[0]
		u.Inline[0].Document = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*","Action":"aws-marketplace-management:viewReports"}}`
		if _, err := h.service.ApplyWorld(t.Context(), market.Operator(), market.World{Directory: account.State{Users: []account.User{u}}}); err != nil {
			t.Fatal(err)
		}
		p.get("/agreements").is(t, http.StatusForbidden, "aws-marketplace:SearchAgreements")
		p.get("/usage").is(t, http.StatusOK, "Alder Title")
	})
}

// All nodes of a store know a session; the operator's is good where that token is.
func TestSessionsOfOtherNodes(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	seller, op := h.signed(alderReader), h.signed("")
	seller.at, op.at = h.node("another token of another node").URL, h.server.URL
	seller.get("/agreements").is(t, http.StatusOK)
	op.get("/start").is(t, http.StatusOK)
	op.at = seller.at
	if got := op.get("/start"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the operator's session outlives the token: %s", got.Status)
	}
	untold := h.node("")
	for _, form := range []url.Values{{"secret": {""}}, {"key": {""}, "secret": {controlToken}}} { // without a token there is no operator to be
		p := &person{houses: h, at: untold.URL}
		p.do(http.MethodPost, "/sign-in", form).is(t, http.StatusUnprocessableEntity, "did not let you in", "no control token")
	}
	op.at = untold.URL
	if got := op.get("/start"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the operator's session is good where there is no token: %s", got.Status)
	}
	if got := op.do(http.MethodGet, "/api/v1/products", nil); got.StatusCode != http.StatusOK {
		t.Errorf("without a token the control API asks for one: %s", got.Status)
	}
}

func TestForgedSessions(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	p := h.signed(alderReader)
	good := p.cookies[0].Value
	foreign := newHouses(t).signed(alderReader).cookies[0].Value
	flipped := []byte(good)
	flipped[len(flipped)/2] ^= 1
	for name, value := range map[string]string{
		"nothing": "", "text": "operator", "cut": good[:len(good)-2], "changed": string(flipped), "longer": good + "AA", "of another market": foreign, "long": strings.Repeat("A", 1<<12),
	} {
		p.cookies = []*http.Cookie{{Name: "souk_session", Value: value}}
		if got := p.get("/agreements"); got.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %s", name, got.Status)
		}
	}
	p.cookies = []*http.Cookie{{Name: "souk_session", Value: foreign}, {Name: "souk_session", Value: good}} // one that somebody put in front
	p.get("/agreements").is(t, http.StatusOK)
}

// Over TLS the cookie goes over TLS only, and no other host can have set it.
func TestSessionCookieOverTLS(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	server := httptest.NewTLSServer(h.server.Config.Handler)
	defer server.Close()
	p := &person{houses: h, at: server.URL}
	got := p.do(http.MethodPost, "/sign-in", url.Values{"secret": {controlToken}}).is(t, http.StatusSeeOther)
	if set := got.Header.Get("Set-Cookie"); !strings.HasPrefix(set, "__Host-souk_session=") || !strings.Contains(set, "; Secure") || strings.Contains(set, "Domain") {
		t.Errorf("the cookie is %q", set)
	}
	p.cookies = got.Cookies()
	p.get("/start").is(t, http.StatusOK)
	p.cookies[0].Name = "souk_session"
	if got := p.get("/start"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a cookie that anybody could have set is taken: %s", got.Status)
	}
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]url.Values{
		"nothing":                {},
		"a wrong token":          {"secret": {controlToken + " "}},
		"no such key":            {"key": {"AKIANOBODY"}, "secret": {"x"}},
		"no such key, no secret": {"key": {"AKIANOBODY"}, "secret": {""}},
		"another's secret":       {"key": {alderRoot}, "secret": {birchRoot[:8] + secretOf}},
		"the token with a key":   {"key": {alderRoot}, "secret": {controlToken}},
		"a secret without key":   {"secret": {alderRoot[:8] + secretOf}},
		"long":                   {"key": {strings.Repeat("A", 200)}, "secret": {"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouses(t)
			got := h.anybody().do(http.MethodPost, "/sign-in", form).is(t, http.StatusUnprocessableEntity)
			if len(got.Cookies()) != 0 || form.Get("secret") != "" && len(form.Get("secret")) > 1 && strings.Contains(got.body, form.Get("secret")) {
				t.Errorf("a cookie, or the secret on the page: %v\n%s", got.Cookies(), got.body)
			}
		})
	}
}
