// Package admin is the control API: JSON over HTTP on the control listener, for whoever runs this Souk. It holds the API, its
// OpenAPI document (openapi.yaml, which the server serves and a test holds to the handlers), the Guard that stands in front of
// everything on that listener, and the Go client that the commands use.
//
// There are no rules of the marketplace here: each handler turns JSON into a call of market.Service, with market.Operator as
// its caller, and the result back into JSON. Member names are snake_case, times RFC 3339 in UTC, spans of time text such as
// "4h" or "1m30s". What a request says wrong is refused and never passed over: an unknown member or query parameter is an
// error, since a misspelled filter would match everything.
//
// An error is
//
//	{"error": {"code": "NotFound", "message": "product \"x\" does not exist", "problems": []}}
//
// with the codes of this package's constants. The messages are for people and may change; the codes are not.
package admin
