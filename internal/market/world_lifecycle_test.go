package market_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

func declare(f *fixture, list ...market.Agreement) (market.Changes, error) {
	for i := range list {
		if list[i].Buyer == "" {
			list[i].Buyer = buyer
		}
		if list[i].ProductCode == "" {
			list[i].ProductCode = contractCode
		}
	}
	return f.ApplyWorld(ctx, op, market.World{Agreements: list})
}

// An agreement that a world declares has the history that it would have had.
func TestDeclaredHistory(t *testing.T) {
	f := openLife(t)
	day := func(n int) time.Time { return f.now.AddDate(0, 0, n) }
	for name, tt := range map[string]struct {
		g    market.Agreement
		want []string
	}{
		"now":     {market.Agreement{}, []string{"2026-01-31T12:00 accepted", "2026-01-31T12:00 started"}},
		"started": {market.Agreement{AcceptedAt: day(-20), StartAt: day(-10)}, []string{"2026-01-11T12:00 accepted", "2026-01-21T12:00 started"}},
		"later":   {market.Agreement{StartAt: day(10)}, []string{"2026-01-31T12:00 accepted"}},
		"run out": {market.Agreement{StartAt: day(-60), TermMonths: 1},
			[]string{"2025-12-02T12:00 accepted", "2025-12-02T12:00 started", "2026-01-02T12:00 expired", "2026-01-02T13:00 closed-down"}},
		"cancelled": {market.Agreement{Status: market.Cancelled, StartAt: day(-60), EndAt: day(-30)},
			[]string{"2025-12-02T12:00 accepted", "2025-12-02T12:00 started", "2026-01-01T12:00 cancelled: by a world file", "2026-01-01T13:00 closed-down"}},
		"terminated now":  {market.Agreement{Status: market.Terminated, StartAt: day(-1)}, []string{"2026-01-30T12:00 accepted", "2026-01-30T12:00 started", "2026-01-31T12:00 terminated: by a world file"}},
		"never started":   {market.Agreement{Status: market.Cancelled, AcceptedAt: day(-9), StartAt: day(-3), EndAt: day(-5)}, []string{"2026-01-22T12:00 accepted", "2026-01-26T12:00 cancelled: by a world file"}},
		"suspended":       {market.Agreement{StartAt: day(-2), SuspendedAt: day(-1)}, []string{"2026-01-29T12:00 accepted", "2026-01-30T12:00 suspended: by a world file", "2026-01-29T12:00 started"}},
		"suspended since": {market.Agreement{SuspendedAt: market.SuspendedNow()}, []string{"2026-01-31T12:00 accepted", "2026-01-31T12:00 suspended: by a world file", "2026-01-31T12:00 started"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := openLife(t)
			tt.g.ID = "agmt-declared"
			if c, err := declare(f, tt.g); err != nil || c.Created != 1 {
				t.Fatalf("%+v, %s", c, wants(err))
			}
			f.wantHistory(t, "agmt-declared", tt.want...)
			f.sound(t)
			f.now = f.now.Add(time.Minute)
			if c, err := declare(f, tt.g); err != nil || c.Unchanged != 1 {
				t.Errorf("again: %+v, %s", c, wants(err))
			}
			f.wantHistory(t, "agmt-declared", tt.want...)
		})
	}
}

// A contract that renews itself, declared with a start in the past, has renewed itself by now.
func TestDeclaredRenewals(t *testing.T) {
	f := openLife(t)
	g := market.Agreement{ID: "agmt-first", StartAt: f.now.AddDate(0, -3, 0), TermMonths: 1, AutoRenew: true, Entitlements: []market.Entitlement{gives("seats", integer(4))}}
	if _, err := declare(f, g); err != nil {
		t.Fatal(wants(err))
	}
	list, _ := f.all(t)
	if len(list) != 4 || list[0].Status != market.Renewed || !list[3].Live(f.now) || !list[3].StartAt.Equal(time.Date(2026, 1, 30, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", list)
	}
	for _, a := range list {
		if d := cmp.Diff(g.Entitlements, a.Entitlements); d != "" {
			t.Errorf("what is declared is all that it entitles to (-want +got):\n%s", d)
		}
	}
	f.sound(t)
	if c, err := declare(f, g); err != nil || c.Unchanged != 1 {
		t.Errorf("again: %+v, %s", c, wants(err))
	}
}

// What a world changes of an agreement stands in its history.
func TestDeclaredChanges(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode})
	change := func(want string, change func(*market.Agreement)) {
		t.Helper()
		f.now = f.now.Add(time.Minute)
		g := told(t, f).Agreements[0]
		change(&g)
		if c, err := declare(f, g); err != nil || c.Updated != 1 {
			t.Fatalf("%+v, %s", c, wants(err))
		}
		lines := f.history(t, a.ID)
		if got := lines[len(lines)-1]; got != f.now.Format("2006-01-02T15:04 ")+want {
			t.Errorf("history ends with %q, want %q", got, want)
		}
		f.sound(t)
	}
	change("amended: by a world file: seats is 8 instead of 1; storage is gone; sso is gone; tier is gone", func(g *market.Agreement) {
		g.Entitlements = []market.Entitlement{gives("seats", integer(8))}
	})
	change("amended: by a world file: ends 2026-03-01T00:00:00Z instead of 2027-01-31T12:00:00Z; renews itself from now on", func(g *market.Agreement) {
		g.EndAt, g.AutoRenew = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), true
	})
	change("suspended: by a world file", func(g *market.Agreement) { g.SuspendedAt = f.now })
	change("reinstated: by a world file", func(g *market.Agreement) { g.SuspendedAt = time.Time{} })
	change("cancelled: by a world file", func(g *market.Agreement) { g.Status, g.EndAt = market.Cancelled, time.Time{} })
	if got := f.find(t, a.ID); !got.EndAt.Equal(f.now) || got.Phase != market.FinalHour {
		t.Errorf("cancelled: %+v", got)
	}
	change("amended: is TERMINATED instead of CANCELLED, by a world file", func(g *market.Agreement) { g.Status = market.Terminated })
	change("amended: active again, by a world file; ends 2027-01-31T12:00:00Z instead of 2026-01-31T12:05:00Z", func(g *market.Agreement) {
		g.Status, g.EndAt = market.Active, time.Time{}
	})
	if got := f.find(t, a.ID); !got.Live(f.now) || !got.DueAt.Equal(got.EndAt) {
		t.Errorf("active again: %+v", got)
	}
	change("amended: by a world file: starts 2026-01-31T13:00:00Z instead of 2026-01-31T12:00:00Z", func(g *market.Agreement) { g.StartAt = a.StartAt.Add(time.Hour) })
	if got := f.find(t, a.ID); got.Phase != market.Scheduled {
		t.Errorf("put off: %+v", got)
	}
}

func TestLifecycleProblems(t *testing.T) {
	f := openLife(t)
	a := f.buys(t, market.PurchaseInput{ProductCode: contractCode})
	b := f.buys(t, market.PurchaseInput{ProductCode: textCode})
	usage := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, OfferID: otherOffer})
	agreement := func(g market.Agreement) market.World {
		if g.ProductCode == "" {
			g.ProductCode = contractCode
		}
		g.Buyer = buyer
		return market.World{Agreements: []market.Agreement{g}}
	}
	offer := func(o market.Offer) market.World {
		if o.ProductCode == "" {
			o.ProductCode = contractCode
		}
		if o.Kind == "" {
			o.Kind, o.Name = market.PublicOffer, "Another"
		}
		return market.World{Offers: []market.Offer{o}}
	}
	product := func(d ...market.Dimension) market.World {
		return market.World{Products: []market.Product{{Code: contractCode, Seller: seller, Kind: market.ConcurrentAgreements, Dimensions: d}}}
	}
	seats := market.Dimension{Key: "seats", Kind: market.Entitled}
	for name, tt := range map[string]struct {
		w    market.World
		want string
	}{
		"offer pricing":            {offer(market.Offer{Pricing: "free"}), `offers[0].pricing: must be "usage", "contract" or "contract-with-consumption"`},
		"usage of nothing":         {offer(market.Offer{Pricing: market.UsagePricing}), `offers[0].pricing: "usage" wants a metered dimension, and product ` + contractCode + ` has none`},
		"consumption of nothing":   {offer(market.Offer{Pricing: market.ConsumptionPricing}), `offers[0].pricing: "contract-with-consumption" wants a metered dimension, and product ` + contractCode + ` has none`},
		"contract of nothing":      {offer(market.Offer{ProductCode: legacy, Pricing: market.ContractPricing}), `offers[0].pricing: "contract" wants an entitled dimension, and product ` + legacy + ` has none`},
		"private for nobody":       {offer(market.Offer{Kind: market.PrivateOffer}), `offers[0].buyers: must name the accounts that may accept the offer: it is private`},
		"public for somebody":      {offer(market.Offer{Buyers: []string{buyer}}), `offers[0].buyers: only a private offer is for some buyers`},
		"private for a seller":     {offer(market.Offer{Kind: market.PrivateOffer, Buyers: []string{seller}}), `offers[0].buyers[0]: account ` + seller + ` is not a buyer`},
		"private for one, twice":   {offer(market.Offer{Kind: market.PrivateOffer, Buyers: []string{buyer, buyer}}), `offers[0].buyers[1]: account ` + buyer + ` stands twice`},
		"offer term":               {offer(market.Offer{TermMonths: 61}), `offers[0].term_months: must be from 1 to 60`},
		"offer term by use":        {offer(market.Offer{ProductCode: mixedCode, Pricing: market.UsagePricing, TermMonths: 1}), `offers[0].term_months: only a contract has a term`},
		"offer gives by use":       {offer(market.Offer{ProductCode: mixedCode, Pricing: market.UsagePricing, Entitlements: []market.Entitlement{gives("seats", integer(1))}}), `offers[0].entitlements: there are none where usage is paid`},
		"offer gives nothing":      {offer(market.Offer{Entitlements: []market.Entitlement{gives("a b", integer(1))}}), `offers[0].entitlements["a b"]: product ` + contractCode + ` has no dimension "a b"`},
		"offer gives another":      {offer(market.Offer{Entitlements: []market.Entitlement{gives("sso", integer(1))}}), `offers[0].entitlements.sso: dimension "sso": wants a value of the type boolean, not integer`},
		"dimension type":           {product(seats, market.Dimension{Key: "x", Kind: market.Entitled, Type: "text"}), `products[0].dimensions[1].type: must be "integer", "double", "boolean" or "string"`},
		"dimension metered":        {product(seats, market.Dimension{Key: "x", Kind: market.Metered, Type: market.Integer}), `products[0].dimensions[1].type: only an entitled dimension has one: usage is always an integer`},
		"agreement gives nothing":  {agreement(market.Agreement{Entitlements: []market.Entitlement{gives("x", integer(1))}}), `agreements[0].entitlements.x: product ` + contractCode + ` has no dimension "x"`},
		"agreement gives by use":   {agreement(market.Agreement{ID: usage.ID, ProductCode: mixedCode, Entitlements: []market.Entitlement{gives("seats", integer(1))}}), `agreements[0].entitlements: offer ` + otherOffer + ` is for usage: there are none`},
		"agreement renews by use":  {agreement(market.Agreement{ID: usage.ID, ProductCode: mixedCode, AutoRenew: true}), `agreements[0].auto_renew: only a contract renews itself, and offer ` + otherOffer + ` is none`},
		"agreement term by use":    {agreement(market.Agreement{ID: usage.ID, ProductCode: mixedCode, TermMonths: 1}), `agreements[0].term_months: only a contract has a term, and offer ` + otherOffer + ` is none`},
		"agreement term":           {agreement(market.Agreement{TermMonths: 61}), `agreements[0].term_months: must be from 1 to 60`},
		"intent":                   {agreement(market.Agreement{Intent: "AMEND"}), `agreements[0].intent: must be "NEW", "RENEW" or "REPLACE"`},
		"follows nothing":          {agreement(market.Agreement{Intent: market.IntentRenew}), `agreements[0].preceding: is missing: which agreement is it that this one follows?`},
		"new, and follows":         {agreement(market.Agreement{PrecedingID: a.ID}), `agreements[0].preceding: only an agreement with the intent "RENEW" or "REPLACE" follows another`},
		"follows one of another":   {agreement(market.Agreement{Intent: market.IntentRenew, PrecedingID: b.ID}), `agreements[0].preceding: account ` + buyer + ` has no other agreement "` + b.ID + `" for product ` + contractCode},
		"over, and ends later":     {agreement(market.Agreement{ID: a.ID, Status: market.Cancelled, EndAt: f.now.Add(time.Hour)}), `agreements[0].end_at: is still to come, and the agreement is CANCELLED`},
		"suspended before time":    {agreement(market.Agreement{SuspendedAt: time.Unix(-1, 0)}), `agreements[0].suspended: must be in the years 1970 to 9999`},
		"legacy beside":            {agreement(market.Agreement{ProductCode: textCode, StartAt: f.now.AddDate(0, 6, 0)}), `agreements[0]: account ` + buyer + ` has agreement ` + b.ID + ` already, from 2026-01-31T12:00:00Z to 2027-01-31T12:00:00Z, and product ` + textCode + ` is of the legacy kind: one at a time`},
		"workload":                 {market.World{Directory: account.State{Roles: []account.Role{{Identity: account.Identity{Account: seller, Name: "r"}, Workload: "lambda"}}}}, `roles[0].workload: must be "ecs-task", "eks-pod", "ec2-instance" or "agentcore-runtime"`},
		"a dimension is entitled":  {product(market.Dimension{Key: "seats", Kind: market.Entitled, Type: market.Text}, market.Dimension{Key: "storage", Kind: market.Entitled, Type: market.Double}, market.Dimension{Key: "sso", Kind: market.Entitled, Type: market.Boolean}, market.Dimension{Key: "tier", Kind: market.Entitled, Type: market.Text}), `products[0].dimensions: agreement ` + a.ID + ` would not fit any more: dimension "seats": wants a value of the type string, not integer`},
		"a contract for usage now": {market.World{Offers: []market.Offer{{ID: otherOffer, ProductCode: mixedCode, Kind: market.PublicOffer, Name: "By use"}}}, `offers[0].pricing: offer ` + otherOffer + ` has agreements: whether it is a contract cannot change any more; give it a pricing that says so`},
		"an offer loses its use":   {market.World{Products: []market.Product{{Code: mixedCode, Seller: seller, Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{seats}}}}, `products[0].dimensions: offer ` + otherOffer + ` would not fit any more: "usage" wants a metered dimension, and product ` + mixedCode + ` has none`},
	} {
		t.Run(name, func(t *testing.T) {
			before := told(t, f)
			_, err := f.ApplyWorld(ctx, op, tt.w)
			if d := cmp.Diff(tt.want, wants(err)); d != "" {
				t.Errorf("problems differ (-want +got):\n%s", d)
			}
			if d := cmp.Diff(before, told(t, f)); d != "" {
				t.Errorf("something changed all the same:\n%s", d)
			}
		})
	}
	f.sound(t)
}

// A product and its offers may change together in one world, as long as what was sold stays what it is.
func TestDimensionsChangeWithTheirOffers(t *testing.T) {
	f := openLife(t)
	w := market.World{
		Products: []market.Product{{Code: legacy, Seller: seller, Title: "L", Kind: market.Legacy, Dimensions: []market.Dimension{{Key: "calls", Kind: market.Metered}}}},
		Offers:   []market.Offer{{ID: "offer-l", ProductCode: legacy, Kind: market.PublicOffer, Name: "L"}},
	}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(wants(err))
	}
	a := f.buys(t, market.PurchaseInput{ProductCode: legacy, OfferID: "offer-l"})
	w.Products[0].Dimensions = append(w.Products[0].Dimensions, market.Dimension{Key: "seats", Kind: market.Entitled})
	if _, err := f.ApplyWorld(ctx, op, w); !strings.Contains(wants(err), "whether it is a contract cannot change any more") {
		t.Errorf("what was sold by use would be a contract: %s", wants(err))
	}
	w.Offers[0].Pricing = market.UsagePricing
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Errorf("with a pricing: %s", wants(err))
	}
	if d := cmp.Diff(a, f.find(t, a.ID)); d != "" {
		t.Errorf("the agreement differs:\n%s", d)
	}
	f.sound(t)
}

// Two entries of a world do not go together: the later one has the problem, and the order is that of the file.
func TestDeclaredBeside(t *testing.T) {
	f := openLife(t)
	one := market.Agreement{ID: "agmt-1", ProductCode: textCode, StartAt: f.now, TermMonths: 2}
	two := market.Agreement{ID: "agmt-2", ProductCode: textCode, StartAt: f.now.AddDate(0, 1, 0), TermMonths: 2}
	if _, err := declare(f, one, two); !strings.HasPrefix(wants(err), "agreements[1]: account "+buyer+" has agreement agmt-1 already") || strings.Contains(wants(err), "\n") {
		t.Errorf("both: %s", wants(err))
	}
	two.StartAt = f.now.AddDate(0, 3, 0)
	if _, err := declare(f, two, one); err != nil {
		t.Errorf("one after the other: %s", wants(err))
	}
	f.sound(t)
}
