package market_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// A world cannot take away what usage was metered in: the agreement's time, or the dimension.
func TestWorldKeepsUsage(t *testing.T) {
	m := openMetering(t)
	m.want("Success", legacy, m.usage("calls", 1))
	refused := func(want string, change func(*market.World)) {
		t.Helper()
		w, err := m.World(ctx, op)
		if err != nil {
			t.Fatal(err)
		}
		change(&w)
		if _, err := m.ApplyWorld(ctx, op, w); !strings.Contains(wants(err), want) {
			t.Errorf("got %q, want %q", wants(err), want)
		}
		m.sound(t)
	}
	agreement := func(w *market.World) *market.Agreement {
		for i := range w.Agreements {
			if w.Agreements[i].ID == m.agreement.ID {
				return &w.Agreements[i]
			}
		}
		t.Fatal("the agreement is gone")
		return nil
	}
	refused("start_at: agreement "+m.agreement.ID+" cannot start later", func(w *market.World) { agreement(w).StartAt = m.now })
	refused("end_at: agreement "+m.agreement.ID+" cannot have ended earlier", func(w *market.World) {
		a := agreement(w)
		a.Status, a.EndAt = market.Cancelled, m.now.Add(-3*time.Hour)
	})
	refused(`dimension "calls" has usage`, func(w *market.World) {
		for i := range w.Products {
			if w.Products[i].Code == legacy {
				w.Products[i].Dimensions = w.Products[i].Dimensions[1:]
			}
		}
	})
}

// The longest key that a dimension can have still makes a page token that is taken.
func TestPageTokenOfALongKey(t *testing.T) {
	f := open(t)
	const code = "longkeysproductcode000000"
	long := strings.Repeat("界", 254)
	w := market.World{Products: []market.Product{{Code: code, Seller: seller, Title: "K", Kind: market.ConcurrentAgreements,
		Dimensions: []market.Dimension{{Key: long + "a", Kind: market.Entitled}, {Key: long + "b", Kind: market.Entitled}}}}}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: code, Buyer: buyer}); err != nil {
		t.Fatal(err)
	}
	in := market.EntitlementsInput{ProductCode: code, MaxResults: 1}
	_, next, err := f.GetEntitlements(ctx, caller(seller), &in, nil)
	if err != nil || next == "" {
		t.Fatal(next, err)
	}
	in.NextToken = next
	items, next, err := f.GetEntitlements(ctx, caller(seller), &in, nil)
	if err != nil || next != "" || len(items) != 1 || items[0].Dimension != long+"b" {
		t.Errorf("%v, %q, %v", items, next, err)
	}
}
