package console

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// usageBill is what one month comes to so far. The marketplace keeps no prices, so it is quantities.
type usageBill struct {
	Age        age
	Month      string // "November 2026"
	Machine    string
	Closes     moment // when the last record of it is taken
	Closed     bool
	Dimensions []billDimension
	Rows       []billRow // of the buyers of the heat map
	Buyers     int       // with usage in the month, in all
	Exports    []link
}

type billDimension struct {
	Title    string
	Key      string
	Quantity string
	Records  string
	Buyers   int
}

type billRow struct {
	Name, ID string
	Path     string   // of the buyer's records in the month
	Cells    []string // one a dimension
	Records  string
}

// billFigure is what the bill is made of.
type billFigure struct {
	all     map[string]billSum // by dimension
	byBuyer map[string]map[string]billSum
}

type billSum struct {
	quantity, records int64
	buyers            int
}

// billStep is how much of a month is added up at a time: see chartStep.
const billStep = 24 * time.Hour

// billOf adds up a month of a product: of one buyer, or of all.
func (c *Console) billOf(ctx context.Context, product, buyer string, month time.Time) (billFigure, error) {
	f := billFigure{map[string]billSum{}, map[string]map[string]billSum{}}
	end := earlier(month.AddDate(0, 1, 0), c.service.Now().Add(time.Hour))
	for day := month; day.Before(end); day = day.Add(billStep) {
		sums, err := c.service.SumUsage(ctx, callerIn(ctx), market.UsageFilter{
			ProductCode: product, Buyer: buyer, From: day, To: day.Add(billStep),
		}, []market.UsageField{market.ByBuyer, market.ByDimension})
		if err != nil {
			return f, err
		}
		for _, s := range sums {
			f.add(s)
		}
	}
	return f, nil
}

func (f *billFigure) add(s market.UsageSum) {
	of := f.byBuyer[s.Buyer]
	if of == nil {
		of = map[string]billSum{}
		f.byBuyer[s.Buyer] = of
	}
	all, one := f.all[s.Dimension], of[s.Dimension]
	if one.records == 0 {
		all.buyers++
	}
	all.quantity += s.Quantity
	all.records += s.Records
	one.quantity += s.Quantity
	one.records += s.Records
	f.all[s.Dimension], of[s.Dimension] = all, one
}

// showBill shows the month: all of it by dimension, and that of the buyers that are on the page.
func (c *Console) showBill(ctx context.Context, p market.Product, buyers []string, f billFigure, month time.Time) usageBill {
	now := c.service.Now()
	closes := c.service.UsageDeadline(month.AddDate(0, 1, 0).Add(-time.Second))
	out := usageBill{Month: month.Format("January 2006"), Machine: month.Format("2006-01"), Closes: momentOf(closes), Closed: !now.Before(closes), Buyers: len(f.byBuyer)}
	keys := dimensionOrder(p, f.all)
	for _, key := range keys {
		sum := f.all[key]
		out.Dimensions = append(out.Dimensions, billDimension{dimensionTitle(p, key), plain(key), longNumber(sum.quantity), longNumber(sum.records), sum.buyers})
	}
	next := month.AddDate(0, 1, 0)
	for _, buyer := range buyers {
		of, ok := f.byBuyer[buyer]
		if !ok {
			continue
		}
		row := billRow{Name: c.accountName(ctx, buyer), ID: plain(buyer), Path: recordsPath(recordsAsk{Product: p.Code, Buyer: buyer, from: month, to: next}, 0)}
		var records int64
		for _, key := range keys {
			cell := "–"
			if sum, ok := of[key]; ok {
				cell = longNumber(sum.quantity)
				records += sum.records
			}
			row.Cells = append(row.Cells, cell)
		}
		row.Records = longNumber(records)
		out.Rows = append(out.Rows, row)
	}
	for _, e := range []link{{"CSV", "csv"}, {"JSON lines", "jsonl"}} {
		out.Exports = append(out.Exports, link{e.Text, exportPath(p.Code, "", "", month, next, e.Path)})
	}
	return out
}
