package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// usageCmds is `souk usage`.
type usageCmds struct {
	List   usageListCmd   `cmd:"" default:"withargs" help:"List usage records, by hour."`
	Sum    usageSumCmd    `cmd:"" help:"Add up what was metered."`
	Bill   usageBillCmd   `cmd:"" help:"Say what a month of a product comes to."`
	Export usageExportCmd `cmd:"" help:"Write all usage records to a file."`
}

func (usageCmds) Help() string {
	return `What BatchMeterUsage and MeterUsage acknowledged: one record an hour, of a product, buyer, dimension and Region, by product code or by license.

    souk usage
    souk usage sum --by day,buyer,dimension --product 7gs5x0soukanalytics0legac
    souk usage bill --product 7gs5x0soukanalytics0legac
    souk usage export -o usage.csv`
}

// usageFilter says which usage records to look at. Empty fields match all.
type usageFilter struct {
	Product   string  `placeholder:"CODE" help:"Only of this product."`
	Buyer     string  `placeholder:"ACCOUNT" help:"Only of this buyer, by account."`
	License   string  `placeholder:"ARN" help:"Only what was metered by this license."`
	Dimension string  `placeholder:"KEY" help:"Only of this dimension."`
	Region    string  `placeholder:"REGION" help:"Only what was metered in this Region."`
	From      instant `placeholder:"TIME" help:"From this hour on, in UTC if it does not say: 2026-12-24T18:00, or 2026-12-24 for the beginning of that day."`
	To        instant `placeholder:"TIME" help:"Before this hour."`
}

func (f *usageFilter) query() admin.UsageQuery {
	return admin.UsageQuery{
		Product: f.Product, Buyer: f.Buyer, License: f.License, Dimension: f.Dimension, Region: f.Region, From: time.Time(f.From), To: time.Time(f.To),
	}
}

// usageListCmd is `souk usage list`.
type usageListCmd struct {
	remote
	usageFilter
	After string `placeholder:"POSITION" help:"Only those after this one: what a list before said that there is more after."`
	Limit int    `default:"100" placeholder:"N" help:"How many to list; 0 for all."`
	Count bool   `help:"Say how many there are in all."`
}

func (usageListCmd) Help() string {
	return `A table, the earliest hour first. With --json: {"records": [...]}, and "next" if there are more: that is what to continue with by --after.

    souk usage list --buyer 222233334444 --from 2026-12-24 --to 2026-12-25`
}

func (c *usageListCmd) Validate() error { return validLimit(c.Limit) }

func (c *usageListCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	all := admin.UsagePage{Records: []admin.UsageRecord{}} // with --json only: a table is printed as it comes
	part := admin.UsageList{After: c.After, Count: c.Count}
	widths := columns{20, 10, 20, 12, 25, 14, 36, 0}
	for n := 0; ; {
		part.Limit = pageSize(c.Limit, n)
		page, err := client.Usage(a.ctx, c.query(), part)
		if err != nil {
			return err
		}
		if page.Count != nil {
			all.Count = page.Count
		}
		switch {
		case c.JSON:
			all.Records = append(all.Records, page.Records...)
		case n == 0 && len(page.Records) > 0:
			err = widths.print(a, []string{"HOUR", "QUANTITY", "DIMENSION", "BUYER", "PRODUCT", "REGION", "RECORD", "LICENSE"})
		}
		for i := 0; i < len(page.Records) && err == nil && !c.JSON; i++ {
			err = widths.print(a, usageRow(&page.Records[i]))
		}
		if err != nil {
			return err
		}
		n += len(page.Records)
		all.Next, part.After, part.Count = page.Next, page.Next, false
		if page.Next != "" && n != c.Limit {
			continue
		}
		if c.JSON {
			return printJSON(a.stdout, all)
		}
		c.finish(a, n, all)
		return nil
	}
}

// finish says what the table does not.
func (c *usageListCmd) finish(a *app, n int, all admin.UsagePage) {
	if n == 0 {
		fmt.Fprintln(a.stderr, "no usage to list")
	}
	if all.Count != nil {
		fmt.Fprintf(a.stderr, "%s in all\n", counted(int(*all.Count), "record"))
	}
	if all.Next != "" {
		fmt.Fprintf(a.stderr, "hint: there are more: --after %s, --limit 0 for all, or souk usage export\n", cell(all.Next))
	}
}

func usageRow(u *admin.UsageRecord) []string {
	return []string{
		stamp(u.Hour), strconv.FormatInt(u.Quantity, 10), cell(u.Dimension), cell(u.Buyer), cell(u.ProductCode), cell(u.Region), cell(u.RecordID), cell(u.LicenseARN),
	}
}

// usageSumCmd is `souk usage sum`.
type usageSumCmd struct {
	remote
	usageFilter
	By []string `default:"product,buyer,dimension" placeholder:"FIELD,..." help:"What to add up by, with commas between: hour, day, region, product, buyer, license, dimension."`
}

func (usageSumCmd) Help() string {
	return `A line for each combination of the fields, sorted by them in the order given. With --json: {"sums": [...]}.

    souk usage sum --by hour,dimension,buyer
    souk usage sum --by day --product 7gs5x0soukanalytics0legac --dimension queries`
}

func (c *usageSumCmd) Validate() error {
	for i, field := range c.By {
		if !slices.Contains(market.UsageFields(), market.UsageField(field)) {
			return fmt.Errorf("--by %s: must be of hour, day, region, product, buyer, license and dimension", field)
		}
		if slices.Contains(c.By[:i], field) {
			return fmt.Errorf("--by %s: it stands twice", field)
		}
	}
	return nil
}

func (c *usageSumCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	by := make([]market.UsageField, len(c.By))
	for i, field := range c.By {
		by[i] = market.UsageField(field)
	}
	done := a.working("adding up")
	sums, err := client.SumUsage(a.ctx, c.query(), by)
	done()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, map[string]any{"sums": append([]admin.UsageSum{}, sums...)})
	}
	if len(sums) == 0 {
		fmt.Fprintln(a.stderr, "no usage to add up")
		return nil
	}
	heads := map[market.UsageField]string{
		market.ByHour: "HOUR", market.ByDay: "DAY", market.ByRegion: "REGION", market.ByProduct: "PRODUCT", market.ByBuyer: "BUYER",
		market.ByLicense: "LICENSE", market.ByDimension: "DIMENSION",
	}
	var head []string
	for _, field := range by {
		head = append(head, heads[field])
	}
	rows := [][]string{append(head, "QUANTITY", "RECORDS")}
	for i := range sums {
		var row []string
		for _, field := range by {
			row = append(row, sumField(&sums[i], field))
		}
		rows = append(rows, append(row, strconv.FormatInt(sums[i].Quantity, 10), strconv.FormatInt(sums[i].Records, 10)))
	}
	return table(a.stdout, rows)
}

func sumField(s *admin.UsageSum, field market.UsageField) string {
	text := map[market.UsageField]*string{
		market.ByRegion: s.Region, market.ByProduct: s.ProductCode, market.ByBuyer: s.Buyer, market.ByLicense: s.LicenseARN, market.ByDimension: s.Dimension,
	}[field]
	switch {
	case field == market.ByHour:
		return stamp(s.At)
	case field == market.ByDay:
		return s.At.UTC().Format(time.DateOnly)
	case text == nil:
		return "-"
	}
	return cell(*text)
}
