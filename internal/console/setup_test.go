package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/registration"
	"github.com/souk-market/souk/internal/reqlog"
)

func TestSetUpPostsTheDocumentedForm(t *testing.T) {
	s := sampleSite(t)
	at := s.subscribe(team, alice, "")
	p := s.post(at+"/setup", url.Values{}).is(t, http.StatusOK, "Continue to Harbour Software", "press the button to go on", "127.0.0.1:7686")
	if !strings.Contains(p.body, `<form id="registration" method="post" action="`+builtin+`" enctype="application/x-www-form-urlencoded">`) {
		t.Errorf("no form to %s in:\n%s", builtin, p.body)
	}
	fields := p.hiddenFields()
	token := fields.Get(registration.FieldToken)
	fields.Del(registration.FieldToken)
	want := url.Values{registration.FieldAgreementID: {strings.TrimPrefix(at, "/subscriptions/")}, registration.FieldProductID: {"prod-team"}}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields beside the token (-want +got):\n%s", diff)
	}
	res, err := s.resolve(token)
	if err != nil || res.CustomerAWSAccountID != alice || res.ProductCode != team || res.CustomerIdentifier != "" {
		t.Errorf("the token resolves to %+v, %v", res, err)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "strict-origin"} {
		if got := p.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if policy := p.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action http: https:;") || !strings.Contains(policy, "script-src 'self';") {
		t.Errorf("the policy does not let the form go to the seller by itself: %s", policy)
	}
	if strings.Count(p.body, "<script") != 1 || strings.Count(p.text(), token) != 0 {
		t.Error("want one script, and the token only where the form has it")
	}
}

func TestEachClickMintsANewTokenForTheSameAgreement(t *testing.T) {
	s := sampleSite(t)
	at := s.subscribe(legacy, alice, "")
	one, two := s.post(at+"/setup", url.Values{}).hiddenFields(), s.post(at+"/setup", url.Values{}).hiddenFields()
	if one.Get(registration.FieldToken) == two.Get(registration.FieldToken) {
		t.Error("both clicks made the same token")
	}
	first, err1 := s.resolve(one.Get(registration.FieldToken))
	second, err2 := s.resolve(two.Get(registration.FieldToken))
	if err1 != nil || err2 != nil || first != second {
		t.Errorf("tokens resolve to %+v (%v) and %+v (%v), want the same", first, err1, second, err2)
	}
	s.do(http.MethodGet, at+"/setup", nil).is(t, http.StatusMethodNotAllowed)
}

func TestFreeTrialsSayTheirOfferType(t *testing.T) {
	s := sampleSite(t)
	fields := s.post(s.subscribe(legacy, alice, trial)+"/setup", url.Values{}).hiddenFields()
	if got := fields.Get(registration.FieldOfferType); got != "free-trial" {
		t.Errorf("%s: %q, want free-trial", registration.FieldOfferType, got)
	}
}

func TestRegistrationURLIsChangedLive(t *testing.T) {
	s := sampleSite(t)
	at := s.subscribe(odd, alice, "")
	product := "/products/" + url.PathEscape(odd)
	s.get(product).is(t, http.StatusOK, foreign)
	if p := s.post(at+"/setup", url.Values{}); !strings.Contains(p.body, `action="`+foreign+`"`) {
		t.Errorf("the form does not go to %s", foreign)
	}
	const mine = "http://localhost:8000/register?a=1&b='2'"
	p := s.post(product+"/registration-url", url.Values{"url": {"  " + mine + " "}}).is(t, http.StatusSeeOther)
	if got := p.Header.Get("Location"); got != product+"?changed=registration-url#registration" {
		t.Errorf("redirected to %q", got)
	}
	s.get(product+"?changed=registration-url").is(t, http.StatusOK, "The registration URL was changed", mine)
	if p := s.post(at+"/setup", url.Values{}); !strings.Contains(p.body, `action="http://localhost:8000/register?a=1&amp;b=%272%27"`) {
		t.Errorf("the form does not go to %s:\n%s", mine, p.body)
	}
	s.post(product+"/registration-url", url.Values{"url": {""}}).is(t, http.StatusSeeOther)
	s.get(product).is(t, http.StatusOK, builtin+", the registration page that comes with Souk")
}

func TestBadRegistrationURLsAreRefusedWhereTheyWereTyped(t *testing.T) {
	s := sampleSite(t)
	for _, bad := range []string{"javascript:alert(1)", "/register", "ftp://x/", `"><script>alert(1)</script>`} {
		p := s.post("/products/"+legacy+"/registration-url", url.Values{"url": {bad}})
		p.is(t, http.StatusUnprocessableEntity, "must be an absolute http or https URL")
		if strings.Contains(p.body, "<script>") || !strings.Contains(p.body, `aria-invalid="true"`) {
			t.Errorf("%q: the field is not marked, or not escaped", bad)
		}
	}
	s.post("/products/nothing/registration-url", url.Values{"url": {"http://x/"}}).is(t, http.StatusNotFound)
}

func TestWithoutARegistrationURLThePageSaysHowToSetOne(t *testing.T) {
	s := newSite(t, siteConfig{world: sampleWorld()})
	at := s.subscribe(legacy, alice, "")
	p := s.post(at+"/setup", url.Values{}).is(t, http.StatusConflict, "no registration URL", "souk product set "+legacy+" --registration-url")
	if len(p.hiddenFields()) != 0 || !strings.Contains(p.body, `action="/products/`+legacy+`/registration-url"`) {
		t.Error("want the form that sets the URL, and no token")
	}
	s.get("/products/"+legacy).is(t, http.StatusOK, "Buyers cannot set up their account yet")
}

func TestASubscriptionListsTheCallsAboutIt(t *testing.T) {
	s := sampleSite(t)
	mine, other := s.subscribe(team, alice, ""), s.subscribe(team, bob, "")
	list, err := s.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list { // those of one millisecond come in any order
		r := s.log.Begin()
		r.ID, r.MarketTime, r.Operation, r.ProductCode, r.LicenseARN = "request-"+a.Buyer, time.Now(), "ResolveCustomer", a.ProductCode, a.LicenseARN
		if r.Status = 200; a.Buyer == bob {
			r.Status, r.ErrorCode = 400, "ExpiredTokenException"
		}
		s.log.Commit(r)
	}
	for at, want := range map[string][2]string{mine: {"request-" + alice, "ok"}, other: {"request-" + bob, "ExpiredTokenException"}} {
		p := s.get(at).is(t, http.StatusOK, "Latest calls", want[0], want[1])
		if strings.Count(p.text(), "request-") != 1 {
			t.Errorf("%s lists the calls of others", at)
		}
	}
	if n := len(s.log.List(reqlog.Filter{})); n != 2 {
		t.Fatalf("%d records", n)
	}
}
