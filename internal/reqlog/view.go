package reqlog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// View is a record as it may be shown: copied, its secrets masked.
type View struct {
	ID           string     `json:"id"`
	Seq          uint64     `json:"seq"`
	Time         time.Time  `json:"time"`
	MarketTime   time.Time  `json:"market_time"`
	DurationUS   int64      `json:"duration_us"`
	Remote       string     `json:"remote"`
	Method       string     `json:"method"`
	Target       string     `json:"target"`
	Proto        string     `json:"proto"`
	Host         string     `json:"host"`
	Headers      []Header   `json:"headers"`
	Body         string     `json:"body"`
	BodySize     int        `json:"body_size"`
	Protocol     string     `json:"protocol,omitempty"`
	Service      string     `json:"service,omitempty"`
	Operation    string     `json:"operation,omitempty"`
	Attempt      int        `json:"attempt,omitempty"`
	AccessKeyID  string     `json:"access_key_id,omitempty"`
	Principal    string     `json:"principal,omitempty"`
	Account      string     `json:"account,omitempty"`
	Region       string     `json:"region,omitempty"`
	Authz        *AuthzView `json:"authorization,omitempty"`
	ProductCode  string     `json:"product_code,omitempty"`
	Buyer        string     `json:"buyer,omitempty"`
	LicenseARN   string     `json:"license_arn,omitempty"`
	Status       int        `json:"status"`
	Outcome      string     `json:"outcome"`
	ErrorCode    string     `json:"error_code,omitempty"`
	ErrorMessage string     `json:"error_message,omitempty"`
	Reason       string     `json:"reason,omitempty"`
	Response     string     `json:"response"`
	FaultID      string     `json:"fault_id,omitempty"`
	FaultEffect  string     `json:"fault_effect,omitempty"`
	Warning      string     `json:"warning,omitempty"`
	Canonical    string     `json:"canonical_request,omitempty"`
	StringToSign string     `json:"string_to_sign,omitempty"`
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
		ID: r.ID, Seq: r.Seq, Time: r.Time.UTC(), MarketTime: r.MarketTime.UTC(), DurationUS: r.Duration.Microseconds(),
		Remote: r.Remote, Method: r.Method, Target: maskQuery(r.Target), Proto: r.Proto, Host: r.Host,
		Body: maskTokens(printable(r.Body)), BodySize: r.BodySize,
		Protocol: r.Protocol, Service: r.Service, Operation: r.Operation, Attempt: r.Attempt,
		AccessKeyID: r.AccessKeyID, Principal: r.Principal, Account: r.Account, Region: r.Region,
		ProductCode: r.ProductCode, Buyer: r.Buyer, LicenseARN: r.LicenseARN,
		Status: r.Status, Outcome: r.Outcome(), ErrorCode: r.ErrorCode, ErrorMessage: r.ErrorMessage, Reason: r.Reason,
		Response: printable(r.Response), FaultID: r.FaultID, FaultEffect: r.FaultEffect, Warning: r.Warning,
		Canonical: r.Canonical, StringToSign: r.StringToSign,
	}
	if a := r.Authz; a.Decided {
		v.Authz = &AuthzView{Allowed: a.Allowed, Effect: a.Effect, Policy: a.Policy, Sid: a.Sid, Statement: a.Statement, Why: a.why()}
	}
	for name, values := range r.Header {
		for _, value := range values {
			v.Headers = append(v.Headers, Header{Name: name, Value: maskHeader(name, value)})
		}
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

var (
	// longRun is what a token looks like wherever it stands, JSON escapes and percent signs included: nothing else in these requests
	// has 40 of these characters in a row but ARNs and ids that are short of it.
	longRun     = regexp.MustCompile(`[A-Za-z0-9+/=\\%_.-]{40,}`)
	signature   = regexp.MustCompile(`(?i)(Signature=)[^,\s&]+`)
	queryToken  = regexp.MustCompile(`(?i)(X-Amz-Security-Token=)[^&]+`)
	maskedValue = "…"
)

func maskTokens(s string) string {
	return longRun.ReplaceAllStringFunc(s, func(run string) string {
		return fmt.Sprintf("%s…(%d characters)", run[:6], len(run))
	})
}

func maskQuery(target string) string {
	return signature.ReplaceAllString(queryToken.ReplaceAllString(target, "${1}"+maskedValue), "${1}"+maskedValue)
}

func maskHeader(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization":
		return signature.ReplaceAllString(value, "${1}"+maskedValue)
	case "x-amz-security-token", "cookie":
		return maskedValue
	}
	return value
}

// printable is b as text: bytes that are none are shown in hexadecimal, all of them, so that what is shown is unambiguous.
func printable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return fmt.Sprintf("%x", b)
}
