package console

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// cloneProduct is the form for a product that begins as another one is, offers included.
func (c *Console) cloneProduct(w http.ResponseWriter, r *http.Request) error {
	e, err := c.cloningProduct(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	return c.editingOf(w, r, e)
}

func (c *Console) cloningProduct(ctx context.Context, code string) (*editing, error) {
	if err := operatorsOnly(ctx); err != nil {
		return nil, err
	}
	p, offers, err := c.service.Product(ctx, callerIn(ctx), code)
	if err != nil {
		return nil, err
	}
	e := &editing{title: "Clone " + titleOf(p), was: p, mustBe: madeFrom("clone", p, offers), answered: "?changed=cloned#registration"}
	e.was.ID, e.was.CreatedAt = "", time.Time{} // its own
	copied := e.was
	copied.Code, copied.Title = newProductCode(), "Copy of "+titleOf(p)
	e.base = productFormFor(copied)
	e.page = productEditPage{
		Heading: "Clone " + titleOf(p), Button: "Make the clone", Action: productPath(code) + "/clone", Back: productPath(code),
		Lead: "A product of its own, with a code and an id of its own. Its " + plural(len(offers), "offer", "offers") + " come along; agreements and usage do not.",
	}
	for _, o := range offers {
		o.ID, o.CreatedAt = newOfferID(), time.Time{} // without an id, two of one name would become one
		e.offers = append(e.offers, o)
	}
	slices.SortStableFunc(e.offers, func(a, b market.Offer) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	e.sellers, err = c.service.Accounts(ctx, callerIn(ctx))
	return e, err
}

// newProductCode has the form of those of AWS Marketplace: 25 lower-case letters and digits.
func newProductCode() string { return strings.ToLower(rand.Text())[:25] }

// newOfferID has the form of those that the market makes.
func newOfferID() string { return "offer-" + strings.ToLower(rand.Text())[:13] }
