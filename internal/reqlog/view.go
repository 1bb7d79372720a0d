package reqlog

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// View is a record as it may be shown: copied, its secrets masked.
type View struct {
	ID           string      `json:"id"`
	Seq          uint64      `json:"seq"`
	Time         time.Time   `json:"time"`
	MarketTime   time.Time   `json:"market_time"`
	DurationUS   int64       `json:"duration_us"`
	Stages       []StageView `json:"stages,omitempty"`
	Remote       string      `json:"remote"`
	Method       string      `json:"method"`
	Target       string      `json:"target"`
	Proto        string      `json:"proto"`
	Host         string      `json:"host"`
	Headers      []Header    `json:"headers"`
	Body         string      `json:"body"`
	BodySize     int         `json:"body_size"`
	Protocol     string      `json:"protocol,omitempty"`
	Service      string      `json:"service,omitempty"`
	Operation    string      `json:"operation,omitempty"`
	Attempt      int         `json:"attempt,omitempty"`
	AccessKeyID  string      `json:"access_key_id,omitempty"`
	Principal    string      `json:"principal,omitempty"`
	Account      string      `json:"account,omitempty"`
	Region       string      `json:"region,omitempty"`
	Authz        *AuthzView  `json:"authorization,omitempty"`
	ProductCode  string      `json:"product_code,omitempty"`
	Buyer        string      `json:"buyer,omitempty"`
	LicenseARN   string      `json:"license_arn,omitempty"`
	Status       int         `json:"status"`
	Outcome      string      `json:"outcome"`
	ErrorCode    string      `json:"error_code,omitempty"`
	ErrorMessage string      `json:"error_message,omitempty"`
	Reason       string      `json:"reason,omitempty"`
	Response     string      `json:"response"`
	FaultID      string      `json:"fault_id,omitempty"`
	FaultEffect  string      `json:"fault_effect,omitempty"`
	Warning      string      `json:"warning,omitempty"`
	Canonical    string      `json:"canonical_request,omitempty"`
	StringToSign string      `json:"string_to_sign,omitempty"`
}

// Header is one header line.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// AuthzView is the decision about a request, in words.
type AuthzView struct {
	Allowed   bool   `json:"allowed"`
	Effect    string `json:"effect"`
	Policy    string `json:"policy,omitempty"`
	Sid       string `json:"sid,omitempty"`
	Statement int    `json:"statement"`
	Why       string `json:"why"`
}

// View copies r, masked.
func (r *Record) View() View {
	v := View{
		ID: r.ID, Seq: r.Seq, Time: r.Time.UTC(), MarketTime: r.MarketTime.UTC(), DurationUS: r.Duration.Microseconds(), Stages: stageViews(&r.Stages),
		Remote: r.Remote, Method: r.Method, Target: maskTarget(r.Target), Proto: r.Proto, Host: r.Host,
		Body: maskTokens(printable(r.Body)), BodySize: r.BodySize,
		Protocol: r.Protocol, Service: r.Service, Operation: r.Operation, Attempt: r.Attempt,
		AccessKeyID: r.AccessKeyID, Principal: r.Principal, Account: r.Account, Region: r.Region,
		ProductCode: r.ProductCode, Buyer: r.Buyer, LicenseARN: r.LicenseARN,
		Status: r.Status, Outcome: r.Outcome(), ErrorCode: r.ErrorCode, ErrorMessage: maskSession(r.ErrorMessage), Reason: r.Reason,
		Response: r.shownResponse(), FaultID: r.FaultID, FaultEffect: r.FaultEffect, Warning: r.Warning,
		Canonical: maskLong(maskSession(r.Canonical)), StringToSign: r.StringToSign,
	}
	if a := r.Authz; a.Decided {
		v.Authz = &AuthzView{Allowed: a.Allowed, Effect: a.Effect, Policy: a.Policy, Sid: a.Sid, Statement: a.Statement, Why: a.why()}
	}
	for name, value := range r.eachHeader {
		v.Headers = append(v.Headers, Header{Name: name, Value: maskHeader(name, value)})
	}
	slices.SortFunc(v.Headers, func(a, b Header) int { return strings.Compare(a.Name+a.Value, b.Name+b.Value) })
	return v
}

func (a *Authz) why() string {
	switch {
	case a.Why != "" || !a.Allowed:
		return a.Why
	case a.Policy == "":
		return "allowed: the account's root may do everything in it"
	case a.Sid != "":
		return fmt.Sprintf("allowed by statement %d (Sid %q) of policy %q", a.Statement, a.Sid, a.Policy)
	}
	return fmt.Sprintf("allowed by statement %d of policy %q", a.Statement, a.Policy)
}

// What a token looks like wherever it stands, JSON escapes and percent signs included. In bodies nothing else has 40 of these characters in a
// row: ARNs and ids are short of it. Elsewhere scopes and hashes do, but not 100.
var (
	tokenInBody    = regexp.MustCompile(`[A-Za-z0-9+/=\\%_.-]{40,}`)
	tokenElsewhere = regexp.MustCompile(`[A-Za-z0-9+/=%_.-]{100,}`)
	signature      = regexp.MustCompile(`(?i)(Signature\s*=\s*)[^,&]+`)
	// A session token that is signed stands in the canonical request too, and so in an answer that repeats that.
	sessionToken = regexp.MustCompile(`(?i)(x-amz-security-token[:=])[^\s&\\"]+`)
)

const masked = "…"

// mask leaves enough of a token to tell it from another.
func mask(run string) string { return fmt.Sprintf("%s%s(%d characters)", run[:6], masked, len(run)) }

// maskedText is what mask writes.
var maskedText = regexp.MustCompile(masked + `\(\d+ characters\)`)

// Masked reports whether something in a shown text stands for a secret.
func Masked(text string) bool { return maskedText.MatchString(text) }

// Truncated reports whether the log has only the beginning of the request's body.
func (v *View) Truncated() bool {
	return v.BodySize > MaxBody || v.Principal == "" && v.BodySize > maxStrangerBody
}

func maskTokens(s string) string { return tokenInBody.ReplaceAllStringFunc(s, mask) }

func maskSession(s string) string { return sessionToken.ReplaceAllString(s, "${1}"+masked) }

// shownResponse is the answer. Only errors can repeat a secret: what InvalidSignatureException says of the request.
func (r *Record) shownResponse() string {
	text := printable(r.Response)
	if r.ErrorCode == "" {
		return text
	}
	return maskSession(text)
}

func maskLong(s string) string { return tokenElsewhere.ReplaceAllStringFunc(s, mask) }

// maskTarget masks the secrets of a query string, by their names as a server reads them, and whatever looks like a token.
func maskTarget(target string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return maskLong(target)
	}
	params := strings.Split(query, "&")
	for i, p := range params {
		name, _, _ := strings.Cut(p, "=")
		decoded, err := url.QueryUnescape(name)
		if err != nil {
			decoded = name
		}
		switch strings.ToLower(decoded) {
		case "x-amz-security-token", "x-amz-signature":
			params[i] = name + "=" + masked
		}
	}
	return maskLong(path + "?" + strings.Join(params, "&"))
}

func maskHeader(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization":
		if scheme, _, ok := strings.Cut(value, " "); !ok {
			return masked
		} else if !strings.HasPrefix(scheme, "AWS4-") { // a password, or whatever else: not ours to show
			return maskLong(scheme[:min(len(scheme), 16)]) + " " + masked
		}
		return maskLong(signature.ReplaceAllString(value, "${1}"+masked))
	case "x-amz-security-token", "cookie":
		return masked
	}
	return maskLong(value)
}

// printable is b as text: bytes that are none are shown in hexadecimal, all of them, so that what is shown is unambiguous.
func printable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return fmt.Sprintf("%x", b)
}
