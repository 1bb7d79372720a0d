package admin

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/market"
)

// Question asks whether a principal may do something.
type Question struct {
	Principal string              `json:"principal"` // ARN, or an account's number for its root user
	Action    string              `json:"action"`
	Resource  string              `json:"resource,omitempty"` // "": "*"
	Context   map[string][]string `json:"context,omitempty"`  // condition keys
}

// Verdict is what the policies say, and which statement of which policy decided.
type Verdict struct {
	Allowed   bool   `json:"allowed"`
	Principal string `json:"principal"`
	Suspended bool   `json:"suspended"` // the account is, which refuses whatever policies say
	Effect    string `json:"effect"`    // "Allow", "Deny", or "NoMatch" where nothing allows it
	Why       string `json:"why"`
	Policy    string `json:"policy"`    // that decided; "" if none did
	Statement int    `json:"statement"` // from 0; -1 if none decided
	Sid       string `json:"sid"`
	Message   string `json:"message"` // of the AccessDeniedException; "" for what is allowed
}

func (a *API) evaluate(w http.ResponseWriter, r *http.Request) error {
	var in Question
	if err := decode(w, r, &in); err != nil {
		return err
	}
	v, err := a.service.May(r.Context(), market.Operator(), market.Question{Principal: in.Principal, Action: in.Action, Resource: in.Resource, Context: in.Context})
	if err != nil {
		return err
	}
	d := v.Decision
	return answer(w, http.StatusOK, Verdict{
		Allowed: v.Allowed, Principal: v.Principal, Suspended: v.Suspended, Effect: d.Effect.String(), Why: d.Why(), Policy: d.Policy, Statement: d.Statement,
		Sid: d.Sid, Message: v.Message,
	})
}

// May asks whether a principal may do something.
func (c *Client) May(ctx context.Context, q Question) (out Verdict, err error) {
	err = c.do(ctx, call{method: "POST", path: "/api/v1/evaluate", in: q, out: &out})
	return out, err
}
