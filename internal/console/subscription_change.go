package console

import (
	"net/http"
	"slices"

	"github.com/souk-market/souk/internal/market"
)

// doing is what a buyer does with a subscription: an act on its agreement, with a page of its own that asks for what there is to say, and whether it is
// meant.
type doing struct {
	step   string // last step of the page's address
	act    string // of agreementActs
	done   string // of notices
	title  string
	says   string
	button string
	hint   string // beside the link that leads there
}

func doings() []doing {
	return []doing{
		{"change", "amend", "changed", "Change the subscription", "From now on, and in place: it keeps its agreement and its license. What you leave as it is stays so.", "Change it",
			"Quantities, and whether it renews itself"},
		{"renew", "renew", "renewed", "Renew the subscription", "The renewal starts when this subscription ends, with an agreement and a license of its own. This one goes on until then.", "Renew it",
			"For another term, from its end on"},
		{"switch", "replace", "switched", "Switch to another offer", "This subscription ends now, and one on the other offer takes its place at once, with a license of its own. Set up your account again afterwards.", "Switch now",
			"At once, with a new license"},
		{"cancel", "cancel", "cancelled", "Cancel the subscription", "It ends now, for good, and is not renewed. What was paid up front is not given back. To have it again, you subscribe again.", "Cancel it for good",
			"Ends it now"},
	}
}

// subscriptionStepPage asks for what a doing wants to know.
type subscriptionStepPage struct {
	Title, Says, Button string
	Final               bool // cannot be taken back
	Offered             bool
	Product, Seller     string
	Back                string
	Buyer               string
	Now                 *overview // what there is now
	End                 moment
	Act                 act
}

// doable are what can be done with a subscription now, by step.
func (g *agreementState) doable(was sentAct) map[string]act {
	list := map[string]act{}
	for _, d := range doings() {
		i := slices.IndexFunc(g.acts(was), func(a act) bool { return a.Name == d.act })
		if i < 0 {
			continue
		}
		a := g.acts(was)[i]
		if d.step == "switch" {
			a.Offers = slices.DeleteFunc(a.Offers, func(o choice) bool { return o.Value == g.OfferID })
			if len(a.Offers) == 0 {
				continue
			}
		}
		a.Action = subscriptionPath(g.ID) + "/" + d.step
		list[d.step] = a
	}
	return list
}

// askDoing is the page of a doing.
func (c *Console) askDoing(d doing) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		g, err := c.agreementState(r.Context(), r.PathValue("id"))
		if err != nil {
			return err
		}
		status := http.StatusOK
		if _, ok := g.doable(sentAct{})[d.step]; !ok {
			status = http.StatusConflict
		}
		return c.showDoing(w, status, &g, d, sentAct{})
	}
}

// doDoing answers its form. What the form was sent from must be how the subscription still is, as with the acts of the agreement's page.
func (c *Console) doDoing(d doing) handler {
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
		was := sentAct{name: d.act, form: r.PostForm}
		if _, offered := g.doable(sentAct{})[d.step]; !offered || r.PostForm.Get("seen") != g.seen() {
			was.problem = "The subscription is not as it was when you looked at it, and nothing was done. This is how it is now: look again, and choose again."
			return c.showDoing(w, http.StatusConflict, &g, d, was)
		}
		id, notice, err := c.do(ctx, &g, d.act, d.done, r.PostForm)
		if err == nil {
			http.Redirect(w, r, subscriptionPath(id)+"?notice="+notice, http.StatusSeeOther)
			return nil
		}
		code := actStatus(err)
		if code == 0 {
			return err
		}
		was.problem = failureOf(err).Text
		return c.showDoing(w, code, &g, d, was)
	}
}

func (c *Console) showDoing(w http.ResponseWriter, status int, g *agreementState, d doing, was sentAct) error {
	product := card(g.product, g.names)
	page := subscriptionStepPage{
		Title: d.title, Says: d.says, Button: d.button, Final: d.act == "cancel", Product: product.Title, Seller: product.Seller,
		Back: subscriptionPath(g.ID), Buyer: g.names.of(g.Buyer), Now: g.overview(), End: momentOf(g.EndAt),
	}
	page.Act, page.Offered = g.doable(was)[d.step]
	if page.Act.Problem == "" {
		page.Act.Problem = was.problem
	}
	if d.act == "cancel" && g.StartAt.After(g.now) {
		page.Says = "It has not started, and never will. What was to be paid for it is not."
	}
	return c.render(w, response{status: status, page: "subscription_change", title: d.title, section: "subscriptions", style: "storefront.css", body: page})
}

// overview is what the subscription comes to; nil if its offer is not to be seen.
func (g *agreementState) overview() *overview {
	o, ok := g.offer()
	if !ok {
		return nil
	}
	return overviewOf(g.product, o, g.Entitlements, g.TermMonths)
}

// subscriptionStatus is how a subscription stands: an active one whose start is still to come is pending.
func subscriptionStatus(a *market.Agreement, started bool) status {
	if a.Status == market.Active && !started {
		return status{"Pending", "pending"}
	}
	return statusOf(a.Status)
}
