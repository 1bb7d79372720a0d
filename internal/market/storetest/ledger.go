package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

var ledgerTests = []test{
	{"filters hold together, and lists, counts and sums agree with each other", func(t *testing.T, s market.Store) {
		all := ledger(t, s, 1_500)
		r := rand.New(rand.NewPCG(1, 2))
		for range 150 {
			f := someFilter(r)
			var want []market.UsageRecord
			for _, rec := range all {
				if matches(f, rec) {
					want = append(want, rec)
				}
			}
			got := usage(t, s, f)
			mustList(t, sortedByID(got), sortedByID(want))
			if !slices.IsSortedFunc(got, func(a, b market.UsageRecord) int { return cmp.Compare(a.Position, b.Position) }) {
				t.Fatalf("%+v: not by position", f)
			}
			if n := count(t, s, f); n != int64(len(want)) {
				t.Fatalf("%+v: count is %d, want %d", f, n, len(want))
			}
			by := someFields(r)
			if got, want := sums(t, s, f, by...), sumsOf(want, by); !slices.Equal(got, want) {
				t.Fatalf("%+v by %v:\n got %+v\nwant %+v", f, by, got, want)
			}
		}
		if _, err := sumBy(t, s, "nothing"); err == nil {
			t.Error("a field that does not exist is taken")
		}
	}},
	{"hours of a filter are whole", func(t *testing.T, s market.Store) {
		hour := at(0).Truncate(time.Hour)
		var all []market.UsageRecord
		for i := range 5 { // at 59:59.999 of each hour
			all = append(all, record(i, hour.Add(time.Duration(i+1)*time.Hour-time.Millisecond)))
		}
		appendUsage(t, s, all...)
		for _, tt := range []struct {
			from, to    time.Time
			first, last int // of all; last is not included
		}{
			{time.Time{}, time.Time{}, 0, 5},
			{hour, hour.Add(5 * time.Hour), 0, 5},
			{hour.Add(time.Hour), time.Time{}, 1, 5},
			{hour.Add(time.Hour + 1), time.Time{}, 1, 5}, // that of From
			{hour.Add(2*time.Hour - 1), time.Time{}, 1, 5},
			{time.Time{}, hour.Add(2 * time.Hour), 0, 2},   // before that of To
			{time.Time{}, hour.Add(2*time.Hour + 1), 0, 3}, // within an hour, by a nanosecond
			{time.Time{}, hour.Add(3*time.Hour - 1), 0, 3},
			{hour.Add(2 * time.Hour), hour.Add(2 * time.Hour), 2, 2},
			{hour.Add(2 * time.Hour), hour.Add(2*time.Hour + 1), 2, 3},
			{hour.Add(4 * time.Hour), hour, 4, 4},
			{time.Unix(-1, 0), time.Unix(3600<<31, 0), 0, 5},
			{time.Time{}, time.Unix(-1, 0), 0, 0},
			{time.Time{}, time.Unix(0, 0), 0, 0},
			{time.Unix(3600<<31, 0), time.Time{}, 0, 0},
			{time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), 0, 5},
			{hour.In(time.FixedZone("+05:45", 20_700)), hour.Add(time.Hour).In(time.FixedZone("+05:45", 20_700)), 0, 1},
		} {
			mustRecords(t, usage(t, s, market.UsageFilter{From: tt.from, To: tt.to}), all[tt.first:tt.last])
			if n := count(t, s, market.UsageFilter{From: tt.from, To: tt.to}); n != int64(tt.last-tt.first) {
				t.Errorf("%s to %s: count is %d", tt.from, tt.to, n)
			}
		}
	}},
	{"pages of any size make up the list", func(t *testing.T, s market.Store) {
		ledger(t, s, 300)
		for _, f := range []market.UsageFilter{{}, {Buyer: "1"}, {From: at(3 * time.Hour), To: at(9 * time.Hour)}, {Buyer: "none"},
			{ProductCode: "p", Buyer: "1", From: at(0), To: at(60 * time.Hour)}} {
			want := usage(t, s, f)
			for _, size := range []int{1, 7, 100, 300} {
				mustList(t, usagePages(t, s, f, size), want)
			}
			if n := int64(len(want)); n > 2 {
				f.After = want[1].Position
				if got := count(t, s, f); got != n-2 {
					t.Errorf("%+v: count is %d, want %d", f, got, n-2)
				}
			}
		}
	}},
	{"pages have no gaps and no repeats while records are added", func(t *testing.T, s market.Store) {
		before := ledger(t, s, 400)
		stop, stopped := make(chan struct{}), make(chan struct{})
		var added atomic.Int64
		go func() { // into the hours that are being listed, before and behind where the list is
			defer close(stopped)
			for i := 1_000; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				r := record(i, at(time.Duration(i%24)*time.Hour))
				r.Series.Resource = fmt.Sprint("added ", i)
				var out [1]market.Appended
				if err := s.AppendUsage(t.Context(), []market.UsageRecord{r}, out[:]); err != nil {
					t.Errorf("AppendUsage: %v", err)
					return
				}
				added.Add(1)
			}
		}()
		for added.Load() == 0 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		pages := usagePages(t, s, market.UsageFilter{}, 10)
		close(stop)
		<-stopped
		seen := map[market.RecordID]bool{}
		var last int64
		for _, r := range pages {
			if seen[r.ID] || r.Position <= last {
				t.Fatalf("record %s is listed twice, or out of order", r.ID)
			}
			seen[r.ID], last = true, r.Position
		}
		for _, r := range before {
			if !seen[r.ID] {
				t.Errorf("record %s is not listed", r.ID)
			}
		}
	}},
	{"how a product was metered is known by buyer, by hour, and without MeterUsage", func(t *testing.T, s market.Store) {
		add := func(product, buyer, license, resource string, when time.Time) {
			r := record(1, when)
			r.Series.ProductCode, r.Series.Buyer, r.Series.LicenseARN, r.Series.Resource = product, buyer, license, resource
			appendUsage(t, s, r)
		}
		hour := market.HourOf(at(0))
		add("p", "code", "", "", at(0))
		add("p", "license", "arn", "", at(0))
		add("p", "both", "", "", at(0))
		add("p", "both", "arn", "", at(time.Hour))
		add("p", "both", "arn2", "", at(time.Hour))
		add("p", "workload", "", "task", at(0))
		add("p", "workload", "arn", "task", at(0))
		add("q", "code", "arn", "", at(0))
		for _, tt := range []struct {
			product, buyer string
			code, license  []int64 // hours from at(0)
		}{
			{"p", "code", []int64{0}, nil},
			{"p", "license", nil, []int64{0}},
			{"p", "both", []int64{0}, []int64{1}},
			{"p", "workload", nil, nil},
			{"q", "code", nil, []int64{0}},
			{"q", "both", nil, nil},
			{"P", "code", nil, nil},
			{"", "", nil, nil},
		} {
			if code, license := ways(t, s, tt.product, tt.buyer); code != (tt.code != nil) || license != (tt.license != nil) {
				t.Errorf("%s of %s: %v, %v", tt.buyer, tt.product, code, license)
			}
			for h := int64(-1); h < 3; h++ {
				if got := in(t, s, tt.product, tt.buyer, hour+h, false); got != slices.Contains(tt.code, h) {
					t.Errorf("%s of %s in hour %d by code: %v", tt.buyer, tt.product, h, got)
				}
				if got := in(t, s, tt.product, tt.buyer, hour+h, true); got != slices.Contains(tt.license, h) {
					t.Errorf("%s of %s in hour %d by license: %v", tt.buyer, tt.product, h, got)
				}
			}
		}
		for _, h := range []int64{-1, -1 << 63, 1 << 31, 1<<63 - 1, hour + 1<<32, hour - 1<<32} {
			if in(t, s, "p", "code", h, false) {
				t.Errorf("metered in hour %d", h)
			}
		}
	}},
	{"few series of few hours are found as well as many", func(t *testing.T, s market.Store) {
		var all []market.UsageRecord
		for i := range 600 { // 30 hours of 20 series, the buyers of which are told apart by bytes only
			r := record(i, at(time.Duration(i/20)*time.Hour))
			r.Series.Buyer, r.Series.Resource = []string{"a", "A", "é", "a b"}[i%4], fmt.Sprint("task ", i%20/4)
			all = append(all, r)
		}
		appendUsage(t, s, all...)
		for _, f := range []market.UsageFilter{
			{ProductCode: "p", Buyer: "a", From: at(0), To: at(30 * time.Hour)},
			{ProductCode: "p", Buyer: "a", From: at(0), To: at(0)}, // within an hour, which is whole
			{ProductCode: "p", Buyer: "a", From: at(time.Hour), To: at(-time.Hour)},
			{ProductCode: "p", Buyer: "a", From: time.Unix(-1, 0), To: at(30 * time.Hour)},            // too many hours
			{ProductCode: "p", Buyer: "a", From: at(0).AddDate(-1, 0, 0), To: at(0).AddDate(1, 0, 0)}, // half of the hours are of the future
			{ProductCode: "p", Buyer: "none", From: at(0), To: at(30 * time.Hour)},
			{ProductCode: "p", BuyerAfter: "A", BuyerThrough: "a b", From: at(0), To: at(30 * time.Hour)},
			{ProductCode: "p", BuyerThrough: "a", Dimension: "d", Region: "us-east-1", From: at(0), To: at(30 * time.Hour), After: 1},
			{ProductCode: "p", BuyerThrough: "a", Dimension: "other", From: at(0), To: at(30 * time.Hour)},
		} {
			var want []market.UsageRecord
			for _, r := range all {
				if matches(f, r) {
					want = append(want, r)
				}
			}
			mustList(t, sortedByID(usage(t, s, f)), sortedByID(want))
			if n := count(t, s, f); n != int64(len(want)) {
				t.Errorf("%+v: count is %d, want %d", f, n, len(want))
			}
			by := []market.UsageField{market.ByBuyer, market.ByHour}
			if got, want := sums(t, s, f, by...), sumsOf(want, by); !slices.Equal(got, want) {
				t.Errorf("%+v:\n got %+v\nwant %+v", f, got, want)
			}
			mustList(t, usagePages(t, s, f, 7), usage(t, s, f))
		}
	}},
	{"the buyers with usage of a product are listed once each, a page at a time", func(t *testing.T, s market.Store) {
		for i, series := range [][3]string{{"p", "b", ""}, {"p", "B", ""}, {"p", "b", "task"}, {"p", "é", ""}, {"q", "c", ""}, {"P", "d", ""}} {
			r := record(i, at(time.Duration(i)*time.Hour))
			r.Series.ProductCode, r.Series.Buyer, r.Series.Resource = series[0], series[1], series[2]
			appendUsage(t, s, r, r)
		}
		for _, tt := range []struct {
			product, after string
			limit          int
			want           []string
		}{
			{"p", "", 0, []string{"B", "b", "é"}}, {"p", "", 2, []string{"B", "b"}}, {"p", "b", 2, []string{"é"}}, {"p", "é", 2, nil},
			{"q", "", 0, []string{"c"}}, {"none", "", 0, nil}, {"", "", 0, nil},
		} {
			got := read(t, s, func(tx market.Tx) ([]string, error) { return tx.UsageBuyers(tt.product, tt.after, tt.limit) })
			mustList(t, got, tt.want)
		}
	}},
	{"of many who add the same records at once exactly one adds each", func(t *testing.T, s market.Store) {
		const goroutines, records = 32, 60
		outcomes := make([][]market.Appended, goroutines)
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				batch, out := make([]market.UsageRecord, records), make([]market.Appended, records)
				for i := range batch {
					n := (i*7 + g) % records // everyone in another order
					batch[i] = record(n, at(0))
					batch[i].Series.Buyer = fmt.Sprint(n) // a series that is new to the store too
					batch[i].ID[1] = byte(g)
					batch[i].Quantity = int64(g)
				}
				var err error
				if g%4 == 3 { // an Update among them
					err = s.Update(t.Context(), func(tx market.Tx) error { return tx.AppendUsage(batch, out) })
				} else {
					for chunk := 0; chunk < records && err == nil; chunk += 20 {
						err = s.AppendUsage(t.Context(), batch[chunk:chunk+20], out[chunk:chunk+20])
					}
				}
				if err != nil {
					t.Errorf("goroutine %d: %v", g, err)
				}
				outcomes[g] = make([]market.Appended, records)
				for i := range out {
					outcomes[g][(i*7+g)%records] = out[i]
				}
			})
		}
		wg.Wait()
		list := usage(t, s, market.UsageFilter{})
		if len(list) != records {
			t.Fatalf("%d records", len(list))
		}
		kept := map[string]market.UsageRecord{}
		for _, r := range list {
			kept[r.Series.Buyer] = r
		}
		for n := range records {
			firsts, r := 0, kept[fmt.Sprint(n)]
			for g := range goroutines {
				o := outcomes[g][n]
				if o.Inserted {
					firsts++
				}
				if o.ID != r.ID || o.Quantity != r.Quantity || o.Inserted && int64(g) != r.Quantity {
					t.Errorf("record %d: goroutine %d was told %+v, kept is %+v", n, g, o, r)
				}
			}
			if firsts != 1 {
				t.Errorf("record %d was added by %d", n, firsts)
			}
		}
	}},
}

// ledger adds n records of few series and hours, and answers them; those of MeterUsage are among them.
func ledger(t testing.TB, s market.Store, n int) (all []market.UsageRecord) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	for i := range n {
		rec := record(i, at(time.Duration(r.IntN(60*24*3))*time.Minute).Add(time.Duration(r.IntN(60_000))*time.Millisecond))
		rec.Series = market.Series{
			Region: pick("us-east-1", "eu-west-1"), ProductCode: pick("p", "P", "q"), Buyer: pick("1", "2", "10"), LicenseARN: pick("", "l1", "l2"),
			Dimension: pick("a", "B", "é"), Resource: pick("", "", "task"),
		}
		rec.Quantity = int64(r.Uint32() >> 1)
		all = append(all, rec)
	}
	kept := all[:0]
	for i, o := range appendUsage(t, s, all...) {
		if o.Inserted {
			kept = append(kept, all[i])
		}
	}
	return kept
}

func someFilter(r *rand.Rand) (f market.UsageFilter) {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	f = market.UsageFilter{
		Region: pick("", "", "us-east-1", "none"), ProductCode: pick("", "p", "P"), Buyer: pick("", "", "1", "10"),
		LicenseARN: pick("", "", "l1"), Dimension: pick("", "", "a", "é", "A"),
		BuyerAfter: pick("", "", "1", "10"), BuyerThrough: pick("", "", "1", "10", "2"),
	}
	if r.IntN(2) == 0 {
		f.From = at(time.Duration(r.IntN(60*24*4)-60*12) * time.Minute)
	}
	if r.IntN(2) == 0 {
		f.To = at(time.Duration(r.IntN(60*24*4)-60*12) * time.Minute)
	}
	return f
}

func matches(f market.UsageFilter, r market.UsageRecord) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	start := r.Timestamp.Truncate(time.Hour) // the record's hour must have an instant within the bounds
	return is(f.Region, r.Series.Region) && is(f.ProductCode, r.Series.ProductCode) && is(f.Buyer, r.Series.Buyer) &&
		(f.BuyerAfter == "" || r.Series.Buyer > f.BuyerAfter) && (f.BuyerThrough == "" || r.Series.Buyer <= f.BuyerThrough) &&
		is(f.LicenseARN, r.Series.LicenseARN) && is(f.Dimension, r.Series.Dimension) &&
		(f.From.IsZero() || start.Add(time.Hour).After(f.From)) && (f.To.IsZero() || start.Before(f.To))
}

func someFields(r *rand.Rand) []market.UsageField {
	all := []market.UsageField{market.ByHour, market.ByDay, market.ByRegion, market.ByProduct, market.ByBuyer, market.ByLicense, market.ByDimension}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:r.IntN(5)]
}

// sumsOf is what SumUsage should answer for records.
func sumsOf(records []market.UsageRecord, by []market.UsageField) (list []market.UsageSum) {
	totals := map[market.UsageSum]market.UsageSum{}
	for _, r := range records {
		var key market.UsageSum
		for _, field := range by {
			switch field {
			case market.ByHour:
				key.At = r.Timestamp.Truncate(time.Hour)
			case market.ByDay:
				if !slices.Contains(by, market.ByHour) {
					key.At = r.Timestamp.Truncate(24 * time.Hour)
				}
			case market.ByRegion:
				key.Region = r.Series.Region
			case market.ByProduct:
				key.ProductCode = r.Series.ProductCode
			case market.ByBuyer:
				key.Buyer = r.Series.Buyer
			case market.ByLicense:
				key.LicenseARN = r.Series.LicenseARN
			case market.ByDimension:
				key.Dimension = r.Series.Dimension
			}
		}
		sum, ok := totals[key]
		if !ok {
			sum = key
		}
		lag := r.SubmittedAt.Sub(r.Timestamp)
		if !ok || lag > sum.Lag {
			sum.Lag = lag
		}
		sum.Records++
		sum.Quantity += r.Quantity
		totals[key] = sum
	}
	for _, sum := range totals {
		list = append(list, sum)
	}
	slices.SortFunc(list, func(a, b market.UsageSum) int {
		for _, field := range by {
			if c := compareBy(field, a, b); c != 0 {
				return c
			}
		}
		return 0
	})
	return list
}

func compareBy(field market.UsageField, a, b market.UsageSum) int {
	switch field {
	case market.ByHour:
		return a.At.Compare(b.At)
	case market.ByDay:
		return a.At.Truncate(24 * time.Hour).Compare(b.At.Truncate(24 * time.Hour))
	case market.ByRegion:
		return cmp.Compare(a.Region, b.Region)
	case market.ByProduct:
		return cmp.Compare(a.ProductCode, b.ProductCode)
	case market.ByBuyer:
		return cmp.Compare(a.Buyer, b.Buyer)
	case market.ByLicense:
		return cmp.Compare(a.LicenseARN, b.LicenseARN)
	}
	return cmp.Compare(a.Dimension, b.Dimension)
}

func sumBy(t testing.TB, s market.Store, by ...market.UsageField) (list []market.UsageSum, err error) {
	failed := s.View(t.Context(), func(tx market.Tx) error {
		list, err = tx.SumUsage(market.UsageFilter{}, by)
		return err
	})
	if (failed == nil) != (err == nil) {
		t.Errorf("View answered %v for %v", failed, err)
	}
	return list, err
}

// sortedByID is the records by id, without positions.
func sortedByID(list []market.UsageRecord) []market.UsageRecord {
	list = slices.Clone(list)
	for i := range list {
		list[i].Position = 0
	}
	slices.SortFunc(list, func(a, b market.UsageRecord) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return list
}

// usagePages reads a list page by page.
func usagePages(t testing.TB, s market.Store, f market.UsageFilter, size int) (all []market.UsageRecord) {
	t.Helper()
	f.Limit = size
	for {
		page := usage(t, s, f)
		if len(page) > size {
			t.Fatalf("a page of %d has %d records", size, len(page))
		}
		all = append(all, page...)
		if len(page) < size {
			return all
		}
		f.After = page[len(page)-1].Position
	}
}
