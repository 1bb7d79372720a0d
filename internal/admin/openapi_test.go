package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// document loads and validates openapi.yaml, its examples included.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	openapi3filter.RegisterBodyDecoder("text/yaml", openapi3filter.YamlBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.PlainBodyDecoder)
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(openAPI)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(loader.Context)
})

func mustDocument(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// conform is a transport that holds what goes through it to the document: each answer, whatever its status, and each request that was
// taken. It remembers which answers it has seen.
type conform struct {
	t    *testing.T
	next http.RoundTripper

	mu     sync.Mutex
	router routers.Router
	seen   map[string]bool // "operationId 200"
}

func (c *conform) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		sent, _ = io.ReadAll(req.Body)
		req.Body.Close()
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	res, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.router == nil {
		if c.router, err = gorillamux.NewRouter(mustDocument(c.t)); err != nil {
			c.t.Errorf("router: %v", err)
			return res, nil
		}
		c.seen = map[string]bool{}
	}
	route, params, err := c.router.FindRoute(&http.Request{Method: req.Method, URL: req.URL, Header: req.Header})
	if err != nil {
		if res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed && res.StatusCode < 401 {
			c.t.Errorf("%s %s answers %d and is not in the document: %v", req.Method, req.URL, res.StatusCode, err)
		}
		return res, nil
	}
	c.seen[route.Operation.OperationID+" "+strconv.Itoa(res.StatusCode)] = true
	replay := req.Clone(req.Context())
	replay.Body = io.NopCloser(bytes.NewReader(sent))
	in := &openapi3filter.RequestValidationInput{Request: replay, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true, RejectWhenRequestBodyNotSpecified: true,
	}}
	if res.StatusCode < 300 {
		if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
			c.t.Errorf("%s %s was taken, and is not what the document says: %v", req.Method, req.URL, err)
		}
	}
	stream := strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: stream, MultiError: true}}
	if !stream {
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return nil, err
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
		out.SetBodyBytes(body)
		checkTimes(c.t, body)
	}
	if err := openapi3filter.ValidateResponse(req.Context(), out); err != nil {
		c.t.Errorf("%s %s: answer %d is not what the document says: %v", req.Method, req.URL, res.StatusCode, err)
	}
	return res, nil
}

var timeMember = regexp.MustCompile(`"(?:\w+_at|time|market_time|now|wall|expiration)":\s*"([^"]*)"`)

// checkTimes finds instants that are not RFC 3339 in UTC.
func checkTimes(t *testing.T, body []byte) {
	for _, m := range timeMember.FindAllSubmatch(body, -1) {
		if _, err := time.Parse(time.RFC3339Nano, string(m[1])); err != nil || !bytes.HasSuffix(m[1], []byte("Z")) {
			t.Errorf("%s is not RFC 3339 in UTC", m[0])
		}
	}
}

// The document and the table of routes name the same operations with the same query parameters.
func TestDocumentHasEveryRoute(t *testing.T) {
	t.Parallel()
	doc := mustDocument(t)
	want := map[string][]string{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			names := []string{}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if p.Value.In == "query" {
					names = append(names, p.Value.Name)
				}
			}
			want[method+" "+path] = names
		}
	}
	got := map[string][]string{}
	for _, rt := range new(API).routes() {
		got[rt.method+" "+rt.path] = append([]string{}, rt.query...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("document (-) and routes (+) differ:\n%s", diff)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("the document is of OpenAPI %s", doc.OpenAPI)
	}
}

// Every example of a request in the document is one that the handlers understand.
func TestExamplesAreUnderstood(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	n := 0
	for path, item := range mustDocument(t).Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			for media, content := range op.RequestBody.Value.Content {
				for name, ex := range content.Examples {
					body, err := json.Marshal(ex.Value.Value)
					if media == yamlType {
						body, err = yaml.Marshal(ex.Value.Value)
					}
					if err != nil {
						t.Fatal(err)
					}
					target := strings.NewReplacer("{code}", "legacy1", "{id}", "x").Replace(path)
					status, answer := s.raw(t, method, target, media, body)
					if status == http.StatusBadRequest || status == http.StatusUnsupportedMediaType || status >= 500 {
						t.Errorf("%s %s, example %s: %d %s", method, path, name, status, answer)
					}
					n++
				}
			}
		}
	}
	if n < 12 {
		t.Errorf("only %d examples", n)
	}
}

// raw makes a request as it is given.
func (s *site) raw(t *testing.T, method, target, media string, body []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	res, err := s.client.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// declared is every answer that the document names by its status.
func declared(t *testing.T) []string {
	all := map[string]bool{}
	for _, item := range mustDocument(t).Paths.Map() {
		for _, op := range item.Operations() {
			for status := range op.Responses.Map() {
				if status != "default" {
					all[op.OperationID+" "+status] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func escape(code string) string { return url.PathEscape(code) }
