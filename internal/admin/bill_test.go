package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// The bill of the metered site, once its product has prices.
func TestBill(t *testing.T) {
	t.Parallel()
	s, p, hour := metered(t)
	ctx := t.Context()
	w, err := s.service.World(ctx, market.Operator())
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.Products {
		if w.Products[i].Code == vault {
			for j := range w.Products[i].Dimensions {
				if d := &w.Products[i].Dimensions[j]; d.Key == "calls" {
					d.Price = "0.0025"
				} else if d.Kind == market.Entitled {
					d.Price = "10"
				}
			}
		}
	}
	for i := range w.Offers {
		if w.Offers[i].ID == s.agreed(t, p.AgreementID).OfferID {
			w.Offers[i].Prices = map[string]market.Price{"calls": "0.5"}
		}
	}
	if _, err := s.service.ApplyWorld(ctx, market.Operator(), w); err != nil {
		t.Fatal(err)
	}
	shown, err := s.client.Product(ctx, vault)
	if err != nil {
		t.Fatal(err)
	}
	var own market.Price
	for _, o := range shown.Offers {
		if o.OfferID == s.agreed(t, p.AgreementID).OfferID {
			own = o.Prices["calls"]
		}
	}
	if own != "0.5" {
		t.Errorf("the offer asks %q a call", own)
	}
	// What the control API says is what the market says.
	for _, month := range []string{"", hour.Format("2006-01")} {
		got, err := s.client.Bill(ctx, BillQuery{Product: vault, Month: month, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.service.Bill(ctx, market.Operator(), market.BillQuery{ProductCode: vault, Month: monthOrNow(t, month)})
		if err != nil {
			t.Fatal(err)
		}
		if !got.Total.Equal(want.Total) || !got.Usage.Equal(want.Usage) || !got.Contracts.Equal(want.Contracts) || got.Count != len(want.Buyers) || got.Unpriced != want.Unpriced {
			t.Errorf("%s: %+v, want %+v", month, got, want)
		}
	}
	bill, err := s.client.Bill(ctx, BillQuery{Product: vault, Month: hour.Format("2006-01"), Buyer: vaultBuyer})
	if err != nil || len(bill.Buyers) != 1 || len(bill.Buyers[0].Lines) == 0 {
		t.Fatalf("%+v, %v", bill, err)
	}
	for _, line := range bill.Buyers[0].Lines {
		if line.Dimension == "calls" && (line.Price != "0.5" || !line.Amount.Equal(line.Price.Times(line.Quantity)) || line.Quantity == 0) || line.Dimension == "traffic" && (line.Price != "" || !line.Amount.IsZero()) {
			t.Errorf("line %+v", line)
		}
	}
	after, err := s.client.Bill(ctx, BillQuery{Product: vault, After: vaultBuyer})
	if err != nil || len(after.Buyers) != 0 || after.Next != "" {
		t.Errorf("after the last buyer: %+v, %v", after, err)
	}
	for name, tt := range map[string]struct {
		q      BillQuery
		status int
		says   string
	}{
		"no product":      {BillQuery{}, http.StatusBadRequest, "whose bill?"},
		"unknown product": {BillQuery{Product: "none"}, http.StatusNotFound, "does not exist"},
		"bad month":       {BillQuery{Product: vault, Month: "2026-13"}, http.StatusBadRequest, "must be a month"},
		"a day":           {BillQuery{Product: vault, Month: "2026-11-01"}, http.StatusBadRequest, "must be a month"},
		"long ago":        {BillQuery{Product: vault, Month: "0001-01"}, http.StatusBadRequest, "must be a month"},
	} {
		_, err := s.client.Bill(ctx, tt.q)
		var e *APIError
		if !errors.As(err, &e) || e.Status != tt.status || !strings.Contains(e.Message, tt.says) {
			t.Errorf("%s: %v, want %d: %s", name, err, tt.status, tt.says)
		}
	}
}

func monthOrNow(t *testing.T, month string) (at time.Time) {
	t.Helper()
	if month != "" {
		var err error
		if at, err = time.Parse("2006-01", month); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

func (s *site) agreed(t *testing.T, id string) Agreement {
	t.Helper()
	g, err := s.client.Agreement(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
