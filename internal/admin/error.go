package admin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

// Codes of errors: market's own where the marketplace refused, and these where the request did not come that far.
const (
	CodeBadRequest       = "BadRequest"       // 400: not what the OpenAPI document says
	CodeUnauthorized     = "Unauthorized"     // 401: the control token is missing or wrong
	CodeForbidden        = "Forbidden"        // 403: not offered by this Souk, or a cross-origin request
	CodeNotFound         = "NotFound"         // 404
	CodeMethodNotAllowed = "MethodNotAllowed" // 405
	CodeConflict         = "Conflict"         // 409: the state does not allow it
	CodeTooLarge         = "TooLarge"         // 413
	CodeUnsupportedType  = "UnsupportedType"  // 415: the Content-Type is not one that the route takes
	CodeMisdirected      = "Misdirected"      // 421: the Host is no name of this Souk
	CodeInvalid          = "Invalid"          // 422: well-formed, and wrong
	CodeUnsupported      = "Unsupported"      // 501: the store cannot do it
	CodeInternal         = "Internal"         // 500: the log has more
	CodeOutcomeUnsure    = "OutcomeUnsure"    // 500: it may have taken effect
	CodeUnavailable      = "Unavailable"      // 503: the store does not answer, or is shutting down
)

// APIError is an error of the control API, on both of its ends.
type APIError struct {
	Status   int              // HTTP
	Code     string           // one of the Code constants; "" if what answered is no Souk
	Message  string           // for people
	Problems []market.Problem // each finding, where there can be many (a world file)
}

func (e *APIError) Error() string { return e.Message }

// errorBody is an error as it travels.
type errorBody struct {
	Error struct {
		Code     string           `json:"code"`
		Message  string           `json:"message"`
		Problems []market.Problem `json:"problems"`
	} `json:"error"`
}

func refuse(status int, code, format string, args ...any) *APIError {
	return &APIError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// invalid refuses one member of a request.
func invalid(member, format string, args ...any) *APIError {
	reason := fmt.Sprintf(format, args...)
	return &APIError{Status: http.StatusUnprocessableEntity, Code: CodeInvalid, Message: member + " " + reason,
		Problems: []market.Problem{{Path: member, Reason: reason}}}
}

// marketStatus is the HTTP status of each market code that a caller may see. The others cannot come of these calls, and are internal.
func marketStatus(code market.Code) (int, bool) {
	switch code {
	case market.NotFound:
		return http.StatusNotFound, true
	case market.Conflict:
		return http.StatusConflict, true
	case market.Invalid:
		return http.StatusUnprocessableEntity, true
	case market.Forbidden:
		return http.StatusForbidden, true
	case market.Unsupported:
		return http.StatusNotImplemented, true
	case market.Unavailable:
		return http.StatusServiceUnavailable, true
	}
	return 0, false
}

// fail answers a request with an error. What is nobody's business but the log's goes there, under an id that the answer names.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	var (
		api *APIError
		m   *market.Error
		big *http.MaxBytesError
	)
	switch {
	case errors.As(err, &api):
		writeError(w, api)
		return
	case errors.As(err, &big):
		writeError(w, refuse(http.StatusRequestEntityTooLarge, CodeTooLarge, "the request's body is larger than %d bytes", big.Limit))
		return
	case errors.As(err, &m):
		if status, ok := marketStatus(m.Code); ok {
			writeError(w, &APIError{Status: status, Code: string(m.Code), Message: m.Message, Problems: m.Problems})
			return
		}
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil: // nobody is there to read it
		writeError(w, refuse(http.StatusServiceUnavailable, CodeUnavailable, "the request was abandoned"))
		return
	}
	writeError(w, internal(a.logger, r, err))
}

// internal logs err and is what the caller gets to know of it.
func internal(log *slog.Logger, r *http.Request, err error) *APIError {
	id := rand.Text()
	log.LogAttrs(r.Context(), slog.LevelError, "control request failed", slog.String("id", id),
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("error", err.Error()))
	if market.CodeOf(err) == market.OutcomeUnsure {
		return refuse(http.StatusInternalServerError, CodeOutcomeUnsure,
			"the store cannot tell whether this took effect: look before trying again (the log tells more under id %s)", id)
	}
	return refuse(http.StatusInternalServerError, CodeInternal, "internal error; the log tells more under id %s", id)
}

func writeError(w http.ResponseWriter, e *APIError) {
	var body errorBody
	body.Error.Code, body.Error.Message = e.Code, e.Message
	body.Error.Problems = e.Problems
	if body.Error.Problems == nil {
		body.Error.Problems = []market.Problem{}
	}
	text, err := json.Marshal(body)
	if err != nil { // three strings and a number: there is no way
		text = []byte(`{"error":{"code":"Internal","message":"internal error","problems":[]}}`)
	}
	h := w.Header()
	h.Del("Content-Length") // of an answer that came to nothing
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if e.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(e.Status)
	w.Write(append(text, '\n')) // an error here means that the client has gone
}

// withoutPrefix drops the "package: operation: " of an error that is shown to somebody who sees neither.
func withoutPrefix(err error, prefix string) string { return strings.TrimPrefix(err.Error(), prefix) }
