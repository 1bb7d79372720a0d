package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of request bodies, in bytes.
const (
	MaxBody      = 1 << 20
	MaxWorldBody = 4 << 20 // internal/world takes no larger file
)

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // it is never HTML, and & stands in every registration URL
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("admin: encode answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(buf.Bytes()) // an error here means that the client has gone
	return nil
}

// listOf is v with an empty list in place of none, so that JSON has [] and not null.
func listOf[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// readBody reads a bounded body of one of these media types. An empty body needs none.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, types ...string) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return nil, err
		}
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "the request's body ended early")
	}
	if len(body) == 0 {
		return nil, nil
	}
	have := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(have)
	if err != nil || !slices.Contains(types, media) {
		return nil, refuse(http.StatusUnsupportedMediaType, CodeUnsupportedType, "the request's Content-Type is %q; it must be %s", have, strings.Join(types, " or "))
	}
	return body, nil
}

// decode reads a JSON object into v: members as they are spelled in the OpenAPI document, each at most once, and no others.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := readBody(w, r, MaxBody, "application/json")
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request has no body; a JSON object is expected")
	}
	if err := checkMembers(body); err != nil {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request's body: %v", err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request's body: %s", plainDecodeError(err))
	}
	return nil
}

// decodeNothing is decode for routes that need no body: an empty one, or an empty object.
func decodeNothing(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	body, err := readBody(w, r, MaxBody, "application/json")
	if err != nil || len(body) == 0 {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return decode(w, r, new(struct{}))
}

// checkMembers makes encoding/json exact where it is lenient: it takes members without regard to case, the last of two that are
// alike, and bytes that are no UTF-8.
func checkMembers(body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil {
		return errors.New(plainDecodeError(err))
	} else if t != json.Delim('{') {
		return errors.New("must be a JSON object")
	}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return errors.New(plainDecodeError(err))
		}
		name, _ := t.(string)
		switch {
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "": // no member has any other character
			return fmt.Errorf("unknown member %q", name)
		case seen[name]:
			return fmt.Errorf("member %q stands twice", name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return errors.New(plainDecodeError(err))
		}
	}
	if _, err := dec.Token(); err != nil {
		return errors.New(plainDecodeError(err))
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("there is something after the JSON object")
	}
	return nil
}

// plainDecodeError says what encoding/json found in words of JSON, not of Go.
func plainDecodeError(err error) string {
	var kind *json.UnmarshalTypeError
	var badTime *time.ParseError
	switch text := err.Error(); {
	case errors.As(err, &badTime) || strings.HasPrefix(text, "Time.UnmarshalJSON:"):
		return `an instant must be text such as "2026-12-01T00:00:00Z"`
	case errors.As(err, &kind):
		what := "an object"
		switch kind.Type.Kind() {
		case reflect.String:
			what = "a string"
		case reflect.Bool:
			what = "true or false"
		case reflect.Int, reflect.Int64, reflect.Uint64:
			what = "a whole number"
		case reflect.Float64:
			what = "a number"
		}
		return fmt.Sprintf("member %q must be %s, not %s", kind.Field, what, kind.Value)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the JSON ends early"
	default:
		if _, name, ok := strings.Cut(text, "unknown field "); ok {
			return "unknown member " + name
		}
		return strings.TrimPrefix(strings.TrimPrefix(text, "json: "), "fault: rule: ")
	}
}

// checkQuery refuses query parameters that are not among the names, and one that stands twice.
func checkQuery(r *http.Request, names []string) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the query string does not parse")
	}
	for name, values := range q {
		if !slices.Contains(names, name) {
			return refuse(http.StatusBadRequest, CodeBadRequest, "unknown query parameter %q", name)
		}
		if len(values) > 1 {
			return refuse(http.StatusBadRequest, CodeBadRequest, "query parameter %q stands twice", name)
		}
	}
	return nil
}

// number reads a whole number of a query string, from low to high; absent is the default.
func number[T uint64 | int](q url.Values, name string, absent, low, high T) (T, error) {
	text := q.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n < uint64(low) || n > uint64(high) {
		return 0, refuse(http.StatusBadRequest, CodeBadRequest, "query parameter %q must be a whole number from %d to %d", name, low, high)
	}
	return T(n), nil
}

// instant reads an instant of a query string; absent is the zero time.
func instant(q url.Values, name string) (time.Time, error) {
	text := q.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, refuse(http.StatusBadRequest, CodeBadRequest, "query parameter %q must be an instant such as \"2026-12-01T00:00:00Z\"", name)
	}
	return t.UTC(), nil
}

// truth reads true or false of a query string; absent is false.
func truth(q url.Values, name string) (bool, error) {
	text := q.Get(name)
	if text == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		return false, refuse(http.StatusBadRequest, CodeBadRequest, "query parameter %q must be true or false", name)
	}
	return v, nil
}

// longAnswer bounds a request that takes as long as its store is large.
const longAnswer = 10 * time.Minute

// unhurried replaces the server's timeouts by longAnswer. Where there are none, there is nothing to do. (When the timeout of reading runs out,
// net/http would also take the client for gone, and end the request's context.)
func unhurried(w http.ResponseWriter) {
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Now().Add(longAnswer))
	_ = out.SetWriteDeadline(time.Now().Add(longAnswer))
}

// span reads a span of time such as "4h1m".
func span(member, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, invalid(member, `must be a span of time such as "90s" or "4h1m", not %q`, text)
	}
	return d, nil
}
