package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
)

// However many products there are, a page shows some of them, and each is found.
func TestProductsArePagedAndFound(t *testing.T) {
	s := sampleSite(t)
	var w market.World
	for i := range 97 {
		w.Products = append(w.Products, market.Product{
			Code: fmt.Sprintf("many%03d", i), Seller: "111122223333", Title: fmt.Sprintf("Product No %03d", i), Kind: market.Legacy, Description: strings.Repeat("long ", 1000),
		})
	}
	if _, err := s.service.ApplyWorld(t.Context(), market.Operator(), w); err != nil {
		t.Fatal(err)
	}
	seen, path := 0, "/"
	for range 5 {
		p := s.get(path).is(t, http.StatusOK)
		if len(p.body) > 60<<10 {
			t.Errorf("%s: %d bytes", path, len(p.body))
		}
		seen += strings.Count(p.body, "Product No ")
		if path == "/" || strings.Contains(p.body, ">Next page<") {
			path = p.linkTo(t, "Next page")
			continue
		}
		break
	}
	if seen != 97 {
		t.Errorf("%d products on all pages, want %d", seen, 97)
	}
	p := s.get("/?q="+url.QueryEscape("no 042")).is(t, http.StatusOK, "Product No 042")
	if strings.Contains(p.body, "Product No 043") {
		t.Error("a product is found that was not looked for")
	}
	p = s.get("/?q="+url.QueryEscape(`"><script>alert(1)</script>`)).is(t, http.StatusOK, "No product matches", "See all products")
	if strings.Contains(p.body, "<script>alert") {
		t.Error("what is looked for is not escaped")
	}
}
