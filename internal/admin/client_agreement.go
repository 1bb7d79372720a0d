package admin

import (
	"context"
	"net/url"

	"github.com/souk-market/souk/internal/market"
)

// AgreementQuery narrows a list of agreements. Empty fields match all.
type AgreementQuery struct {
	Product string // code
	Buyer   string // account
	Status  market.Status
	After   string // AgreementPage.Next
	Limit   int    // from 1 to 1000; 0: 100
}

// EventQuery narrows an agreement's history.
type EventQuery struct {
	After int64 // EventPage.Next
	Limit int   // from 1 to 1000; 0: 100
}

// Agreements lists agreements in the order in which they were accepted.
func (c *Client) Agreements(ctx context.Context, q AgreementQuery) (out AgreementPage, err error) {
	v := url.Values{}
	set(v, "product", q.Product)
	set(v, "buyer", q.Buyer)
	set(v, "status", string(q.Status))
	set(v, "after", q.After)
	setNumber(v, "limit", q.Limit)
	err = c.do(ctx, call{method: "GET", path: "/api/v1/agreements", query: v, out: &out})
	return out, err
}

// Agreement finds an agreement.
func (c *Client) Agreement(ctx context.Context, id string) (out Agreement, err error) {
	err = c.do(ctx, call{method: "GET", path: agreementPath(id, ""), out: &out})
	return out, err
}

// Events lists what happened to an agreement, oldest first.
func (c *Client) Events(ctx context.Context, id string, q EventQuery) (out EventPage, err error) {
	v := url.Values{}
	setNumber(v, "after", q.After)
	setNumber(v, "limit", q.Limit)
	err = c.do(ctx, call{method: "GET", path: agreementPath(id, "/events"), query: v, out: &out})
	return out, err
}

// SetUpAccount mints a new token for an agreement, as a click on "Set up your account" does.
func (c *Client) SetUpAccount(ctx context.Context, id string) (out Purchase, err error) {
	err = c.do(ctx, call{method: "POST", path: agreementPath(id, "/tokens"), out: &out})
	return out, err
}

// Amend changes an agreement in place.
func (c *Client) Amend(ctx context.Context, id string, in Amendment) (out Agreement, err error) {
	err = c.do(ctx, call{method: "POST", path: agreementPath(id, "/amend"), in: in, out: &out})
	return out, err
}

// Renew makes the agreement that starts when this one ends, and answers with it.
func (c *Client) Renew(ctx context.Context, id string, in Terms) (out Agreement, err error) {
	err = c.do(ctx, call{method: "POST", path: agreementPath(id, "/renew"), in: in, out: &out})
	return out, err
}

// Replace ends an agreement now, makes the one that takes its place, and answers with that.
func (c *Client) Replace(ctx context.Context, id string, in Terms) (out Agreement, err error) {
	err = c.do(ctx, call{method: "POST", path: agreementPath(id, "/replace"), in: in, out: &out})
	return out, err
}

// Cancel ends an agreement now, for its buyer.
func (c *Client) Cancel(ctx context.Context, id string) (Agreement, error) {
	return c.act(ctx, id, "/cancel")
}

// Terminate ends an agreement now, for its seller.
func (c *Client) Terminate(ctx context.Context, id string) (Agreement, error) {
	return c.act(ctx, id, "/terminate")
}

// Expire ends an agreement now, as if its time were over.
func (c *Client) Expire(ctx context.Context, id string) (Agreement, error) {
	return c.act(ctx, id, "/expire")
}

// Suspend has an agreement neither meter nor entitle, until Reinstate.
func (c *Client) Suspend(ctx context.Context, id string) (Agreement, error) {
	return c.act(ctx, id, "/suspend")
}

// Reinstate ends a suspension.
func (c *Client) Reinstate(ctx context.Context, id string) (Agreement, error) {
	return c.act(ctx, id, "/reinstate")
}

func (c *Client) act(ctx context.Context, id, what string) (out Agreement, err error) {
	err = c.do(ctx, call{method: "POST", path: agreementPath(id, what), out: &out})
	return out, err
}

func agreementPath(id, what string) string { return "/api/v1/agreements/" + segment(id) + what }
