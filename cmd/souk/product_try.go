package main

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/tryit"
)

// productTryCmd is `souk product try`.
type productTryCmd struct {
	remote
	Code      string `arg:"" help:"The product's code."`
	Agreement string `placeholder:"ID" xor:"whose" help:"The active agreement whose token is posted. The first that there is, if left out."`
	Buyer     string `placeholder:"ACCOUNT" xor:"whose" help:"An account; one without an active agreement is subscribed first."`
}

func (productTryCmd) Help() string {
	return `Has the running Souk mint a registration token and post it to the product's registration URL, as a buyer's browser does after Set up your
account. It prints each step of the way, redirects included, and what is wrong, in plain words; tokens are masked. The post comes from where Souk
runs. The exit status is 1 if anything is wrong.

    souk product try 7gs5x0soukanalytics0legac --buyer 777788889999
    souk product try 7gs5x0soukanalytics0legac --json | jq -r '.hops[].status'`
}

func (c *productTryCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	done := a.working("waiting for the site")
	r, err := client.TryProduct(a.ctx, c.Code, admin.TryInput{AgreementID: c.Agreement, Buyer: c.Buyer})
	done()
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(a.stdout, r)
	} else {
		err = describeTry(a, &r)
	}
	if err == nil && !r.OK {
		return failed{exitFailed}
	}
	return err
}

func describeTry(a *app, r *tryit.Report) error {
	agreement := r.AgreementID
	if r.Subscribed {
		agreement += " (made for this)"
	}
	rows := [][]string{{"registration URL", cell(r.URL)}, {"buyer", cell(r.Buyer)}, {"agreement", cell(agreement)}}
	if err := table(a.stdout, rows); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	steps := [][]string{{"STEP", "STATUS", "TOOK", "ADDRESS"}}
	for _, h := range r.Hops {
		status := fmt.Sprint(h.Status)
		if h.Status == 0 {
			status = "-"
		}
		steps = append(steps, []string{cell(h.Method), status, fmt.Sprintf("%d ms", h.DurationMS), cell(h.URL)})
	}
	if err := table(a.stdout, steps); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	for _, v := range r.Verdicts {
		fmt.Fprintf(a.stdout, "%s: %s\n", v.Level, strings.TrimSpace(clean(v.Text)))
	}
	for _, call := range r.Calls {
		fmt.Fprintf(a.stdout, "see: souk requests show %s\n", cell(call.RequestID))
	}
	return nil
}
