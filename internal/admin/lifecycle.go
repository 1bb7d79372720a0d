package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// Amendment changes an agreement in place. What is left out stays as it is.
type Amendment struct {
	Entitlements Entitlements `json:"entitlements,omitempty"` // of the dimensions left out: as before
	EndAt        *time.Time   `json:"end_at,omitempty"`
	AutoRenew    *bool        `json:"auto_renew,omitempty"`
}

// Terms are those of an agreement that follows another. What is left out is as before.
type Terms struct {
	OfferID      string       `json:"offer_id,omitempty"`
	Entitlements Entitlements `json:"entitlements,omitempty"` // of the dimensions left out: as before
	TermMonths   int          `json:"term_months,omitempty"`
	AutoRenew    *bool        `json:"auto_renew,omitempty"`
}

func (a *API) amendAgreement(w http.ResponseWriter, r *http.Request) error {
	var in Amendment
	if err := decode(w, r, &in); err != nil {
		return err
	}
	id := r.PathValue("id")
	quantities, err := a.entitlementsOf(r.Context(), id, in.Entitlements)
	if err != nil {
		return err
	}
	g, err := a.service.Amend(r.Context(), market.Operator(), id, market.Amendment{Entitlements: quantities, EndAt: in.EndAt, AutoRenew: in.AutoRenew})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, agreement(g))
}

// follow makes an agreement that follows another.
func (a *API) follow(w http.ResponseWriter, r *http.Request, do func(context.Context, market.Caller, string, market.Terms) (market.Agreement, error)) error {
	var in Terms
	if err := decode(w, r, &in); err != nil {
		return err
	}
	id := r.PathValue("id")
	quantities, err := a.entitlementsOf(r.Context(), id, in.Entitlements)
	if err != nil {
		return err
	}
	g, err := do(r.Context(), market.Operator(), id, market.Terms{
		OfferID: in.OfferID, Entitlements: quantities, TermMonths: in.TermMonths, AutoRenew: in.AutoRenew,
	})
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, agreement(g))
}

func (a *API) renewAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.follow(w, r, a.service.Renew)
}

func (a *API) replaceAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.follow(w, r, a.service.Replace)
}

// act does something to an agreement that there is nothing more to say about.
func (a *API) act(w http.ResponseWriter, r *http.Request, do func(ctx context.Context, c market.Caller, id string) (market.Agreement, error)) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	g, err := do(r.Context(), market.Operator(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, agreement(g))
}

func (a *API) endAgreement(w http.ResponseWriter, r *http.Request, how market.Status) error {
	return a.act(w, r, func(ctx context.Context, c market.Caller, id string) (market.Agreement, error) {
		return a.service.End(ctx, c, id, how)
	})
}

func (a *API) cancelAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.endAgreement(w, r, market.Cancelled)
}

func (a *API) terminateAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.endAgreement(w, r, market.Terminated)
}

func (a *API) expireAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.endAgreement(w, r, market.Expired)
}

func (a *API) suspendAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.act(w, r, a.service.Suspend)
}

func (a *API) reinstateAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.act(w, r, a.service.Reinstate)
}

// entitlementsOf gives entitlements the types of the product that an agreement is about.
func (a *API) entitlementsOf(ctx context.Context, agreementID string, e Entitlements) ([]market.Entitlement, error) {
	if len(e) == 0 {
		return nil, nil
	}
	g, _, err := a.service.Agreement(ctx, market.Operator(), agreementID)
	if err != nil {
		return nil, err
	}
	product, _, err := a.service.Product(ctx, market.Operator(), g.ProductCode)
	if err != nil {
		return nil, err
	}
	return e.of(product)
}
