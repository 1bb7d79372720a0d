package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

var appendTests = []test{
	{"an empty store has no usage, and an empty batch adds none", func(t *testing.T, s market.Store) {
		if err := s.AppendUsage(t.Context(), nil, nil); err != nil {
			t.Errorf("AppendUsage: %v", err)
		}
		update(t, s, func(tx market.Tx) error { return tx.AppendUsage([]market.UsageRecord{}, []market.Appended{}) })
		mustList(t, usage(t, s, market.UsageFilter{}), nil)
		if n := count(t, s, market.UsageFilter{}); n != 0 {
			t.Errorf("%d records", n)
		}
		mustList(t, sums(t, s, market.UsageFilter{}), nil)
		mustList(t, sums(t, s, market.UsageFilter{}, market.ByDay), nil)
		if code, license := ways(t, s, "p", "b"); code || license {
			t.Errorf("metered: %v, %v", code, license)
		}
		if in(t, s, "p", "b", 0, false) || in(t, s, "p", "b", 0, true) {
			t.Error("metered in hour 0")
		}
	}},
	{"whatever is added can be got back equal", func(t *testing.T, s market.Store) {
		var want []market.UsageRecord
		for i, o := range odd() { // an hour each, so that they are listed in this order
			r := record(i, at(time.Duration(i)*time.Hour))
			r.Series = market.Series{Region: o, ProductCode: o, Buyer: o, LicenseARN: o, Dimension: o, Resource: o}
			r.Allocations = [][]byte{nil, {}, {0}, []byte(o), make([]byte, 20_000/(i+1))}[i%5]
			r.Quantity = []int64{0, 1, math.MaxInt32}[i%3]
			want = append(want, r)
		}
		for i := range want {
			o := appendUsage(t, s, want[i:i+1]...)[0]
			mustEqual(t, o, market.Appended{
				Inserted: true, ID: want[i].ID, Timestamp: want[i].Timestamp, Quantity: want[i].Quantity, Allocations: want[i].Allocations,
			})
		}
		mustRecords(t, usage(t, s, market.UsageFilter{}), want)
		for i, r := range want { // what is kept is answered as it was added
			again := r
			again.ID, again.Quantity, again.Allocations, again.Timestamp = market.RecordID{0xff}, 77, []byte("other"), r.Timestamp.Add(time.Second)
			mustEqual(t, appendUsage(t, s, again)[0], market.Appended{ID: r.ID, Timestamp: r.Timestamp, Quantity: r.Quantity, Allocations: want[i].Allocations})
		}
		mustRecords(t, usage(t, s, market.UsageFilter{}), want)
	}},
	{"a list with a limit ends early for large allocations, and only an empty one is the end", func(t *testing.T, s market.Store) {
		var want []market.UsageRecord
		for i := range 20 {
			r := record(i, at(time.Duration(i)*time.Hour))
			r.Allocations = make([]byte, 700_000)
			want = append(want, r)
		}
		appendUsage(t, s, want...)
		light := func(list []market.UsageRecord) []market.UsageRecord { // comparing megabytes takes its time
			for i := range list {
				if len(list[i].Allocations) != 700_000 {
					t.Fatalf("%d bytes of allocations", len(list[i].Allocations))
				}
				list[i].Allocations = nil
			}
			return list
		}
		want = light(want)
		var all []market.UsageRecord
		for f := (market.UsageFilter{Limit: 1000}); ; {
			page := usage(t, s, f)
			if len(page) == 0 {
				break
			}
			if len(page) > 10 {
				t.Fatalf("%d records of 700 kB at once", len(page))
			}
			all = append(all, light(page)...)
			f.After = page[len(page)-1].Position
		}
		mustRecords(t, all, want)
		mustRecords(t, light(usage(t, s, market.UsageFilter{})), want)
	}},
	{"times are kept to the millisecond in UTC, and hours before 1970 are refused", func(t *testing.T, s market.Store) {
		for i, tt := range instants() {
			r := record(i, tt.put)
			r.Series.Dimension = fmt.Sprint(i)
			r.SubmittedAt = tt.put
			var out [1]market.Appended
			err := s.AppendUsage(t.Context(), []market.UsageRecord{r}, out[:])
			inside := s.Update(t.Context(), func(tx market.Tx) error { return tx.AppendUsage([]market.UsageRecord{r}, out[:]) })
			if market.HourOf(tt.put) < 0 {
				if err == nil || inside == nil {
					t.Errorf("%s is taken: %v, %v", tt.put, err, inside)
				}
				if n := count(t, s, market.UsageFilter{Dimension: r.Series.Dimension}); n != 0 {
					t.Errorf("%s: %d records", tt.put, n)
				}
				continue
			}
			if err != nil || inside != nil {
				t.Fatalf("%s: %v, %v", tt.put, err, inside)
			}
			r.Timestamp, r.SubmittedAt = tt.want, tt.want
			mustRecords(t, usage(t, s, market.UsageFilter{Dimension: r.Series.Dimension}), []market.UsageRecord{r})
			mustEqual(t, out[0].Timestamp, tt.want)
		}
		zero := record(100, at(0))
		zero.Series.Dimension, zero.SubmittedAt = "zero", time.Time{}
		appendUsage(t, s, zero)
		mustRecords(t, usage(t, s, market.UsageFilter{Dimension: "zero"}), []market.UsageRecord{zero})
	}},
	{"a record that no store can keep fails its batch whole", func(t *testing.T, s market.Store) {
		good := record(0, at(0))
		for name, spoil := range map[string]func(*market.UsageRecord){
			"before 1970": func(r *market.UsageRecord) { r.Timestamp = time.UnixMilli(-1) },
			"zero time":   func(r *market.UsageRecord) { r.Timestamp = time.Time{} },
			"too late":    func(r *market.UsageRecord) { r.Timestamp = time.Unix(3600<<31, 0) },
			"not UTF-8":   func(r *market.UsageRecord) { r.Series.Dimension = "\xff" },
			"zero byte":   func(r *market.UsageRecord) { r.Series.Buyer = "a\x00b" },
		} {
			bad := record(1, at(0))
			spoil(&bad)
			var out [2]market.Appended
			if err := s.AppendUsage(t.Context(), []market.UsageRecord{good, bad}, out[:]); err == nil {
				t.Errorf("%s is taken", name)
			}
			if err := s.Update(t.Context(), func(tx market.Tx) error { return tx.AppendUsage([]market.UsageRecord{good, bad}, out[:]) }); err == nil {
				t.Errorf("%s is taken in an Update", name)
			}
		}
		if err := s.AppendUsage(t.Context(), []market.UsageRecord{good}, nil); err == nil {
			t.Error("a batch without room for its outcomes is taken")
		}
		mustList(t, usage(t, s, market.UsageFilter{}), nil)
		last := record(2, time.Unix(3600<<31-1, 0).UTC())
		appendUsage(t, s, good, last)
		mustRecords(t, usage(t, s, market.UsageFilter{}), []market.UsageRecord{good, last})
	}},
	{"an hour begins with its first millisecond", func(t *testing.T, s market.Store) {
		hour := at(0).Truncate(time.Hour)
		for _, tt := range []struct {
			at    time.Time
			isNew bool
		}{
			{hour, true}, {hour.Add(time.Millisecond), false}, {hour.Add(time.Hour - time.Millisecond), false},
			{hour.Add(time.Hour), true}, {hour.Add(-time.Millisecond), true}, {hour.Add(-time.Hour), false},
			{time.UnixMilli(0), true}, {time.UnixMilli(3_599_999), false}, {time.UnixMilli(3_600_000), true},
		} {
			if o := appendUsage(t, s, record(1, tt.at))[0]; o.Inserted != tt.isNew {
				t.Errorf("%s: new %v", tt.at, o.Inserted)
			}
		}
	}},
	{"every part of a series, and the hour, tell records apart", func(t *testing.T, s market.Store) {
		base := record(0, at(0))
		var all []market.UsageRecord
		for i := range 7 {
			for _, v := range []string{"", "a", "A", "a "} {
				r := base
				switch i {
				case 0:
					r.Series.Region = v
				case 1:
					r.Series.ProductCode = v
				case 2:
					r.Series.Buyer = v
				case 3:
					r.Series.LicenseARN = v
				case 4:
					r.Series.Dimension = v
				case 5:
					r.Series.Resource = v
				case 6:
					r.Timestamp = base.Timestamp.Add(time.Duration(len(v)+1) * time.Hour)
				}
				all = append(all, r)
			}
		}
		// and where one part ends and the next begins
		for _, parts := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}} {
			r := base
			r.Series.Buyer, r.Series.LicenseARN = parts[0], parts[1]
			all = append(all, r)
		}
		type identity struct {
			series market.Series
			hour   int64
		}
		kept := map[identity]market.RecordID{}
		for i := range all {
			all[i].ID = market.RecordID{byte(i)}
		}
		for i, o := range appendUsage(t, s, all...) {
			id := identity{all[i].Series, all[i].Hour()}
			first, known := kept[id]
			if !known {
				kept[id], first = all[i].ID, all[i].ID
			}
			if o.Inserted == known || o.ID != first {
				t.Errorf("%+v: new %v, kept is %x, want %x", all[i].Series, o.Inserted, o.ID, first)
			}
		}
		if n := count(t, s, market.UsageFilter{}); n != int64(len(kept)) {
			t.Errorf("%d records, want %d", n, len(kept))
		}
	}},
	{"of a batch the first of an identity is kept, and of batches the first", func(t *testing.T, s market.Store) {
		a, b, c := record(1, at(0)), record(2, at(time.Minute)), record(3, at(2*time.Minute))
		a.Allocations, b.Quantity = []byte("a"), 999
		kept := market.Appended{ID: a.ID, Timestamp: a.Timestamp, Quantity: a.Quantity, Allocations: a.Allocations}
		first := kept
		first.Inserted = true
		mustEqual(t, appendUsage(t, s, a, b, a), []market.Appended{first, kept, kept})
		mustEqual(t, appendUsage(t, s, c, b), []market.Appended{kept, kept})
		var within, twice [2]market.Appended
		other := record(4, at(time.Hour))
		update(t, s, func(tx market.Tx) error {
			if err := tx.AppendUsage([]market.UsageRecord{other, b}, within[:]); err != nil {
				return err
			}
			return tx.AppendUsage([]market.UsageRecord{other, c}, twice[:])
		})
		if !within[0].Inserted || within[1].ID != a.ID || twice[0].Inserted || twice[0].ID != other.ID || twice[1].ID != a.ID {
			t.Errorf("in an Update: %+v, then %+v", within, twice)
		}
		mustRecords(t, usage(t, s, market.UsageFilter{}), []market.UsageRecord{a, other})
	}},
	{"an Update sees what it added itself", func(t *testing.T, s market.Store) {
		update(t, s, func(tx market.Tx) error {
			r := record(1, at(0))
			if err := tx.AppendUsage([]market.UsageRecord{r}, make([]market.Appended, 1)); err != nil {
				return err
			}
			list, err := tx.Usage(market.UsageFilter{})
			if err == nil && (len(list) != 1 || list[0].ID != r.ID) {
				t.Errorf("it sees %+v", list)
			}
			return err
		})
	}},
	{"an Update that is undone leaves neither records nor series", func(t *testing.T, s market.Store) {
		for round := range 3 {
			old, lost, next := record(1, at(0)), record(2, at(0)), record(3, at(0))
			old.Series.Dimension, lost.Series.Dimension, next.Series.Dimension = fmt.Sprint("old", round), "lost", fmt.Sprint("next", round)
			appendUsage(t, s, old)
			if err := s.Update(t.Context(), func(tx market.Tx) error {
				if err := tx.AppendUsage([]market.UsageRecord{old, lost}, make([]market.Appended, 2)); err != nil {
					return err
				}
				return errMade
			}); err != errMade {
				t.Fatal(err)
			}
			// If the store remembered the lost series' id, which is free again, next would be taken for it from now on.
			if o := appendUsage(t, s, next, old); !o[0].Inserted || o[1].Inserted {
				t.Errorf("round %d: %+v", round, o)
			}
			if code, license := ways(t, s, lost.Series.ProductCode, "lost"); code || license {
				t.Error("there is usage of what was undone")
			}
			mustRecords(t, usage(t, s, market.UsageFilter{Dimension: next.Series.Dimension}), []market.UsageRecord{next})
			mustList(t, usage(t, s, market.UsageFilter{Dimension: "lost"}), nil)
		}
		lost := record(9, at(0))
		lost.Series.Dimension = "lost"
		if o := appendUsage(t, s, lost)[0]; !o.Inserted {
			t.Errorf("what was undone counts as added: %+v", o)
		}
		mustRecords(t, usage(t, s, market.UsageFilter{Dimension: "lost"}), []market.UsageRecord{lost})
	}},
	{"the numbers of series that are kept beside records lead where the series do", func(t *testing.T, s market.Store) {
		var places [4]atomic.Int64
		of := func(series, hour int) market.UsageRecord {
			r := record(10*series+hour+1, at(time.Duration(hour)*time.Hour))
			r.Series.Dimension, r.Number = fmt.Sprint("d", series), &places[series]
			return r
		}
		var want []market.UsageRecord
		for hour := range 4 {
			var batch []market.UsageRecord
			for series := range 3 {
				batch = append(batch, of(series, hour))
			}
			// A number that is taken from what is undone would be another series' then.
			if err := s.Update(t.Context(), func(tx market.Tx) error {
				if err := tx.AppendUsage([]market.UsageRecord{of(3, hour)}, make([]market.Appended, 1)); err != nil {
					return err
				}
				return errMade
			}); err != errMade {
				t.Fatal(err)
			}
			for round := range 2 {
				for i, o := range appendUsage(t, s, batch...) {
					if o.Inserted != (round == 0) || o.ID != batch[i].ID {
						t.Errorf("hour %d, series %d, round %d: %+v", hour, i, round, o)
					}
				}
			}
			for _, r := range batch {
				r.Number = nil
				want = append(want, r)
			}
		}
		for series := range 3 {
			list := usage(t, s, market.UsageFilter{Dimension: fmt.Sprint("d", series)})
			mustRecords(t, list, slices.Collect(func(yield func(market.UsageRecord) bool) {
				for i := series; i < len(want); i += 3 {
					if !yield(want[i]) {
						return
					}
				}
			}))
		}
		last := of(3, 9)
		appendUsage(t, s, last)
		last.Number = nil
		mustRecords(t, usage(t, s, market.UsageFilter{Dimension: "d3"}), []market.UsageRecord{last})
	}},
	{"a batch of many records goes in whole", func(t *testing.T, s market.Store) {
		var batch []market.UsageRecord
		for i := range 20_000 {
			r := record(i, at(time.Duration(i%10)*time.Hour))
			r.Series.Buyer = fmt.Sprint(i / 10)
			batch = append(batch, r)
		}
		for i, o := range appendUsage(t, s, batch...) {
			if !o.Inserted {
				t.Fatalf("record %d: %+v", i, o)
			}
		}
		if n := count(t, s, market.UsageFilter{}); n != int64(len(batch)) {
			t.Errorf("%d records", n)
		}
	}},
	{"a ctx that is done adds nothing", func(t *testing.T, s market.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.AppendUsage(ctx, []market.UsageRecord{record(1, at(0))}, make([]market.Appended, 1)); err != context.Canceled {
			t.Errorf("AppendUsage: %v", err)
		}
		mustList(t, usage(t, s, market.UsageFilter{}), nil)
	}},
	{"after Close it fails with the code Unavailable", func(t *testing.T, s market.Store) {
		appendUsage(t, s, record(1, at(0)))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.AppendUsage(t.Context(), []market.UsageRecord{record(1, at(0))}, make([]market.Appended, 1)); market.CodeOf(err) != market.Unavailable {
			t.Errorf("AppendUsage: %v", err)
		}
	}},
}

// record is a usage record of number i, at an instant.
func record(i int, when time.Time) market.UsageRecord {
	return market.UsageRecord{
		ID:        market.RecordID{15: byte(i), 14: byte(i >> 8), 13: byte(i >> 16), 0: 1},
		Series:    market.Series{Region: "us-east-1", ProductCode: "p", Buyer: "b", Dimension: "d"},
		Timestamp: when, Quantity: int64(i), SubmittedAt: at(time.Duration(i) * time.Millisecond),
	}
}

// appendUsage adds records, which must succeed.
func appendUsage(t testing.TB, s market.Store, batch ...market.UsageRecord) []market.Appended {
	t.Helper()
	out := make([]market.Appended, len(batch))
	for i := range out { // of another call
		out[i] = market.Appended{Inserted: i%2 == 0, ID: market.RecordID{0xee}, Quantity: -1, Allocations: []byte("stale")}
	}
	if err := s.AppendUsage(context.Background(), batch, out); err != nil {
		t.Fatalf("AppendUsage: %v", err)
	}
	return out
}

func usage(t testing.TB, s market.Store, f market.UsageFilter) []market.UsageRecord {
	t.Helper()
	return read(t, s, func(tx market.Tx) ([]market.UsageRecord, error) { return tx.Usage(f) })
}

func count(t testing.TB, s market.Store, f market.UsageFilter) int64 {
	t.Helper()
	return read(t, s, func(tx market.Tx) (int64, error) { return tx.CountUsage(f) })
}

func sums(t testing.TB, s market.Store, f market.UsageFilter, by ...market.UsageField) []market.UsageSum {
	t.Helper()
	return read(t, s, func(tx market.Tx) ([]market.UsageSum, error) { return tx.SumUsage(f, by) })
}

func ways(t testing.TB, s market.Store, product, buyer string) (byCode, byLicense bool) {
	t.Helper()
	view(t, s, func(tx market.Tx) (err error) {
		byCode, byLicense, err = tx.MeteredWays(product, buyer)
		return err
	})
	return byCode, byLicense
}

func in(t testing.TB, s market.Store, product, buyer string, hour int64, byLicense bool) bool {
	t.Helper()
	return read(t, s, func(tx market.Tx) (bool, error) { return tx.MeteredIn(product, buyer, hour, byLicense) })
}

// mustRecords compares all but positions, which only have to grow.
func mustRecords(t testing.TB, got, want []market.UsageRecord) {
	t.Helper()
	var last int64
	for i := range got {
		if got[i].Position <= last {
			t.Fatalf("record %d has position %d after %d", i, got[i].Position, last)
		}
		last, got[i].Position = got[i].Position, 0
	}
	mustList(t, got, want)
}
