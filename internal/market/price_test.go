package market_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
)

func TestPrices(t *testing.T) {
	for _, good := range []market.Price{"", "0", "0.25", "12.5", "999999999999.99999999", "007"} {
		if reason := good.Flaw(); reason != "" {
			t.Errorf("%q: %s", good, reason)
		}
	}
	for _, bad := range []market.Price{".", ".5", "5.", "-1", "+1", "1e3", "1,5", " 1", "1 ", "1234567890123", "0.123456789", "0x1", "1.2.3", "٣", "NaN", "$1"} {
		if bad.Flaw() == "" {
			t.Errorf("%q is taken for a price", bad)
		}
		if got := bad.Times(3); !got.IsZero() {
			t.Errorf("three at %q cost %s", bad, got)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, tt := range []struct {
		price         market.Price
		times         int64
		text, decimal string
	}{
		{"", 7, "$0.00", "0.00"},
		{"0.0025", 1, "$0.0025", "0.0025"},
		{"0.0025", 1000, "$2.50", "2.50"},
		{"0.1", 3, "$0.30", "0.30"}, // which is not what floats make of it
		{"1234.5", 1, "$1,234.50", "1234.50"},
		{"999", 1, "$999.00", "999.00"},
		{"1000", 1000, "$1,000,000.00", "1000000.00"},
		{"0.00000001", 1, "$0.00000001", "0.00000001"},
		{"1.50", -2, "-$3.00", "-3.00"},
		{"007", 1, "$7.00", "7.00"},
		{"999999999999.99999999", 1<<63 - 1, "$9,223,372,036,854,775,806,999,999,907,766,279.63145224193", ""},
	} {
		got := tt.price.Times(tt.times)
		if tt.decimal == "" {
			tt.text, tt.decimal = got.String(), strings.NewReplacer("$", "", ",", "").Replace(got.String())
			if !strings.HasPrefix(tt.text, "$9,223,372,036,854,775,806,") {
				t.Errorf("the most there can be is %s", tt.text)
			}
		}
		if got.String() != tt.text || got.Decimal() != tt.decimal {
			t.Errorf("%d at %q: %s, %s; want %s, %s", tt.times, tt.price, got, got.Decimal(), tt.text, tt.decimal)
		}
		var back market.Amount
		written, err := got.MarshalText()
		if err != nil || back.UnmarshalText(written) != nil || !back.Equal(got) {
			t.Errorf("%s is read back as %s, %v", written, back, err)
		}
	}
	var none market.Amount
	for _, bad := range []string{"", "-", ".5", "1,5", "1e3", "$1", "0.123456789", "--1"} {
		if err := none.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is read as %s", bad, none)
		}
	}
	a, b := market.Price("0.1").Amount(), market.Price("0.2").Amount()
	if sum := a.Plus(b).Plus(none); !sum.Equal(market.Price("0.3").Amount()) || !none.Plus(a).Equal(a) || a.String() != "$0.10" {
		t.Errorf("$0.1 and $0.2 are %s, and $0.1 is %s afterwards", sum, a)
	}
}

func TestWhatEntitlementsCost(t *testing.T) {
	for _, tt := range []struct {
		price market.Price
		value market.Value
		want  string
	}{
		{"99.50", integer(10), "$995.00"},
		{"10", double(2.5), "$25.00"},
		{"3", double(0.1), "$0.30"},
		{"0.00000001", double(0.5), "$0.00000001"},
		{"0.00000001", double(0.4), "$0.00"},
		{"0.00000001", double(-0.5), "-$0.00000001"},
		{"1", double(1e20), "$100,000,000,000,000,000,000.00"},
		{"500", boolean(true), "$500.00"},
		{"500", boolean(false), "$0.00"},
		{"20", textValue("gold"), "$20.00"},
		{"", integer(10), "$0.00"},
	} {
		if got := tt.price.TimesValue(tt.value); got.String() != tt.want {
			t.Errorf("%+v at %q: %s, want %s", tt.value, tt.price, got, tt.want)
		}
	}
}

// pricedWorld is lifeWorld with prices: of the product with usage and a contract, and of its private offer.
func pricedWorld() market.World {
	w := lifeWorld()
	for i := range w.Products {
		if w.Products[i].Code == mixedCode {
			w.Products[i].Dimensions = []market.Dimension{
				{Key: "calls", Kind: market.Metered, Price: "0.0025"}, {Key: "seats", Kind: market.Entitled, Price: "120"}, {Key: "odd", Kind: market.Metered},
			}
		}
	}
	for i := range w.Offers {
		if w.Offers[i].ID == privateOffer {
			w.Offers[i].Prices = map[string]market.Price{"seats": "99.50", "calls": "0"}
		}
	}
	return w
}

func TestPricesAreAppliedAndKept(t *testing.T) {
	f := openLife(t)
	for i, want := range []int{1, 0} { // once more changes nothing
		w := pricedWorld()
		for i := range w.Offers {
			if w.Offers[i].ID == otherOffer {
				w.Offers[i].Prices = map[string]market.Price{} // which is as good as none
			}
		}
		changes, err := f.ApplyWorld(ctx, op, w)
		if err != nil {
			t.Fatal(wants(err))
		}
		if (changes.Updated > 0) != (want > 0) {
			t.Errorf("application %d: %+v", i+1, changes)
		}
	}
	p, offers, err := f.Product(ctx, op, mixedCode)
	if err != nil {
		t.Fatal(err)
	}
	prices := map[string]string{}
	for _, o := range offers {
		for _, d := range p.Dimensions {
			prices[o.ID+" "+d.Key] = string(o.PriceOf(d))
		}
	}
	for key, want := range map[string]string{
		"offer-mixed calls": "0.0025", "offer-mixed seats": "120", "offer-mixed odd": "", otherOffer + " calls": "0.0025",
		privateOffer + " calls": "0", privateOffer + " seats": "99.50", privateOffer + " odd": "", "offer-trial seats": "0", "offer-trial odd": "0",
	} {
		if got, ok := prices[key]; !ok || got != want {
			t.Errorf("%s costs %q, want %q", key, got, want)
		}
	}
	for _, o := range offers {
		sum, all := p.Sum(o, []market.Entitlement{gives("seats", integer(7)), gives("gone", integer(7))})
		want := map[string]string{"offer-mixed": "$840.00", otherOffer: "$840.00", privateOffer: "$696.50", "offer-trial": "$0.00"}[o.ID]
		if sum.String() != want || !all {
			t.Errorf("seven seats on %s: %s, %v; want %s", o.ID, sum, all, want)
		}
	}
	if problems, err := f.Check(ctx, op); err != nil || len(problems) > 0 {
		t.Errorf("check: %v, %v", problems, err)
	}
}

func TestPricesThatCannotBe(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil      func(*market.World)
		path, want string
	}{
		"list price": {func(w *market.World) { w.Products[len(w.Products)-2].Dimensions[1].Price = "-1" }, "].dimensions[1].price", "must be an amount of USD"},
		"own price":  {func(w *market.World) { w.Offers[len(w.Offers)-1].Prices = map[string]market.Price{"seats": "1e3"} }, "].prices.seats", "must be an amount of USD"},
		"empty":      {func(w *market.World) { w.Offers[len(w.Offers)-1].Prices = map[string]market.Price{"seats": ""} }, "].prices.seats", "leave it out"},
		"dimension":  {func(w *market.World) { w.Offers[len(w.Offers)-1].Prices = map[string]market.Price{"a b": "1"} }, `].prices["a b"]`, `no dimension "a b"`},
		"trial":      {func(w *market.World) { w.Offers[len(w.Offers)-2].Prices = map[string]market.Price{"seats": "1"} }, "].prices", "costs nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			f := openLife(t)
			w := pricedWorld()
			tt.spoil(&w)
			_, err := f.ApplyWorld(ctx, op, w)
			if said := wants(err); !strings.Contains(said, tt.path) || !strings.Contains(said, tt.want) {
				t.Errorf("the problems are %s; want %s: %s", said, tt.path, tt.want)
			}
			p, _, err := f.Product(ctx, op, mixedCode)
			if err != nil || p.Dimensions[0].Price != "" {
				t.Errorf("something was changed: %+v, %v", p.Dimensions, err)
			}
		})
	}
}

// A dimension cannot go while an offer that is not declared anew has a price for it.
func TestADimensionWithAnOffersPriceStays(t *testing.T) {
	f := openLife(t)
	if _, err := f.ApplyWorld(ctx, op, pricedWorld()); err != nil {
		t.Fatal(wants(err))
	}
	w := pricedWorld()
	w.Offers = nil
	for i := range w.Products {
		if w.Products[i].Code == mixedCode {
			w.Products[i].Dimensions = w.Products[i].Dimensions[1:]
		}
	}
	if _, err := f.ApplyWorld(ctx, op, w); !strings.Contains(wants(err), `has no dimension "calls"`) {
		t.Errorf("the problems are %s", wants(err))
	}
}
