package market_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

// vacant is a market without anything, at an instant. done closes it.
func vacant(t interface{ Fatal(...any) }, now time.Time) (f *fixture, done func()) {
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f = &fixture{store: store, now: now}
	f.Service, err = market.Open(ctx, market.Config{
		Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader, Regions: market.AWSRegions(),
		Now: func() time.Time { return f.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, func() { _ = store.Close() }
}

func told(t interface{ Fatal(...any) }, f *fixture) market.World {
	w, err := f.World(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func wants(err error) string {
	var e *market.Error
	if !asError(err, &e) {
		return fmt.Sprint(err)
	}
	var out []string
	for _, p := range e.Problems {
		out = append(out, p.String())
	}
	return strings.Join(out, "\n")
}

// Whatever happened in a market, what it tells of itself changes nothing when it is applied there, and makes the same market where there is none.
func TestWorldMakesTheMarketAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, done := vacant(t, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))
		defer done()
		w := world()
		w.Directory.Keys = []account.AccessKey{{ID: "AKIAWORLDTEST0000001", Secret: "0123456789abcdef0123", Account: seller}}
		w.Offers = append(w.Offers, market.Offer{ProductCode: concurrent, Kind: market.FreeTrialOffer, Name: "Trial", TrialDays: 7}, market.Offer{ProductCode: concurrent, Kind: market.PublicOffer, Name: "Other"})
		if rapid.Bool().Draw(t, "imported") {
			w.Customers = []market.Customer{{Account: buyer, Identifier: rapid.StringMatching(`[ -~]{1,255}`).Draw(t, "identifier")}}
		}
		if _, err := a.ApplyWorld(ctx, op, w); err != nil {
			t.Fatal(wants(err))
		}
		made, worked := told(t, a), 0
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		for range rapid.IntRange(0, 8).Draw(t, "acts") {
			a.now = a.now.Add(time.Duration(rapid.IntRange(0, 10*24*3600*1000).Draw(t, "later")) * time.Millisecond)
			code, who := pick("product", legacy, concurrent), pick("buyer", buyer, second)
			var err error
			switch rapid.IntRange(0, 3).Draw(t, "act") {
			case 0, 1:
				_, err = a.Buy(ctx, op, market.PurchaseInput{ProductCode: code, Buyer: who, FreeTrial: rapid.Bool().Draw(t, "trial")})
			case 2: // an agreement becomes another
				list := told(t, a).Agreements
				if len(list) == 0 {
					continue
				}
				g := list[rapid.IntRange(0, len(list)-1).Draw(t, "agreement")]
				g.Status = market.Status(pick("status", "ACTIVE", "CANCELLED", "EXPIRED", "TERMINATED", "REPLACED", "RENEWED"))
				if rapid.Bool().Draw(t, "prolonged") {
					g.EndAt = a.now.Add(time.Duration(rapid.IntRange(-1e9, 1e9).Draw(t, "end")) * time.Millisecond)
				}
				_, err = a.ApplyWorld(ctx, op, market.World{Agreements: []market.Agreement{g}})
			case 3: // one is declared
				g := market.Agreement{ProductCode: code, Buyer: who, FreeTrial: rapid.Bool().Draw(t, "trial")}
				if rapid.Bool().Draw(t, "dated") {
					g.StartAt = made.Products[0].CreatedAt.Add(time.Duration(rapid.Int64Range(-1e16, 1e16).Draw(t, "start")))
				}
				_, err = a.ApplyWorld(ctx, op, market.World{Agreements: []market.Agreement{g}})
			}
			switch market.CodeOf(err) { // what may be refused is refused
			case market.Conflict, market.Invalid:
			default:
				if err != nil {
					t.Fatal(err)
				}
				worked++
			}
		}
		if rapid.Bool().Draw(t, "later still") {
			a.now = a.now.AddDate(0, 0, rapid.IntRange(0, 100).Draw(t, "days"))
		}
		want := told(t, a)
		changes, err := a.ApplyWorld(ctx, op, want)
		if err != nil || changes.Created+changes.Updated != 0 {
			t.Fatalf("applied where it is from, after %d acts: %+v, %s", worked, changes, wants(err))
		}
		b, done := vacant(t, a.now)
		defer done()
		if _, err := b.ApplyWorld(ctx, op, want); err != nil {
			t.Fatalf("applied where nothing is: %s", wants(err))
		}
		if d := cmp.Diff(want, told(t, b), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("the market differs (-first +second):\n%s", d)
		}
		for _, f := range []*fixture{a, b} {
			if problems, err := f.Check(ctx, op); err != nil || len(problems) > 0 {
				t.Fatalf("check: %v %v", problems, err)
			}
		}
	})
}

// A legacy seller's customer is the same one in the market made again, and its trial ends when it would have.
func TestWorldKeepsCustomersAndTrials(t *testing.T) {
	a := open(t)
	p, err := a.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer, FreeTrial: true})
	if err != nil {
		t.Fatal(err)
	}
	b, done := vacant(t, a.now.AddDate(0, 0, 10))
	defer done()
	if _, err := b.ApplyWorld(ctx, op, told(t, a)); err != nil {
		t.Fatal(wants(err))
	}
	q, err := b.SetUpAccount(ctx, op, p.Agreement.ID)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.ResolveCustomer(ctx, caller(seller), []byte(q.Token))
	if err != nil || res.CustomerIdentifier != p.Customer.Identifier || res.LicenseARN != p.Agreement.LicenseARN {
		t.Errorf("resolved to %+v, %v; want customer %s and license %s", res, err, p.Customer.Identifier, p.Agreement.LicenseARN)
	}
	if d := cmp.Diff(p.Agreement, q.Agreement); d != "" {
		t.Errorf("the agreement differs (-first +second):\n%s", d)
	}
	b.now = p.Agreement.EndAt
	if _, err := b.SetUpAccount(ctx, op, p.Agreement.ID); market.CodeOf(err) != market.Conflict {
		t.Errorf("the trial goes on: %v", err)
	}
	// An export from before its end is no way to go on with it.
	changes, err := b.ApplyWorld(ctx, op, told(t, a))
	if err != nil || changes.Created+changes.Updated != 0 || told(t, b).Agreements[0].Status != market.Expired {
		t.Errorf("the first export again: %+v, %s; agreement %+v", changes, wants(err), told(t, b).Agreements[0])
	}
}

// What an agreement of the file leaves out of its times follows from what it says.
func TestAgreementTimes(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return now.AddDate(0, 0, n) }
	type times struct{ Accepted, Start, End time.Time }
	for name, tt := range map[string]struct {
		given times
		trial bool
		want  times
	}{
		"nothing":                     {times{}, false, times{now, now, time.Time{}}},
		"nothing of a trial":          {times{}, true, times{now, now, day(14)}},
		"acceptance":                  {times{Accepted: day(-3)}, true, times{day(-3), day(-3), day(11)}},
		"a start in the past":         {times{Start: day(-3)}, true, times{day(-3), day(-3), day(11)}},
		"a start in the future":       {times{Start: day(3)}, true, times{now, day(3), day(17)}},
		"an end":                      {times{End: day(30)}, true, times{now, now, day(30)}},
		"an end of what is no trial":  {times{End: day(30)}, false, times{now, now, day(30)}},
		"all, finer than can be kept": {times{day(-5).Add(time.Microsecond), day(-4), day(-3).In(time.FixedZone("", 3600))}, false, times{day(-5), day(-4), day(-3)}},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			g := market.Agreement{ProductCode: legacy, Buyer: buyer, FreeTrial: tt.trial, AcceptedAt: tt.given.Accepted, StartAt: tt.given.Start, EndAt: tt.given.End}
			w := market.World{Agreements: []market.Agreement{g}}
			if _, err := f.ApplyWorld(ctx, op, w); err != nil {
				t.Fatal(wants(err))
			}
			got := told(t, f).Agreements[0]
			if d := cmp.Diff(tt.want, times{got.AcceptedAt, got.StartAt, got.EndAt}); d != "" {
				t.Errorf("times differ (-want +got):\n%s", d)
			}
			f.now = f.now.Add(time.Hour)
			if changes, err := f.ApplyWorld(ctx, op, w); err != nil || changes.Unchanged != 1 {
				t.Errorf("again: %+v, %s; want it unchanged", changes, wants(err))
			}
			w.Agreements[0].ID, w.Agreements[0].EndAt = got.ID, day(60) // by its id it can be prolonged, and wakes up
			if changes, err := f.ApplyWorld(ctx, op, w); err != nil || changes.Updated != 1 {
				t.Errorf("prolonged: %+v, %s; want it updated", changes, wants(err))
			}
			if got := told(t, f).Agreements[0]; !got.EndAt.Equal(day(60)) || got.Status != market.Active {
				t.Errorf("prolonged: %+v", got)
			}
			f.sound(t)
		})
	}
}

// Each is refused for one reason, which is told with its place.
func TestApplyWorldRefuses(t *testing.T) {
	f := open(t)
	p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	trial, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: second, FreeTrial: true})
	if err != nil {
		t.Fatal(err)
	}
	product := func(code string) market.World {
		return market.World{Products: []market.Product{{Code: code, Seller: seller, Kind: market.Legacy}}}
	}
	agreement := func(g market.Agreement) market.World {
		g.ProductCode = legacy
		if g.Buyer == "" {
			g.Buyer = buyer
		}
		return market.World{Agreements: []market.Agreement{g}}
	}
	customer := func(accountID, identifier string) market.World {
		return market.World{Customers: []market.Customer{{Account: accountID, Identifier: identifier}}}
	}
	for name, tt := range map[string]struct {
		w    market.World
		want string
	}{
		"product code .":  {product("."), `products[0].code: must not be "."`},
		"product code ..": {product(".."), `products[0].code: must not be ".."`},
		"another license": {agreement(market.Agreement{ID: p.Agreement.ID, LicenseARN: license(60)}), "agreements[0].license_arn: agreement " + p.Agreement.ID +
			" has license " + p.Agreement.LicenseARN + ", which cannot change: its seller knows it by that"},
		"long license":          {agreement(market.Agreement{Buyer: second, LicenseARN: license(256)}), "agreements[0].license_arn: is too long for a registration token of 512 characters"},
		"customer of nobody":    {customer("000000000000", "x"), `customers[0].account: account "000000000000" does not exist`},
		"customer who sells":    {customer(seller, "x"), "customers[0].account: account " + seller + " is not a buyer"},
		"identifier of another": {customer("999999999999", p.Customer.Identifier), fmt.Sprintf("customers[0].identifier: %q is the CustomerIdentifier of account %s already", p.Customer.Identifier, buyer)},
		"identifier changed":    {customer(buyer, "x"), fmt.Sprintf("customers[0].identifier: the CustomerIdentifier of account %s is %q, which cannot change", buyer, p.Customer.Identifier)},
		"identifier empty":      {customer("999999999999", ""), "customers[0].identifier: must be 1 to 255 printable characters of ASCII"},
		"identifier long":       {customer("999999999999", strings.Repeat("x", 256)), "customers[0].identifier: must be 1 to 255 printable characters of ASCII"},
		"identifier unprinted":  {customer("999999999999", "x\n"), "customers[0].identifier: must be 1 to 255 printable characters of ASCII"},
		"identifier twice": {market.World{Customers: append(customer("999999999999", "x").Customers, market.Customer{Account: "999999999999", Identifier: "y"})},
			`customers[1].identifier: the CustomerIdentifier of account 999999999999 is "x", which cannot change`},
		"another offer": {agreement(market.Agreement{ID: p.Agreement.ID, OfferID: trial.Agreement.OfferID}),
			"agreements[0].offer: agreement " + p.Agreement.ID + " was made on offer " + p.Agreement.OfferID + ", which cannot change"},
		"a trial now": {agreement(market.Agreement{ID: p.Agreement.ID, FreeTrial: true}),
			"agreements[0].free_trial: agreement " + p.Agreement.ID + " is not a free trial, which cannot change"},
		"a trial on its public offer": {agreement(market.Agreement{ID: p.Agreement.ID, OfferID: p.Agreement.OfferID, FreeTrial: true}),
			"agreements[0].free_trial: agreement " + p.Agreement.ID + " is not a free trial, which cannot change"},
		"a new trial on a public offer": {agreement(market.Agreement{OfferID: p.Agreement.OfferID, FreeTrial: true}),
			"agreements[0].free_trial: offer " + p.Agreement.OfferID + " is not a free trial"},
		"no trial any more": {agreement(market.Agreement{ID: trial.Agreement.ID, Buyer: second}),
			"agreements[0].free_trial: agreement " + trial.Agreement.ID + " is a free trial, which cannot change: say free_trial, or name its offer"},
		"a trial beside": {agreement(market.Agreement{FreeTrial: true}),
			"agreements[0]: account " + buyer + " has agreement " + p.Agreement.ID + " already, from 2026-11-01T12:00:00Z on, and product " + legacy + " is of the legacy kind: one at a time"},
		"ends before it starts": {agreement(market.Agreement{ID: p.Agreement.ID, EndAt: f.now.Add(-time.Hour)}), "agreements[0].end_at: is before its start"},
		"before the years":      {agreement(market.Agreement{ID: p.Agreement.ID, StartAt: time.Unix(-1, 0)}), "agreements[0].start_at: must be in the years 1970 to 9999"},
		"a trial after the years": {agreement(market.Agreement{Buyer: "999999999999", FreeTrial: true, StartAt: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}),
			"agreements[0].end_at: must be in the years 1970 to 9999"},
		"kind of an offer that was taken": {market.World{Offers: []market.Offer{{ID: trial.Agreement.OfferID, ProductCode: legacy, Kind: market.PublicOffer}}},
			"offers[0].kind: offer " + trial.Agreement.OfferID + " has agreements: its kind cannot change any more"},
		"customer no buyer": {market.World{Directory: account.State{Accounts: []account.Account{{ID: buyer}}}},
			"accounts[0].buyer: account " + buyer + " is a customer and stays a buyer; it can be suspended"},
		"publisher no seller": {market.World{Directory: account.State{Accounts: []account.Account{{ID: seller}}}},
			"accounts[0].seller: account " + seller + " has published product " + concurrent + " and stays a seller"},
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
}

// license is an ARN of n characters.
func license(n int) string {
	const head = "arn:aws:license-manager::" + market.LicenseIssuer + ":license:l-"
	return head + strings.Repeat("a", n-len(head))
}

// The longest that is taken can be sold.
func TestLongestNamesAreSold(t *testing.T) {
	f := open(t)
	code := strings.Repeat("a", 255)
	w := market.World{
		Products:   []market.Product{{Code: code, Seller: seller, Kind: market.Legacy}},
		Customers:  []market.Customer{{Account: buyer, Identifier: strings.Repeat("~", 255)}},
		Agreements: []market.Agreement{{ID: "agmt-long", ProductCode: concurrent, Buyer: second, LicenseARN: license(254)}},
	}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(wants(err))
	}
	for name, in := range map[string]market.PurchaseInput{"product code": {ProductCode: code, Buyer: second}, "customer": {ProductCode: legacy, Buyer: buyer}} {
		if p, err := f.Buy(ctx, op, in); err != nil {
			t.Errorf("longest %s: %v", name, err)
		} else if res, err := f.ResolveCustomer(ctx, caller(seller), []byte(p.Token)); err != nil || res.CustomerIdentifier != p.Customer.Identifier {
			t.Errorf("longest %s: %+v, %v", name, res, err)
		}
	}
	if _, err := f.SetUpAccount(ctx, op, "agmt-long"); err != nil {
		t.Errorf("longest license: %v", err)
	}
}

// Entries without an id find the agreement that is as they say, whatever their order, and make one if there is none.
func TestEntriesFindTheirAgreements(t *testing.T) {
	f := open(t)
	w := market.World{Offers: []market.Offer{
		{ID: "offer-1", ProductCode: concurrent, Kind: market.PublicOffer}, {ID: "offer-2", ProductCode: concurrent, Kind: market.PublicOffer, Name: "2"},
		{ID: "offer-3", ProductCode: concurrent, Kind: market.FreeTrialOffer, TrialDays: 7},
	}}
	for _, g := range []market.Agreement{
		{}, {OfferID: "offer-2"}, {FreeTrial: true}, {OfferID: "offer-3"}, {}, {LicenseARN: license(60)}, {ID: "agmt-named", OfferID: "offer-2"}, {Status: market.Cancelled},
		{AcceptedAt: f.now.AddDate(-1, 0, 0)}, {EndAt: f.now.AddDate(1, 0, 0)},
	} {
		g.ProductCode, g.Buyer = concurrent, buyer
		w.Agreements = append(w.Agreements, g)
	}
	if c, err := f.ApplyWorld(ctx, op, w); err != nil || c.Created != 3+len(w.Agreements) {
		t.Fatalf("first: %+v, %s", c, wants(err))
	}
	rapid.Check(t, func(t *rapid.T) {
		again := w
		again.Agreements = rapid.Permutation(w.Agreements).Draw(t, "order")
		if c, err := f.ApplyWorld(ctx, op, again); err != nil || c.Created+c.Updated != 0 {
			t.Fatalf("again: %+v, %s", c, wants(err))
		}
	})
	before := len(told(t, f).Agreements)
	w.Agreements = append(w.Agreements, market.Agreement{ProductCode: concurrent, Buyer: buyer})
	if c, err := f.ApplyWorld(ctx, op, w); err != nil || c.Created != 1 || len(told(t, f).Agreements) != before+1 {
		t.Errorf("one more: %+v, %s", c, wants(err))
	}
	for _, other := range []market.Agreement{{AcceptedAt: f.now.AddDate(-2, 0, 0)}, {StartAt: f.now.AddDate(-3, 0, 0)}, {EndAt: f.now.AddDate(2, 0, 0)}, {LicenseARN: license(61)}} {
		other.ProductCode, other.Buyer = concurrent, buyer
		if c, err := f.ApplyWorld(ctx, op, market.World{Agreements: []market.Agreement{other}}); err != nil || c.Created != 1 {
			t.Errorf("%+v: %+v, %s; want it made", other, c, wants(err))
		}
	}
	f.sound(t)
}

// A trial that has ended makes room for another agreement, and does not stand for an active one.
func TestEndedAgreementsMakeRoom(t *testing.T) {
	f := open(t)
	w := market.World{Agreements: []market.Agreement{{ProductCode: legacy, Buyer: buyer, FreeTrial: true}}}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(wants(err))
	}
	paid := market.World{Agreements: []market.Agreement{{ProductCode: legacy, Buyer: buyer}}}
	if _, err := f.ApplyWorld(ctx, op, paid); !strings.Contains(wants(err), "is of the legacy kind: one at a time") {
		t.Errorf("while the trial lasts: %s", wants(err))
	}
	f.now = f.now.AddDate(0, 0, 14)
	if c, err := f.ApplyWorld(ctx, op, paid); err != nil || c.Created != 1 {
		t.Errorf("after the trial: %+v, %s", c, wants(err))
	}
	var got []market.Status
	for _, g := range told(t, f).Agreements {
		got = append(got, g.Status)
	}
	if d := cmp.Diff([]market.Status{market.Expired, market.Active}, got); d != "" {
		t.Errorf("statuses differ (-want +got):\n%s", d)
	}
	f.sound(t)

	// One world may end an agreement and begin the next, in either order.
	next := market.World{Agreements: []market.Agreement{{ID: "agmt-next", ProductCode: legacy, Buyer: buyer}, told(t, f).Agreements[1]}}
	next.Agreements[1].Status = market.Replaced
	if c, err := f.ApplyWorld(ctx, op, next); err != nil || c.Created != 1 || c.Updated != 1 {
		t.Errorf("the next one: %+v, %s", c, wants(err))
	}
	f.sound(t)
}

// A product always has an offer to buy it on.
func TestPublicOfferStays(t *testing.T) {
	f := open(t)
	w := told(t, f)
	for i, o := range w.Offers {
		if o.ProductCode == concurrent {
			w.Offers[i].Kind, w.Offers[i].TrialDays = market.FreeTrialOffer, 7
		}
	}
	if _, err := f.ApplyWorld(ctx, op, market.World{Offers: w.Offers}); err != nil {
		t.Fatal(wants(err))
	}
	if _, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent, Buyer: buyer}); err != nil {
		t.Errorf("buy: %v", err)
	}
}

// leaving is a store whose caller hangs up as soon as an update is durable.
type leaving struct {
	market.Store
	leave context.CancelFunc
}

func (l *leaving) Update(ctx context.Context, fn func(market.Tx) error) error {
	err := l.Store.Update(ctx, fn)
	if l.leave != nil {
		l.leave()
	}
	return err
}

// What was applied holds at once, also when the caller has left meanwhile.
func TestApplyWorldHoldsAfterHangUp(t *testing.T) {
	store := &leaving{Store: open(t).store}
	directory, ring := new(account.Directory), new(keyring.Ring)
	s, err := market.Open(ctx, market.Config{Store: store, Directory: directory, Ring: ring, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	credentials := &account.Credentials{Directory: directory, Ring: ring, Now: time.Now, Rand: rand.Reader}
	key := account.AccessKey{ID: "AKIAWORLDTEST0000001", Secret: "0123456789abcdef0123", Account: seller}
	for _, inactive := range []bool{false, true} {
		key.Inactive = inactive
		leaving, cancel := context.WithCancel(ctx)
		store.leave = cancel
		_, err := s.ApplyWorld(leaving, op, market.World{Directory: account.State{Keys: []account.AccessKey{key}}})
		if err != nil {
			t.Errorf("apply: %v", err)
		}
		if _, _, err := credentials.Lookup(ctx, key.ID, ""); (err == nil) == inactive {
			t.Errorf("inactive %v: lookup answers %v", inactive, err)
		}
	}
}
