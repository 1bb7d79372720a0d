package console

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// recordsPage is the list of usage records, by hour.
type recordsPage struct {
	Ask     recordsAsk
	Problem string
	Title   string // of the product; "" for all
	Age     age
	Rows    []recordRow
	Next    string // address of the next page; "" on the last
	First   string // address of the first page; "" on it
	Reload  string // address of this page, where it is still being looked up
	Usage   string // address of the product's usage
	Exports []link
}

// recordsAsk is what the list is narrowed by.
type recordsAsk struct {
	Product, Buyer, Dimension string
	From, To                  string // as they stand in the fields
	Products                  choices

	from, to time.Time
	after    int64
}

type recordRow struct {
	ID          string
	Path        string // to this very record
	Hour        moment
	At          moment
	Taken       moment
	Late        string // how late it was taken, where that was close to its window's end; "" otherwise
	Buyer       string
	BuyerID     string
	Product     string
	ProductPath string
	Dimension   string
	Quantity    string
	Allocations int
	License     string
	Resource    string
	Region      string
}

const (
	recordsPerPage = 50
	// fieldLayout is how browsers write a time into a field.
	fieldLayout = "2006-01-02T15:04"
	// recordsDays is how far the list goes back unless it is asked to.
	recordsDays = 7
)

// recordsFigure is a page of records as the store has them.
type recordsFigure struct {
	list []market.UsageRecord
	more bool
}

// usageRecords lists records.
func (c *Console) usageRecords(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	products, err := c.productsByCode(ctx)
	if err != nil {
		return err
	}
	ask, problem := parseRecordsAsk(r.URL.Query(), c.service.Now().UTC())
	page := recordsPage{Ask: ask, Problem: problem, Usage: "/usage"}
	page.Ask.Products = productChoices(products, ask.Product)
	status := http.StatusOK
	switch {
	case problem != "":
		status = http.StatusUnprocessableEntity
	default:
		if err := c.fillRecords(ctx, &page, products); err != nil {
			return err
		}
	}
	return c.render(w, response{status: status, page: "usage_records", title: "Usage records", section: "usage", style: "usage.css", script: "usage.js", body: page})
}

func (c *Console) fillRecords(ctx context.Context, page *recordsPage, products map[string]market.Product) error {
	ask := page.Ask
	if ask.Product != "" {
		p, ok := products[ask.Product]
		if !ok {
			return &httpError{http.StatusNotFound, "There is no product “" + plain(ask.Product) + "”."}
		}
		page.Title, page.Usage = card(p, nil).Title, "/usage?"+url.Values{"product": {p.Code}}.Encode()
	}
	deadline := make(chan time.Time)
	timer := time.AfterFunc(c.figures.patience(), func() { close(deadline) })
	defer timer.Stop()
	asked := c.figures.ask(ctx, "records\x00"+recordsPath(ask, ask.after), func(ctx context.Context) (any, error) { return c.recordsOf(ctx, ask) })
	f, old, err := figureOf[recordsFigure](ctx, &c.figures, asked, deadline)
	if err != nil {
		return err
	}
	if page.Age = old; old != (age{}) {
		page.Reload = recordsPath(ask, ask.after)
	}
	for i := range f.list {
		row := c.recordRow(ctx, &f.list[i], products)
		row.Path = recordsPath(ask, f.list[i].Position-1) + "#" + row.ID
		page.Rows = append(page.Rows, row)
	}
	if f.more {
		page.Next = recordsPath(ask, f.list[len(f.list)-1].Position)
	}
	if ask.after > 0 {
		page.First = recordsPath(ask, 0)
	}
	for _, e := range []link{{"CSV", "csv"}, {"JSON lines", "jsonl"}} {
		page.Exports = append(page.Exports, link{e.Text, exportPath(ask.Product, ask.Buyer, ask.Dimension, ask.from, ask.to, e.Path)})
	}
	return nil
}

// recordsOf reads a page of records, and whether there are more.
func (c *Console) recordsOf(ctx context.Context, ask recordsAsk) (f recordsFigure, err error) {
	filter := market.UsageFilter{
		ProductCode: ask.Product, Buyer: ask.Buyer, Dimension: ask.Dimension, From: ask.from, To: ask.to, After: ask.after, Limit: recordsPerPage + 1,
	}
	if f.list, err = c.service.Usage(ctx, callerIn(ctx), filter); err != nil {
		return f, err
	}
	f.more = len(f.list) > recordsPerPage
	if f.more {
		f.list = f.list[:recordsPerPage]
	} else if n := len(f.list); n > 0 { // the list may have ended for the size of its allocations
		filter.After, filter.Limit = f.list[n-1].Position, 1
		rest, err := c.service.Usage(ctx, callerIn(ctx), filter)
		if err != nil {
			return f, err
		}
		f.more = len(rest) > 0
	}
	return f, nil
}

func (c *Console) recordRow(ctx context.Context, u *market.UsageRecord, products map[string]market.Product) recordRow {
	row := recordRow{
		ID: u.ID.String(), Hour: momentOf(time.Unix(u.Hour()*3600, 0)), At: momentOf(u.Timestamp), Taken: momentOf(u.SubmittedAt),
		Buyer: c.accountName(ctx, u.Series.Buyer), BuyerID: plain(u.Series.Buyer), Product: plain(u.Series.ProductCode), ProductPath: productPath(u.Series.ProductCode),
		Quantity: longNumber(u.Quantity), License: plain(u.Series.LicenseARN), Resource: plain(u.Series.Resource), Region: plain(u.Series.Region),
	}
	p, ok := products[u.Series.ProductCode]
	if ok {
		row.Product = card(p, nil).Title
	}
	row.Dimension = dimensionTitle(p, u.Series.Dimension)
	if lag := u.SubmittedAt.Sub(u.Timestamp); isLate(lag, c.service.UsageWindow()) {
		row.Late = lag.Truncate(time.Minute).String()
		row.Late = strings.TrimSuffix(row.Late, "0s")
	}
	if list, err := u.Allocated(); err == nil {
		row.Allocations = len(list)
	}
	return row
}

// parseRecordsAsk reads an address.
func parseRecordsAsk(q url.Values, now time.Time) (ask recordsAsk, problem string) {
	ask = recordsAsk{Product: q.Get("product"), Buyer: strings.TrimSpace(q.Get("buyer")), Dimension: q.Get("dimension")}
	if max(len(ask.Product), len(ask.Buyer), len(ask.Dimension)) > usageText {
		return recordsAsk{}, "A product’s code, a buyer’s account or a dimension’s key is not that long."
	}
	ask.to = now.Truncate(time.Hour).Add(time.Hour)
	ask.from = ask.to.AddDate(0, 0, -recordsDays)
	for name, to := range map[string]*time.Time{"from": &ask.from, "to": &ask.to} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		t, err := parseUsageTime(text)
		if err != nil {
			problem = "“" + plain(cutText(text)) + "” is no time. A time is written like 2026-11-24T15:00:00Z."
			continue
		}
		*to = t
	}
	if q.Get("from") == "" && q.Get("to") != "" {
		ask.from = ask.to.AddDate(0, 0, -recordsDays)
	}
	ask.From, ask.To = ask.from.Format(fieldLayout), ask.to.Format(fieldLayout)
	if problem == "" && !ask.from.Before(ask.to) {
		problem = "The first hour must come before the last."
	}
	if text := q.Get("after"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n > math.MaxInt64 {
			problem = "The address names no place in the list. Begin with the first page."
		}
		ask.after = int64(n & math.MaxInt64)
	}
	return ask, problem
}

// recordsPath is the address of the list, after a position.
func recordsPath(a recordsAsk, after int64) string {
	q := url.Values{}
	setAll(q, a.Product, a.Buyer, a.Dimension, a.from, a.to)
	if after > 0 {
		q.Set("after", strconv.FormatInt(after, 10))
	}
	return "/usage/records?" + q.Encode()
}
