package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

// requestPage is what the page of one request shows.
type requestPage struct {
	ID         string
	Path       string
	Operation  string
	Outcome    requestWord
	Code       string
	Message    string
	Reason     string // the truth where the caller is not told it
	Warning    string
	Fault      string
	FaultID    string
	Time       moment
	MarketTime moment // zero where it says the same as Time
	Duration   string
	Attempt    int
	Remote     string
	Protocol   string
	Who        signer
	Authz      *reqlog.AuthzView
	Subjects   []subject
	Stages     []stageRow
	Touched    touched
	Explained  []explained
	Diff       *signatureDiff
	Pasted     string
	Request    message
	Response   message
	Calls      []callTab
	Call       *sameCall // the one of them that is shown
	CallNote   string
	Attempts   []attemptRow
	Replay     replayForm
}

// signer is who signed a request, and with what scope.
type signer struct {
	AccessKeyID, Principal, Account, AccountName string
	Scope                                        scope
	Signed                                       []string // headers
}

// subject is something that the request was about, with its page.
type subject struct{ Label, Text, Note, Path string }

// callTab is a language that the request can be shown in.
type callTab struct {
	Title, Path string
	Chosen      bool
}

// attemptRow is another attempt of the same call of an SDK.
type attemptRow struct {
	Path, ID string
	Number   int
	Time     moment
	Outcome  requestWord
	This     bool
}

// request is the page of one request.
func (c *Console) request(w http.ResponseWriter, r *http.Request) error {
	v, err := c.requestByID(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.showRequest(w, r, http.StatusOK, v, requestShown{as: r.URL.Query().Get("as")})
}

// maxPasted is longer than canonical requests are: their headers have 16 KiB at most, the body is a hash.
const maxPasted = 18 << 10

// compare shows the page with the canonical request that somebody pasted beside Souk’s. Nothing is kept of it.
func (c *Console) compare(w http.ResponseWriter, r *http.Request) error {
	v, err := c.requestByID(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	if v.Canonical == "" {
		return &httpError{http.StatusConflict, "This request was not refused for its signature, so there is nothing to compare."}
	}
	pasted := r.PostForm.Get("canonical")
	if len(pasted) > maxPasted {
		return &httpError{http.StatusRequestEntityTooLarge, "That is longer than any canonical request."}
	}
	return c.showRequest(w, r, http.StatusOK, v, requestShown{pasted: pasted})
}

// requestByID finds a request that is still kept.
func (c *Console) requestByID(ctx context.Context, id string) (reqlog.View, error) {
	if c.log == nil {
		return reqlog.View{}, &httpError{http.StatusNotFound, "This Souk keeps no requests to look at."}
	}
	scope, err := c.logScope(ctx)
	if err != nil {
		return reqlog.View{}, err
	}
	v, ok := c.log.GetFor(scope, id)
	if !ok {
		return v, &httpError{http.StatusNotFound, "There is no request " + shortened(id, 64) + " here any more, or there never was one. Souk keeps the newest requests in memory only: " +
			"older ones make way for newer ones (--requests says how many stay), and none outlives a restart. A node knows the requests that it answered itself. The access log, if there is one, still has a line of it."}
	}
	return v, nil
}

// requestShown is what was asked of the page, or sent to it, beside the request's id.
type requestShown struct {
	as      string // language
	pasted  string
	body    *string // of the replay's form
	problem string  // of the replay
}

func (c *Console) showRequest(w http.ResponseWriter, r *http.Request, status int, v reqlog.View, shown requestShown) error {
	ctx := r.Context()
	names := c.requestNames(ctx)
	agreement := c.agreementOf(ctx, v)
	page := requestPage{
		ID: plain(v.ID), Path: requestPath(v.ID), Operation: shortened(v.Operation, 80), Outcome: outcomeOf(v), Code: plain(v.ErrorCode), Message: shortened(v.ErrorMessage, maxShown),
		Reason: shortened(v.Reason, maxShown), Warning: shortened(v.Warning, maxShown), Fault: faultWords(v.FaultEffect), FaultID: plain(v.FaultID),
		Time: momentOf(v.Time), Duration: durationWords(v.DurationUS), Attempt: v.Attempt, Remote: plain(v.Remote), Protocol: plain(v.Protocol), Who: signerOf(v, names),
		Subjects: subjectsOf(v, agreement, names), Stages: stagesOf(v), Touched: touchedBy(v), Explained: explain(v, agreement), Diff: signatureDiffOf(v, shown.pasted), Pasted: shown.pasted,
		Request: requestMessage(v), Response: responseMessage(v), Attempts: c.attemptsOf(ctx, v), Replay: c.replayForm(ctx, v, shown),
	}
	if page.Operation == "" {
		page.Operation = shortened(v.Method+" "+v.Target, 60)
	}
	if apart := v.MarketTime.Sub(v.Time).Abs(); apart >= clocksApart && !v.MarketTime.IsZero() {
		page.MarketTime = momentOf(v.MarketTime)
	}
	if v.Authz != nil {
		page.Authz = &reqlog.AuthzView{Allowed: v.Authz.Allowed, Effect: plain(v.Authz.Effect), Policy: plain(v.Authz.Policy), Sid: plain(v.Authz.Sid), Statement: v.Authz.Statement, Why: sentence(v.Authz.Why)}
	}
	page.addCalls(v, c.environment.Endpoint, shown.as)
	return c.render(w, response{status: status, page: "request", title: page.Operation + ": " + page.Outcome.Text, section: "requests", style: "request.css", body: page})
}

// maxShown bounds texts that stand in the page's lists of facts, in characters.
const maxShown = 2000

func signerOf(v reqlog.View, names requestNames) signer {
	s := signer{AccessKeyID: plain(v.AccessKeyID), Principal: shortened(v.Principal, 256), Account: plain(v.Account), Scope: scopeOf(v)}
	if v.Account != "" {
		s.AccountName = shortened(names.accounts.of(v.Account), 120)
	}
	list := strings.Split(s.Scope.SignedHeaders, ";")
	for _, name := range list[:min(len(list), 100)] {
		if name != "" {
			s.Signed = append(s.Signed, shortened(name, 80))
		}
	}
	for _, p := range []*string{&s.Scope.AccessKeyID, &s.Scope.Day, &s.Scope.Region, &s.Scope.Service, &s.Scope.Date, &s.Scope.Scope} {
		*p = shortened(*p, 128)
	}
	if s.AccessKeyID == "" {
		s.AccessKeyID = s.Scope.AccessKeyID
	}
	return s
}

// maxAgreements bounds the search for the one that has a license: a buyer has few of one product.
const maxAgreements = 50

// agreementOf is the id of the agreement that the request was about; "" if it is not known. A store that fails costs the page a link, not more.
func (c *Console) agreementOf(ctx context.Context, v reqlog.View) string {
	if v.ProductCode == "" || v.Buyer == "" {
		return ""
	}
	list, err := c.service.Agreements(ctx, callerIn(ctx), market.AgreementFilter{ProductCode: v.ProductCode, Buyer: v.Buyer, Limit: maxAgreements})
	if err != nil {
		return ""
	}
	for _, a := range list {
		if a.LicenseARN == v.LicenseARN || v.LicenseARN == "" && len(list) == 1 {
			return a.ID
		}
	}
	return ""
}

func subjectsOf(v reqlog.View, agreement string, names requestNames) []subject {
	var list []subject
	if v.ProductCode != "" {
		s := subject{Label: "Product", Text: names.titles[v.ProductCode], Note: shortened(v.ProductCode, 255)}
		if s.Text != "" { // one that there is
			s.Path = productPath(v.ProductCode)
		} else {
			s.Text, s.Note = s.Note, "there is none of that code"
		}
		list = append(list, s)
	}
	if v.Buyer != "" {
		list = append(list, subject{"Buyer", shortened(names.accounts.of(v.Buyer), 120), plain(v.Buyer), "/subscriptions?buyer=" + url.QueryEscape(v.Buyer)})
	}
	if agreement != "" {
		list = append(list, subject{"Agreement", plain(agreement), "", agreementPath(agreement)})
	}
	if v.LicenseARN != "" {
		list = append(list, subject{Label: "License", Text: shortened(v.LicenseARN, 255)})
	}
	return list
}

// attemptsWithin is how many requests of the same operation and key are looked through for attempts at one call. Attempts stand close together.
const attemptsWithin = 100

// attemptsOf lists the attempts at a call that the request is one of, in their order; none if it is the only one that is kept.
func (c *Console) attemptsOf(ctx context.Context, v reqlog.View) []attemptRow {
	key := callKey(v)
	scope, err := c.logScope(ctx)
	if key == "" || err != nil {
		return nil
	}
	var rows []attemptRow
	for _, other := range c.log.List(reqlog.Filter{Operation: v.Operation, Principal: v.AccessKeyID, Before: v.Seq + attemptsWithin, Limit: 2 * attemptsWithin, Scope: scope}) {
		if callKey(other) == key && len(rows) < 2*maxAttempts {
			rows = append(rows, attemptRow{Path: requestPath(other.ID), ID: plain(other.ID), Number: other.Attempt, Time: momentOf(other.Time), Outcome: outcomeOf(other), This: other.ID == v.ID})
		}
	}
	if len(rows) < 2 {
		return nil
	}
	slices.Reverse(rows)
	return rows
}

// queryOf reads the query string of a target, as far as it can be read.
func queryOf(target string) url.Values {
	_, query, _ := strings.Cut(target, "?")
	q, _ := url.ParseQuery(query) // what cannot be read is not there
	return q
}

// addCalls shows the request in one language, with links to the others.
func (p *requestPage) addCalls(v reqlog.View, endpoint, as string) {
	body, note := bodyToSend(v)
	p.CallNote = note
	calls := sameCalls(v, endpoint, body)
	if len(calls) == 0 {
		return
	}
	chosen := max(0, slices.IndexFunc(calls, func(s sameCall) bool { return s.ID == as }))
	for i, s := range calls {
		p.Calls = append(p.Calls, callTab{s.Title, p.Path + "?as=" + s.ID + "#same", i == chosen})
	}
	p.Call = &calls[chosen]
}

func sizeWords(n int) string {
	if n < 1<<10 {
		return plural(n, "byte", "bytes")
	}
	return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
}
