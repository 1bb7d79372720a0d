package market_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

const (
	everything = ^market.Rights(0)
	rival      = "555566667777" // another seller
)

func reader(accountID string, rights market.Rights) market.Caller {
	return market.Caller{Account: accountID, ARN: "arn:aws:iam::" + accountID + ":root", Rights: rights}
}

// openScoped has two sellers, with two products and with three, whose buyers agree and use in turn.
func openScoped(t *testing.T) (*fixture, map[string][]string) {
	t.Helper()
	f := open(t)
	codes := map[string][]string{seller: {concurrent, legacy}}
	w := market.World{Directory: account.State{
		Accounts: []account.Account{{ID: rival, Name: "Rival", Seller: true}},
		Users:    []account.User{{Identity: account.Identity{Account: rival, Name: "u"}}, {Identity: account.Identity{Account: seller, Name: "u"}}},
		Keys:     []account.AccessKey{{ID: "AKIARIVALRIVALRIVAL1", Secret: "a secret of the rival's of this length..", Account: rival, User: "u"}, {ID: "AKIASELLERSELLERSEL1", Secret: "a secret of the seller's of this length.", Account: seller, User: "u"}},
	}}
	for i := range 3 {
		code := fmt.Sprintf("rivalproduct%d", i)
		codes[rival] = append(codes[rival], code)
		w.Products = append(w.Products, market.Product{Code: code, Seller: rival, Title: code, Kind: market.ConcurrentAgreements})
	}
	w.Offers = []market.Offer{{ID: "offer-private", ProductCode: codes[rival][0], Kind: market.PrivateOffer, Buyers: []string{second, "999999999999"}}}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	var batch []market.UsageRecord
	for i := range 60 {
		code := slices.Concat(codes[seller], codes[rival])[i%5]
		by := []string{buyer, second}[i%2]
		if code == legacy && i > 4 {
			continue
		}
		if i%3 == 0 { // some are accepted at the same instant
			f.now = f.now.Add(time.Minute)
		}
		a, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: code, Buyer: by, OfferID: offerOf(t, f, code)})
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, market.UsageRecord{
			ID: market.RecordID{byte(i)}, Timestamp: f.now.Add(time.Duration(i%7) * time.Hour), Quantity: int64(i), SubmittedAt: f.now,
			Series: market.Series{Region: "us-east-1", ProductCode: code, Buyer: by, LicenseARN: a.Agreement.LicenseARN, Dimension: "d"},
		})
	}
	if err := f.store.AppendUsage(ctx, batch, make([]market.Appended, len(batch))); err != nil {
		t.Fatal(err)
	}
	return f, codes
}

func offerOf(t *testing.T, f *fixture, code string) string {
	t.Helper()
	_, offers, err := f.Product(ctx, op, code)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range offers {
		if o.Kind == market.PublicOffer {
			return o.ID
		}
	}
	t.Fatalf("%s has no public offer", code)
	return ""
}

// What a seller pages through is what the operator sees of the seller's products, whatever the size of the pages.
func TestSellersReadTheirOwn(t *testing.T) {
	t.Parallel()
	f, codes := openScoped(t)
	all, err := f.Usage(ctx, op, market.UsageFilter{})
	if err != nil {
		t.Fatal(err)
	}
	agreements, err := f.Agreements(ctx, op, market.AgreementFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for of, own := range codes {
		c := reader(of, everything)
		wantUsage := slices.DeleteFunc(slices.Clone(all), func(u market.UsageRecord) bool { return !slices.Contains(own, u.Series.ProductCode) })
		wantAgreements := slices.DeleteFunc(slices.Clone(agreements), func(a market.Agreement) bool { return a.Seller != of })
		for _, limit := range []int{1, 2, 3, 7, 100, 0} {
			var got []market.UsageRecord
			for filter := (market.UsageFilter{Limit: limit}); ; filter.After = got[len(got)-1].Position {
				part, err := f.Usage(ctx, c, filter)
				if err != nil || limit > 0 && len(part) > limit {
					t.Fatal(err, len(part))
				}
				if got = append(got, part...); len(part) == 0 || limit == 0 {
					break
				}
			}
			if diff := cmp.Diff(wantUsage, got, cmpopts.IgnoreFields(market.UsageRecord{}, "Number")); diff != "" {
				t.Errorf("usage of %s by %d (-want +got):\n%s", of, limit, diff)
			}
			for _, byID := range []bool{false, true} {
				var list []market.Agreement
				for filter := (market.AgreementFilter{Limit: limit, ByID: byID}); ; {
					part, err := f.Agreements(ctx, c, filter)
					if err != nil {
						t.Fatal(err)
					}
					if list = append(list, part...); len(part) == 0 || limit == 0 {
						break
					}
					filter.After, filter.AfterID = list[len(list)-1].ID, list[len(list)-1].ID
					if byID {
						filter.After = ""
					}
				}
				want := slices.Clone(wantAgreements)
				if byID {
					slices.SortFunc(want, func(a, b market.Agreement) int { return slices.Compare([]byte(a.ID), []byte(b.ID)) })
				}
				if diff := cmp.Diff(want, list); diff != "" {
					t.Errorf("agreements of %s by %d, by id %v (-want +got):\n%s", of, limit, byID, diff)
				}
			}
		}
		n, err := f.CountUsage(ctx, c, market.UsageFilter{})
		if err != nil || n != int64(len(wantUsage)) {
			t.Errorf("%s has %d records (%v), want %d", of, n, err, len(wantUsage))
		}
		for _, by := range [][]market.UsageField{nil, {market.ByBuyer}, {market.ByHour, market.ByBuyer}, {market.ByProduct}, {market.ByDay, market.ByDimension, market.ByRegion}, {market.ByLicense}} {
			sums, err := f.SumUsage(ctx, c, market.UsageFilter{}, by)
			if err != nil {
				t.Fatal(err)
			}
			var want, got int64
			for _, u := range wantUsage {
				want += u.Quantity
			}
			seen := map[market.UsageSum]bool{}
			for _, s := range sums {
				got += s.Quantity
				s.Quantity, s.Records, s.Lag = 0, 0, 0
				if seen[s] {
					t.Errorf("%v: %+v stands twice", by, s)
				}
				seen[s] = true
			}
			if got != want {
				t.Errorf("%s used %d by %v, want %d", of, got, by, want)
			}
		}
		buyers, err := f.UsageBuyers(ctx, c, "", "", 1)
		if err != nil || len(buyers) != 1 || buyers[0] != second {
			t.Errorf("buyers: %v, %v", buyers, err)
		}
	}
}

// Whoever is not told to read reads nothing, and nobody but the operator changes anything.
func TestDefaultIsDeny(t *testing.T) {
	t.Parallel()
	f, codes := openScoped(t)
	a, err := f.Agreements(ctx, op, market.AgreementFilter{ProductCode: legacy, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	id := a[0].ID
	type call struct {
		read bool
		do   func(market.Caller) error
	}
	calls := map[string]call{
		"Products":   {true, func(c market.Caller) error { _, err := f.Products(ctx, c); return err }},
		"Product":    {true, func(c market.Caller) error { _, _, err := f.Product(ctx, c, legacy); return err }},
		"Accounts":   {true, func(c market.Caller) error { _, err := f.Accounts(ctx, c); return err }},
		"Account":    {true, func(c market.Caller) error { _, _, err := f.Account(ctx, c, buyer); return err }},
		"Agreements": {true, func(c market.Caller) error { _, err := f.Agreements(ctx, c, market.AgreementFilter{}); return err }},
		"Agreement":  {true, func(c market.Caller) error { _, _, err := f.Agreement(ctx, c, id); return err }},
		"Events": {true, func(c market.Caller) error {
			_, err := f.Events(ctx, c, market.EventFilter{AgreementID: id})
			return err
		}},
		"Usage":       {true, func(c market.Caller) error { _, err := f.Usage(ctx, c, market.UsageFilter{}); return err }},
		"CountUsage":  {true, func(c market.Caller) error { _, err := f.CountUsage(ctx, c, market.UsageFilter{}); return err }},
		"SumUsage":    {true, func(c market.Caller) error { _, err := f.SumUsage(ctx, c, market.UsageFilter{}, nil); return err }},
		"UsageBuyers": {true, func(c market.Caller) error { _, err := f.UsageBuyers(ctx, c, legacy, "", 0); return err }},
		"Own":         {true, func(c market.Caller) error { _, err := f.Own(ctx, c); return err }},
		"all Events":  {false, func(c market.Caller) error { _, err := f.Events(ctx, c, market.EventFilter{}); return err }},
		"Customers":   {false, func(c market.Caller) error { _, err := f.Customers(ctx, c); return err }},
		"World":       {false, func(c market.Caller) error { _, err := f.World(ctx, c); return err }},
		"Check":       {false, func(c market.Caller) error { _, err := f.Check(ctx, c); return err }},
		"Setting":     {false, func(c market.Caller) error { _, _, err := f.Setting(ctx, c, "clock"); return err }},
		"TokenKeys":   {false, func(c market.Caller) error { _, err := f.TokenKeys(ctx, c); return err }},
		"PutSetting":  {false, func(c market.Caller) error { return f.PutSetting(ctx, c, "x", "y") }},
		"ApplyWorld":  {false, func(c market.Caller) error { _, err := f.ApplyWorld(ctx, c, market.World{}); return err }},
		"Buy": {false, func(c market.Caller) error {
			_, err := f.Buy(ctx, c, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
			return err
		}},
		"SetUp":   {false, func(c market.Caller) error { _, err := f.SetUpAccount(ctx, c, id); return err }},
		"End":     {false, func(c market.Caller) error { _, err := f.End(ctx, c, id, market.Cancelled); return err }},
		"Suspend": {false, func(c market.Caller) error { _, err := f.Suspend(ctx, c, id); return err }},
		"Change": {false, func(c market.Caller) error {
			_, err := f.ChangeProduct(ctx, c, legacy, market.ProductChange{})
			return err
		}},
		"Settle": {false, func(c market.Caller) error { _, err := f.Settle(ctx, c); return err }},
		"Rotate": {false, func(c market.Caller) error { _, err := f.RotateTokenKey(ctx, c); return err }},
	}
	for name, call := range calls {
		for _, c := range []market.Caller{{}, caller(seller), {Rights: everything}} {
			if err := call.do(c); market.CodeOf(err) != market.Forbidden {
				t.Errorf("%s for %+v: %v", name, c, err)
			}
		}
		switch err := call.do(reader(seller, everything)); {
		case call.read && err != nil, !call.read && market.CodeOf(err) != market.Forbidden:
			t.Errorf("%s for a seller: %v", name, err)
		}
		if err := call.do(op); call.read && err != nil {
			t.Errorf("%s for the operator: %v", name, err)
		}
	}
	theirs := reader(rival, everything)
	if _, _, err := f.Agreement(ctx, theirs, id); market.CodeOf(err) != market.NotFound {
		t.Errorf("another's agreement: %v", err)
	}
	if _, _, err := f.Product(ctx, theirs, legacy); market.CodeOf(err) != market.NotFound {
		if p, _, _ := f.Product(ctx, reader(rival, everything&^market.ReadSubscriptions), legacy); p.Code != "" {
			t.Errorf("another's product: %+v, %v", p, err)
		}
	}
	if list, err := f.Events(ctx, theirs, market.EventFilter{AgreementID: id}); len(list) != 0 || err != nil {
		t.Errorf("another's history: %v, %v", list, err)
	}
	if list, err := f.Agreements(ctx, theirs, market.AgreementFilter{After: id}); len(list) != 0 || err != nil {
		t.Errorf("from another's place in the list: %v, %v", list, err)
	}
	if list, err := f.Usage(ctx, theirs, market.UsageFilter{ProductCode: legacy}); len(list) != 0 || err != nil {
		t.Errorf("another's usage: %v, %v", list, err)
	}
	dir, err := f.DirectoryState(ctx, theirs)
	if err != nil || len(dir.Accounts) != 1 || len(dir.Users) != 1 || len(dir.Keys) != 1 || dir.Keys[0].Account != rival || dir.Keys[0].Secret != "" {
		t.Errorf("the rival's account: %+v, %v", dir, err)
	}
	if own, err := f.Own(ctx, theirs); err != nil || own.All || own.Sells(legacy) || own.Sells("") || !own.Sells(codes[rival][1]) {
		t.Errorf("the rival's own: %+v, %v", own, err)
	}
}

// A buyer sees what it may buy and what it bought, and of others nothing.
func TestBuyersReadTheirOwn(t *testing.T) {
	t.Parallel()
	f, codes := openScoped(t)
	for _, who := range []string{buyer, second} {
		c := reader(who, market.ReadSubscriptions)
		list, err := f.Agreements(ctx, c, market.AgreementFilter{})
		if err != nil || len(list) == 0 || slices.ContainsFunc(list, func(a market.Agreement) bool { return a.Buyer != who }) {
			t.Errorf("%s has %d agreements (%v)", who, len(list), err)
		}
		_, offers, err := f.Product(ctx, c, codes[rival][0])
		private := slices.ContainsFunc(offers, func(o market.Offer) bool { return o.ID == "offer-private" })
		if err != nil || private != (who == second) {
			t.Errorf("%s is offered %v, %v", who, offers, err)
		}
		for _, o := range offers {
			if len(o.Buyers) > 1 {
				t.Errorf("%s learns of %v", who, o.Buyers)
			}
		}
		other := map[string]string{buyer: second, second: buyer}[who]
		if list, err := f.Agreements(ctx, c, market.AgreementFilter{Buyer: other}); len(list) != 0 || err != nil {
			t.Errorf("another buyer's: %v, %v", list, err)
		}
		if a, ok, err := f.Account(ctx, c, other); ok || err != nil {
			t.Errorf("another buyer is %v, %v", a, err)
		}
		if a, ok, err := f.Account(ctx, c, rival); !ok || a.Name != "Rival" || err != nil {
			t.Errorf("a seller is %v, %v", a, err)
		}
		if _, err := f.Usage(ctx, c, market.UsageFilter{}); market.CodeOf(err) != market.Forbidden {
			t.Errorf("usage: %v", err)
		}
	}
}
