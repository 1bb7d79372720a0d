package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/iam"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

// call is one request on its way. Calls are pooled: what outlives the request is in the record.
type call struct {
	s         *Server
	r         *http.Request
	rec       *reqlog.Record
	course    reqlog.Course // which stage the request is in
	codec     awsproto.Codec
	op        *operation
	principal *account.Principal
	caller    market.Caller

	token   []byte // the registration token, where the body is the usual one of ResolveCustomer
	out     []byte // the result's body; the record's buffer
	closing bool   // the connection cannot be used again
	cut     bool   // the connection is to be closed instead of an answer
	lose    bool   // a fault rule wants the answer lost
	leave   int    // a fault rule wants that many records left unprocessed

	room rooms // where operations take requests apart, used again and again

	wait    waiter // where the call waits, used again and again
	turn    *line  // that it has a turn of
	charged int64  // bytes of its body that count against the budget

	authz      iam.Request
	conditions func(string) ([]string, bool) // bound once: a method value allocates
	one        [1]string
}

func newCall() *call {
	q := new(call)
	q.conditions = q.condition
	return q
}

func (q *call) begin(s *Server, r *http.Request) {
	rec := s.Records.Begin()
	rec.ID, rec.Time, rec.MarketTime = newRequestID(), s.Wall(), s.Service.Now()
	rec.Remote, rec.Method, rec.Target, rec.Proto, rec.Host, rec.Header = r.RemoteAddr, r.Method, r.RequestURI, r.Proto, r.Host, r.Header
	rec.Attempt = attempt(r.Header)
	q.s, q.r, q.rec = s, r, rec
	q.course.Begin(rec.Time)
	q.codec = awsproto.JSON11.Codec()
}

// end commits the record and forgets everything else but the room that operations keep.
func (q *call) end() {
	q.giveTurnBack()
	q.s.admission.bodies.giveBack(q.charged)
	q.course.End(q.rec)
	q.s.Records.Commit(q.rec)
	*q = call{conditions: q.conditions, room: q.room, wait: q.wait}
}

// enter notes that the next stage begins.
func (q *call) enter(s reqlog.Stage) { q.course.Enter(q.rec, s) }

// answer takes the request through its stations. Without a fault, q.out is the result.
func (q *call) answer() *awsproto.Fault {
	codec, service, name, routing := awsproto.Route(q.r)
	q.codec = codec
	q.rec.Protocol, q.rec.Service, q.rec.Operation = codec.Protocol().String(), service, ""
	if f := q.admit(service, name); f != nil {
		return f
	}
	if f := q.readBody(); f != nil {
		return f
	}
	if routing != nil && routing.Status == http.StatusNotFound { // no protocol claims it: what the body is does not matter
		return routing
	}
	q.token = nil
	if codec.Protocol() != awsproto.CBOR {
		q.token, _ = awsproto.FastRegistrationToken(q.rec.Body)
	}
	if q.token == nil {
		if f := codec.Valid(q.rec.Body); f != nil {
			return f
		}
	}
	if routing != nil {
		return routing
	}
	if q.op = findOperation(service, name); q.op == nil {
		return awsproto.UnknownOperation(service, name)
	}
	q.rec.Operation = q.op.name
	if f := q.takeTurn(); f != nil {
		return f
	}
	if q.s.Stale != nil {
		if why := q.s.Stale(); why != "" {
			q.rec.Reason = why
			return known("ServiceUnavailable", "")
		}
	}
	q.enter(reqlog.Authenticating)
	if f := q.authenticate(); f != nil {
		return f
	}
	q.enter(reqlog.Authorizing)
	if f := q.authorize(); f != nil {
		return f
	}
	q.enter(reqlog.Operating)
	if !q.s.Quotas.Allow(q.op.name, q.principal.Account, q.rec.Region) {
		q.rec.Reason = "over the quota of account " + q.principal.Account + " in " + q.rec.Region
		return known("ThrottlingException", "")
	}
	return q.op.run(q.r.Context(), q)
}

// authenticate finds out who signed.
func (q *call) authenticate() *awsproto.Fault {
	res, err := q.s.verifier.VerifyAt(q.r, q.rec.Body, signingName, q.rec.Time)
	q.rec.AccessKeyID, q.rec.Region = clip(res.AccessKeyID), clip(res.Region)
	if p, ok := res.Identity.(*account.Principal); ok && p != nil {
		q.principal = p
		q.rec.Principal, q.rec.Account = p.ARN, p.Account
	}
	if err == nil && q.principal != nil {
		p := q.principal
		q.caller = market.Caller{
			Account: p.Account, ARN: p.ARN, Region: res.Region, Now: q.rec.MarketTime,
			Workload: p.Workload, Session: session(p), WorkloadRegion: p.WorkloadRegion,
		}
		return nil
	}
	var refused *sigv4.Error
	if errors.As(err, &refused) {
		q.rec.Canonical, q.rec.StringToSign = refused.CanonicalRequest, refused.StringToSign
		return &awsproto.Fault{Status: http.StatusBadRequest, Code: refused.Code, Message: refused.Message}
	}
	return q.internal(err)
}

// session names a workload: two roles may well have sessions of one name.
func session(p *account.Principal) string {
	if p.Session == "" {
		return ""
	}
	return p.Name + "/" + p.Session
}

// clip bounds what a stranger can put into the log: 128 characters are as long as an access key id can be.
func clip(s string) string { return s[:min(len(s), 128)] }

// lookup is sigv4's view of the accounts.
func (s *Server) lookup(ctx context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	secret, p, err := s.Credentials.Lookup(ctx, accessKeyID, sessionToken)
	switch {
	case err == nil:
		return sigv4.Credential{Secret: secret, Identity: p}, nil
	case errors.Is(err, account.ErrExpiredSession):
		return sigv4.Credential{Identity: p}, sigv4.ErrExpiredSession
	case errors.Is(err, account.ErrUnknownKey), errors.Is(err, account.ErrBadSessionToken):
		if s.Relaxed != nil {
			if p := s.Relaxed(accessKeyID); p != nil {
				s.warnOnce.Do(func() {
					s.Log.Warn("relaxed authentication: a request with an unknown access key was let in, its signature unchecked; further ones are not mentioned",
						"key", accessKeyID, "account", p.Account)
				})
				return sigv4.Credential{Identity: p, Unchecked: true}, nil
			}
		}
		if errors.Is(err, account.ErrUnknownKey) {
			return sigv4.Credential{}, sigv4.ErrUnknownKey
		}
		return sigv4.Credential{}, sigv4.ErrBadSessionToken
	}
	return sigv4.Credential{}, err
}

// authorize asks the policies. An account that is suspended is refused in the older, shorter form of the message, which names no policy.
func (q *call) authorize() *awsproto.Fault {
	p := q.principal
	if p.Suspended {
		q.rec.Reason = "account " + p.Account + " is suspended"
		return known(q.denial(), "User: "+p.ARN+" is not authorized to perform: "+q.op.action)
	}
	q.authz = iam.Request{Action: q.op.action, Resource: "*", Context: q.conditions}
	d := iam.Evaluate(&p.Grants, &q.authz)
	q.rec.Authz = reqlog.Authz{Decided: true, Allowed: d.Allowed, Effect: d.Effect.String(), Policy: d.Policy, Sid: d.Sid, Statement: d.Statement}
	if !d.Allowed {
		q.rec.Authz.Why = d.Why()
		return known(q.denial(), d.DeniedMessage(p.ARN, q.op.action))
	}
	return nil
}

// denial is the code of a denial: the usual one, unless the operation has a say in it.
func (q *call) denial() string {
	if q.op.denial != nil {
		return q.op.denial(q)
	}
	return "AccessDeniedException"
}

// misbehave applies the first fault rule that fires for a call about productCode. Operations call it between reading their input and
// acting on it. done means that the operation must not act.
func (q *call) misbehave(ctx context.Context, productCode string) (f *awsproto.Fault, done bool) {
	if !q.faulty() {
		return nil, false
	}
	hit, ok := q.s.Faults.Match(&fault.Call{
		Operation: q.op.name, PrincipalARN: q.principal.ARN, Account: q.principal.Account, ProductCode: productCode, Attempt: q.rec.Attempt,
	})
	if !ok {
		return nil, false
	}
	q.rec.FaultID = hit.RuleID
	if hit.Delay > 0 {
		q.rec.FaultEffect = "delay"
		q.enter(reqlog.Held)
		defer q.enter(reqlog.Operating)
		q.giveTurnBack() // what a rule holds up holds up nobody else
		t := time.NewTimer(hit.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-q.s.draining.Done(): // the house closes: the call goes on at once
		case <-ctx.Done(): // nobody waits for the answer any more
			return q.internal(ctx.Err()), true
		}
	}
	switch {
	case hit.Refuse != "":
		q.rec.FaultEffect, q.rec.Reason = "refuse", "fault rule "+hit.RuleID
		return known(hit.Refuse, hit.Message), true
	case hit.Cut:
		q.rec.FaultEffect, q.rec.Reason = "cut", "fault rule "+hit.RuleID
		q.cut = true
		return nil, true
	case hit.Lose:
		q.rec.FaultEffect, q.rec.Reason = "lose", "fault rule "+hit.RuleID
		q.lose = true
	case hit.Unprocessed > 0:
		q.rec.FaultEffect, q.rec.Reason = "unprocessed", "fault rule "+hit.RuleID
		q.leave = hit.Unprocessed
	}
	return nil, false
}

// faulty reports whether there are fault rules at all.
func (q *call) faulty() bool { return q.s.Faults != nil && !q.s.Faults.Empty() }

// addReason adds to what the record says of why.
func (q *call) addReason(text string) {
	switch {
	case text == "":
	case q.rec.Reason == "":
		q.rec.Reason = text
	default:
		q.rec.Reason += "; " + text
	}
}

// finish writes the answer, or arranges that there is none.
func (q *call) finish(w http.ResponseWriter, f *awsproto.Fault) {
	rec := q.rec
	q.enter(reqlog.Answering)
	if q.lose {
		q.cut = true
	}
	if f != nil {
		if f.Namespace == "" {
			f.Namespace = namespaceOf(f.Code, rec.Service)
		}
		rec.ErrorCode, rec.ErrorMessage = f.Code, f.Message
		rec.Response = q.codec.AppendFault(rec.Response[:0], f)
	} else {
		rec.Response = q.out
	}
	if q.cut {
		return
	}
	if q.closing {
		w.Header()["Connection"] = []string{"close"}
	}
	if f != nil {
		rec.Status = f.Status
		awsproto.WriteFault(w, q.codec, rec.ID, f)
		return
	}
	rec.Status = http.StatusOK
	expectBody(q.r.Context(), len(q.out))
	awsproto.WriteResult(w, q.codec, rec.ID, q.out)
}

// fail turns an error of the market into what AWS would answer, and keeps its reason for the record.
func (q *call) fail(err error) *awsproto.Fault {
	var e *market.Error
	if !errors.As(err, &e) {
		return q.internal(err)
	}
	code, ok := domainCodes[e.Code]
	if !ok || shapes[code].modeled && !slices.Contains(q.op.codes, code) { // an error that this operation should not have: ours to look into
		return q.internal(err)
	}
	q.rec.Reason = e.Reason
	switch e.Code {
	case market.Unavailable:
		return known(code, "")
	case market.Invalid:
		return awsproto.Validation(e.Message)
	}
	return known(code, e.Message)
}

// internal answers for what should not have happened: told to the log in full, to the caller not at all.
func (q *call) internal(err error) *awsproto.Fault {
	if q.r.Context().Err() != nil { // and not any context that ended: the store has deadlines of its own
		q.rec.Reason = "the client hung up"
		return known("RequestAbortedException", "")
	}
	text := "nobody was found behind the access key, and no reason why"
	if err != nil {
		text = err.Error()
	}
	q.rec.Reason = text
	q.s.Log.LogAttrs(q.r.Context(), slog.LevelError, "internal error", slog.String("id", q.rec.ID), slog.String("operation", q.rec.Operation), slog.String("error", text))
	return internalFault()
}

// attempt reads the attempt's number out of `amz-sdk-request: attempt=2; max=3`.
func attempt(h http.Header) int {
	v := h["Amz-Sdk-Request"]
	if len(v) == 0 {
		return 0
	}
	_, rest, ok := strings.Cut(v[0], "attempt=")
	if !ok {
		return 0
	}
	n := 0
	for i := 0; i < len(rest) && rest[i] >= '0' && rest[i] <= '9' && n < 1000; i++ {
		n = n*10 + int(rest[i]-'0')
	}
	return n
}
