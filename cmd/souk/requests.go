package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/reqlog"
)

// requestsCmds is `souk requests`.
type requestsCmds struct {
	List   requestsListCmd   `cmd:"" default:"withargs" help:"List the newest requests, the newest last."`
	Follow requestsFollowCmd `cmd:"" help:"Print each request as it is answered, until interrupted."`
	Replay requestsReplayCmd `cmd:"" help:"Send a request again, edited or not, and print what came of it."`
	Show   requestsShowCmd   `cmd:"" help:"Print all that is known about one request: who, what was decided, why, what went in and out."`
}

func (requestsCmds) Help() string {
	return `Each request on the AWS face leaves a record: who signed it, what was decided, what was answered, and the reason where AWS does not tell the
caller (whose token it was, which statement denied). The newest 2000 are kept in memory ('souk dev --requests'). Registration tokens,
signatures and session tokens are masked.

    souk requests                               the newest 20
    souk requests --outcome error               what went wrong
    souk requests show                          everything about the newest
    souk requests follow --operation ResolveCustomer`
}

// requestFilter says which requests to look at. Empty fields match all.
type requestFilter struct {
	Operation string `placeholder:"NAME" help:"Only this operation, such as ResolveCustomer."`
	Outcome   string `placeholder:"ok|error|cut|CODE" help:"Only what came to this: 'ok', 'error' (all that is not ok), 'cut' (a fault closed the connection), or an error code."`
	Principal string `placeholder:"TEXT" help:"Only callers whose ARN contains this, or whose access key id it is."`
	Product   string `placeholder:"CODE" help:"Only what was about this product."`
	Buyer     string `placeholder:"ACCOUNT" help:"Only what was about this buyer."`
	License   string `placeholder:"TEXT" help:"Only what was about a license whose ARN contains this."`
	Text      string `placeholder:"TEXT" help:"Only what has this anywhere, in capitals or not: in headers, bodies (their first 4 KiB), reasons. Masked secrets are not searched."`
	Call      string `placeholder:"ID" help:"Only the attempts at one call of an SDK: its amz-sdk-invocation-id."`
}

// match is the server's own rule (reqlog.Query), for what comes without having been filtered there.
func (f *requestFilter) match(v *reqlog.View) bool {
	q := reqlog.Query{
		Filter: reqlog.Filter{Operation: f.Operation, Outcome: f.Outcome, Principal: f.Principal, Product: f.Product, Buyer: f.Buyer, License: f.License},
		Text:   f.Text, Call: f.Call,
	}
	return q.Match(v)
}

// requestsListCmd is `souk requests list`.
type requestsListCmd struct {
	remote
	requestFilter
	Limit int `default:"20" placeholder:"N" help:"How many of the newest to list; 0 for all that are kept."`
}

func (requestsListCmd) Help() string {
	return `A table, the newest last. The last column says why, where there is more to say than the outcome: the reason that the caller was not told, the
statement that denied, the fault rule that struck. With --json: {"requests": [...]}, in the same order.

    souk requests list --outcome InvalidTokenException --limit 5`
}

func (c *requestsListCmd) Validate() error { return validLimit(c.Limit) }

func (c *requestsListCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	requests := []reqlog.View{}
	query := admin.RequestQuery{
		Operation: c.Operation, Outcome: c.Outcome, Principal: c.Principal, Product: c.Product, Buyer: c.Buyer, License: c.License, Text: c.Text, Call: c.Call,
	}
	for {
		query.Limit = pageSize(c.Limit, len(requests))
		page, err := client.Requests(a.ctx, query)
		if err != nil {
			return err
		}
		requests = append(requests, page.Requests...)
		query.Before = page.Next
		if page.Next == 0 || len(requests) == c.Limit {
			break
		}
	}
	slices.Reverse(requests)
	if c.JSON {
		return printJSON(a.stdout, map[string]any{"requests": requests})
	}
	if len(requests) == 0 {
		fmt.Fprintln(a.stderr, "no requests to list")
		return nil
	}
	colour := terminal(a.stdout, a.getenv)
	rows := [][]string{requestHead(colour)}
	for i := range requests {
		rows = append(rows, requestRow(&requests[i], colour))
	}
	if err := table(a.stdout, rows); err != nil {
		return err
	}
	if query.Before != 0 {
		fmt.Fprintln(a.stderr, "hint: there are older ones: --limit N, or --limit 0 for all")
	}
	return nil
}

// requestsFollowCmd is `souk requests follow`.
type requestsFollowCmd struct {
	remote
	requestFilter
}

func (requestsFollowCmd) Help() string {
	return `Prints one line a request, as it is answered, from now on. It ends when it is interrupted, or when the Souk shuts down. With --json, one
document a line.

    souk requests follow --outcome error`
}

func (c *requestsFollowCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	colour := terminal(a.stdout, a.getenv)
	columns := columns{20, 27, 15, 34, 25, 6, 36, 0} // what most requests need; a wider one widens those after it
	if !c.JSON {
		if err := columns.print(a, requestHead(colour)); err != nil {
			return err
		}
	}
	var last uint64
	for v, err := range client.Follow(a.ctx) {
		if err != nil {
			return err
		}
		if last != 0 && v.Seq > last+1 {
			fmt.Fprintf(a.stderr, "souk: missed %d requests: they came faster than they could be printed\n", v.Seq-last-1)
		}
		last = v.Seq
		if !c.match(&v) {
			continue
		}
		if c.JSON {
			err = printLine(a.stdout, v)
		} else {
			err = columns.print(a, requestRow(&v, colour))
		}
		if err != nil {
			return err
		}
	}
	if a.ctx.Err() == nil {
		fmt.Fprintln(a.stderr, "the souk has shut down")
	}
	return nil
}

// columns are the widths of a table whose rows come one by one.
type columns []int

func (c columns) print(a *app, row []string) error {
	var line strings.Builder
	for i, cell := range row {
		line.WriteString(cell)
		width := shown(cell)
		c[i] = max(c[i], width)
		if i < len(row)-1 {
			line.WriteString(strings.Repeat(" ", c[i]-width+2))
		}
	}
	_, err := fmt.Fprintln(a.stdout, strings.TrimRight(line.String(), " "))
	return err
}

// Colours of outcomes. All codes are equally long, and every cell of the column has one, so that table, which counts them, aligns it still.
const (
	colourHead  = "01"
	colourOK    = "32"
	colourError = "31"
	colourFault = "33"
)

func requestHead(colour bool) []string {
	return []string{"TIME", paint(colour, colourHead, "OUTCOME"), "OPERATION", "PRINCIPAL", "PRODUCT", "TOOK", "REQUEST ID", "WHY"}
}

func requestRow(v *reqlog.View, colour bool) []string {
	code := colourError
	switch {
	case v.FaultID != "":
		code = colourFault
	case v.Outcome == "ok":
		code = colourOK
	}
	return []string{
		stamp(v.Time), paint(colour, code, cell(v.Outcome)), cell(v.Operation), cell(caller(v)), cell(v.ProductCode),
		took(v), cell(v.ID), oneLine(why(v)),
	}
}

// caller is who signed, as short as --principal still finds it.
func caller(v *reqlog.View) string {
	if v.Principal == "" {
		return v.AccessKeyID
	}
	for _, prefix := range []string{"arn:aws:iam::", "arn:aws:sts::"} {
		if short, ok := strings.CutPrefix(v.Principal, prefix); ok {
			return short
		}
	}
	return v.Principal
}

// why is all that is known beside the answer itself.
func why(v *reqlog.View) string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if v.FaultID != "" {
		add("fault rule " + v.FaultID + ": " + v.FaultEffect)
	}
	if v.FaultID == "" || v.Reason != "fault rule "+v.FaultID {
		add(v.Reason)
	}
	if v.Authz != nil && !v.Authz.Allowed {
		add(v.Authz.Why)
	}
	add(v.Warning)
	return strings.Join(parts, "; ")
}

func took(v *reqlog.View) string {
	d := time.Duration(v.DurationUS) * time.Microsecond
	switch {
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(10 * time.Microsecond)
	}
	return d.String()
}

// maxPage is how many items the control API lists at a time, at most.
const maxPage = 1000

// pageSize is how many items to ask for when have of limit are there already; limit 0 is all.
func pageSize(limit, have int) int {
	if limit == 0 {
		return maxPage
	}
	return min(limit-have, maxPage)
}

func validLimit(n int) error {
	if n < 0 {
		return errors.New("--limit must not be negative")
	}
	return nil
}
