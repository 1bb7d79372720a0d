package admin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
)

// landing makes a seller's page that does nothing the registration URL of legacy1, and returns its address.
func (s *site) landing(t *testing.T) string {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "welcome ", r.FormValue("x-amzn-marketplace-token"))
	}))
	t.Cleanup(page.Close)
	if _, err := s.service.ChangeProduct(t.Context(), market.Operator(), "legacy1", market.ProductChange{RegistrationURL: &page.URL}); err != nil {
		t.Fatal(err)
	}
	return page.URL
}

func TestTryingAProduct(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	url := s.landing(t)
	r, err := s.client.TryProduct(t.Context(), "legacy1", TryInput{Buyer: "444455556666"})
	if err != nil {
		t.Fatal(err)
	}
	if r.OK || !r.Subscribed || r.URL != url || len(r.Hops) != 1 || r.Hops[0].Status != http.StatusOK || !strings.HasPrefix(r.Hops[0].Body, "welcome ") || len(r.Hops[0].Body) > 40 {
		t.Errorf("report %+v", r)
	}
	if _, err := s.client.TryProduct(t.Context(), "concurrent/1:a@b=c", TryInput{}); err == nil || !strings.Contains(err.Error(), "has no active agreement") {
		t.Errorf("without an agreement: %v", err)
	}
}
