package console

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// usageChart is quantities over time, a line a dimension. Each has a scale of its own: what dimensions count cannot be compared.
type usageChart struct {
	Age    age
	Lines  []chartLine
	Others int // dimensions that are not drawn
	Hours  []chartHour
	Each   string // what a row of the table is: "Hour", or "6 hours from"
	From   moment
	To     moment
	Width  int
	Height int
}

type chartLine struct {
	Title string // "Data (GB)"
	Key   string
	Most  string
	Total string
	Path  string // of what is under the line, in the SVG's units: its sides and its foot are outside of what is shown
}

// chartHour is a row of the table: an hour, or of a week a few hours together.
type chartHour struct {
	Time  moment
	Cells []string // one a line
}

// chartFigure is what the chart is drawn from: quantities by dimension and hour.
type chartFigure struct{ byDimension map[string]map[int64]int64 }

const (
	chartLines  = 8
	chartWidth  = 960
	chartHeight = 96
	// chartRows is how many hours have a row each in the table. Of a week, rows are weekRow hours.
	chartRows = 48
	weekRow   = 6
	// chartStep is how many hours are added up at a time, so that a store that does one thing at once does others in between.
	chartStep = 6 * time.Hour
)

func (c *Console) chartOf(ctx context.Context, ask usageAsk) (chartFigure, error) {
	f := chartFigure{map[string]map[int64]int64{}}
	for from := ask.from; from.Before(ask.end); from = from.Add(chartStep) {
		sums, err := c.service.SumUsage(ctx, callerIn(ctx), market.UsageFilter{
			ProductCode: ask.product, Buyer: ask.Buyer, From: from, To: earlier(from.Add(chartStep), ask.end),
		}, []market.UsageField{market.ByDimension, market.ByHour})
		if err != nil {
			return f, err
		}
		for _, s := range sums {
			if f.byDimension[s.Dimension] == nil {
				f.byDimension[s.Dimension] = map[int64]int64{}
			}
			f.byDimension[s.Dimension][market.HourOf(s.At)] += s.Quantity
		}
	}
	return f, nil
}

// showChart draws the dimensions with usage, in the order of the product's own.
func showChart(ask usageAsk, p market.Product, f chartFigure) usageChart {
	out := usageChart{From: momentOf(ask.from), To: momentOf(ask.end), Width: chartWidth, Height: chartHeight}
	keys := dimensionOrder(p, f.byDimension)
	if len(keys) > chartLines {
		out.Others = len(keys) - chartLines
		keys = keys[:chartLines]
	}
	first := market.HourOf(ask.from)
	for _, key := range keys {
		values := make([]int64, ask.span)
		var total int64
		for hour, quantity := range f.byDimension[key] {
			if i := hour - first; i >= 0 && i < int64(len(values)) {
				values[i] = quantity
				total += quantity
			}
		}
		line := chartLine{Title: dimensionTitle(p, key), Key: plain(key), Most: longNumber(slices.Max(values)), Total: longNumber(total)}
		line.Path = chartPath(values)
		out.Lines = append(out.Lines, line)
	}
	if len(keys) == 0 {
		return out
	}
	each := 1
	if out.Each = "Hour"; ask.span > chartRows {
		each, out.Each = weekRow, plural(weekRow, "hour", "hours")+" from"
	}
	for i := 0; i < ask.span; i += each {
		row := chartHour{Time: momentOf(ask.from.Add(time.Duration(i) * time.Hour))}
		for _, key := range keys {
			row.Cells = append(row.Cells, sumOfHours(f.byDimension[key], first+int64(i), each))
		}
		out.Hours = append(out.Hours, row)
	}
	return out
}

// sumOfHours is the quantity of some hours together, as it stands in the table.
func sumOfHours(byHour map[int64]int64, first int64, hours int) string {
	var sum int64
	any := false
	for hour := first; hour < first+int64(hours); hour++ {
		quantity, ok := byHour[hour]
		sum, any = sum+quantity, any || ok
	}
	if !any {
		return "–"
	}
	return longNumber(sum)
}

// chartPath is the area under a line through values, the highest at the top.
func chartPath(values []int64) string {
	const top, out = 6, 9 // room for the stroke, and where it is not seen
	most := max(slices.Max(values), 1)
	height := func(v int64) int { return top + int(float64(chartHeight-top)*(1-float64(v)/float64(most))+0.5) }
	b := fmt.Appendf(nil, "M-%d %dV%d", out, chartHeight+out, height(values[0]))
	for i, v := range values {
		x := chartWidth * (2*i + 1) / (2 * len(values)) // in the middle of its hour
		b = fmt.Appendf(b, "L%d %d", x, height(v))
	}
	return string(fmt.Appendf(b, "H%dV%dZ", chartWidth+out, chartHeight+out))
}

// dimensionOrder is the dimensions that have usage: those of the product, and then those that it had.
func dimensionOrder[V any](p market.Product, used map[string]V) (keys []string) {
	for _, d := range p.Dimensions {
		if _, ok := used[d.Key]; ok {
			keys = append(keys, d.Key)
		}
	}
	known := len(keys)
	for key := range used {
		if !slices.Contains(keys[:known], key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys[known:], cmp.Compare[string])
	return keys
}

// dimensionTitle is what a dimension is called, and what it counts.
func dimensionTitle(p market.Product, key string) string {
	for _, d := range p.Dimensions {
		if d.Key != key {
			continue
		}
		title := plain(cmp.Or(d.Name, d.Key))
		if d.Unit != "" {
			title += " (" + plain(d.Unit) + ")"
		}
		return title
	}
	return plain(key)
}
