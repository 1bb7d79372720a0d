package market_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// used puts a usage record into the store, past the rules of metering.
func (f *fixture) used(t *testing.T, at time.Time, product, account, license, dimension string, quantity int64) {
	t.Helper()
	r := market.UsageRecord{
		Series:    market.Series{Region: "us-east-1", ProductCode: product, Buyer: account, LicenseARN: license, Dimension: dimension},
		Timestamp: at, SubmittedAt: at, Quantity: quantity,
	}
	binary.BigEndian.PutUint64(r.ID[:], uint64(at.UnixNano())+uint64(quantity)<<8)
	out := make([]market.Appended, 1)
	if err := f.store.AppendUsage(ctx, []market.UsageRecord{r}, out); err != nil || !out[0].Inserted {
		t.Fatalf("%+v: %+v, %v", r, out, err)
	}
}

// billed is a bill in lines of text.
func (f *fixture) billed(t *testing.T, q market.BillQuery) (lines []string) {
	t.Helper()
	b, err := f.Bill(ctx, op, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range b.Dimensions {
		lines = append(lines, fmt.Sprintf("all %s: %d in %d by %d, %s %v", d.Dimension, d.Quantity, d.Records, d.Buyers, d.Amount, d.Unpriced))
	}
	for _, of := range b.Buyers {
		for _, line := range of.Lines {
			lines = append(lines, fmt.Sprintf("%s %s on %s: %d at %q, %s", of.Buyer, line.Dimension, line.OfferID, line.Quantity, line.Price, line.Amount))
		}
		for _, charge := range of.Contracts {
			lines = append(lines, fmt.Sprintf("%s contract on %s: %s %v", of.Buyer, charge.OfferID, charge.Amount, charge.Unpriced))
		}
		lines = append(lines, fmt.Sprintf("%s: %s %v", of.Buyer, of.Total, of.Unpriced))
	}
	return append(lines, fmt.Sprintf("%s: %s + %s = %s %v", b.Month.Format("2006-01"), b.Usage, b.Contracts, b.Total, b.Unpriced))
}

func TestTheBillOfAMonth(t *testing.T) {
	f := openLife(t)
	if _, err := f.ApplyWorld(ctx, op, pricedWorld()); err != nil {
		t.Fatal(wants(err))
	}
	contract := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, OfferID: "offer-mixed"}) // January 31
	f.now = time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)
	private := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, Buyer: second, OfferID: privateOffer})
	later := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, Buyer: second, OfferID: privateOffer, StartAt: f.now.AddDate(0, 0, 20)})
	f.buys(t, market.PurchaseInput{ProductCode: mixedCode, Buyer: second, OfferID: privateOffer, StartAt: f.now.AddDate(0, 0, 1)})
	trial := f.buys(t, market.PurchaseInput{ProductCode: mixedCode, OfferID: "offer-trial", Buyer: second})
	f.now = time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC)
	day := time.Date(2026, 2, 3, 4, 0, 0, 0, time.UTC)
	f.used(t, day, mixedCode, buyer, contract.LicenseARN, "calls", 1000)
	f.used(t, day.AddDate(0, 0, 2), mixedCode, buyer, contract.LicenseARN, "calls", 1)
	f.used(t, day, mixedCode, buyer, contract.LicenseARN, "odd", 5)
	f.used(t, day, mixedCode, buyer, contract.LicenseARN, "gone", 3)
	f.used(t, day, mixedCode, second, private.LicenseARN, "calls", 2000)
	f.used(t, day, mixedCode, second, trial.LicenseARN, "calls", 77)
	f.used(t, day.AddDate(0, 1, 0), mixedCode, buyer, contract.LicenseARN, "calls", 9) // in March
	if later.EndAt.IsZero() {
		t.Fatal("a contract has no end")
	}
	first := []string{
		buyer + ` calls on offer-mixed: 1001 at "0.0025", $2.5025`,
		buyer + ` odd on offer-mixed: 5 at "", $0.00`,
		buyer + ` gone on offer-mixed: 3 at "", $0.00`,
		buyer + ": $2.5025 true",
	}
	want := []string{
		"all calls: 3078 in 4 by 2, $2.5025 false", "all odd: 5 in 1 by 1, $0.00 true", "all gone: 3 in 1 by 1, $0.00 true",
		second + ` calls on offer-private: 2000 at "0", $0.00`,
		second + ` calls on offer-trial: 77 at "0", $0.00`,
		second + " contract on offer-private: $696.50 false", second + " contract on offer-private: $696.50 false", // not the one of the 21st
		second + ": $1,393.00 false",
	}
	want = append(append(want, first...), "2026-02: $2.5025 + $1,393.00 = $1,395.5025 true")
	if diff := cmp.Diff(want, f.billed(t, market.BillQuery{ProductCode: mixedCode})); diff != "" {
		t.Errorf("February (-want +got):\n%s", diff)
	}
	want = append([]string{"all calls: 1001 in 2 by 1, $2.5025 false", "all odd: 5 in 1 by 1, $0.00 true", "all gone: 3 in 1 by 1, $0.00 true"}, first...)
	want = append(want, "2026-02: $2.5025 + $0.00 = $2.5025 true")
	if diff := cmp.Diff(want, f.billed(t, market.BillQuery{ProductCode: mixedCode, Buyer: buyer, Month: day})); diff != "" {
		t.Errorf("of one (-want +got):\n%s", diff)
	}
	want = []string{buyer + " contract on offer-mixed: $120.00 false", buyer + ": $120.00 false", "2026-01: $0.00 + $120.00 = $120.00 false"}
	if diff := cmp.Diff(want, f.billed(t, market.BillQuery{ProductCode: mixedCode, Month: time.Date(2026, 1, 31, 23, 59, 0, 0, time.UTC)})); diff != "" {
		t.Errorf("January (-want +got):\n%s", diff)
	}
	if got := f.billed(t, market.BillQuery{ProductCode: mixedCode, Month: day.AddDate(9, 0, 0)}); len(got) != 1 {
		t.Errorf("a month to come: %q", got)
	}
	if _, err := f.Bill(ctx, op, market.BillQuery{ProductCode: "none"}); market.CodeOf(err) != market.NotFound {
		t.Errorf("of a product that there is not: %v", err)
	}
	if _, err := f.Bill(ctx, caller(second), market.BillQuery{ProductCode: mixedCode}); err == nil {
		t.Error("whoever has no rights gets a bill")
	}
}

// What was metered by product code is charged on the agreement of its hour.
func TestABuyerGoesFromATrialToPaying(t *testing.T) {
	const code = "legacybill000000000000000"
	f := openLife(t)
	w := market.World{
		Products: []market.Product{{Code: code, Seller: seller, Kind: market.Legacy, Dimensions: []market.Dimension{{Key: "calls", Kind: market.Metered, Price: "1"}}}},
		Offers: []market.Offer{
			{ID: "offer-paid", ProductCode: code, Kind: market.PublicOffer}, {ID: "offer-week", ProductCode: code, Kind: market.FreeTrialOffer, TrialDays: 7},
		},
	}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(wants(err))
	}
	f.now = time.Date(2026, 2, 1, 0, 30, 0, 0, time.UTC)
	f.buys(t, market.PurchaseInput{ProductCode: code, OfferID: "offer-week"})
	f.now = f.now.AddDate(0, 0, 9)
	f.buys(t, market.PurchaseInput{ProductCode: code, OfferID: "offer-paid"})
	for _, u := range []struct{ day, hour, quantity int }{{3, 10, 5}, {8, 0, 1}, {9, 3, 2}, {10, 0, 20}, {10, 1, 300}} {
		f.used(t, time.Date(2026, 2, u.day, u.hour, 45, 0, 0, time.UTC), code, buyer, "", "calls", int64(u.quantity))
	}
	f.used(t, time.Date(2026, 2, 3, 1, 0, 0, 0, time.UTC), code, second, "", "calls", 4000) // who never bought
	f.now = f.now.AddDate(0, 0, 1)
	want := []string{
		"all calls: 4328 in 6 by 2, $4,320.00 false",
		second + ` calls on : 4000 at "1", $4,000.00`,
		second + ": $4,000.00 false",
		buyer + ` calls on offer-paid: 320 at "1", $320.00`,
		buyer + ` calls on offer-week: 8 at "0", $0.00`, // the one of the gap, too: it came after the trial
		buyer + ": $320.00 false",
		"2026-02: $4,320.00 + $0.00 = $4,320.00 false",
	}
	if diff := cmp.Diff(want, f.billed(t, market.BillQuery{ProductCode: code})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
