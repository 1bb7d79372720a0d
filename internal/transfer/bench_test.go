package transfer

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/vault"
)

// BenchmarkCopy copies 300,000 usage records of 3,000 customers between stores that sync, and says how many a second: go test -bench Copy -benchtime 1x.
func BenchmarkCopy(b *testing.B) {
	const records, customers = 300_000, 3_000
	server, err := pgtest.Start(pgtest.Config{Sync: true})
	if err != nil {
		pgtest.Missing(b, err)
	}
	defer server.Stop()
	lasting := func(b testing.TB) market.Store {
		_, url := server.Database(b, "")
		return opened(b)(sqlstore.OpenPostgres(b.Context(), sqlstore.PostgresConfig{URL: url, Create: true, Vault: vault.New(vault.Key{2})}))
	}
	path := filepath.Join(b.TempDir(), "souk.db")
	first := opened(b)(sqlstore.Open(b.Context(), sqlstore.Config{Path: path, Create: true, Vault: vault.New(vault.Key{1})}))
	begin := time.Date(2026, 5, 29, 0, 0, 0, 0, time.UTC) // over the end of a month
	batch, out := make([]market.UsageRecord, customers), make([]market.Appended, customers)
	for hour := range records / customers {
		for i := range batch {
			id := market.RecordID{}
			binary.BigEndian.PutUint64(id[:], uint64(hour*customers+i))
			batch[i] = market.UsageRecord{ID: id, Timestamp: begin.Add(time.Duration(hour) * time.Hour), Quantity: int64(i), SubmittedAt: begin,
				Series: market.Series{Region: "us-east-1", ProductCode: "7gs5x0soukanalytics0legac", Buyer: fmt.Sprintf("%012d", i), Dimension: "queries"}}
		}
		if err := first.AppendUsage(b.Context(), batch, out); err != nil {
			b.Fatal(err)
		}
	}
	from := first
	for _, hop := range []struct {
		name string
		open engine
	}{{"file to PostgreSQL", lasting}, {"PostgreSQL to its like", lasting}, {"PostgreSQL to file", file}, {"file to file", file}} {
		to := hop.open(b)
		b.Run(hop.name, func(b *testing.B) {
			for b.Loop() {
				begun := time.Now()
				r, err := Copy(b.Context(), Config{From: from, To: to})
				if err != nil || len(r.Differences) > 0 {
					b.Fatalf("%v, %v", r.Differences, err)
				}
				if !r.Present {
					b.ReportMetric(float64(r.Usage)/r.UsageTime.Seconds(), "records/s")
					b.ReportMetric(float64(r.Usage)/time.Since(begun).Seconds(), "records/s-with-check")
				}
			}
		})
		from = to
	}
}
