package awsproto

import (
	"net/http"
	"strings"
)

// Services, by the names that requests carry.
const (
	ServiceMetering    = "AWSMPMeteringService"
	ServiceEntitlement = "AWSMPEntitlementService"
)

const smithyCBOR = "rpc-v2-cbor"

// Namespace is that of a service's own shapes, its errors among them.
func Namespace(service string) string {
	if service == ServiceEntitlement {
		return NamespaceEntitlement
	}
	return NamespaceMetering
}

// Route says how a request is written, and which service and operation it is for. It reads method, path and headers, never
// the body. The service is one of ours; the operation is as the caller wrote it, an identifier, and may not exist.
//
// The codec is never nil, so that a fault can be written as the caller will read it: in CBOR for who speaks CBOR, in JSON
// for everyone else, browsers included. The fault is an UnknownOperationException: with status 404 if no protocol
// claims the request, with 400 if one does but the request names nothing of ours.
func Route(r *http.Request) (c Codec, service, operation string, f *Fault) {
	contentType := mediaType(r.Header)
	if p := r.Header["Smithy-Protocol"]; len(p) > 0 {
		if len(p) > 1 || p[0] != smithyCBOR {
			return codecFor(contentType), "", "", unclaimed("smithy protocol " + quoted(strings.Join(p, ", ")) + " is not supported: send " + smithyCBOR)
		}
		service, operation, f = routeCBOR(r)
		return CBOR.Codec(), service, operation, f
	}
	c = codecFor(contentType)
	if c.Protocol() == CBOR {
		return c, "", "", unclaimed("header Smithy-Protocol is missing: send " + smithyCBOR)
	}
	service, operation, f = routeJSON(r, contentType)
	return c, service, operation, f
}

// routeJSON takes any path: SDKs append theirs to the path of the endpoint that they are given, with or without a slash.
func routeJSON(r *http.Request, contentType string) (service, operation string, f *Fault) {
	if r.Method != http.MethodPost {
		return "", "", unclaimed("method " + quoted(r.Method) + " is not supported: send POST")
	}
	if !isJSON(contentType) {
		if contentType == "" {
			return "", "", unclaimed("header Content-Type is missing: send application/x-amz-json-1.1")
		}
		return "", "", unclaimed("content type " + quoted(contentType) + " is not supported: send application/x-amz-json-1.1")
	}
	target := r.Header["X-Amz-Target"]
	switch {
	case len(target) == 0 || target[0] == "":
		return "", "", unknownTarget("header X-Amz-Target is missing: send Service.Operation")
	case len(target) > 1:
		return "", "", unknownTarget("header X-Amz-Target must not be repeated")
	}
	// The last dot parts them, since the service may bring its namespace, which has dots.
	dot := strings.LastIndexByte(target[0], '.')
	if dot < 0 {
		return "", "", unknownTarget("target " + quoted(target[0]) + " is not of the form Service.Operation")
	}
	return named(target[0][:dot], target[0][dot+1:])
}

// routeCBOR reads the last four segments of the path; any prefix is the endpoint's.
func routeCBOR(r *http.Request) (service, operation string, f *Fault) {
	if r.Method != http.MethodPost {
		return "", "", unclaimed("method " + quoted(r.Method) + " is not supported: send POST")
	}
	// Forbidden by the protocol: what stands in front of a service, a firewall or a log, might go by the one name and the
	// service by the other.
	if len(r.Header["X-Amz-Target"]) > 0 || len(r.Header["X-Amzn-Target"]) > 0 {
		return "", "", unknownTarget("a request with Smithy-Protocol " + smithyCBOR + " must not have X-Amz-Target")
	}
	rest, operation, ok4 := cutLast(r.URL.EscapedPath())
	rest, op, ok3 := cutLast(rest)
	rest, service, ok2 := cutLast(rest)
	_, svc, ok1 := cutLast(rest)
	if !(ok1 && ok2 && ok3 && ok4) || svc != "service" || op != "operation" {
		return "", "", unknownTarget("path " + quoted(r.URL.EscapedPath()) + " does not end in /service/Service/operation/Operation")
	}
	return named(service, operation)
}

// named accepts a service's bare name and its absolute shape id with a dot for the "#", but operations by their bare names
// only: both as the CBOR protocol rules it, and for JSON alike.
func named(service, operation string) (string, string, *Fault) {
	if !identifier(operation) {
		return "", "", unknownTarget("operation " + quoted(operation) + " is not known")
	}
	switch service {
	case ServiceMetering, NamespaceMetering + "." + ServiceMetering:
		return ServiceMetering, operation, nil
	case ServiceEntitlement, NamespaceEntitlement + "." + ServiceEntitlement:
		return ServiceEntitlement, operation, nil
	}
	return "", "", unknownTarget("service " + quoted(service) + " is not known")
}

// codecFor guesses by the content type alone, for requests that nothing else tells apart.
func codecFor(contentType string) Codec {
	switch {
	case strings.EqualFold(contentType, "application/x-amz-json-1.0"):
		return JSON10.Codec()
	case strings.EqualFold(contentType, "application/cbor"):
		return CBOR.Codec()
	}
	return JSON11.Codec()
}

// isJSON also takes application/json, as Coral does: hand-written clients send it.
func isJSON(contentType string) bool {
	return strings.EqualFold(contentType, "application/x-amz-json-1.1") ||
		strings.EqualFold(contentType, "application/x-amz-json-1.0") ||
		strings.EqualFold(contentType, "application/json")
}

// mediaType is the content type without its parameters, which must be ignored.
func mediaType(h http.Header) string {
	v := h["Content-Type"]
	if len(v) == 0 {
		return ""
	}
	bare, _, _ := strings.Cut(v[0], ";")
	return strings.TrimSpace(bare)
}

func cutLast(path string) (rest, segment string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", "", false
	}
	return path[:i], path[i+1:], true
}

// identifier says whether s can be the name of a Smithy shape. 128 is far beyond any.
func identifier(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}
