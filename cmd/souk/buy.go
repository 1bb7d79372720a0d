package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/registration"
)

// buyCmd is `souk buy`.
type buyCmd struct {
	remote
	Product string `required:"" placeholder:"CODE" help:"Code of the product."`
	quantities
	Buyer     string `placeholder:"ACCOUNT" help:"Account that buys, twelve digits. The first that may buy, if left out."`
	Offer     string `placeholder:"ID" help:"Offer to accept. The product's public one, if left out."`
	FreeTrial bool   `help:"Take the product's free trial."`

	Start      *instant `placeholder:"TIME" help:"When the agreement starts, if not at once, in UTC if it does not say: 2027-01-01T12:00:00Z, or 2027-01-01 for the beginning of that day."`
	TermMonths int      `placeholder:"N" help:"How long a contract lasts, in months. As long as the offer says, if left out."`
	AutoRenew  bool     `help:"Have the contract renewed by itself at its end."`

	PostTo string `placeholder:"URL" help:"Post the registration form there, as the buyer's browser does, and report the answer. The word 'registered' stands for the product's own registration URL."`
}

func (buyCmd) Help() string {
	return `Accepts an offer and mints a registration token: what happens at AWS when a buyer clicks Subscribe, and then Set up your account. It prints
the token with all that ResolveCustomer will answer for it.

A legacy product has one agreement a buyer, so buying it again gives a new token for the agreement that there is. A product of the
concurrent-agreements kind gives a new agreement every time.

    souk buy --product 7gs5x0soukanalytics0legac
    souk buy --product 3kq9v1soukvaultconcurrent --set seats=10 --term-months 24 --auto-renew
    token=$(souk buy --product 3kq9v1soukvaultconcurrent --json | jq -r .registration_token)

With --post-to it goes on as the buyer's browser does: it posts the documented form (x-amzn-marketplace-token and its companions) and
follows redirects. The exit status is 1 if the site answers with 400 or more.

    souk buy --product 3kq9v1soukvaultconcurrent --post-to http://localhost:3000/aws/register`
}

// registered stands for the product's own registration URL.
const registered = "registered"

// Validate lets nothing be bought for a form that cannot be posted.
func (c *buyCmd) Validate() error {
	if c.TermMonths < 0 {
		return errors.New("--term-months must not be negative")
	}
	if err := c.check(); err != nil {
		return err
	}
	if c.PostTo == "" || c.PostTo == registered {
		return nil
	}
	u, err := url.Parse(c.PostTo)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("--post-to must be an http or https URL, or the word %q, not %q", registered, c.PostTo)
	}
	return nil
}

// bought is what --json prints.
type bought struct {
	admin.Purchase
	Post *posted `json:"post,omitempty"`
}

// posted is what came of the form. Error is set if nobody answered.
type posted struct {
	registration.Answer
	Error string `json:"error,omitempty"`
}

func (c *buyCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	in := admin.PurchaseInput{ProductCode: c.Product, Buyer: c.Buyer, OfferID: c.Offer, FreeTrial: c.FreeTrial, TermMonths: c.TermMonths, AutoRenew: c.AutoRenew}
	if c.Start != nil {
		in.StartAt = time.Time(*c.Start)
	}
	if in.Entitlements, err = c.of(a, client, c.Product); err != nil {
		return err
	}
	p, err := client.Buy(a.ctx, in)
	if err != nil {
		return productHint(err)
	}
	out := bought{Purchase: p}
	var unposted error
	if c.PostTo != "" {
		out.Post, unposted = c.post(a, p)
	}
	if c.JSON {
		err = printJSON(a.stdout, out)
	} else {
		err = out.print(a)
	}
	switch {
	case err != nil:
		return err
	case unposted != nil:
		return unposted
	case out.Post != nil && out.Post.Status >= 400:
		if !c.JSON {
			fmt.Fprintln(a.stderr, "hint: 'souk requests list' shows what the site asked Souk, and what it was answered")
		}
		return failed{exitFailed}
	}
	return nil
}

// post does what the buyer's browser does.
func (c *buyCmd) post(a *app, p admin.Purchase) (*posted, error) {
	target := c.PostTo
	if target == registered {
		target = p.RegistrationURL
	}
	if target == "" {
		err := fmt.Errorf("product %s has no registration URL\nhint: souk product set %s --registration-url URL", p.ProductCode, p.ProductCode)
		return &posted{Error: "the product has no registration URL"}, err
	}
	done := a.working("waiting for the site")
	answer, err := registration.Post(a.ctx, nil, target, registration.Form(market.Purchase{
		Token:     p.RegistrationToken,
		Agreement: market.Agreement{ID: p.AgreementID, FreeTrial: p.FreeTrial},
		Product:   market.Product{ID: p.ProductID},
	}))
	done()
	out := &posted{Answer: answer}
	if err != nil {
		out.Error = err.Error()
	}
	return out, err
}

// print writes the purchase for people, with the token last, where it is easiest to take.
func (b bought) print(a *app) error {
	agreement := b.AgreementID
	if b.Existing {
		agreement += " (there was one already)"
	}
	offer := b.OfferID
	if b.FreeTrial {
		offer += " (free trial)"
	}
	rows := [][]string{
		{"product", b.ProductCode + " (" + b.ProductID + ")"}, {"offer", offer}, {"agreement", agreement}, {"license", b.LicenseARN},
		{"customer account", b.CustomerAWSAccountID}, {"customer identifier", b.CustomerIdentifier}, {"registration URL", b.RegistrationURL},
	}
	if b.Post != nil && b.Post.Status != 0 {
		for _, to := range b.Post.Redirects {
			rows = append(rows, []string{"redirected to", to})
		}
		rows = append(rows, []string{"site answered", fmt.Sprint(b.Post.Status)}, []string{"at", b.Post.URL}, []string{"title", b.Post.Title})
	}
	rows = append(rows, []string{"token expires", stamp(b.TokenExpiresAt)}, []string{"token", b.RegistrationToken})
	for _, row := range rows {
		row[1] = cell(row[1])
	}
	if err := table(a.stdout, rows); err != nil {
		return err
	}
	if b.Post == nil {
		fmt.Fprintln(a.stderr, "hint: aws meteringmarketplace resolve-customer --registration-token TOKEN")
	}
	return nil
}

// productHint says how to find products where one was not found.
func productHint(err error) error {
	var refused *admin.APIError
	if errors.As(err, &refused) && refused.Code == admin.CodeNotFound {
		return fmt.Errorf("%w\nhint: souk product list", err)
	}
	return err
}
