package sqlstore

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/market/storetest"
	"github.com/souk-market/souk/internal/vault"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) market.Store { return open(t, "") }, nil)
}

func TestFile(t *testing.T) {
	t.Parallel()
	storetest.Run(t,
		func(t testing.TB) market.Store { return open(t, filepath.Join(t.TempDir(), "souk.db")) },
		func(t testing.TB, s market.Store) market.Store {
			path := pathOf(t, s.(*Store))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Open(t.Context(), Config{Vault: testVault(), Path: path}) // no Create: it is there
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { again.Close() })
			return again
		})
}

// testVault has the key of all stores here that are not about keys.
func testVault() *vault.Vault { return vault.New(vault.Key{1, 2, 3}) }

// open opens a store that is closed with the test. The path "" is one in memory.
func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), Config{Vault: testVault(), Path: path, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// pathOf is the file of an open store.
func pathOf(t testing.TB, s *Store) string {
	t.Helper()
	if s.lock == nil {
		t.Fatal("the store has no file")
	}
	return strings.TrimSuffix(s.lock.Name(), ".lock")
}

// both runs a test on a store in memory and on one in a file.
func both(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("memory", func(t *testing.T) { test(t, open(t, "")) })
	t.Run("file", func(t *testing.T) { test(t, open(t, filepath.Join(t.TempDir(), "souk.db"))) })
}

func put(t testing.TB, s *Store, name, value string) {
	t.Helper()
	if err := s.Update(context.Background(), func(tx market.Tx) error { return tx.PutSetting(name, value) }); err != nil {
		t.Fatal(err)
	}
}

// setting is a setting's value, or "absent".
func setting(t testing.TB, s *Store, name string) (value string) {
	t.Helper()
	err := s.View(context.Background(), func(tx market.Tx) error {
		v, ok, err := tx.Setting(name)
		if value = v; !ok {
			value = "absent"
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTwoStoresNeverSeeEachOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, paths := range map[string][2]string{
		"memory": {"", ""},
		"file":   {filepath.Join(dir, "a", "souk.db"), filepath.Join(dir, "b", "souk.db")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := open(t, paths[0]), open(t, paths[1])
			for i := range 20 {
				put(t, a, "who", "a")
				put(t, b, "who", "b")
				if x, y := setting(t, a, "who"), setting(t, b, "who"); x != "a" || y != "b" {
					t.Fatalf("round %d: a has %q, b has %q", i, x, y)
				}
			}
		})
	}
}

func TestKeysThatNameOneThingAreUnique(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		for name, put := range map[string][2]func(market.Tx) error{
			"product id": {
				func(tx market.Tx) error { return tx.PutProduct(market.Product{Code: "a", ID: "prod-1"}) },
				func(tx market.Tx) error { return tx.PutProduct(market.Product{Code: "b", ID: "prod-1"}) },
			},
			"customer identifier": {
				func(tx market.Tx) error { return tx.PutCustomer(market.Customer{Account: "1", Identifier: "x"}) },
				func(tx market.Tx) error { return tx.PutCustomer(market.Customer{Account: "2", Identifier: "x"}) },
			},
			"license": {
				func(tx market.Tx) error { return tx.PutAgreement(market.Agreement{ID: "a", LicenseARN: "l"}) },
				func(tx market.Tx) error { return tx.PutAgreement(market.Agreement{ID: "b", LicenseARN: "l"}) },
			},
		} {
			if err := s.Update(t.Context(), put[0]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			err := s.Update(t.Context(), put[1])
			if err == nil || market.CodeOf(err) != "" || !strings.HasPrefix(err.Error(), "sqlstore: put ") {
				t.Errorf("%s twice: %v", name, err)
			}
			if err := s.Update(t.Context(), put[0]); err != nil { // the first is still there and still itself
				t.Errorf("%s again: %v", name, err)
			}
		}
		if err := s.View(t.Context(), func(tx market.Tx) error {
			if list, err := tx.Products(); err != nil || len(list) != 1 || list[0].Code != "a" {
				t.Errorf("products: %+v, %v", list, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFnCannotOverlookAStatementThatFailed(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		var first, next error
		err := s.Update(t.Context(), func(tx market.Tx) error {
			if err := tx.PutCustomer(market.Customer{Account: "1", Identifier: "x"}); err != nil {
				return err
			}
			first = tx.PutCustomer(market.Customer{Account: "2", Identifier: "x"})
			next = tx.PutSetting("s", "v")
			return nil
		})
		if first == nil || next != first || err != first {
			t.Errorf("the statement: %v; the next one: %v; Update: %v", first, next, err)
		}
		if v := setting(t, s, "s"); v != "absent" {
			t.Errorf("setting is %q", v)
		}
	})
}

func TestTextThatNoEngineKeepsIsRefused(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		for _, bad := range []string{"\xff", "a\x00b"} {
			for name, put := range map[string]func(market.Tx) error{
				"setting": func(tx market.Tx) error { return tx.PutSetting("s", bad) },
				"dimension": func(tx market.Tx) error {
					return tx.PutProduct(market.Product{Dimensions: []market.Dimension{{Unit: bad}}})
				},
			} {
				if err := s.Update(t.Context(), put); err == nil {
					t.Errorf("%s %q is taken", name, bad)
				}
			}
			if v := setting(t, s, bad); v != "absent" { // asking is harmless
				t.Errorf("setting %q is %q", bad, v)
			}
		}
	})
}

func TestATxThatFnKeptIsUseless(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		var kept market.Tx
		for name, do := range map[string]func(context.Context, func(market.Tx) error) error{"Update": s.Update, "View": s.View} {
			if err := do(t.Context(), func(tx market.Tx) error { kept = tx; return nil }); err != nil {
				t.Fatal(err)
			}
			if err := kept.PutSetting("s", "v"); !errors.Is(err, errOver) {
				t.Errorf("%s: write: %v", name, err)
			}
			if _, _, err := kept.Setting("s"); !errors.Is(err, errOver) {
				t.Errorf("%s: read: %v", name, err)
			}
		}
	})
}
