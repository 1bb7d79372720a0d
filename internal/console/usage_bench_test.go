package console_test

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/vault"
)

// BenchmarkUsagePage is the pages over many records: of the last 24 hours (some of 1,400 buyers, all hours of a month), and of a page of records.
// The first page is timed on its own: its figures are not made yet.
func BenchmarkUsagePage(b *testing.B) {
	for _, rows := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) { benchmarkUsage(b, rows) })
	}
}

func benchmarkUsage(b *testing.B, rows int) {
	now := time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC)
	store, err := sqlstore.Open(b.Context(), sqlstore.Config{Path: filepath.Join(b.TempDir(), "souk.db"), Create: true, Vault: vault.New(vault.Key{1})})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	service, err := market.Open(b.Context(), market.Config{
		Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader, Now: func() time.Time { return now },
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := service.ApplyWorld(b.Context(), market.Operator(), sampleWorld()); err != nil {
		b.Fatal(err)
	}
	const hours, batch = 30 * 24, 5000
	records, out := make([]market.UsageRecord, 0, batch), make([]market.Appended, batch)
	for n := range rows {
		at := now.Add(-time.Duration(n%hours) * time.Hour)
		r := market.UsageRecord{
			Series:    market.Series{Region: "us-east-1", ProductCode: legacy, Buyer: fmt.Sprintf("%012d", n/hours), Dimension: "gb"},
			Timestamp: at, SubmittedAt: at, Quantity: int64(n % 1000),
		}
		binary.BigEndian.PutUint64(r.ID[:], uint64(n)+1)
		if records = append(records, r); len(records) == batch || n == rows-1 {
			if err := store.AppendUsage(b.Context(), records, out[:len(records)]); err != nil {
				b.Fatal(err)
			}
			records = records[:0]
		}
	}
	mux := http.NewServeMux()
	console.New(console.Config{Service: service}).Register(mux)
	get := func(path string) string {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			b.Fatalf("%s: status %d", path, w.Code)
		}
		return w.Body.String()
	}
	for _, path := range []string{"/usage", "/usage?hours=168", "/usage/records"} {
		b.Run(path, func(b *testing.B) {
			began := time.Now()
			get(path)
			first := time.Since(began)
			for range 3000 {
				if !strings.Contains(get(path), "This is still being added up") {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			made := time.Since(began)
			for b.Loop() {
				get(path)
			}
			b.ReportMetric(float64(first.Microseconds())/1000, "first-ms")
			b.ReportMetric(float64(made.Milliseconds()), "whole-ms")
			b.ReportMetric(float64(len(get(path)))/1024, "KiB")
		})
	}
}
