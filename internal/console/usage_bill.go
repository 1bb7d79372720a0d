package console

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// usageBill is what one month comes to so far.
type usageBill struct {
	Age        age
	Month      string // "November 2026"
	Machine    string
	Closes     moment // when the last record of it is taken
	Closed     bool
	Dimensions []billDimension
	Contracts  string // what contracts charged up front; "" for nothing
	Total      string
	Unpriced   bool      // something has no price
	Rows       []billRow // of the buyers of the heat map
	Buyers     int       // with something to pay for in the month, in all
	Exports    []link
}

type billDimension struct {
	Title    string
	Key      string
	Quantity string
	Records  string
	Buyers   int
	Price    string // of the listing; "" if it says none
	Amount   string
}

type billRow struct {
	Name, ID  string
	Path      string   // of the buyer's records in the month
	Cells     []string // one a dimension: quantities
	Records   string
	Contracts string
	Total     string
}

// noPrice stands where a sum would, if nobody has said a price.
const noPrice = "no price"

// billFigure is what the bill is made of.
type billFigure struct{ market.Bill }

// billOf adds up a month of a product: of one buyer, or of all.
func (c *Console) billOf(ctx context.Context, product, buyer string, month time.Time) (billFigure, error) {
	b, err := c.service.Bill(ctx, callerIn(ctx), market.BillQuery{ProductCode: product, Buyer: buyer, Month: month})
	return billFigure{b}, err
}

// of is a buyer's part of it.
func (f *billFigure) of(buyer string) (market.BuyerBill, bool) {
	i, ok := slices.BinarySearchFunc(f.Buyers, buyer, func(b market.BuyerBill, id string) int { return strings.Compare(b.Buyer, id) })
	if !ok {
		return market.BuyerBill{}, false
	}
	return f.Buyers[i], true
}

// showBill shows the month: all of it by dimension, and that of the buyers that are on the page.
func (c *Console) showBill(ctx context.Context, p market.Product, buyers []string, f billFigure, month time.Time) usageBill {
	closes := c.service.UsageDeadline(month.AddDate(0, 1, 0).Add(-time.Second))
	out := usageBill{
		Month: month.Format("January 2006"), Machine: month.Format("2006-01"), Closes: momentOf(closes), Closed: !c.service.Now().Before(closes),
		Buyers: len(f.Buyers), Total: f.Total.String(), Unpriced: f.Unpriced,
	}
	if slices.ContainsFunc(f.Buyers, func(b market.BuyerBill) bool { return len(b.Contracts) > 0 }) {
		out.Contracts = f.Contracts.String()
	}
	for _, sum := range f.Dimensions {
		out.Dimensions = append(out.Dimensions, billDimension{
			dimensionTitle(p, sum.Dimension), plain(sum.Dimension), longNumber(sum.Quantity), longNumber(sum.Records), sum.Buyers,
			listPrice(p, sum.Dimension), billed(sum.Amount, sum.Unpriced),
		})
	}
	next := month.AddDate(0, 1, 0)
	for _, buyer := range buyers {
		of, ok := f.of(buyer)
		if !ok {
			continue
		}
		row := billRow{
			Name: c.accountName(ctx, buyer), ID: plain(buyer), Path: recordsPath(recordsAsk{Product: p.Code, Buyer: buyer, from: month, to: next}, 0),
			Total: billed(of.Total, of.Unpriced), Contracts: "–",
		}
		var charged market.Amount
		for _, charge := range of.Contracts {
			charged = charged.Plus(charge.Amount)
			row.Contracts = charged.String()
		}
		var records int64
		for _, sum := range f.Dimensions {
			var quantity, count int64
			for _, line := range of.Lines {
				if line.Dimension == sum.Dimension {
					quantity, count = quantity+line.Quantity, count+line.Records
				}
			}
			cell := "–"
			if count > 0 {
				cell = longNumber(quantity)
			}
			row.Cells, records = append(row.Cells, cell), records+count
		}
		row.Records = longNumber(records)
		out.Rows = append(out.Rows, row)
	}
	for _, e := range []link{{"CSV", "csv"}, {"JSON lines", "jsonl"}} {
		out.Exports = append(out.Exports, link{e.Text, exportPath(p.Code, "", "", month, next, e.Path)})
	}
	return out
}

// billed is a sum, of which a part may have no price.
func billed(sum market.Amount, unpriced bool) string {
	switch {
	case unpriced && sum.IsZero():
		return noPrice
	case unpriced:
		return sum.String() + " and " + noPrice
	}
	return sum.String()
}

// listPrice is what the listing says for one unit of a dimension; "" if it says nothing.
func listPrice(p market.Product, key string) string {
	for _, d := range p.Dimensions {
		if d.Key == key && d.Price != "" {
			return d.Price.Amount().String()
		}
	}
	return ""
}
