package console

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

// subscriptionPage is what the page of one agreement shows.
type subscriptionPage struct {
	subscriptionRow
	ProductPath string
	ProductCode string
	Offer       string
	License     string
	Customer    string // CustomerIdentifier as sellers get it; "" for products that have none
	Legacy      bool
	Start       moment
	Started     bool
	BuyerGone   bool // the buyer's account is suspended
	Entitled    []entitled
	Setup       string // address that the button posts to
	Comes       *overview
	Doings      []subscriptionDoing
	Followers   []link // what goes on with it
	Target      string // where the buyer's browser will be sent; "" for nowhere
	Notice      string
	Calls       []call
	ReadOnly    bool // who looks may not act
}

// subscriptionDoing leads to the page of something that can be done now.
type subscriptionDoing struct{ Path, Title, Hint string }

// entitled is how much of a dimension the agreement entitles to.
type entitled struct{ Name, Amount string }

// call is a request that named this subscription's license.
type call struct {
	ID        string
	Time      moment
	Operation string
	Outcome   string
	Good      bool
	Principal string
}

// maxCalls is how many of the newest calls a subscription's page lists.
const maxCalls = 10

// subscription is the page of one agreement.
func (c *Console) subscription(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	g, err := c.agreementState(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	product := card(g.product, g.names)
	page := subscriptionPage{
		subscriptionRow: c.subscriptionRow(g.Agreement, product, g.names),
		ProductPath:     product.Path, ProductCode: g.product.Code, License: g.LicenseARN, Legacy: g.product.Kind == market.Legacy,
		Start: momentOf(g.StartAt), Started: !g.StartAt.After(g.now), Entitled: entitledTo(g.product, g.Entitlements), Comes: g.overview(),
		Setup: subscriptionPath(g.ID) + "/setup", Target: plain(c.service.RegistrationURL(g.product)),
		Notice: notices[r.URL.Query().Get("notice")], Calls: c.callsOf(ctx, g.Agreement), ReadOnly: !callerIn(ctx).Operator, BuyerGone: g.buyerGone,
	}
	if o, ok := g.offer(); ok {
		page.Offer = offerName(o)
	}
	if page.Legacy {
		page.Customer = g.customer.Identifier
	}
	doable := g.doable(sentAct{})
	for _, d := range doings() {
		if a, ok := doable[d.step]; ok && !page.ReadOnly {
			page.Doings = append(page.Doings, subscriptionDoing{a.Action, d.title, d.hint})
		}
	}
	for _, f := range g.followers {
		if f.Status == market.Active {
			page.Followers = append(page.Followers, link{map[market.Intent]string{market.IntentRenew: "Renewal", market.IntentReplace: "Replacement"}[f.Intent], subscriptionPath(f.ID)})
		}
	}
	return c.render(w, response{status: http.StatusOK, page: "subscription", title: page.Title + ": subscription", section: "subscriptions", style: "storefront.css", body: page})
}

// entitledTo lists what an agreement or an offer entitles to.
func entitledTo(p market.Product, entitlements []market.Entitlement) []entitled {
	var list []entitled
	for _, e := range entitlements {
		v := entitled{Name: plain(e.Dimension), Amount: plain(textOf(e.Value))}
		if e.Value.Type == market.Boolean {
			v.Amount = map[bool]string{true: "Yes", false: "No"}[e.Value.Boolean]
		}
		for _, d := range p.Dimensions {
			if d.Key != e.Dimension {
				continue
			}
			if d.Name != "" {
				v.Name = plain(d.Name)
			}
			if d.Unit != "" && e.Value.Type != market.Boolean && e.Value.Type != market.Text {
				v.Amount += " " + plain(d.Unit)
			}
		}
		list = append(list, v)
	}
	return list
}

// notices are what a redirect to the page can say. The address names one of them; it cannot say anything of its own.
var notices = map[string]string{
	"subscribed": "You are subscribed. Now set up your account with the seller.",
	"cancelled":  "The subscription is cancelled. For an hour its seller can send the last usage records.",
	"changed":    "The subscription is changed, from now on.",
	"unchanged":  "Nothing was changed: it was all so already.",
	"renewed":    "This is the renewal. It starts when the subscription before it ends.",
	"switched":   "This subscription has taken the place of the one before it. Set up your account again: its license is a new one.",
	"existing":   "This account had subscribed to the product already, and may do so once at a time. This is its subscription.",
}

// callsOf lists the newest requests that were about the agreement's license.
func (c *Console) callsOf(ctx context.Context, a market.Agreement) []call {
	if c.log == nil || !callerIn(ctx).Operator { // they are its seller's
		return nil
	}
	var calls []call
	for _, v := range c.log.List(reqlog.Filter{Product: a.ProductCode}) {
		if v.LicenseARN != a.LicenseARN || len(calls) == maxCalls {
			continue
		}
		calls = append(calls, call{
			ID: v.ID, Time: momentOf(v.MarketTime), Operation: plain(v.Operation), Outcome: plain(v.Outcome), Good: v.Outcome == "ok",
			Principal: plain(v.Principal),
		})
	}
	return calls
}
