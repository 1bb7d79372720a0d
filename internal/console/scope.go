package console

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/iam"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

// pageRights say which pages, by method and pattern, whoever is not the operator may come to, and for which rights: any of them will do, and 0 asks for
// none but to be somebody. Every page that is not here is the operator's alone, and so is one that somebody adds and forgets here.
func pageRights() map[string]market.Rights {
	const seller, buyer = market.ReadProducts, market.ReadSubscriptions
	return map[string]market.Rights{
		"GET /{$}":                        seller | buyer,
		"GET /products/{code...}":         seller | buyer,
		"GET /subscriptions":              buyer,
		"GET /subscriptions/{id}":         buyer,
		"GET /agreements":                 market.ReadAgreements,
		"GET /agreements/{id}":            market.ReadAgreements,
		"GET /agreements/{id}/final-hour": market.ReadAgreements,
		"GET /requests":                   market.ReadUsage,
		"GET /requests/live":              market.ReadUsage,
		"GET /requests/{id}":              market.ReadUsage,
		"POST /requests/{id}/compare":     market.ReadUsage, // keeps nothing
		"GET /usage":                      market.ReadUsage,
		"GET /usage/records":              market.ReadUsage,
		"GET /usage/export":               market.ReadUsage,
		"GET /world":                      market.ReadIdentities,
		"GET /world/accounts/{id}":        market.ReadIdentities,
		"GET /world/policies":             market.ReadIdentities,
		"GET /world/policy":               market.ReadIdentities,
		"GET /world/evaluate":             market.ReadIdentities,
		"POST /world/evaluate":            market.ReadIdentities, // keeps nothing
	}
}

// permission is a right, and the actions that all have to be allowed for it.
type permission struct {
	right   market.Rights
	actions []string
}

// permissions name rights in AWS's own terms; docs/operate.md has them as a table.
func permissions() []permission {
	return []permission{
		{market.ReadProducts, []string{"aws-marketplace:ListEntities", "aws-marketplace:DescribeEntity"}},
		{market.ReadAgreements, []string{"aws-marketplace:SearchAgreements", "aws-marketplace:DescribeAgreement"}},
		{market.ReadUsage, []string{"aws-marketplace-management:viewReports"}},
		{market.ReadSubscriptions, []string{"aws-marketplace:ViewSubscriptions"}},
		{market.ReadIdentities, []string{"iam:GetAccountAuthorizationDetails"}},
		{market.ReadKeys, []string{"iam:ListAccessKeys"}},
	}
}

// actionsFor are the actions that lead to any of some rights, in words.
func actionsFor(any market.Rights) string {
	var list []string
	for _, p := range permissions() {
		if any.Has(p.right) {
			list = append(list, strings.Join(p.actions, " with "))
		}
	}
	return strings.Join(list, ", or ")
}

// rightsOf asks the principal's policies. Their resource is "*": a policy for single products or agreements gives nothing here.
func rightsOf(p *account.Principal, a account.Account, r *http.Request, now time.Time) (rights market.Rights) {
	values := usualConditions(p, now)
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		values["aws:sourceip"] = []string{host}
	}
	values["aws:securetransport"] = []string{strconv.FormatBool(r.TLS != nil)}
	if agent := r.Header["User-Agent"]; len(agent) > 0 {
		values["aws:useragent"] = agent[:1]
	}
	lookup := func(key string) ([]string, bool) { v, ok := values[key]; return v, ok }
	allowed := func(action string) bool {
		return iam.Evaluate(&p.Grants, &iam.Request{Action: action, Resource: "*", Context: lookup}).Allowed
	}
	for _, perm := range permissions() {
		if !slices.ContainsFunc(perm.actions, func(action string) bool { return !allowed(action) }) {
			rights |= perm.right
		}
	}
	if !a.Buyer {
		rights &^= market.ReadSubscriptions
	}
	return rights
}

// notYours is told to whoever comes to a page that is not for them.
func notYours(v viewer, page string) error {
	text := "Only the operator of this Souk can do this. You are signed in as " + v.name + "."
	if rights := pageRights()[page]; rights != 0 {
		text = "You are signed in as " + v.name + ", and this page needs a permission that your policies do not give: " + actionsFor(rights) + "."
	}
	return &httpError{http.StatusForbidden, text}
}

// logScope is what of the requests whoever looks may see; nil: everything. It comes with an error or is not nil for anybody but the operator.
func (c *Console) logScope(ctx context.Context) (*reqlog.Scope, error) {
	caller := callerIn(ctx)
	if caller.Operator {
		return nil, nil
	}
	own, err := c.service.Own(ctx, caller)
	if err != nil {
		return &reqlog.Scope{Sells: func(string) bool { return false }}, err
	}
	return &reqlog.Scope{Account: own.Account, Sells: own.Sells}, nil
}

// exportable refuses the export of what is not the caller's: the file is written by the control API, which asks for nobody's rights.
func (c *Console) exportable(ctx context.Context, product string) error {
	caller := callerIn(ctx)
	if caller.Operator {
		return nil
	}
	own, err := c.service.Own(ctx, caller)
	switch {
	case err != nil:
		return err
	case product == "":
		return &httpError{http.StatusUnprocessableEntity, "Choose one of your products: a file has the usage of one."}
	case !own.Sells(product):
		return &httpError{http.StatusNotFound, "There is no product “" + plain(product) + "”."}
	}
	return nil
}

// addNames adds what the other accounts of a list are called, which whoever is not the operator knows one by one.
func (c *Console) addNames(ctx context.Context, names accountNames, list ...market.Agreement) {
	if callerIn(ctx).Operator {
		return
	}
	for _, a := range list {
		for _, id := range []string{a.Seller, a.Buyer} {
			if _, had := names[id]; had {
				continue
			}
			names[id] = c.accountName(ctx, id)
		}
	}
}
