package admin

import (
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// PurchaseInput says who buys what.
type PurchaseInput struct {
	ProductCode  string       `json:"product_code"`
	Buyer        string       `json:"buyer,omitempty"`        // account; "" for the first buyer there is
	OfferID      string       `json:"offer_id,omitempty"`     // "": the product's public offer, or its free trial
	FreeTrial    bool         `json:"free_trial,omitempty"`   // take the free trial
	Entitlements Entitlements `json:"entitlements,omitempty"` // of the dimensions left out: what the offer says
	StartAt      time.Time    `json:"start_at,omitzero"`      // zero: now
	TermMonths   int          `json:"term_months,omitempty"`  // 0: the offer's
	AutoRenew    bool         `json:"auto_renew,omitempty"`   // at its end it is renewed by itself
}

// Purchase is what a buyer has after buying, or after clicking "Set up your account": an agreement, and a token for the seller.
type Purchase struct {
	RegistrationToken    string    `json:"registration_token"`
	TokenExpiresAt       time.Time `json:"token_expires_at"` // by the market's clock
	AgreementID          string    `json:"agreement_id"`
	LicenseARN           string    `json:"license_arn"`
	CustomerIdentifier   string    `json:"customer_identifier"` // as ResolveCustomer will answer it: "" for concurrent-agreements products
	CustomerAWSAccountID string    `json:"customer_aws_account_id"`
	ProductCode          string    `json:"product_code"`
	ProductID            string    `json:"product_id"`
	OfferID              string    `json:"offer_id"`
	RegistrationURL      string    `json:"registration_url"` // where the buyer's browser posts the token; "" for nowhere
	FreeTrial            bool      `json:"free_trial"`
	Existing             bool      `json:"existing"` // the agreement was there before
}

func (a *API) buy(w http.ResponseWriter, r *http.Request) error {
	var in PurchaseInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.ProductCode == "" {
		return invalid("product_code", "must be given")
	}
	out := market.PurchaseInput{
		ProductCode: in.ProductCode, Buyer: in.Buyer, OfferID: in.OfferID, FreeTrial: in.FreeTrial,
		StartAt: in.StartAt, TermMonths: in.TermMonths, AutoRenew: in.AutoRenew,
	}
	if len(in.Entitlements) > 0 {
		product, _, err := a.service.Product(r.Context(), market.Operator(), in.ProductCode)
		if err != nil {
			return err
		}
		if out.Entitlements, err = in.Entitlements.of(product); err != nil {
			return err
		}
	}
	p, err := a.service.Buy(r.Context(), market.Operator(), out)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, a.purchase(p))
}

func (a *API) mintToken(w http.ResponseWriter, r *http.Request) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	p, err := a.service.SetUpAccount(r.Context(), market.Operator(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, a.purchase(p))
}

func (a *API) purchase(p market.Purchase) Purchase {
	return Purchase{
		RegistrationToken: p.Token, TokenExpiresAt: p.TokenExpiresAt.UTC(), AgreementID: p.Agreement.ID, LicenseARN: p.Agreement.LicenseARN,
		CustomerIdentifier: p.CustomerIdentifier(), CustomerAWSAccountID: p.Agreement.Buyer,
		ProductCode: p.Product.Code, ProductID: p.Product.ID, OfferID: p.Agreement.OfferID,
		RegistrationURL: a.service.RegistrationURL(p.Product), FreeTrial: p.Agreement.FreeTrial, Existing: p.Existing,
	}
}
