package console_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/console"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

// BenchmarkRequestsPage measures pages of the list with 50,000 requests in the log: each is to take less than 50 ms. The last two look at as many
// as a page looks at.
func BenchmarkRequestsPage(b *testing.B) {
	store, err := sqlstore.Open(b.Context(), sqlstore.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	service, err := market.Open(b.Context(), market.Config{Store: store, Directory: new(account.Directory), Ring: new(keyring.Ring), Rand: rand.Reader})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := service.ApplyWorld(b.Context(), market.Operator(), sampleWorld()); err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	console.New(console.Config{Service: service, Log: bigLog(50_000)}).Register(mux)
	for name, path := range map[string]string{
		"newest": "/requests", "oldest": "/requests?before=60", "operation": "/requests?operation=ResolveCustomer", "none": "/requests?operation=MeterUsage",
		"buyer": "/requests?buyer=" + bob, "text": "/requests?q=nowhere",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				mux.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil))
				if w.Code != http.StatusOK {
					b.Fatalf("status %d", w.Code)
				}
				b.ReportMetric(float64(w.Body.Len()), "bytes")
			}
		})
	}
}
