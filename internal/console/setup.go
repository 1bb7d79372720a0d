package console

import (
	"net/http"
	"net/url"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/registration"
)

// setupPage holds the form that takes a buyer, with a fresh token, to the seller.
type setupPage struct {
	Title     string // of the product
	Seller    string
	Action    string // the registration URL
	Host      string // of it
	Fields    []field
	ExpiresAt moment
	Back      string
}

type field struct{ Name, Value string }

// unregisteredPage stands in for it while a product has no registration URL.
type unregisteredPage struct {
	Title        string
	ProductCode  string
	ProductPath  string
	Back         string
	Registration registrationSetting
}

// setup is the button "Set up your account": it mints a token, and answers with a page whose form posts it to the seller, at once with
// JavaScript and by a button without. A click is a token; the page is kept nowhere.
func (c *Console) setup(w http.ResponseWriter, r *http.Request) error {
	p, err := c.service.SetUpAccount(r.Context(), callerIn(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	names, err := c.accountNames(r.Context())
	if err != nil {
		return err
	}
	product := card(p.Product, names)
	target := c.service.RegistrationURL(p.Product)
	if target == "" {
		return c.render(w, response{
			status: http.StatusConflict, page: "unregistered", title: "No registration page yet", section: "subscriptions",
			body: unregisteredPage{
				Title: product.Title, ProductCode: p.Product.Code, ProductPath: product.Path, Back: subscriptionPath(p.Agreement.ID),
				Registration: c.registrationOf(p.Product),
			},
		})
	}
	page := setupPage{
		Title: product.Title, Seller: product.Seller, Action: target, Host: hostOf(target), Fields: fieldsOf(p),
		ExpiresAt: momentOf(p.TokenExpiresAt), Back: subscriptionPath(p.Agreement.ID),
	}
	return c.render(w, response{status: http.StatusOK, page: "setup", title: "Set up your account", section: "subscriptions", secret: true, body: page})
}

// fieldsOf is the documented form in a fixed order, the token first.
func fieldsOf(p market.Purchase) []field {
	form := registration.Form(p)
	var fields []field
	for _, name := range []string{registration.FieldToken, registration.FieldAgreementID, registration.FieldProductID, registration.FieldOfferType} {
		for _, v := range form[name] {
			fields = append(fields, field{name, v})
		}
	}
	return fields
}

func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	return plain(u.Host)
}
