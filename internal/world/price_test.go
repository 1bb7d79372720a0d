package world

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

const pricedFile = `version: 1
accounts: [{id: 111122223333, seller: true}]
products:
  - code: p
    seller: 111122223333
    kind: concurrent-agreements
    dimensions:
      - {key: users, kind: metered, price: 0.10}
      - {key: seats, kind: entitled, price: "120"}
      - {key: "a: b", kind: entitled, price: 007}
      - {key: free, kind: metered}
    offers:
      - {id: o, kind: public, prices: {seats: 99.50, users: 0, "a: b": 999999999999.12345678}}
      - {id: n, kind: public, name: N, prices: {}}
`

func TestPricesAreReadAndWritten(t *testing.T) {
	f, err := Parse([]byte(pricedFile))
	if err != nil {
		t.Fatal(err)
	}
	var list []market.Price
	for _, d := range f.World.Products[0].Dimensions {
		list = append(list, d.Price)
	}
	if diff := cmp.Diff([]market.Price{"0.10", "120", "007", ""}, list); diff != "" {
		t.Errorf("list prices (-want +got):\n%s", diff)
	}
	want := []map[string]market.Price{{"seats": "99.50", "users": "0", "a: b": "999999999999.12345678"}, nil}
	for i, o := range f.World.Offers {
		if diff := cmp.Diff(want[i], o.Prices); diff != "" {
			t.Errorf("prices of %s (-want +got):\n%s", o.ID, diff)
		}
	}
	for _, opt := range []Options{{}, {JSON: true}} {
		text, err := Marshal(f.World, opt)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if diff := cmp.Diff(f.World, again.World); diff != "" {
			t.Errorf("%+v: read back (-want +got):\n%s\n%s", opt, diff, text)
		}
	}
	text, err := Marshal(f.World, Options{})
	if err != nil || !strings.Contains(string(text), "price: 0.10\n") || !strings.Contains(string(text), "seats: 99.50\n") {
		t.Errorf("a price is not written as the number that it is, %v:\n%s", err, text)
	}
}

func TestPricesThatCannotBeRead(t *testing.T) {
	for was, tt := range map[string]struct{ is, want string }{
		"price: 0.10":           {"price: -1", "line 8: products[0].dimensions[0].price: must be an amount of USD"},
		`price: "120"`:          {"price: 1e3", "line 9: products[0].dimensions[1].price: must be an amount of USD"},
		"users: 0":              {"users: [1]", "line 13: products[0].offers[0].prices.users: must be text"},
		"seats: 99.50":          {"chairs: 99.50", `line 13: products[0].offers[0].prices.chairs: the product has no dimension "chairs"`},
		"prices: {}":            {"prices: 12", "line 14: products[0].offers[1].prices: must be a mapping from dimensions to prices"},
		"{id: o, kind: public,": {"{id: o, kind: free-trial, trial_days: 7,", "line 13: products[0].offers[0].prices: a free trial costs nothing"},
		"99.50":                 {`""`, "line 13: products[0].offers[0].prices.seats: is empty"},
	} {
		_, err := Parse([]byte(strings.Replace(pricedFile, was, tt.is, 1)))
		e, ok := err.(*market.Error)
		if !ok || len(e.Problems) != 1 || !strings.HasPrefix(e.Problems[0].String(), tt.want) {
			t.Errorf("%s: %+v, want %s", tt.is, err, tt.want)
			if ok {
				t.Errorf("%v", e.Problems)
			}
		}
	}
}
