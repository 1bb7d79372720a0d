package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// PurchaseInput says who buys what.
type PurchaseInput struct {
	ProductCode string `json:"product_code"`
	Buyer       string `json:"buyer,omitempty"`      // account; "" for the first buyer there is
	OfferID     string `json:"offer_id,omitempty"`   // "": the product's public offer, or its free trial
	FreeTrial   bool   `json:"free_trial,omitempty"` // take the free trial
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

// Agreement is an accepted offer.
type Agreement struct {
	AgreementID string        `json:"agreement_id"`
	ProductCode string        `json:"product_code"`
	OfferID     string        `json:"offer_id"`
	Seller      string        `json:"seller"`
	Buyer       string        `json:"buyer"`
	Status      market.Status `json:"status"`
	FreeTrial   bool          `json:"free_trial"`
	LicenseARN  string        `json:"license_arn"`
	AcceptedAt  time.Time     `json:"accepted_at"`
	StartAt     time.Time     `json:"start_at"`
	EndAt       time.Time     `json:"end_at,omitzero"` // zero: no end
}

// AgreementPage is a part of a list of agreements, in the order in which they were accepted.
type AgreementPage struct {
	Agreements []Agreement `json:"agreements"`
	Next       string      `json:"next,omitempty"` // what to ask for with AgreementQuery.After; "" at the end
}

// How long lists are, in items.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

func (a *API) buy(w http.ResponseWriter, r *http.Request) error {
	var in PurchaseInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	if in.ProductCode == "" {
		return invalid("product_code", "must be given")
	}
	p, err := a.service.Buy(r.Context(), market.Operator(), market.PurchaseInput(in))
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

func (a *API) listAgreements(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := number(q, "limit", defaultLimit, 1, maxLimit)
	if err != nil {
		return err
	}
	status := market.Status(q.Get("status"))
	known := []market.Status{"", market.Active, market.Cancelled, market.Expired, market.Terminated, market.Replaced, market.Renewed}
	if !slices.Contains(known, status) {
		return refuse(http.StatusBadRequest, CodeBadRequest, "query parameter \"status\" is %q, which is not a status of an agreement", status)
	}
	list, err := a.service.Agreements(r.Context(), market.Operator(), market.AgreementFilter{
		ProductCode: q.Get("product"), Buyer: q.Get("buyer"), Status: status, After: q.Get("after"), Limit: limit + 1, // one more tells whether there are more
	})
	if err != nil {
		return err
	}
	page := AgreementPage{Agreements: []Agreement{}}
	if len(list) > limit {
		list = list[:limit]
		page.Next = list[limit-1].ID
	}
	for _, g := range list {
		v := Agreement{
			AgreementID: g.ID, ProductCode: g.ProductCode, OfferID: g.OfferID, Seller: g.Seller, Buyer: g.Buyer, Status: g.Status, FreeTrial: g.FreeTrial,
			LicenseARN: g.LicenseARN, AcceptedAt: g.AcceptedAt.UTC(), StartAt: g.StartAt.UTC(), EndAt: g.EndAt.UTC(),
		}
		page.Agreements = append(page.Agreements, v)
	}
	return answer(w, http.StatusOK, page)
}
