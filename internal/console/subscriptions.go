package console

import (
	"context"
	"net/http"
	"net/url"

	"github.com/souk-market/souk/internal/market"
)

// pageSize is how many subscriptions stand on a page.
const pageSize = 50

// subscriptionsPage is the list of subscriptions, of one buyer or of all.
type subscriptionsPage struct {
	Buyers []buyer // to filter by
	Many   bool    // too many to list: their id is asked for
	Buyer  string  // filtered by; "" for all
	Rows   []subscriptionRow
	Next   string // address of the next page; "" on the last
	First  bool   // this is the first page
}

type subscriptionRow struct {
	Path      string
	Title     string
	Initial   string
	Seller    string
	Buyer     string
	BuyerID   string
	Status    status
	Active    bool // not over; pending ones are
	FreeTrial bool
	Accepted  moment
	End       moment // zero: no end
	AutoRenew bool
	Suspended bool
	Begins    moment // of a pending one; zero for the others
	ID        string
}

func (c *Console) subscriptionRow(a market.Agreement, p productCard, names accountNames) subscriptionRow {
	active, started := a.Status == market.Active, !a.StartAt.After(c.service.Now())
	row := subscriptionRow{
		Path: subscriptionPath(a.ID), Title: p.Title, Initial: p.Initial, Seller: names.of(a.Seller), Buyer: names.of(a.Buyer), BuyerID: a.Buyer,
		Status: subscriptionStatus(&a, started), Active: active, FreeTrial: a.FreeTrial, Accepted: momentOf(a.AcceptedAt), End: momentOf(a.EndAt),
		AutoRenew: a.AutoRenew && active, Suspended: active && !a.SuspendedAt.IsZero(), ID: a.ID,
	}
	if active && !started {
		row.Begins = momentOf(a.StartAt)
	}
	return row
}

// status of an agreement, for people. Tone is a class of the style sheet.
type status struct{ Text, Tone string }

func statusOf(s market.Status) status {
	switch s {
	case market.Active:
		return status{"Active", "good"}
	case market.Cancelled:
		return status{"Cancelled", "ended"}
	case market.Expired:
		return status{"Expired", "ended"}
	case market.Terminated:
		return status{"Terminated", "ended"}
	case market.Replaced:
		return status{"Replaced", "ended"}
	case market.Renewed:
		return status{"Renewed", "ended"}
	}
	return status{plain(string(s)), "ended"}
}

// subscriptions lists agreements in the order in which they were accepted.
func (c *Console) subscriptions(w http.ResponseWriter, r *http.Request) error {
	ctx, query := r.Context(), r.URL.Query()
	filter := market.AgreementFilter{Buyer: query.Get("buyer"), After: query.Get("after"), Limit: pageSize + 1}
	if caller := callerIn(ctx); !caller.Operator {
		filter.Buyer = caller.Account // as a buyer, it has its own
	}
	list, err := c.service.Agreements(ctx, callerIn(ctx), filter)
	if err != nil {
		return err
	}
	accounts, err := c.service.Accounts(ctx, callerIn(ctx))
	if err != nil {
		return err
	}
	products, err := c.productsByCode(ctx)
	if err != nil {
		return err
	}
	page := subscriptionsPage{Buyers: buyersOf(accounts), Buyer: plain(filter.Buyer), First: filter.After == ""}
	page.Many = len(page.Buyers) > fewChoices
	for i := range page.Buyers {
		page.Buyers[i].Chosen = page.Buyers[i].ID == filter.Buyer
	}
	if len(list) > pageSize {
		list = list[:pageSize]
		page.Next = "/subscriptions?" + url.Values{"buyer": {filter.Buyer}, "after": {list[pageSize-1].ID}}.Encode()
	}
	names := namesOf(accounts)
	c.addNames(ctx, names, list...)
	for _, a := range list {
		page.Rows = append(page.Rows, c.subscriptionRow(a, card(products[a.ProductCode], names), names))
	}
	return c.render(w, response{status: http.StatusOK, page: "subscriptions", title: "Your subscriptions", section: "subscriptions", style: "storefront.css", body: page})
}

func (c *Console) productsByCode(ctx context.Context) (map[string]market.Product, error) {
	list, err := c.service.Products(ctx, callerIn(ctx))
	if err != nil {
		return nil, err
	}
	products := make(map[string]market.Product, len(list))
	for _, p := range list {
		products[p.Code] = p
	}
	return products, nil
}
