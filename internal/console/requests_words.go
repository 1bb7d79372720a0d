package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/reqlog"
)

// clocksApart is from when on the market's time is worth telling beside the wall's.
const clocksApart = 2 * time.Second

// requestOperations are what the filter offers.
var requestOperations = []string{"BatchMeterUsage", "GetEntitlements", "MeterUsage", "RegisterUsage", "ResolveCustomer"}

// requestOutcomes are what the filter offers beside error codes.
var requestOutcomes = []struct{ value, text string }{{"ok", "Answered"}, {"error", "Anything but answered"}, {"cut", "Connection cut"}}

// refusalWords say what error codes mean, in a few words; the request's own page says more.
var refusalWords = map[string]string{
	"AccessDeniedException":               "The policies do not allow it",
	"CustomerNotEntitledException":        "The buyer has no agreement for it",
	"DisabledApiException":                "The operation is off here",
	"DryRunOperation":                     "It would have been done (DryRun)",
	"DuplicateRequestException":           "Sent before, with another quantity",
	"ExpiredTokenException":               "The registration token has expired",
	"IdempotencyConflictException":        "The client token was used for something else",
	"IncompleteSignatureException":        "The signature is not complete",
	"InternalFailure":                     "Souk failed",
	"InternalServiceErrorException":       "Souk failed",
	"InvalidCustomerIdentifierException":  "No such customer",
	"InvalidEndpointRegionException":      "Called in the wrong Region",
	"InvalidLicenseException":             "No such license",
	"InvalidParameterException":           "A value is not right",
	"InvalidProductCodeException":         "No such product of this seller",
	"InvalidPublicKeyVersionException":    "No such version of the public key",
	"InvalidRegionException":              "Called in the wrong Region",
	"InvalidSignatureException":           "The signature does not match",
	"InvalidTagException":                 "A tag is not right",
	"InvalidTokenException":               "No such registration token",
	"InvalidUsageAllocationsException":    "The allocations do not add up",
	"InvalidUsageDimensionException":      "No such dimension of the product",
	"MalformedHttpRequestException":       "The request cannot be read",
	"MissingAuthenticationTokenException": "The request is not signed",
	"NotAuthorized":                       "Not permitted",
	"OptInRequired":                       "The account is not subscribed to the service",
	"PlatformNotSupportedException":       "The caller runs where it may not",
	"RequestAbortedException":             "The client hung up",
	"RequestEntityTooLargeException":      "The request is too large",
	"RequestTimeoutException":             "The request came too slowly",
	"SerializationException":              "The body cannot be read",
	"ServiceUnavailable":                  "Souk is too busy or not ready",
	"ThrottlingException":                 "Too many requests",
	"TimestampOutOfBoundsException":       "The usage is too old or not yet due",
	"UnauthorizedException":               "The policies do not allow it (DryRun)",
	"UnknownOperationException":           "No such operation",
	"UnrecognizedClientException":         "The access key is not known",
	"ValidationException":                 "A value is not right",
}

// outcomeOf says what came of a request. The error code stands beside it.
func outcomeOf(v reqlog.View) requestWord {
	switch {
	case v.FaultEffect == "lose":
		return requestWord{Text: "Done, and the answer lost", Tone: "bad"}
	case v.Status == 0:
		return requestWord{Text: "Connection cut", Tone: "bad"}
	case v.Outcome == "ok":
		return requestWord{Text: "Answered", Tone: "good"}
	case refusalWords[v.Outcome] != "":
		return requestWord{Text: refusalWords[v.Outcome], Tone: "bad"}
	case v.Status >= 500:
		return requestWord{Text: "Failed", Tone: "bad"}
	}
	return requestWord{Text: "Refused", Tone: "bad"}
}

// faultWords say what a fault rule did; "" if none did anything.
func faultWords(effect string) string {
	switch effect {
	case "":
		return ""
	case "refuse":
		return "Fault: refused"
	case "delay":
		return "Fault: delayed"
	case "cut":
		return "Fault: cut"
	case "lose":
		return "Fault: answer lost"
	case "unprocessed":
		return "Fault: records left out"
	}
	return "Fault: " + plain(effect)
}

// requestOption is a choice of a filter.
type requestOption struct {
	Value, Text string
	Chosen      bool
}

// optionsOf lists choices, and what was asked for even if it is none of them.
func optionsOf(chosen string, options []requestOption) []requestOption {
	found := chosen == ""
	for i := range options {
		options[i].Chosen = options[i].Value == chosen
		found = found || options[i].Chosen
	}
	if !found {
		options = append(options, requestOption{chosen, plain(chosen), true})
	}
	return options
}

func operationOptions(chosen string) []requestOption {
	list := []requestOption{{Text: "All operations"}}
	for _, name := range requestOperations {
		list = append(list, requestOption{Value: name, Text: name})
	}
	return optionsOf(chosen, list)
}

func outcomeOptions(chosen string) []requestOption {
	list := []requestOption{{Text: "All outcomes"}}
	for _, o := range requestOutcomes {
		list = append(list, requestOption{Value: o.value, Text: o.text})
	}
	var codes []string
	for code := range refusalWords {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		list = append(list, requestOption{Value: code, Text: code})
	}
	return optionsOf(chosen, list)
}

// shortPrincipal is an ARN without what all of an account's have in common: "alice", "Role/session", "root".
func shortPrincipal(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return arn
	}
	name := parts[5]
	for _, kind := range []string{"user/", "assumed-role/", "role/"} {
		if rest, ok := strings.CutPrefix(name, kind); ok && rest != "" {
			return rest
		}
	}
	return name
}

// attemptWords of an unknown number are "".
func attemptWords(n int) string {
	if n == 0 {
		return ""
	}
	return "Attempt " + strconv.Itoa(n)
}

// durationWords is a time spent, in three digits or so.
func durationWords(us int64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%d µs", us)
	case us < 1_000_000:
		return fmt.Sprintf("%.3g ms", float64(us)/1e3)
	}
	return fmt.Sprintf("%.1f s", float64(us)/1e6)
}

// shortened is at most n characters of a text, safe to look at.
func shortened(s string, n int) string {
	if len(s) > 4*n { // no more of a megabyte is looked at than can be shown
		s = strings.ToValidUTF8(s[:4*n], "") + "…"
	}
	if r := []rune(s); len(r) > n {
		s = string(r[:n]) + "…"
	}
	return plain(s)
}
