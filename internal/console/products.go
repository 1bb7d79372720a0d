package console

import (
	"net/http"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

// productCard is a product in the list, and at the head of its own page.
type productCard struct {
	Path        string
	Code        string
	Title       string
	Initial     string
	Seller      string
	Description string
	Summary     string // its first paragraph
	Pricing     string
	Kind        string
	Dimensions  string // how many, in words
}

// products is the front page: what is for sale.
func (c *Console) products(w http.ResponseWriter, r *http.Request) error {
	list, err := c.service.Products(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	names, err := c.accountNames(r.Context())
	if err != nil {
		return err
	}
	cards := make([]productCard, len(list))
	for i, p := range list {
		cards[i] = card(p, names)
	}
	return c.render(w, response{status: http.StatusOK, page: "products", title: "Products", section: "products", body: cards})
}

func card(p market.Product, names accountNames) productCard {
	title := p.Title
	if title == "" {
		title = p.Code
	}
	description := plain(strings.TrimSpace(p.Description))
	summary, _, _ := strings.Cut(description, "\n")
	return productCard{
		Path: productPath(p.Code), Code: p.Code, Title: plain(title), Initial: initial(title), Seller: names.of(p.Seller),
		Description: description, Summary: summary, Pricing: pricing(p.Dimensions), Kind: kindWords(p.Kind),
		Dimensions: plural(len(p.Dimensions), "dimension", "dimensions"),
	}
}
