package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// productCmds is `souk product`.
type productCmds struct {
	List productListCmd `cmd:"" default:"withargs" help:"List what is for sale."`
	Show productShowCmd `cmd:"" help:"Print a product, its dimensions and its offers."`
	Set  productSetCmd  `cmd:"" help:"Change where a product's buyers are sent, and how its tokens live."`
	Try  productTryCmd  `cmd:"" help:"Post a token to a product's registration URL, and see what the page answers."`
}

func (productCmds) Help() string {
	return `Products come from a world file ('souk apply'), or from the sample of 'souk dev'. What changes while one develops can be set here.

    souk product                                  all of them
    souk product show 7gs5x0soukanalytics0legac
    souk product set 7gs5x0soukanalytics0legac --registration-url http://localhost:8080/register
    souk product try 7gs5x0soukanalytics0legac --buyer 777788889999`
}

// productListCmd is `souk product list`.
type productListCmd struct{ remote }

func (productListCmd) Help() string {
	return `A table of all products, by code. With --json: {"products": [...]}, each with its dimensions and its settings.

    souk product list --json`
}

func (c *productListCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	products, err := client.Products(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, map[string]any{"products": append([]admin.Product{}, products...)})
	}
	if len(products) == 0 {
		fmt.Fprintln(a.stderr, "no products: fill the market with 'souk apply -f world.yaml'")
		return nil
	}
	rows := [][]string{{"CODE", "PRODUCT ID", "KIND", "SELLER", "TITLE", "REGISTRATION URL"}}
	for _, p := range products {
		url := cell(p.RegistrationURL)
		if p.BuiltinRegistration {
			url = "(built in)"
		}
		rows = append(rows, []string{cell(p.ProductCode), cell(p.ProductID), cell(string(p.Kind)), cell(p.Seller), shortened(p.Title, 32), url})
	}
	return table(a.stdout, rows)
}

// productShowCmd is `souk product show`.
type productShowCmd struct {
	remote
	Code string `arg:"" help:"The product's code."`
}

func (productShowCmd) Help() string {
	return `Prints a product: its settings, what it charges for, and the offers on which it can be bought.

    souk product show 3kq9v1soukvaultconcurrent`
}

func (c *productShowCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	p, err := client.Product(a.ctx, c.Code)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, p)
	}
	return describeProduct(a.stdout, &p)
}

// productSetCmd is `souk product set`.
type productSetCmd struct {
	remote
	Code            string  `arg:"" help:"The product's code."`
	RegistrationURL *string `name:"registration-url" placeholder:"URL" help:"Where the buyer's browser posts the registration token. \"\" goes back to the built-in page, where this Souk has one."`
	TokenLife       *string `placeholder:"DURATION" help:"How long its registration tokens live from now on: whole seconds up to 168h. \"\" goes back to the market's default."`
	TokenReuse      *string `placeholder:"replay|single" help:"What a second redemption of a token does: 'replay' gives the same answer until it expires, 'single' refuses. \"\" goes back to the market's default."`
}

func (productSetCmd) Help() string {
	return `Changes a product for the next purchase and the next token; what is not named stays as it is. Tokens that were minted before keep their life.
Prints the product as it is afterwards.

    souk product set CODE --registration-url http://localhost:8080/register
    souk product set CODE --token-life 90s --token-reuse single
    souk product set CODE --token-life "" --token-reuse ""`
}

func (c *productSetCmd) Validate() error {
	if c.RegistrationURL == nil && c.TokenLife == nil && c.TokenReuse == nil {
		return errors.New("there is nothing to set: give --registration-url, --token-life or --token-reuse")
	}
	if c.TokenLife != nil && *c.TokenLife != "" {
		if _, err := time.ParseDuration(*c.TokenLife); err != nil {
			return fmt.Errorf(`--token-life %q: must be a span of time such as "90s" or "4h1m", or "" for the market's default`, *c.TokenLife)
		}
	}
	if r := c.TokenReuse; r != nil && *r != "" && *r != "replay" && *r != "single" {
		return fmt.Errorf(`--token-reuse %q: must be "replay", "single", or "" for the market's default`, *r)
	}
	return nil
}

func (c *productSetCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	change := admin.ProductChange{RegistrationURL: c.RegistrationURL, TokenLife: c.TokenLife, TokenReuse: c.TokenReuse}
	p, err := client.ChangeProduct(a.ctx, c.Code, change)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, p)
	}
	return describeProduct(a.stdout, &p)
}

func describeProduct(w io.Writer, p *admin.Product) error {
	orDefault := func(s string) string {
		if s == "" {
			return "the market's default"
		}
		return cell(s)
	}
	url := cell(p.RegistrationURL)
	switch {
	case p.BuiltinRegistration:
		url += " (built in)"
	case p.RegistrationURL == "":
		url = "none: set one with 'souk product set " + cell(p.ProductCode) + " --registration-url URL'"
	}
	rows := [][]string{
		{"code", cell(p.ProductCode)}, {"product id", cell(p.ProductID)}, {"title", cell(p.Title)}, {"description", cell(p.Description)},
		{"kind", cell(string(p.Kind))}, {"seller", cell(p.Seller)}, {"registration URL", url},
		{"token life", orDefault(p.TokenLife)}, {"token reuse", orDefault(string(p.TokenReuse))}, {"created", stamp(p.CreatedAt)},
	}
	if err := table(w, rows); err != nil {
		return err
	}
	if len(p.Dimensions) > 0 {
		rows := [][]string{{"DIMENSION", "KIND", "TYPE", "NAME", "UNIT", "PRICE"}}
		for _, d := range p.Dimensions {
			rows = append(rows, []string{cell(d.Key), cell(string(d.Kind)), cell(string(d.Type)), cell(d.Name), cell(d.Unit), priceCell(d.Price)})
		}
		fmt.Fprintln(w)
		if err := table(w, rows); err != nil {
			return err
		}
	}
	if len(p.Offers) > 0 {
		rows := [][]string{{"OFFER", "KIND", "NAME", "PRICING", "LASTS", "ENTITLES TO", "FOR", "OWN PRICES"}}
		for _, o := range p.Offers {
			lasts := "-"
			switch {
			case o.TrialDays > 0:
				lasts = counted(o.TrialDays, "day")
			case o.TermMonths > 0:
				lasts = counted(o.TermMonths, "month")
			}
			rows = append(rows, []string{cell(o.OfferID), cell(string(o.Kind)), cell(o.Name), cell(string(o.Pricing)), lasts,
				entitlementWords(o.Entitlements), cell(strings.Join(o.Buyers, ", ")), priceCells(o.Prices)})
		}
		fmt.Fprintln(w)
		return table(w, rows)
	}
	return nil
}

// entitlementWords are entitlements in one cell of a table.
func entitlementWords(e admin.Entitlements) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(e)) {
		parts = append(parts, fmt.Sprintf("%s=%v", key, e[key]))
	}
	return cell(strings.Join(parts, ", "))
}

// priceCell is a price in a cell of a table.
func priceCell(p market.Price) string {
	if p == "" {
		return "-"
	}
	return p.Amount().String()
}

// priceCells are an offer's own prices in one cell of a table.
func priceCells(prices map[string]market.Price) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(prices)) {
		parts = append(parts, key+"="+priceCell(prices[key]))
	}
	return cell(strings.Join(parts, ", "))
}
