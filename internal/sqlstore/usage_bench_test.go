package sqlstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/pgtest"
)

// usageOf is record n of a stream: every 50th is one again that came shortly before. 10,000 series report every hour, three hours mixed, in an
// order that is another one every time: neither the table nor the cache is served in the order of keys.
func usageOf(n int, r *market.UsageRecord) {
	const series, block = len(buyers), 3 * len(buyers)
	id := n
	if n%50 == 49 {
		n -= 40
	}
	steps := [...]int{7, 7919, 13, 10_007, 1237, 17, 3571, 19_997} // none has a factor of block's
	at := n % block * steps[n/block%len(steps)] % block
	*r = market.UsageRecord{
		Series:      market.Series{Region: "us-east-1", ProductCode: "c6k9z5x1y8w3v7u2t4s0r6q5p", Buyer: buyers[at%series], Dimension: "requests"},
		Timestamp:   firstHour.Add(time.Duration(n/block*3+at/series)*time.Hour + time.Duration(n%3600)*time.Second),
		Quantity:    int64(n % 1000),
		SubmittedAt: firstHour,
	}
	binary.BigEndian.PutUint64(r.ID[8:], uint64(id)*0x9e3779b97f4a7c15)
}

var (
	firstHour = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	buyers    = func() (b [10_000]string) {
		for i := range b {
			b[i] = fmt.Sprintf("%012d", i)
		}
		return b
	}()
)

// BenchmarkUsage compares what callers get with the bare loop of each engine. PostgreSQL syncs here, as in production.
func BenchmarkUsage(b *testing.B) {
	const callers, batch = 64, 25
	b.Run("SQLite/bare", func(b *testing.B) {
		b.ReportAllocs()
		rate, err := BareUsageLoop(context.Background(), filepath.Join(b.TempDir(), "souk.db"), b.N, callers*batch, usageOf)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(rate, "rows/s")
	})
	b.Run("SQLite/AppendUsage", func(b *testing.B) {
		appendAll(b, open(b, filepath.Join(b.TempDir(), "souk.db")), callers, batch)
	})
	server, err := pgtest.Start(pgtest.Config{Sync: true})
	if err != nil {
		pgtest.Missing(b, err)
	}
	defer server.Stop()
	for _, writers := range []int{1, 2} {
		b.Run(fmt.Sprintf("PostgreSQL/bare-%d", writers), func(b *testing.B) {
			_, url := server.Database(b, "")
			rate, err := BarePostgresLoop(context.Background(), PostgresConfig{URL: url, Create: true, Vault: testVault()}, b.N, callers*batch/2, writers, usageOf)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(rate, "rows/s")
		})
	}
	b.Run("PostgreSQL/AppendUsage", func(b *testing.B) {
		_, url := server.Database(b, "")
		s, err := OpenPostgres(b.Context(), PostgresConfig{URL: url, Create: true, Vault: testVault()})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		appendAll(b, s, callers, batch)
	})
}

// appendAll has callers bring b.N records to a store, batch by batch.
func appendAll(b *testing.B, s market.Store, callers, batch int) {
	b.ReportAllocs()
	b.ResetTimer()
	var next, inserted atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			records, out := make([]market.UsageRecord, batch), make([]market.Appended, batch)
			for {
				n := int(next.Add(int64(batch))) - batch
				if n >= b.N {
					return
				}
				for i := range records {
					usageOf(n+i, &records[i])
				}
				if err := s.AppendUsage(context.Background(), records, out); err != nil {
					b.Error(err)
					return
				}
				for i := range out {
					if out[i].Inserted {
						inserted.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(inserted.Load())/float64(next.Load()), "new")
}
