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

	scope *reqlog.Scope // of who looks
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
	f.Before, f.scope = 0, nil
	return f != requestFilter{}
}

// query is f as the log takes it.
func (f requestFilter) query(limit int) reqlog.Query {
	return reqlog.Query{Filter: f.log(limit), Text: f.Text, Call: f.Call}
}

// log is what of f can be judged without masking a request first.
func (f requestFilter) log(limit int) reqlog.Filter {
	return reqlog.Filter{
		Operation: f.Operation, Outcome: f.Outcome, Principal: f.Caller, Product: f.Product, Buyer: f.Buyer, License: f.License,
		Before: f.Before, Limit: limit, Scope: f.scope,
	}
}

// match reports whether v passes all filters but Before.
func (f requestFilter) match(v reqlog.View) bool {
	q := f.query(0)
	return q.Match(&v)
}
