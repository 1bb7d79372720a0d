package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/souk-market/souk/internal/admin"
)

// oneAgreement is which agreement a command is about. Commands embed it.
type oneAgreement struct {
	ID string `arg:"" name:"agreement" help:"The agreement's id, as 'souk agreement list' shows it."`
}

// agreeShowCmd is `souk agreement show`.
type agreeShowCmd struct {
	remote
	oneAgreement
}

func (agreeShowCmd) Help() string {
	return `Prints an agreement: who and what, its license, since when and until when, what it entitles to, and what will happen to it by itself.

    souk agreement show AGREEMENT`
}

func (c *agreeShowCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	g, err := client.Agreement(a.ctx, c.ID)
	return c.printAgreement(a, g, err)
}

// printAgreement prints what each of these calls answers.
func (r remote) printAgreement(a *app, g admin.Agreement, err error) error {
	switch {
	case err != nil:
		return agreementHint(err)
	case r.JSON:
		return printJSON(a.stdout, g)
	}
	return describeAgreement(a.stdout, &g)
}

func describeAgreement(w io.Writer, g *admin.Agreement) error {
	end, term := stamp(g.EndAt), "-"
	if !g.EndAt.IsZero() && g.AutoRenew {
		end += " (renews itself)"
	}
	if g.TermMonths > 0 {
		term = counted(g.TermMonths, "month")
	}
	intent := cell(string(g.Intent))
	if g.PrecedingID != "" {
		intent += ", of " + cell(g.PrecedingID)
	}
	rows := [][]string{
		{"agreement", cell(g.AgreementID)}, {"status", agreementStatus(g)}, {"intent", intent}, {"product", cell(g.ProductCode)}, {"offer", cell(g.OfferID)},
		{"seller", cell(g.Seller)}, {"buyer", cell(g.Buyer)}, {"license", cell(g.LicenseARN)},
		{"accepted", stamp(g.AcceptedAt)}, {"start", stamp(g.StartAt)}, {"end", end}, {"term", term}, {"suspended", stamp(g.SuspendedAt)},
		{"phase", cell(string(g.Phase))}, {"next change", stamp(g.DueAt)},
	}
	if err := table(w, rows); err != nil || len(g.Entitlements) == 0 {
		return err
	}
	rows = [][]string{{"DIMENSION", "ENTITLED TO"}}
	for _, key := range slices.Sorted(maps.Keys(g.Entitlements)) {
		rows = append(rows, []string{cell(key), cell(fmt.Sprint(g.Entitlements[key]))})
	}
	fmt.Fprintln(w)
	return table(w, rows)
}

// agreeEventsCmd is `souk agreement events`.
type agreeEventsCmd struct {
	remote
	oneAgreement
	After int64 `placeholder:"SEQ" help:"Only what happened after this one."`
	Limit int   `default:"100" placeholder:"N" help:"How many to print; 0 for all."`
}

func (agreeEventsCmd) Help() string {
	return `What happened to an agreement, oldest first, by the market's clock. With --json: {"events": [...]}, and "next" if there are more.

    souk agreement events AGREEMENT`
}

func (c *agreeEventsCmd) Validate() error { return validLimit(c.Limit) }

func (c *agreeEventsCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	all := admin.EventPage{Events: []admin.Event{}}
	query := admin.EventQuery{After: c.After}
	for {
		query.Limit = pageSize(c.Limit, len(all.Events))
		page, err := client.Events(a.ctx, c.ID, query)
		if err != nil {
			return agreementHint(err)
		}
		all.Events = append(all.Events, page.Events...)
		all.Next, query.After = page.Next, page.Next
		if page.Next == 0 || len(all.Events) == c.Limit {
			break
		}
	}
	if c.JSON {
		return printJSON(a.stdout, all)
	}
	rows := [][]string{{"SEQ", "TIME", "EVENT", "DETAIL"}}
	for _, e := range all.Events {
		rows = append(rows, []string{strconv.FormatInt(e.Seq, 10), stamp(e.At), cell(string(e.Kind)), cell(e.Detail)})
	}
	if err := table(a.stdout, rows); err != nil {
		return err
	}
	if all.Next != 0 {
		fmt.Fprintf(a.stderr, "hint: there are more: --after %d, or --limit 0 for all\n", all.Next)
	}
	return nil
}

// agreeTokenCmd is `souk agreement token`.
type agreeTokenCmd struct {
	remote
	oneAgreement
}

func (agreeTokenCmd) Help() string {
	return `Mints a new registration token for an agreement that there is: a click on 'Set up your account'. Tokens that were minted before stay good.

    token=$(souk agreement token AGREEMENT --json | jq -r .registration_token)`
}

func (c *agreeTokenCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	p, err := client.SetUpAccount(a.ctx, c.ID)
	switch {
	case err != nil:
		return agreementHint(err)
	case c.JSON:
		return printJSON(a.stdout, p)
	}
	p.Existing = false // nobody expected another
	return bought{Purchase: p}.print(a)
}
