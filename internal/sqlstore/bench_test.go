package sqlstore

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// BenchmarkUpdate redeems a new token an Update, from one caller and from 64 (group commit).
func BenchmarkUpdate(b *testing.B) {
	forget := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, callers := range []int{1, 64} {
		for _, where := range []string{"memory", "file"} {
			b.Run(fmt.Sprintf("%s/callers=%d", where, callers), func(b *testing.B) {
				path := ""
				if where == "file" {
					path = filepath.Join(b.TempDir(), "souk.db")
				}
				s := open(b, path)
				var next atomic.Int64
				var wg sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range callers {
					wg.Go(func() {
						for {
							n := next.Add(1)
							if n > int64(b.N) {
								return
							}
							if err := s.Update(context.Background(), func(tx market.Tx) error {
								_, err := tx.RedeemToken(fmt.Appendf(nil, "%016x", n), forget)
								return err
							}); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
			})
		}
	}
}

func BenchmarkView(b *testing.B) {
	for _, where := range []string{"memory", "file"} {
		b.Run(where, func(b *testing.B) {
			path := ""
			if where == "file" {
				path = filepath.Join(b.TempDir(), "souk.db")
			}
			s := open(b, path)
			put(b, s, "s", "v")
			b.ReportAllocs()
			for b.Loop() {
				setting(b, s, "s")
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			openOnce(b, Config{})
		}
	})
	b.Run("fresh", func(b *testing.B) {
		dir := b.TempDir()
		for n := 0; b.Loop(); n++ {
			openOnce(b, Config{Vault: testVault(), Path: filepath.Join(dir, fmt.Sprint(n), "souk.db"), Create: true})
		}
	})
	b.Run("existing", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "souk.db")
		openOnce(b, Config{Vault: testVault(), Path: path, Create: true})
		for b.Loop() {
			openOnce(b, Config{Vault: testVault(), Path: path})
		}
	})
}

// openOnce opens and closes; the closing is part of what is measured.
func openOnce(b *testing.B, cfg Config) {
	s, err := Open(context.Background(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
