package sqlstore

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/internal/market"
)

// An old month is archived and dropped as docs/operate.md says, while nodes take usage: they notice nothing, and if a record of that month comes after all,
// by whichever way, the month is made again.
func TestOldMonthIsDroppedUnderLoad(t *testing.T) {
	url := emptyDatabase(t)
	nodes := []*Postgres{openPostgres(t, url), openPostgres(t, url)}
	old, now := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)
	add := func(s *Postgres, within bool, records ...market.UsageRecord) {
		t.Helper()
		out := make([]market.Appended, len(records))
		err := error(nil)
		if within {
			err = s.Update(t.Context(), func(tx market.Tx) error { return tx.AppendUsage(records, out) })
		} else {
			err = s.AppendUsage(t.Context(), records, out)
		}
		for i, o := range out {
			if err != nil || !o.Inserted {
				t.Errorf("record %s: %+v, %v", records[i].ID, o, err)
			}
		}
	}
	count := func(f market.UsageFilter) (n int64) {
		t.Helper()
		if err := nodes[0].View(t.Context(), func(tx market.Tx) (err error) {
			n, err = tx.CountUsage(f)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 20 { // every node knows the month, in both ways
		add(nodes[i%2], i%4 < 2, usageAt(byte(i+1), old.Add(time.Duration(i)*time.Hour)))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	var taken [2]int64
	for n, s := range nodes {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r := usageAt(byte(n+1), now)
				r.Series.Resource = time.Duration(i).String()
				r.Series.Buyer = [2]string{"a", "b"}[n]
				add(s, i%2 == 0, r)
				taken[n]++
			}
		})
	}
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	run := func(statement string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for round := range 2 { // the second time it is a month that was made again
		time.Sleep(100 * time.Millisecond)
		run(`ALTER TABLE usage DETACH PARTITION usage_2026_01 CONCURRENTLY`)
		if n := count(market.UsageFilter{To: now.Add(-24 * time.Hour)}); n != 0 {
			t.Errorf("round %d: %d records of the old month are left", round, n)
		}
		run(`DROP TABLE usage_2026_01`)
		add(nodes[0], round == 0, usageAt(100, old)) // as a part of an Update, which knows the month from before
		add(nodes[1], round == 1, usageAt(101, old.Add(time.Hour)))
		if n := count(market.UsageFilter{To: now.Add(-24 * time.Hour)}); n != 2 {
			t.Errorf("round %d: %d records of the month that was made again", round, n)
		}
	}
	// One that is kept is renamed, and can be put back.
	run(`ALTER TABLE usage DETACH PARTITION usage_2026_01 CONCURRENTLY`)
	run(`ALTER TABLE usage_2026_01 RENAME TO archived_2026_01`)
	add(nodes[1], false, usageAt(102, old))
	if n := count(market.UsageFilter{To: now.Add(-24 * time.Hour)}); n != 1 {
		t.Errorf("beside the archived month there are %d records", n)
	}
	run(`ALTER TABLE usage DETACH PARTITION usage_2026_01 CONCURRENTLY`)
	run(`DROP TABLE usage_2026_01`)
	run(`ALTER TABLE archived_2026_01 RENAME TO usage_2026_01`)
	run(`ALTER TABLE usage ATTACH PARTITION usage_2026_01 FOR VALUES
		FROM ((extract(epoch FROM timestamptz '2026-01-01Z')::bigint / 3600) << 32)
		TO   ((extract(epoch FROM timestamptz '2026-02-01Z')::bigint / 3600) << 32)`)
	if n := count(market.UsageFilter{To: now.Add(-24 * time.Hour)}); n != 2 {
		t.Errorf("the archived month comes back with %d records", n)
	}
	out := make([]market.Appended, 1)
	if err := nodes[0].AppendUsage(t.Context(), []market.UsageRecord{usageAt(103, old)}, out); err != nil || out[0].ID != (market.RecordID{100}) {
		t.Errorf("a record that the archived month has: %+v, %v", out, err)
	}
	stop()
	wg.Wait()
	if n := count(market.UsageFilter{From: now}); n != taken[0]+taken[1] || taken[0] == 0 || taken[1] == 0 {
		t.Errorf("%d records of the new month, %v were taken", n, taken)
	}
}
