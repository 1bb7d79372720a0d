// Package storetest decides whether a store is a store: it holds a market.Store to the contract of internal/market/store.go.
//
// Its tests are sentences of that contract. Each opens a store of its own.
package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-market/souk/internal/market"
)

// Run tests the stores that open opens. Each must be empty and closed by open's own t.Cleanup; closing twice must be harmless.
//
// reopen closes a store and opens it again as it was left. Nil stands for stores that keep nothing.
func Run(t *testing.T, open func(t testing.TB) market.Store, reopen func(t testing.TB, s market.Store) market.Store) {
	for _, topic := range []struct {
		name  string
		tests []test
	}{
		{"Directory", directoryTests},
		{"Catalog", catalogTests},
		{"Agreements", agreementTests},
		{"Due", dueTests},
		{"Events", eventTests},
		{"AppendUsage", appendTests},
		{"Usage", ledgerTests},
		{"ClientTokens", clientTokenTests},
		{"Workloads", workloadTests},
		{"Tokens", tokenTests},
		{"Settings", settingTests},
		{"Lists", listTests},
		{"Versions", versionTests},
		{"Atomicity", atomicityTests},
		{"Concurrency", concurrencyTests},
		{"Lifecycle", lifecycleTests},
	} {
		t.Run(topic.name, func(t *testing.T) {
			for _, tt := range topic.tests {
				t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
			}
		})
	}
	t.Run("Persistence", func(t *testing.T) {
		if reopen == nil {
			t.Skip("this store keeps nothing")
		}
		for _, tt := range persistenceTests {
			t.Run(tt.name, func(t *testing.T) {
				s := open(t)
				tt.run(t, s, func() market.Store { return reopen(t, s) })
			})
		}
	})
}

type test struct {
	name string
	run  func(t *testing.T, s market.Store)
}

// update runs fn, which must succeed.
func update(t testing.TB, s market.Store, fn func(market.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

// view runs fn, which must succeed.
func view(t testing.TB, s market.Store, fn func(market.Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// read is what a method of Tx answers in a View.
func read[T any](t testing.TB, s market.Store, method func(market.Tx) (T, error)) (v T) {
	t.Helper()
	view(t, s, func(tx market.Tx) (err error) {
		v, err = method(tx)
		return err
	})
	return v
}

// find is read for the methods that get by key.
func find[T any](t testing.TB, s market.Store, method func(market.Tx) (T, bool, error)) (v T, ok bool) {
	t.Helper()
	view(t, s, func(tx market.Tx) (err error) {
		v, ok, err = method(tx)
		return err
	})
	return v, ok
}

// mustFind is find of something that is there, and is want.
func mustFind[T any](t testing.TB, s market.Store, want T, method func(market.Tx) (T, bool, error)) {
	t.Helper()
	got, ok := find(t, s, method)
	if !ok {
		t.Fatalf("not there: %+v", want)
	}
	mustEqual(t, got, want)
}

// mustEqual compares exactly: a nil list is not an empty one, and times are in UTC. Only a list of rows that is empty may be either.
func mustEqual(t testing.TB, got, want any) {
	t.Helper()
	inUTC := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() })
	if diff := cmp.Diff(want, got, inUTC); diff != "" {
		t.Fatalf("got what was not put (-want +got):\n%s", diff)
	}
}

// mustList compares lists of rows.
func mustList[T any](t testing.TB, got, want []T) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	mustEqual(t, got, want)
}

// mustState compares directories, whose empty lists may be nil.
func mustState(t testing.TB, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("directory (-want +got):\n%s", diff)
	}
}

// odd are strings that a store may be tempted to change, to mix up or to sort in some language's order. All differ by bytes.
func odd() []string {
	return []string{
		"", " ", "  ", "a", "A", "b", "B", "a ", " a", "a\n", "a\t", "Z", "_", "0", "00", "0.0", "1e3", "null", "NULL",
		"é", "e\u0301", "É", "ß", "ss", "SS", "İ", "i", "I", "ı", "中文", "🛒", "\u200b", "\ufeff", "\uffff", "\U0010ffff",
		"it's", `"quoted"`, `back\slash`, "100%", "under_score", "semi;colon --", "<&>\u2028", "\x01\x7f",
		strings.Repeat("x", 10_000), strings.Repeat("ü", 10_000),
	}
}

// byKey is list in the order of its keys' bytes.
func byKey[T any](list []T, key func(T) string) []T {
	return slices.SortedFunc(slices.Values(list), func(a, b T) int { return strings.Compare(key(a), key(b)) })
}

// at is a fixed instant and some.
func at(d time.Duration) time.Time {
	return time.Date(2026, 6, 1, 12, 30, 0, 0, time.UTC).Add(d)
}

// instants pairs times with what a store keeps of them.
func instants() []struct{ put, want time.Time } {
	return []struct{ put, want time.Time }{
		{time.Time{}, time.Time{}},
		{time.UnixMilli(0), time.UnixMilli(0).UTC()}, // is not the zero time
		{time.Date(2026, 6, 1, 12, 30, 15, 123_999_999, time.UTC), time.Date(2026, 6, 1, 12, 30, 15, 123_000_000, time.UTC)},
		{time.Date(2026, 6, 1, 12, 30, 15, 0, time.FixedZone("+05:45", 20_700)), time.Date(2026, 6, 1, 6, 45, 15, 0, time.UTC)},
		{time.Date(1969, 12, 31, 23, 59, 59, 999_000_000, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_000_000, time.UTC)},
		{time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)},
	}
}
