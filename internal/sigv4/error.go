package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// What a Lookup returns when it knows that the credential is no good. Any other error of a Lookup is a failure of ours.
var (
	ErrUnknownKey      = errors.New("sigv4: unknown access key")
	ErrExpiredSession  = errors.New("sigv4: session has expired")
	ErrBadSessionToken = errors.New("sigv4: session token does not belong to the access key")
)

// The codes of authentication errors, as AWS's JSON services spell them. Query services (STS, IAM) answer the same texts under
// other codes.
const (
	CodeInvalidSignature   = "InvalidSignatureException"
	CodeIncomplete         = "IncompleteSignatureException"
	CodeMissingToken       = "MissingAuthenticationTokenException"
	CodeExpiredToken       = "ExpiredTokenException"
	CodeUnrecognizedClient = "UnrecognizedClientException"
)

// Error is a refusal, in AWS's words. Message goes to the caller as it is.
type Error struct {
	Code    string
	Message string
	// CanonicalRequest and StringToSign are what the signature should have been made of. They are set only when
	// the signature did not match. Values of headers and parameters that are secrets are masked, so the hash in StringToSign
	// need not be that of CanonicalRequest.
	CanonicalRequest string
	StringToSign     string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

const (
	msgBoth           = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
	msgMissing        = "Request is missing Authentication Token"
	msgHostUnsigned   = "'Host' must be a 'SignedHeader' in the AWS Authorization."
	msgTokenInvalid   = "The security token included in the request is invalid" // with a period: the key is unknown
	msgTokenExpired   = "The security token included in the request is expired"
	msgMismatch       = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	msgPayloadHash    = "The provided 'x-amz-content-sha256' header does not match what was computed." // S3's text
	msgSignedHeaders  = "'SignedHeaders' must be at most 100 different header names, separated by semicolons."
	msgExpires        = "X-Amz-Expires must be a whole number of seconds from 1 to 604800."
	hashedForm        = "(hashed with SHA-256 and encoded with Base64)"
	hashedFormCapital = "(Hashed with SHA-256 and encoded with Base64)"
)

func invalid(message string) *Error    { return &Error{Code: CodeInvalidSignature, Message: message} }
func incomplete(message string) *Error { return &Error{Code: CodeIncomplete, Message: message} }

// AWS has two forms of the next two messages. The classic one quotes the Authorization header, signature and all, so it would end
// up in logs; the newer one (seen since 2024) gives a hash of it, by which the header can still be recognised. We use the newer.

func errNotKeyValue(authorization string) *Error {
	return incomplete("Invalid key=value pair (missing equal-sign) in Authorization header " + hashedForm + ": '" +
		hashed(authorization) + "'.")
}

func errHeaderLacks(parts []string, authorization string) *Error {
	var b strings.Builder
	for _, p := range parts {
		if p == "date" {
			b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
		} else {
			b.WriteString("Authorization header requires '" + p + "' parameter. ")
		}
	}
	return incomplete(b.String() + hashedFormCapital + " Authorization=" + hashed(authorization))
}

func errQueryLacks(parts []string) *Error {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("AWS query-string parameters must include '" + p + "'. ")
	}
	return incomplete(b.String() + "Re-examine the query-string parameters.")
}

func errDate(got string) *Error {
	return incomplete("Date must be in ISO-8601 'basic format'. Got '" + clip(got) + "'. See http://en.wikipedia.org/wiki/ISO_8601")
}

// errExpired and errNotYet are read by machines: .NET takes the server's time from between "(" and " - " or " + ", and the JavaScript
// SDK looks for "Signature expired".

func errExpired(date string, now time.Time, window time.Duration) *Error {
	return invalid("Signature expired: " + date + " is now earlier than " + compact(now.Add(-window)) +
		" (" + compact(now) + " - " + minutes(window) + ")")
}

func errNotYet(date string, now time.Time, window time.Duration) *Error {
	return invalid("Signature not yet current: " + date + " is still later than " + compact(now.Add(window)) +
		" (" + compact(now) + " + " + minutes(window) + ")")
}

func errUnsignedDate(header string) *Error {
	return invalid("'" + header + "' must be a 'SignedHeader' in the AWS Authorization.")
}

func errAlgorithm(got string) *Error {
	return incomplete("Unsupported AWS 'algorithm': '" + clip(got) + "' (only AWS4-HMAC-SHA256 for now). ")
}

func errCredential(got string) *Error {
	return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" +
		clip(got) + "'")
}

// hashed is how the newer messages show a header: standard Base64 of its SHA-256.
func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// clip bounds what a message echoes of the request.
func clip(s string) string {
	const limit = 256
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}
