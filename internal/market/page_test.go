package market_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

func accountOf(id string) account.Account { return account.Account{ID: id, Name: id, Buyer: true} }

// While agreements come, go, are suspended, and change what they entitle to, every entitlement that is there all the time is seen exactly once,
// and none is seen twice.
func TestPagesWhileAgreementsChange(t *testing.T) {
	s := openShelf(t)
	keys := []string{"gb", "seats", "sso", "tier"}
	rapid.Check(t, func(r *rapid.T) {
		state := map[int]market.Agreement{}
		change := func(number int) {
			a := s.held(number, concurrent, buyer, 1, func(a *market.Agreement) { a.Entitlements = nil })
			for _, key := range rapid.SliceOfDistinct(rapid.SampledFrom(keys), rapid.ID[string]).Draw(r, "dimensions") {
				a.Entitlements = append(a.Entitlements, market.Entitlement{Dimension: key, Value: market.Value{Type: market.Integer, Integer: 1}})
			}
			switch rapid.IntRange(0, 4).Draw(r, "state") {
			case 0:
				a.SuspendedAt = s.now
			case 1:
				a.EndAt = s.now
			}
			state[number] = a
		}
		live := func() map[string]bool {
			set := map[string]bool{}
			for number, a := range state {
				for _, e := range a.Entitlements {
					if a.Live(s.now) {
						set[fmt.Sprint(number, " ", e.Dimension)] = true
					}
				}
			}
			return set
		}
		store := func() {
			var list []market.Agreement
			for _, a := range state {
				list = append(list, a)
			}
			s.put(t, list...)
		}
		const agreements = 12
		for number := range agreements {
			change(number)
		}
		store()
		in := query(concurrent, pageOf(rapid.IntRange(1, 6).Draw(r, "page")))
		if rapid.Bool().Draw(r, "by account") {
			in.CustomerAccounts = []string{buyer}
		}
		throughout, seen := live(), map[string]int{}
		for page := *in; ; {
			items, next, err := s.GetEntitlements(ctx, caller(seller), &page, nil)
			if err != nil {
				r.Fatal(err)
			}
			for _, item := range items {
				seen[short(item)]++
			}
			if next == "" {
				break
			}
			page.NextToken = next
			for _, number := range rapid.SliceOfN(rapid.IntRange(0, agreements-1), 0, 3).Draw(r, "changed") {
				change(number)
			}
			store()
			now := live()
			for key := range throughout {
				if !now[key] {
					delete(throughout, key)
				}
			}
		}
		for key := range throughout {
			if seen[key] != 1 {
				r.Fatalf("%s was there all the time, and was seen %d times", key, seen[key])
			}
		}
		for key, n := range seen {
			if n > 1 {
				r.Fatalf("%s was seen %d times", key, n)
			}
		}
	})
}

// BenchmarkGetEntitlements asks for one customer's entitlements, as sellers do, in the domain alone.
func BenchmarkGetEntitlements(b *testing.B) {
	for _, n := range []int{1, 25} {
		for _, order := range []string{"sorted", "unsorted"} {
			b.Run(fmt.Sprint(n, " ", order), func(b *testing.B) { benchmarkEntitlements(b, n, order == "sorted") })
		}
	}
}

func benchmarkEntitlements(b *testing.B, n int, sorted bool) {
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	s, err := market.Open(ctx, market.Config{Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader, Regions: market.AWSRegions()})
	if err != nil {
		b.Fatal(err)
	}
	w := world()
	w.Products[1].Dimensions = nil
	a := market.Agreement{ID: "agmt-1", ProductCode: concurrent, OfferID: "offer-x", Seller: seller, Buyer: buyer, Status: market.Active, LicenseARN: "arn:x", StartAt: s.Now().Add(-time.Hour)}
	for i := range n {
		number := i
		if !sorted {
			number = i * 7 % 25
		}
		key := fmt.Sprintf("dimension%02d", number)
		w.Products[1].Dimensions = append(w.Products[1].Dimensions, market.Dimension{Key: key, Kind: market.Entitled})
		a.Entitlements = append(a.Entitlements, market.Entitlement{Dimension: key, Value: market.Value{Type: market.Integer, Integer: 1}})
	}
	if _, err := s.ApplyWorld(ctx, op, w); err != nil {
		b.Fatal(err)
	}
	if err := store.Update(ctx, func(tx market.Tx) error { return tx.PutAgreement(a) }); err != nil {
		b.Fatal(err)
	}
	c := caller(seller)
	in := query(concurrent, accountsOf(buyer))
	room := make([]market.EntitlementItem, 0, n)
	b.ReportAllocs()
	for b.Loop() {
		c.Now = s.Now()
		items, _, err := s.GetEntitlements(ctx, c, in, room)
		if err != nil || len(items) != n {
			b.Fatal(len(items), err)
		}
	}
}
