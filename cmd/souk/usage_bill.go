package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// usageBillCmd is `souk usage bill`.
type usageBillCmd struct {
	remote
	Product string `required:"" placeholder:"CODE" help:"Whose bill, by product code."`
	Month   string `placeholder:"MONTH" help:"Which one: 2026-11. The present one, if left out."`
	Buyer   string `placeholder:"ACCOUNT" help:"Only of this buyer, by account."`
}

func (usageBillCmd) Help() string {
	return `What a month comes to so far, in US dollars: usage by the price of the offer that it was bought on, and what contracts that started in the month
charged up front. What has no price is not in the sums. With --json: all of it, as the control API has it.

    souk usage bill --product 7gs5x0soukanalytics0legac
    souk usage bill --product 3kq9v1soukvaultconcurrent --month 2026-11 --buyer 222233334444`
}

func (c *usageBillCmd) Validate() error {
	if c.Month == "" {
		return nil
	}
	if _, err := time.Parse("2006-01", c.Month); err != nil {
		return fmt.Errorf("--month %s: must be a month such as 2026-11", c.Month)
	}
	return nil
}

func (c *usageBillCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	done := a.working("adding up")
	bill, err := c.whole(a, client)
	done()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, bill)
	}
	if len(bill.Buyers) == 0 {
		fmt.Fprintf(a.stderr, "nothing to pay for in %s\n", bill.Month)
		return nil
	}
	rows := [][]string{{"BUYER", "FOR", "OFFER", "QUANTITY", "PRICE", "AMOUNT"}}
	for _, of := range bill.Buyers {
		for _, line := range of.Lines {
			price := "-"
			if line.Price != "" {
				price = line.Price.Amount().String()
			}
			rows = append(rows, []string{cell(of.Buyer), cell(line.Dimension), cell(line.OfferID), strconv.FormatInt(line.Quantity, 10), price, dollars(line.Amount, line.Price == "")})
		}
		for _, charge := range of.Contracts {
			rows = append(rows, []string{cell(of.Buyer), "contract " + cell(charge.AgreementID), cell(charge.OfferID), "-", "-", dollars(charge.Amount, charge.Unpriced)})
		}
		rows = append(rows, []string{cell(of.Buyer), "total", "-", "-", "-", dollars(of.Total, of.Unpriced)})
	}
	if err := table(a.stdout, rows); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\ntotal of %s: %s\n", bill.Month, dollars(bill.Total, bill.Unpriced))
	return nil
}

// whole is the bill with all of its buyers. The sums are those of the last page, which is of all of them, too.
func (c *usageBillCmd) whole(a *app, client *admin.Client) (admin.Bill, error) {
	q := admin.BillQuery{Product: c.Product, Month: c.Month, Buyer: c.Buyer, Limit: 1000}
	var buyers []admin.BuyerBill
	for {
		page, err := client.Bill(a.ctx, q)
		if err != nil {
			return page, err
		}
		buyers = append(buyers, page.Buyers...)
		if page.Next == "" {
			page.Buyers = append([]admin.BuyerBill{}, buyers...)
			return page, nil
		}
		q.After, q.Month = page.Next, page.Month // of the same month, also when it ends meanwhile
	}
}

// dollars is a sum, of which a part may have no price.
func dollars(sum market.Amount, unpriced bool) string {
	switch {
	case unpriced && sum.IsZero():
		return "no price"
	case unpriced:
		return sum.String() + " and no price"
	}
	return sum.String()
}
