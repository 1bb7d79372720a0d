package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// agreeCmds is `souk agreement`.
type agreeCmds struct {
	List   agreeListCmd   `cmd:"" default:"withargs" help:"List agreements, in the order in which they were accepted."`
	Show   agreeShowCmd   `cmd:"" help:"Print all about an agreement."`
	Events agreeEventsCmd `cmd:"" help:"Print what happened to an agreement."`
	Token  agreeTokenCmd  `cmd:"" help:"Mint a new registration token for an agreement, as a click on 'Set up your account' does."`

	Amend   agreeAmendCmd   `cmd:"" help:"Change quantities, the end, or whether it renews itself."`
	Renew   agreeRenewCmd   `cmd:"" help:"Make the agreement that starts when this one ends."`
	Replace agreeReplaceCmd `cmd:"" help:"End an agreement now, and make one that takes its place."`

	Cancel    agreeCancelCmd    `cmd:"" help:"End an agreement now: the buyer cancelled."`
	Terminate agreeTerminateCmd `cmd:"" help:"End an agreement now: the seller terminated."`
	Expire    agreeExpireCmd    `cmd:"" help:"End an agreement now: as if its time were over."`
	Suspend   agreeSuspendCmd   `cmd:"" help:"Have an agreement neither meter nor entitle, for a while."`
	Reinstate agreeReinstateCmd `cmd:"" help:"End a suspension."`
}

func (agreeCmds) Help() string {
	return `An agreement is an offer that a buyer has accepted. Its license, which sellers know as LicenseArn, is made with it. For an hour after it has
ended its last usage records are taken.

    souk agreement
    souk agreement list --buyer 777788889999 --status active
    souk agreement amend AGREEMENT --set seats=25
    souk agreement cancel AGREEMENT
    souk agreement events AGREEMENT`
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
		rows = append(rows, []string{cell(g.AgreementID), cell(g.ProductCode), cell(g.Buyer), agreementStatus(&g), stamp(g.AcceptedAt), stamp(g.EndAt), cell(g.LicenseARN)})
	}
	if err := table(a.stdout, rows); err != nil {
		return err
	}
	if all.Next != "" {
		fmt.Fprintf(a.stderr, "hint: there are more: --after %s, or --limit 0 for all\n", cell(all.Next))
	}
	return nil
}

// agreementStatus is the status, and what else one has to know to understand it.
func agreementStatus(g *admin.Agreement) string {
	var more []string
	if g.FreeTrial {
		more = append(more, "free trial")
	}
	if g.Phase == market.Scheduled && g.Status == market.Active {
		more = append(more, "not started")
	}
	if !g.SuspendedAt.IsZero() {
		more = append(more, "suspended")
	}
	if g.Phase == market.FinalHour {
		more = append(more, "final hour")
	}
	if len(more) == 0 {
		return cell(string(g.Status))
	}
	return cell(string(g.Status)) + " (" + strings.Join(more, ", ") + ")"
}

// agreementHint says how to find agreements where one was not found.
func agreementHint(err error) error {
	var refused *admin.APIError
	if errors.As(err, &refused) && refused.Code == admin.CodeNotFound && strings.HasPrefix(refused.Message, "agreement ") {
		return fmt.Errorf("%w\nhint: souk agreement list", err)
	}
	return err
}
