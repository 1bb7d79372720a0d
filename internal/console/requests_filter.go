package console

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/reqlog"
)

// maxRequestFilter bounds the text of one filter, in bytes. Each row's links repeat it, and a page of 50 rows is to stay small.
const maxRequestFilter = 200

// requestFilter narrows the list of requests, and what comes live. The empty one lets everything through.
type requestFilter struct {
	Operation string
	Outcome   string // "ok", "error", "cut", or an error code
	Caller    string // part of the ARN, or the access key id
	Product   string // its code
	Buyer     string // account id
	License   string // part of the ARN
	Text      string // anywhere in the request as it is shown, so never in a secret
	Call      string // invocation id of one call of an SDK, whose attempts share it
	Before    uint64 // only what came before this sequence number; 0: from the newest
}

// requestFilterField is a filter as addresses and people name it.
type requestFilterField struct {
	name, label string
	value       *string
}

// fields are in the order in which pages show them.
func (f *requestFilter) fields() []requestFilterField {
	return []requestFilterField{
		{"operation", "Operation", &f.Operation}, {"outcome", "Outcome", &f.Outcome}, {"caller", "Caller", &f.Caller}, {"product", "Product", &f.Product},
		{"buyer", "Buyer", &f.Buyer}, {"license", "License", &f.License}, {"q", "Text", &f.Text}, {"call", "Attempts of call", &f.Call},
	}
}

// parseRequestFilter reads an address. A problem, in words, comes with as much of the filter as could be read.
func parseRequestFilter(q url.Values) (f requestFilter, problem string) {
	for _, field := range f.fields() {
		value := strings.TrimSpace(q.Get(field.name))
		switch {
		case !utf8.ValidString(value):
			problem = "The filter “" + field.label + "” is not text."
		case len(value) > maxRequestFilter:
			problem = fmt.Sprintf("The filter “%s” is longer than %d bytes.", field.label, maxRequestFilter)
		default:
			*field.value = value
		}
	}
	if before := q.Get("before"); before != "" {
		n, err := strconv.ParseUint(before, 10, 64)
		if err != nil || n == 0 || n > math.MaxInt64 {
			return f, "The address names no place in the list."
		}
		f.Before = n
	}
	return f, problem
}

// values is the inverse of parseRequestFilter.
func (f requestFilter) values() url.Values {
	q := url.Values{}
	for _, field := range f.fields() {
		if *field.value != "" {
			q.Set(field.name, *field.value)
		}
	}
	if f.Before != 0 {
		q.Set("before", strconv.FormatUint(f.Before, 10))
	}
	return q
}

func (f requestFilter) path() string {
	if q := f.values(); len(q) > 0 {
		return "/requests?" + q.Encode()
	}
	return "/requests"
}

// with is the address of the list narrowed by one more filter, or by another value of it; "" takes it away. It begins with the newest.
func (f requestFilter) with(name, value string) string {
	for _, field := range f.fields() {
		if field.name == name {
			*field.value = value
		}
	}
	f.Before = 0
	return f.path()
}

// from is the address of the list from a sequence number on.
func (f requestFilter) from(before uint64) string {
	f.Before = before
	return f.path()
}

// narrow reports whether f leaves anything out.
func (f requestFilter) narrow() bool {
	f.Before = 0
	return f != requestFilter{}
}

// beyondLog reports whether f has what the log cannot filter by.
func (f requestFilter) beyondLog() bool {
	return f.Buyer != "" || f.License != "" || f.Text != "" || f.Call != ""
}

// log is what the log can filter by.
func (f requestFilter) log(limit int) reqlog.Filter {
	return reqlog.Filter{Operation: f.Operation, Outcome: f.Outcome, Principal: f.Caller, Product: f.Product, Before: f.Before, Limit: limit}
}

// match reports whether v passes all filters but Before. Of what the log can filter by, it says what reqlog.Filter says.
func (f requestFilter) match(v reqlog.View) bool {
	return (f.Operation == "" || f.Operation == v.Operation) &&
		(f.Outcome == "" || f.Outcome == v.Outcome || f.Outcome == "error" && v.Outcome != "ok") &&
		(f.Caller == "" || strings.Contains(v.Principal, f.Caller) || f.Caller == v.AccessKeyID) &&
		(f.Product == "" || f.Product == v.ProductCode) &&
		(f.Buyer == "" || f.Buyer == v.Buyer) &&
		(f.License == "" || strings.Contains(v.LicenseARN, f.License)) &&
		(f.Call == "" || f.Call == invocation(v)) &&
		(f.Text == "" || mentions(v, f.Text))
}

// searchedBody is how much of a body is searched, in bytes: what reqlog.Log.List shows of it, so that the list and what comes live agree.
const searchedBody = 4 << 10

// mentions reports whether text, in capitals or not, stands anywhere in v.
func mentions(v reqlog.View, text string) bool {
	text = strings.ToLower(text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	for _, s := range []string{
		v.ID, v.Operation, v.Method, v.Target, v.Host, v.Remote, v.Principal, v.AccessKeyID, v.Account, v.Region, v.ProductCode, v.Buyer, v.LicenseARN,
		v.Outcome, v.ErrorMessage, v.Reason, v.Warning, v.FaultID, v.Body[:min(len(v.Body), searchedBody)], v.Response[:min(len(v.Response), searchedBody)],
	} {
		if has(s) {
			return true
		}
	}
	for _, h := range v.Headers {
		if has(h.Name + ": " + h.Value) {
			return true
		}
	}
	return v.Authz != nil && (has(v.Authz.Why) || has(v.Authz.Policy) || has(v.Authz.Sid))
}

// invocation is the id that an SDK gives to a call and sends with each attempt at it; "" if there is none, or none that an SDK would make.
func invocation(v reqlog.View) string {
	const longest = 64 // a UUID is 36
	for _, h := range v.Headers {
		if strings.EqualFold(h.Name, "amz-sdk-invocation-id") && len(h.Value) <= longest {
			return h.Value
		}
	}
	return ""
}
