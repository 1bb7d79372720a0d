package console

import (
	"net/http"
	"strconv"

	"github.com/souk-market/souk/internal/iam"
)

// policiesPage lists the policies.
type policiesPage struct {
	Nav     worldNav
	Own     []policyRow // of accounts: managed by them, and inline
	Managed []policyRow // AWS's
	First   bool
	Next    string
}

// policyRow is a policy in short.
type policyRow struct {
	policyLink
	Owner      string // account, user or role
	Statements string
}

// pageOfPolicies is how many of the accounts' policies a page lists.
const pageOfPolicies = 50

// policies lists every policy: the accounts' own, page by page, and AWS's on the first.
func (c *Console) policies(w http.ResponseWriter, r *http.Request) error {
	dir, err := c.service.DirectoryState(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	from, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || from < 0 {
		from = 0
	}
	page := policiesPage{Nav: c.worldNav("policies"), First: from == 0}
	n := 0
	add := func(row func() policyRow) { // only of rows that are shown the documents are looked at
		if n >= from && n < from+pageOfPolicies {
			page.Own = append(page.Own, row())
		}
		n++
	}
	for _, p := range dir.Policies {
		add(func() policyRow {
			return policyRow{policyLink{plain(p.Name), policyPath(p.ARN(), ""), "managed"}, "account " + p.Account, statements(p.Document)}
		})
	}
	for _, u := range dir.Users {
		for _, in := range u.Inline {
			add(func() policyRow {
				return policyRow{policyLink{plain(in.Name), policyPath(u.ARN(), in.Name), "inline"}, plain("user " + u.Name + " of " + u.Account), statements(in.Document)}
			})
		}
	}
	for _, role := range dir.Roles {
		for _, in := range role.Inline {
			add(func() policyRow {
				return policyRow{policyLink{plain(in.Name), policyPath(role.ARN(), in.Name), "inline"}, plain("role " + role.Name + " of " + role.Account), statements(in.Document)}
			})
		}
	}
	if n > from+pageOfPolicies {
		page.Next = "/world/policies?from=" + strconv.Itoa(from+pageOfPolicies)
	}
	if page.First {
		for _, name := range iam.ManagedNames() {
			if attached, doc, ok := iam.Managed(name); ok {
				page.Managed = append(page.Managed, policyRow{policyLink{name, policyPath(attached.Name, ""), "AWS managed"}, "AWS", statements(string(doc))})
			}
		}
	}
	return c.render(w, response{status: http.StatusOK, page: "world_policies", title: "Policies", section: "world", style: "world.css", body: page})
}
