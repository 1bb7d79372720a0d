package console

import (
	"net/url"
	"strconv"
	"time"
)

// link fills in where the page leads to.
func (p *usagePage) link(now time.Time) {
	ask := &p.Ask
	step := time.Duration(ask.span) * time.Hour
	if ask.from.Unix() >= int64(step/time.Second) {
		p.Earlier = ask.path(ask.from, "")
	}
	if latest := now.Truncate(time.Hour).Add(time.Hour); ask.end.Before(latest) {
		later := *ask
		if ask.end.Add(step).Before(latest) {
			p.Later = later.path(ask.end.Add(step), "")
		} else { // the page that goes on with the clock
			later.To, later.end = "", latest
			p.Later = later.path(latest, "")
		}
	}
	p.Records = recordsPath(recordsAsk{Product: ask.product, Buyer: ask.Buyer, from: ask.from, to: ask.end}, 0)
	for _, e := range []link{{"CSV", "csv"}, {"JSON lines", "jsonl"}} {
		p.Exports = append(p.Exports, link{e.Text, exportPath(ask.product, ask.Buyer, "", ask.from, ask.end, e.Path)})
	}
}

// path is the address of the page with that end, and with the buyers after one.
func (a *usageAsk) path(end time.Time, after string) string {
	q := url.Values{"product": {a.product}}
	if a.Buyer != "" {
		q.Set("buyer", a.Buyer)
	}
	if a.span != usageSpans()[0].hours {
		q.Set("hours", strconv.Itoa(a.span))
	}
	switch {
	case !end.Equal(a.end):
		q.Set("to", end.Format(time.RFC3339))
	case a.To != "":
		q.Set("to", a.To) // as it was written: the end of year 9999 cannot be
	}
	if after != "" {
		q.Set("after", after)
	}
	return "/usage?" + q.Encode()
}

// exportPath is the address of a file with the records of some hours.
func exportPath(product, buyer, dimension string, from, to time.Time, format string) string {
	q := url.Values{"format": {format}}
	setAll(q, product, buyer, dimension, from, to)
	return "/usage/export?" + q.Encode()
}

// setAll puts what records are narrowed by into an address; what is empty is left out.
func setAll(q url.Values, product, buyer, dimension string, from, to time.Time) {
	for name, value := range map[string]string{"product": product, "buyer": buyer, "dimension": dimension} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"from": from, "to": to} {
		if !t.IsZero() && t.Year() <= 9999 { // the end of year 9999 cannot be written, and nothing comes after it
			q.Set(name, t.Format(time.RFC3339))
		}
	}
}

// monthOf is the start of a time's month, in UTC.
func monthOf(t time.Time) time.Time {
	y, m, _ := t.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

// shortNumber is a quantity in few characters, for the cells of a table: 950, 12.3k, 4.5M.
func shortNumber(n int64) string {
	if n < 10_000 {
		return strconv.FormatInt(n, 10)
	}
	v := float64(n)
	for _, unit := range []string{"k", "M", "G", "T", "P"} {
		if v /= 1000; v < 999.5 {
			if v < 99.95 {
				return strconv.FormatFloat(v, 'f', 1, 64) + unit
			}
			return strconv.FormatFloat(v, 'f', 0, 64) + unit
		}
	}
	return strconv.FormatFloat(v/1000, 'f', 0, 64) + "E"
}

// longNumber is a quantity to the last digit, in groups of three.
func longNumber(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
