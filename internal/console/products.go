package console

import (
	"net/http"
	"net/url"
	"slices"
	"sort"
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

// productsPage lists what is for sale.
type productsPage struct {
	Cards []productCard
	Query string // what was looked for
	Find  bool   // there are enough to look for one
	Next  string // address of the page that follows; "" on the last one
	Past  bool   // it is not the first page
	New   string // where one is made; "" for whoever may not
}

// maxCards is how many products a page shows.
const maxCards = 48

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
	page := productsPage{Query: strings.TrimSpace(r.URL.Query().Get("q")), Find: len(list) > maxCards, Past: r.URL.Query().Get("after") != ""}
	if callerIn(r.Context()).Operator {
		page.New = newProductPath
	}
	list = list[sort.Search(len(list), func(i int) bool { return list[i].Code > r.URL.Query().Get("after") }):] // they come by code
	words := strings.Fields(strings.ToLower(page.Query))
	for i, p := range list {
		if !mentions(p, words) {
			continue
		}
		if len(page.Cards) == maxCards {
			page.Next = "/?" + url.Values{"q": {page.Query}, "after": {list[i-1].Code}}.Encode()
			break
		}
		c.addNames(r.Context(), names, market.Agreement{Seller: p.Seller, Buyer: p.Seller})
		page.Cards = append(page.Cards, card(p, names))
	}
	page.Query = plain(page.Query)
	return c.render(w, response{status: http.StatusOK, page: "products", title: "Products", section: "products", body: page})
}

// mentions reports whether a product has all of some words, in lower case, in what a buyer reads of it.
func mentions(p market.Product, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(p.Title + "\n" + p.Code + "\n" + p.Description)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// maxSummary bounds what of a description stands on a card, in characters.
const maxSummary = 280

func card(p market.Product, names accountNames) productCard {
	title := p.Title
	if title == "" {
		title = p.Code
	}
	description := plain(strings.TrimSpace(p.Description))
	summary, _, _ := strings.Cut(description, "\n")
	if runes := []rune(summary); len(runes) > maxSummary {
		summary = string(runes[:maxSummary]) + "…"
	}
	return productCard{
		Path: productPath(p.Code), Code: p.Code, Title: plain(title), Initial: initial(title), Seller: names.of(p.Seller),
		Description: description, Summary: summary, Pricing: pricing(p.Dimensions), Kind: kindWords(p.Kind),
		Dimensions: plural(len(p.Dimensions), "dimension", "dimensions"),
	}
}
