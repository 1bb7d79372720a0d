package console

import (
	"net/url"
	"slices"

	"github.com/souk-market/souk/internal/market"
)

// act is something that can be done to an agreement as it is now.
type act struct {
	Name    string // last step of the address that the form posts to
	Title   string
	Says    string // what it does
	Button  string
	Tone    string // class of the style sheet
	Action  string
	Seen    string
	Open    bool // its form is shown again
	Problem string
	// What the form asks for, where it asks for anything.
	Quantities []quantity
	Offers     []choice
	Term       *string
	Renewal    []choice
}

// sentAct is a form as it was sent, to be shown again with what was wrong.
type sentAct struct {
	name    string
	form    url.Values
	problem string
}

// agreementActs are the acts by name, and what the page says once they are done.
func agreementActs() map[string]string {
	return map[string]string{
		"amend": "amended", "renew": "renewal", "replace": "replacement", "cancel": "cancelled", "terminate": "terminated", "suspend": "suspended", "reinstate": "reinstated",
	}
}

// agreementNotices are what a redirect to the page can say. The address names one of them; it cannot say anything of its own.
var agreementNotices = map[string]string{
	"amended":     "The agreement is changed, from now on.",
	"unchanged":   "Nothing was changed: it was all so already.",
	"renewal":     "This is the renewal. It starts when the agreement before it ends.",
	"replacement": "This agreement has taken the place of the one before it, whose final hour has begun.",
	"cancelled":   "The agreement is cancelled. For an hour the last usage records are taken.",
	"terminated":  "The agreement is terminated. For an hour the last usage records are taken.",
	"suspended":   "The agreement is suspended: its license neither meters nor entitles.",
	"reinstated":  "The agreement is reinstated.",
}

// acts are what can be done now. The one that was sent is open, with what it held.
func (g *agreementState) acts(was sentAct) (list []act) {
	if g.Status != market.Active {
		return nil
	}
	add := func(a act) {
		a.Action, a.Seen = agreementPath(g.ID)+"/"+a.Name, g.seen()
		if a.Name == was.name {
			a.Open, a.Problem = true, was.problem
		}
		list = append(list, a)
	}
	sent := func(name, field string) string {
		if name == was.name {
			return was.form.Get(field)
		}
		return ""
	}
	following := func(a act) act {
		a.Quantities, a.Offers = g.quantities(a.Name, false, was), g.offersToFollow(sent(a.Name, "offer"))
		if g.contracts() {
			term := sent(a.Name, "term_months")
			a.Term, a.Renewal = &term, renewalChoices("As before", sent(a.Name, "auto_renew"))
		}
		return a
	}
	if amend := (act{Name: "amend", Title: "Change", Button: "Change the agreement",
		Says: "From now on, in place: the agreement keeps its id and its license."}); len(g.Entitlements) > 0 || g.TermMonths > 0 {
		amend.Quantities = g.quantities("amend", true, was)
		if g.TermMonths > 0 {
			chosen := sent("amend", "auto_renew")
			if chosen == "" {
				chosen = map[bool]string{true: "yes", false: "no"}[g.AutoRenew]
			}
			amend.Renewal = renewalChoices("", chosen)
		}
		add(amend)
	}
	canFollow := !g.buyerGone && len(g.offersToFollow("")) > 0
	if canFollow && !g.EndAt.IsZero() && !g.renewed() {
		add(following(act{Name: "renew", Title: "Renew", Button: "Renew the agreement",
			Says: "Makes the agreement that starts when this one ends, with a license of its own. This one goes on until then."}))
	}
	if canFollow && !g.StartAt.After(g.now) {
		add(following(act{Name: "replace", Title: "Replace", Button: "Replace the agreement",
			Says: "Ends this agreement now and makes one that takes its place at once, with a license of its own. The old license has its final hour."}))
	}
	if g.SuspendedAt.IsZero() {
		add(act{Name: "suspend", Title: "Suspend", Button: "Suspend the agreement",
			Says: "The license neither meters nor entitles until the agreement is reinstated. It stays active, and its time goes on."})
	} else {
		add(act{Name: "reinstate", Title: "Reinstate", Button: "Reinstate the agreement", Says: "The license meters and entitles again."})
	}
	ends := "ends it now, for good. Its final hour begins."
	if g.StartAt.After(g.now) {
		ends = "ends it, for good, before it has started."
	}
	add(act{Name: "cancel", Title: "Cancel", Button: "Cancel the agreement", Tone: "final", Says: "What the buyer does: " + ends})
	add(act{Name: "terminate", Title: "Terminate", Button: "Terminate the agreement", Tone: "final", Says: "What the seller does: " + ends})
	return list
}

// renewed reports whether there is an agreement already that is to renew this one.
func (g *agreementState) renewed() bool {
	return slices.ContainsFunc(g.followers, func(f market.Agreement) bool { return f.Intent == market.IntentRenew && f.Status == market.Active })
}

// contracts reports whether an agreement that follows can be for a term.
func (g *agreementState) contracts() bool {
	return slices.ContainsFunc(g.followingOffers(), func(o market.Offer) bool { return g.product.PricingOf(o) != market.UsagePricing })
}

// followingOffers are those that the buyer may go on with: a trial comes first or not at all.
func (g *agreementState) followingOffers() (list []market.Offer) {
	for _, o := range g.offers {
		if o.Kind != market.FreeTrialOffer && (o.Kind != market.PrivateOffer || slices.Contains(o.Buyers, g.Buyer)) {
			list = append(list, o)
		}
	}
	return list
}

func (g *agreementState) offersToFollow(chosen string) (list []choice) {
	if chosen == "" {
		chosen = g.OfferID
	}
	for _, o := range g.followingOffers() {
		text := plain(o.Name)
		if text == "" {
			text = o.ID
		}
		if o.ID == g.OfferID {
			text += " (as now)"
		}
		list = append(list, choice{o.ID, text, o.ID == chosen})
	}
	return list
}

func renewalChoices(unsaid, chosen string) (list []choice) {
	if unsaid != "" {
		list = append(list, choice{"", unsaid, chosen == ""})
	}
	return append(list, choice{"yes", "Renews itself at its end", chosen == "yes"}, choice{"no", "Ends at its end", chosen == "no"})
}

// quantities are the fields of an act, filled with what the agreement entitles to now, or empty, which leaves it to the market.
func (g *agreementState) quantities(act string, filled bool, was sentAct) []quantity {
	if act == "amend" && len(g.Entitlements) == 0 || !g.contracts() && act != "amend" {
		return nil
	}
	sent := url.Values{}
	if act == was.name {
		sent = was.form
	}
	fields := quantitiesOf(g.product, []market.Offer{g.asOffer()}, sent)
	for i := range fields {
		f := &fields[i]
		f.ID = act + "-" + f.ID
		if !filled && !sent.Has(f.Name) {
			f.Value = ""
		}
	}
	return fields
}

// asOffer is an offer that gives what the agreement entitles to: so fields for offers are those for agreements.
func (g *agreementState) asOffer() market.Offer {
	return market.Offer{Pricing: market.ContractPricing, Entitlements: g.Entitlements}
}
