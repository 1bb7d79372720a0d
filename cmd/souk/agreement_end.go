package main

import (
	"context"

	"github.com/souk-market/souk/internal/admin"
)

// act does something to an agreement that there is nothing more to say about, and prints the agreement as it is afterwards.
func (r remote) act(a *app, id string, do func(*admin.Client, context.Context, string) (admin.Agreement, error)) error {
	client, err := r.client(a)
	if err != nil {
		return err
	}
	g, err := do(client, a.ctx, id)
	return r.printAgreement(a, g, err)
}

// agreeCancelCmd is `souk agreement cancel`.
type agreeCancelCmd struct {
	remote
	oneAgreement
}

func (agreeCancelCmd) Help() string {
	return `The buyer cancels: the agreement is CANCELLED from now on, and entitles to nothing any more. For an hour its last usage records are taken;
after that, BatchMeterUsage answers CustomerNotSubscribed.

    souk agreement cancel AGREEMENT
    souk clock advance 1h1m`
}

func (c *agreeCancelCmd) Run(a *app) error {
	return c.act(a, c.ID, (*admin.Client).Cancel)
}

// agreeTerminateCmd is `souk agreement terminate`.
type agreeTerminateCmd struct {
	remote
	oneAgreement
}

func (agreeTerminateCmd) Help() string {
	return `The seller terminates: the agreement is TERMINATED from now on, and its final hour begins.

    souk agreement terminate AGREEMENT`
}

func (c *agreeTerminateCmd) Run(a *app) error {
	return c.act(a, c.ID, (*admin.Client).Terminate)
}

// agreeExpireCmd is `souk agreement expire`.
type agreeExpireCmd struct {
	remote
	oneAgreement
}

func (agreeExpireCmd) Help() string {
	return `Has an agreement expire now, as if its time were over, without moving the clock. It is not renewed.

    souk agreement expire AGREEMENT`
}

func (c *agreeExpireCmd) Run(a *app) error {
	return c.act(a, c.ID, (*admin.Client).Expire)
}

// agreeSuspendCmd is `souk agreement suspend`.
type agreeSuspendCmd struct {
	remote
	oneAgreement
}

func (agreeSuspendCmd) Help() string {
	return `Suspends an agreement: it stays ACTIVE, and neither meters nor entitles until it is reinstated.

    souk agreement suspend AGREEMENT
    souk agreement reinstate AGREEMENT`
}

func (c *agreeSuspendCmd) Run(a *app) error {
	return c.act(a, c.ID, (*admin.Client).Suspend)
}

// agreeReinstateCmd is `souk agreement reinstate`.
type agreeReinstateCmd struct {
	remote
	oneAgreement
}

func (agreeReinstateCmd) Help() string {
	return `Ends a suspension: the agreement meters and entitles again.

    souk agreement reinstate AGREEMENT`
}

func (c *agreeReinstateCmd) Run(a *app) error {
	return c.act(a, c.ID, (*admin.Client).Reinstate)
}
