package console

import (
	"context"
	"net/url"

	"github.com/souk-market/souk/internal/market"
)

// titleOf is what a product is called: its code, if it has no title.
func titleOf(p market.Product) string {
	if p.Title == "" {
		return plain(p.Code)
	}
	return plain(p.Title)
}

// sellerTools is what the product's page offers to whoever develops for its seller.
type sellerTools struct {
	Edit, Clone, Try, AddOffer, New string // addresses
	Offers                          []field
	Notice                          string
}

// sellerToolsOf is nothing for all but operators, who alone can act.
func sellerToolsOf(ctx context.Context, query url.Values, p market.Product, offers []market.Offer) *sellerTools {
	if !callerIn(ctx).Operator {
		return nil
	}
	at := productPath(p.Code)
	t := &sellerTools{Edit: at + "/edit", Clone: at + "/clone", Try: at + "/try", AddOffer: at + "/offers/new", New: newProductPath, Notice: map[string]string{
		"made": "The product is made.", "product": "The product is saved.", "cloned": "This is the clone, with offers of its own.", "offer": "The offer is saved.",
	}[query.Get("changed")]}
	for _, o := range offersOf(p, offers, "") {
		t.Offers = append(t.Offers, field{o.Name, offerPath(p.Code, o.ID)})
	}
	return t
}
