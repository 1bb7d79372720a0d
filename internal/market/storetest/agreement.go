package storetest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

var agreementTests = []test{
	{"an empty store has none", func(t *testing.T, s market.Store) {
		mustList(t, agreements(t, s, market.AgreementFilter{}), nil)
		if _, ok := find(t, s, func(tx market.Tx) (market.Agreement, bool, error) { return tx.Agreement("none") }); ok {
			t.Error("an agreement that was never put is there")
		}
		if _, ok := find(t, s, func(tx market.Tx) (market.Agreement, bool, error) { return tx.AgreementByLicense("") }); ok {
			t.Error("an agreement that was never put is found by its license")
		}
	}},
	{"whatever is put can be got back equal, by id and by license", func(t *testing.T, s market.Store) {
		var want []market.Agreement
		for i, o := range odd() {
			want = append(want, market.Agreement{
				ID: o, ProductCode: o, OfferID: o, Seller: o, Buyer: o, Status: market.Status(o), Intent: market.Intent(o), PrecedingID: o,
				FreeTrial: i%2 == 0, LicenseARN: o, AcceptedAt: at(0), StartAt: at(time.Millisecond), EndAt: at(time.Hour),
				TermMonths: i, AutoRenew: i%3 == 0, SuspendedAt: at(time.Duration(i) * time.Second), Entitlements: oddEntitlements(i, o),
				Phase: market.Phase(o), DueAt: at(time.Minute),
			})
		}
		update(t, s, func(tx market.Tx) error { return each(want, tx.PutAgreement) })
		for _, a := range want {
			mustFind(t, s, a, func(tx market.Tx) (market.Agreement, bool, error) { return tx.Agreement(a.ID) })
			mustFind(t, s, a, func(tx market.Tx) (market.Agreement, bool, error) { return tx.AgreementByLicense(a.LicenseARN) })
		}
		// all were accepted at one instant: then the order is that of the ids' bytes
		mustEqual(t, agreements(t, s, market.AgreementFilter{}), byKey(want, func(a market.Agreement) string { return a.ID }))
	}},
	{"put replaces by id", func(t *testing.T, s market.Store) {
		for _, a := range []market.Agreement{
			{ID: "agmt-1", ProductCode: "p", Buyer: "b", Status: market.Active, FreeTrial: true, LicenseARN: "old", AcceptedAt: at(0), EndAt: at(1),
				Intent: market.IntentNew, TermMonths: 12, AutoRenew: true, Phase: market.Running, DueAt: at(0), Entitlements: oddEntitlements(1, "x")},
			{ID: "agmt-1", ProductCode: "q", Buyer: "c", Status: market.Cancelled, LicenseARN: "new", StartAt: at(time.Hour),
				Intent: market.IntentRenew, PrecedingID: "agmt-0", SuspendedAt: at(time.Hour), Phase: market.FinalHour, Entitlements: []market.Entitlement{}},
			{ID: "agmt-1", ProductCode: "q"},
		} {
			update(t, s, func(tx market.Tx) error { return tx.PutAgreement(a) })
			a.EndAt = a.EndAt.Truncate(time.Millisecond)
			mustEqual(t, agreements(t, s, market.AgreementFilter{}), []market.Agreement{a})
		}
		if _, ok := find(t, s, func(tx market.Tx) (market.Agreement, bool, error) { return tx.AgreementByLicense("old") }); ok {
			t.Error("the license from before still finds the agreement")
		}
	}},
	{"a list is in the order of acceptance, then of id", func(t *testing.T, s market.Store) {
		want := []market.Agreement{ // ids against the order of time; the zero time is before every other
			{ID: "z"}, {ID: "zz"},
			{ID: "y", AcceptedAt: time.UnixMilli(-1).UTC()},
			{ID: "x", AcceptedAt: time.UnixMilli(0).UTC()},
			{ID: "B", AcceptedAt: at(0)}, {ID: "a", AcceptedAt: at(0)}, {ID: "b", AcceptedAt: at(0)},
			{ID: "A", AcceptedAt: at(time.Millisecond)},
		}
		for i := range want {
			want[i].LicenseARN = fmt.Sprint(i)
		}
		update(t, s, func(tx market.Tx) error {
			for i := range want { // put in an order that is neither
				if err := tx.PutAgreement(want[(i*5+3)%len(want)]); err != nil {
					return err
				}
			}
			return nil
		})
		mustEqual(t, agreements(t, s, market.AgreementFilter{}), want)
		for i, a := range want {
			mustList(t, agreements(t, s, market.AgreementFilter{After: a.ID}), want[i+1:])
			mustList(t, agreements(t, s, market.AgreementFilter{Limit: i + 1}), want[:i+1])
		}
	}},
	{"filters hold together, and pages of any size make up the list", func(t *testing.T, s market.Store) {
		var all []market.Agreement
		for i := range 120 {
			all = append(all, market.Agreement{
				ID: fmt.Sprintf("agmt-%03d", (i*37)%120), LicenseARN: fmt.Sprint("l-", i),
				ProductCode: []string{"p", "P", "q"}[i%3], Buyer: []string{"1", "2"}[i%2],
				Status:     []market.Status{market.Active, market.Cancelled, market.Expired, market.Active}[i%4],
				AcceptedAt: at(time.Duration(i%7) * time.Second), PrecedingID: []string{"", "agmt-000", "agmt-001"}[i%3],
			})
		}
		update(t, s, func(tx market.Tx) error { return each(all, tx.PutAgreement) })
		slices.SortFunc(all, func(a, b market.Agreement) int {
			return cmp.Or(a.AcceptedAt.Compare(b.AcceptedAt), cmp.Compare(a.ID, b.ID))
		})
		for _, preceding := range []string{"agmt-000", "agmt-001", "none"} {
			want := slices.DeleteFunc(slices.Clone(all), func(a market.Agreement) bool { return a.PrecedingID != preceding || a.Status != market.Active })
			mustList(t, agreements(t, s, market.AgreementFilter{PrecedingID: preceding, Status: market.Active}), want)
		}
		for _, product := range []string{"", "p", "P", "q", "none"} {
			for _, buyer := range []string{"", "1", "2", "none"} {
				for _, status := range []market.Status{"", market.Active, market.Cancelled, market.Terminated} {
					f := market.AgreementFilter{ProductCode: product, Buyer: buyer, Status: status}
					want := slices.DeleteFunc(slices.Clone(all), func(a market.Agreement) bool {
						return product != "" && a.ProductCode != product || buyer != "" && a.Buyer != buyer || status != "" && a.Status != status
					})
					mustList(t, agreements(t, s, f), want)
					for _, size := range []int{1, 7, 120} {
						mustList(t, pages(t, s, f, size), want)
					}
				}
			}
		}
	}},
	{"a list by id goes on behind any id, there or not, whatever changes meanwhile", func(t *testing.T, s market.Store) {
		var all []market.Agreement
		for i, id := range []string{"", "A", "a", "a ", "b", "z", "ü"} { // accepted in the other order
			all = append(all, market.Agreement{
				ID: id, LicenseARN: id, ProductCode: []string{"p", "q"}[i%2], Buyer: []string{"1", "2", "3"}[i%3], Status: market.Active,
				AcceptedAt: at(-time.Duration(i) * time.Hour),
			})
		}
		update(t, s, func(tx market.Tx) error { return each(all, tx.PutAgreement) })
		for _, product := range []string{"", "p", "q"} {
			for _, buyer := range []string{"", "1"} {
				for _, after := range []string{"", "A", "B", "aa", "z", "\U0010ffff"} {
					f := market.AgreementFilter{ProductCode: product, Buyer: buyer, Status: market.Active, ByID: true, AfterID: after, After: "b"} // After is not heard
					want := slices.DeleteFunc(slices.Clone(all), func(a market.Agreement) bool {
						return product != "" && a.ProductCode != product || buyer != "" && a.Buyer != buyer || after != "" && a.ID <= after
					})
					mustList(t, agreements(t, s, f), want)
					f.Limit = 1
					mustList(t, agreements(t, s, f), want[:min(1, len(want))])
				}
			}
		}
		byTime := slices.Clone(all)
		slices.Reverse(byTime)
		mustEqual(t, agreements(t, s, market.AgreementFilter{AfterID: "b"}), byTime) // and AfterID not without ByID
		f := market.AgreementFilter{ByID: true, AfterID: "b"}
		moved := all[4]
		moved.AcceptedAt, moved.ProductCode = at(time.Hour), "elsewhere"
		update(t, s, func(tx market.Tx) error { return tx.PutAgreement(moved) })
		mustEqual(t, agreements(t, s, f), all[5:])
	}},
	{"what JSON cannot say is refused", func(t *testing.T, s market.Store) {
		bad := []market.Entitlement{{Dimension: "d", Value: market.Value{Type: market.Double, Double: math.NaN()}}}
		for name, put := range map[string]func(market.Tx) error{
			"agreement": func(tx market.Tx) error { return tx.PutAgreement(market.Agreement{ID: "a", Entitlements: bad}) },
			"offer":     func(tx market.Tx) error { return tx.PutOffer(market.Offer{ID: "o", Entitlements: bad}) },
		} {
			if err := s.Update(t.Context(), put); err == nil {
				t.Errorf("%s: a value that is no number is taken", name)
			}
		}
		mustList(t, agreements(t, s, market.AgreementFilter{}), nil)
	}},
	{"times are kept to the millisecond in UTC", func(t *testing.T, s market.Store) {
		for _, tt := range instants() {
			update(t, s, func(tx market.Tx) error {
				return tx.PutAgreement(market.Agreement{
					ID: "a", AcceptedAt: tt.put, StartAt: tt.put, EndAt: tt.put, SuspendedAt: tt.put, DueAt: tt.put,
				})
			})
			want := market.Agreement{ID: "a", AcceptedAt: tt.want, StartAt: tt.want, EndAt: tt.want, SuspendedAt: tt.want, DueAt: tt.want}
			mustEqual(t, agreements(t, s, market.AgreementFilter{}), []market.Agreement{want})
		}
	}},
}

// oddEntitlements are lists that tempt a store to change them: values of all types with the members of all types, and no list, and an empty one.
func oddEntitlements(i int, o string) []market.Entitlement {
	value := market.Value{Type: market.ValueType(o), Integer: math.MaxInt32, Double: math.SmallestNonzeroFloat64, Boolean: true, Text: o}
	return [][]market.Entitlement{
		nil, {},
		{{Dimension: o, Value: value}, {}, {Dimension: o}},
		{{Value: market.Value{Type: market.Double, Double: 0.1}}, {Value: market.Value{Double: -math.MaxFloat64}}, {Value: market.Value{Double: 1 << 53}}},
		{{Value: market.Value{Type: market.Integer, Integer: math.MaxInt64}}, {Value: market.Value{Integer: math.MinInt64}}},
	}[i%5]
}

func agreements(t testing.TB, s market.Store, f market.AgreementFilter) []market.Agreement {
	t.Helper()
	return read(t, s, func(tx market.Tx) ([]market.Agreement, error) { return tx.Agreements(f) })
}

// pages reads a list page by page.
func pages(t testing.TB, s market.Store, f market.AgreementFilter, size int) (all []market.Agreement) {
	t.Helper()
	f.Limit = size
	for {
		page := agreements(t, s, f)
		if len(page) > size {
			t.Fatalf("a page of %d has %d agreements", size, len(page))
		}
		all = append(all, page...)
		if len(page) < size {
			return all
		}
		f.After = page[len(page)-1].ID
	}
}
