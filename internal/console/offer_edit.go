package console

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// offerEditPage is the form that makes an offer, or changes one.
type offerEditPage struct {
	Heading, Product, Button string
	Action, Back             string
	From                     string
	Fields                   []formField
	Buyers                   []field // who could be named, to be copied
	Terms                    []offerTermRow
	Problems                 string
	Stale                    bool
	Differences              []difference
}

// fewHints is up to how many buyers a form names.
const fewHints = 12

func offerPath(code, id string) string {
	return productPath(code) + "/offers/" + url.PathEscape(id) + "/edit"
}

// offering is an offer on its way through the form.
type offering struct {
	product  market.Product
	was      market.Offer
	exists   bool
	accounts []account.Account
	mustBe   string
}

// offering is the offer of an address as it is now; a new one, where the address names none.
func (c *Console) offering(r *http.Request) (e offering, err error) {
	ctx := r.Context()
	if err := operatorsOnly(ctx); err != nil {
		return e, err
	}
	var offers []market.Offer
	if e.product, offers, err = c.service.Product(ctx, callerIn(ctx), r.PathValue("code")); err != nil {
		return e, err
	}
	if e.accounts, err = c.service.Accounts(ctx, callerIn(ctx)); err != nil {
		return e, err
	}
	id := r.PathValue("id")
	for _, o := range offers {
		if o.ID == id {
			e.was, e.exists = o, true
		}
	}
	if id != "" && !e.exists {
		return e, &httpError{http.StatusNotFound, "The product has no such offer."}
	}
	if id == "" {
		e.was = market.Offer{ProductCode: e.product.Code, Kind: market.PublicOffer}
	}
	e.mustBe = madeFrom("offer", e.product, e.was)
	return e, nil
}

// editOffer shows the form of an offer.
func (c *Console) editOffer(w http.ResponseWriter, r *http.Request) error {
	e, err := c.offering(r)
	if err != nil {
		return err
	}
	form := offerFormFor(e.product, e.was)
	return c.showOfferForm(w, http.StatusOK, e, &form, nil)
}

// saveOffer applies a form: all of it, or nothing.
func (c *Console) saveOffer(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	c.acting.Lock()
	defer c.acting.Unlock()
	e, err := c.offering(r)
	if err != nil {
		return err
	}
	form := offerFormOf(r.PostForm, e.product)
	if r.PostForm.Get("from") != e.mustBe {
		now := offerFormFor(e.product, e.was)
		return c.showOfferForm(w, http.StatusConflict, e, &form, offerDifferences(e.product, &now, &form))
	}
	o := form.offer(e.product, e.was)
	if len(form.problems) > 0 {
		return c.showOfferForm(w, http.StatusUnprocessableEntity, e, &form, nil)
	}
	if !e.exists {
		o.ID = newOfferID() // without one, another of this kind and name would be changed
	}
	_, err = c.service.ApplyWorld(r.Context(), callerIn(r.Context()), market.World{Offers: []market.Offer{o}})
	var refused *market.Error
	switch {
	case err == nil:
		http.Redirect(w, r, productPath(e.product.Code)+"?changed=offer#registration", http.StatusSeeOther)
		return nil
	case !errors.As(err, &refused) || refused.Code != market.Invalid && refused.Code != market.Conflict:
		return err
	}
	form.refused(refused.Problems, e.product)
	if len(refused.Problems) == 0 {
		form.problem("", refused.Message)
	}
	return c.showOfferForm(w, statuses[refused.Code], e, &form, nil)
}

func (c *Console) showOfferForm(w http.ResponseWriter, status int, e offering, form *offerForm, differ []difference) error {
	page := offerEditPage{
		Heading: "New offer", Product: titleOf(e.product), Button: "Make the offer", Action: productPath(e.product.Code) + "/offers/new", Back: productPath(e.product.Code),
		From: e.mustBe, Fields: form.fields(), Terms: form.terms(e.product), Problems: form.problems[""], Stale: status == http.StatusConflict && form.problems[""] == "", Differences: differ,
	}
	if e.exists {
		page.Heading, page.Button, page.Action = "Edit an offer", "Save", offerPath(e.product.Code, e.was.ID)
	}
	for _, b := range buyersOf(e.accounts) {
		if len(page.Buyers) < fewHints {
			page.Buyers = append(page.Buyers, field{b.Name, b.ID})
		}
	}
	return c.render(w, response{status: status, page: "offer_edit", title: page.Heading + ": " + page.Product, section: "sell", style: "product.css", body: page})
}
