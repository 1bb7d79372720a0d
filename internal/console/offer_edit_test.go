package console_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

func TestOffersAreMadeAndChanged(t *testing.T) {
	w := sampleWorld()
	w.Products[1].Dimensions = []market.Dimension{
		{Key: "seats", Kind: market.Entitled}, {Key: "s s/o", Kind: market.Entitled, Type: market.Boolean}, {Key: "gb", Kind: market.Metered, Price: "0.25"},
	}
	s := newSite(t, siteConfig{world: w, builtin: builtin})
	add := productAt(team) + "/offers/new"
	form := with(s.get(add).is(t, http.StatusOK, "New offer", "seats", "s s/o").sent(), "kind", "private", "name", "For Bob", "months", "24", "buyers", bob+", "+alice,
		"value.seats", "20", "value.s+s%2Fo", "false", "price.gb", "0.125")
	p := s.post(add, form).is(t, http.StatusSeeOther)
	if at := p.Header.Get("Location"); at != productAt(team)+"?changed=offer#registration" {
		t.Errorf("leads to %s", at)
	}
	s.post(add, with(s.get(add).sent(), "kind", "private", "name", "For Bob", "buyers", alice)).is(t, http.StatusSeeOther) // of the same name: another one
	_, offers := s.product(team)
	var got market.Offer
	n := 0
	for _, o := range offers {
		if o.Name == "For Bob" {
			if n++; o.TermMonths == 24 {
				got = o
			}
		}
	}
	want := market.Offer{
		ID: got.ID, CreatedAt: got.CreatedAt, ProductCode: team, Kind: market.PrivateOffer, Name: "For Bob", Buyers: []string{bob, alice}, TermMonths: 24, Prices: map[string]market.Price{"gb": "0.125"},
		Entitlements: []market.Entitlement{
			{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: 20}}, {Dimension: "s s/o", Value: market.Value{Type: market.Boolean}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || n != 2 {
		t.Errorf("%d offers; the first (-want +got):\n%s", n, diff)
	}
	at := productAt(team) + "/offers/" + got.ID + "/edit"
	s.post(at, with(s.get(at).sent(), "value.seats", "", "price.gb", "", "months", "")).is(t, http.StatusSeeOther)
	want.Entitlements, want.Prices, want.TermMonths = want.Entitlements[1:], nil, 0
	_, offers = s.product(team)
	for _, o := range offers {
		if o.ID == got.ID {
			got = o
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
}

func TestProblemsOfAnOfferStandAtTheirFields(t *testing.T) {
	s := sampleSite(t)
	_, before := s.product(team)
	at := productAt(team) + "/offers/new"
	p := s.post(at, with(s.get(at).sent(), "kind", "private", "name", "<script>", "pricing", "usage", "price.seats", "dear", "months", "99")).is(t, http.StatusUnprocessableEntity)
	for id, want := range map[string]string{"offer-pricing": "wants a metered dimension", "offer-buyers": "must name the accounts", "offer-months": "only a contract", "price0": "amount"} {
		m := regexp.MustCompile(`id="` + id + `-problem" role="alert">([^<]*)<`).FindStringSubmatch(p.body)
		if m == nil || !strings.Contains(strings.ToLower(m[1]), want) {
			t.Errorf("%s: %q, want %q", id, m, want)
		}
	}
	if kept := p.sent(); kept.Get("name") != "<script>" || kept.Get("price.seats") != "dear" || kept.Get("months") != "99" || strings.Contains(p.body, "<script>") {
		t.Errorf("the form lost what was typed, or it became markup: %v", kept)
	}
	unique(t, "refused", p)
	labelled(t, "refused", p)
	s.post(at, with(s.get(at).sent(), "value.seats", "many")).is(t, http.StatusUnprocessableEntity, "Give a whole number.")
	s.post(at, with(s.get(at).sent(), "days", "x")).is(t, http.StatusUnprocessableEntity, "Must be a whole number.")
	if _, after := s.product(team); cmp.Diff(before, after) != "" {
		t.Errorf("something was changed: %v", after)
	}
}
