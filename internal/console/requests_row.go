package console

import (
	"context"
	"log/slog"
	"net/url"
	"strings"

	"github.com/souk-market/souk/internal/reqlog"
)

// requestRow is one call as the list shows it: its newest attempt, and the earlier ones below. Live rows travel as its JSON, member names
// and all, so static/requests.js knows them.
type requestRow struct {
	Blank     bool `json:"-"` // the form that live rows are filled into, with all its parts
	Seq       uint64
	Key       string // the same for all attempts at a call; "" if it stands alone
	Path      string
	Time      moment
	Market    moment // zero where the market's clock said the same as the wall's
	Operation string
	Attempt   string // "Attempt 2"; "" for one that is not known to be a retry
	Summary   string // what stands of it below a later attempt
	Outcome   requestWord
	Code      requestWord // the error's; zero if there is none
	Caller    requestWord
	Account   string // the caller's, by name
	Product   requestWord
	Buyer     requestWord
	Duration  string
	Fault     string
	Warning   string
	Attempts  []requestAttempt // earlier ones, newest first
	More      string           // how many more earlier ones there are, in words; "" if none
	CallPath  string           // list of all attempts at this call; "" if no others are known of, and in that list itself
	number    int              // of the attempt, from 1; 0 if the client does not say
}

// requestWord is a text that may lead to a list, or have a tone of the style sheet.
type requestWord struct{ Text, Path, Tone string }

// requestAttempt is an earlier attempt at a call.
type requestAttempt struct{ Path, Text string }

func requestPath(id string) string { return "/requests/" + url.PathEscape(id) }

// maxAttempts is how many earlier attempts a row lists: SDKs make three or so, but an invocation id is only what the client says.
const maxAttempts = 5

// requestNames are what pages call accounts and products.
type requestNames struct {
	accounts accountNames
	titles   map[string]string // of products, by code
}

// requestNames never fails: when the store does, the requests are what one wants to see, and ids have to do.
func (c *Console) requestNames(ctx context.Context) requestNames {
	accounts, err := c.accountNames(ctx)
	names := requestNames{accounts: accounts, titles: map[string]string{}}
	if err == nil {
		products, perr := c.productsByCode(ctx)
		for code, p := range products {
			names.titles[code] = plain(p.Title)
		}
		err = perr
	}
	if err != nil && ctx.Err() == nil {
		c.logger.LogAttrs(ctx, slog.LevelWarn, "requests: names", slog.Any("error", err))
	}
	return names
}

// rowsOf groups attempts at one call. list is newest first; so are the rows, each where its newest attempt stands.
func (f requestFilter) rowsOf(list []reqlog.View, names requestNames) []requestRow {
	var rows []requestRow
	at := map[string]int{}
	dropped := map[string]int{}
	for _, v := range list {
		row := f.rowOf(v, names)
		i, seen := at[row.Key]
		switch {
		case !seen || row.Key == "":
			at[row.Key] = len(rows)
			rows = append(rows, row)
		case len(rows[i].Attempts) < maxAttempts:
			rows[i].Attempts = append(rows[i].Attempts, requestAttempt{row.Path, row.Summary})
		default:
			dropped[row.Key]++
			rows[i].More = plural(dropped[row.Key], "more attempt", "more attempts")
		}
		if r := &rows[at[row.Key]]; len(r.Attempts) > 0 && r.CallPath == "" { // the first attempt, ended last: clients do not wait forever
			r.Attempt, r.CallPath = attemptWords(r.number), requestFilter{Call: v.Invocation()}.path()
		}
	}
	return rows
}

// callKey is the same for all attempts at a call, and another for other callers, whatever ids they send.
func callKey(v reqlog.View) string {
	if id := v.Invocation(); id != "" {
		return plain(strings.Join([]string{id, v.AccessKeyID, v.Operation}, " "))
	}
	return ""
}

func (f requestFilter) rowOf(v reqlog.View, names requestNames) requestRow {
	row := requestRow{
		Seq: v.Seq, Path: requestPath(v.ID), Time: momentOf(v.Time), Operation: plain(v.Operation), Duration: durationWords(v.DurationUS),
		Outcome: outcomeOf(v), Fault: faultWords(v.FaultEffect), Warning: shortened(v.Warning, 160),
	}
	if f.Call == "" { // else all rows are attempts at one call, looked at one by one
		row.Key = callKey(v)
	}
	if row.Operation == "" {
		row.Operation = shortened(v.Method+" "+v.Target, 60)
	}
	if apart := v.MarketTime.Sub(v.Time).Abs(); apart >= clocksApart && !v.MarketTime.IsZero() {
		row.Market = momentOf(v.MarketTime)
	}
	if row.number = v.Attempt; v.Attempt > 1 {
		row.Attempt = attemptWords(v.Attempt)
	}
	if v.Outcome != "ok" {
		row.Code = requestWord{Text: shortened(v.Outcome, 80), Path: f.with("outcome", v.Outcome)}
	}
	switch {
	case v.Principal != "":
		row.Caller = requestWord{Text: shortened(shortPrincipal(v.Principal), 60), Path: f.with("caller", v.Principal)}
		row.Account = names.accounts.of(v.Account)
	case v.AccessKeyID != "":
		row.Caller = requestWord{Text: plain(v.AccessKeyID), Path: f.with("caller", v.AccessKeyID)}
		row.Account = "not known by this key"
	default:
		row.Caller.Text = "Not signed"
	}
	if v.ProductCode != "" {
		row.Product = requestWord{Text: names.titles[v.ProductCode], Path: f.with("product", v.ProductCode)}
		if row.Product.Text == "" {
			row.Product.Text = shortened(v.ProductCode, 60)
		}
	}
	if v.Buyer != "" {
		row.Buyer = requestWord{Text: shortened(names.accounts.of(v.Buyer), 60), Path: f.with("buyer", v.Buyer)}
	}
	if id := v.Invocation(); id != "" && f.Call == "" && v.Attempt > 1 {
		row.CallPath = requestFilter{Call: id}.path()
	}
	row.Summary = row.summary()
	return row
}

func (r requestRow) summary() string {
	text := attemptWords(r.number)
	if text == "" {
		text = "Another attempt"
	}
	text += ": " + r.Outcome.Text
	if r.Code.Text != "" {
		text += " (" + r.Code.Text + ")"
	}
	return text + ", " + r.Duration
}
