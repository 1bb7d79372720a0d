package market_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

const (
	contractCode, mixedCode, textCode = "contractproduct0000000000", "mixedproduct0000000000000", "legacycontract00000000000"
	privateOffer, otherOffer          = "offer-private", "offer-other"
)

func integer(n int64) market.Value    { return market.Value{Type: market.Integer, Integer: n} }
func double(f float64) market.Value   { return market.Value{Type: market.Double, Double: f} }
func boolean(b bool) market.Value     { return market.Value{Type: market.Boolean, Boolean: b} }
func textValue(s string) market.Value { return market.Value{Type: market.Text, Text: s} }
func gives(d string, v market.Value) market.Entitlement {
	return market.Entitlement{Dimension: d, Value: v}
}

// lifeWorld has a product for each way to pay.
func lifeWorld() market.World {
	w := world()
	seats := market.Dimension{Key: "seats", Kind: market.Entitled}
	calls := market.Dimension{Key: "calls", Kind: market.Metered}
	w.Products = append(w.Products,
		market.Product{Code: contractCode, Seller: seller, Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{
			seats, {Key: "storage", Kind: market.Entitled, Type: market.Double}, {Key: "sso", Kind: market.Entitled, Type: market.Boolean}, {Key: "tier", Kind: market.Entitled, Type: market.Text},
		}},
		market.Product{Code: mixedCode, Seller: seller, Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{calls, seats}},
		market.Product{Code: textCode, Seller: seller, Kind: market.Legacy, Dimensions: []market.Dimension{seats}},
	)
	w.Offers = append(w.Offers,
		market.Offer{ProductCode: mixedCode, Kind: market.PublicOffer, ID: "offer-mixed"},
		market.Offer{ProductCode: mixedCode, Kind: market.PublicOffer, ID: otherOffer, Name: "By use", Pricing: market.UsagePricing},
		market.Offer{ProductCode: mixedCode, Kind: market.FreeTrialOffer, ID: "offer-trial", TrialDays: 30, Entitlements: []market.Entitlement{gives("seats", integer(3))}},
		market.Offer{ProductCode: mixedCode, Kind: market.PrivateOffer, ID: privateOffer, Buyers: []string{second}, TermMonths: 6, Entitlements: []market.Entitlement{gives("seats", integer(7))}},
	)
	return w
}

func openLife(t *testing.T) *fixture {
	f := seeded(t, 1)
	t.Cleanup(func() { _ = f.store.Close() })
	return f
}

// seeded is a market with a product for each way to pay, whose ids follow from the seed: two with one seed make the same ones. Its store wants closing.
func seeded(t interface{ Fatal(...any) }, seed byte) *fixture {
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	f := &fixture{store: store, now: now, wall: now}
	f.Service = serve(t, f, store, rand.NewChaCha8([32]byte{seed}))
	if _, err := f.ApplyWorld(ctx, op, lifeWorld()); err != nil {
		t.Fatal(wants(err))
	}
	return f
}

func serve(t interface{ Fatal(...any) }, f *fixture, store market.Store, random *rand.ChaCha8) *market.Service {
	s, err := market.Open(ctx, market.Config{
		Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: random, Regions: market.AWSRegions(),
		Now: func() time.Time { return f.now }, Wall: func() time.Time { return f.wall },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fixture) buys(t *testing.T, in market.PurchaseInput) market.Agreement {
	t.Helper()
	if in.Buyer == "" {
		in.Buyer = buyer
	}
	p, err := f.Buy(ctx, op, in)
	if err != nil {
		t.Fatal(err)
	}
	return p.Agreement
}

func (f *fixture) find(t *testing.T, id string) market.Agreement {
	t.Helper()
	a, _, err := f.Agreement(ctx, op, id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// history is what befell an agreement, a line each: when, since its purchase at the start of the test, and what.
func (f *fixture) history(t *testing.T, id string) (lines []string) {
	t.Helper()
	list, err := f.Events(ctx, op, market.EventFilter{AgreementID: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		line := e.At.Format("2006-01-02T15:04") + " " + string(e.Kind)
		if e.Detail != "" && e.Kind != market.EventAccepted {
			line += ": " + e.Detail
		}
		lines = append(lines, line)
	}
	return lines
}

func (f *fixture) wantHistory(t *testing.T, id string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, f.history(t, id)); d != "" {
		t.Errorf("history differs (-want +got):\n%s", d)
	}
}

func TestBuyTerms(t *testing.T) {
	start := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	least := []market.Entitlement{gives("seats", integer(1)), gives("storage", double(1)), gives("sso", boolean(true)), gives("tier", textValue("tier"))}
	for name, tt := range map[string]struct {
		in   market.PurchaseInput
		want market.Agreement
	}{
		"contract": {market.PurchaseInput{ProductCode: contractCode},
			market.Agreement{StartAt: start, EndAt: start.AddDate(1, 0, 0), TermMonths: 12, Entitlements: least}},
		"contract of a month, from January 31": {market.PurchaseInput{ProductCode: contractCode, TermMonths: 1},
			market.Agreement{StartAt: start, EndAt: time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC), TermMonths: 1, Entitlements: least}},
		"quantities": {market.PurchaseInput{ProductCode: contractCode, AutoRenew: true, Entitlements: []market.Entitlement{
			gives("tier", market.Value{Text: "gold"}), gives("storage", integer(2)), gives("seats", integer(0))}},
			market.Agreement{StartAt: start, EndAt: start.AddDate(1, 0, 0), TermMonths: 12, AutoRenew: true,
				Entitlements: []market.Entitlement{gives("seats", integer(0)), gives("storage", double(2)), gives("sso", boolean(true)), gives("tier", textValue("gold"))}}},
		"consumption": {market.PurchaseInput{ProductCode: mixedCode},
			market.Agreement{StartAt: start, EndAt: start.AddDate(1, 0, 0), TermMonths: 12, Entitlements: []market.Entitlement{gives("seats", integer(1))}}},
		"by use": {market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer}, market.Agreement{StartAt: start}},
		"trial of a contract": {market.PurchaseInput{ProductCode: mixedCode, FreeTrial: true},
			market.Agreement{StartAt: start, EndAt: start.AddDate(0, 0, 30), Entitlements: []market.Entitlement{gives("seats", integer(3))}}},
		"private": {market.PurchaseInput{ProductCode: mixedCode, Buyer: second, OfferID: privateOffer},
			market.Agreement{StartAt: start, EndAt: time.Date(2026, 7, 31, 12, 0, 0, 0, time.UTC), TermMonths: 6, Entitlements: []market.Entitlement{gives("seats", integer(7))}}},
		"later": {market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer, StartAt: start.Add(time.Hour)}, market.Agreement{StartAt: start.Add(time.Hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			f := openLife(t)
			a := f.buys(t, tt.in)
			got := market.Agreement{StartAt: a.StartAt, EndAt: a.EndAt, TermMonths: a.TermMonths, AutoRenew: a.AutoRenew, Entitlements: a.Entitlements}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("the agreement differs (-want +got):\n%s", d)
			}
			if d := cmp.Diff(a, f.find(t, a.ID), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("what is kept differs (-answered +kept):\n%s", d)
			}
			if a.Status != market.Active || a.Intent != market.IntentNew {
				t.Errorf("%s, %s", a.Status, a.Intent)
			}
			f.sound(t)
		})
	}
}

func TestBuyTermsRefused(t *testing.T) {
	f := openLife(t)
	f.buys(t, market.PurchaseInput{ProductCode: textCode})
	for name, tt := range map[string]struct {
		in   market.PurchaseInput
		code market.Code
	}{
		"start in the past":           {market.PurchaseInput{ProductCode: contractCode, StartAt: f.now.Add(-time.Millisecond)}, market.Invalid},
		"end after the years":         {market.PurchaseInput{ProductCode: contractCode, StartAt: time.Date(9999, 6, 1, 0, 0, 0, 0, time.UTC)}, market.Invalid},
		"quantities by use":           {market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer, Entitlements: []market.Entitlement{gives("seats", integer(1))}}, market.Invalid},
		"term by use":                 {market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer, TermMonths: 1}, market.Invalid},
		"renewal by use":              {market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer, AutoRenew: true}, market.Invalid},
		"renewal of a trial":          {market.PurchaseInput{ProductCode: mixedCode, FreeTrial: true, AutoRenew: true}, market.Invalid},
		"term of a trial":             {market.PurchaseInput{ProductCode: mixedCode, FreeTrial: true, TermMonths: 1}, market.Invalid},
		"term of 61":                  {market.PurchaseInput{ProductCode: contractCode, TermMonths: 61}, market.Invalid},
		"term of -1":                  {market.PurchaseInput{ProductCode: contractCode, TermMonths: -1}, market.Invalid},
		"no such dimension":           {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("Seats", integer(1))}}, market.Invalid},
		"metered dimension":           {market.PurchaseInput{ProductCode: mixedCode, Entitlements: []market.Entitlement{gives("calls", integer(1))}}, market.Invalid},
		"dimension twice":             {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("seats", integer(1)), gives("seats", integer(1))}}, market.Invalid},
		"another type":                {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("seats", textValue("1"))}}, market.Invalid},
		"a double of an integer":      {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("seats", double(1))}}, market.Invalid},
		"negative":                    {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("seats", integer(-1))}}, market.Invalid},
		"2^31":                        {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("seats", integer(1<<31))}}, market.Invalid},
		"infinite":                    {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("storage", double(1/zero))}}, market.Invalid},
		"no number":                   {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("storage", double(zero/zero))}}, market.Invalid},
		"no text":                     {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("tier", textValue(""))}}, market.Invalid},
		"long text":                   {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("tier", textValue(strings.Repeat("x", market.MaxText+1)))}}, market.Invalid},
		"text of what":                {market.PurchaseInput{ProductCode: contractCode, Entitlements: []market.Entitlement{gives("tier", textValue("\xff"))}}, market.Invalid},
		"private of another":          {market.PurchaseInput{ProductCode: mixedCode, OfferID: privateOffer}, market.Forbidden},
		"quantities of what is there": {market.PurchaseInput{ProductCode: textCode, Entitlements: []market.Entitlement{gives("seats", integer(2))}}, market.Conflict},
		"beside what is there":        {market.PurchaseInput{ProductCode: textCode, StartAt: f.now.AddDate(0, 11, 0)}, market.Conflict},
	} {
		if tt.in.Buyer == "" {
			tt.in.Buyer = buyer
		}
		before := told(t, f)
		if _, err := f.Buy(ctx, op, tt.in); market.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
		if d := cmp.Diff(before, told(t, f)); d != "" {
			t.Errorf("%s: something changed:\n%s", name, d)
		}
	}
	if p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: mixedCode, OfferID: privateOffer}); err != nil || p.Agreement.Buyer != second {
		t.Errorf("the private offer, by whoever may: %s, %v", p.Agreement.Buyer, err)
	}
	f.sound(t)
}

var zero float64

// A legacy product can be bought for the time after the agreement that there is, and not for less.
func TestLegacyOneAtATime(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: textCode})
	next := f.buys(t, market.PurchaseInput{ProductCode: textCode, StartAt: a.EndAt, TermMonths: 1})
	if next.ID == a.ID || next.Phase != market.Scheduled || !next.DueAt.Equal(a.EndAt) {
		t.Errorf("the one after is %+v", next)
	}
	later := a.EndAt.Add(time.Hour)
	if _, err := f.Amend(ctx, op, a.ID, market.Amendment{EndAt: &later}); market.CodeOf(err) != market.Conflict {
		t.Errorf("prolonged into the next: %v", err)
	}
	if _, err := f.Renew(ctx, op, a.ID, market.Terms{}); market.CodeOf(err) != market.Conflict {
		t.Errorf("renewed into the next: %v", err)
	}
	if p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: textCode, Buyer: buyer}); err != nil || !p.Existing || p.Agreement.ID != a.ID {
		t.Errorf("bought again: %+v, %v", p.Agreement, err)
	}
	f.sound(t)
	renews := true
	if _, err := f.Amend(ctx, op, a.ID, market.Amendment{AutoRenew: &renews}); err != nil {
		t.Fatal(err)
	}
	f.now = a.EndAt // it would renew itself, and the next is in the way
	if got := f.find(t, a.ID); got.Status != market.Expired {
		t.Errorf("the first is %s", got.Status)
	}
	f.now = next.EndAt.Add(-time.Millisecond)
	if got := f.find(t, next.ID); !got.Live(f.now) {
		t.Errorf("the next is %+v", got)
	}
	f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started", "2026-01-31T12:00 amended: renews itself from now on",
		"2027-01-31T12:00 expired: not renewed: agreement "+next.ID+" is to last from 2027-01-31T12:00:00Z to 2027-02-28T12:00:00Z", "2027-01-31T13:00 closed-down")
	f.sound(t)
}

func TestAmend(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode})
	end, yes := f.now.AddDate(0, 3, 0), true
	f.now = f.now.Add(time.Minute)
	got, err := f.Amend(ctx, op, a.ID, market.Amendment{Entitlements: []market.Entitlement{gives("seats", integer(20))}, EndAt: &end, AutoRenew: &yes})
	if err != nil {
		t.Fatal(err)
	}
	want := a
	want.EndAt, want.DueAt, want.AutoRenew = end, end, true
	want.Entitlements = append([]market.Entitlement{gives("seats", integer(20))}, a.Entitlements[1:]...)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the agreement differs (-want +got):\n%s", d)
	}
	if _, err := f.Amend(ctx, op, a.ID, market.Amendment{EndAt: &end, AutoRenew: &yes}); err != nil {
		t.Errorf("again: %v", err)
	}
	f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started",
		"2026-01-31T12:01 amended: seats is 20 instead of 1; ends 2026-05-01T12:00:00Z instead of 2027-01-31T12:00:00Z; renews itself from now on")

	usage := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer})
	later := f.buys(t, market.PurchaseInput{ProductCode: contractCode, StartAt: f.now.AddDate(0, 1, 0)})
	over := f.buys(t, market.PurchaseInput{ProductCode: contractCode})
	if _, err := f.End(ctx, op, over.ID, market.Cancelled); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		id   string
		m    market.Amendment
		code market.Code
	}{
		"no such agreement":  {"agmt-x", market.Amendment{}, market.NotFound},
		"one that is over":   {over.ID, market.Amendment{AutoRenew: &yes}, market.Conflict},
		"an end now":         {a.ID, market.Amendment{EndAt: &f.now}, market.Invalid},
		"no end":             {a.ID, market.Amendment{EndAt: new(time.Time)}, market.Invalid},
		"an end too far":     {a.ID, market.Amendment{EndAt: ptr(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}, market.Invalid},
		"before it starts":   {later.ID, market.Amendment{EndAt: ptr(f.now.Add(time.Hour))}, market.Invalid},
		"quantities by use":  {usage.ID, market.Amendment{Entitlements: []market.Entitlement{gives("seats", integer(1))}}, market.Invalid},
		"renewal by use":     {usage.ID, market.Amendment{AutoRenew: &yes}, market.Invalid},
		"no such dimension":  {a.ID, market.Amendment{Entitlements: []market.Entitlement{gives("x", integer(1))}}, market.Invalid},
		"half of it is well": {a.ID, market.Amendment{Entitlements: []market.Entitlement{gives("seats", integer(99))}, EndAt: &f.now}, market.Invalid},
	} {
		if _, err := f.Amend(ctx, op, tt.id, tt.m); market.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	if d := cmp.Diff(got, f.find(t, a.ID)); d != "" {
		t.Errorf("a refusal left something behind:\n%s", d)
	}
	if _, err := f.Amend(ctx, op, usage.ID, market.Amendment{EndAt: &end}); err != nil {
		t.Errorf("an end by use: %v", err)
	}
	f.now = end
	if got := f.find(t, usage.ID); got.Status != market.Expired {
		t.Errorf("what was given an end is %s at it", got.Status)
	}
	f.sound(t)
}

func TestRenew(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 3, AutoRenew: true, Entitlements: []market.Entitlement{gives("seats", integer(5))}})
	f.now = f.now.Add(time.Hour)
	next, err := f.Renew(ctx, op, a.ID, market.Terms{Entitlements: []market.Entitlement{gives("sso", boolean(false))}})
	if err != nil {
		t.Fatal(err)
	}
	want := a
	want.ID, want.LicenseARN, want.AcceptedAt = next.ID, next.LicenseARN, f.now
	want.Intent, want.PrecedingID = market.IntentRenew, a.ID
	want.StartAt, want.EndAt = a.EndAt, time.Date(2026, 7, 30, 12, 0, 0, 0, time.UTC)
	want.Phase, want.DueAt = market.Scheduled, a.EndAt
	want.Entitlements = []market.Entitlement{gives("seats", integer(5)), gives("storage", double(1)), gives("sso", boolean(false)), gives("tier", textValue("tier"))}
	if d := cmp.Diff(want, next); d != "" {
		t.Errorf("the renewal differs (-want +got):\n%s", d)
	}
	if next.ID == a.ID || next.LicenseARN == a.LicenseARN {
		t.Error("it has no id or license of its own")
	}
	if _, err := f.Renew(ctx, op, a.ID, market.Terms{}); market.CodeOf(err) != market.Conflict {
		t.Errorf("renewed twice: %v", err)
	}
	if _, err := f.Amend(ctx, op, a.ID, market.Amendment{EndAt: ptr(a.EndAt.Add(time.Hour))}); market.CodeOf(err) != market.Conflict {
		t.Errorf("prolonged after it was renewed: %v", err)
	}
	f.now = a.EndAt.Add(-time.Millisecond)
	if a, next := f.find(t, a.ID), f.find(t, next.ID); !a.Live(f.now) || next.Live(f.now) || next.TakesUsage(f.now) {
		t.Errorf("just before: %+v and %+v", a, next)
	}
	f.now = a.EndAt
	if a, next := f.find(t, a.ID), f.find(t, next.ID); a.Status != market.Renewed || a.Live(f.now) || !a.TakesUsage(f.now) || !next.Live(f.now) {
		t.Errorf("then: %+v and %+v", a, next)
	}
	f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started", "2026-04-30T12:00 renewed: by agreement "+next.ID)
	f.wantHistory(t, next.ID, "2026-01-31T13:00 accepted", "2026-04-30T12:00 started")
	if _, err := f.Renew(ctx, op, a.ID, market.Terms{}); market.CodeOf(err) != market.Conflict {
		t.Errorf("renewed after its end: %v", err)
	}
	f.sound(t)
}

func TestRenewAndReplaceRefused(t *testing.T) {
	f := openLife(t)
	contract := f.buys(t, market.PurchaseInput{ProductCode: mixedCode})
	usage := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer})
	trial := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, FreeTrial: true})
	later := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, StartAt: f.now.Add(time.Hour)})
	over := f.buys(t, market.PurchaseInput{ProductCode: mixedCode})
	if _, err := f.End(ctx, op, over.ID, market.Expired); err != nil {
		t.Fatal(err)
	}
	yes := true
	for name, tt := range map[string]struct {
		id             string
		terms          market.Terms
		renew, replace market.Code
	}{
		"no such agreement":   {"agmt-x", market.Terms{}, market.NotFound, market.NotFound},
		"over":                {over.ID, market.Terms{}, market.Conflict, market.Conflict},
		"no end":              {usage.ID, market.Terms{}, market.Conflict, ""},
		"a trial":             {trial.ID, market.Terms{}, market.Conflict, market.Conflict},
		"by a trial":          {contract.ID, market.Terms{OfferID: "offer-trial"}, market.Conflict, market.Conflict},
		"not started":         {later.ID, market.Terms{}, "", market.Conflict},
		"no such offer":       {contract.ID, market.Terms{OfferID: "offer-x"}, market.NotFound, market.NotFound},
		"private of another":  {contract.ID, market.Terms{OfferID: privateOffer}, market.Forbidden, market.Forbidden},
		"term too long":       {contract.ID, market.Terms{TermMonths: 61}, market.Invalid, market.Invalid},
		"term by use":         {contract.ID, market.Terms{OfferID: otherOffer, TermMonths: 1}, market.Invalid, market.Invalid},
		"renewal by use":      {contract.ID, market.Terms{OfferID: otherOffer, AutoRenew: &yes}, market.Invalid, market.Invalid},
		"quantities by use":   {contract.ID, market.Terms{OfferID: otherOffer, Entitlements: []market.Entitlement{gives("seats", integer(1))}}, market.Invalid, market.Invalid},
		"no such dimension":   {contract.ID, market.Terms{Entitlements: []market.Entitlement{gives("x", integer(1))}}, market.Invalid, market.Invalid},
		"a trial, gone on by": {trial.ID, market.Terms{OfferID: otherOffer}, "", ""},
	} {
		if tt.renew != "" {
			if _, err := f.Renew(ctx, op, tt.id, tt.terms); market.CodeOf(err) != tt.renew {
				t.Errorf("renew %s: %v, want %s", name, err, tt.renew)
			}
		}
		if tt.replace != "" {
			if _, err := f.Replace(ctx, op, tt.id, tt.terms); market.CodeOf(err) != tt.replace {
				t.Errorf("replace %s: %v, want %s", name, err, tt.replace)
			}
		}
	}
	if got := f.find(t, contract.ID); got.Status != market.Active {
		t.Errorf("a refusal left the agreement %s", got.Status)
	}
	next, err := f.Renew(ctx, op, trial.ID, market.Terms{OfferID: otherOffer})
	if err != nil || next.FreeTrial || !next.EndAt.IsZero() || !next.StartAt.Equal(trial.EndAt) {
		t.Errorf("the trial gone on with: %+v, %v", next, err)
	}
	w := market.World{Directory: account.State{Accounts: []account.Account{{ID: buyer, Name: "Buyer", Buyer: true, Suspended: true}}}}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(wants(err))
	}
	if _, err := f.Renew(ctx, op, contract.ID, market.Terms{}); market.CodeOf(err) != market.Conflict {
		t.Errorf("renewed by a suspended account: %v", err)
	}
	f.sound(t)
}

func TestReplace(t *testing.T) {
	f := openLife(t)
	old := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, AutoRenew: true, Entitlements: []market.Entitlement{gives("seats", integer(5))}})
	renewal, err := f.Renew(ctx, op, old.ID, market.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	f.now = f.now.AddDate(0, 0, 10)
	next, err := f.Replace(ctx, op, old.ID, market.Terms{OfferID: otherOffer})
	if err != nil {
		t.Fatal(err)
	}
	if next.Intent != market.IntentReplace || next.PrecedingID != old.ID || next.LicenseARN == old.LicenseARN || !next.StartAt.Equal(f.now) || !next.EndAt.IsZero() ||
		next.Entitlements != nil || next.AutoRenew || !next.Live(f.now) {
		t.Errorf("the new one is %+v", next)
	}
	if got := f.find(t, old.ID); got.Status != market.Replaced || !got.EndAt.Equal(f.now) || got.Live(f.now) || !got.TakesUsage(f.now) {
		t.Errorf("the old one is %+v", got)
	}
	if got := f.find(t, renewal.ID); got.Status != market.Cancelled {
		t.Errorf("what was to renew it is %+v", got)
	}
	f.now = f.now.Add(time.Hour)
	if got := f.find(t, old.ID); got.TakesUsage(f.now) {
		t.Errorf("the old one takes usage after its final hour: %+v", got)
	}
	f.wantHistory(t, old.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started", "2026-02-10T12:00 replaced: by agreement "+next.ID, "2026-02-10T13:00 closed-down")
	f.wantHistory(t, next.ID, "2026-02-10T12:00 accepted", "2026-02-10T12:00 started")

	// One of a legacy product makes room for the other.
	a := f.buys(t, market.PurchaseInput{ProductCode: textCode, Entitlements: []market.Entitlement{gives("seats", integer(5))}})
	b, err := f.Replace(ctx, op, a.ID, market.Terms{TermMonths: 24})
	if err != nil || b.TermMonths != 24 || b.Entitlements[0] != gives("seats", integer(5)) {
		t.Errorf("the legacy one: %+v, %v", b, err)
	}
	f.sound(t)
}

func TestEnd(t *testing.T) {
	for _, status := range []market.Status{market.Cancelled, market.Terminated, market.Expired} {
		t.Run(string(status), func(t *testing.T) {
			f := openLife(t)
			a := f.buys(t, market.PurchaseInput{ProductCode: contractCode, AutoRenew: true, TermMonths: 1})
			renewal, err := f.Renew(ctx, op, a.ID, market.Terms{})
			if err != nil {
				t.Fatal(err)
			}
			second, err := f.Renew(ctx, op, renewal.ID, market.Terms{})
			if err != nil {
				t.Fatal(err)
			}
			f.now = f.now.Add(24 * time.Hour)
			got, err := f.End(ctx, op, a.ID, status)
			if err != nil || got.Status != status || !got.EndAt.Equal(f.now) || got.Live(f.now) || !got.TakesUsage(f.now) {
				t.Errorf("%+v, %v", got, err)
			}
			if _, err := f.End(ctx, op, a.ID, status); market.CodeOf(err) != market.Conflict {
				t.Errorf("ended twice: %v", err)
			}
			kind := strings.ToLower(string(status))
			f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started", "2026-02-01T12:00 "+kind)
			f.wantHistory(t, renewal.ID, "2026-01-31T12:00 accepted", "2026-02-01T12:00 "+kind+": with agreement "+a.ID+", which it was to renew")
			f.wantHistory(t, second.ID, "2026-01-31T12:00 accepted", "2026-02-01T12:00 "+kind+": with agreement "+renewal.ID+", which it was to renew")
			f.sound(t)
			for _, at := range []time.Time{f.now, renewal.StartAt, renewal.StartAt.Add(time.Minute), renewal.EndAt} {
				f.now = at
				if r := f.find(t, renewal.ID); r.Live(at) || r.TakesUsage(at) || r.Status != status {
					t.Errorf("what was to renew it, at %s: %+v", at, r)
				}
			}
			f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started", "2026-02-01T12:00 "+kind, "2026-02-01T13:00 closed-down")
			f.sound(t)
		})
	}
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode})
	for _, status := range []market.Status{"", market.Active, market.Renewed, market.Replaced, "x"} {
		if _, err := f.End(ctx, op, a.ID, status); market.CodeOf(err) != market.Invalid {
			t.Errorf("ended as %q: %v", status, err)
		}
	}
}

// One that is cancelled within the hour before its start has no final hour that would reach into it.
func TestCancelBeforeTheStart(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer, StartAt: f.now.Add(10 * time.Minute)})
	got, err := f.End(ctx, op, a.ID, market.Cancelled)
	if err != nil || got.Phase != market.ClosedDown || !got.DueAt.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	for range 100 {
		if got := f.find(t, a.ID); got.Live(f.now) || got.TakesUsage(f.now) {
			t.Fatalf("at %s: %+v", f.now, got)
		}
		f.now = f.now.Add(time.Minute)
	}
	f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 cancelled")
	f.sound(t)
}

// Who calls a renewal off does not want another one.
func TestRenewalCalledOff(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 1, AutoRenew: true})
	renewal, err := f.Renew(ctx, op, a.ID, market.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.End(ctx, op, renewal.ID, market.Cancelled); err != nil {
		t.Fatal(err)
	}
	f.now = a.EndAt
	if got := f.find(t, a.ID); got.Status != market.Expired {
		t.Errorf("the agreement is %s", got.Status)
	}
	f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started",
		"2026-01-31T12:00 amended: renews itself no more: its renewal, agreement "+renewal.ID+", was called off", "2026-02-28T12:00 expired")
	f.sound(t)
}

func TestSuspend(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode, TermMonths: 1})
	f.now = f.now.Add(time.Hour)
	for range 2 {
		got, err := f.Suspend(ctx, op, a.ID)
		if err != nil || got.Status != market.Active || !got.SuspendedAt.Equal(f.now) || got.Live(f.now) || got.TakesUsage(f.now) {
			t.Errorf("suspended: %+v, %v", got, err)
		}
	}
	f.sound(t)
	f.now = f.now.Add(time.Hour)
	for range 2 {
		if got, err := f.Reinstate(ctx, op, a.ID); err != nil || !got.Live(f.now) {
			t.Errorf("reinstated: %+v, %v", got, err)
		}
	}
	f.wantHistory(t, a.ID, "2026-01-31T12:00 accepted", "2026-01-31T12:00 started", "2026-01-31T13:00 suspended", "2026-01-31T14:00 reinstated: was suspended since 2026-01-31T13:00:00Z")
	f.now = a.EndAt
	if _, err := f.Suspend(ctx, op, a.ID); market.CodeOf(err) != market.Conflict {
		t.Errorf("suspended after its end: %v", err)
	}
	if _, err := f.Reinstate(ctx, op, a.ID); market.CodeOf(err) != market.Conflict {
		t.Errorf("reinstated after its end: %v", err)
	}
	f.sound(t)
}

func TestLifecycleIsTheOperators(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode})
	who := caller(seller)
	for name, act := range map[string]func() error{
		"amend":     func() error { _, err := f.Amend(ctx, who, a.ID, market.Amendment{}); return err },
		"renew":     func() error { _, err := f.Renew(ctx, who, a.ID, market.Terms{}); return err },
		"replace":   func() error { _, err := f.Replace(ctx, who, a.ID, market.Terms{}); return err },
		"end":       func() error { _, err := f.End(ctx, who, a.ID, market.Cancelled); return err },
		"suspend":   func() error { _, err := f.Suspend(ctx, who, a.ID); return err },
		"reinstate": func() error { _, err := f.Reinstate(ctx, who, a.ID); return err },
		"events":    func() error { _, err := f.Events(ctx, who, market.EventFilter{}); return err },
		"settle":    func() error { _, err := f.Settle(ctx, who); return err },
	} {
		if err := act(); market.CodeOf(err) != market.Forbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := fmt.Sprint(f.history(t, a.ID)); strings.Count(got, "2026") != 2 {
		t.Errorf("history is %s", got)
	}
}
