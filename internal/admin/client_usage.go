package admin

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// UsageQuery narrows what was metered. Empty fields match all.
type UsageQuery struct {
	Product   string // code
	Buyer     string // account
	License   string // ARN
	Dimension string
	Region    string
	From, To  time.Time // hours: that of From and later, and before that of To; a To within an hour includes it
}

// UsageList says which part of the list is asked for.
type UsageList struct {
	After string // UsagePage.Next
	Limit int    // from 1 to 1000; 0: 100
	Count bool   // how many there are in all
}

// UsageExport is an export on its way. Whoever has it closes Body.
type UsageExport struct {
	Records int64 // how many there were as it began; -1 if that was not told
	// Body fails with io.ErrUnexpectedEOF if the export ends before its end.
	Body io.ReadCloser
}

func (q UsageQuery) values() url.Values {
	v := url.Values{}
	set(v, "product", q.Product)
	set(v, "buyer", q.Buyer)
	set(v, "license", q.License)
	set(v, "dimension", q.Dimension)
	set(v, "region", q.Region)
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	return v
}

// Usage lists what was metered, by hour.
func (c *Client) Usage(ctx context.Context, q UsageQuery, part UsageList) (out UsagePage, err error) {
	v := q.values()
	set(v, "after", part.After)
	setNumber(v, "limit", part.Limit)
	if part.Count {
		v.Set("count", "true")
	}
	err = c.do(ctx, call{method: "GET", path: "/api/v1/usage", query: v, out: &out})
	return out, err
}

// SumUsage adds up what was metered by the fields given; without any, all of it.
func (c *Client) SumUsage(ctx context.Context, q UsageQuery, by []market.UsageField) ([]UsageSum, error) {
	v := q.values()
	fields := make([]string, len(by))
	for i, field := range by {
		fields[i] = string(field)
	}
	set(v, "by", strings.Join(fields, ","))
	var out struct{ Sums []UsageSum }
	err := c.do(ctx, call{method: "GET", path: "/api/v1/usage/sums", query: v, out: &out})
	return out.Sums, err
}

// ExportUsage begins an export, as "csv" or "jsonl". It has no bound in time but ctx.
func (c *Client) ExportUsage(ctx context.Context, q UsageQuery, format string) (*UsageExport, error) {
	v := q.values()
	v.Set("format", format)
	res, err := c.send(ctx, call{method: http.MethodGet, path: "/api/v1/usage/export", query: v})
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(res.Header.Get(CountHeader), 10, 64)
	if err != nil {
		n = -1
	}
	return &UsageExport{Records: n, Body: res.Body}, nil
}
