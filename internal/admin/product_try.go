package admin

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/tryit"
)

// TryInput says whose registration token is posted to a product's registration URL.
type TryInput struct {
	AgreementID string `json:"agreement_id,omitempty"` // "": one of Buyer's, or any active one
	Buyer       string `json:"buyer,omitempty"`        // account; one without an active agreement is subscribed first
}

// tryProduct mints a token, posts it to the product's registration URL as a buyer's browser would, and tells what came of it. Whatever the page
// answers is an answer of 200 here. See internal/tryit for what it reaches and what it does not.
func (a *API) tryProduct(w http.ResponseWriter, r *http.Request) error {
	var in TryInput
	if err := decode(w, r, &in); err != nil {
		return err
	}
	unhurried(w)
	report, err := a.tester.Try(r.Context(), market.Operator(), tryit.Input{ProductCode: r.PathValue("code"), AgreementID: in.AgreementID, Buyer: in.Buyer})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, report)
}

// TryProduct has Souk post a registration token to the product's registration URL.
func (c *Client) TryProduct(ctx context.Context, code string, in TryInput) (out tryit.Report, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/products/" + segment(code) + "/try", in: in, out: &out})
	return out, err
}
