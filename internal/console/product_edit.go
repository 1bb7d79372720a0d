package console

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// newProductPath is no address below /products/, where every name may be a product's.
const newProductPath = "/new/product"

// productEditPage is the form that makes a product, or changes one.
type productEditPage struct {
	Heading, Lead, Button string
	Action, Back          string
	From                  string // stands for what the form was made from
	Fields                []formField
	Rows                  []formRow
	RowsProblem           string
	Full                  bool   // no more rows
	Fixed                 string // why fields are missing
	Sellers               bool   // there are any
	Problems              string
	Stale                 bool
	Differences           []difference
}

// editing is a product on its way through the form.
type editing struct {
	page     productEditPage
	title    string
	was      market.Product // that the form was made from; the zero product for a new one
	offers   []market.Offer // that go along
	sellers  []account.Account
	exists   bool // the product that is changed is was
	sold     bool // it has agreements
	base     productForm
	mustBe   string // From, for the form to be of the present
	answered string // where the page leads when it is done, but for the product's path
}

// operatorsOnly keeps from the pages that only operators can act on.
func operatorsOnly(ctx context.Context) error {
	if !callerIn(ctx).Operator {
		return &httpError{http.StatusForbidden, "Only operators of this Souk make and change products."}
	}
	return nil
}

// newProduct is the form for a product that there is not yet.
func (c *Console) newProduct(w http.ResponseWriter, r *http.Request) error {
	e, err := c.makingProduct(r.Context())
	if err != nil {
		return err
	}
	return c.editingOf(w, r, e)
}

func (c *Console) makingProduct(ctx context.Context) (*editing, error) {
	if err := operatorsOnly(ctx); err != nil {
		return nil, err
	}
	e := &editing{title: "New product", base: productForm{Code: newProductCode(), Kind: string(market.ConcurrentAgreements)}, answered: "?changed=made#registration"}
	e.page = productEditPage{
		Heading: "New product", Button: "Make the product", Action: newProductPath, Back: "/sell",
		Lead: "A product gets a public offer by itself. Add others, prices and terms, once it is made.",
	}
	var err error
	e.sellers, err = c.service.Accounts(ctx, callerIn(ctx))
	return e, err
}

// editProduct is the form that changes a product.
func (c *Console) editProduct(w http.ResponseWriter, r *http.Request) error {
	e, err := c.changingProduct(r.Context(), r.PathValue("code"))
	if err != nil {
		return err
	}
	return c.editingOf(w, r, e)
}

func (c *Console) changingProduct(ctx context.Context, code string) (*editing, error) {
	if err := operatorsOnly(ctx); err != nil {
		return nil, err
	}
	p, _, err := c.service.Product(ctx, callerIn(ctx), code)
	if err != nil {
		return nil, err
	}
	e := &editing{title: "Edit " + titleOf(p), was: p, exists: true, base: productFormFor(p), mustBe: madeFrom(p), answered: "?changed=product#registration"}
	e.page = productEditPage{
		Heading: "Edit " + titleOf(p), Button: "Save", Action: productPath(code) + "/edit", Back: productPath(code),
		Lead: "What you change holds from the next call on. A product cannot be removed, nor its code changed: agreements go by it.",
	}
	if e.sellers, err = c.service.Accounts(ctx, callerIn(ctx)); err != nil {
		return nil, err
	}
	had, err := c.service.Agreements(ctx, callerIn(ctx), market.AgreementFilter{ProductCode: code, Limit: 1})
	if e.sold = len(had) > 0; e.sold {
		e.page.Fixed = "The product has agreements: its seller, " + namesOf(e.sellers).of(p.Seller) + ", and its kind (" + kindWords(p.Kind) + ") cannot change any more."
	}
	return e, err
}

// editingOf shows a form for the first time, or takes what was sent.
func (c *Console) editingOf(w http.ResponseWriter, r *http.Request, e *editing) error {
	if r.Method != http.MethodPost {
		form := e.base
		form.spare(spareRows)
		return c.showProductForm(w, http.StatusOK, e, &form)
	}
	if err := parseForm(r); err != nil {
		return err
	}
	base := e.was
	if !e.exists {
		base.Code, base.ID, base.Kind = e.base.Code, e.base.ID, market.ProductKind(e.base.Kind)
	}
	form := productFormOf(r.PostForm, base)
	if e.exists {
		form.Code, form.ID = e.was.Code, e.was.ID
	}
	if r.PostForm.Has("more") {
		form.spare(4 * spareRows)
		e.page.From = r.PostForm.Get("from")
		return c.showProductForm(w, http.StatusOK, e, &form)
	}
	return c.saveProduct(w, r, e, &form)
}
