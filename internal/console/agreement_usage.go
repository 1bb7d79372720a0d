package console

import (
	"net/http"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// usageDay is what was metered of an agreement in the hours of one day.
type usageDay struct {
	Day      string // "24 Nov 2026"
	Machine  string
	Metered  bool // the product has something to meter, or this was
	Hours    []usageHour
	Totals   []string
	Withheld bool   // this is not for who looks
	Earlier  string // addresses of the days before and after; "" for none
	Later    string
}

type usageHour struct {
	Time    moment
	Sums    []string // "Queries: 120 Requests"
	More    int      // sums that were left out
	Records int64
}

// maxSums is how many dimensions of an hour are spelled out.
const maxSums = 12

const dateLayout = "2006-01-02"

// usageOf adds up one day of the agreement's usage, the last one unless the address names another.
func (c *Console) usageOf(r *http.Request, g *agreementState) (u usageDay, err error) {
	first, last := g.StartAt.UTC().Truncate(time.Hour), g.now.UTC().Truncate(time.Hour) // hours that can have usage
	if !g.EndAt.IsZero() && g.EndAt.Before(g.now) {
		last = g.EndAt.UTC().Add(-1).Truncate(time.Hour) // the end itself is not part of it
	}
	day := last.Truncate(24 * time.Hour)
	if text := r.URL.Query().Get("day"); text != "" {
		if day, err = time.Parse(dateLayout, text); err != nil {
			return u, &httpError{http.StatusUnprocessableEntity, "The address names no day. A day is written like 2026-11-24."}
		}
	}
	next := day.AddDate(0, 0, 1)
	u.Day, u.Machine = day.Format("2 Jan 2006"), day.Format(dateLayout)
	if day.After(first) {
		u.Earlier = g.withQuery("day", earlier(day.AddDate(0, 0, -1), last).Format(dateLayout)) + "#usage"
	}
	if !next.After(last) {
		u.Later = g.withQuery("day", later(next, first.Truncate(24*time.Hour)).Format(dateLayout)) + "#usage"
	}
	f := market.UsageFilter{ProductCode: g.ProductCode, Buyer: g.Buyer, LicenseARN: g.LicenseARN, From: day, To: next}
	if g.product.Kind == market.Legacy { // whose usage may have been metered without the license
		f.LicenseARN = ""
	}
	sums, err := c.service.SumUsage(r.Context(), callerIn(r.Context()), f, []market.UsageField{market.ByHour, market.ByLicense, market.ByDimension})
	if market.CodeOf(err) == market.Forbidden { // to those who may see the agreement
		u.Withheld = true
		return u, nil
	}
	if err != nil {
		return u, err
	}
	for _, d := range g.product.Dimensions {
		u.Metered = u.Metered || d.Kind == market.Metered
	}
	u.add(g, sums, later(first, day), earlier(last, next.Add(-time.Hour)))
	return u, nil
}

// add lists the hours from first to last, those without usage too.
func (u *usageDay) add(g *agreementState, sums []market.UsageSum, first, last time.Time) {
	byHour := map[int64][]market.UsageSum{}
	total := map[string]int64{}
	var order []string
	for _, s := range sums {
		outside := s.At.Before(first) || s.At.After(last)
		if s.LicenseARN != "" && s.LicenseARN != g.LicenseARN || s.LicenseARN == "" && outside {
			continue // of another agreement of the buyer
		}
		if outside {
			first, last = earlier(first, s.At), later(last, s.At)
		}
		byHour[s.At.Unix()] = append(byHour[s.At.Unix()], s)
		if _, ok := total[s.Dimension]; !ok {
			order = append(order, s.Dimension)
		}
		total[s.Dimension] += s.Quantity
		u.Metered = true
	}
	if !u.Metered {
		return
	}
	for at := first; !at.After(last); at = at.Add(time.Hour) {
		hour := usageHour{Time: moment{Text: at.Format("15:04"), Machine: at.Format(time.RFC3339)}}
		for _, s := range byHour[at.Unix()] {
			hour.Records += s.Records
			if len(hour.Sums) == maxSums {
				hour.More++
				continue
			}
			hour.Sums = append(hour.Sums, sumWords(g.product, s.Dimension, s.Quantity))
		}
		u.Hours = append(u.Hours, hour)
	}
	for i, key := range order {
		if i == maxSums {
			u.Totals = append(u.Totals, "and "+plural(len(order)-i, "more dimension", "more dimensions"))
			break
		}
		u.Totals = append(u.Totals, sumWords(g.product, key, total[key]))
	}
}

// sumWords are a quantity of a dimension, by the name that the product gives it.
func sumWords(p market.Product, key string, quantity int64) string {
	name, unit := plain(key), ""
	for _, d := range p.Dimensions {
		if d.Key != key {
			continue
		}
		if d.Name != "" {
			name = plain(d.Name)
		}
		if d.Unit != "" {
			unit = " " + plain(d.Unit)
		}
	}
	return name + ": " + strconv.FormatInt(quantity, 10) + unit
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
