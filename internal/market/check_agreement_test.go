package market_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// Each invariant of agreements, broken behind the Service's back.
func TestCheckFindsOfAgreements(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode})
	b := f.buys(t, market.PurchaseInput{ProductCode: textCode})
	usage := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer})
	f.sound(t)
	for name, tt := range map[string]struct {
		of    market.Agreement
		spoil func(*market.Agreement)
		want  string // "" is sound
	}{
		"as it is":              {a, func(*market.Agreement) {}, ""},
		"no phase":              {a, func(a *market.Agreement) { a.Phase = "" }, `has no phase that there is: ""`},
		"scheduled, and due":    {a, func(a *market.Agreement) { a.Phase, a.DueAt = market.Scheduled, a.StartAt }, ""},
		"scheduled, due never":  {a, func(a *market.Agreement) { a.Phase, a.DueAt = market.Scheduled, time.Time{} }, `is "scheduled", and something is due never instead of 2026-01-31T12:00:00Z`},
		"running, due early":    {a, func(a *market.Agreement) { a.DueAt = a.DueAt.Add(-time.Second) }, `is "running", and something is due 2027-01-31T11:59:59Z instead of 2027-01-31T12:00:00Z`},
		"running, due never":    {a, func(a *market.Agreement) { a.EndAt = time.Time{} }, `instead of never`},
		"running, and over":     {a, func(a *market.Agreement) { a.Status = market.Cancelled }, `is CANCELLED, and its phase is "running"`},
		"closed, and active":    {a, func(a *market.Agreement) { a.Phase, a.DueAt = market.ClosedDown, time.Time{} }, `is ACTIVE, and its phase is "closed-down"`},
		"final, and active":     {a, func(a *market.Agreement) { a.Phase, a.DueAt = market.FinalHour, a.EndAt.Add(time.Hour) }, `is ACTIVE, and its phase is "final-hour"`},
		"final, due at its end": {a, func(a *market.Agreement) { a.Status, a.Phase, a.DueAt = market.Expired, market.FinalHour, a.EndAt }, `is "final-hour", and something is due`},
		"closed, and due":       {a, func(a *market.Agreement) { a.Status, a.Phase = market.Expired, market.ClosedDown }, `is "closed-down", and something is due`},
		"ends before its start": {a, func(a *market.Agreement) { a.EndAt = a.StartAt.Add(-time.Hour); a.DueAt = a.EndAt }, `ends before it starts`},
		"over before its start": {a, func(a *market.Agreement) {
			a.EndAt, a.DueAt, a.Status, a.Phase = a.StartAt.Add(-time.Hour), time.Time{}, market.Cancelled, market.ClosedDown
		}, ``},
		"renews by use":       {usage, func(a *market.Agreement) { a.AutoRenew = true }, `renews itself, and has no term`},
		"renews nothing":      {a, func(a *market.Agreement) { a.Intent, a.PrecedingID = market.IntentRenew, "agmt-x" }, `agreement "agmt-x", which it follows, does not exist`},
		"renews itself":       {a, func(a *market.Agreement) { a.Intent, a.PrecedingID = market.IntentRenew, a.ID }, `which it follows, does not exist`},
		"renews another's":    {a, func(a *market.Agreement) { a.Intent, a.PrecedingID = market.IntentReplace, b.ID }, `follows agreement ` + b.ID + `, which is of account`},
		"follows, and is new": {a, func(a *market.Agreement) { a.PrecedingID = b.ID }, `its intent is "NEW", and it follows agreement`},
		"no intent":           {a, func(a *market.Agreement) { a.Intent = "" }, `its intent is ""`},
		"no such dimension":   {a, func(a *market.Agreement) { a.Entitlements = []market.Entitlement{gives("x", integer(1))} }, `has no dimension "x"`},
		"metered dimension":   {usage, func(a *market.Agreement) { a.Entitlements = []market.Entitlement{gives("calls", integer(1))} }, `is metered: nobody is entitled to it`},
		"another type":        {a, func(a *market.Agreement) { a.Entitlements = []market.Entitlement{gives("sso", integer(1))} }, `wants a value of the type boolean`},
		"value of no type": {a, func(a *market.Agreement) {
			a.Entitlements = []market.Entitlement{gives("seats", market.Value{Integer: 1})}
		}, `not in the form in which they are kept`},
		"another, beside": {b, func(a *market.Agreement) { a.ID, a.LicenseARN, a.StartAt = "agmt-b", "b", a.StartAt.Add(time.Hour) }, `beside agreement ` + b.ID},
		"another, after": {b, func(a *market.Agreement) {
			a.ID, a.LicenseARN, a.StartAt, a.Phase, a.DueAt = "agmt-b", "b", b.EndAt, market.Scheduled, b.EndAt
			a.EndAt = a.EndAt.AddDate(1, 0, 0)
		}, ``},
	} {
		t.Run(name, func(t *testing.T) {
			spoiled := tt.of
			tt.spoil(&spoiled)
			found := f.checkAfter(t, func(tx market.Tx) error { return tx.PutAgreement(spoiled) })
			if tt.want == "" && found != "" || !strings.Contains(found, tt.want) {
				t.Errorf("found %q, want something with %q", found, tt.want)
			}
		})
	}
	for name, tt := range map[string]struct {
		spoil func(market.Tx) error
		want  string
	}{
		"event of nothing": {func(tx market.Tx) error {
			return tx.AppendEvent(market.Event{AgreementID: "agmt-x", At: f.now, Kind: market.EventStarted})
		}, `agreement "agmt-x" does not exist`},
		"offer's terms": {func(tx market.Tx) error {
			return tx.PutOffer(market.Offer{ID: "offer-x", ProductCode: contractCode, Kind: market.PublicOffer, Pricing: market.UsagePricing})
		}, `offer offer-x.pricing: "usage" wants a metered dimension`},
		"offer for nobody": {func(tx market.Tx) error {
			return tx.PutOffer(market.Offer{ID: "offer-x", ProductCode: contractCode, Kind: market.PrivateOffer, Buyers: []string{"000000000000"}})
		}, `account "000000000000" does not exist`},
	} {
		if found := f.checkAfter(t, tt.spoil); !strings.Contains(found, tt.want) {
			t.Errorf("%s: found %q, want something with %q", name, found, tt.want)
		}
	}
}

// checkAfter is what the check finds after something was spoiled, which is then undone.
func (f *fixture) checkAfter(t *testing.T, spoil func(market.Tx) error) string {
	t.Helper()
	var found []string
	undo := context.Canceled // any error undoes it
	err := f.store.Update(ctx, func(tx market.Tx) error {
		if err := spoil(tx); err != nil {
			return err
		}
		problems, err := market.CheckTx(tx)
		if err != nil {
			return err
		}
		found = nil
		for _, p := range problems {
			found = append(found, p.String())
		}
		return undo
	})
	if err != undo {
		t.Fatal(err)
	}
	return strings.Join(found, "\n")
}
