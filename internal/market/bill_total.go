package market

import (
	"cmp"
	"slices"
	"strings"
)

// bill puts everything into its order, and adds it up.
func (b *biller) bill() Bill {
	place := make(map[string]int, len(b.product.Dimensions))
	for i, d := range b.product.Dimensions {
		place[d.Key] = i - len(b.product.Dimensions) // those that it has not any more are at 0
	}
	inOrder := func(x, y string) int { return cmp.Or(cmp.Compare(place[x], place[y]), strings.Compare(x, y)) }
	for key, line := range b.lines {
		line.Amount = line.Price.Times(line.Quantity)
		of := b.buyer(key.buyer)
		of.Lines = append(of.Lines, *line)
	}
	out := Bill{ProductCode: b.product.Code, Month: b.from, Buyers: make([]BuyerBill, 0, len(b.buyers))}
	all := map[string]*BilledUsage{}
	for _, of := range b.buyers {
		slices.SortFunc(of.Lines, func(x, y BillLine) int {
			return cmp.Or(inOrder(x.Dimension, y.Dimension), strings.Compare(x.OfferID, y.OfferID))
		})
		slices.SortStableFunc(of.Contracts, func(x, y ContractCharge) int { return x.At.Compare(y.At) })
		for i := range of.Lines {
			line := &of.Lines[i]
			sum := all[line.Dimension]
			if sum == nil {
				sum = &BilledUsage{Dimension: line.Dimension}
				all[line.Dimension] = sum
			}
			sum.Quantity += line.Quantity
			sum.Records += line.Records
			sum.Amount = sum.Amount.Plus(line.Amount)
			sum.Unpriced = sum.Unpriced || line.Price == ""
			if i == 0 || of.Lines[i-1].Dimension != line.Dimension {
				sum.Buyers++
			}
			of.Total, out.Usage = of.Total.Plus(line.Amount), out.Usage.Plus(line.Amount)
			of.Unpriced = of.Unpriced || line.Price == ""
		}
		for _, charge := range of.Contracts {
			of.Total, out.Contracts = of.Total.Plus(charge.Amount), out.Contracts.Plus(charge.Amount)
			of.Unpriced = of.Unpriced || charge.Unpriced
		}
		out.Unpriced = out.Unpriced || of.Unpriced
		out.Buyers = append(out.Buyers, *of)
	}
	for _, sum := range all {
		out.Dimensions = append(out.Dimensions, *sum)
	}
	slices.SortFunc(out.Dimensions, func(x, y BilledUsage) int { return inOrder(x.Dimension, y.Dimension) })
	slices.SortFunc(out.Buyers, func(x, y BuyerBill) int { return strings.Compare(x.Buyer, y.Buyer) })
	out.Total = out.Usage.Plus(out.Contracts)
	return out
}
