package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

const (
	suite   = "suite"
	yearly  = "offer-yearly"
	special = "offer-special" // for bob only
	payg    = "offer-payg"
)

// suiteWorld has a product with entitled dimensions of each type, and one that is metered.
func suiteWorld() market.World {
	w := sampleWorld()
	w.Products = append(w.Products, market.Product{Code: suite, ID: "prod-suite", Seller: seller, Title: "Suite", Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{
		{Key: "seats", Name: "Seats", Unit: "Users", Kind: market.Entitled}, {Key: "storage", Unit: "TB", Kind: market.Entitled, Type: market.Double},
		{Key: "sso", Name: "Single sign-on", Kind: market.Entitled, Type: market.Boolean}, {Key: "tier", Kind: market.Entitled, Type: market.Text},
		{Key: "calls", Kind: market.Metered},
	}})
	w.Offers = append(w.Offers,
		market.Offer{ID: yearly, ProductCode: suite, Kind: market.PublicOffer, Name: "Yearly", Entitlements: []market.Entitlement{{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: 5}}}},
		market.Offer{ID: special, ProductCode: suite, Kind: market.PrivateOffer, Name: "Special", Buyers: []string{bob}, TermMonths: 1},
		market.Offer{ID: payg, ProductCode: suite, Kind: market.PrivateOffer, Pricing: market.UsagePricing, Name: "By use", Buyers: []string{alice}},
	)
	return w
}

// control is the value that stands in a control, or the option chosen; false if there is no such control.
func (p page) control(name string) (string, bool) {
	if m := regexp.MustCompile(`<input [^>]*name="` + name + `"[^>]* value="([^"]*)"`).FindStringSubmatch(p.body); m != nil {
		return m[1], true
	}
	_, rest, ok := strings.Cut(p.body, `name="`+name+`"`)
	list, _, _ := strings.Cut(rest, "</select>")
	if m := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(list); m != nil {
		return m[1], true
	}
	return "", ok
}

func TestQuantitiesAreAskedFor(t *testing.T) {
	s := newSite(t, siteConfig{world: suiteWorld()})
	p := s.get("/products/"+suite).is(t, http.StatusOK, "How much", "Seats (Users)", "storage (TB)", "Single sign-on", "For 12 months: Seats 5 Users", "For 1 month, for 1 account only")
	got := map[string]string{}
	for _, name := range []string{"set.seats", "set.storage", "set.sso", "set.tier", "set.calls"} {
		if v, ok := p.control(name); ok {
			got[name] = v
		}
	}
	// Where the offers differ the field is left to them; what is metered is not asked for.
	want := map[string]string{"set.seats": "", "set.storage": "1", "set.sso": "true", "set.tier": "tier"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if strings.Contains(s.get("/products/"+legacy).body, `name="set.`) {
		t.Error("a product that is paid by use asks for quantities")
	}
}

func TestSubscribingWithQuantities(t *testing.T) {
	s := newSite(t, siteConfig{world: suiteWorld()})
	whole := func(n int64) market.Value { return market.Value{Type: market.Integer, Integer: n} }
	for name, tc := range map[string]struct {
		form url.Values
		want []market.Value // of seats, storage, sso, tier
	}{
		"all": {url.Values{"buyer": {alice}, "offer": {yearly}, "set.seats": {"12"}, "set.storage": {"2.5"}, "set.sso": {"false"}, "set.tier": {"gold"}},
			[]market.Value{whole(12), {Type: market.Double, Double: 2.5}, {Type: market.Boolean}, {Type: market.Text, Text: "gold"}}},
		"left empty": {url.Values{"buyer": {alice}, "offer": {yearly}, "set.seats": {""}, "set.sso": {""}},
			[]market.Value{whole(5), {Type: market.Double, Double: 1}, {Type: market.Boolean, Boolean: true}, {Type: market.Text, Text: "tier"}}},
		"another offer": {url.Values{"buyer": {bob}, "offer": {special}, "set.storage": {"1"}},
			[]market.Value{whole(1), {Type: market.Double, Double: 1}, {Type: market.Boolean, Boolean: true}, {Type: market.Text, Text: "tier"}}},
		"by use": {url.Values{"buyer": {alice}, "offer": {payg}, "set.seats": {"12"}, "set.storage": {"nonsense"}}, nil},
	} {
		p := s.post("/products/"+suite+"/subscribe", tc.form).is(t, http.StatusSeeOther)
		id, _, _ := strings.Cut(strings.TrimPrefix(p.Header.Get("Location"), "/subscriptions/"), "?")
		a, _, err := s.service.Agreement(t.Context(), market.Operator(), id)
		if err != nil {
			t.Fatal(err)
		}
		var got []market.Value
		for _, e := range a.Entitlements {
			got = append(got, e.Value)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: entitlements (-want +got):\n%s", name, diff)
		}
	}
	at := s.post("/products/"+suite+"/subscribe", url.Values{"buyer": {alice}, "offer": {yearly}, "set.sso": {"false"}}).Header.Get("Location")
	s.get(at).is(t, http.StatusOK, "Seats5 Users", "storage1 TB", "Single sign-onNo", "Ends")
}

func TestRefusedQuantities(t *testing.T) {
	s := newSite(t, siteConfig{world: suiteWorld()})
	for name, tc := range map[string]struct {
		form   url.Values
		status int
		text   string
	}{
		"no whole number": {url.Values{"set.seats": {"1.5"}}, http.StatusUnprocessableEntity, "Seats: give a whole number."},
		"no number":       {url.Values{"set.storage": {"NaN"}}, http.StatusUnprocessableEntity, "storage: give a number."},
		"no choice":       {url.Values{"set.sso": {"perhaps"}}, http.StatusUnprocessableEntity, "Single sign-on: choose yes or no."},
		"too much":        {url.Values{"set.seats": {"2147483648"}}, http.StatusUnprocessableEntity, "2147483647"},
		"private":         {url.Values{"offer": {special}}, http.StatusForbidden, "is private"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"buyer": {alice}, "offer": {yearly}}
			for k, v := range tc.form {
				form[k] = v
			}
			p := s.post("/products/"+suite+"/subscribe", form).is(t, tc.status, tc.text)
			for k, v := range tc.form {
				if got, ok := p.control(k); strings.HasPrefix(k, "set.") && k != "set.sso" && (!ok || got != v[0]) {
					t.Errorf("%s stands as %q, want it as it was sent: %q", k, got, v[0])
				}
			}
		})
	}
	list, err := s.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{})
	if err != nil || len(list) != 0 {
		t.Errorf("agreements: %v, %v; want none", list, err)
	}
}

// A legacy product's form, sent again as it stands, leads to the subscription that there is.
func TestSubscribingAgainToALegacyContract(t *testing.T) {
	w := suiteWorld()
	for i := range w.Products {
		w.Products[i].Kind = market.Legacy
	}
	s := newSite(t, siteConfig{world: w})
	form := url.Values{"buyer": {alice}, "offer": {yearly}, "set.seats": {"5"}, "set.storage": {"1"}, "set.sso": {"true"}, "set.tier": {"tier"}}
	first := s.post("/products/"+suite+"/subscribe", form).is(t, http.StatusSeeOther).Header.Get("Location")
	again := s.post("/products/"+suite+"/subscribe", form).is(t, http.StatusSeeOther).Header.Get("Location")
	if want := strings.Replace(first, "subscribed", "existing", 1); again != want {
		t.Errorf("again: %s, want %s", again, want)
	}
	form.Set("set.seats", "6")
	s.post("/products/"+suite+"/subscribe", form).is(t, http.StatusConflict, "amend, renew or replace it")
}

func TestSubscriptionsTellTheirEnd(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newSite(t, siteConfig{world: suiteWorld(), now: func() time.Time { return now }})
	buy := func(in market.PurchaseInput) string {
		t.Helper()
		in.ProductCode = suite
		p, err := s.service.Buy(t.Context(), market.Operator(), in)
		if err != nil {
			t.Fatal(err)
		}
		return p.Agreement.ID
	}
	plain, renewing := buy(market.PurchaseInput{Buyer: alice}), buy(market.PurchaseInput{Buyer: alice, TermMonths: 1, AutoRenew: true})
	later := buy(market.PurchaseInput{Buyer: bob, StartAt: now.AddDate(0, 0, 1)})
	if _, err := s.service.Suspend(t.Context(), market.Operator(), plain); err != nil {
		t.Fatal(err)
	}
	s.get("/subscriptions").is(t, http.StatusOK, "Ends 3 Feb 2032, 04:05:06 UTC", "Renews 3 Mar 2031, 04:05:06 UTC", "Suspended")
	s.get("/subscriptions/"+renewing).is(t, http.StatusOK, "3 Mar 2031, 04:05:06 UTC renews itself")
	s.get("/subscriptions/"+later).is(t, http.StatusOK, "Starts4 Feb 2031, 04:05:06 UTC")
	if _, err := s.service.End(t.Context(), market.Operator(), renewing, market.Terminated); err != nil {
		t.Fatal(err)
	}
	s.get("/subscriptions").is(t, http.StatusOK, "Ended 3 Feb 2031, 04:05:06 UTC", "Terminated")
}
