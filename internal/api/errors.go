package api

import (
	"net/http"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// shape is what is known of an error code: its status, and the text that goes with it when nothing better is known.
type shape struct {
	status  int
	message string
	modeled bool // of the service's own model, not AWS's framework
}

// shapes are the codes that the AWS face can answer with. Texts marked "ours" were never seen live; the others are in
// docs/divergences.md with their sources. Statuses of authentication and authorization are the 400 that was observed, not the 403 of the
// newer documentation page.
var shapes = map[string]shape{
	"DisabledApiException":          {400, "This API is disabled in this Region.", true},                      // ours
	"ExpiredTokenException":         {400, "Registration token has expired", true},                            // ours
	"InternalServiceErrorException": {500, "An internal error has occurred. Retry your request.", true},       // ours
	"InvalidTokenException":         {400, "Registration token is invalid", true},                             // live
	"ThrottlingException":           {400, "Rate exceeded", true},                                             // ours, AWS's usual words
	"AccessDeniedException":         {400, "You are not authorized to perform this operation.", false},        // ours; the policies' text is live
	"IncompleteSignatureException":  {400, "The request signature does not conform to AWS standards.", false}, // ours
	"InvalidSignatureException": {400, "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.", false},
	"MissingAuthenticationTokenException": {400, "Request is missing Authentication Token", false},
	"UnrecognizedClientException":         {400, "The security token included in the request is invalid.", false},
	"UnknownOperationException":           {400, "", false},
	"SerializationException":              {400, "", false},
	"ValidationException":                 {400, "The input fails to satisfy the constraints of the operation.", false},  // ours
	"MalformedHttpRequestException":       {400, "The request cannot be processed at the HTTP level.", false},            // ours
	"RequestAbortedException":             {400, "The request was aborted before an answer could be returned.", false},   // ours
	"RequestTimeoutException":             {408, "The request was not received in full in time.", false},                 // ours
	"RequestEntityTooLargeException":      {413, "The request is too large.", false},                                     // ours
	"ServiceUnavailable":                  {503, "The service is unavailable at the moment. Retry your request.", false}, // ours
	"OptInRequired":                       {400, "The AWS access key ID needs a subscription for the service.", false},   // ours
	"NotAuthorized":                       {400, "You do not have permission to perform this action.", false},            // ours
	"InternalFailure":                     {500, "The request failed because of an internal error.", false},              // ours
}

// KnownCode reports whether code is an error that the AWS face can answer with: what a fault rule may refuse with.
func KnownCode(code string) bool {
	_, ok := shapes[code]
	return ok
}

// known is the fault of a known code; message "" takes its usual text.
func known(code, message string) *awsproto.Fault {
	s, ok := shapes[code]
	if !ok {
		s.status = http.StatusInternalServerError
	}
	if message == "" {
		message = s.message
	}
	return &awsproto.Fault{Status: s.status, Code: code, Message: message}
}

func internalFault() *awsproto.Fault { return known("InternalServiceErrorException", "") }

func namespaceOf(code, service string) string {
	if shapes[code].modeled && service != "" {
		return awsproto.Namespace(service)
	}
	return awsproto.NamespaceCoral
}

// domainCodes is the only map from the market's errors to AWS's. What is not in it is internal.
var domainCodes = map[market.Code]string{
	market.InvalidToken: "InvalidTokenException",
	market.ExpiredToken: "ExpiredTokenException",
	market.DisabledAPI:  "DisabledApiException",
	market.Unavailable:  "ServiceUnavailable",
}
