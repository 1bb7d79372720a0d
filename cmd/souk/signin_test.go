package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// visit asks for a page, as a browser that follows nothing.
func visit(t *testing.T, method, target string, form url.Values, cookies ...*http.Cookie) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		req.AddCookie(c)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// serving starts a node as `souk serve` does, with the sample world in it.
func serving(t *testing.T, token string) *node {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if status := run(t.Context(), []string{"init", "--data", dir}, nil, io.Discard, io.Discard, noEnv); status != 0 {
		t.Fatalf("init: %d", status)
	}
	n := startTest(t, func(c *nodeConfig) {
		c.Mode, c.Data, c.Create, c.Sample, c.Simulation, c.ControlToken = "serve", dir, false, false, false, token
	})
	if _, err := controlOf(t, n, token).ApplyWorld(t.Context(), sampleWorld); err != nil {
		t.Fatal(err)
	}
	return n
}

// sampleSellerIn signs the sample seller's user in.
func sampleSellerIn(t *testing.T, n *node) []*http.Cookie {
	t.Helper()
	key, err := sampleSellerKey(context.Background(), n.service)
	if err != nil {
		t.Fatal(err)
	}
	res, body := visit(t, "POST", n.Control+"/sign-in", url.Values{"key": {key.AccessKeyID}, "secret": {key.Secret}})
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		t.Fatalf("sign in: %s\n%s", res.Status, body)
	}
	return res.Cookies()
}

// What is for trying things out is not there in serve, whoever looks; and the secrets of the sample are on no page.
func TestServeHasNoPagesToPlayWith(t *testing.T) {
	t.Parallel()
	const token = "a credential of some length"
	n := serving(t, token)
	res, _ := visit(t, "POST", n.Control+"/sign-in", url.Values{"secret": {token}})
	operator := res.Cookies()
	for _, page := range []struct{ method, path string }{
		{"GET", "/world/clock"}, {"POST", "/world/clock"}, {"GET", "/world/faults"}, {"POST", "/world/faults"}, {"POST", "/world/faults/clear"},
		{"POST", "/requests/x/replay"}, {"GET", registrationPath},
	} {
		if res, _ := visit(t, page.method, n.Control+page.path, url.Values{}, operator...); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s %s: %s", page.method, page.path, res.Status)
		}
	}
	dir, err := n.service.DirectoryState(t.Context(), market.Operator())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/start", "/world", "/world/accounts/" + sampleSeller, "/", "/requests"} {
		res, body := visit(t, "GET", n.Control+path, nil, operator...)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
		for _, k := range dir.Keys {
			if strings.Contains(body, k.Secret) {
				t.Errorf("%s shows the secret of %s", path, k.ID)
			}
		}
	}
}

// serve asks who looks even where the control API asks for nothing, which it then goes on not to ask for.
func TestServeAsksWhoLooks(t *testing.T) {
	t.Parallel()
	n := serving(t, "")
	if _, err := controlOf(t, n, "").Info(t.Context()); err != nil {
		t.Errorf("the control API: %v", err)
	}
	res, _ := visit(t, "GET", n.Control+"/agreements", nil)
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || to != "/sign-in?to=%2Fagreements" {
		t.Fatalf("a page: %s, to %q", res.Status, to)
	}
	cookies := sampleSellerIn(t, n)
	dir, err := n.service.DirectoryState(t.Context(), market.Operator())
	if err != nil {
		t.Fatal(err)
	}
	for i := range dir.Keys { // signed out as soon as the key is no more
		dir.Keys[i].Inactive = true
	}
	if _, err := n.service.ApplyWorld(t.Context(), market.Operator(), market.World{Directory: account.State{Keys: dir.Keys}}); err != nil {
		t.Fatal(err)
	}
	if res, _ := visit(t, "GET", n.Control+"/agreements", nil, cookies...); res.StatusCode != http.StatusSeeOther {
		t.Errorf("with an inactive key: %s", res.Status)
	}
}

// dev on loopback asks for nothing.
func TestDevAsksNobody(t *testing.T) {
	t.Parallel()
	n := startTest(t, nil)
	for path, want := range map[string]int{"/": 200, "/start": 200, "/world/clock": 200, "/sign-in": 404} {
		if res, _ := visit(t, "GET", n.Control+path, nil); res.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, res.Status, want)
		}
	}
}

// With a token, dev's own registration page takes what the console's form posts to it, from whoever is signed in.
func TestRegistrationPageOfWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	const token = "a credential of some length"
	n := startTest(t, func(c *nodeConfig) { c.ControlToken = token })
	if res, _ := visit(t, "GET", n.Control+registrationPath, nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("for anybody: %s", res.Status)
	}
	res, _ := visit(t, "POST", n.Control+"/sign-in", url.Values{"secret": {token}})
	if res, _ := visit(t, "GET", n.Control+registrationPath, nil, res.Cookies()...); res.StatusCode >= 500 || res.StatusCode == http.StatusUnauthorized {
		t.Errorf("for whoever is signed in: %s", res.Status)
	}
	if res, _ := visit(t, "GET", n.Control+"/api/v1/info", nil, res.Cookies()...); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the control API: %s", res.Status)
	}
}
