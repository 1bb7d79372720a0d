package market

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Own is which products are the caller's: what of the house's records, beside the store's, the caller may look at goes by it.
type Own struct {
	All      bool // the operator's: everything
	Account  string
	products map[string]bool
}

// Sells reports whether a product is one of them.
func (o Own) Sells(productCode string) bool { return o.All || o.products[productCode] }

// Own says what is the caller's.
//
// Errors: Forbidden for whoever may not read what was metered.
func (s *Service) Own(ctx context.Context, c Caller) (o Own, err error) {
	if err := mayRead(c, ReadUsage); err != nil {
		return Own{}, err
	}
	if c.Operator {
		return Own{All: true}, nil
	}
	err = s.store.View(ctx, func(tx Tx) error {
		o = Own{Account: c.Account, products: map[string]bool{}}
		codes, err := ownCodes(tx, c, "")
		for _, code := range codes {
			o.products[code] = true
		}
		return err
	})
	return o, asMarket("find own products", err)
}

// eachOwn calls fn for the filter of each product that the caller may read usage of; once, with the filter as it is, for the operator.
func eachOwn(tx Tx, c Caller, f UsageFilter, fn func(UsageFilter) error) error {
	if c.Operator {
		return fn(f)
	}
	codes, err := ownCodes(tx, c, f.ProductCode)
	if err != nil {
		return err
	}
	for _, f.ProductCode = range codes {
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}

// usageFor lists what the caller may read. With a Limit each product's list may end before its end: what comes after the first place where one does
// is left for the next page, so that nothing in between is missed.
func usageFor(tx Tx, c Caller, f UsageFilter) (list []UsageRecord, err error) {
	parts, whole := 0, int64(-1) // the position up to which the list is whole; -1: all of it
	err = eachOwn(tx, c, f, func(f UsageFilter) error {
		part, err := tx.Usage(f)
		if err != nil || len(part) == 0 {
			return err
		}
		parts++
		list = append(list, part...)
		if last := part[len(part)-1].Position; f.Limit > 0 && (whole < 0 || last < whole) {
			whole = last
		}
		return nil
	})
	if err != nil || parts < 2 {
		return list, err
	}
	slices.SortFunc(list, func(a, b UsageRecord) int { return cmp.Compare(a.Position, b.Position) })
	if whole >= 0 {
		list = slices.DeleteFunc(list, func(u UsageRecord) bool { return u.Position > whole })
	}
	if f.Limit > 0 && len(list) > f.Limit {
		list = list[:f.Limit]
	}
	return list, nil
}

// sumsFor adds up what the caller may read.
func sumsFor(tx Tx, c Caller, f UsageFilter, by []UsageField) (sums []UsageSum, err error) {
	parts, at := 0, map[UsageSum]int{}
	err = eachOwn(tx, c, f, func(f UsageFilter) error {
		part, err := tx.SumUsage(f, by)
		if err != nil {
			return err
		}
		if parts++; c.Operator {
			sums = part
			return nil
		}
		for _, sum := range part {
			key := sum
			key.At, key.Records, key.Quantity, key.Lag = sum.At.UTC(), 0, 0, 0
			i, had := at[key]
			if !had {
				at[key] = len(sums)
				sums = append(sums, sum)
				continue
			}
			sums[i].Records += sum.Records
			sums[i].Quantity += sum.Quantity
			sums[i].Lag = max(sums[i].Lag, sum.Lag)
		}
		return nil
	})
	if err != nil || parts < 2 {
		return sums, err
	}
	slices.SortFunc(sums, func(a, b UsageSum) int {
		for _, field := range by {
			if order := compareSums(&a, &b, field); order != 0 {
				return order
			}
		}
		return 0
	})
	return sums, nil
}

func compareSums(a, b *UsageSum, field UsageField) int {
	switch field {
	case ByHour, ByDay:
		return a.At.Compare(b.At)
	case ByRegion:
		return strings.Compare(a.Region, b.Region)
	case ByProduct:
		return strings.Compare(a.ProductCode, b.ProductCode)
	case ByBuyer:
		return strings.Compare(a.Buyer, b.Buyer)
	case ByLicense:
		return strings.Compare(a.LicenseARN, b.LicenseARN)
	}
	return strings.Compare(a.Dimension, b.Dimension)
}

// buyersFor lists the buyers that have usage of what the caller may read.
func buyersFor(tx Tx, c Caller, productCode, after string, limit int) (list []string, err error) {
	err = eachOwn(tx, c, UsageFilter{ProductCode: productCode}, func(f UsageFilter) error {
		part, err := tx.UsageBuyers(f.ProductCode, after, limit)
		list = append(list, part...)
		return err
	})
	if c.Operator || err != nil {
		return list, err
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return list, nil
}

// knowsAccount reports whether the caller may know what an account is called: its own, one that bought from it, one that it may buy from.
func knowsAccount(tx Tx, c Caller, id string) (bool, error) {
	if id == c.Account {
		return true, nil
	}
	if c.Rights.Has(ReadAgreements | ReadUsage) {
		parties := c
		parties.Rights = ReadAgreements
		list, err := agreementsFor(tx, parties, AgreementFilter{Buyer: id, Limit: 1}, time.Time{})
		if err != nil || len(list) > 0 {
			return err == nil, err
		}
	}
	if !c.Rights.Has(ReadSubscriptions) {
		return false, nil
	}
	products, err := tx.Products()
	if err != nil {
		return false, err
	}
	for _, p := range products {
		if p.Seller != id {
			continue
		}
		offers, err := tx.Offers(p.Code)
		if err != nil {
			return false, err
		}
		if _, ok := seesProduct(c, p, offers); ok {
			return true, nil
		}
	}
	return false, nil
}
