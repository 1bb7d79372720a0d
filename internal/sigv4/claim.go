package sigv4

import (
	"net/http"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"

	maxSignedHeaders = 100
	maxKeyID         = 128 // https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html: AccessKeyId
	maxRegion        = 64
	maxExpires       = 604800 // a week: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
)

// claim is what a request says about its own signature, wherever it says it. Its strings are parts of the request where they can be.
type claim struct {
	presigned     bool
	algorithm     string
	credential    string
	signedHeaders string
	signature     string
	date          string // as sent
	dateHeader    string // the header that date was read from; "" in the query form
	token         string
	expires       string // X-Amz-Expires
	hasExpires    bool

	keyID string // of the credential

	// Filled by the checks.
	signedAt   time.Time
	basic      string // the date in ISO 8601 basic format
	scope      string // date/region/service/terminator, and its parts
	scopeDate  string
	region     string
	service    string
	terminator string
}

// read finds the claim of a request, into a claim that is empty: steps 5 to 8 of the order in which AWS checks. params are those of
// the query string.
func (c *claim) read(r *http.Request, params []param) *Error {
	// Of several Authorization headers AWS takes the first, as third parties recorded. Another one never adds to it: joining them would
	// let an intermediary's header complete the caller's.
	authorization := trim(first(r.Header["Authorization"]))
	queryAlgorithm, inQuery := lookup(params, "X-Amz-Algorithm")
	switch {
	case authorization != "" && inQuery:
		return invalid(msgBoth)
	case inQuery:
		return c.readQuery(queryAlgorithm, params)
	case !strings.HasPrefix(authorization, "AWS4-"):
		return &Error{Code: CodeMissingToken, Message: msgMissing}
	default:
		return c.readHeader(r.Header, authorization)
	}
}

func (c *claim) readHeader(h http.Header, authorization string) *Error {
	var rest string
	var hasSignedHeaders bool
	c.algorithm, rest, _ = cut(authorization, ' ')
	for rest != "" {
		var pair string
		pair, rest, _ = cut(rest, ',')
		pair = trim(pair)
		if pair == "" {
			continue
		}
		key, value, ok := cut(pair, '=')
		if !ok {
			return errNotKeyValue(authorization)
		}
		switch key { // the last one of its name counts
		case "Credential":
			c.credential = value
		case "SignedHeaders":
			c.signedHeaders, hasSignedHeaders = value, true
		case "Signature":
			c.signature = value
		}
	}
	c.keyID, _, _ = cut(c.credential, '/')
	c.token = first(h["X-Amz-Security-Token"])
	c.dateHeader, c.date = "X-Amz-Date", trim(first(h["X-Amz-Date"]))
	if c.date == "" {
		c.dateHeader, c.date = "Date", trim(first(h["Date"]))
	}
	if c.credential != "" && c.signature != "" && hasSignedHeaders && c.date != "" {
		return nil
	}
	var lacks []string
	if c.credential == "" {
		lacks = append(lacks, "Credential")
	}
	if c.signature == "" {
		lacks = append(lacks, "Signature")
	}
	if !hasSignedHeaders { // an empty list passes here and fails for want of a host
		lacks = append(lacks, "SignedHeaders")
	}
	if c.date == "" {
		lacks = append(lacks, "date")
	}
	return errHeaderLacks(lacks, authorization)
}

func (c *claim) readQuery(algo string, params []param) *Error {
	c.presigned = true
	c.algorithm = algo
	var hasSignedHeaders bool
	c.credential, _ = lookup(params, "X-Amz-Credential")
	c.signature, _ = lookup(params, "X-Amz-Signature")
	c.signedHeaders, hasSignedHeaders = lookup(params, "X-Amz-SignedHeaders")
	c.date, _ = lookup(params, "X-Amz-Date")
	c.token, _ = lookup(params, "X-Amz-Security-Token")
	c.expires, c.hasExpires = lookup(params, "X-Amz-Expires")
	c.keyID, _, _ = cut(c.credential, '/')
	var lacks []string
	if c.credential == "" {
		lacks = append(lacks, "X-Amz-Credential")
	}
	if c.signature == "" {
		lacks = append(lacks, "X-Amz-Signature")
	}
	if !hasSignedHeaders {
		lacks = append(lacks, "X-Amz-SignedHeaders")
	}
	if c.date == "" {
		lacks = append(lacks, "X-Amz-Date")
	}
	if lacks != nil {
		return errQueryLacks(lacks)
	}
	return nil
}

// checkHeaders is step 11.
func (c *claim) checkHeaders(l *headerList) *Error {
	switch {
	case !l.host:
		return invalid(msgHostUnsigned)
	case !l.valid:
		return incomplete(msgSignedHeaders)
	// The date is part of the string to sign, signed as a header or not. AWS's rules ask for every x-amz-* header all the same, and a
	// date that only half of the signature covers is nothing a real signer makes.
	case c.dateHeader == "X-Amz-Date" && !l.amz, c.dateHeader == "Date" && !l.date:
		return errUnsignedDate(c.dateHeader)
	}
	return nil
}

// splitCredential is steps 12 and 13.
func (c *claim) splitCredential() *Error {
	if c.algorithm != algorithm {
		return errAlgorithm(c.algorithm)
	}
	var rest string
	var ok [4]bool
	c.keyID, c.scope, ok[0] = cut(c.credential, '/')
	c.scopeDate, rest, ok[1] = cut(c.scope, '/')
	c.region, rest, ok[2] = cut(rest, '/')
	c.service, c.terminator, ok[3] = cut(rest, '/')
	if ok != [4]bool{true, true, true, true} || strings.IndexByte(c.terminator, '/') >= 0 {
		c.region = ""
		return errCredential(c.credential)
	}
	return nil
}

// checkScope is step 14. pinned is the only region that is valid, or "" for any.
func (c *claim) checkScope(service, pinned string) *Error {
	date := c.basic[:dateLength]
	regionOK := isRegion(c.region) && (pinned == "" || c.region == pinned)
	if regionOK && c.service == service && c.terminator == terminator && c.scopeDate == date {
		return nil
	}
	var b strings.Builder
	if !regionOK {
		b.WriteString("Credential should be scoped to a valid region. ")
	}
	if c.service != service {
		b.WriteString("Credential should be scoped to correct service: '" + service + "'. ")
	}
	if c.terminator != terminator {
		b.WriteString("Credential should be scoped with a valid terminator: 'aws4_request', not '" + clip(c.terminator) + "'. ")
	}
	if c.scopeDate != date {
		b.WriteString("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + clip(c.scopeDate) +
			"' != '" + date + "', from '" + c.basic + "'.")
	}
	return invalid(b.String())
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// isRegion reports whether s looks like a region: us-east-1, aws-global, or whatever an operator calls theirs.
func isRegion(s string) bool {
	if s == "" || len(s) > maxRegion || s[0]-'a' >= 26 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c-'a' >= 26 && c-'0' >= 10 && c != '-' {
			return false
		}
	}
	return true
}
