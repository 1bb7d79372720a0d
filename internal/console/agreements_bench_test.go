package console_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

// BenchmarkAgreements measures the pages of agreements with 100,000 of them in the store, and with 500,000 usage records: 500 an hour.
func BenchmarkAgreements(b *testing.B) {
	ctx := b.Context()
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	service, err := market.Open(ctx, market.Config{
		Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader, Now: func() time.Time { return now }, BuiltinRegistrationURL: builtin,
	})
	if err != nil {
		b.Fatal(err)
	}
	world := suiteWorld()
	for i := range 1000 {
		world.Directory.Accounts = append(world.Directory.Accounts, account.Account{ID: fmt.Sprintf("3%011d", i), Name: fmt.Sprint("Buyer ", i), Buyer: true})
	}
	if _, err := service.ApplyWorld(ctx, market.Operator(), world); err != nil {
		b.Fatal(err)
	}
	const agreements, records, anHour = 100_000, 500_000, 500
	begin := now.Add(-records / anHour * time.Hour).Truncate(time.Hour)
	id := func(i int) string { return fmt.Sprintf("agmt-%08d", i) }
	if err := store.Update(ctx, func(tx market.Tx) error {
		for i := range agreements {
			status := market.Active
			if i%10 > 0 {
				status = market.Cancelled
			}
			err := tx.PutAgreement(market.Agreement{
				ID: id(i), ProductCode: suite, OfferID: yearly, Seller: seller, Buyer: fmt.Sprintf("3%011d", i%1000), Status: status, Intent: market.IntentNew,
				LicenseARN: fmt.Sprintf("arn:aws:license-manager::294406891311:license:l-%032d", i), AcceptedAt: begin.Add(time.Duration(i) * time.Millisecond), StartAt: begin,
				EndAt: now.AddDate(1, 0, 0), TermMonths: 12, Phase: market.Running, DueAt: now.AddDate(1, 0, 0),
			})
			if err != nil {
				return err
			}
		}
		batch := make([]market.UsageRecord, anHour)
		out := make([]market.Appended, anHour)
		for hour := range records / anHour {
			for i := range batch {
				batch[i] = market.UsageRecord{
					Series:    market.Series{Region: "us-east-1", ProductCode: suite, Buyer: fmt.Sprintf("3%011d", i), LicenseARN: fmt.Sprintf("arn:aws:license-manager::294406891311:license:l-%032d", i), Dimension: "calls"},
					Timestamp: begin.Add(time.Duration(hour) * time.Hour), Quantity: 1,
				}
			}
			if err := tx.AppendUsage(batch, out); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	console.New(console.Config{Service: service}).Register(mux)
	for name, path := range map[string]string{
		"list": "/agreements", "last": "/agreements?after=" + id(agreements-60), "active": "/agreements?status=ACTIVE", "none": "/agreements?status=TERMINATED",
		"buyer": "/agreements?buyer=300000000007", "one": "/agreements/" + id(20), "start": "/start", "state": "/start/state",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
				n, err := io.Copy(io.Discard, w.Body)
				if w.Code != http.StatusOK || err != nil || n > 100<<10 {
					b.Fatalf("%s: status %d, %d bytes", path, w.Code, n)
				}
			}
		})
	}
}
