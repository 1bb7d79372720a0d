package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// A contract's life through the API: bought with quantities, amended, renewed, replaced and ended; with its history.
func TestAgreementLife(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSite(t, siteConfig{})
	s.addVault(t)
	if _, err := s.client.FreezeClock(ctx); err != nil {
		t.Fatal(err)
	}
	now := s.clock.Now().UTC()
	bought, err := s.client.Buy(ctx, PurchaseInput{
		ProductCode: vault, Buyer: vaultBuyer, TermMonths: 2, AutoRenew: true, Entitlements: Entitlements{"seats": 10, "storage": 2, "sso": false, "tier": "gold"},
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(id string) Agreement {
		t.Helper()
		g, err := s.client.Agreement(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	g := get(bought.AgreementID)
	want := Entitlements{"seats": json.Number("10"), "storage": json.Number("2"), "sso": false, "tier": "gold"}
	if diff := cmp.Diff(want, g.Entitlements); diff != "" {
		t.Errorf("entitlements (-want +got):\n%s", diff)
	}
	if g.Status != market.Active || g.Intent != market.IntentNew || g.Phase != market.Running || !g.AutoRenew || g.TermMonths != 2 || !g.DueAt.Equal(g.EndAt) || g.LicenseARN != bought.LicenseARN || g.PrecedingID != "" {
		t.Errorf("bought %+v", g)
	}
	if _, err := json.Marshal(g); err != nil {
		t.Error(err)
	}

	end, no := now.AddDate(0, 1, 0).Truncate(time.Millisecond), false
	g, err = s.client.Amend(ctx, g.AgreementID, Amendment{Entitlements: Entitlements{"seats": 25, "storage": 0.5}, EndAt: &end, AutoRenew: &no})
	if err != nil || g.AgreementID != bought.AgreementID || !g.EndAt.Equal(end) || g.AutoRenew || g.Entitlements["seats"] != json.Number("25") || g.Entitlements["storage"] != json.Number("0.5") || g.Entitlements["tier"] != "gold" {
		t.Errorf("Amend = %+v, %v", g, err)
	}
	if g, err = s.client.Suspend(ctx, g.AgreementID); err != nil || g.SuspendedAt.IsZero() || g.Status != market.Active {
		t.Errorf("Suspend = %+v, %v", g, err)
	}
	if g, err = s.client.Reinstate(ctx, g.AgreementID); err != nil || !g.SuspendedAt.IsZero() {
		t.Errorf("Reinstate = %+v, %v", g, err)
	}
	next, err := s.client.Renew(ctx, g.AgreementID, Terms{Entitlements: Entitlements{"seats": 30}, TermMonths: 3})
	if err != nil || next.Intent != market.IntentRenew || next.PrecedingID != g.AgreementID || !next.StartAt.Equal(end) || next.Phase != market.Scheduled || next.TermMonths != 3 || next.LicenseARN == g.LicenseARN || next.Entitlements["seats"] != json.Number("30") {
		t.Errorf("Renew = %+v, %v", next, err)
	}

	// Moving the clock does what falls due, and says how much that was; looking at it does nothing.
	state, err := s.client.SetClock(ctx, end.Add(2*time.Hour))
	if err != nil || state.Settled == 0 {
		t.Errorf("SetClock = %+v, %v; want things settled", state, err)
	}
	if state, err = s.client.Clock(ctx); err != nil || state.Settled != 0 {
		t.Errorf("Clock = %+v, %v", state, err)
	}
	if old, renewal := get(g.AgreementID), get(next.AgreementID); old.Status != market.Renewed || old.Phase != market.ClosedDown || renewal.Phase != market.Running {
		t.Errorf("after its end: %+v, renewed by %+v", old, renewal)
	}

	replaced, err := s.client.Replace(ctx, next.AgreementID, Terms{OfferID: "offer-vault", AutoRenew: &no})
	if err != nil || replaced.Intent != market.IntentReplace || replaced.PrecedingID != next.AgreementID || get(next.AgreementID).Status != market.Replaced || get(next.AgreementID).Phase != market.FinalHour {
		t.Errorf("Replace = %+v, %v", replaced, err)
	}
	if g, err = s.client.Cancel(ctx, replaced.AgreementID); err != nil || g.Status != market.Cancelled || g.Phase != market.FinalHour {
		t.Errorf("Cancel = %+v, %v", g, err)
	}
	for status, end := range map[market.Status]func(string) (Agreement, error){
		market.Terminated: func(id string) (Agreement, error) { return s.client.Terminate(ctx, id) },
		market.Expired:    func(id string) (Agreement, error) { return s.client.Expire(ctx, id) },
	} {
		if g, err := end(s.buyVault(t).AgreementID); err != nil || g.Status != status {
			t.Errorf("%s: %+v, %v", status, g, err)
		}
	}

	// The history, in parts.
	var kinds []string
	for q := (EventQuery{Limit: 2}); ; {
		page, err := s.client.Events(ctx, bought.AgreementID, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.AgreementID != bought.AgreementID || e.Seq <= q.After {
				t.Errorf("event %+v after %d", e, q.After)
			}
			kinds = append(kinds, string(e.Kind))
		}
		if q.After = page.Next; q.After == 0 {
			break
		}
	}
	if got, want := strings.Join(kinds, " "), "accepted started amended suspended reinstated renewed closed-down"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
	if report, err := s.client.Check(ctx); err != nil || len(report.Problems) > 0 {
		t.Errorf("Check = %+v, %v", report, err)
	}
}

func TestFutureDatedPurchase(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSite(t, siteConfig{})
	s.addVault(t)
	start := s.clock.Now().AddDate(0, 0, 7).UTC().Truncate(time.Millisecond)
	p, err := s.client.Buy(ctx, PurchaseInput{ProductCode: vault, StartAt: start})
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.client.Agreement(ctx, p.AgreementID)
	if err != nil || g.Phase != market.Scheduled || !g.StartAt.Equal(start) || !g.DueAt.Equal(start) || !g.EndAt.Equal(start.AddDate(0, 6, 0)) {
		t.Errorf("agreement %+v, %v", g, err)
	}
}

// Offers and dimensions tell what they are, also where a world file leaves it out.
func TestProductTellsTerms(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	s.addVault(t)
	p, err := s.client.Product(t.Context(), vault)
	if err != nil {
		t.Fatal(err)
	}
	var types []market.ValueType
	for _, d := range p.Dimensions {
		types = append(types, d.Type)
	}
	if diff := cmp.Diff([]market.ValueType{market.Integer, market.Double, market.Boolean, market.Text, "", ""}, types); diff != "" {
		t.Errorf("types of dimensions (-want +got):\n%s", diff)
	}
	for _, o := range p.Offers {
		switch o.OfferID {
		case "offer-vault":
			if o.Pricing != market.ConsumptionPricing || o.TermMonths != 6 || o.Buyers != nil || o.Entitlements["seats"] != json.Number("3") {
				t.Errorf("offer %+v", o)
			}
		case privateOffer:
			if o.Kind != market.PrivateOffer || o.TermMonths != market.DefaultTermMonths || len(o.Buyers) != 1 {
				t.Errorf("offer %+v", o)
			}
		default:
			t.Errorf("offer %+v", o)
		}
	}
	if p, err = s.client.Product(t.Context(), "legacy1"); err != nil || p.Offers[0].Pricing != market.UsagePricing || p.Offers[0].TermMonths != 0 || len(p.Offers[0].Entitlements) != 0 {
		t.Errorf("a product that is paid by use: %+v, %v", p, err)
	}
}

// What entitlements cannot be is told before anything is bought.
func TestEntitlementsInput(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	s.addVault(t)
	for in, want := range map[string]struct {
		status int
		text   string
	}{
		`{}`:                              {201, ""},
		`null`:                            {400, "must be an object"},
		`{"seats": 0}`:                    {201, ""},
		`{"seats": 2147483647}`:           {201, ""},
		`{"seats": 2147483648}`:           {422, "seats"},
		`{"seats": -1}`:                   {422, "seats"},
		`{"seats": 1.5}`:                  {422, "seats"},
		`{"seats": 1e1}`:                  {422, "seats"},
		`{"seats": 99999999999999999999}`: {422, "seats"},
		`{"seats": "1"}`:                  {422, "seats"},
		`{"storage": 1}`:                  {201, ""},
		`{"storage": 1e999}`:              {422, "entitlements.storage"},
		`{"sso": 1}`:                      {422, "sso"},
		`{"tier": true}`:                  {422, "tier"},
		`{"calls": 1}`:                    {422, "calls"},
		`{"none": 1}`:                     {422, "none"},
		`{"seats": 1, "seats": 2}`:        {400, "stands twice"},
		`{"seats": null}`:                 {400, "must be a number, true or false, or text"},
		`{"seats": [1]}`:                  {400, "must be a number, true or false, or text"},
		`{"seats": {"value": 1}}`:         {400, "must be a number, true or false, or text"},
		`[]`:                              {400, "must be an object"},
		`"seats"`:                         {400, "must be an object"},
	} {
		status, answer := s.raw(t, "POST", "/api/v1/purchases", "application/json", []byte(`{"product_code": "vault", "entitlements": `+in+`}`))
		if status != want.status || !strings.Contains(answer, want.text) {
			t.Errorf("%s: %d %s; want %d …%s…", in, status, answer, want.status, want.text)
		}
	}
}

func TestPrivateOffersAreForTheirBuyers(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	s.addVault(t)
	_, err := s.client.Buy(t.Context(), PurchaseInput{ProductCode: vault, OfferID: privateOffer, Buyer: vaultBuyer})
	var refused *APIError
	if !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("Buy = %v, want 403", err)
	}
	if p, err := s.client.Buy(t.Context(), PurchaseInput{ProductCode: vault, OfferID: privateOffer, Buyer: secondBuyer}); err != nil || p.OfferID != privateOffer {
		t.Errorf("Buy = %+v, %v", p, err)
	}
}
