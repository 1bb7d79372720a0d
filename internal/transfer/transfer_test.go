package transfer

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/market/storetest"
	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/vault"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Release()
	os.Exit(code)
}

// engine opens new, empty stores, each sealed under a key of its own.
type engine func(t testing.TB) market.Store

func memory(t testing.TB) market.Store {
	return opened(t)(sqlstore.Open(t.Context(), sqlstore.Config{}))
}

func file(t testing.TB) market.Store {
	path := filepath.Join(t.TempDir(), "souk.db")
	return opened(t)(sqlstore.Open(t.Context(), sqlstore.Config{Path: path, Create: true, Vault: vault.New(vault.Key{1})}))
}

func postgres(t testing.TB) market.Store {
	_, url := pgtest.Shared(t).Database(t, "")
	return opened(t)(sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresConfig{URL: url, Create: true, Vault: vault.New(vault.Key{2})}))
}

// opened closes a store with the test.
func opened(t testing.TB) func(s market.Store, err error) market.Store {
	return func(s market.Store, err error) market.Store {
		t.Helper()
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
}

// filled is a store with much of everything, and what is in it.
func filled(t testing.TB, open engine) (s market.Store, want any) {
	t.Helper()
	s = open(t)
	storetest.Fill(t, s, 6_000)
	return s, storetest.Everything(t, s)
}

func mustHave(t testing.TB, s market.Store, want any) {
	t.Helper()
	if got := storetest.Everything(t, s); !reflect.DeepEqual(got, want) { // a tenth of the time of cmp.Diff
		t.Fatalf("the target (-want +got):\n%s", cmp.Diff(want, got))
	}
}

// From one store to the next, all the way round the engines.
func TestCopy(t *testing.T) {
	from, want := filled(t, memory)
	for _, hop := range []struct {
		name string
		open engine
	}{{"memory to file", file}, {"file to PostgreSQL", postgres}, {"PostgreSQL to its like", postgres}, {"PostgreSQL to file", file}} {
		to := hop.open(t) // not the step's: it is the next one's source
		t.Run(hop.name, func(t *testing.T) {
			var seen []string
			r, err := Copy(t.Context(), Config{From: from, To: to, Progress: func(p Progress) {
				if p.End && p.Phase == Copying {
					seen = append(seen, p.Kind)
				}
				if p.Total >= 0 && (p.Done > p.Total || p.End && p.Done != p.Total) {
					t.Errorf("progress %+v", p)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			mustHave(t, to, want)
			if r.Resumed || r.Present || len(r.Differences) > 0 || r.Usage != 6_000 || r.UsageTime <= 0 || len(r.Problems) == 0 { // Fill makes no sound marketplace
				t.Errorf("result %+v", r)
			}
			var kinds []string
			for _, c := range r.Rows {
				if kinds = append(kinds, c.Kind); c.Rows == 0 {
					t.Errorf("Fill has no %s: they are not tested", c.Kind)
				}
			}
			if diff := cmp.Diff(kinds, seen); diff != "" {
				t.Errorf("kinds (-result +progress):\n%s", diff)
			}
			if err := Finished(t.Context(), to); err != nil {
				t.Errorf("the target: %v", err)
			}
			t.Logf("%d usage records in %s", r.Usage, r.UsageTime.Round(time.Millisecond))

			again, err := Copy(t.Context(), Config{From: from, To: to})
			if err != nil || !again.Present || again.Usage != 0 || !cmp.Equal(again.Rows, r.Rows) || len(again.Differences) > 0 {
				t.Errorf("a second time: %+v, %v", again, err)
			}
			mustHave(t, to, want)
		})
		from = to
	}
}

// A copy lives on as a store: its history and its usage go on where those of its source end.
func TestCopyLivesOn(t *testing.T) {
	for name, open := range map[string]engine{"file": file, "PostgreSQL": postgres} {
		t.Run(name, func(t *testing.T) {
			from, to := memory(t), open(t)
			storetest.Fill(t, from, 100)
			if _, err := Copy(t.Context(), Config{From: from, To: to}); err != nil {
				t.Fatal(err)
			}
			var last []market.Event
			var kept []market.UsageRecord
			out := make([]market.Appended, 2)
			err := to.Update(t.Context(), func(tx market.Tx) (err error) {
				if err := tx.AppendEvent(market.Event{AgreementID: "agmt-1"}); err != nil {
					return err
				}
				if last, err = tx.Events(market.EventFilter{After: 500}); err != nil {
					return err
				}
				kept, err = tx.Usage(market.UsageFilter{Limit: 1})
				return err
			})
			if err != nil || len(last) != 1 || last[0].Seq != 501 || len(kept) != 1 {
				t.Fatalf("events %+v, records %+v, %v", last, kept, err)
			}
			resent, fresh := kept[0], kept[0]
			resent.ID, fresh.ID, fresh.Series.Region = market.RecordID{0xaa}, market.RecordID{0xbb}, "of its own"
			err = to.AppendUsage(t.Context(), []market.UsageRecord{resent, fresh}, out)
			if err != nil || out[0].Inserted || out[0].ID != kept[0].ID || !out[1].Inserted {
				t.Errorf("usage: %+v, %v", out, err)
			}
		})
	}
}

// Cut short at any moment, as often as may be, a copy goes on and is the same in the end.
func TestCutShort(t *testing.T) {
	for name, open := range map[string]engine{"memory": memory, "file": file, "PostgreSQL": postgres} {
		t.Run(name, func(t *testing.T) {
			from, want := filled(t, memory)
			to := open(t)
			random := rand.New(rand.NewPCG(7, 8))
			var cuts, resumed int
			for budget := 2 * time.Millisecond; ; budget += budget / 4 {
				ctx, cancel := context.WithCancel(t.Context())
				var timer *time.Timer
				left := -1
				if cuts%2 == 0 { // at a moment
					timer = time.AfterFunc(time.Duration(random.Int64N(int64(budget))), cancel)
				} else { // after a batch
					left = 1 + random.IntN(6)
				}
				r, err := Copy(ctx, Config{From: from, To: to, Progress: func(Progress) {
					if left--; left == 0 {
						cancel()
					}
				}})
				cancel()
				if timer != nil {
					timer.Stop()
				}
				if err == nil {
					if len(r.Differences) > 0 {
						t.Fatalf("differences: %v", r.Differences)
					}
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("after %d cuts: %v", cuts, err)
				}
				switch err := Finished(t.Context(), to); {
				case errors.Is(err, ErrUnfinished):
					resumed++
				case err != nil:
					t.Fatal(err)
				}
				if cuts++; cuts > 1000 {
					t.Fatal("it comes to no end")
				}
			}
			if resumed < 10 {
				t.Errorf("only %d of %d cuts left a part of a copy", resumed, cuts)
			}
			t.Logf("%d cuts, %d with a part", cuts, resumed)
			mustHave(t, to, want)
			if err := Finished(t.Context(), to); err != nil {
				t.Error(err)
			}
		})
	}
}

// part is a copy that was cut short within its usage records.
func part(t *testing.T, from market.Store) (to market.Store) {
	t.Helper()
	to = memory(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Copy(ctx, Config{From: from, To: to, Progress: func(p Progress) {
		if p.Kind == usageKind && p.Done > 0 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Copy answered %v", err)
	}
	return to
}

func TestRefusals(t *testing.T) {
	from, _ := filled(t, memory)
	half := part(t, from)
	other := memory(t)
	storetest.Fill(t, other, 10)
	if _, err := Copy(t.Context(), Config{From: other, To: half}); !errors.Is(err, ErrChanged) {
		t.Errorf("onto a part of another's copy: %v", err)
	}
	if _, err := Copy(t.Context(), Config{From: half, To: memory(t)}); !errors.Is(err, ErrUnfinished) {
		t.Errorf("of a part of a copy: %v", err)
	}
	if _, err := Copy(t.Context(), Config{From: from, To: other}); !errors.Is(err, ErrNotEmpty) || !strings.Contains(err.Error(), "it has accounts") {
		t.Errorf("onto other data: %v", err)
	}
	for name, write := range map[string]func(market.Tx) error{
		"an account": func(tx market.Tx) error { return tx.PutAccount(account.Account{ID: "1"}) },
		"a setting":  func(tx market.Tx) error { return tx.PutSetting("clock", "1") },
		"usage": func(tx market.Tx) error {
			return tx.AppendUsage([]market.UsageRecord{{ID: market.RecordID{9}, Timestamp: time.Unix(0, 0)}}, make([]market.Appended, 1))
		},
		"a redeemed token": func(tx market.Tx) error { _, err := tx.RedeemToken([]byte("x"), time.Time{}); return err },
	} {
		to := memory(t)
		if err := to.Update(t.Context(), write); err != nil {
			t.Fatal(err)
		}
		want := storetest.Everything(t, to)
		if _, err := Copy(t.Context(), Config{From: from, To: to}); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("onto %s: %v", name, err)
		}
		mustHave(t, to, want)
	}
	// What is written to the source in between is seen.
	half = part(t, from)
	if err := from.Update(t.Context(), func(tx market.Tx) error { return tx.PutOffer(market.Offer{ID: "000", Name: "new"}) }); err != nil {
		t.Fatal(err)
	}
	if _, err := Copy(t.Context(), Config{From: from, To: half}); !errors.Is(err, ErrChanged) {
		t.Errorf("after the source was written to: %v", err)
	}
}

// What the comparison is there for: rows that did not come across as they are.
func TestDifferences(t *testing.T) {
	from, want := filled(t, memory)
	good, err := Copy(t.Context(), Config{From: from, To: memory(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		kind  string
		more  int64 // rows of the target
		wrong func(market.Tx) error
	}{
		{"agreements", 0, func(tx market.Tx) error {
			a, _, err := tx.Agreement("agmt-7")
			a.TermMonths++
			return errors.Join(err, tx.PutAgreement(a))
		}},
		{"access keys", 0, func(tx market.Tx) error {
			d, err := tx.Directory()
			d.Keys[3].Secret += "x"
			return errors.Join(err, tx.PutAccessKey(d.Keys[3]))
		}},
		{"client tokens", 1, func(tx market.Tx) error { return tx.PutClientToken(market.ClientToken{Account: "new"}) }},
		{usageKind, 1, func(tx market.Tx) error {
			return tx.AppendUsage([]market.UsageRecord{{ID: market.RecordID{9}, Timestamp: time.Unix(0, 0)}}, make([]market.Appended, 1))
		}},
	} {
		to := part(t, from)
		ahead := func(p Progress) { // at the end of the copying, when nothing is compared yet
			if p.Phase == Copying && p.Kind == usageKind && p.End {
				if err := to.Update(context.WithoutCancel(t.Context()), tt.wrong); err != nil {
					t.Error(err)
				}
			}
		}
		r, err := Copy(t.Context(), Config{From: from, To: to, Progress: ahead})
		rows := good.Rows[slices.IndexFunc(good.Rows, func(c Count) bool { return c.Kind == tt.kind })].Rows
		if want := []Difference{{tt.kind, rows, rows + tt.more}}; err != nil || !cmp.Equal(r.Differences, want) {
			t.Errorf("%s: %+v, %v, want %+v", tt.kind, r.Differences, err, want)
			continue
		}
		if err := Finished(t.Context(), to); !errors.Is(err, ErrUnfinished) {
			t.Errorf("%s: the target that differs passes for whole: %v", tt.kind, err)
		}
		// Copied again, rows are what they should be. What should not be there stays, and is told again.
		r, err = Copy(t.Context(), Config{From: from, To: to})
		if err != nil || len(r.Differences) > 0 != (tt.more > 0) {
			t.Errorf("%s: once more: %v, %v", tt.kind, r.Differences, err)
		}
		if tt.more == 0 {
			mustHave(t, to, want)
		}
	}
}

// A history with a gap cannot come out under the same numbers.
func TestGap(t *testing.T) {
	to := memory(t)
	err := to.Update(t.Context(), func(tx market.Tx) error { return putEvents(tx, []market.Event{{Seq: 1}, {Seq: 3}}) })
	if err == nil || !strings.Contains(err.Error(), "number 3 comes after number 1") {
		t.Errorf("a gap: %v", err)
	}
}

// Every field of every row counts.
func TestSum(t *testing.T) {
	rows := map[string]any{
		"account": &account.Account{}, "policy": &account.Policy{}, "role": &account.Role{Identity: account.Identity{Inline: []account.Inline{{}}}},
		"key": &account.AccessKey{}, "product": &market.Product{Dimensions: []market.Dimension{{}}}, "offer": &market.Offer{Buyers: []string{""}, Prices: map[string]market.Price{"a": "1", "b": ""}},
		"agreement": &market.Agreement{Entitlements: []market.Entitlement{{}}}, "event": &market.Event{}, "usage": &market.UsageRecord{Allocations: []byte{0}},
		"client token": &market.ClientToken{}, "registration": &market.Registration{}, "redeemed": &market.RedeemedToken{ID: []byte{0}}, "setting": &market.Setting{},
	}
	for name, row := range rows {
		before := string(appendValue(nil, reflect.ValueOf(row).Elem()))
		fields := 0
		eachLeaf(reflect.ValueOf(row).Elem(), func(change, undo func()) {
			fields++
			change()
			if after := string(appendValue(nil, reflect.ValueOf(row).Elem())); after == before {
				t.Errorf("%s: field %d can change unseen", name, fields)
			}
			undo()
		})
		if fields < 2 || string(appendValue(nil, reflect.ValueOf(row).Elem())) != before {
			t.Errorf("%s: %d fields", name, fields)
		}
	}
	type pair struct{ A, B string }
	var ab, ba, other sum
	addRow(&ab, &pair{"a", "b"})
	addRow(&ab, &pair{"c", "d"})
	addRow(&ba, &pair{"c", "d"})
	addRow(&ba, &pair{"a", "b"})
	addRow(&other, &pair{"a", "bc"})
	addRow(&other, &pair{"", "d"})
	if !ab.same(&ba) || ab.same(&other) {
		t.Errorf("in one order %x, in the other %x, of other rows %x", ab.total, ba.total, other.total)
	}
	twice := ab
	addRow(&twice, &pair{"a", "b"})
	if twice.same(&ab) {
		t.Error("a row can stand twice unseen")
	}
}

// eachLeaf calls fn for every value in v that has no others in it.
func eachLeaf(v reflect.Value, fn func(change, undo func())) {
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	leaf := func(to any) {
		fn(func() { v.Set(reflect.ValueOf(to).Convert(v.Type())) }, func() { v.Set(old) })
	}
	switch v.Kind() {
	case reflect.String:
		leaf("x")
	case reflect.Bool:
		leaf(true)
	case reflect.Int, reflect.Int64, reflect.Uint8, reflect.Float64:
		leaf(1)
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			eachLeaf(v.Index(i), fn)
		}
		if v.Kind() == reflect.Slice {
			other := reflect.Zero(v.Type())
			if v.IsNil() {
				other = reflect.MakeSlice(v.Type(), 0, 0)
			}
			fn(func() { v.Set(other) }, func() { v.Set(old) })
		}
	case reflect.Map: // of text
		for _, key := range v.MapKeys() {
			value := v.MapIndex(key)
			fn(func() { v.SetMapIndex(key, reflect.ValueOf("x").Convert(value.Type())) }, func() { v.SetMapIndex(key, value) })
			renamed := reflect.ValueOf(key.String() + "x").Convert(key.Type())
			fn(func() { v.SetMapIndex(key, reflect.Value{}); v.SetMapIndex(renamed, value) }, func() { v.SetMapIndex(renamed, reflect.Value{}); v.SetMapIndex(key, value) })
		}
		other := reflect.Zero(v.Type())
		if v.IsNil() {
			other = reflect.MakeMap(v.Type())
		}
		fn(func() { v.Set(other) }, func() { v.Set(old) })
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			leaf(time.UnixMilli(0))
			return
		}
		for i := range v.NumField() {
			eachLeaf(v.Field(i), fn)
		}
	}
}
