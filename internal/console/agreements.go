package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// Bounds of the list of agreements.
const (
	// lookThrough is how many agreements one page looks at for those of a status, lookStep of them at a time: the store does not know statuses, and a page
	// must come at once where there is a hundred thousand of another.
	lookThrough = 2000
	lookStep    = 250
	// fewChoices is up to how many products or buyers a filter lists; of more, it asks for the id.
	fewChoices = 100
)

// agreementsPage is the list of agreements as sellers and operators look at it.
type agreementsPage struct {
	Product  choices
	Buyer    choices
	Status   choices
	Filtered bool
	Rows     []agreementRow
	Next     string // address of the next page; "" on the last
	First    string // address of the first page; "" on it
	Looked   string // how many were looked at for those on this page, where that is what ended it; "" otherwise
}

// choices are what a filter takes.
type choices struct {
	Value string   // as asked for
	List  []choice // nil: too many to list
}

type choice struct {
	Value, Text string
	Chosen      bool
}

type agreementRow struct {
	Path      string
	ID        string
	Title     string
	Buyer     string
	BuyerID   string
	Status    status
	FreeTrial bool
	Suspended bool
	Accepted  moment
	End       moment
	EndWords  string // what comes then, or came: "ends", "renews itself", "ended"
}

func agreementPath(id string) string { return "/agreements/" + url.PathEscape(id) }

// allStatuses are in the order in which the filter lists them.
func allStatuses() []market.Status {
	return []market.Status{market.Active, market.Cancelled, market.Expired, market.Terminated, market.Replaced, market.Renewed}
}

// agreements lists agreements in the order in which they were accepted.
func (c *Console) agreements(w http.ResponseWriter, r *http.Request) error {
	ctx, query := r.Context(), r.URL.Query()
	f := market.AgreementFilter{
		ProductCode: query.Get("product"), Buyer: query.Get("buyer"), Status: market.Status(query.Get("status")), After: query.Get("after"),
	}
	if f.Status != "" && !slices.Contains(allStatuses(), f.Status) {
		return &httpError{http.StatusUnprocessableEntity, "There is no status " + plain(string(f.Status)) + ". Choose one from the list of agreements."}
	}
	list, next, err := c.findAgreements(ctx, f)
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
	page := agreementsPage{
		Product: productChoices(products, f.ProductCode), Buyer: buyerChoices(accounts, f.Buyer), Status: statusChoices(f.Status),
		Filtered: f.ProductCode != "" || f.Buyer != "" || f.Status != "",
	}
	if !callerIn(ctx).Operator { // who knows buyers one by one names one
		page.Buyer = choices{Value: plain(f.Buyer)}
	}
	if next != "" {
		page.Next = agreementsPath(f, next)
		if len(list) < pageSize {
			page.Looked = plural(lookThrough, "agreement", "agreements")
		}
	}
	if f.After != "" {
		page.First = agreementsPath(f, "")
	}
	names, err := c.namesOfParties(ctx, list)
	if err != nil {
		return err
	}
	for _, a := range list {
		page.Rows = append(page.Rows, rowOf(a, card(products[a.ProductCode], names).Title, names))
	}
	return c.render(w, response{status: http.StatusOK, page: "agreements", title: "Agreements", section: "agreements", style: "agreement.css", script: "agreement.js", body: page})
}

// findAgreements is a page of agreements, and the id after which the next one begins; "" on the last. A page for a status may hold fewer, or none.
func (c *Console) findAgreements(ctx context.Context, f market.AgreementFilter) (list []market.Agreement, next string, err error) {
	want := f.Status
	f.Status, f.Limit = "", pageSize+1
	if want != "" {
		f.Limit = lookStep
	}
	for looked := 0; looked < lookThrough; looked += lookStep {
		part, err := c.service.Agreements(ctx, callerIn(ctx), f)
		if err != nil {
			return nil, "", err
		}
		for _, a := range part {
			if want != "" && a.Status != want {
				continue
			}
			if len(list) == pageSize {
				return list, list[pageSize-1].ID, nil
			}
			list = append(list, a)
		}
		if len(part) < f.Limit {
			return list, "", nil
		}
		f.After = part[len(part)-1].ID
	}
	return list, f.After, nil
}

func agreementsPath(f market.AgreementFilter, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"product": f.ProductCode, "buyer": f.Buyer, "status": string(f.Status), "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/agreements"
	}
	return "/agreements?" + q.Encode()
}

func rowOf(a market.Agreement, title string, names accountNames) agreementRow {
	row := agreementRow{
		Path: agreementPath(a.ID), ID: a.ID, Title: title, Buyer: names.of(a.Buyer), BuyerID: a.Buyer, Status: statusOf(a.Status), FreeTrial: a.FreeTrial,
		Suspended: !a.SuspendedAt.IsZero(), Accepted: momentOf(a.AcceptedAt), End: momentOf(a.EndAt), EndWords: "ended",
	}
	switch {
	case a.Status == market.Active && a.AutoRenew:
		row.EndWords = "renews itself"
	case a.Status == market.Active:
		row.EndWords = "ends"
	}
	return row
}

// namesOfParties are the names of the accounts that agreements name: of all, there may be as many as there are agreements.
func (c *Console) namesOfParties(ctx context.Context, list []market.Agreement) (accountNames, error) {
	names := accountNames{}
	for _, a := range list {
		for _, id := range []string{a.Buyer, a.Seller} {
			if _, ok := names[id]; ok {
				continue
			}
			known, _, err := c.service.Account(ctx, callerIn(ctx), id)
			if err != nil {
				return nil, err
			}
			names[id] = plain(known.Name)
		}
	}
	return names, nil
}

func productChoices(products map[string]market.Product, was string) choices {
	out := choices{Value: plain(was)}
	if len(products) > fewChoices {
		return out
	}
	out.List = []choice{}
	for code, p := range products {
		out.List = append(out.List, choice{code, card(p, nil).Title, code == was})
	}
	slices.SortFunc(out.List, byText)
	return out
}

// buyerChoices lists suspended buyers too, who have agreements as well.
func buyerChoices(accounts []account.Account, was string) choices {
	out := choices{Value: plain(was), List: []choice{}}
	for _, a := range accounts {
		if !a.Buyer {
			continue
		}
		if len(out.List) == fewChoices {
			return choices{Value: plain(was)}
		}
		text := plain(a.Name)
		if text == "" {
			text = "Account"
		}
		out.List = append(out.List, choice{a.ID, text + " (" + a.ID + ")", a.ID == was})
	}
	slices.SortFunc(out.List, byText)
	return out
}

func statusChoices(was market.Status) choices {
	out := choices{Value: string(was)}
	for _, s := range allStatuses() {
		out.List = append(out.List, choice{string(s), statusOf(s).Text, s == was})
	}
	return out
}

func byText(a, b choice) int {
	return cmp.Or(strings.Compare(a.Text, b.Text), strings.Compare(a.Value, b.Value))
}
