package console

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// heatMap is buyers by hours.
type heatMap struct {
	Age   age
	Days  []heatDay
	Hours []heatHour
	Rows  []heatRow
	More  string // address of the next buyers; "" on the last
	First string // address of the first ones; "" on them
	// What there is of the hours that stand out, over all rows.
	Missing, Soon, Lost, Late, Refused int
}

type heatDay struct {
	Text  string
	Hours int
}

type heatHour struct {
	Text    string
	Machine string
	Path    string // of its records; "" where there are too many columns
}

type heatRow struct {
	Name    string
	ID      string
	Path    string // of the buyer's records in these hours
	Missing int
	Cells   []heatCell
}

// heatCell is one hour of a buyer. Tone is its class; Says is what the hour stands out by, for those who do not see colours.
type heatCell struct{ Tone, Text, Says string }

// heatFigure is what the heat map is drawn from.
type heatFigure struct {
	buyers     []string
	more       bool
	sums       map[heatKey]market.UsageSum
	agreements map[string][]market.Agreement
}

type heatKey struct {
	buyer string
	hour  int64
}

const (
	// closeToEnd is the part of the window after which a record counts as late, and a missing hour as urgent.
	closeToEnd = 0.75
	// agreementsRead is how many agreements of a buyer are looked at.
	agreementsRead = 50
)

// heatOf reads what the heat map is drawn from: of a few buyers, one after the other in the order of their ids.
func (c *Console) heatOf(ctx context.Context, ask usageAsk) (f heatFigure, err error) {
	f.sums, f.agreements = map[heatKey]market.UsageSum{}, map[string][]market.Agreement{}
	lookBack := ask.from.Add(-c.service.UsageWindow()) // whoever reported then is expected to go on
	filter := market.UsageFilter{ProductCode: ask.product, Buyer: ask.Buyer, From: lookBack, To: ask.end}
	if ask.Buyer != "" {
		f.buyers = []string{ask.Buyer}
	} else {
		most := 0
		for _, s := range usageSpans() {
			if s.hours == ask.span {
				most = s.buyers
			}
		}
		if f.buyers, err = c.service.UsageBuyers(ctx, callerIn(ctx), ask.product, ask.after, most+1); err != nil {
			return f, err
		}
		if f.more = len(f.buyers) > most; f.more {
			f.buyers = f.buyers[:most]
		}
		if len(f.buyers) == 0 {
			return f, nil
		}
		filter.BuyerAfter, filter.BuyerThrough = ask.after, f.buyers[len(f.buyers)-1]
	}
	sums, err := c.service.SumUsage(ctx, callerIn(ctx), filter, []market.UsageField{market.ByBuyer, market.ByHour})
	if err != nil {
		return f, err
	}
	for _, s := range sums {
		f.sums[heatKey{s.Buyer, market.HourOf(s.At)}] = s
	}
	for _, buyer := range f.buyers {
		// Not only those that end later: of these an index leads to the buyer's, and they are few.
		if f.agreements[buyer], err = c.service.Agreements(ctx, callerIn(ctx), market.AgreementFilter{
			ProductCode: ask.product, Buyer: buyer, EndsAfter: lookBack, Limit: agreementsRead,
		}); err != nil {
			return f, err
		}
	}
	return f, nil
}

// heatMap draws it.
func (c *Console) heatMap(ctx context.Context, ask usageAsk, f heatFigure, refused []resend, now time.Time) heatMap {
	var h heatMap
	for t := ask.from; t.Before(ask.end); t = t.Add(time.Hour) {
		if day := t.Format("2 Jan"); len(h.Days) == 0 || h.Days[len(h.Days)-1].Text != day {
			h.Days = append(h.Days, heatDay{Text: day})
		}
		h.Days[len(h.Days)-1].Hours++
		hour := heatHour{Text: t.Format("15"), Machine: t.Format(time.RFC3339)}
		if ask.span <= 48 {
			hour.Path = recordsPath(recordsAsk{Product: ask.product, Buyer: ask.Buyer, from: t, to: t.Add(time.Hour)}, 0)
		}
		h.Hours = append(h.Hours, hour)
	}
	conflicts := map[heatKey]bool{}
	for _, r := range refused {
		conflicts[heatKey{r.buyer, r.hour}] = true
	}
	var most int64
	for key, s := range f.sums {
		if key.hour >= market.HourOf(ask.from) {
			most = max(most, s.Quantity)
		}
	}
	for _, buyer := range f.buyers {
		row := heatRow{Name: c.accountName(ctx, buyer), ID: plain(buyer), Path: recordsPath(recordsAsk{Product: ask.product, Buyer: buyer, from: ask.from, to: ask.end}, 0)}
		// Whoever has usage, but none lately, had it before, if these hours are the last ones.
		reported := ask.Buyer == "" && ask.To == "" && !f.anyOf(buyer, ask.from.Add(-c.service.UsageWindow()), ask.end)
		for t := ask.from.Add(-c.service.UsageWindow()); t.Before(ask.end); t = t.Add(time.Hour) {
			sum, has := f.sums[heatKey{buyer, market.HourOf(t)}]
			if t.Before(ask.from) {
				reported = reported || has
				continue
			}
			key := heatKey{buyer, market.HourOf(t)}
			var cell heatCell
			if has {
				cell = h.reportedCell(sum, most, c.service.UsageWindow())
			} else {
				cell = h.emptyCell(t, c.service.UsageDeadline(t.Add(time.Hour-time.Second)), now, c.service.UsageWindow(), reported, expected(f.agreements[buyer], t))
			}
			if cell.Says == "missing" || cell.Says == "missing, soon too late" || cell.Says == "missing, too late" {
				row.Missing++
			}
			if conflicts[key] {
				h.Refused++
				cell.Tone += " refused"
				cell.Says = joinSaid(cell.Says, "contradictory resend refused")
			}
			row.Cells = append(row.Cells, cell)
			reported = reported || has
		}
		h.Missing += row.Missing
		h.Rows = append(h.Rows, row)
	}
	if f.more {
		h.More = ask.path(ask.end, f.buyers[len(f.buyers)-1])
	}
	if ask.after != "" {
		h.First = ask.path(ask.end, "")
	}
	return h
}

// anyOf reports whether a buyer has usage in some hours.
func (f *heatFigure) anyOf(buyer string, from, end time.Time) bool {
	for hour := market.HourOf(from); hour < market.HourOf(end); hour++ {
		if _, ok := f.sums[heatKey{buyer, hour}]; ok {
			return true
		}
	}
	return false
}

func (h *heatMap) reportedCell(s market.UsageSum, most int64, window time.Duration) heatCell {
	cell := heatCell{Tone: fmt.Sprintf("q%d", heatLevel(s.Quantity, most)), Text: shortNumber(s.Quantity)}
	if isLate(s.Lag, window) {
		h.Late++
		cell.Tone += " late"
		cell.Says = "sent late"
	}
	return cell
}

// emptyCell is an hour without a record. Nobody is expected to report before the first time, or without an agreement, or before the hour is over.
func (h *heatMap) emptyCell(hour, deadline, now time.Time, window time.Duration, reported, expected bool) heatCell {
	left := deadline.Sub(now)
	switch {
	case hour.Add(time.Hour).After(now):
		return heatCell{Tone: "open", Text: "…", Says: "not over"}
	case !expected:
		return heatCell{Tone: "off", Says: "no agreement"}
	case !reported:
		return heatCell{Tone: "none", Text: "·", Says: "nothing yet"}
	case left <= 0:
		h.Lost++
		return heatCell{Tone: "lost", Text: "×", Says: "missing, too late"}
	case left < time.Duration(float64(window)*(1-closeToEnd)):
		h.Soon++
		return heatCell{Tone: "soon", Text: "!", Says: "missing, soon too late"}
	}
	return heatCell{Tone: "miss", Text: "?", Says: "missing"}
}

// expected reports whether there was an agreement that took usage through a whole hour.
func expected(list []market.Agreement, hour time.Time) bool {
	for i := range list {
		a := &list[i]
		if a.StartAt.After(hour) || !a.SuspendedAt.IsZero() && a.SuspendedAt.Before(hour.Add(time.Hour)) {
			continue
		}
		if a.EndAt.IsZero() || !a.EndAt.Before(hour.Add(time.Hour)) {
			return true
		}
	}
	return false
}

// isLate reports whether a record was taken close to its window's end.
func isLate(lag, window time.Duration) bool { return lag >= time.Duration(float64(window)*closeToEnd) }

// heatLevel is how strong a quantity is shown, from 0 for nothing to 5: by its square root, so that one large buyer does not make all others pale.
func heatLevel(quantity, most int64) int {
	if quantity <= 0 || most <= 0 {
		return 0
	}
	return min(1+int(5*math.Sqrt(float64(quantity)/float64(most))), 5)
}

func joinSaid(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// accountName is what an account is called; its id, if it is called nothing or is not known.
func (c *Console) accountName(ctx context.Context, id string) string {
	if a, ok, err := c.service.Account(ctx, callerIn(ctx), id); err == nil && ok && a.Name != "" {
		return plain(a.Name)
	}
	return plain(id)
}
