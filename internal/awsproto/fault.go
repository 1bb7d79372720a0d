package awsproto

import (
	"net/http"
	"strconv"
	"unicode/utf8"
)

// Namespaces of shape ids.
const (
	NamespaceMetering    = "com.amazonaws.marketplacemetering"
	NamespaceEntitlement = "com.amazonaws.marketplaceentitlementservice"
	NamespaceCoral       = "com.amazon.coral.service"  // faults of AWS's framework, before any service has a say
	namespaceValidate    = "com.amazon.coral.validate" // its ValidationException
)

// Fault is an error as the wire knows it.
type Fault struct {
	Status    int    // HTTP status
	Code      string // shape name, such as InvalidTokenException
	Message   string // for the caller; "" leaves the member out
	Namespace string // of the code, where the protocol writes one; "" means NamespaceCoral
}

// Error is the code and the message.
func (f *Fault) Error() string {
	if f.Message == "" {
		return f.Code
	}
	return f.Code + ": " + f.Message
}

// encode writes the two members that every client knows. The message's name is in lower case: with "Message" the Go SDK
// shows no text.
func (f *Fault) encode(e *Encoder, typ string) {
	e.BeginStruct()
	e.Member("__type")
	e.String(typ)
	if f.Message != "" {
		e.Member("message")
		e.String(f.Message)
	}
	e.EndStruct()
}

// UnknownOperation says that a service of ours has no such operation. AWS sends no message, which tells the caller
// nothing; this one names what was asked for.
func UnknownOperation(service, operation string) *Fault {
	return unknownTarget("operation " + quoted(operation) + " of " + service + " is not known")
}

// unknownTarget is for requests that name no operation of ours in a protocol that we speak.
func unknownTarget(message string) *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: "UnknownOperationException", Message: message}
}

// unclaimed is for requests that no protocol claims: there AWS's front end answers 404 and not 400.
func unclaimed(message string) *Fault {
	return &Fault{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: message}
}

// Serialization says that a body cannot be read: it is malformed, or a member has the wrong type.
func Serialization(message string) *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: "SerializationException", Message: message}
}

// Validation says that an input breaks its documented constraints. The common error page of the marketplace APIs calls it
// ValidationError, but JSON services send ValidationException. [Violations] writes its texts.
func Validation(message string) *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: "ValidationException", Message: message, Namespace: namespaceValidate}
}

// RequestEntityTooLarge says that a body has more than limit bytes.
func RequestEntityTooLarge(limit int64) *Fault {
	return &Fault{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException",
		Message: "request body must not have more than " + strconv.FormatInt(limit, 10) + " bytes"}
}

// MalformedHTTPRequest says that a request is broken below the protocol, such as by a content encoding or a body cut short.
func MalformedHTTPRequest(message string) *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: "MalformedHttpRequestException", Message: message}
}

// RequestTimeout says that a request did not arrive in full in time. SDKs retry it.
func RequestTimeout() *Fault {
	return &Fault{Status: http.StatusRequestTimeout, Code: "RequestTimeoutException", Message: "request was not received in full in time"}
}

// ServiceUnavailable says that the service cannot answer now. SDKs retry it, by its status. Its code is written as the
// common error page has it, without "Exception".
func ServiceUnavailable(message string) *Fault {
	return &Fault{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: message}
}

// maxEcho bounds what faults repeat of a request, in bytes.
const maxEcho = 128

// clip is s cut to maxEcho bytes, at a character.
func clip[T ~string | ~[]byte](s T) string {
	if len(s) <= maxEcho {
		return string(s)
	}
	cut := maxEcho
	for cut > maxEcho-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return string(s[:cut]) + "..."
}

func quoted(s string) string { return strconv.Quote(clip(s)) }
