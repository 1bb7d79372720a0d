package market

import (
	"context"
	"slices"
	"time"
)

// Usage lists what was metered, by hour.
func (s *Service) Usage(ctx context.Context, c Caller, f UsageFilter) (list []UsageRecord, err error) {
	if err := mayRead(c, ReadUsage); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		list, err = usageFor(tx, c, f)
		return err
	})
	return list, asMarket("list usage", err)
}

// CountUsage counts what Usage would list.
func (s *Service) CountUsage(ctx context.Context, c Caller, f UsageFilter) (n int64, err error) {
	if err := mayRead(c, ReadUsage); err != nil {
		return 0, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		n = 0
		return eachOwn(tx, c, f, func(f UsageFilter) error {
			part, err := tx.CountUsage(f)
			n += part
			return err
		})
	})
	return n, asMarket("count usage", err)
}

// UsageFields are all that usage can be added up by.
func UsageFields() []UsageField {
	return []UsageField{ByHour, ByDay, ByRegion, ByProduct, ByBuyer, ByLicense, ByDimension}
}

// SumUsage adds it up by the fields given; without any, all of it.
//
// Errors: Invalid for a field that there is not, and for one that stands twice.
func (s *Service) SumUsage(ctx context.Context, c Caller, f UsageFilter, by []UsageField) (sums []UsageSum, err error) {
	if err := mayRead(c, ReadUsage); err != nil {
		return nil, err
	}
	for i, field := range by {
		if !slices.Contains(UsageFields(), field) {
			return nil, fail(Invalid, "usage cannot be added up by %q: it must be one of %q", field, UsageFields())
		}
		if slices.Contains(by[:i], field) {
			return nil, fail(Invalid, "%q stands twice", field)
		}
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		sums, err = sumsFor(tx, c, f, by)
		return err
	})
	return sums, asMarket("sum usage", err)
}

// UsageBuyers lists the buyers that a product ever had usage of, by id: those after one, and at most limit of them (0: all).
func (s *Service) UsageBuyers(ctx context.Context, c Caller, productCode, after string, limit int) (list []string, err error) {
	if err := mayRead(c, ReadUsage); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		list, err = buyersFor(tx, c, productCode, after, limit)
		return err
	})
	return list, asMarket("list buyers with usage", err)
}

// UsageWindow is how far back BatchMeterUsage takes records.
func (s *Service) UsageWindow() time.Duration { return s.window }

// UsageDeadline is the first instant at which BatchMeterUsage takes no record of that time any more.
func (s *Service) UsageDeadline(at time.Time) time.Time {
	deadline := at.Add(s.window)
	y, m, _ := at.UTC().Date()
	if closed := time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC).Add(monthGrace); closed.Before(deadline) {
		return closed
	}
	return deadline
}

// Allocated takes apart the allocations of a record. Their tags are sorted by key.
func (r *UsageRecord) Allocated() ([]Allocation, error) { return unpackAllocations(r.Allocations) }
