package market_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// An agreement that follows another on other terms has the quantities and the length of those terms; on the same ones, what it had.
func TestFollowingOnAnotherOffer(t *testing.T) {
	f := open(t)
	const code = "contractproductcode000000"
	seats := func(n int64) []market.Entitlement {
		return []market.Entitlement{{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: n}}}
	}
	w := market.World{
		Products: []market.Product{{Code: code, Seller: seller, Title: "K", Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{{Key: "seats", Kind: market.Entitled}}}},
		Offers: []market.Offer{
			{ID: "offer-public", ProductCode: code, Kind: market.PublicOffer, TermMonths: 12, Entitlements: seats(5)},
			{ID: "offer-private", ProductCode: code, Kind: market.PrivateOffer, Buyers: []string{buyer}, TermMonths: 36, Entitlements: seats(100)},
		},
	}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: code, Buyer: buyer, Entitlements: seats(7)})
	if err != nil {
		t.Fatal(err)
	}
	same, err := f.Replace(ctx, op, p.Agreement.ID, market.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(seats(7), same.Entitlements); diff != "" || same.TermMonths != 12 {
		t.Errorf("on the same offer, for %d months:\n%s", same.TermMonths, diff)
	}
	private, err := f.Replace(ctx, op, same.ID, market.Terms{OfferID: "offer-private"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(seats(100), private.Entitlements); diff != "" || private.TermMonths != 36 {
		t.Errorf("on the private offer, for %d months:\n%s", private.TermMonths, diff)
	}
	next, err := f.Renew(ctx, op, private.ID, market.Terms{OfferID: "offer-public", Entitlements: seats(9), TermMonths: 2})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(seats(9), next.Entitlements); diff != "" || next.TermMonths != 2 {
		t.Errorf("as asked for, for %d months:\n%s", next.TermMonths, diff)
	}
	f.sound(t)
}

// What the request record says of an agreement that takes no usage is true of it.
func TestBatchSaysWhyNot(t *testing.T) {
	m := openMetering(t)
	later, err := m.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: second, StartAt: m.now.Add(24 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	who := func(u *market.UsageInput) { u.CustomerAWSAccountID = []byte(second) }
	if out := m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1, who)); !strings.Contains(out.Note, "has not started") {
		t.Errorf("before its start: %s", out.Note)
	}
	if _, err := m.End(ctx, op, later.Agreement.ID, market.Cancelled); err != nil {
		t.Fatal(err)
	}
	if out := m.want("CustomerNotSubscribed", legacy, m.usage("calls", 1, who)); !strings.Contains(out.Note, "cancelled before it started") {
		t.Errorf("cancelled before its start: %s", out.Note)
	}
}
