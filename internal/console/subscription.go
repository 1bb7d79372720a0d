package console

import (
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
	Active      bool
	Started     bool
	Entitled    []entitled
	Setup       string // addresses that the buttons post to
	Cancel      string
	Target      string // where the buyer's browser will be sent; "" for nowhere
	Notice      string
	Calls       []call
}

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
	a, customer, err := c.service.Agreement(ctx, callerIn(ctx), r.PathValue("id"))
	if err != nil {
		return err
	}
	p, offers, err := c.service.Product(ctx, callerIn(ctx), a.ProductCode)
	if err != nil {
		return err
	}
	names, err := c.accountNames(ctx)
	if err != nil {
		return err
	}
	product := card(p, names)
	page := subscriptionPage{
		subscriptionRow: subscriptionRow{
			Path: subscriptionPath(a.ID), Title: product.Title, Initial: product.Initial, Seller: product.Seller,
			Buyer: names.of(a.Buyer), BuyerID: a.Buyer, Status: statusOf(a.Status), FreeTrial: a.FreeTrial,
			Accepted: momentOf(a.AcceptedAt), End: momentOf(a.EndAt), AutoRenew: a.AutoRenew && a.Status == market.Active, Suspended: !a.SuspendedAt.IsZero(), ID: a.ID,
		},
		ProductPath: product.Path, ProductCode: p.Code, License: a.LicenseARN, Legacy: p.Kind == market.Legacy,
		Start: momentOf(a.StartAt), Active: a.Status == market.Active, Started: !a.StartAt.After(c.service.Now()), Entitled: entitledTo(p, a.Entitlements),
		Setup: subscriptionPath(a.ID) + "/setup", Cancel: subscriptionPath(a.ID) + "/cancel", Target: plain(c.service.RegistrationURL(p)),
		Notice: notices[r.URL.Query().Get("notice")], Calls: c.callsOf(a),
	}
	for _, o := range offersOf(p, offers, a.OfferID) {
		if o.ID == a.OfferID {
			page.Offer = o.Name
		}
	}
	if page.Legacy {
		page.Customer = customer.Identifier
	}
	return c.render(w, response{status: http.StatusOK, page: "subscription", title: page.Title + ": subscription", section: "subscriptions", body: page})
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

// cancel ends an agreement for its buyer, and leads back to it.
func (c *Console) cancel(w http.ResponseWriter, r *http.Request) error {
	a, err := c.service.End(r.Context(), callerIn(r.Context()), r.PathValue("id"), market.Cancelled)
	if err != nil {
		return err
	}
	http.Redirect(w, r, subscriptionPath(a.ID)+"?notice=cancelled", http.StatusSeeOther)
	return nil
}

// notices are what a redirect to the page can say. The address names one of them; it cannot say anything of its own.
var notices = map[string]string{
	"subscribed": "You are subscribed. Now set up your account with the seller.",
	"cancelled":  "The subscription is cancelled. For an hour its seller can send the last usage records.",
	"existing":   "This account had subscribed to the product already, and may do so once at a time. This is its subscription.",
}

// callsOf lists the newest requests that were about the agreement's license.
func (c *Console) callsOf(a market.Agreement) []call {
	if c.log == nil {
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
