package sqlstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

const (
	// CROSS JOIN has SQLite go through the records in the order of their keys and look up the series of each. The other way round it would
	// go through all records once for every series.
	fromUsage = ` FROM usage u CROSS JOIN usage_series s`
	joinUsage = `s.id = u.key & 4294967295`

	selectUsage = `SELECT u.key, u.id, s.region, s.product_code, s.buyer, s.license_arn, s.dimension, s.resource,
		u.at, u.quantity, u.allocations, u.submitted_at`
	sumsUsage     = `count(*), coalesce(sum(u.quantity), 0), coalesce(max(u.submitted_at - u.at), 0)`
	countAllUsage = `SELECT count(*) FROM usage u`
	countUsage    = `SELECT count(*)`

	// There is no series without a record.
	selectMeteredWays = `SELECT
		EXISTS (SELECT 1 FROM usage_series WHERE product_code = $1 AND buyer = $2 AND resource = '' AND license_arn = ''),
		EXISTS (SELECT 1 FROM usage_series WHERE product_code = $1 AND buyer = $2 AND resource = '' AND license_arn > '')`
	selectMeteredIn = `SELECT EXISTS (SELECT 1 FROM usage_series s CROSS JOIN usage u
		WHERE s.product_code = $1 AND s.buyer = $2 AND s.resource = '' AND (s.license_arn > '') = $3 AND u.key = $4 + s.id)`
)

func scanUsage(r *market.UsageRecord) []any {
	s := &r.Series
	return []any{
		&r.Position, recordIDColumn{&r.ID}, &s.Region, &s.ProductCode, &s.Buyer, &s.LicenseARN, &s.Dimension, &s.Resource,
		timeColumn{&r.Timestamp}, &r.Quantity, bytesColumn{&r.Allocations}, timeColumn{&r.SubmittedAt},
	}
}

func (t *tx) AppendUsage(batch []market.UsageRecord, out []market.Appended) error {
	const op = "append usage"
	if err := t.check(op); err != nil {
		return err
	}
	if t.mode != forWriting {
		return t.fail(op, errReadOnly)
	}
	if len(out) != len(batch) {
		return t.fail(op, errRoom)
	}
	t.wrote = true
	if err := t.appendUsage(batch, out); err != nil {
		return t.fail(op, err)
	}
	return nil
}

func (t *tx) Usage(f market.UsageFilter) ([]market.UsageRecord, error) {
	from, w, err := t.planUsage(f)
	if err != nil {
		return nil, err
	}
	size := 0
	return listUntil(t, "list usage", selectUsage+from+w.clause()+" ORDER BY u.key"+w.limit(f.Limit), scanUsage, func(r *market.UsageRecord) bool {
		size += len(r.Allocations)
		return f.Limit > 0 && size >= maxListed
	}, w.args...)
}

// maxListed is how many bytes of allocations a list with a limit may hold, but for the last record's: one record can have most of a megabyte.
const maxListed = 4 << 20

// CountUsage counts without regard to the filter's Limit.
func (t *tx) CountUsage(f market.UsageFilter) (int64, error) {
	query, w := countAllUsage, where{}
	if f != (market.UsageFilter{Limit: f.Limit}) {
		from, narrowed, err := t.planUsage(f)
		if err != nil {
			return 0, err
		}
		query, w = countUsage+from, narrowed
	}
	n, _, err := get(t, "count usage", query+w.clause(), func(n *int64) []any { return []any{n} }, w.args...)
	return n, err
}

// SumUsage adds up without regard to the filter's Limit. Of no records there is no sum, not even one of 0.
func (t *tx) SumUsage(f market.UsageFilter, by []market.UsageField) ([]market.UsageSum, error) {
	const op = "sum usage"
	var columns, places []string
	for i, field := range by {
		column := sumExpression(field)
		if column == "" {
			return nil, t.fail(op, fmt.Errorf("there is no field %q", field))
		}
		columns, places = append(columns, column+", "), append(places, strconv.Itoa(i+1))
	}
	group := strings.Join(places, ", ")
	from, w, err := t.planUsage(f)
	if err != nil {
		return nil, err
	}
	query := "SELECT " + strings.Join(columns, "") + sumsUsage + from + w.clause()
	if group != "" {
		query += " GROUP BY " + group
	}
	query += " HAVING count(*) > 0"
	if group != "" {
		query += " ORDER BY " + group
	}
	hours := slices.Contains(by, market.ByHour)
	return list(t, op, query, func(s *market.UsageSum) (to []any) {
		for _, field := range by {
			to = append(to, sumColumn(s, field, hours))
		}
		return append(to, &s.Records, &s.Quantity, millisColumn{&s.Lag})
	}, w.args...)
}

// sumExpression is what usage is added up by, as SQL; "" for a field that does not exist.
func sumExpression(field market.UsageField) string {
	switch field {
	case market.ByHour:
		return "u.key >> 32"
	case market.ByDay:
		return "(u.key >> 32) / 24"
	case market.ByRegion:
		return "s.region"
	case market.ByProduct:
		return "s.product_code"
	case market.ByBuyer:
		return "s.buyer"
	case market.ByLicense:
		return "s.license_arn"
	case market.ByDimension:
		return "s.dimension"
	}
	return ""
}

// sumColumn is where a field of a sum goes. A day does not go anywhere where there are hours.
func sumColumn(s *market.UsageSum, field market.UsageField, hours bool) any {
	switch field {
	case market.ByHour:
		return hoursColumn{&s.At, 1}
	case market.ByDay:
		if hours {
			return new(int64)
		}
		return hoursColumn{&s.At, 24}
	case market.ByRegion:
		return &s.Region
	case market.ByProduct:
		return &s.ProductCode
	case market.ByBuyer:
		return &s.Buyer
	case market.ByLicense:
		return &s.LicenseARN
	}
	return &s.Dimension
}

func (t *tx) MeteredWays(productCode, buyer string) (byCode, byLicense bool, err error) {
	ways, _, err := get(t, "look up ways of metering", selectMeteredWays, func(w *[2]bool) []any { return []any{&w[0], &w[1]} }, productCode, buyer)
	return ways[0], ways[1], err
}

func (t *tx) MeteredIn(productCode, buyer string, hour int64, byLicense bool) (bool, error) {
	const op = "look up usage of an hour"
	if hour < 0 || hour > maxHour {
		return false, t.check(op)
	}
	found, _, err := get(t, op, selectMeteredIn, func(found *bool) []any { return []any{found} },
		productCode, buyer, byLicense, hour<<hourShift)
	return found, err
}
