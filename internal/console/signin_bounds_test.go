package console_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	p := h.anybody()
	wrong, right := url.Values{"secret": {"a guess"}}, url.Values{"secret": {controlToken}}
	for range 9 {
		p.do(http.MethodPost, "/sign-in", wrong).is(t, http.StatusUnprocessableEntity)
	}
	p.do(http.MethodPost, "/sign-in", right).is(t, http.StatusSeeOther) // who has a credential begins anew
	for range 10 {
		p.do(http.MethodPost, "/sign-in", wrong).is(t, http.StatusUnprocessableEntity)
	}
	for _, form := range []url.Values{wrong, right} {
		if got := p.do(http.MethodPost, "/sign-in", form).is(t, http.StatusTooManyRequests, "minute"); got.Header.Get("Retry-After") == "" {
			t.Error("it does not say when")
		}
	}
	later := time.Now().Add(time.Minute)
	h.wall = func() time.Time { return later }
	p.do(http.MethodPost, "/sign-in", right).is(t, http.StatusSeeOther)
}

// Where a sign-in leads to is on this console, whatever the address says.
func TestSignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	p := h.anybody()
	for to, want := range map[string]string{
		"/usage?product=x&after=%2F": "/usage?product=x&after=%2F", "": "/", "/": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/",
		"https://evil.example/": "/", "http:evil": "/", "javascript:alert(1)": "/", "/\t/evil.example": "/", "/\n/evil.example": "/", "evil.example": "/", " /usage": "/",
		"/sign-in?to=/": "/", "/sign-out": "/", "/%2F/evil.example": "/", "/%5Cevil.example": "/%5Cevil.example", "/\u202eusage": "/", "/" + strings.Repeat("a", 3000): "/",
	} {
		got := p.do(http.MethodPost, "/sign-in", url.Values{"secret": {controlToken}, "to": {to}}).is(t, http.StatusSeeOther)
		if at := got.Header.Get("Location"); at != want {
			t.Errorf("to %q leads to %q, want %q", to, at, want)
		}
		if at := p.get("/sign-in?" + url.Values{"to": {to}}.Encode()).hiddenFields().Get("to"); at != want {
			t.Errorf("the form for %q leads to %q, want %q", to, at, want)
		}
	}
}

// What goes on and on ends with the session as well.
func TestStreamsEndWithTheSession(t *testing.T) {
	t.Parallel()
	h := newHouses(t)
	p := h.signed(alderReader)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.at+"/requests/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(p.cookies[0])
	resp, err := h.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	ended := make(chan time.Time, 1)
	go func() {
		io.Copy(io.Discard, resp.Body)
		ended <- time.Now()
	}()
	select {
	case <-ended:
		t.Fatal("the stream ends by itself")
	case <-time.After(600 * time.Millisecond):
	}
	var keys []account.AccessKey
	for _, k := range housesWorld().Directory.Keys {
		k.Inactive = true
		keys = append(keys, k)
	}
	if _, err := h.service.ApplyWorld(t.Context(), market.Operator(), market.World{Directory: account.State{Keys: keys}}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the stream outlives the key")
	}
}
