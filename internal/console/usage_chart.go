package console

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// usageChart is quantities over time, a line a dimension. Each has a scale of its own: what dimensions count cannot be compared.
type usageChart struct {
	Age    age
	Lines  []chartLine
	Others int // dimensions that are not drawn
	Hours  []chartHour
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
	Path  string // of the line, in the SVG's units
	Area  string // of what is under it
}

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
		line.Path, line.Area = chartPath(values)
		out.Lines = append(out.Lines, line)
	}
	if len(keys) == 0 {
		return out
	}
	for i := range ask.span {
		row := chartHour{Time: momentOf(ask.from.Add(time.Duration(i) * time.Hour))}
		for _, key := range keys {
			cell := "–"
			if quantity, ok := f.byDimension[key][first+int64(i)]; ok {
				cell = longNumber(quantity)
			}
			row.Cells = append(row.Cells, cell)
		}
		out.Hours = append(out.Hours, row)
	}
	return out
}

// chartPath is a line through values, the highest at the top, and the area under it.
func chartPath(values []int64) (line, area string) {
	const top = 6 // room for the stroke
	most := max(slices.Max(values), 1)
	var b strings.Builder
	for i, v := range values {
		x := float64(chartWidth) * (float64(i) + 0.5) / float64(len(values)) // in the middle of its hour
		y := top + (chartHeight-top)*(1-float64(v)/float64(most))
		fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(i, 1)], x, y)
	}
	line = b.String()
	half := float64(chartWidth) / float64(2*len(values))
	return line, fmt.Sprintf("%sL%.1f %dL%.1f %dZ", line, chartWidth-half, chartHeight, half, chartHeight)
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
