// Package tryit plays "Set up your account" against a product's registration URL and reports what happened: each step of the way as a
// buyer's browser would go it, what was asked of Souk meanwhile, and in plain words what is wrong. The console and the control API share it.
//
// It posts from where Souk runs, to an address that the product's seller chose, and on from there to wherever that one redirects. So only
// operators can have it done; a try is bounded in time, steps and size; and it carries nothing but the form: no proxy of the environment is
// used, and no cookie or credential of the control listener is ever sent. What comes back is shown to the operator who asked, and to nobody else.
package tryit

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/registration"
	"github.com/souk-market/souk/internal/reqlog"
)

// Timeout is how long a try takes at most, but for what Souk itself does.
const Timeout = 25 * time.Second

// recorded is how long the record of a call may take to be there once the page that made it has answered. A page may also call behind its answer.
const recorded = time.Second

// Config is what a Tester is made of. Service is required.
type Config struct {
	Service   *market.Service
	Log       *reqlog.Log       // the requests of the AWS face; nil: reports say nothing of them
	Transport http.RoundTripper // nil: direct connections
}

// Tester tries registration URLs. It is safe for concurrent use.
type Tester struct {
	service   *market.Service
	log       *reqlog.Log
	transport http.RoundTripper
}

// New makes a Tester.
func New(cfg Config) *Tester {
	t := &Tester{service: cfg.Service, log: cfg.Log, transport: cfg.Transport}
	if t.transport == nil {
		t.transport = &http.Transport{
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second,
			DisableKeepAlives: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return t
}

// Input says whose token is posted where.
type Input struct {
	ProductCode string
	AgreementID string // "": one of Buyer's, or any active one
	Buyer       string // account; one without an active agreement is subscribed first, on the public offer
}

// Report is what came of a try. Registration tokens in it are masked.
type Report struct {
	ProductCode string    `json:"product_code"`
	AgreementID string    `json:"agreement_id"`
	Buyer       string    `json:"buyer"`
	Subscribed  bool      `json:"subscribed"` // the agreement was made for this
	URL         string    `json:"registration_url"`
	StartedAt   time.Time `json:"started_at"` // wall clock
	DurationMS  int64     `json:"duration_ms"`
	Hops        []Hop     `json:"hops"`
	Calls       []Call    `json:"calls"`
	Verdicts    []Verdict `json:"verdicts"`
	OK          bool      `json:"ok"` // no verdict is bad
}

// Call is a ResolveCustomer that came in meanwhile.
type Call struct {
	RequestID string `json:"request_id"`
	Outcome   string `json:"outcome"` // "ok", an error code, or "cut"
	// Certain: it was about the license of this try. A call that was refused may be about anything.
	Certain bool `json:"certain"`
}

// Try mints a token for an agreement of the product, as Service.SetUpAccount does, and posts it to the registration URL. Whatever the
// page does is a report; an error says that nothing was posted.
//
// Errors: Forbidden for all but operators; those of SetUpAccount and Buy; Conflict if the product has no registration URL, or no active agreement and no buyer was named; Invalid
// for an agreement of another product.
func (t *Tester) Try(ctx context.Context, c market.Caller, in Input) (Report, error) {
	if !c.Operator {
		return Report{}, refuse(market.Forbidden, "only operators have Souk post to a registration URL")
	}
	product, _, err := t.service.Product(ctx, c, in.ProductCode)
	if err != nil {
		return Report{}, err
	}
	target := t.service.RegistrationURL(product)
	if target == "" {
		return Report{}, refuse(market.Conflict, "product %s has no registration URL to post to", product.Code)
	}
	agreement, subscribed, err := t.agreement(ctx, c, in)
	if err != nil {
		return Report{}, err
	}
	p, err := t.service.SetUpAccount(ctx, c, agreement)
	if err != nil {
		return Report{}, err
	}
	way := &recorder{next: t.transport, secret: secretOf(p.Token)}
	since := t.newest()
	r := Report{
		ProductCode: product.Code, AgreementID: agreement, Buyer: p.Agreement.Buyer, Subscribed: subscribed, URL: target, StartedAt: time.Now().UTC(),
	}
	browser := registration.Browser{Client: &http.Client{Transport: way, Timeout: Timeout}}
	_, failure := browser.Post(ctx, target, registration.Form(p))
	r.DurationMS = time.Since(r.StartedAt).Milliseconds()
	if err := ctx.Err(); err != nil { // who asked has gone: that is no finding about the page
		return Report{}, fmt.Errorf("tryit: post to the registration URL: %w", err)
	}
	r.Hops = append([]Hop{}, way.hops...)
	r.Calls = append([]Call{}, t.calls(ctx, since, p.Agreement.LicenseARN, failure == nil)...)
	r.Verdicts = judge(findings{hops: way.hops, calls: r.Calls, failure: failure, watched: t.log != nil, took: time.Duration(r.DurationMS) * time.Millisecond})
	r.OK = true
	for _, v := range r.Verdicts {
		r.OK = r.OK && v.Level != Bad
	}
	return r, nil
}

// agreement is the one whose token is posted.
func (t *Tester) agreement(ctx context.Context, c market.Caller, in Input) (id string, subscribed bool, err error) {
	if in.AgreementID != "" {
		g, _, err := t.service.Agreement(ctx, c, in.AgreementID)
		if err == nil && g.ProductCode != in.ProductCode {
			err = refuse(market.Invalid, "agreement %s is of product %s, not of %s", g.ID, g.ProductCode, in.ProductCode)
		}
		return g.ID, false, err
	}
	had, err := t.service.Agreements(ctx, c, market.AgreementFilter{ProductCode: in.ProductCode, Buyer: in.Buyer, Status: market.Active, Limit: 1})
	switch {
	case err != nil:
		return "", false, err
	case len(had) > 0:
		return had[0].ID, false, nil
	case in.Buyer == "":
		return "", false, refuse(market.Conflict, "product %s has no active agreement: name a buyer, who is subscribed first", in.ProductCode)
	}
	p, err := t.service.Buy(ctx, c, market.PurchaseInput{ProductCode: in.ProductCode, Buyer: in.Buyer})
	return p.Agreement.ID, true, err
}

// newest is the number of the newest record.
func (t *Tester) newest() uint64 {
	if t.log == nil {
		return 0
	}
	list := t.log.List(reqlog.Filter{Limit: 1})
	if len(list) == 0 {
		return 0
	}
	return list[0].Seq
}

// calls are those of ResolveCustomer since then, oldest first, that were about the license or, being refused, may have been. If the page
// answered, they are waited for a little.
func (t *Tester) calls(ctx context.Context, since uint64, license string, answered bool) (list []Call) {
	if t.log == nil {
		return nil
	}
	mine := func(v reqlog.View) bool {
		return v.Seq > since && v.Operation == "ResolveCustomer" && (v.LicenseARN == license || v.LicenseARN == "")
	}
	if answered {
		ctx, cancel := context.WithTimeout(ctx, recorded)
		defer cancel()
		_, _ = t.log.Wait(ctx, mine) // none in time is what the list will say
	}
	for _, v := range t.log.List(reqlog.Filter{Operation: "ResolveCustomer"}) {
		if mine(v) {
			list = append([]Call{{RequestID: v.ID, Outcome: cmp.Or(v.Outcome, "ok"), Certain: v.LicenseARN == license}}, list...)
		}
	}
	return list
}

func refuse(code market.Code, format string, args ...any) error {
	return &market.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
