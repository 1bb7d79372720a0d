package admin

import (
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// Agreement is an accepted offer.
type Agreement struct {
	AgreementID  string        `json:"agreement_id"`
	ProductCode  string        `json:"product_code"`
	OfferID      string        `json:"offer_id"`
	Seller       string        `json:"seller"`
	Buyer        string        `json:"buyer"`
	Status       market.Status `json:"status"` // by the market's clock, now
	Intent       market.Intent `json:"intent"`
	PrecedingID  string        `json:"preceding_id,omitempty"` // the agreement that this one renews or replaces
	FreeTrial    bool          `json:"free_trial"`
	LicenseARN   string        `json:"license_arn"`
	AcceptedAt   time.Time     `json:"accepted_at"`
	StartAt      time.Time     `json:"start_at"`
	EndAt        time.Time     `json:"end_at,omitzero"`       // zero: no end
	TermMonths   int           `json:"term_months,omitempty"` // how long it was made for; 0: not by months
	AutoRenew    bool          `json:"auto_renew"`
	SuspendedAt  time.Time     `json:"suspended_at,omitzero"` // zero: not suspended
	Entitlements Entitlements  `json:"entitlements"`          // none of pay-as-you-go agreements
	Phase        market.Phase  `json:"phase"`
	DueAt        time.Time     `json:"due_at,omitzero"` // when something happens to it by itself; zero: never
}

// AgreementPage is a part of a list of agreements, in the order in which they were accepted.
type AgreementPage struct {
	Agreements []Agreement `json:"agreements"`
	Next       string      `json:"next,omitempty"` // what to ask for with AgreementQuery.After; "" at the end
}

// Event is one line of an agreement's history.
type Event struct {
	Seq         int64            `json:"seq"` // order of happening
	AgreementID string           `json:"agreement_id"`
	At          time.Time        `json:"at"` // by the market's clock
	Kind        market.EventKind `json:"kind"`
	Detail      string           `json:"detail"` // in plain words; may be ""
}

// EventPage is a part of an agreement's history, oldest first.
type EventPage struct {
	Events []Event `json:"events"`
	Next   int64   `json:"next,omitempty"` // what to ask for with EventQuery.After; 0 at the end
}

// How long lists are, in items.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

func agreement(g market.Agreement) Agreement {
	return Agreement{
		AgreementID: g.ID, ProductCode: g.ProductCode, OfferID: g.OfferID, Seller: g.Seller, Buyer: g.Buyer, Status: g.Status,
		Intent: g.Intent, PrecedingID: g.PrecedingID, FreeTrial: g.FreeTrial, LicenseARN: g.LicenseARN,
		AcceptedAt: g.AcceptedAt.UTC(), StartAt: g.StartAt.UTC(), EndAt: g.EndAt.UTC(), TermMonths: g.TermMonths, AutoRenew: g.AutoRenew,
		SuspendedAt: g.SuspendedAt.UTC(), Entitlements: entitlements(g.Entitlements), Phase: g.Phase, DueAt: g.DueAt.UTC(),
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
		page.Agreements = append(page.Agreements, agreement(g))
	}
	return answer(w, http.StatusOK, page)
}

func (a *API) getAgreement(w http.ResponseWriter, r *http.Request) error {
	g, _, err := a.service.Agreement(r.Context(), market.Operator(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, agreement(g))
}

func (a *API) listEvents(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := number(q, "limit", defaultLimit, 1, maxLimit)
	if err != nil {
		return err
	}
	after, err := number[uint64](q, "after", 0, 1, math.MaxInt64)
	if err != nil {
		return err
	}
	// Of an agreement that does not exist there is no history, rather than an empty one.
	g, _, err := a.service.Agreement(r.Context(), market.Operator(), r.PathValue("id"))
	if err != nil {
		return err
	}
	list, err := a.service.Events(r.Context(), market.Operator(), market.EventFilter{AgreementID: g.ID, After: int64(after), Limit: limit + 1})
	if err != nil {
		return err
	}
	page := EventPage{Events: []Event{}}
	if len(list) > limit {
		list = list[:limit]
		page.Next = list[limit-1].Seq
	}
	for _, e := range list {
		page.Events = append(page.Events, Event{Seq: e.Seq, AgreementID: e.AgreementID, At: e.At.UTC(), Kind: e.Kind, Detail: e.Detail})
	}
	return answer(w, http.StatusOK, page)
}
