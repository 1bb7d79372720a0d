package world

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

func openMarket(t *testing.T) *market.Service {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s, err := market.Open(t.Context(), market.Config{Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func apply(t *testing.T, s *market.Service, src string) market.Changes {
	t.Helper()
	changes, err := s.ApplyWorld(t.Context(), market.Operator(), mustParse(t, src).World)
	if err != nil {
		t.Fatalf("ApplyWorld: %v\n%s", err, problemText(err))
	}
	return changes
}

// A file that is applied again changes nothing, nor does what is exported after it, with secrets or without.
func TestApplyIsIdempotent(t *testing.T) {
	s := openMarket(t)
	if c := apply(t, s, string(full(t))); c.Created == 0 || c.Updated != 0 {
		t.Errorf("first apply: %+v, want only things created", c)
	}
	if c := apply(t, s, string(full(t))); c.Created != 0 || c.Updated != 0 {
		t.Errorf("second apply: %+v, want nothing created or updated", c)
	}
	w, err := s.World(t.Context(), market.Operator())
	if err != nil {
		t.Fatal(err)
	}
	for _, opt := range []Options{{}, {Secrets: true}} {
		out := mustMarshal(t, w, opt)
		if c := apply(t, s, out); c.Created != 0 || c.Updated != 0 {
			t.Errorf("apply of the export with %+v: %+v, want nothing created or updated\n%s", opt, c, out)
		}
	}
	// Into an empty market it makes the same one again.
	other := openMarket(t)
	exported := mustMarshal(t, w, Options{Secrets: true})
	apply(t, other, exported)
	copied, err := other.World(context.WithoutCancel(t.Context()), market.Operator())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(exported, mustMarshal(t, copied, Options{Secrets: true})); diff != "" {
		t.Errorf("the export's export differs (-first +second):\n%s", diff)
	}
}

// What only the store knows is found in the file all the same.
func TestApplyProblemsAreLocated(t *testing.T) {
	f := mustParse(t, `
accounts:
  - {id: 111122223333, buyer: true}
users:
  - account: 111122223333
    name: a
    attached:
      - AWSMarketplaceMeteringFullAccess
      - Nonesuch
    access_keys:
      - {id: AKIA0000000000000001}
  - account: 999999999999
    name: b
    access_keys:
      - {id: AKIA0000000000000002}
products:
  - code: c
    seller: 111122223333
    kind: legacy
    offers:
      - kind: public
agreements:
  - buyer: 222222222222
    product: d
`)
	_, err := openMarket(t).ApplyWorld(t.Context(), market.Operator(), f.World)
	var e *market.Error
	if !errors.As(err, &e) {
		t.Fatalf("ApplyWorld: %v, want a market error", err)
	}
	type at struct {
		Path string
		Line int
	}
	var got []at
	for _, p := range f.Locate(e.Problems) {
		got = append(got, at{p.Path, p.Line})
	}
	want := []at{
		{"users[0].attached[1]", 9},
		{"users[1].account", 12},
		{"users[0].access_keys[0].user", 11}, // its user was not taken
		{"users[1].access_keys[0].account", 15},
		{"products[0].seller", 18},
		{"products[0].offers[0].product", 21}, // its product was not taken
		{"agreements[0].product", 24},
		{"agreements[0].buyer", 23},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places differ (-want +got):\n%s", diff)
	}
}

// A market that people have bought in comes out of its file as it was: who its customers are, what they bought, and when it ends.
func TestExportMakesTheMarketAgain(t *testing.T) {
	s := openMarket(t)
	apply(t, s, string(full(t)))
	for _, in := range []market.PurchaseInput{
		{ProductCode: "own/code:1", Buyer: "012345678901"}, {ProductCode: "own/code:1", Buyer: "012345678901"}, {ProductCode: "4xqb3v1eaqlrl0mvi1pb8wb1x", Buyer: "012345678901"},
	} {
		if _, err := s.Buy(t.Context(), market.Operator(), in); err != nil {
			t.Fatal(err)
		}
	}
	want, err := s.World(t.Context(), market.Operator())
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Customers) != 2 || len(want.Agreements) != 7 {
		t.Fatalf("%d customers and %d agreements, want 2 and 7", len(want.Customers), len(want.Agreements))
	}
	for _, opt := range []Options{{Secrets: true}, {Secrets: true, JSON: true}} {
		other := openMarket(t)
		apply(t, other, mustMarshal(t, want, opt))
		got, err := other.World(t.Context(), market.Operator())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the market differs with %+v (-first +second):\n%s", opt, diff)
		}
	}
}

// What only the market can tell of terms is found where it stands, also under keys that are no plain words.
func TestTermsAreLocated(t *testing.T) {
	f := mustParse(t, `
accounts:
  - {id: 111122223333, seller: true}
  - {id: 444455556666, buyer: true}
products:
  - code: c
    seller: 111122223333
    kind: legacy
    dimensions:
      - {key: a b, kind: entitled}
    offers:
      - kind: public
        pricing: usage
      - kind: private
        buyers:
          - 444455556666
          - 111122223333
`)
	s := openMarket(t)
	_, err := s.ApplyWorld(t.Context(), market.Operator(), f.World)
	wantPlaces(t, f, err, `line 13: products[0].offers[0].pricing: "usage" wants a metered dimension, and product c has none`,
		"line 17: products[0].offers[1].buyers[1]: account 111122223333 is not a buyer")
	apply(t, s, "accounts:\n- {id: 111122223333, seller: true}\n- {id: 444455556666, buyer: true}\n"+
		"products:\n- {code: c, seller: 111122223333, kind: legacy, dimensions: [{key: a b, kind: entitled}]}\n")
	f = mustParse(t, "agreements:\n- product: c\n  buyer: 444455556666\n  entitlements:\n    other: 1\n    a b: gold\n")
	_, err = s.ApplyWorld(t.Context(), market.Operator(), f.World)
	wantPlaces(t, f, err, `line 5: agreements[0].entitlements.other: product c has no dimension "other"`,
		`line 6: agreements[0].entitlements["a b"]: dimension "a b": wants a value of the type integer, not string`)
}

func wantPlaces(t *testing.T, f *File, err error, want ...string) {
	t.Helper()
	var e *market.Error
	if !errors.As(err, &e) {
		t.Fatalf("ApplyWorld: %v, want a market error", err)
	}
	var got []string
	for _, p := range f.Locate(e.Problems) {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
}
