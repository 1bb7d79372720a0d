package sqlstore

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/internal/market"
)

func TestMonthOf(t *testing.T) {
	hour := func(text string) int64 {
		at, err := time.Parse("2006-01-02T15", text)
		if err != nil {
			t.Fatal(err)
		}
		return market.HourOf(at)
	}
	for _, tt := range []struct{ at, from, to string }{
		{"1970-01-01T00", "1970-01-01T00", "1970-02-01T00"},
		{"2026-11-23T18", "2026-11-01T00", "2026-12-01T00"},
		{"2026-12-31T23", "2026-12-01T00", "2027-01-01T00"},
		{"2028-02-29T12", "2028-02-01T00", "2028-03-01T00"},
	} {
		if from, to := monthOf(hour(tt.at)); from != hour(tt.from) || to != hour(tt.to) {
			t.Errorf("%s: from %d to %d", tt.at, from, to)
		}
	}
	if _, to := monthOf(maxHour); to != maxHour+1 {
		t.Errorf("the last month ends with hour %d", to)
	}
}

// partitions are the months that there are.
func partitions(t *testing.T, c *pgx.Conn) (names []string) {
	t.Helper()
	rows, err := c.Query(t.Context(), `SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage'::regclass ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	if names, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	return names
}

func usageAt(id byte, at time.Time) market.UsageRecord {
	return market.UsageRecord{ID: market.RecordID{id}, Series: market.Series{ProductCode: "p", Buyer: "b", Dimension: "d"}, Timestamp: at, Quantity: int64(id)}
}

// Months come into being where they are needed, by any number of writers at once, and one that was detached is not missed by anybody.
func TestMonths(t *testing.T) {
	url := emptyDatabase(t)
	stores := []*Postgres{openPostgres(t, url), openPostgres(t, url), openPostgres(t, url)}
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	month := func(n int) time.Time { return time.Date(2026, time.Month(n), 15, 0, 0, 0, 0, time.UTC) }
	var wg sync.WaitGroup
	var want []string
	for n := 1; n <= 6; n++ {
		want = append(want, fmt.Sprintf("usage_2026_%02d", n))
		for i, s := range stores {
			wg.Go(func() {
				batch := []market.UsageRecord{usageAt(byte(n*10+i), month(n).Add(time.Duration(i)*time.Hour))}
				out := make([]market.Appended, 1)
				append := s.AppendUsage
				if n%2 == 0 { // as a part of an Update too
					append = func(ctx context.Context, batch []market.UsageRecord, out []market.Appended) error {
						return s.Update(ctx, func(tx market.Tx) error { return tx.AppendUsage(batch, out) })
					}
				}
				if err := append(t.Context(), batch, out); err != nil || !out[0].Inserted {
					t.Errorf("month %d: %+v, %v", n, out[0], err)
				}
			})
		}
	}
	wg.Wait()
	if diff := cmp.Diff(want, partitions(t, c)); diff != "" {
		t.Errorf("partitions (-want +got):\n%s", diff)
	}
	total := func() (n int64) {
		if err := stores[0].View(t.Context(), func(tx market.Tx) (err error) {
			n, err = tx.CountUsage(market.UsageFilter{})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := total(); n != 18 {
		t.Errorf("%d records", n)
	}
	for _, statement := range []string{
		`ALTER TABLE usage DETACH PARTITION usage_2026_01 CONCURRENTLY`, `DROP TABLE usage_2026_01`,
		`ALTER TABLE usage DETACH PARTITION usage_2026_04 CONCURRENTLY`, // and left under its name
	} {
		if _, err := c.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if n := total(); n != 12 {
		t.Errorf("%d records without January's and April's", n)
	}
	out := make([]market.Appended, 2)
	if err := stores[1].AppendUsage(t.Context(), []market.UsageRecord{usageAt(200, month(1)), usageAt(201, month(2).Add(50*time.Hour))}, out); err != nil || !out[0].Inserted || !out[1].Inserted {
		t.Errorf("after January was dropped: %+v, %v", out, err)
	}
	if err := stores[2].Update(t.Context(), func(tx market.Tx) error { // as a part of an Update too
		return tx.AppendUsage([]market.UsageRecord{usageAt(202, month(4))}, out[:1])
	}); err != nil || !out[0].Inserted {
		t.Errorf("after April was dropped: %+v, %v", out[0], err)
	}
	want[3] += "_2"
	again := openPostgres(t, url) // which has to find it
	if err := again.AppendUsage(t.Context(), []market.UsageRecord{usageAt(203, month(4).Add(time.Hour))}, out[:1]); err != nil || !out[0].Inserted {
		t.Errorf("on another node: %+v, %v", out[0], err)
	}
	if diff := cmp.Diff(want, partitions(t, c)); diff != "" {
		t.Errorf("partitions (-want +got):\n%s", diff)
	}
}
