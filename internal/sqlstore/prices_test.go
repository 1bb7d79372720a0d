package sqlstore

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/souk-market/souk/internal/market"
)

// putOfferBefore is how a binary from before prices writes an offer.
const putOfferBefore = `INSERT INTO offer (id, product_code, kind, name, pricing, buyers, trial_days, term_months, entitlements, created_at)
	VALUES ('o', 'p', 'public', 'n', '', 'null', 0, 0, 'null', 1000) ON CONFLICT (id) DO UPDATE SET name = excluded.name || '2'`

func offersOf(t *testing.T, s market.Store) (list []market.Offer) {
	t.Helper()
	err := s.View(t.Context(), func(tx market.Tx) (err error) {
		list, err = tx.Offers("")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].CreatedAt = list[0].CreatedAt
	}
	return list
}

func TestOffersFromBeforePricesHaveNone(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{Vault: testVault(), Path: storeOf(t, 3, putOfferBefore)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := offersOf(t, s); len(got) != 1 || got[0].ID != "o" || got[0].Prices != nil {
		t.Errorf("offers: %+v", got)
	}
}

// While nodes are replaced one by one, those that know no prices leave them as they are.
func TestNodesFromBeforePricesLeaveThem(t *testing.T) {
	url := emptyDatabase(t)
	s := openPostgres(t, url)
	db := stdlib.OpenDB(*s.config)
	defer db.Close()
	write := func() {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), putOfferBefore); err != nil {
			t.Fatal(err)
		}
	}
	write()
	o := offersOf(t, s)[0]
	if o.Prices != nil {
		t.Errorf("an offer of an older node has prices: %v", o.Prices)
	}
	o.Prices = map[string]market.Price{"seats": "99.50"}
	if err := s.Update(t.Context(), func(tx market.Tx) error { return tx.PutOffer(o) }); err != nil {
		t.Fatal(err)
	}
	write()
	o.Name = "n2"
	if diff := cmp.Diff([]market.Offer{o}, offersOf(t, s)); diff != "" {
		t.Errorf("after an older node has written (-want +got):\n%s", diff)
	}
	from, err := compatibleFrom(t.Context(), db)
	if err != nil || from > 3 {
		t.Errorf("nodes from schema %d on may be started, %v; want those of 3", from, err)
	}
}
