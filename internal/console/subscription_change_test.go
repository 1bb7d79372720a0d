package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// pricedWorld is suiteWorld with prices.
func pricedWorld() market.World {
	w := suiteWorld()
	for i := range w.Products {
		if w.Products[i].Code == suite {
			for j, price := range []market.Price{"120", "0.1", "500", "", "0.0025"} {
				w.Products[i].Dimensions[j].Price = price
			}
		}
	}
	for i := range w.Offers {
		if w.Offers[i].ID == special {
			w.Offers[i].Prices = map[string]market.Price{"seats": "99.50", "calls": "0", "storage": "0.1"}
		}
	}
	w.Offers = append(w.Offers, market.Offer{ID: "offer-suitetrial", ProductCode: suite, Kind: market.FreeTrialOffer, TrialDays: 7})
	return w
}

// step fills in a step's page and sends it.
func (s *site) step(at string, fill url.Values) page {
	s.Helper()
	form := s.get(at).is(s, http.StatusOK).hiddenFields()
	for name, values := range fill {
		form[name] = values
	}
	return s.post(at, form)
}

// doings are the steps that a subscription's page leads to.
func (p page) doings(at string) (steps []string) {
	for _, step := range []string{"setup", "change", "renew", "switch", "cancel"} {
		if strings.Contains(p.body, `"`+at+"/"+step+`"`) {
			steps = append(steps, step)
		}
	}
	return steps
}

func TestPricesAreShown(t *testing.T) {
	s := newSite(t, siteConfig{world: pricedWorld()})
	p := s.get("/products/"+suite).is(t, http.StatusOK, "$120.00 / Users", "$0.10 / TB", "$500.00", "$0.0025", "no price",
		"Seats: $99.50 / Users, on the listing $120.00 / Users", "calls: free, on the listing $0.0025", "Comes to $1,100.10 and no price", "7 days free")
	if strings.Contains(p.text(), "storage: $0.10") {
		t.Error("an offer's price that is the listing's is told as its own")
	}
	form := url.Values{"buyer": {bob}, "offer": {special}, "set.seats": {"12"}, "set.storage": {"2.5"}, "set.sso": {"false"}, "set.tier": {"gold"}, "review": {"yes"}}
	p = s.post("/products/"+suite+"/subscribe", form).is(t, http.StatusOK, "Special", "Seats 12 Users at $99.50 / Users, on the listing $120.00 / Users$1,194.00",
		"storage 2.5 TB at $0.10 / TB$0.25", "Single sign-on No at $500.00$0.00", "Up front, for 1 month$1,194.25 and no price", "By use, each month:")
	if v, _ := p.control("set.seats"); v != "12" {
		t.Errorf("the form that was reviewed has %q seats", v)
	}
	if _, offer := p.radios("offer"); offer != special {
		t.Errorf("the form that was reviewed has the offer %q", offer)
	}
	form.Set("set.seats", "many")
	s.post("/products/"+suite+"/subscribe", form).is(t, http.StatusUnprocessableEntity, "Seats: give a whole number.")
	list, err := s.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{})
	if err != nil || len(list) != 0 {
		t.Errorf("to look what it comes to bought %v, %v", list, err)
	}
	at := s.subscribe(suite, bob, special)
	s.get(at).is(t, http.StatusOK, "What it costs", "Seats 1 Users at $99.50 / Users", "Up front, for 1 month$599.60 and no price")
}

func TestASubscriptionOffersWhatItsStateAllows(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newSite(t, siteConfig{world: pricedWorld(), now: func() time.Time { return now }, builtin: builtin})
	buy := func(in market.PurchaseInput) string {
		t.Helper()
		p, err := s.service.Buy(t.Context(), market.Operator(), in)
		if err != nil {
			t.Fatal(err)
		}
		return "/subscriptions/" + p.Agreement.ID
	}
	suspended := buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	if _, err := s.service.Suspend(t.Context(), market.Operator(), strings.TrimPrefix(suspended, "/subscriptions/")); err != nil {
		t.Fatal(err)
	}
	over := buy(market.PurchaseInput{ProductCode: suite, Buyer: alice})
	if _, err := s.service.End(t.Context(), market.Operator(), strings.TrimPrefix(over, "/subscriptions/"), market.Terminated); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		at      string
		offered []string
		says    string
	}{
		"contract":  {buy(market.PurchaseInput{ProductCode: suite, Buyer: bob}), []string{"setup", "change", "renew", "switch", "cancel"}, "Active"},
		"by use":    {buy(market.PurchaseInput{ProductCode: legacy, Buyer: bob}), []string{"setup", "cancel"}, "Active"},
		"trial":     {buy(market.PurchaseInput{ProductCode: suite, Buyer: bob, OfferID: "offer-suitetrial"}), []string{"setup", "change", "renew", "switch", "cancel"}, "Costs nothing."},
		"pending":   {buy(market.PurchaseInput{ProductCode: suite, Buyer: bob, StartAt: now.AddDate(0, 0, 1)}), []string{"setup", "change", "renew", "cancel"}, "Pending"},
		"suspended": {suspended, []string{"setup", "change", "renew", "switch", "cancel"}, "until the seller reinstates it"},
		"over":      {over, nil, "Subscribe again"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.get(tt.at).is(t, http.StatusOK, tt.says).doings(tt.at)
			if !slices.Equal(got, tt.offered) {
				t.Errorf("offers %q, want %q", got, tt.offered)
			}
			for _, step := range []string{"change", "renew", "switch", "cancel"} {
				if slices.Contains(tt.offered, step) {
					s.get(tt.at+"/"+step).is(t, http.StatusOK, "Leave it as it is")
				} else {
					s.get(tt.at+"/"+step).is(t, http.StatusConflict, "This cannot be done with the subscription as it is now.")
					s.post(tt.at+"/"+step, url.Values{}).is(t, http.StatusConflict, "nothing was done")
				}
			}
		})
	}
	s.get("/subscriptions?buyer="+bob).is(t, http.StatusOK, "Pending", "Starts 4 Feb 2031, 04:05:06 UTC")
	s.get("/subscriptions/none/change").is(t, http.StatusNotFound, "does not exist")
	s.post("/subscriptions/none/renew", url.Values{}).is(t, http.StatusNotFound, "does not exist")
}

func TestChangingASubscription(t *testing.T) {
	s := newSite(t, siteConfig{world: pricedWorld()})
	at := s.subscribe(suite, alice, yearly)
	find := func() market.Agreement {
		t.Helper()
		a, _, err := s.service.Agreement(t.Context(), market.Operator(), strings.TrimPrefix(at, "/subscriptions/"))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	before := find()
	old := s.get(at+"/change").is(t, http.StatusOK, "Seats 5 Users at $120.00 / Users$600.00")
	if v, _ := old.control("set.seats"); v != "5" {
		t.Errorf("the form has %q seats", v)
	}
	s.step(at+"/change", url.Values{"set.seats": {"1.5"}}).is(t, http.StatusUnprocessableEntity, "Seats: give a whole number.")
	if find().Entitlements[0].Value.Integer != 5 {
		t.Error("a refused form changed something")
	}
	p := s.step(at+"/change", url.Values{"set.seats": {"9"}, "auto_renew": {"yes"}}).is(t, http.StatusSeeOther)
	s.get(p.Header.Get("Location")).is(t, http.StatusOK, "The subscription is changed, from now on.", "Seats9 Users", "renews itself", "$1,080.00")
	if a := find(); a.LicenseARN != before.LicenseARN || !a.AutoRenew || a.Entitlements[0].Value.Integer != 9 {
		t.Errorf("changed: %+v", a)
	}
	// A form of before is told, and shows what there is now.
	form := old.hiddenFields()
	form.Set("set.seats", "2")
	s.post(at+"/change", form).is(t, http.StatusConflict, "is not as it was when you looked at it")
	if find().Entitlements[0].Value.Integer != 9 {
		t.Error("a stale form changed something")
	}

	renewal := s.step(at+"/renew", url.Values{"term_months": {"24"}, "auto_renew": {"no"}}).is(t, http.StatusSeeOther).Header.Get("Location")
	s.get(renewal).is(t, http.StatusOK, "This is the renewal.", "Pending", "Up front, for 24 months")
	if got := s.get(at).is(t, http.StatusOK, "Renewal").doings(at); slices.Contains(got, "renew") {
		t.Error("what is renewed can be renewed")
	}
	s.get(at+"/renew").is(t, http.StatusConflict, "This cannot be done")
}

func TestSwitchingAndCancelling(t *testing.T) {
	s := newSite(t, siteConfig{world: pricedWorld()})
	at := s.subscribe(suite, bob, "offer-suitetrial")
	p := s.get(at+"/switch").is(t, http.StatusOK, "Special", "Yearly")
	if strings.Contains(p.body, payg) {
		t.Error("a private offer of another is offered")
	}
	next := s.step(at+"/switch", url.Values{"offer": {special}}).is(t, http.StatusSeeOther).Header.Get("Location")
	s.get(next).is(t, http.StatusOK, "Set up your account again: its license is a new one.", "$599.60 and no price")
	s.get(at).is(t, http.StatusOK, "Replaced", "Subscribe again", "Replacement")

	at, _, _ = strings.Cut(next, "?")
	confirm := s.get(at+"/cancel").is(t, http.StatusOK, "It ends now, for good")
	s.post(at+"/cancel", url.Values{}).is(t, http.StatusConflict, "nothing was done") // without having seen what it is about
	s.get(at).is(t, http.StatusOK, "Active")
	p = s.post(at+"/cancel", confirm.hiddenFields()).is(t, http.StatusSeeOther)
	s.get(p.Header.Get("Location")).is(t, http.StatusOK, "The subscription is cancelled.", "Cancelled", "Ended")
	s.post(at+"/cancel", confirm.hiddenFields()).is(t, http.StatusConflict, "This cannot be done with the subscription as it is now.")
	s.post("/subscriptions/none/cancel", url.Values{}).is(t, http.StatusNotFound, "does not exist")
}
