package market_test

import (
	"context"
	"crypto/rand"
	"regexp"
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
	seller, buyer, second = "111122223333", "777788889999", "222233334444"
	legacy, concurrent    = "legacyproductcode00000000", "concurrentproduct00000000"
)

var (
	ctx = context.Background()
	op  = market.Operator()
)

func caller(accountID string) market.Caller {
	return market.Caller{Account: accountID, Region: "us-east-1"}
}

func world() market.World {
	return market.World{
		Directory: account.State{Accounts: []account.Account{
			{ID: seller, Name: "Seller", Seller: true}, {ID: buyer, Name: "Buyer", Buyer: true}, {ID: second, Name: "Second", Buyer: true},
			{ID: "999999999999", Name: "Gone", Buyer: true, Suspended: true},
		}},
		Products: []market.Product{
			{Code: legacy, Seller: seller, Title: "L", Kind: market.Legacy},
			{Code: concurrent, Seller: seller, Title: "C", Kind: market.ConcurrentAgreements},
		},
		Offers: []market.Offer{{ProductCode: legacy, Kind: market.FreeTrialOffer, TrialDays: 14}},
	}
}

// fixture is a Service over a store in memory, with a clock that a test moves.
type fixture struct {
	*market.Service
	store *sqlstore.Store
	now   time.Time
	wall  time.Time
}

func open(t *testing.T) *fixture {
	t.Helper()
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return openOver(t, store)
}

// openOver is open over a store that is the caller's to close.
func openOver(t *testing.T, store *sqlstore.Store) *fixture {
	t.Helper()
	var err error
	f := &fixture{store: store, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	f.Service, err = market.Open(ctx, market.Config{
		Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader, Regions: market.AWSRegions(),
		Now: func() time.Time { return f.now }, Wall: func() time.Time { return f.wall },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ApplyWorld(ctx, op, world()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) sound(t *testing.T) {
	t.Helper()
	problems, err := f.Check(ctx, op)
	if err != nil || len(problems) > 0 {
		t.Errorf("check: %v %v", problems, err)
	}
}

func TestBuyLegacy(t *testing.T) {
	f := open(t)
	p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]struct{ value, pattern string }{
		"agreement":  {p.Agreement.ID, `^agmt-[0-9a-z]{25}$`},
		"license":    {p.Agreement.LicenseARN, `^arn:aws:license-manager::294406891311:license:l-[0-9a-f]{32}$`},
		"customer":   {p.Customer.Identifier, `^[0-9A-Za-z]{12}$`},
		"offer":      {p.Agreement.OfferID, `^offer-[a-z2-7]{13}$`},
		"product id": {p.Product.ID, `^prod-[a-z2-7]{13}$`},
	} {
		if !regexp.MustCompile(form.pattern).MatchString(form.value) {
			t.Errorf("%s is %q, want the form %s", name, form.value, form.pattern)
		}
	}
	again, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil || !again.Existing || again.Agreement.ID != p.Agreement.ID || again.Token == p.Token {
		t.Errorf("buying again: existing %v, agreement %s, %v; want the same agreement and a new token", again.Existing, again.Agreement.ID, err)
	}
	other, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent, Buyer: buyer})
	if err != nil || other.Customer != p.Customer {
		t.Errorf("the customer is %v for another product, want %v for all", other.Customer, p.Customer)
	}
	f.sound(t)
}

func TestBuyConcurrent(t *testing.T) {
	f := open(t)
	a, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent, Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent, Buyer: buyer})
	if err != nil || b.Existing || a.Agreement.ID == b.Agreement.ID || a.Agreement.LicenseARN == b.Agreement.LicenseARN {
		t.Errorf("two purchases: %v and %v, %v; want two agreements, each with its license", a.Agreement, b.Agreement, err)
	}
	if a.CustomerIdentifier() != "" {
		t.Errorf("CustomerIdentifier is %q, want none", a.CustomerIdentifier())
	}
	f.sound(t)
}

func TestBuyRefusals(t *testing.T) {
	f := open(t)
	if _, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: second, FreeTrial: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		caller market.Caller
		in     market.PurchaseInput
		code   market.Code
	}{
		"not an operator":           {caller(seller), market.PurchaseInput{ProductCode: legacy}, market.Forbidden},
		"no such product":           {op, market.PurchaseInput{ProductCode: "x"}, market.NotFound},
		"no such buyer":             {op, market.PurchaseInput{ProductCode: legacy, Buyer: "123456789012"}, market.NotFound},
		"a seller buys":             {op, market.PurchaseInput{ProductCode: legacy, Buyer: seller}, market.Conflict},
		"suspended":                 {op, market.PurchaseInput{ProductCode: legacy, Buyer: "999999999999"}, market.Conflict},
		"no such offer":             {op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer, OfferID: "offer-x"}, market.NotFound},
		"no free trial":             {op, market.PurchaseInput{ProductCode: concurrent, Buyer: buyer, FreeTrial: true}, market.NotFound},
		"free trial while paying":   {op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer, FreeTrial: true}, market.Conflict},
		"set up what does not exit": {op, market.PurchaseInput{}, market.NotFound},
	} {
		if _, err := f.Buy(ctx, tt.caller, tt.in); market.CodeOf(err) != tt.code {
			t.Errorf("%s: %v, want %s", name, err, tt.code)
		}
	}
	if _, err := f.SetUpAccount(ctx, op, "agmt-x"); market.CodeOf(err) != market.NotFound {
		t.Errorf("set up an unknown agreement: %v", err)
	}
	f.sound(t)
}

func TestFreeTrial(t *testing.T) {
	f := open(t)
	p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, FreeTrial: true})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Agreement.FreeTrial || !p.Agreement.EndAt.Equal(f.now.AddDate(0, 0, 14)) {
		t.Errorf("agreement %+v, want a trial of 14 days", p.Agreement)
	}
}

// The life and the reuse that a product asks for hold for the next token; the market's defaults hold for those that ask for nothing.
func TestTokenSettings(t *testing.T) {
	f := open(t)
	life, single := 30*time.Minute, market.ReuseSingle
	if _, err := f.ChangeProduct(ctx, op, legacy, market.ProductChange{TokenLife: &life, TokenReuse: &single}); err != nil {
		t.Fatal(err)
	}
	p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy})
	if err != nil {
		t.Fatal(err)
	}
	if want := f.now.Add(life); !p.TokenExpiresAt.Equal(want) {
		t.Errorf("token expires at %s, want %s", p.TokenExpiresAt, want)
	}
	if _, err := f.ResolveCustomer(ctx, caller(seller), []byte(p.Token)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ResolveCustomer(ctx, caller(seller), []byte(p.Token)); market.CodeOf(err) != market.ExpiredToken {
		t.Errorf("second redemption: %v", err)
	}
	other, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent})
	if err != nil || !other.TokenExpiresAt.Equal(f.now.Add(4*time.Hour)) {
		t.Errorf("token of another product expires at %s, %v", other.TokenExpiresAt, err)
	}
	for name, change := range map[string]market.ProductChange{
		"life of 8 days":     {TokenLife: ptr(8 * 24 * time.Hour)},
		"life of a blink":    {TokenLife: ptr(time.Millisecond)},
		"reuse twice":        {TokenReuse: ptr(market.TokenReuse("twice"))},
		"relative URL":       {RegistrationURL: ptr("/register")},
		"URL of a script":    {RegistrationURL: ptr("javascript:alert(1)")},
		"URL without a host": {RegistrationURL: ptr("http:///x")},
	} {
		if _, err := f.ChangeProduct(ctx, op, legacy, change); market.CodeOf(err) != market.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// Sealing keys rotate by themselves, and retire when they can have no living token any more.
func TestKeyRotation(t *testing.T) {
	f := open(t)
	buy := func() market.Purchase {
		t.Helper()
		p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	keys := func() (all, retired int) {
		t.Helper()
		list, err := f.TokenKeys(ctx, op)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range list {
			if k.Retired {
				retired++
			}
			if k.Secret != [32]byte{} {
				t.Error("a secret is listed")
			}
		}
		return len(list), retired
	}
	first := buy()
	f.wall = f.wall.Add(25 * time.Hour)
	buy()
	if all, retired := keys(); all != 2 || retired != 0 {
		t.Errorf("after a day: %d keys, %d retired; want 2, 0", all, retired)
	}
	if _, err := f.ResolveCustomer(ctx, caller(seller), []byte(first.Token)); err != nil {
		t.Errorf("token under the older key: %v", err)
	}
	f.wall = f.wall.Add(8 * 24 * time.Hour)
	buy()
	if all, retired := keys(); all != 3 || retired != 1 {
		t.Errorf("after nine days: %d keys, %d retired; want 3, 1", all, retired)
	}
	if _, err := f.ResolveCustomer(ctx, caller(seller), []byte(first.Token)); market.CodeOf(err) != market.InvalidToken {
		t.Errorf("token under the retired key: %v", err)
	}
}

func TestApplyWorldIsIdempotent(t *testing.T) {
	f := open(t)
	w := world()
	w.Agreements = []market.Agreement{
		{ProductCode: concurrent, Buyer: buyer}, {ProductCode: concurrent, Buyer: buyer}, {ProductCode: legacy, Buyer: second, FreeTrial: true},
		{ID: "agmt-fixed", ProductCode: legacy, Buyer: buyer, LicenseARN: "arn:aws:license-manager::294406891311:license:l-fixed"},
	}
	first, err := f.ApplyWorld(ctx, op, w)
	if err != nil {
		t.Fatal(err)
	}
	if first.Created != 4 {
		t.Errorf("first time: %+v, want 4 created", first)
	}
	before, err := f.World(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(time.Hour)
	again, err := f.ApplyWorld(ctx, op, w)
	if err != nil || again.Created != 0 || again.Updated != 0 {
		t.Errorf("again: %+v, %v; want nothing changed", again, err)
	}
	round, err := f.ApplyWorld(ctx, op, before) // what World tells is what ApplyWorld takes
	if err != nil || round.Created != 0 || round.Updated != 0 {
		t.Errorf("its own export: %+v, %v; want nothing changed", round, err)
	}
	after, err := f.World(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, after, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("world changed (-before +after):\n%s", d)
	}
	f.sound(t)
}

// Everything that is wrong is reported, and then nothing is changed.
func TestApplyWorldProblems(t *testing.T) {
	f := open(t)
	before, err := f.World(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer}); err != nil {
		t.Fatal(err)
	}
	id := func(name string) account.Identity { return account.Identity{Account: seller, Name: name} }
	attached := id("attached")
	attached.Attached = []string{"NoSuchPolicy"}
	inline := id("inline")
	inline.Inline = []account.Inline{{Name: "P", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}`}}
	w := market.World{
		Directory: account.State{
			Accounts: []account.Account{{ID: "123"}, {ID: "555566667777", Name: "New", Buyer: true}},
			Policies: []account.Policy{{Account: "000000000000", Name: "x", Document: "{}"}},
			Users:    []account.User{{Identity: attached}, {Identity: inline}, {Identity: id("bad name")}},
			Roles:    []account.Role{{Identity: account.Identity{Account: seller, Name: "r", Boundary: "None"}}},
			Keys:     []account.AccessKey{{ID: "short", Account: seller}, {ID: "ASIA0000000000000000", Account: seller}, {ID: "AKIA0000000000000000", Account: seller, User: "nobody"}},
		},
		Products: []market.Product{
			{Code: "bad code!", Seller: seller, Kind: market.Legacy}, {Code: "p2", Seller: buyer, Kind: market.Legacy}, {Code: "p3", Seller: seller, Kind: "odd"},
			{Code: legacy, Seller: seller, Kind: market.ConcurrentAgreements},
			{Code: "p5", Seller: seller, Kind: market.Legacy, RegistrationURL: "ftp://x", Dimensions: []market.Dimension{{Key: "d", Kind: "x"}, {Key: "d", Kind: market.Metered}}},
		},
		Offers:     []market.Offer{{ProductCode: "none", Kind: market.PublicOffer}, {ProductCode: legacy, Kind: market.FreeTrialOffer, TrialDays: 5}},
		Agreements: []market.Agreement{{ProductCode: "none", Buyer: "none"}, {ProductCode: legacy, Buyer: buyer, ID: "agmt-second"}, {ProductCode: legacy, Buyer: second, Status: "ODD"}},
	}
	_, err = f.ApplyWorld(ctx, op, w)
	if market.CodeOf(err) != market.Invalid {
		t.Fatalf("ApplyWorld = %v, want Invalid", err)
	}
	var e *market.Error
	if !asError(err, &e) {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, p := range e.Problems {
		got.WriteString(p.Path + "\n")
	}
	for _, path := range []string{
		"accounts[0].id", "policies[0].account", "users[0].attached[0]", "users[1].policies[0].document", "users[2].name", "roles[0].boundary",
		"access_keys[0].id", "access_keys[1].id", "access_keys[2].user", "products[0].code", "products[1].seller", "products[2].kind", "products[3]\n",
		"products[4]\n", "products[4].dimensions[0].kind", "products[4].dimensions[1].key", "offers[0].product", "offers[1].trial_days",
		"agreements[0].product", "agreements[0].buyer", "agreements[1]\n", "agreements[2].status",
	} {
		if !strings.Contains(got.String(), path) {
			t.Errorf("nothing is said of %s", path)
		}
	}
	after, err := f.World(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before.Directory, after.Directory); d != "" {
		t.Errorf("something was changed all the same:\n%s", d)
	}
}

func asError(err error, target **market.Error) bool {
	e, ok := err.(*market.Error)
	*target = e
	return ok
}

// Each invariant that Check knows, broken behind the Service's back.
func TestCheckFinds(t *testing.T) {
	f := open(t)
	p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	f.sound(t)
	for name, tt := range map[string]struct {
		spoil func(market.Tx) error
		want  string
	}{
		"two active agreements": {func(tx market.Tx) error {
			a := p.Agreement
			a.ID, a.LicenseARN = "agmt-second", "arn:aws:license-manager::294406891311:license:l-second"
			return tx.PutAgreement(a)
		}, "beside agreement"},
		"unknown product": {func(tx market.Tx) error {
			return tx.PutAgreement(market.Agreement{ID: "agmt-x", ProductCode: "none", Buyer: buyer, OfferID: p.Agreement.OfferID, LicenseARN: "x", Status: market.Active})
		}, `product "none" does not exist`},
		"buyer without a customer": {func(tx market.Tx) error {
			a := p.Agreement
			a.ID, a.Buyer, a.LicenseARN = "agmt-y", second, "y"
			return tx.PutAgreement(a)
		}, "has no CustomerIdentifier"},
		"ends before it starts": {func(tx market.Tx) error {
			a := p.Agreement
			a.EndAt = a.StartAt.Add(-time.Hour)
			return tx.PutAgreement(a)
		}, "ends before it starts"},
		"policy that does not parse": {func(tx market.Tx) error {
			return tx.PutPolicy(account.Policy{Account: seller, Name: "Broken", Document: "{"})
		}, "Broken"},
		"offer of nothing": {func(tx market.Tx) error {
			return tx.PutOffer(market.Offer{ID: "offer-x", ProductCode: "none", Kind: market.PublicOffer})
		}, `product "none" does not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			var found []market.Problem
			errUndo := context.Canceled // any error rolls the spoiling back
			err := f.store.Update(ctx, func(tx market.Tx) error {
				if err := tt.spoil(tx); err != nil {
					return err
				}
				var err error
				if found, err = market.CheckTx(tx); err != nil {
					return err
				}
				return errUndo
			})
			if err != errUndo {
				t.Fatal(err)
			}
			var all []string
			for _, p := range found {
				all = append(all, p.String())
			}
			if !strings.Contains(strings.Join(all, "\n"), tt.want) {
				t.Errorf("found %q, want something with %q", all, tt.want)
			}
		})
	}
}

// Notes of redeemed tokens go when the tokens have expired.
func TestRedeemedTokensAreForgotten(t *testing.T) {
	f := open(t)
	single := market.ReuseSingle
	if _, err := f.ChangeProduct(ctx, op, legacy, market.ProductChange{TokenReuse: &single}); err != nil {
		t.Fatal(err)
	}
	redeem := func() {
		t.Helper()
		p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.ResolveCustomer(ctx, caller(seller), []byte(p.Token)); err != nil {
			t.Fatal(err)
		}
	}
	redeem()
	f.now = f.now.Add(5 * time.Hour)
	redeem()
	left := 0
	if err := f.store.Update(ctx, func(tx market.Tx) (err error) {
		left, err = tx.ForgetTokens(f.now.Add(24 * time.Hour))
		return err
	}); err != nil || left != 1 {
		t.Errorf("%d notes are left, want that of the living token; %v", left, err)
	}
}

// A suspended buyer gets no more tokens.
func TestSetUpAccountOfSuspended(t *testing.T) {
	f := open(t)
	p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	w := market.World{Directory: account.State{Accounts: []account.Account{{ID: buyer, Name: "Buyer", Buyer: true, Suspended: true}}}}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetUpAccount(ctx, op, p.Agreement.ID); market.CodeOf(err) != market.Conflict {
		t.Errorf("SetUpAccount = %v, want Conflict", err)
	}
}

// A free trial ends by the market's clock; after that the product can be bought, and the trial not be had again.
func TestFreeTrialEnds(t *testing.T) {
	f := open(t)
	trial, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer, FreeTrial: true})
	if err != nil {
		t.Fatal(err)
	}
	f.now = f.now.AddDate(0, 0, 14)
	if _, err := f.SetUpAccount(ctx, op, trial.Agreement.ID); market.CodeOf(err) != market.Conflict {
		t.Errorf("set up after the end: %v, want Conflict", err)
	}
	list := func(s market.Status) int {
		t.Helper()
		l, err := f.Agreements(ctx, op, market.AgreementFilter{Status: s})
		if err != nil {
			t.Fatal(err)
		}
		return len(l)
	}
	if list(market.Active) != 0 || list(market.Expired) != 1 {
		t.Errorf("%d active and %d expired, want 0 and 1", list(market.Active), list(market.Expired))
	}
	paid, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil || paid.Existing || paid.Agreement.ID == trial.Agreement.ID {
		t.Errorf("buying after the trial: %+v, %v", paid.Agreement, err)
	}
	if a, _, err := f.Agreement(ctx, op, trial.Agreement.ID); err != nil || a.Status != market.Expired {
		t.Errorf("the trial is %s, %v", a.Status, err)
	}
	if _, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer, FreeTrial: true}); market.CodeOf(err) != market.Conflict {
		t.Errorf("a second trial: %v, want Conflict", err)
	}
	f.sound(t)
}

// A wall clock that is stepped back does not keep a new key from sealing.
func TestRotateAfterClockStepsBack(t *testing.T) {
	f := open(t)
	f.wall = f.wall.Add(-time.Hour)
	k, err := f.RotateTokenKey(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := f.TokenKeys(ctx, op)
	if err != nil || len(keys) != 2 || keys[1].ID != k.ID {
		t.Fatalf("keys %v, %v: the new one is not the newest", keys, err)
	}
	if err := f.RetireTokenKey(ctx, op, keys[0].ID.String()); err != nil {
		t.Errorf("retire the old key: %v", err)
	}
	if _, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy}); err != nil {
		t.Error(err)
	}
}

// hangUp is a store whose caller leaves the moment that a change is durable.
type hangUp struct {
	market.Store
	leave context.CancelFunc
}

func (h *hangUp) Update(ctx context.Context, fn func(market.Tx) error) error {
	err := h.Store.Update(ctx, fn)
	if h.leave != nil {
		h.leave()
	}
	return err
}

// A change holds here even if whoever made it did not wait for the answer.
func TestChangeHoldsAfterHangUp(t *testing.T) {
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	h := &hangUp{Store: store}
	dir := new(account.Directory)
	s, err := market.Open(ctx, market.Config{Store: h, Directory: dir, Ring: new(keyring.Ring), Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	leaving, cancel := context.WithCancel(ctx)
	h.leave = cancel
	if _, err := s.ApplyWorld(leaving, op, world()); err != nil {
		t.Fatal(err)
	}
	if _, ok := dir.Account(buyer); !ok {
		t.Error("the account is in the store, and the directory does not know it")
	}
}
