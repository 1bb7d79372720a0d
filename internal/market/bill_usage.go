package market

import (
	"context"
	"slices"
	"time"
)

// biller makes one bill.
type biller struct {
	product   *Product
	offers    map[string]*Offer
	from, to  time.Time
	now       time.Time
	byLicense map[string]string     // offers
	byBuyer   map[string][]billSpan // by start
	buyers    map[string]*BuyerBill
	lines     map[billKey]*BillLine
}

type billKey struct{ buyer, dimension, offer string }

// billSpan is when a buyer was on an offer.
type billSpan struct {
	start, end time.Time // no end: zero
	offer      string
}

func (s *billSpan) inForce(at time.Time) bool {
	return !s.start.After(at) && (s.end.IsZero() || s.end.After(at))
}

// agreement takes up an agreement that may have something to do with the month.
func (b *biller) agreement(a *Agreement) {
	if !a.StartAt.Before(b.to) || !a.lasts() {
		return
	}
	b.byLicense[a.LicenseARN] = a.OfferID
	b.byBuyer[a.Buyer] = append(b.byBuyer[a.Buyer], billSpan{a.StartAt, a.EndAt, a.OfferID})
	o := b.offers[a.OfferID]
	if o == nil || !b.product.termed(*o) || a.StartAt.Before(b.from) || a.StartAt.After(b.now) {
		return
	}
	sum, all := b.product.Sum(*o, a.Entitlements)
	buyer := b.buyer(a.Buyer)
	buyer.Contracts = append(buyer.Contracts, ContractCharge{AgreementID: a.ID, OfferID: a.OfferID, At: a.StartAt, Amount: sum, Unpriced: !all})
}

func (b *biller) buyer(id string) *BuyerBill {
	out := b.buyers[id]
	if out == nil {
		out = &BuyerBill{Buyer: id}
		b.buyers[id] = out
	}
	return out
}

// usage adds up the month. Where it takes the hours to tell on which offer something was used, which is seldom, the buyer is looked at hour by hour.
func (b *biller) usage(ctx context.Context, s *Service, c Caller, buyer string) error {
	for _, spans := range b.byBuyer {
		slices.SortStableFunc(spans, func(x, y billSpan) int { return x.start.Compare(y.start) })
	}
	changed := map[string]bool{}
	for day := b.from; day.Before(b.to) && day.Before(b.now.Add(time.Hour)); day = day.Add(billStep) {
		f := UsageFilter{ProductCode: b.product.Code, Buyer: buyer, From: day, To: day.Add(billStep)}
		sums, err := s.SumUsage(ctx, c, f, []UsageField{ByBuyer, ByLicense, ByDimension})
		if err != nil {
			return err
		}
		for i := range sums {
			u := &sums[i]
			offer, known := b.byLicense[u.LicenseARN]
			if u.LicenseARN == "" {
				spans := b.byBuyer[u.Buyer]
				if several(spans) {
					changed[u.Buyer] = true
					continue
				}
				offer, known = offerAt(spans, day)
			}
			b.add(u, offer, known)
		}
	}
	for id := range changed {
		f := UsageFilter{ProductCode: b.product.Code, Buyer: id, From: b.from, To: b.to}
		sums, err := s.SumUsage(ctx, c, f, []UsageField{ByHour, ByLicense, ByDimension})
		if err != nil {
			return err
		}
		for i := range sums {
			u := &sums[i]
			if u.LicenseARN != "" {
				continue // it is in already
			}
			u.Buyer = id
			offer, known := offerAt(b.byBuyer[id], u.At)
			b.add(u, offer, known)
		}
	}
	return nil
}

// several reports whether a buyer was on more than one offer.
func several(spans []billSpan) bool {
	return slices.ContainsFunc(spans, func(s billSpan) bool { return s.offer != spans[0].offer })
}

// offerAt is the offer that an hour is charged on.
func offerAt(spans []billSpan, hour time.Time) (string, bool) {
	var best *billSpan
	for i := range spans {
		if best == nil || spans[i].start.Before(hour.Add(time.Hour)) && !best.inForce(hour) {
			best = &spans[i]
		}
	}
	if best == nil {
		return "", false
	}
	return best.offer, true
}

// add puts a sum of usage on its line.
func (b *biller) add(u *UsageSum, offer string, known bool) {
	key := billKey{u.Buyer, u.Dimension, offer}
	line := b.lines[key]
	if line == nil {
		line = &BillLine{Dimension: u.Dimension, OfferID: offer, Price: b.price(u.Dimension, offer, known)}
		b.lines[key] = line
	}
	line.Quantity += u.Quantity
	line.Records += u.Records
}

func (b *biller) price(dimension, offer string, known bool) Price {
	for _, d := range b.product.Dimensions {
		if d.Key != dimension {
			continue
		}
		if o := b.offers[offer]; known && o != nil {
			return o.PriceOf(d)
		}
		return d.Price
	}
	return ""
}
