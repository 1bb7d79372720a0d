package market

import (
	"context"
	"time"
)

// BillQuery says whose bill of which month is asked for.
type BillQuery struct {
	ProductCode string
	Buyer       string    // account; "" for all
	Month       time.Time // any instant of it, in UTC; the zero time is the present one
}

// Bill is what a month of a product comes to so far, for all of its buyers or for one.
type Bill struct {
	ProductCode string
	Month       time.Time     // its first instant
	ClosesAt    time.Time     // when the last record of it is taken
	Dimensions  []BilledUsage // in the order of the product's dimensions, those that it had once behind them
	Buyers      []BuyerBill   // by account
	Usage       Amount
	Contracts   Amount
	Total       Amount
	Unpriced    bool // something has no price: it is not in the sums
}

// BilledUsage is the usage of a dimension, of all buyers together.
type BilledUsage struct {
	Dimension         string
	Quantity, Records int64
	Buyers            int
	Amount            Amount
	Unpriced          bool
}

// BuyerBill is a buyer's part of it.
type BuyerBill struct {
	Buyer     string           // account
	Lines     []BillLine       // by dimension as Bill has them, then by offer
	Contracts []ContractCharge // in the order in which they started
	Total     Amount
	Unpriced  bool
}

// BillLine is what a buyer used of a dimension on one offer.
type BillLine struct {
	Dimension         string
	OfferID           string // "" where no agreement was found: then list prices count
	Price             Price  // "": nobody has said
	Quantity, Records int64
	Amount            Amount
}

// ContractCharge is what a contract that started in the month charged up front, by the quantities that it has now.
type ContractCharge struct {
	AgreementID string
	OfferID     string
	At          time.Time
	Amount      Amount
	Unpriced    bool
}

// billStep is how much of a month is added up at a time: a View each, so that none keeps a snapshot of the store for long. billPage is how many
// agreements are looked at in one.
const (
	billStep = 24 * time.Hour
	billPage = 1000
)

// Bill adds up a month: usage by the price of the offer on which it was bought, and what contracts charged as they started.
//
// Usage by license is charged on the license's offer. Of usage by product code, an hour is charged on the agreement that was in force when it began, or else
// on the one that came next. Free trials cost nothing.
//
// Errors: NotFound.
func (s *Service) Bill(ctx context.Context, c Caller, q BillQuery) (Bill, error) {
	now := s.now()
	if q.Month.IsZero() {
		q.Month = now
	}
	y, m, _ := q.Month.UTC().Date()
	month := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	product, offers, err := s.Product(ctx, c, q.ProductCode)
	if err != nil {
		return Bill{}, err
	}
	b := biller{
		product: &product, offers: map[string]*Offer{}, from: month, to: month.AddDate(0, 1, 0), now: now,
		byLicense: map[string]string{}, byBuyer: map[string][]billSpan{}, buyers: map[string]*BuyerBill{}, lines: map[billKey]*BillLine{},
	}
	for i := range offers {
		b.offers[offers[i].ID] = &offers[i]
	}
	f := AgreementFilter{ProductCode: product.Code, Buyer: q.Buyer, EndsAfter: month.Add(-FinalHourLength), ByID: true, Limit: billPage}
	for {
		page, err := s.Agreements(ctx, c, f)
		if err != nil {
			return Bill{}, err
		}
		for i := range page {
			b.agreement(&page[i])
		}
		if len(page) < billPage {
			break
		}
		f.AfterID = page[billPage-1].ID
	}
	if err := b.usage(ctx, s, c, q.Buyer); err != nil {
		return Bill{}, err
	}
	out := b.bill()
	out.ClosesAt = s.UsageDeadline(b.to.Add(-time.Second))
	return out, nil
}
