package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/market"
)

// What failed inside is told to the log and not to the caller; an id joins the two.
func TestInternalErrorsAreWithheld(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{saveClock: func(context.Context) error { return errors.New("disk on fire") }})
	_, err := s.client.FreezeClock(t.Context())
	var e *APIError
	if !errors.As(err, &e) || e.Status != 500 || e.Code != CodeInternal || strings.Contains(e.Message, "fire") {
		t.Fatalf("FreezeClock = %#v", err)
	}
	id := regexp.MustCompile(`id (\w+)$`).FindStringSubmatch(e.Message)
	if id == nil || !strings.Contains(s.logs.String(), "id="+id[1]) || !strings.Contains(s.logs.String(), "disk on fire") {
		t.Errorf("the message is %q, the log\n%s", e.Message, s.logs)
	}
}

// Each of market's codes has its status; the reason that is not for the caller, and codes that are none of its business, stay inside.
func TestMarketErrors(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	for code, want := range map[market.Code]struct {
		status int
		code   string
	}{
		market.NotFound: {404, CodeNotFound}, market.Conflict: {409, CodeConflict}, market.Invalid: {422, CodeInvalid},
		market.Forbidden: {403, CodeForbidden}, market.Unsupported: {501, CodeUnsupported}, market.Unavailable: {503, CodeUnavailable}, market.OutcomeUnsure: {500, CodeOutcomeUnsure},
		market.InvalidToken: {500, CodeInternal}, market.ExpiredToken: {500, CodeInternal}, market.DisabledAPI: {500, CodeInternal},
	} {
		w := httptest.NewRecorder()
		s.api.fail(w, httptest.NewRequestWithContext(t.Context(), "GET", "/x", nil), &market.Error{Code: code, Message: "said", Reason: "unsaid"})
		var body errorBody
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != want.status || body.Error.Code != want.code {
			t.Errorf("%s: %d %s", code, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "unsaid") || (want.status == 500) == strings.Contains(w.Body.String(), `"said"`) {
			t.Errorf("%s: %s", code, w.Body)
		}
		if (w.Code == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", code, w.Header().Get("Retry-After"))
		}
	}
}

// A store that is closed is unavailable, and the process lives on.
func TestStoreClosed(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	if err := s.client.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.store.Close()
	var e *APIError
	if _, err := s.client.Products(t.Context()); !errors.As(err, &e) || e.Status != 503 || e.Code != CodeUnavailable {
		t.Errorf("Products = %#v, want 503", err)
	}
	if err := s.client.Ready(t.Context()); !errors.As(err, &e) || e.Status != 503 {
		t.Errorf("Ready = %v, want 503", err)
	}
	if err := s.client.Healthy(t.Context()); err != nil {
		t.Errorf("Healthy = %v", err)
	}
}

// A body is exactly the object that the document describes, or the answer says what is wrong with it.
func TestStrictBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	for _, tc := range []struct{ media, body, want string }{
		{"application/json", ``, "no body"},
		{"application/json", `null`, "must be a JSON object"},
		{"application/json", `[]`, "must be a JSON object"},
		{"application/json", `"x"`, "must be a JSON object"},
		{"application/json", `{"product_code": "legacy1"`, "ends early"},
		{"application/json", `{"product_code": "legacy1"} {}`, "something after"},
		{"application/json", `{"product_code": "legacy1"}x`, "something after"},
		{"application/json", `{"product_code": "legacy1", "product_code": "x"}`, `"product_code" stands twice`},
		{"application/json", `{"Product_Code": "legacy1"}`, `unknown member "Product_Code"`},
		{"application/json", `{"product_code": "legacy1", "free_trial": "yes"}`, `member "free_trial" must be true or false, not string`},
		{"application/json", `{"product_code": 7}`, `member "product_code" must be a string, not number`},
		{"application/json", `{"product_code": {"a": 1}}`, `must be a string, not object`},
		{"application/json", "{\"product_code\": \"\xff\"}", "UTF-8"},
		{"application/json", `{"product_code": ` + strings.Repeat("[", 200_000), ""},
		{"application/json", `{"": 1}`, `unknown member ""`},
		{"", `{"product_code": "legacy1"}`, "Content-Type"},
		{"text/plain", `{"product_code": "legacy1"}`, "Content-Type"},
	} {
		status, answer := s.raw(t, "POST", "/api/v1/purchases", tc.media, []byte(tc.body))
		var body errorBody
		if err := json.Unmarshal([]byte(answer), &body); err != nil {
			t.Fatal(err)
		}
		want := http.StatusBadRequest
		if tc.want == "Content-Type" {
			want = http.StatusUnsupportedMediaType
		}
		if status != want || !strings.Contains(body.Error.Message, tc.want) {
			t.Errorf("%q %.50s: %d %s", tc.media, tc.body, status, answer)
		}
	}
	// Routes that need no body take none, and an empty object, and nothing else.
	for body, want := range map[string]int{"": 200, "{}": 200, ` { } `: 200, `{"by": "1h"}`: 400, `null`: 400} {
		if status, answer := s.raw(t, "POST", "/api/v1/clock/freeze", "application/json", []byte(body)); status != want {
			t.Errorf("freeze with %q: %d %s, want %d", body, status, answer, want)
		}
	}
	if customers, err := s.client.Customers(t.Context()); err != nil || len(customers) != 0 {
		t.Errorf("after refusals only there are customers %v (%v)", customers, err)
	}
}

// What checkMembers lets through is one JSON object, and encoding/json finds in it the members that it saw.
func FuzzCheckMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a": 1, "b": {"B": [null]}}`, `{"a": 1, "a": 2}`, `{"A": 1}`, `{} {}`, `{"a`, `[`, "{\"\xff\": 1}", `{"\u0061": 1, "a": 2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkMembers(body) != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for name := range members {
			if strings.ToLower(name) != name || !utf8.ValidString(name) {
				t.Errorf("%q: member %q", body, name)
			}
		}
	})
}

// A body that breaks off is the client's fault, and its end is not waited for.
func TestBodyEndsEarly(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/purchases", io.MultiReader(strings.NewReader("{"), broken{}))
	s.api.Handler().ServeHTTP(w, r)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "ended early") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// The API shares a mux with pages that claim everything, and keeps its own paths.
func TestRegister(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page") }
	mux.HandleFunc("/", page)
	mux.HandleFunc("GET /", page)
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("POST /products/{code...}", page)
	s.api.Register(mux)
	for _, tc := range []struct {
		method, path string
		status       int
		in           string
	}{
		{"GET", "/", 200, "page"},
		{"POST", "/products/a/b", 200, "page"},
		{"GET", "/api/v1/info", 200, `"endpoint"`},
		{"GET", "/api/v1/products/concurrent%2F1:a@b=c", 200, `"Concurrent"`},
		{"HEAD", "/api/v1/info", 200, ""},
		{"POST", "/api/v1/info", 405, "MethodNotAllowed"},
		{"OPTIONS", "/api/v1/info", 405, "MethodNotAllowed"},
		{"GET", "/api/", 404, "NotFound"},
		{"DELETE", "/healthz", 405, "MethodNotAllowed"},
		{"GET", "/healthz", 200, "ok"},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, nil))
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.in) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, w.Code, w.Body)
		}
		if want := map[bool]string{true: "GET, HEAD"}[tc.status == 405]; w.Header().Get("Allow") != want {
			t.Errorf("%s %s: Allow %q, want %q", tc.method, tc.path, w.Header().Get("Allow"), want)
		}
	}
}
