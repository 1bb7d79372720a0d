package console_test

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

var exported = regexp.MustCompile(`export (AWS_[A-Z_]+)=(\S+)`)

// environment is what a page of credentials has people paste.
func environment(p page) map[string]string {
	env := map[string]string{}
	for _, m := range exported.FindAllStringSubmatch(html.UnescapeString(tag.ReplaceAllString(p.body, "\n")), -1) {
		env[m[1]] = m[2]
	}
	return env
}

func TestAccountPageShowsWhoThereIs(t *testing.T) {
	w := peopled(t)
	p := w.get("/world/accounts/"+seller).is(t, http.StatusOK, "Harbour Software", userARN, roleARN, "Runs as ecs-task", "Marketplace inline", "Home attached",
		sampleKey, "the sample", "Active", "Make inactive")
	for _, link := range []string{policyAt(userARN, "NotBatch"), policyAt(policyARN, ""), "/world/evaluate?principal=" + url.QueryEscape(roleARN)} {
		if !strings.Contains(p.body, `href="`+html.EscapeString(link)+`"`) {
			t.Errorf("no link to %s", link)
		}
	}
	w.get("/world/accounts/"+bob).is(t, http.StatusOK, "None. They are declared in a world file.", "None yet. Calls are signed with an access key: make one below.")
	w.get("/world/accounts/999999999999").is(t, http.StatusNotFound, "does not exist")
}

func TestAnAccessKeyIsShownOnceAndOpens(t *testing.T) {
	w := peopled(t)
	for user, owner := range map[string]string{"app": userARN, "": "arn:aws:iam::" + seller + ":root"} {
		p := w.post("/world/accounts/"+seller+"/keys", url.Values{"user": {user}, "name": {"laptop"}, "note": {"of Ann"}}).is(t, http.StatusCreated, owner, "the only one that shows the secret")
		if got := p.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control %q, want no-store", got)
		}
		env := environment(p)
		secret, principal, err := w.credentials.Lookup(t.Context(), env["AWS_ACCESS_KEY_ID"], "")
		if err != nil || secret != env["AWS_SECRET_ACCESS_KEY"] || len(secret) != 40 || principal.ARN != owner {
			t.Fatalf("%v opens as %v with %q: %v", env, principal, secret, err)
		}
		after := w.get("/world/accounts/"+seller).is(t, http.StatusOK, env["AWS_ACCESS_KEY_ID"], "laptop", "of Ann")
		if strings.Contains(html.UnescapeString(after.body), secret) {
			t.Error("the secret is shown again")
		}
	}
}

func TestAccessKeysThatAreNotMade(t *testing.T) {
	w := peopled(t)
	before := keysOf(w)
	for name, test := range map[string]struct {
		account string
		form    url.Values
		status  int
		text    string
	}{
		"no such account": {"999999999999", url.Values{"user": {""}}, http.StatusNotFound, "does not exist"},
		"no such user":    {seller, url.Values{"user": {"nobody"}}, http.StatusUnprocessableEntity, "This account has no user “nobody”."},
		"another's user":  {alice, url.Values{"user": {"app"}}, http.StatusUnprocessableEntity, "This account has no user “app”."},
		"long name":       {seller, url.Values{"user": {"app"}, "name": {strings.Repeat("é", 101)}}, http.StatusUnprocessableEntity, "at most 100 characters"},
		"long note":       {seller, url.Values{"user": {"app"}, "note": {strings.Repeat("é", 501)}}, http.StatusUnprocessableEntity, "at most 500 characters"},
		"no text":         {seller, url.Values{"user": {"app"}, "note": {"\xff"}}, http.StatusUnprocessableEntity, "must be text"},
		"too large":       {seller, url.Values{"user": {strings.Repeat("x", 70<<10)}}, http.StatusRequestEntityTooLarge, "too large"},
	} {
		w.post("/world/accounts/"+test.account+"/keys", test.form).is(t, test.status, test.text)
		if got := keysOf(w); len(got) != len(before) {
			t.Errorf("%s: a key was made: %v", name, got)
		}
	}
	p := w.post("/world/accounts/"+seller+"/keys", url.Values{"user": {"nobody"}, "name": {`a "name"`}, "note": {"kept"}})
	if !strings.Contains(p.body, `value="a &#34;name&#34;"`) || !strings.Contains(p.body, `value="kept"`) {
		t.Error("the form that was refused is not shown again as it was sent")
	}
}

func keysOf(w *world) []account.AccessKey {
	w.Helper()
	dir, err := w.service.DirectoryState(w.Context(), market.Operator())
	if err != nil {
		w.Fatal(err)
	}
	return dir.Keys
}

func TestAnAccessKeyIsMadeInactiveAndActiveAgain(t *testing.T) {
	w := peopled(t)
	at := "/world/accounts/" + seller + "/keys/" + sampleKey
	p := w.post(at+"/inactive", url.Values{}).is(t, http.StatusSeeOther)
	w.get(p.Header.Get("Location")).is(t, http.StatusOK, "calls signed with it are refused from now on", "Inactive", "Make active")
	if _, _, err := w.credentials.Lookup(t.Context(), sampleKey, ""); !errors.Is(err, account.ErrUnknownKey) {
		t.Errorf("an inactive key opens: %v", err)
	}
	w.post(at+"/inactive", url.Values{}).is(t, http.StatusConflict, "is inactive already")
	w.post(at+"/active", url.Values{}).is(t, http.StatusSeeOther)
	if secret, _, err := w.credentials.Lookup(t.Context(), sampleKey, ""); err != nil || secret != keySecret {
		t.Errorf("the key that is active again: %q, %v; want its old secret", secret, err)
	}
	if k := keysOf(w)[0]; k.Note != "the sample" || k.User != "app" {
		t.Errorf("the key lost something: %+v", k)
	}
	w.post("/world/accounts/"+alice+"/keys/"+sampleKey+"/inactive", url.Values{}).is(t, http.StatusNotFound, "does not exist in this account")
	w.post("/world/accounts/"+seller+"/keys/AKIANOTTHERE00000000/inactive", url.Values{}).is(t, http.StatusNotFound)
}

func TestSessionsAreIssuedAndShownOnce(t *testing.T) {
	w := peopled(t)
	at := "/world/accounts/" + seller + "/sessions"
	p := w.post(at, url.Values{"role": {"Meter"}, "name": {"me"}, "life": {"15m"}}).is(t, http.StatusCreated, "assumed-role/Meter/me", "They expire on")
	if p.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", p.Header.Get("Cache-Control"))
	}
	env := environment(p)
	secret, principal, err := w.credentials.Lookup(t.Context(), env["AWS_ACCESS_KEY_ID"], env["AWS_SESSION_TOKEN"])
	if err != nil || secret != env["AWS_SECRET_ACCESS_KEY"] || principal.Session != "me" {
		t.Errorf("%v opens as %v: %v", env, principal, err)
	}
	w.post(at, url.Values{"role": {"Other"}, "name": {"me"}, "life": {"1h"}}).is(t, http.StatusUnprocessableEntity, "no role “Other”")
	w.post(at, url.Values{"role": {"Meter"}, "name": {"x"}, "life": {"1h"}}).is(t, http.StatusUnprocessableEntity, "2 to 64 characters")
	w.post(at, url.Values{"role": {"Meter"}, "name": {"me"}, "life": {"99h"}}).is(t, http.StatusUnprocessableEntity, "Choose how long")
	w.post("/world/accounts/"+alice+"/sessions", url.Values{"role": {"Meter"}, "name": {"me"}, "life": {"1h"}}).is(t, http.StatusUnprocessableEntity, "no role “Meter”")
}
