package console

import (
	"context"
	"errors"
	"net/http"

	"github.com/souk-market/souk/internal/market"
)

// saveProduct applies a form: all of it, or nothing.
func (c *Console) saveProduct(w http.ResponseWriter, r *http.Request, e *editing, form *productForm) error {
	c.acting.Lock()
	defer c.acting.Unlock()
	fresh, err := c.again(r.Context(), e)
	if err != nil {
		return err
	}
	if r.PostForm.Get("from") != fresh.mustBe { // what is sent again from the page below is meant
		fresh.page.Stale, fresh.page.Differences = true, differences(&fresh.base, form)
		return c.showProductForm(w, http.StatusConflict, fresh, form)
	}
	p, rows := form.product(fresh.was)
	if !fresh.exists {
		_, _, err := c.service.Product(r.Context(), callerIn(r.Context()), p.Code)
		switch {
		case err == nil: // applying it would change that one
			form.problem("code", "there is a product of this code already")
		case market.CodeOf(err) != market.NotFound:
			return err
		}
		if p.Code == "" {
			form.problem("code", "is missing")
		}
	}
	if len(form.problems) > 0 {
		return c.showProductForm(w, http.StatusUnprocessableEntity, fresh, form)
	}
	world := market.World{Products: []market.Product{p}}
	for _, o := range fresh.offers {
		o.ProductCode = p.Code
		world.Offers = append(world.Offers, o)
	}
	_, err = c.service.ApplyWorld(r.Context(), callerIn(r.Context()), world)
	var refused *market.Error
	switch {
	case err == nil:
		answer := fresh.answered
		if fresh.exists && p.RegistrationURL != fresh.was.RegistrationURL {
			answer = "?changed=registration-url#registration"
		}
		http.Redirect(w, r, productPath(p.Code)+answer, http.StatusSeeOther)
		return nil
	case !errors.As(err, &refused) || refused.Code != market.Invalid && refused.Code != market.Conflict:
		return err
	}
	form.refused(refused.Problems, rows)
	if len(refused.Problems) == 0 {
		form.problem("", refused.Message)
	}
	return c.showProductForm(w, statuses[refused.Code], fresh, form)
}

// again is what the form is made from, as it is now.
func (c *Console) again(ctx context.Context, e *editing) (*editing, error) {
	switch {
	case e.exists:
		return c.changingProduct(ctx, e.was.Code)
	case e.was.Code != "":
		return c.cloningProduct(ctx, e.was.Code)
	}
	return c.makingProduct(ctx)
}

func (c *Console) showProductForm(w http.ResponseWriter, status int, e *editing, form *productForm) error {
	page := e.page
	if page.From == "" {
		page.From = e.mustBe
	}
	page.Fields, page.Full = form.fields(e.sellers, e.exists, e.sold), len(form.Rows) >= maxRows
	page.Rows, page.RowsProblem, page.Problems = form.rows(len(e.was.Dimensions)), form.problems["dimensions"], form.problems[""]
	for _, a := range e.sellers {
		page.Sellers = page.Sellers || a.Seller
	}
	return c.render(w, response{status: status, page: "product_edit", title: e.title, section: "sell", style: "product.css", script: "product.js", body: page})
}
