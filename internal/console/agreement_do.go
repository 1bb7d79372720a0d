package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/souk-market/souk/internal/market"
)

// actOn answers the form of an act. What the form was sent from must be how the agreement still is; forms are dealt with one at a time, so that of two
// that were sent from one page the second is told.
func (c *Console) actOn(name, done string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := parseForm(r); err != nil {
			return err
		}
		ctx := r.Context()
		c.acting.Lock()
		defer c.acting.Unlock()
		g, err := c.agreementState(ctx, r.PathValue("id"))
		if err != nil {
			return err
		}
		was := sentAct{name: name, form: r.PostForm}
		offered := slices.ContainsFunc(g.acts(sentAct{}), func(a act) bool { return a.Name == name })
		if r.PostForm.Get("seen") != g.seen() || !offered {
			was.problem = "The agreement is not as it was when you looked at it, and nothing was done. This is how it is now: look again, and choose again."
			return c.showAgreement(w, r, http.StatusConflict, &g, was)
		}
		after, notice, err := c.do(ctx, &g, name, done, r.PostForm)
		if err == nil {
			http.Redirect(w, r, agreementPath(after)+"?notice="+notice, http.StatusSeeOther)
			return nil
		}
		code := actStatus(err)
		if code == 0 {
			return err
		}
		was.problem = failureOf(err).Text
		return c.showAgreement(w, r, code, &g, was)
	}
}

// actStatus is the status with which the page is shown again after a refusal; 0 if it is the error page's. The agreement is there, so
// what was not found is something that the form named.
func actStatus(err error) int {
	var e *market.Error
	var web *httpError
	switch {
	case errors.As(err, &web):
		return web.status
	case !errors.As(err, &e):
		return 0
	case e.Code == market.NotFound:
		return http.StatusUnprocessableEntity
	case e.Code == market.Conflict, e.Code == market.Invalid, e.Code == market.Forbidden:
		return statuses[e.Code]
	}
	return 0
}

// do does the act, and answers which agreement to go on with and what to say there.
func (c *Console) do(ctx context.Context, g *agreementState, name, done string, form url.Values) (id, notice string, err error) {
	var a market.Agreement
	switch name {
	case "amend":
		in, err := g.amendment(form)
		if err != nil {
			return "", "", err
		}
		if len(in.Entitlements) == 0 && in.AutoRenew == nil {
			return g.ID, "unchanged", nil
		}
		a, err = c.service.Amend(ctx, callerIn(ctx), g.ID, in)
		return a.ID, done, err
	case "renew", "replace":
		in, err := g.terms(form)
		if err != nil {
			return "", "", err
		}
		follow := c.service.Renew
		if name == "replace" {
			follow = c.service.Replace
		}
		a, err = follow(ctx, callerIn(ctx), g.ID, in)
		return a.ID, done, err
	case "suspend":
		a, err = c.service.Suspend(ctx, callerIn(ctx), g.ID)
	case "reinstate":
		a, err = c.service.Reinstate(ctx, callerIn(ctx), g.ID)
	case "cancel":
		a, err = c.service.End(ctx, callerIn(ctx), g.ID, market.Cancelled)
	case "terminate":
		a, err = c.service.End(ctx, callerIn(ctx), g.ID, market.Terminated)
	}
	return a.ID, done, err
}

// amendment reads what the form says other than the agreement does.
func (g *agreementState) amendment(form url.Values) (in market.Amendment, err error) {
	if len(g.Entitlements) > 0 {
		var problem string
		if in.Entitlements, problem = askedFor(g.product, g.asOffer(), form); problem != "" {
			return in, &httpError{http.StatusUnprocessableEntity, problem}
		}
	}
	if in.AutoRenew, err = autoRenew(form); err == nil && in.AutoRenew != nil && *in.AutoRenew == g.AutoRenew {
		in.AutoRenew = nil
	}
	return in, err
}

// terms reads those of an agreement that follows.
func (g *agreementState) terms(form url.Values) (t market.Terms, err error) {
	t.OfferID = form.Get("offer")
	o := g.asOffer()
	o.Entitlements = nil
	for _, d := range g.product.Dimensions { // with values of no type, so that each that is given is something else
		o.Entitlements = append(o.Entitlements, market.Entitlement{Dimension: d.Key})
	}
	var problem string
	if t.Entitlements, problem = askedFor(g.product, o, form); problem != "" {
		return t, &httpError{http.StatusUnprocessableEntity, problem}
	}
	if text := form.Get("term_months"); text != "" {
		if t.TermMonths, err = strconv.Atoi(text); err != nil || t.TermMonths < 1 || t.TermMonths > market.MaxTermMonths {
			return t, &httpError{http.StatusUnprocessableEntity, "Months: give a whole number from 1 to " + strconv.Itoa(market.MaxTermMonths) + "."}
		}
	}
	t.AutoRenew, err = autoRenew(form)
	return t, err
}

func autoRenew(form url.Values) (*bool, error) {
	switch form.Get("auto_renew") {
	case "":
		return nil, nil
	case "yes", "no":
		yes := form.Get("auto_renew") == "yes"
		return &yes, nil
	}
	return nil, &httpError{http.StatusUnprocessableEntity, "Choose whether the agreement renews itself."}
}
