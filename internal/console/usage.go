package console

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// usagePage is what was used of one product: who reported when, how much, and what it comes to this month.
type usagePage struct {
	Ask     usageAsk
	Problem string
	Product usageProduct
	Heat    heatMap
	Chart   usageChart
	Bill    usageBill
	Resends resends
	Exports []link
	Records string // address of the list of records
	Earlier string // addresses of the hours before and after; "" for none
	Later   string
	Reload  string // address of this page, where something on it is still being made; "" otherwise
}

type link struct{ Text, Path string }

// usageProduct is the product that a page of usage is about.
type usageProduct struct{ Code, Title, Path string }

// usageAsk is what the form on the page asks for, and as it is shown again.
type usageAsk struct {
	Products choices
	Buyer    string
	Spans    []choice
	To       string // as in the address; "" is now

	product string
	span    int // hours
	from    time.Time
	end     time.Time // the first hour that is not shown
	after   string    // buyers after this one
}

// usageSpans are how many hours a page can show, and for each how many buyers it has: a page has some 800 cells at most, which is what fits.
func usageSpans() []usageSpan { return []usageSpan{{24, 25}, {48, 12}, {168, 5}} }

type usageSpan struct{ hours, buyers int }

// usageText bounds what addresses may ask for.
const usageText = 256

// usage is the page of a product's usage.
func (c *Console) usage(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	products, err := c.productsByCode(ctx)
	if err != nil {
		return err
	}
	now := c.service.Now().UTC()
	ask, problem := parseUsageAsk(q, now)
	if ask.product == "" {
		ask.product = firstMetered(products)
	}
	page := usagePage{Ask: ask, Problem: problem}
	page.Ask.Products = productChoices(products, ask.product)
	p, ok := products[ask.product]
	if !ok && ask.product != "" {
		return &httpError{http.StatusNotFound, "There is no product “" + plain(ask.product) + "”."}
	}
	if problem != "" || !ok {
		status := http.StatusOK
		if problem != "" {
			status = http.StatusUnprocessableEntity
		}
		return c.render(w, response{status: status, page: "usage", title: "Usage", section: "usage", style: "usage.css", script: "usage.js", body: page})
	}
	page.Product = usageProduct{p.Code, card(p, nil).Title, productPath(p.Code)}
	if err := c.fillUsage(ctx, &page, p, now); err != nil {
		return err
	}
	page.link(now)
	return c.render(w, response{status: http.StatusOK, page: "usage", title: page.Product.Title + ": usage", section: "usage", style: "usage.css", script: "usage.js", body: page})
}

// fillUsage asks for all figures of the page, and takes what is there in time.
func (c *Console) fillUsage(ctx context.Context, page *usagePage, p market.Product, now time.Time) error {
	ask := &page.Ask
	deadline := make(chan time.Time)
	timer := time.AfterFunc(c.figures.patience(), func() { close(deadline) }) // closed, so that every figure hears of it
	defer timer.Stop()
	key := strings.Join([]string{ask.product, ask.Buyer, strconv.FormatInt(ask.from.Unix(), 10), strconv.FormatInt(ask.end.Unix(), 10)}, "\x00")
	heat := c.figures.ask(ctx, "heat\x00"+key+"\x00"+ask.after, func(ctx context.Context) (any, error) { return c.heatOf(ctx, *ask) })
	refused := c.figures.ask(ctx, "resends\x00"+ask.product, func(ctx context.Context) (any, error) { return c.resendsOf(ctx, p.Code) })
	chart := c.figures.ask(ctx, "chart\x00"+key, func(ctx context.Context) (any, error) { return c.chartOf(ctx, *ask) })
	month := monthOf(ask.end.Add(-1))
	bill := c.figures.ask(ctx, strings.Join([]string{"bill", ask.product, ask.Buyer, month.Format(dateLayout)}, "\x00"), func(ctx context.Context) (any, error) {
		return c.billOf(ctx, ask.product, ask.Buyer, month)
	})
	grid, gridAge, err := figureOf[heatFigure](ctx, &c.figures, heat, deadline)
	if err != nil {
		return err
	}
	calls, callsAge, err := figureOf[[]resend](ctx, &c.figures, refused, deadline)
	if err != nil {
		return err
	}
	lines, linesAge, err := figureOf[chartFigure](ctx, &c.figures, chart, deadline)
	if err != nil {
		return err
	}
	sums, sumsAge, err := figureOf[billFigure](ctx, &c.figures, bill, deadline)
	if err != nil {
		return err
	}
	page.Heat = c.heatMap(ctx, *ask, grid, calls, now)
	page.Heat.Age = gridAge
	page.Resends = c.showResends(ctx, calls)
	page.Resends.Age = callsAge
	page.Chart = showChart(*ask, p, lines)
	page.Chart.Age = linesAge
	page.Bill = c.showBill(ctx, p, grid.buyers, sums, month)
	page.Bill.Age = sumsAge
	for _, a := range []age{gridAge, callsAge, linesAge, sumsAge} {
		if a != (age{}) {
			page.Reload = ask.path(ask.end, ask.after)
		}
	}
	return nil
}

// parseUsageAsk reads an address. The problem says, for people, what of it cannot be.
func parseUsageAsk(q url.Values, now time.Time) (ask usageAsk, problem string) {
	ask = usageAsk{product: q.Get("product"), Buyer: strings.TrimSpace(q.Get("buyer")), To: q.Get("to"), after: q.Get("after"), span: usageSpans()[0].hours}
	if len(ask.product) > usageText || len(ask.Buyer) > usageText || len(ask.after) > usageText {
		return usageAsk{span: ask.span, Spans: spanChoices(ask.span)}, "A product’s code or a buyer’s account is not that long."
	}
	if text := q.Get("hours"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || !slices.ContainsFunc(usageSpans(), func(s usageSpan) bool { return s.hours == n }) {
			problem = "Choose one of the ranges."
		} else {
			ask.span = n
		}
	}
	ask.Spans = spanChoices(ask.span)
	ask.end = now.Truncate(time.Hour).Add(time.Hour)
	if ask.To != "" {
		end, err := parseUsageTime(ask.To)
		if err != nil {
			problem = "“" + plain(cutText(ask.To)) + "” is no time. A time is written like 2026-11-24T15:00:00Z."
		} else {
			ask.end = later(end.Add(time.Hour-1).Truncate(time.Hour), time.Unix(int64(ask.span)*3600, 0).UTC()) // nothing is older than 1970
		}
	}
	ask.from = ask.end.Add(-time.Duration(ask.span) * time.Hour)
	return ask, problem
}

// parseUsageTime reads an instant from the years 1970 to 9999, as addresses and as browsers' fields have it.
func parseUsageTime(text string) (t time.Time, err error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", dateLayout} {
		if t, err = time.Parse(layout, text); err == nil {
			break
		}
	}
	if err == nil && (t.Unix() < 0 || t.UTC().Year() > 9999) {
		err = strconv.ErrRange
	}
	return t.UTC(), err
}

func cutText(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func spanChoices(span int) (list []choice) {
	for _, s := range usageSpans() {
		text := strconv.Itoa(s.hours) + " hours"
		if s.hours > 48 {
			text = strconv.Itoa(s.hours/24) + " days"
		}
		list = append(list, choice{strconv.Itoa(s.hours), text, s.hours == span})
	}
	return list
}

// firstMetered is the product to begin with: the first by its title that has something to meter, or else the first.
func firstMetered(products map[string]market.Product) string {
	list := slices.SortedFunc(maps.Values(products), func(a, b market.Product) int {
		return byText(choice{Value: a.Code, Text: a.Title}, choice{Value: b.Code, Text: b.Title})
	})
	for _, p := range list {
		if slices.ContainsFunc(p.Dimensions, func(d market.Dimension) bool { return d.Kind == market.Metered }) {
			return p.Code
		}
	}
	if len(list) > 0 {
		return list[0].Code
	}
	return ""
}
