package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// seen is what the forms of an agreement's page carry.
func (s *site) seen(at string) string {
	s.Helper()
	return s.get(at).is(s, http.StatusOK).hiddenFields().Get("seen")
}

// act sends the form of an act as it stands on the page now, with what is typed in.
func (s *site) act(at, name string, typed url.Values) page {
	s.Helper()
	form := url.Values{"seen": {s.seen(at)}}
	for k, v := range typed {
		form[k] = v
	}
	return s.post(at+"/"+name, form)
}

// offered are the acts that a page offers.
func (p page) offered() (names []string) {
	for _, m := range regexp.MustCompile(`<form method="post" action="/agreements/[^/]*/([a-z]*)"`).FindAllStringSubmatch(p.body, -1) {
		names = append(names, m[1])
	}
	return names
}

// state is an agreement as the market has it.
func (s *site) state(id string) market.Agreement {
	s.Helper()
	a, _, err := s.service.Agreement(s.Context(), market.Operator(), id)
	if err != nil {
		s.Fatal(err)
	}
	return a
}

func TestActsAreOfferedWhereTheStateAllowsThem(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newSite(t, siteConfig{world: suiteWorld(), now: func() time.Time { return now }})
	ctx, op := t.Context(), market.Operator()
	contract := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	check := func(what, id string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, s.get("/agreements/"+id).is(t, http.StatusOK).offered()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	check("a contract", contract.ID, "amend", "renew", "replace", "suspend", "cancel", "terminate")
	check("by use", s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice, OfferID: payg}).ID, "replace", "suspend", "cancel", "terminate")
	check("not started", s.buy(market.PurchaseInput{ProductCode: suite, Buyer: bob, StartAt: now.AddDate(0, 0, 1)}).ID, "amend", "renew", "suspend", "cancel", "terminate")
	check("a trial", s.buy(market.PurchaseInput{ProductCode: legacy, Buyer: bob, OfferID: trial}).ID, "renew", "replace", "suspend", "cancel", "terminate")
	if _, err := s.service.Suspend(ctx, op, contract.ID); err != nil {
		t.Fatal(err)
	}
	check("suspended", contract.ID, "amend", "renew", "replace", "reinstate", "cancel", "terminate")
	next, err := s.service.Renew(ctx, op, contract.ID, market.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	check("renewed already", contract.ID, "amend", "replace", "reinstate", "cancel", "terminate")
	s.get("/agreements/"+contract.ID).is(t, http.StatusOK, "Renewed by"+next.ID)
	s.get("/agreements/"+next.ID).is(t, http.StatusOK, "Renews"+contract.ID, "before it has started")
	s.ended(next.ID)
	check("whose renewal was called off", contract.ID, "amend", "renew", "replace", "reinstate", "cancel", "terminate")
	s.ended(contract.ID)
	check("over", contract.ID)
	s.get("/agreements/"+contract.ID).is(t, http.StatusOK, "Nothing: the agreement is over.")
	w := suiteWorld()
	for i := range w.Directory.Accounts {
		w.Directory.Accounts[i].Suspended = w.Directory.Accounts[i].ID == bob
	}
	left := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: bob})
	if _, err := s.service.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	check("whose buyer is suspended", left.ID, "amend", "suspend", "cancel", "terminate")
}

func TestAmending(t *testing.T) {
	s := newSite(t, siteConfig{world: suiteWorld()})
	a := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	at := "/agreements/" + a.ID
	if v, _ := s.get(at).control("set.seats"); v != "5" {
		t.Errorf("the field for seats holds %q, want what the agreement has", v)
	}
	p := s.act(at, "amend", url.Values{"set.seats": {"12"}, "set.storage": {"2.5"}, "auto_renew": {"yes"}}).is(t, http.StatusSeeOther)
	s.get(p.Header.Get("Location")).is(t, http.StatusOK, "The agreement is changed", "Seats12 Users", "renews itself", "Changed")
	got := s.state(a.ID)
	if got.Entitlements[0].Value.Integer != 12 || got.Entitlements[1].Value.Double != 2.5 || !got.AutoRenew || got.LicenseARN != a.LicenseARN {
		t.Errorf("the agreement is %+v", got)
	}
	p = s.act(at, "amend", url.Values{"set.seats": {"12"}, "auto_renew": {"yes"}}).is(t, http.StatusSeeOther)
	s.get(p.Header.Get("Location")).is(t, http.StatusOK, "Nothing was changed")
	for typed, text := range map[string]string{"-1": "must be from 0 to 2147483647", "many": "Seats: give a whole number.", "99999999999999999999": "give a whole number"} {
		p := s.act(at, "amend", url.Values{"set.seats": {typed}}).is(t, http.StatusUnprocessableEntity, text)
		if v, _ := p.control("set.seats"); v != typed {
			t.Errorf("the field is shown again with %q, want %q", v, typed)
		}
		if !strings.Contains(p.body, `<details class="act " open>`) {
			t.Error("the form is not open")
		}
	}
	s.act(at, "amend", url.Values{"auto_renew": {"perhaps"}}).is(t, http.StatusUnprocessableEntity, "Choose whether")
	if diff := cmp.Diff(got, s.state(a.ID)); diff != "" {
		t.Errorf("refused forms changed something (-before +after):\n%s", diff)
	}
}

func TestRenewingAndReplacing(t *testing.T) {
	s := newSite(t, siteConfig{world: suiteWorld()})
	a := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: bob})
	at := "/agreements/" + a.ID
	for name, typed := range map[string]url.Values{
		"Months: give a whole number from 1 to 60": {"offer": {yearly}, "term_months": {"61"}},
		"does not exist": {"offer": {"offer-nothing"}},
		"is for usage":   {"offer": {payg}, "set.seats": {"3"}},
	} {
		p := s.act(at, "renew", typed)
		if p.StatusCode != http.StatusUnprocessableEntity && p.StatusCode != http.StatusForbidden {
			t.Errorf("%v: status %d", typed, p.StatusCode)
		}
		if !strings.Contains(p.text(), name) && !strings.Contains(p.text(), "is private, and not for account") {
			t.Errorf("%v: does not say %q:\n%s", typed, name, p.text())
		}
	}
	// A quantity that is what dimensions have where nobody says is still asked for.
	p := s.act(at, "renew", url.Values{"offer": {yearly}, "set.seats": {"1"}, "term_months": {"24"}, "auto_renew": {"yes"}}).is(t, http.StatusSeeOther)
	where, _, _ := strings.Cut(p.Header.Get("Location"), "?")
	next := s.state(strings.TrimPrefix(where, "/agreements/"))
	if next.PrecedingID != a.ID || next.Intent != market.IntentRenew || next.TermMonths != 24 || !next.AutoRenew || next.Entitlements[0].Value.Integer != 1 || !next.StartAt.Equal(a.EndAt) {
		t.Errorf("the renewal is %+v", next)
	}
	s.get(p.Header.Get("Location")).is(t, http.StatusOK, "This is the renewal.")

	p = s.act(at, "replace", url.Values{"offer": {special}}).is(t, http.StatusSeeOther)
	where, _, _ = strings.Cut(p.Header.Get("Location"), "?")
	instead := s.state(strings.TrimPrefix(where, "/agreements/"))
	if instead.OfferID != special || instead.Intent != market.IntentReplace || s.state(a.ID).Status != market.Replaced || s.state(next.ID).Status != market.Cancelled {
		t.Errorf("the replacement is %+v, the old one %+v", instead, s.state(a.ID))
	}
	s.get(at).is(t, http.StatusOK, "Replaced by"+instead.ID, "Renewed by, cancelled,"+next.ID, "Final hour:")
}

func TestEndingAndSuspending(t *testing.T) {
	s := newSite(t, siteConfig{world: suiteWorld()})
	for _, step := range []struct {
		act, notice string
		status      market.Status
		suspended   bool
	}{
		{"suspend", "is suspended: its license", market.Active, true},
		{"reinstate", "The agreement is reinstated.", market.Active, false},
		{"cancel", "The agreement is cancelled.", market.Cancelled, false},
		{"terminate", "The agreement is terminated.", market.Terminated, false},
	} {
		a := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
		if step.act == "reinstate" {
			if _, err := s.service.Suspend(t.Context(), market.Operator(), a.ID); err != nil {
				t.Fatal(err)
			}
		}
		p := s.act("/agreements/"+a.ID, step.act, nil).is(t, http.StatusSeeOther)
		s.get(p.Header.Get("Location")).is(t, http.StatusOK, step.notice)
		if got := s.state(a.ID); got.Status != step.status || got.SuspendedAt.IsZero() == step.suspended {
			t.Errorf("%s: status %s, suspended %s", step.act, got.Status, got.SuspendedAt)
		}
	}
}

func TestStaleFormsAreRefused(t *testing.T) {
	s := newSite(t, siteConfig{world: suiteWorld()})
	a := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	at := "/agreements/" + a.ID
	seen := s.seen(at)
	seats := []market.Entitlement{{Dimension: "seats", Value: market.Value{Integer: 7}}}
	if _, err := s.service.Amend(t.Context(), market.Operator(), a.ID, market.Amendment{Entitlements: seats}); err != nil {
		t.Fatal(err)
	}
	before := s.state(a.ID)
	for _, name := range []string{"amend", "renew", "replace", "suspend", "cancel", "terminate"} {
		for _, with := range []url.Values{{"seen": {seen}, "set.seats": {"9"}}, {"set.seats": {"9"}}} {
			s.post(at+"/"+name, with).is(t, http.StatusConflict, "not as it was when you looked at it", "nothing was done", "Seats7 Users")
		}
	}
	// Of two forms from one page, the second is stale.
	form := url.Values{"seen": {s.seen(at)}}
	s.post(at+"/reinstate", form).is(t, http.StatusConflict, "not as it was") // which was not offered
	if diff := cmp.Diff(before, s.state(a.ID)); diff != "" {
		t.Errorf("a stale form changed something (-before +after):\n%s", diff)
	}
	var got []int
	for range 2 {
		got = append(got, s.post(at+"/replace", form).StatusCode)
	}
	if !slices.Equal(got, []int{http.StatusSeeOther, http.StatusConflict}) {
		t.Errorf("statuses %d of a form sent twice", got)
	}
	if list, err := s.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{}); err != nil || len(list) != 2 {
		t.Errorf("%d agreements, %v; want the old one and its replacement", len(list), err)
	}
}

func TestActsOnWhatIsNotThere(t *testing.T) {
	s := newSite(t, siteConfig{world: suiteWorld()})
	a := s.buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	s.post("/agreements/none/cancel", url.Values{}).is(t, http.StatusNotFound, "does not exist")
	s.post("/agreements/"+a.ID+"/expunge", url.Values{}).is(t, http.StatusNotFound, "no page at this address")
	s.post("/agreements/"+a.ID+"/cancel", url.Values{"x": {strings.Repeat("x", 70<<10)}}).is(t, http.StatusRequestEntityTooLarge)
	if p := s.get("/agreements/"+a.ID+"/cancel").is(t, http.StatusMethodNotAllowed); p.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", p.Header.Get("Allow"))
	}
	s.get("/agreements/"+a.ID+"?notice="+url.QueryEscape("you won")).is(t, http.StatusOK)
	if strings.Contains(s.get("/agreements/"+a.ID+"?notice=prize").text(), "prize") {
		t.Error("the address can put words on the page")
	}
}
