package market_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/vault"
)

// A ledger that was meddled with does not pass: not in what a record says, nor in where it is kept, nor in what it is of.
func TestCheckFindsAWrongLedger(t *testing.T) {
	for name, tt := range map[string]struct{ meddle, want string }{
		"nothing":        {"SELECT 1", ""},
		"quantity":       {"UPDATE usage SET quantity = quantity + 1", "is not what was acknowledged"},
		"time":           {"UPDATE usage SET at = at + 1", "is not what was acknowledged"},
		"hour":           {"UPDATE usage SET key = key + (5 << 32)", "is kept under the hour of"},
		"buyer":          {"UPDATE usage_series SET buyer = '" + second + "'", "is inside no agreement"},
		"series gone":    {"DELETE FROM usage_series", "there are 1 records, and only 0 are of something"},
		"agreement gone": {"DELETE FROM agreement", "is inside no agreement"},
		"agreement late": {"UPDATE agreement SET start_at = start_at + 86400000 * 20", "is inside no agreement"},
		"allocations":    {"UPDATE usage SET allocations = x'0105'", "its allocations cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "souk.db")
			ledger(t, path)
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(tt.meddle); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			store, err := sqlstore.Open(ctx, sqlstore.Config{Path: path, Vault: vault.New(vault.Key{})})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			problems, err := market.CheckStore(ctx, store)
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(problems, func(p market.Problem) bool { return strings.Contains(p.Reason, tt.want) })
			if tt.want == "" && len(problems) > 0 || tt.want != "" && !found {
				t.Errorf("found %v, want %q", problems, tt.want)
			}
		})
	}
}

// ledger makes a store with one usage record.
func ledger(t *testing.T, path string) {
	t.Helper()
	store, err := sqlstore.Open(ctx, sqlstore.Config{Path: path, Create: true, Vault: vault.New(vault.Key{})})
	if err != nil {
		t.Fatal(err)
	}
	f := openOver(t, store)
	m := &metering{fixture: f, t: t}
	if _, err := f.ApplyWorld(ctx, op, market.World{Products: []market.Product{
		{Code: legacy, Seller: seller, Title: "L", Kind: market.Legacy, Dimensions: []market.Dimension{{Key: "calls", Kind: market.Metered}}}}}); err != nil {
		t.Fatal(err)
	}
	m.buy(legacy)
	f.now = f.now.Add(3 * time.Hour)
	m.want("Success", legacy, m.usage("calls", 3))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}
