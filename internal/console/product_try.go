package console

import (
	"net/http"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/tryit"
)

// tryPage is where a token is posted to a product's registration URL, and what came of it.
type tryPage struct {
	Title, Path, Action string
	Target              string // "": there is no registration URL
	Builtin             bool
	Registration        registrationSetting
	Agreements          []choice
	Buyers              []choice // who would be subscribed first
	More                bool     // there are other agreements
	Problem             string
	Result              *tryResult
}

// tryResult is a report as the page shows it.
type tryResult struct {
	OK         bool
	Summary    string
	Agreement  string
	AgreeID    string
	Buyer      string
	Subscribed bool
	Began      moment
	Took       string
	Verdicts   []tryVerdict
	Hops       []tryHop
	Calls      []call
}

type tryVerdict struct{ Class, Word, Text string }

type tryHop struct {
	Method, URL, Status, Class, Took string
	Headers                          []field
	Body                             string
	Truncated                        bool
	Error                            string
}

// maxTried is how many agreements the page lists.
const maxTried = 50

// tryAnswered is how long the page may take: the try itself, and what Souk does around it.
const tryAnswered = tryit.Timeout + 30*time.Second

// tryProduct shows whose token can be posted.
func (c *Console) tryProduct(w http.ResponseWriter, r *http.Request) error {
	return c.showTry(w, r, http.StatusOK, r.URL.Query().Get("agreement"), nil, "")
}

// postTry posts one. No lock is held meanwhile, and the page that answers may be one of this very listener.
func (c *Console) postTry(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	as := r.PostForm.Get("as")
	in := tryit.Input{ProductCode: r.PathValue("code")}
	if typed := strings.TrimSpace(r.PostForm.Get("agreement")); typed != "" {
		as = typed
	}
	if buyer, ok := strings.CutPrefix(as, "buyer:"); ok {
		in.Buyer = buyer
	} else {
		in.AgreementID = as
	}
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Now().Add(tryAnswered)) // whose end would end the request; where there is none to set, there is none
	_ = out.SetWriteDeadline(time.Now().Add(tryAnswered))
	report, err := c.tester.Try(r.Context(), callerIn(r.Context()), in)
	switch market.CodeOf(err) {
	case market.Conflict, market.Invalid, market.NotFound: // the product itself is looked for again below
		e := failureOf(err)
		return c.showTry(w, r, e.Status, as, nil, e.Text)
	}
	if err != nil {
		return err
	}
	return c.showTry(w, r, http.StatusOK, report.AgreementID, &report, "")
}

func (c *Console) showTry(w http.ResponseWriter, r *http.Request, status int, chosen string, report *tryit.Report, problem string) error {
	ctx := r.Context()
	if err := operatorsOnly(ctx); err != nil {
		return err
	}
	p, _, err := c.service.Product(ctx, callerIn(ctx), r.PathValue("code"))
	if err != nil {
		return err
	}
	accounts, err := c.service.Accounts(ctx, callerIn(ctx))
	if err != nil {
		return err
	}
	had, err := c.service.Agreements(ctx, callerIn(ctx), market.AgreementFilter{ProductCode: p.Code, Status: market.Active, Limit: maxTried + 1})
	if err != nil {
		return err
	}
	at, names := productPath(p.Code), namesOf(accounts)
	page := tryPage{
		Title: titleOf(p), Path: at, Action: at + "/try", Target: plain(c.service.RegistrationURL(p)), Builtin: p.RegistrationURL == "", Registration: c.registrationOf(p), Problem: problem,
		More: len(had) > maxTried,
	}
	has, listed := map[string]bool{}, false
	for _, g := range had[:min(len(had), maxTried)] {
		has[g.Buyer] = true
		listed = listed || g.ID == chosen
		page.Agreements = append(page.Agreements, choice{g.ID, names.of(g.Buyer) + " – " + g.ID, g.ID == chosen})
	}
	if !listed && chosen != "" && !strings.HasPrefix(chosen, "buyer:") && problem == "" {
		page.Agreements = append(page.Agreements, choice{chosen, plain(chosen), true})
	}
	for _, b := range buyersOf(accounts) {
		if !has[b.ID] && len(page.Buyers) < fewHints && !page.More {
			page.Buyers = append(page.Buyers, choice{"buyer:" + b.ID, b.Name + " – is subscribed first", chosen == "buyer:"+b.ID})
		}
	}
	if report != nil {
		page.Result = c.tryResult(report, names)
	}
	return c.render(w, response{status: status, page: "product_try", title: "Try it: " + page.Title, section: "sell", style: "product.css", once: report != nil, body: page})
}

func (c *Console) tryResult(t *tryit.Report, names accountNames) *tryResult {
	v := &tryResult{
		OK: t.OK, Summary: "It works", Agreement: agreementPath(t.AgreementID), AgreeID: t.AgreementID, Buyer: names.of(t.Buyer), Subscribed: t.Subscribed,
		Began: momentOf(t.StartedAt), Took: durationWords(t.DurationMS * 1000),
	}
	if !t.OK {
		v.Summary = "It does not work yet"
	}
	for _, x := range t.Verdicts {
		word := map[tryit.Level]string{tryit.Good: "Good", tryit.Warning: "Mind", tryit.Bad: "Wrong"}[x.Level]
		v.Verdicts = append(v.Verdicts, tryVerdict{Class: string(x.Level), Word: word, Text: plain(x.Text)})
	}
	for _, h := range t.Hops {
		hop := tryHop{Method: h.Method, URL: plain(h.URL), Status: statusWords(h.Status), Took: durationWords(h.DurationMS * 1000), Body: plain(lines(h.Body)), Truncated: h.Truncated, Error: plain(h.Error)}
		switch {
		case h.Status == 0 || h.Status >= 400:
			hop.Class = "bad"
		case h.Status < 300:
			hop.Class = "good"
		}
		for _, line := range h.Headers {
			hop.Headers = append(hop.Headers, field{line.Name, plain(line.Value)})
		}
		v.Hops = append(v.Hops, hop)
	}
	for _, x := range t.Calls {
		v.Calls = append(v.Calls, call{ID: x.RequestID, Operation: "ResolveCustomer", Outcome: plain(x.Outcome), Good: x.Outcome == "ok"})
	}
	return v
}

func statusWords(status int) string {
	if status == 0 {
		return "no answer"
	}
	return strings.TrimSpace(number(status) + " " + http.StatusText(status))
}
