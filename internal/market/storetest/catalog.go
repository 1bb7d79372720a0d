package storetest

import (
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

var catalogTests = []test{
	{"an empty store has nothing for sale", func(t *testing.T, s market.Store) {
		mustList(t, read(t, s, market.Tx.Products), nil)
		mustList(t, read(t, s, func(tx market.Tx) ([]market.Offer, error) { return tx.Offers("") }), nil)
		mustList(t, read(t, s, market.Tx.Customers), nil)
		view(t, s, func(tx market.Tx) error {
			if _, ok, err := tx.Product("none"); ok || err != nil {
				t.Errorf("Product: %v, %v", ok, err)
			}
			if _, ok, err := tx.Offer("none"); ok || err != nil {
				t.Errorf("Offer: %v, %v", ok, err)
			}
			if _, ok, err := tx.Customer("none"); ok || err != nil {
				t.Errorf("Customer: %v, %v", ok, err)
			}
			if _, ok, err := tx.CustomerByIdentifier("none"); ok || err != nil {
				t.Errorf("CustomerByIdentifier: %v, %v", ok, err)
			}
			return nil
		})
	}},
	{"products can be got back equal and sorted by bytes", func(t *testing.T, s market.Store) {
		var want []market.Product
		for i, o := range odd() {
			want = append(want, market.Product{
				Code: o, ID: o, Seller: o, Title: o, Description: o, Kind: market.ProductKind(o), RegistrationURL: o,
				TokenLife: time.Duration(i)*time.Hour + 1, TokenReuse: market.TokenReuse(o),
				Dimensions: []market.Dimension{{Key: o, Kind: market.DimensionKind(o), Name: o, Unit: o, Type: market.ValueType(o), Price: market.Price(o)}, {}},
				CreatedAt:  at(time.Duration(i) * time.Millisecond),
			})
		}
		update(t, s, func(tx market.Tx) error { return each(want, tx.PutProduct) })
		for _, p := range want {
			mustFind(t, s, p, func(tx market.Tx) (market.Product, bool, error) { return tx.Product(p.Code) })
		}
		mustEqual(t, read(t, s, market.Tx.Products), byKey(want, func(p market.Product) string { return p.Code }))
	}},
	{"put replaces a product, and a nil list is not an empty one", func(t *testing.T, s market.Store) {
		for _, p := range []market.Product{
			{Code: "c", ID: "prod-1", Title: "old", Dimensions: []market.Dimension{{Key: "k"}}, TokenLife: time.Hour, CreatedAt: at(0)},
			{Code: "c", ID: "prod-2", Kind: market.Legacy, Dimensions: []market.Dimension{}},
			{Code: "c", ID: "prod-2", Seller: "s"},
		} {
			update(t, s, func(tx market.Tx) error { return tx.PutProduct(p) })
			mustEqual(t, read(t, s, market.Tx.Products), []market.Product{p})
		}
	}},
	{"offers can be got back equal, of one product or of all", func(t *testing.T, s market.Store) {
		var want []market.Offer
		for i, o := range odd() {
			want = append(want, market.Offer{
				ID: o, ProductCode: []string{"p", "P", "p "}[i%3], Kind: market.OfferKind(o), Name: o, Pricing: market.Pricing(o),
				Buyers: [][]string{nil, {}, {o, "", o}}[i%3], TrialDays: i, TermMonths: 2 * i, Entitlements: oddEntitlements(i, o),
				Prices:    []map[string]market.Price{nil, {}, {o: "0.25", "": market.Price(o), o + o: ""}}[i%3],
				CreatedAt: at(time.Duration(i) * time.Millisecond),
			})
		}
		want = byKey(want, func(o market.Offer) string { return o.ID })
		update(t, s, func(tx market.Tx) error { return each(want, tx.PutOffer) })
		of := map[string][]market.Offer{"": want, "none": nil}
		for _, o := range want {
			mustFind(t, s, o, func(tx market.Tx) (market.Offer, bool, error) { return tx.Offer(o.ID) })
			of[o.ProductCode] = append(of[o.ProductCode], o)
		}
		for code, list := range of {
			mustList(t, read(t, s, func(tx market.Tx) ([]market.Offer, error) { return tx.Offers(code) }), list)
		}
		moved := market.Offer{ID: want[0].ID, ProductCode: "other", TrialDays: 7}
		update(t, s, func(tx market.Tx) error { return tx.PutOffer(moved) })
		mustList(t, read(t, s, func(tx market.Tx) ([]market.Offer, error) { return tx.Offers("other") }), []market.Offer{moved})
	}},
	{"customers are found by account and by identifier, and lists are sorted by account", func(t *testing.T, s market.Store) {
		var want []market.Customer
		for i, o := range odd() {
			want = append(want, market.Customer{Account: o, Identifier: "id-" + o, CreatedAt: at(time.Duration(i) * time.Millisecond)})
		}
		update(t, s, func(tx market.Tx) error { return each(want, tx.PutCustomer) })
		for _, c := range want {
			mustFind(t, s, c, func(tx market.Tx) (market.Customer, bool, error) { return tx.Customer(c.Account) })
			mustFind(t, s, c, func(tx market.Tx) (market.Customer, bool, error) { return tx.CustomerByIdentifier(c.Identifier) })
		}
		mustEqual(t, read(t, s, market.Tx.Customers), byKey(want, func(c market.Customer) string { return c.Account }))

		update(t, s, func(tx market.Tx) error { return tx.PutCustomer(market.Customer{Account: "a", Identifier: "renamed"}) })
		mustFind(t, s, market.Customer{Account: "a", Identifier: "renamed"}, func(tx market.Tx) (market.Customer, bool, error) { return tx.Customer("a") })
		if _, ok := find(t, s, func(tx market.Tx) (market.Customer, bool, error) { return tx.CustomerByIdentifier("id-a") }); ok {
			t.Error("the identifier from before still finds the customer")
		}
	}},
	{"times are kept to the millisecond in UTC", func(t *testing.T, s market.Store) {
		for _, tt := range instants() {
			update(t, s, func(tx market.Tx) error {
				if err := tx.PutProduct(market.Product{Code: "c", CreatedAt: tt.put}); err != nil {
					return err
				}
				if err := tx.PutOffer(market.Offer{ID: "o", CreatedAt: tt.put}); err != nil {
					return err
				}
				return tx.PutCustomer(market.Customer{Account: "a", CreatedAt: tt.put})
			})
			mustEqual(t, read(t, s, market.Tx.Products), []market.Product{{Code: "c", CreatedAt: tt.want}})
			mustFind(t, s, market.Offer{ID: "o", CreatedAt: tt.want}, func(tx market.Tx) (market.Offer, bool, error) { return tx.Offer("o") })
			mustEqual(t, read(t, s, market.Tx.Customers), []market.Customer{{Account: "a", CreatedAt: tt.want}})
		}
	}},
}
