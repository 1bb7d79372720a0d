package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// guarded is a listener behind a Guard whose every path reads the body and answers with its size.
func guarded(t *testing.T, cfg GuardConfig) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(Guard(cfg, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/panic":
			panic("at the disco")
		case "/panic-late":
			io.WriteString(w, "half an answer")
			http.NewResponseController(w).Flush()
			panic("at the disco")
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/csp":
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
		}
		body, err := io.ReadAll(r.Body)
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		json.NewEncoder(w).Encode(len(body))
	})))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	t.Cleanup(s.Close)
	return s
}

// ask makes a request with headers ("Host" included) and returns its answer with the body read.
func ask(t *testing.T, method, target string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// Pages that ask for a credential themselves are let through without the token; they are guarded in every other way.
func TestGuardPages(t *testing.T) {
	t.Parallel()
	s := guarded(t, GuardConfig{Token: "the token", Pages: func(r *http.Request) bool { return r.URL.Path == "/page" }})
	for path, want := range map[string]int{"/page": 200, "/page/": 401, "/": 401, "/api/v1/info": 401, "/healthz": 200} {
		if res, _ := ask(t, "GET", s.URL+path, nil); res.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, res.Status, want)
		}
		if res, _ := ask(t, "GET", s.URL+path, nil, "Authorization", "Bearer the token"); res.StatusCode != 200 {
			t.Errorf("%s with the token: %s", path, res.Status)
		}
	}
	for want, headers := range map[int][]string{421: {"Host", "evil.example"}, 403: {"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}} {
		if res, _ := ask(t, "POST", s.URL+"/page", strings.NewReader("a=b"), headers...); res.StatusCode != want {
			t.Errorf("%v: %s, want %d", headers, res.Status, want)
		}
	}
}

// On loopback, a name that somebody else can point here is no name of this listener.
func TestGuardHost(t *testing.T) {
	t.Parallel()
	s := guarded(t, GuardConfig{Hosts: []string{"Souk.Test", "other.test."}})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:7686": 200, "LOCALHOST.": 200, "souk.localhost:1": 200, "127.0.0.1": 200, "127.0.0.1:7686": 200,
		"[::1]": 200, "[::1]:7686": 200, "192.168.1.7:80": 200, "souk.test:7686": 200, "SOUK.TEST": 200, "other.test": 200,
		"evil.example": 421, "evil.example:7686": 421, "localhost.evil.example": 421, "notlocalhost": 421, "souk.test.evil.example": 421,
		"127.0.0.1.evil.example": 421, "1": 421, "0x7f000001": 421, "a.souk.test": 421,
	} {
		res, body := ask(t, "GET", s.URL+"/", nil, "Host", host)
		if res.StatusCode != want || want == 421 && !strings.Contains(body, CodeMisdirected) {
			t.Errorf("host %q: %d %s, want %d", host, res.StatusCode, body, want)
		}
	}
	// Without a connection to tell (or a Host, as in HTTP/1.0) it is as on loopback; on another address the names are the operator's business.
	for _, tc := range []struct {
		local net.Addr
		host  string
		want  int
	}{
		{nil, "evil.example", 421}, {nil, "", 421},
		{&net.TCPAddr{IP: net.IPv6loopback}, "evil.example", 421},
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, "souk.example.com", 200},
		{&net.UnixAddr{Name: "/run/souk"}, "souk", 200},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/healthz", nil)
		r.Host = tc.host
		if tc.local != nil {
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tc.local))
		}
		w := httptest.NewRecorder()
		Guard(GuardConfig{}, http.NotFoundHandler()).ServeHTTP(w, r)
		if (w.Code == 421) != (tc.want == 421) {
			t.Errorf("%v, host %q: %d", tc.local, tc.host, w.Code)
		}
	}
}

// Pages of other origins cannot act here, but on the paths that are meant for them.
func TestGuardCrossOrigin(t *testing.T) {
	t.Parallel()
	s := guarded(t, GuardConfig{CrossSitePaths: []string{"/register"}})
	for _, tc := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"POST", "/", nil, 200},
		{"POST", "/", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"POST", "/", []string{"Sec-Fetch-Site", "none"}, 200},
		{"POST", "/", []string{"Origin", s.URL}, 200},
		{"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 200},
		{"POST", "/", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"PUT", worldPath, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"DELETE", "/", []string{"Origin", "https://evil.example"}, 403},
		{"PATCH", "/", []string{"Origin", "null"}, 403},
		{"POST", "/register", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://aws.amazon.com"}, 200},
		{"POST", "/register/", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/register/x", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/x/register", []string{"Sec-Fetch-Site", "cross-site"}, 403},
	} {
		res, body := ask(t, tc.method, s.URL+tc.path, nil, tc.headers...)
		if res.StatusCode != tc.want || tc.want == 403 && !strings.Contains(body, CodeForbidden) {
			t.Errorf("%s %s %v: %d %s, want %d", tc.method, tc.path, tc.headers, res.StatusCode, body, tc.want)
		}
	}
}

func TestGuardToken(t *testing.T) {
	t.Parallel()
	s := guarded(t, GuardConfig{Token: "s3cret token", CrossSitePaths: []string{"/register"}})
	basic := func(user, password string) string {
		r := new(http.Request)
		r.Header = http.Header{}
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	for _, tc := range []struct {
		path, authorization string
		want                int
	}{
		{"/healthz", "", 200}, {"/readyz", "", 200},
		{"/", "", 401}, {"/metrics", "", 401}, {"/healthz/", "", 401}, {"/register", "", 401},
		{"/", "Bearer s3cret token", 200}, {"/", "bearer s3cret token", 200},
		{"/", "Bearer s3cret", 401}, {"/", "Bearer s3cret token2", 401}, {"/", "Bearer", 401}, {"/", "Bearer ", 401}, {"/", "s3cret token", 401},
		{"/", basic("anyone", "s3cret token"), 200}, {"/", basic("", "s3cret token"), 200},
		{"/", basic("s3cret token", ""), 401}, {"/", basic("anyone", "S3cret token"), 401}, {"/", "Basic !", 401},
	} {
		res, body := ask(t, "GET", s.URL+tc.path, nil, "Authorization", tc.authorization)
		challenge := res.Header.Get("WWW-Authenticate")
		if res.StatusCode != tc.want || (tc.want == 401) != strings.HasPrefix(challenge, "Basic realm=") || strings.Contains(body, "s3cret") {
			t.Errorf("%s with %q: %d %q %s, want %d", tc.path, tc.authorization, res.StatusCode, challenge, body, tc.want)
		}
	}
}

func TestGuardBodies(t *testing.T) {
	t.Parallel()
	s := guarded(t, GuardConfig{})
	for _, tc := range []struct {
		method, path string
		size, want   int
	}{
		{"POST", "/", MaxBody, 200}, {"POST", "/", MaxBody + 1, 413},
		{"PUT", worldPath, MaxWorldBody, 200}, {"PUT", worldPath, MaxWorldBody + 1, 413}, {"POST", worldPath, MaxBody + 1, 413},
	} {
		for name, body := range map[string]io.Reader{
			"with a length": bytes.NewReader(make([]byte, tc.size)), "chunked": io.MultiReader(bytes.NewReader(make([]byte, tc.size))),
		} {
			if res, _ := ask(t, tc.method, s.URL+tc.path, body); res.StatusCode != tc.want {
				t.Errorf("%s %s with %d bytes %s: %d, want %d", tc.method, tc.path, tc.size, name, res.StatusCode, tc.want)
			}
		}
	}
}

func TestGuardHeaders(t *testing.T) {
	t.Parallel()
	s := guarded(t, GuardConfig{Token: "t"})
	for path, csp := range map[string]string{"/": "default-src 'none'", "/healthz": "default-src 'none'", "/csp": "default-src 'self'"} {
		token := "t"
		if path == "/" {
			token = "wrong" // refusals have them too
		}
		res, _ := ask(t, "GET", s.URL+path, nil, "Authorization", "Bearer "+token)
		for name, want := range map[string]string{
			"Content-Security-Policy": csp, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := res.Header.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestGuardPanics(t *testing.T) {
	t.Parallel()
	logs := new(lockedBuffer)
	s := guarded(t, GuardConfig{Logger: slog.New(slog.NewTextHandler(logs, nil))})
	res, body := ask(t, "GET", s.URL+"/panic", nil)
	if res.StatusCode != 500 || !strings.Contains(body, CodeInternal) || strings.Contains(body, "disco") {
		t.Errorf("panic: %d %s", res.StatusCode, body)
	}
	if text := logs.String(); !strings.Contains(text, "at the disco") || !strings.Contains(text, "guard_test.go") {
		t.Errorf("the log has no panic, or no stack:\n%s", text)
	}
	for _, path := range []string{"/panic-late", "/abort"} {
		res, err := http.Get(s.URL + path)
		if err == nil {
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: the answer ends as if it were whole", path)
		}
	}
}
