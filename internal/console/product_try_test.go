package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

func TestTryItShowsWhatThePageAnswers(t *testing.T) {
	s := sampleSite(t)
	var token string
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Write([]byte(`<h1>Hello</h1><script>alert("x")</script> ` + "\u202e" + token))
			return
		}
		token = r.PostFormValue("x-amzn-marketplace-token")
		res, err := s.resolve(token)
		if err != nil {
			t.Error(err)
		}
		rec := s.log.Begin()
		rec.ID, rec.Time, rec.Operation, rec.Status, rec.LicenseARN, rec.ProductCode = "req-of-the-page", time.Now(), "ResolveCustomer", 200, res.LicenseARN, res.ProductCode
		s.log.Commit(rec)
		http.Redirect(w, r, "/hello?q=<b>", http.StatusSeeOther)
	}))
	defer page.Close()
	at := productAt(legacy)
	s.post(at+"/registration-url", url.Values{"url": {page.URL}}).is(t, http.StatusSeeOther)
	s.get(at+"?changed=registration-url").is(t, http.StatusOK, "The registration URL was changed. Try it")
	s.get(at+"/try").is(t, http.StatusOK, "Acme Corporation – is subscribed first", page.URL)
	p := s.post(at+"/try", url.Values{"as": {"buyer:" + alice}}).is(t, http.StatusOK, "It works", "303 See Other", "200 OK", `<h1>Hello</h1><script>alert("x")</script> ‹U+202E›`,
		"called ResolveCustomer with this token", "request req-of-the-page", "which was made for this", "Acme Corporation – agmt-")
	if strings.Contains(p.body, "<script>") || strings.Contains(p.body, "<b>\"") || strings.Contains(p.body, "\u202e") || strings.Contains(p.body, token[10:60]) {
		t.Errorf("the answer became markup, or the token is on the page:\n%s", p.body)
	}
	if !strings.Contains(p.body, `href="/requests/req-of-the-page"`) || p.Header.Get("Cache-Control") != "no-store" {
		t.Error("no link to the request, or the page is kept")
	}
	unique(t, "result", p)
	labelled(t, "result", p)
}

// The built-in page stands on the listener that the try was asked of: neither waits for the other.
func TestTryItOnItsOwnListener(t *testing.T) {
	s := sampleSite(t)
	own := s.server.URL + "/start"
	s.post(productAt(team)+"/registration-url", url.Values{"url": {own}}).is(t, http.StatusSeeOther)
	agreement := strings.TrimPrefix(s.subscribe(team, bob, ""), "/subscriptions/")
	// Posts of other sites are refused here, and so the try meets the listener's protection without a cookie or credential to pass it.
	s.post(productAt(team)+"/try", url.Values{"as": {agreement}}).is(t, http.StatusOK, "It does not work yet", "403 Forbidden", "CSRF", "No call of ResolveCustomer came in", agreement)
}

func TestTryItWhereItCannotBe(t *testing.T) {
	s := newSite(t, siteConfig{world: sampleWorld()})
	at := productAt(legacy) + "/try"
	s.get(at).is(t, http.StatusOK, "No registration page yet", "Say where your page is")
	s.post(at, url.Values{"as": {"buyer:" + alice}}).is(t, http.StatusConflict, "has no registration URL")
	s = sampleSite(t)
	ended := s.subscribe(legacy, alice, "")
	if _, err := s.service.End(t.Context(), market.Operator(), strings.TrimPrefix(ended, "/subscriptions/"), market.Cancelled); err != nil {
		t.Fatal(err)
	}
	s.post(at, url.Values{"as": {strings.TrimPrefix(ended, "/subscriptions/")}}).is(t, http.StatusConflict, "only an active one can be set up")
	s.post(at, url.Values{"as": {"buyer:" + broke}}).is(t, http.StatusConflict, "is suspended")
	s.post(at, url.Values{"as": {nasty("agmt")}}).is(t, http.StatusNotFound, "does not exist")
	s.post(at, url.Values{}).is(t, http.StatusConflict, "has no active agreement")
}
