package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// agreeCmds is `souk agreement`.
type agreeCmds struct {
	List agreeListCmd `cmd:"" default:"withargs" help:"List agreements, in the order in which they were accepted."`
}

func (agreeCmds) Help() string {
	return `An agreement is an offer that a buyer has accepted. Its license, which sellers know as LicenseArn, is made with it.

    souk agreement
    souk agreement list --buyer 777788889999 --status active`
}

// agreeListCmd is `souk agreement list`.
type agreeListCmd struct {
	remote
	Product string `placeholder:"CODE" help:"Only those of this product."`
	Buyer   string `placeholder:"ACCOUNT" help:"Only those of this buyer, by account."`
	Status  string `placeholder:"STATUS" help:"Only those that are active, cancelled, expired, terminated, replaced or renewed."`
	After   string `placeholder:"AGREEMENT" help:"Only those after this one."`
	Limit   int    `default:"100" placeholder:"N" help:"How many to list; 0 for all."`
}

func (agreeListCmd) Help() string {
	return `A table, oldest first. With --json: {"agreements": [...]}, and "next" if there are more: that is what to continue with by --after.

    souk agreement list --product 7gs5x0soukanalytics0legac`
}

func (c *agreeListCmd) Validate() error {
	known := []market.Status{"", market.Active, market.Cancelled, market.Expired, market.Terminated, market.Replaced, market.Renewed}
	if !slices.Contains(known, c.status()) {
		return fmt.Errorf("--status %q: must be active, cancelled, expired, terminated, replaced or renewed", c.Status)
	}
	return validLimit(c.Limit)
}

func (c *agreeListCmd) status() market.Status { return market.Status(strings.ToUpper(c.Status)) }

func (c *agreeListCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	all := admin.AgreementPage{Agreements: []admin.Agreement{}}
	query := admin.AgreementQuery{Product: c.Product, Buyer: c.Buyer, Status: c.status(), After: c.After}
	for {
		query.Limit = pageSize(c.Limit, len(all.Agreements))
		page, err := client.Agreements(a.ctx, query)
		if err != nil {
			return err
		}
		all.Agreements = append(all.Agreements, page.Agreements...)
		all.Next, query.After = page.Next, page.Next
		if page.Next == "" || len(all.Agreements) == c.Limit {
			break
		}
	}
	if c.JSON {
		return printJSON(a.stdout, all)
	}
	if len(all.Agreements) == 0 {
		fmt.Fprintln(a.stderr, "no agreements to list")
		return nil
	}
	rows := [][]string{{"AGREEMENT", "PRODUCT", "BUYER", "STATUS", "ACCEPTED", "END", "LICENSE"}}
	for _, g := range all.Agreements {
		status := cell(string(g.Status))
		if g.FreeTrial {
			status += " (free trial)"
		}
		rows = append(rows, []string{cell(g.AgreementID), cell(g.ProductCode), cell(g.Buyer), status, stamp(g.AcceptedAt), stamp(g.EndAt), cell(g.LicenseARN)})
	}
	if err := table(a.stdout, rows); err != nil {
		return err
	}
	if all.Next != "" {
		fmt.Fprintf(a.stderr, "hint: there are more: --after %s, or --limit 0 for all\n", cell(all.Next))
	}
	return nil
}
