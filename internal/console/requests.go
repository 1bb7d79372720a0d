package console

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/souk-market/souk/internal/reqlog"
)

// Bounds of one page of requests.
const (
	// requestsPerPage requests stand on a page, retries that share a row included.
	requestsPerPage = 50
	// retriesWithin is how many requests may come between two attempts at one call that stand on either side of a page's end. They
	// still share a row, on the newer page.
	retriesWithin = 100
)

// requestsPage is the list of requests.
type requestsPage struct {
	Filter     requestFilter
	Problem    string // with the filter
	Operations []requestOption
	Outcomes   []requestOption
	More       bool // one of the filters that seldom are used is
	Active     []activeFilter
	Rows       []requestRow
	Blank      requestRow // for live rows
	Live       string     // address of what comes from now on; "" on pages that nothing is added to
	Refresh    string
	Newest     string // address of the first page; "" on it
	Older      string // address of the next page; "" on the last
	Looked     string // how many were looked at, where that is what ended the page
	Example    string // a product code for a first call
}

// activeFilter is a filter in use, and the address of the list without it.
type activeFilter struct{ Label, Value, Path string }

// requests lists the requests that the AWS face answered, newest first.
func (c *Console) requests(w http.ResponseWriter, r *http.Request) error {
	if c.log == nil {
		return noPage(w, r)
	}
	f, problem := parseRequestFilter(r.URL.Query())
	var err error
	if f.scope, err = c.logScope(r.Context()); err != nil {
		return err
	}
	page := requestsPage{
		Filter: f, Problem: problem, Operations: operationOptions(f.Operation), Outcomes: outcomeOptions(f.Outcome),
		More: f.Caller != "" || f.Product != "" || f.Buyer != "" || f.License != "", Refresh: f.path(), Blank: requestRow{Blank: true},
	}
	for _, field := range f.fields() {
		if *field.value != "" {
			page.Active = append(page.Active, activeFilter{field.label, shortened(*field.value, 80), f.with(field.name, "")})
		}
	}
	resp := response{status: http.StatusOK, page: "requests", title: "Requests", section: "requests", style: "requests.css"}
	if problem != "" {
		resp.status = http.StatusUnprocessableEntity
	} else {
		if f.Before == 0 {
			page.Live, resp.script = f.livePath(c.newestRequest(f.scope)), "requests.js" // before the list is read, so that nothing falls between
		} else {
			page.Newest = f.from(0)
		}
		list, older, looked := c.findRequests(f)
		if older != 0 {
			page.Older = f.from(older)
		}
		if looked {
			page.Looked = plural(reqlog.SearchLook, "request", "requests")
		}
		if len(list) > 0 {
			page.Rows = f.rowsOf(list, c.requestNames(r.Context()))
		} else if !f.narrow() {
			page.Example = c.exampleProduct(r)
		}
	}
	resp.body = page
	return c.render(w, resp)
}

// newestRequest is the sequence number of the newest request that is shown; 0 if there was none.
func (c *Console) newestRequest(scope *reqlog.Scope) uint64 {
	if list := c.log.List(reqlog.Filter{Limit: 1, Scope: scope}); len(list) > 0 {
		return list[0].Seq
	}
	return 0
}

// exampleProduct is a product that there is, for a first call to ask for.
func (c *Console) exampleProduct(r *http.Request) string {
	list, err := c.service.Products(r.Context(), callerIn(r.Context()))
	if err != nil || len(list) == 0 { // the call shows just as well how to make one
		return "product-code"
	}
	return plain(list[0].Code)
}

// livePath is where what comes after a sequence number is told of.
func (f requestFilter) livePath(after uint64) string {
	q := f.values()
	q.Del("before")
	q.Set("after", strconv.FormatUint(after, 10))
	u := url.URL{Path: "/requests/live", RawQuery: q.Encode()}
	return u.String()
}

// findRequests is a page of requests, newest first, and before which sequence number the next one begins; 0 on the last. looked means that the
// page ended because it had looked at enough.
func (c *Console) findRequests(f requestFilter) (list []reqlog.View, older uint64, looked bool) {
	found := c.log.Search(f.query(requestsPerPage))
	list, older, looked = found.Views, found.Next, found.Looked
	if f.Call != "" {
		return list, older, looked
	}
	if f.Before != 0 {
		list = c.withoutShown(f, list)
	}
	if older != 0 {
		list = append(list, c.attemptsBelow(f, list, older)...)
	}
	return list, older, looked
}

// withoutShown leaves out the attempts that stand on the page before, below a later attempt at the same call.
func (c *Console) withoutShown(f requestFilter, list []reqlog.View) []reqlog.View {
	end := f.Before
	f.Before = end + retriesWithin
	shown := map[string]bool{}
	for _, v := range c.log.List(f.log(retriesWithin)) {
		if v.Seq < end {
			break
		}
		if f.match(v) {
			shown[callKey(v)] = true
		}
	}
	var rest []reqlog.View
	for _, v := range list {
		if key := callKey(v); key == "" || !shown[key] || v.Seq+retriesWithin < end {
			rest = append(rest, v)
		}
	}
	return rest
}

// attemptsBelow are the earlier attempts, from below the end of a page, at calls that stand on it.
func (c *Console) attemptsBelow(f requestFilter, list []reqlog.View, end uint64) (below []reqlog.View) {
	calls := map[string]bool{}
	for _, v := range list {
		if key := callKey(v); key != "" {
			calls[key] = true
		}
	}
	if len(calls) == 0 {
		return nil
	}
	f.Before = end
	for _, v := range c.log.List(f.log(retriesWithin)) {
		if v.Seq+retriesWithin < end {
			break
		}
		if calls[callKey(v)] && f.match(v) {
			below = append(below, v)
		}
	}
	return below
}
