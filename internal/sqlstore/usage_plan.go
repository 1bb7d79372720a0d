package sqlstore

import (
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/market"
)

const (
	// fromSeries goes the other way round than fromUsage: series by series and hour by hour, each record by its key. The hours are those from its
	// first parameter up to its second.
	fromSeries = ` FROM usage_series s CROSS JOIN (WITH RECURSIVE hours(h) AS (
			SELECT CAST(%[1]s AS BIGINT) UNION ALL SELECT h + 1 FROM hours WHERE h + 1 < CAST(%[2]s AS BIGINT)) SELECT h FROM hours) t CROSS JOIN usage u`
	joinSeries = `u.key = (t.h << 32) + s.id`

	// maxLookups is up to how many records are looked up one by one, where a filter leaves few series and hours.
	maxLookups = 100_000

	selectUsageBuyers = `SELECT DISTINCT s.buyer FROM usage_series s WHERE s.product_code = $1 AND s.buyer > $2 ORDER BY s.buyer`
)

// planUsage is where records that match a filter are read from, and the conditions that join them with their series. Few series of few hours are
// looked up one by one; otherwise all records of the hours are gone through.
func (t *tx) planUsage(f market.UsageFilter) (from string, w where, err error) {
	first, end := hoursOf(f)
	if f.ProductCode == "" || f.Buyer == "" && f.BuyerThrough == "" || first >= end || end-first > maxLookups {
		return fromUsage, whereUsage(f), nil
	}
	most := maxLookups / (end - first)
	n, err := t.countSeries(f, most+1)
	if err != nil {
		return "", where{}, err
	}
	if n > most {
		return fromUsage, whereUsage(f), nil
	}
	from, w = lookUpUsage(f)
	return from, w, nil
}

// whereUsage is the conditions of a filter, for queries that go through records and look up the series of each.
func whereUsage(f market.UsageFilter) (w where) {
	first, end := hoursOf(f)
	w.and(joinUsage)
	if f.After > 0 {
		w.and("u.key > ?", f.After)
	}
	switch {
	case first > maxHour:
		w.and("u.key < 0") // none
	case first > 0:
		w.and("u.key >= ?", first<<hourShift)
	}
	if end <= maxHour {
		w.and("u.key < ?", end<<hourShift)
	}
	whereSeries(&w, f)
	return w
}

// lookUpUsage is the same for those that go through the series and look up their records.
func lookUpUsage(f market.UsageFilter) (from string, w where) {
	first, end := hoursOf(f)
	from = fmt.Sprintf(fromSeries, w.arg(first), w.arg(end))
	w.and(joinSeries)
	w.and("u.key >= ?", max(first<<hourShift, f.After+1)) // PostgreSQL leaves out months by it
	w.and("u.key < ?", end<<hourShift)
	whereSeries(&w, f)
	return from, w
}

// hoursOf are the hours of a filter: the first, and the one after the last.
func hoursOf(f market.UsageFilter) (first, end int64) {
	end = maxHour + 1
	if !f.From.IsZero() {
		first = max(market.HourOf(f.From), 0)
	}
	if !f.To.IsZero() {
		to := market.HourOf(f.To)
		if f.To.After(time.Unix(to*secondsPerHour, 0)) {
			to++
		}
		end = min(max(to, 0), end)
	}
	return first, end
}

// whereSeries adds a filter's conditions on series.
func whereSeries(w *where, f market.UsageFilter) {
	w.text("s.region = ?", f.Region)
	w.text("s.product_code = ?", f.ProductCode)
	w.text("s.buyer = ?", f.Buyer)
	w.text("s.license_arn = ?", f.LicenseARN)
	w.text("s.dimension = ?", f.Dimension)
	w.text("s.buyer > ?", f.BuyerAfter)
	w.text("s.buyer <= ?", f.BuyerThrough)
}

// countSeries counts the series of a filter, up to a number.
func (t *tx) countSeries(f market.UsageFilter, most int64) (int64, error) {
	var w where
	whereSeries(&w, f)
	query := "SELECT count(*) FROM (SELECT 1 FROM usage_series s" + w.clause() + w.limit(int(most)) + ") AS found"
	n, _, err := get(t, "count series", query, func(n *int64) []any { return []any{n} }, w.args...)
	return n, err
}

func (t *tx) UsageBuyers(productCode, after string, limit int) ([]string, error) {
	w := where{args: []any{productCode, after}}
	return list(t, "list buyers with usage", selectUsageBuyers+w.limit(limit), func(buyer *string) []any { return []any{buyer} }, w.args...)
}
