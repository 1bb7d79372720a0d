// Package registration is the way of a registration token from the marketplace to the seller: the form that a buyer's
// browser submits (Form), a browser that submits it and follows where it is sent (Post, Browser), and a seller's site at
// the other end (Page), which resolves the token like any seller: over the network, signed.
//
// It is written against what AWS documents for sellers (user guide, "Integrating your SaaS subscription product",
// "SaaS product customer onboarding"), and shares nothing with the server's inside but the type of a purchase.
package registration

import (
	"net/url"

	"github.com/souk-market/souk/internal/market"
)

// The fields of the form. FieldToken and FieldOfferType are documented; the other two are not, but sellers' code parses them, so AWS
// is taken to send them (docs/divergences.md, ResolveCustomer).
const (
	FieldToken       = "x-amzn-marketplace-token"
	FieldAgreementID = "x-amzn-marketplace-agreement-id"
	FieldProductID   = "x-amzn-marketplace-product-id"
	FieldOfferType   = "x-amzn-marketplace-offer-type"
)

// OfferTypeFreeTrial is the only value of FieldOfferType; for any other offer the field is absent.
const OfferTypeFreeTrial = "free-trial"

// Form is what "Set up your account" submits for a purchase, by POST, as application/x-www-form-urlencoded.
func Form(p market.Purchase) url.Values {
	form := url.Values{
		FieldToken:       {p.Token},
		FieldAgreementID: {p.Agreement.ID},
		FieldProductID:   {p.Product.ID},
	}
	if p.Agreement.FreeTrial {
		form.Set(FieldOfferType, OfferTypeFreeTrial)
	}
	return form
}
