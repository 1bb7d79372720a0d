package main

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/admin"
)

// agreeAmendCmd is `souk agreement amend`.
type agreeAmendCmd struct {
	remote
	oneAgreement
	quantities
	End       *instant `placeholder:"TIME" help:"When it ends, in UTC if it does not say: 2027-06-30T12:00:00Z, or 2027-06-30 for the beginning of that day."`
	AutoRenew *bool    `negatable:"" help:"Whether it is renewed by itself at its end."`
}

func (agreeAmendCmd) Help() string {
	return `Changes an agreement in place, from now on: it keeps its id and its license, and what is not named stays as it is. Prints it as it is afterwards.

    souk agreement amend AGREEMENT --set seats=25
    souk agreement amend AGREEMENT --end 2027-06-30 --no-auto-renew`
}

func (c *agreeAmendCmd) Validate() error {
	if len(c.Set) == 0 && c.End == nil && c.AutoRenew == nil {
		return errors.New("there is nothing to change: give --set, --end, --auto-renew or --no-auto-renew")
	}
	return c.check()
}

func (c *agreeAmendCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	in := admin.Amendment{AutoRenew: c.AutoRenew}
	if c.End != nil {
		t := time.Time(*c.End)
		in.EndAt = &t
	}
	if in.Entitlements, err = c.ofAgreement(a, client, c.ID); err != nil {
		return err
	}
	g, err := client.Amend(a.ctx, c.ID, in)
	return c.printAgreement(a, g, err)
}

// terms are those of an agreement that follows another. Commands embed it.
type terms struct {
	quantities
	Offer      string `placeholder:"ID" help:"Offer to accept. The same one, if left out."`
	TermMonths int    `placeholder:"N" help:"How long it lasts, in months. As long as the one before, if left out."`
	AutoRenew  *bool  `negatable:"" help:"Whether it is renewed by itself at its end. As before, if left out."`
}

func (t *terms) check() error {
	if t.TermMonths < 0 {
		return errors.New("--term-months must not be negative")
	}
	return t.quantities.check()
}

func (t *terms) follow(a *app, r remote, id string, call func(*admin.Client, context.Context, string, admin.Terms) (admin.Agreement, error)) error {
	client, err := r.client(a)
	if err != nil {
		return err
	}
	in := admin.Terms{OfferID: t.Offer, TermMonths: t.TermMonths, AutoRenew: t.AutoRenew}
	if in.Entitlements, err = t.ofAgreement(a, client, id); err != nil {
		return err
	}
	g, err := call(client, a.ctx, id, in)
	return r.printAgreement(a, g, err)
}

// ofAgreement is of for the product that an agreement is about.
func (q quantities) ofAgreement(a *app, client *admin.Client, id string) (admin.Entitlements, error) {
	if len(q.Set) == 0 {
		return nil, nil
	}
	g, err := client.Agreement(a.ctx, id)
	if err != nil {
		return nil, agreementHint(err)
	}
	return q.of(a, client, g.ProductCode)
}

// agreeRenewCmd is `souk agreement renew`.
type agreeRenewCmd struct {
	remote
	oneAgreement
	terms
}

func (agreeRenewCmd) Help() string {
	return `Makes the agreement that starts when this one ends, with a license of its own, and prints it. This one goes on until its end, and is then
RENEWED. It takes an agreement that has an end.

    souk agreement renew AGREEMENT
    souk agreement renew AGREEMENT --set seats=30 --term-months 24`
}

func (c *agreeRenewCmd) Validate() error { return c.check() }

func (c *agreeRenewCmd) Run(a *app) error {
	return c.follow(a, c.remote, c.ID, (*admin.Client).Renew)
}

// agreeReplaceCmd is `souk agreement replace`.
type agreeReplaceCmd struct {
	remote
	oneAgreement
	terms
}

func (agreeReplaceCmd) Help() string {
	return `Ends an agreement now, makes one that takes its place at once, with a license of its own, and prints that. The old one is REPLACED, and its
final hour begins.

    souk agreement replace AGREEMENT --offer OFFER --set seats=5`
}

func (c *agreeReplaceCmd) Validate() error { return c.check() }

func (c *agreeReplaceCmd) Run(a *app) error {
	return c.follow(a, c.remote, c.ID, (*admin.Client).Replace)
}
