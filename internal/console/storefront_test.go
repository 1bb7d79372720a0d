package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

func TestProductsAreListed(t *testing.T) {
	s := sampleSite(t)
	p := s.get("/").is(t, http.StatusOK, "Log Search", "by Harbour Software", "Finds things.", "Pay as you go", "1 dimension", "One subscription per buyer",
		"Seats", "Contract", "Several subscriptions per buyer", odd, "0 dimensions")
	if !strings.Contains(p.body, `href="/products/`+legacy+`"`) || !strings.Contains(p.body, `href="/products/vendor:tools%2Fa=b@c.d"`) {
		t.Error("a product has no link")
	}
	if strings.Contains(p.text(), "Fast.") {
		t.Error("a card shows more than the first paragraph")
	}
}

func TestAnEmptyMarketSaysHowToFillIt(t *testing.T) {
	newSite(t, siteConfig{}).get("/").is(t, http.StatusOK, "Nothing is for sale yet", "souk apply -f world.yaml")
}

func TestProductPageOffersBuyersAndOffers(t *testing.T) {
	s := sampleSite(t)
	p := s.get("/products/"+legacy).is(t, http.StatusOK, "Log Search", "Finds things. Fast.", "gb", "GB", "billed by use", "14 days free", "prod-legacy", builtin)
	buyers, chosen := p.radios("buyer")
	if diff := cmp.Diff([]string{alice, bob}, buyers); diff != "" {
		t.Errorf("buyers that may be chosen (a suspended one may not; -want +got):\n%s", diff)
	}
	if chosen != alice {
		t.Errorf("chosen buyer %q, want the first", chosen)
	}
	offers, chosen := p.radios("offer")
	if len(offers) != 2 || offers[1] != trial || chosen != offers[0] {
		t.Errorf("offers %q, chosen %q: want the public one first and chosen, then the trial", offers, chosen)
	}
}

func TestManyBuyersAreAListToOpen(t *testing.T) {
	w := sampleWorld()
	for _, id := range []string{"300000000001", "300000000002", "300000000003", "300000000004", "300000000005"} {
		a := w.Directory.Accounts[1]
		a.ID, a.Name = id, ""
		w.Directory.Accounts = append(w.Directory.Accounts, a)
	}
	p := newSite(t, siteConfig{world: w}).get("/products/"+legacy).is(t, http.StatusOK, "Account 300000000005 (300000000005)")
	if radios, _ := p.radios("buyer"); radios != nil || strings.Count(p.body, "<option") != 7 {
		t.Errorf("want seven options and no buttons, got %d options and %q", strings.Count(p.body, "<option"), radios)
	}
}

func TestSubscribing(t *testing.T) {
	s := sampleSite(t)
	at := s.subscribe(legacy, bob, "")
	p := s.get(at+"?notice=subscribed").is(t, http.StatusOK, "You are subscribed", "Active", "Brightwater Clinics", bob, "Log Search", "Public offer", "arn:aws:license-manager::")
	list, err := s.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{})
	if err != nil || len(list) != 1 {
		t.Fatalf("agreements: %v, %v", list, err)
	}
	if a := list[0]; a.Buyer != bob || a.ProductCode != legacy || at != "/subscriptions/"+a.ID || !strings.Contains(p.text(), a.LicenseARN) {
		t.Errorf("page %s does not show agreement %+v", at, a)
	}
	customers, err := s.service.Customers(t.Context(), market.Operator())
	if err != nil || len(customers) != 1 {
		t.Fatalf("customers: %v, %v", customers, err)
	}
	p.is(t, http.StatusOK, customers[0].Identifier)
	s.get(at+"?notice=%3Cb%3Ewon%3C%2Fb%3E+a+prize").is(t, http.StatusOK)
	if strings.Contains(s.get(at+"?notice=prize").text(), "prize") {
		t.Error("the address can put words on the page")
	}
}

func TestSubscribingToALegacyProductAgainLeadsToTheSubscriptionThereIs(t *testing.T) {
	s := sampleSite(t)
	first := s.subscribe(legacy, alice, "")
	p := s.get("/products/" + legacy)
	if _, chosen := p.radios("buyer"); chosen != bob || !strings.Contains(p.body, `href="`+first+`"`) {
		t.Errorf("chosen buyer %q, want the one who has not subscribed; and a link to %s", chosen, first)
	}
	if second := s.subscribe(legacy, alice, ""); second != first {
		t.Errorf("subscribed again at %s, want %s", second, first)
	}
	s.get(first+"?notice=existing").is(t, http.StatusOK, "This account had subscribed to the product already")
	list, err := s.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{ProductCode: legacy})
	if err != nil || len(list) != 1 {
		t.Errorf("agreements: %v, %v; want one", list, err)
	}
}

func TestSubscribingToAConcurrentProductAgainMakesAnother(t *testing.T) {
	s := sampleSite(t)
	first, second := s.subscribe(team, alice, ""), s.subscribe(team, alice, "")
	if first == second {
		t.Fatal("both subscriptions are the same")
	}
	s.get(second).is(t, http.StatusOK, "none: sellers tell this product’s buyers apart by account and license")
	s.get("/products/"+team).is(t, http.StatusOK, "Each time makes another subscription")
}

func TestFreeTrial(t *testing.T) {
	s := sampleSite(t)
	at := s.subscribe(legacy, alice, trial)
	s.get(at).is(t, http.StatusOK, "Free trial", "Ends")
	// A buyer who subscribed in earnest cannot have a trial any more.
	s.subscribe(legacy, bob, "")
	p := s.post("/products/"+legacy+"/subscribe", url.Values{"buyer": {bob}, "offer": {trial}})
	p.is(t, http.StatusConflict, "Account "+bob+" already has an active agreement", "a free trial comes first or not at all.")
	if _, buyer := p.radios("buyer"); buyer != bob {
		t.Errorf("the refused form chooses buyer %q, want it as it was sent", buyer)
	}
	if _, offer := p.radios("offer"); offer != trial {
		t.Errorf("the refused form chooses offer %q, want it as it was sent", offer)
	}
}

func TestRefusedSubscriptions(t *testing.T) {
	s := sampleSite(t)
	_, public := s.get("/products/" + legacy).radios("offer")
	for name, test := range map[string]struct {
		path   string
		form   url.Values
		status int
		text   string
	}{
		"no buyer":          {"/products/" + legacy, url.Values{"offer": {public}}, http.StatusUnprocessableEntity, "Choose a buyer and an offer."},
		"no offer":          {"/products/" + legacy, url.Values{"buyer": {alice}}, http.StatusUnprocessableEntity, "Choose a buyer and an offer."},
		"unknown buyer":     {"/products/" + legacy, url.Values{"buyer": {"999999999999"}, "offer": {public}}, http.StatusNotFound, "does not exist"},
		"suspended buyer":   {"/products/" + legacy, url.Values{"buyer": {broke}, "offer": {public}}, http.StatusConflict, "is suspended"},
		"a seller":          {"/products/" + legacy, url.Values{"buyer": {seller}, "offer": {public}}, http.StatusConflict, "is not a buyer"},
		"another's offer":   {"/products/" + team, url.Values{"buyer": {alice}, "offer": {public}}, http.StatusNotFound, "does not exist for product"},
		"unknown product":   {"/products/nothing", url.Values{"buyer": {alice}, "offer": {public}}, http.StatusNotFound, "does not exist"},
		"form in the query": {"/products/" + legacy, url.Values{}, http.StatusUnprocessableEntity, "Choose"},
	} {
		t.Run(name, func(t *testing.T) {
			path := test.path + "/subscribe"
			if len(test.form) == 0 {
				path += "?buyer=" + alice + "&offer=" + public
			}
			s.post(path, test.form).is(t, test.status, test.text)
		})
	}
	list, err := s.service.Agreements(t.Context(), market.Operator(), market.AgreementFilter{})
	if err != nil || len(list) != 0 {
		t.Errorf("agreements: %v, %v; want none", list, err)
	}
}

func TestProductCodesMayHoldSlashes(t *testing.T) {
	s := sampleSite(t)
	at := s.subscribe(odd, alice, "")
	s.get(at).is(t, http.StatusOK, odd)
	s.get("/products/"+odd).is(t, http.StatusOK, odd) // typed in unescaped
}

func TestSubscriptionsAreListedByBuyerAndPage(t *testing.T) {
	s := sampleSite(t)
	s.get("/subscriptions").is(t, http.StatusOK, "No subscriptions yet")
	var paths []string
	for range 51 {
		paths = append(paths, s.subscribe(team, alice, ""))
	}
	other := s.subscribe(legacy, bob, trial)
	rows := func(path string) (links []string) {
		body := s.get(path).is(t, http.StatusOK).body
		for _, at := range append(slices.Clone(paths), other) {
			if strings.Contains(body, `href="`+at+`"`) {
				links = append(links, at)
			}
		}
		return links
	}
	if got := rows("/subscriptions?buyer=" + bob); !slices.Equal(got, []string{other}) {
		t.Errorf("of %s: %q, want %q", bob, got, other)
	}
	first := s.get("/subscriptions?buyer="+alice).is(t, http.StatusOK, "Next page")
	_, next, _ := strings.Cut(first.body, `<a href="/subscriptions?after=`)
	next, _, _ = strings.Cut(next, `"`)
	next = "/subscriptions?after=" + strings.ReplaceAll(next, "&amp;", "&")
	seen := append(rows("/subscriptions?buyer="+alice), rows(next)...)
	slices.Sort(seen)
	slices.Sort(paths)
	if diff := cmp.Diff(paths, seen); diff != "" {
		t.Errorf("both pages together (-want +got):\n%s", diff)
	}
	s.get(next).is(t, http.StatusOK, "Back to the first page")
	s.get("/subscriptions").is(t, http.StatusOK, "Acme Corporation")
}

func TestAnEndedSubscriptionCannotBeSetUp(t *testing.T) {
	w := sampleWorld()
	w.Agreements = []market.Agreement{{ID: "agmt-over", ProductCode: legacy, Buyer: alice, Status: market.Cancelled}}
	s := newSite(t, siteConfig{world: w, builtin: builtin})
	s.get("/subscriptions/agmt-over").is(t, http.StatusOK, "Cancelled", "not active any more", "Subscribe again")
	s.post("/subscriptions/agmt-over/setup", url.Values{}).is(t, http.StatusConflict, "only an active one can be set up")
}
