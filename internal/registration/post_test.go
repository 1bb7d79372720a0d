package registration_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/registration"
)

var form = url.Values{"x-amzn-marketplace-token": {"to+ke/n=="}}

// seen is a request that a site got.
type seen struct{ Method, Path, Body, Origin, ContentType, Cookie string }

// newSite is a server that notes what it is asked and answers by path.
func newSite(t *testing.T, mux *http.ServeMux) (base string, requests *[]seen) {
	t.Helper()
	requests = &[]seen{}
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		*requests = append(*requests, seen{r.Method, r.URL.Path, string(body), r.Header.Get("Origin"), r.Header.Get("Content-Type"), r.Header.Get("Cookie")})
		mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, requests
}

func TestPostSendsWhatABrowserSends(t *testing.T) {
	var got http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		if err := r.ParseForm(); err != nil || r.PostForm.Get("x-amzn-marketplace-token") != "to+ke/n==" {
			t.Errorf("form %v, %v", r.PostForm, err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<html><head><TITLE lang=en>\n Welcome &amp;\n hello </TITLE>")
	}))
	t.Cleanup(srv.Close)
	ans, err := registration.Post(t.Context(), srv.Client(), srv.URL+"/r#top", form)
	if err != nil {
		t.Fatal(err)
	}
	want := registration.Answer{
		Status: 200, URL: srv.URL + "/r", Redirects: []string{}, Cookies: []string{}, Title: "Welcome & hello",
		Body: "<html><head><TITLE lang=en>\n Welcome &amp;\n hello </TITLE>",
	}
	if diff := cmp.Diff(want, ans); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://aws.amazon.com", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
	} {
		if got.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Get(name), value)
		}
	}
	if !strings.HasPrefix(got.Get("Accept"), "text/html,") || got.Get("Cookie") != "" {
		t.Errorf("headers %v", got)
	}
}

func TestOriginCanBeSet(t *testing.T) {
	base, requests := newSite(t, http.NewServeMux())
	if _, err := (registration.Browser{Origin: "http://127.0.0.1:7686"}).Post(t.Context(), base, form); err != nil {
		t.Fatal(err)
	}
	if got := (*requests)[0].Origin; got != "http://127.0.0.1:7686" {
		t.Errorf("Origin %q", got)
	}
}

// A site that protects itself as Go sites do refuses the form unless it exempts the path: the browser has to bring that to light.
func TestPostIsCrossSite(t *testing.T) {
	srv := httptest.NewServer(http.NewCrossOriginProtection().Handler(http.NotFoundHandler()))
	t.Cleanup(srv.Close)
	ans, err := registration.Post(t.Context(), nil, srv.URL, form)
	if err != nil || ans.Status != http.StatusForbidden {
		t.Errorf("status %d, %v; want 403", ans.Status, err)
	}
}

func TestPostFollowsRedirects(t *testing.T) {
	for status, wantMethod := range map[int]string{301: "GET", 302: "GET", 303: "GET", 307: "POST", 308: "POST"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("/r", func(w http.ResponseWriter, r *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "session", Value: "1", Path: "/"})
				http.SetCookie(w, &http.Cookie{Name: "analytics", Value: "1", Path: "/"})
				w.Header().Set("Location", "/next?a=1#x")
				w.WriteHeader(status)
			})
			mux.HandleFunc("/next", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "../end")
				w.WriteHeader(http.StatusFound)
			})
			mux.HandleFunc("/end", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
			base, requests := newSite(t, mux)
			ans, err := registration.Post(t.Context(), nil, base+"/r", form)
			if err != nil {
				t.Fatal(err)
			}
			want := registration.Answer{
				Status: http.StatusTeapot, URL: base + "/end", Redirects: []string{base + "/next?a=1", base + "/end"}, Cookies: []string{"analytics", "session"},
			}
			if diff := cmp.Diff(want, ans); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			second, third := (*requests)[1], (*requests)[2]
			wantSecond := seen{Method: wantMethod, Path: "/next", Cookie: second.Cookie}
			if wantMethod == "POST" {
				wantSecond.Body, wantSecond.Origin, wantSecond.ContentType = form.Encode(), registration.DefaultOrigin, "application/x-www-form-urlencoded"
			}
			if second != wantSecond {
				t.Errorf("second request %+v, want %+v", second, wantSecond)
			}
			if !strings.Contains(second.Cookie, "session=1") || third.Method != "GET" || third.Body != "" || third.Origin != "" {
				t.Errorf("second %+v, third %+v", second, third)
			}
			if again, err := registration.Post(t.Context(), nil, base+"/r", form); err != nil || (*requests)[3].Cookie != "" {
				t.Errorf("a second browser knows the cookies of the first: %+v, %v, %v", (*requests)[3], again, err)
			}
		})
	}
}

func TestOriginIsNullAfterTheFormWasSentToAnotherOrigin(t *testing.T) {
	end, requests := newSite(t, http.NewServeMux())
	mux := http.NewServeMux()
	mux.Handle("/r", http.RedirectHandler(end+"/x", http.StatusTemporaryRedirect))
	base, _ := newSite(t, mux)
	if _, err := registration.Post(t.Context(), nil, base+"/r", form); err != nil {
		t.Fatal(err)
	}
	if got := (*requests)[0]; got.Method != "POST" || got.Origin != "null" || got.Body != form.Encode() {
		t.Errorf("got %+v", got)
	}
}

func TestRedirectsAreBounded(t *testing.T) {
	for name, status := range map[string]int{"GET": 302, "POST": 307} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.Handle("/r", http.RedirectHandler("/r?token=secret", status))
			base, requests := newSite(t, mux)
			ans, err := registration.Post(t.Context(), nil, base+"/r", form)
			if !errors.Is(err, registration.ErrTooManyRedirects) || len(*requests) != 11 || len(ans.Redirects) != 10 {
				t.Errorf("%d requests, %d redirects, %v", len(*requests), len(ans.Redirects), err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the query: %v", err)
			}
		})
	}
}

func TestOnlyHTTPIsPostedTo(t *testing.T) {
	for _, target := range []string{"file:///etc/passwd", "ftp://x/", "javascript:alert(1)", "//x/", "/r", "", "http:///r", "data:text/html,x", "http://x/%zz", "gopher://x/\n"} {
		if ans, err := registration.Post(t.Context(), nil, target, form); err == nil {
			t.Errorf("%q: answered %+v", target, ans)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/r", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "file:///etc/passwd")
		w.WriteHeader(http.StatusFound)
	})
	base, _ := newSite(t, mux)
	ans, err := registration.Post(t.Context(), nil, base+"/r", form)
	if err == nil || !strings.Contains(err.Error(), "only http and https") || !slices.Equal(ans.Redirects, []string{"file:///etc/passwd"}) {
		t.Errorf("%+v, %v", ans, err)
	}
}

func TestARedirectToNowhereIsAnAnswer(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/r", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusFound) })
	mux.HandleFunc("/same", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotModified) })
	base, _ := newSite(t, mux)
	for path, want := range map[string]int{"/r": 302, "/same": 304, "/missing": 404} {
		if ans, err := registration.Post(t.Context(), nil, base+path, form); err != nil || ans.Status != want || len(ans.Redirects) != 0 {
			t.Errorf("%s: %+v, %v", path, ans, err)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/r", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>"+strings.Repeat("x", 1<<20))
	})
	base, _ := newSite(t, mux)
	ans, err := registration.Post(t.Context(), nil, base+"/r", form)
	if err != nil || len(ans.Body) != 256<<10 || ans.Title != "" {
		t.Errorf("%d bytes, title %q, %v", len(ans.Body), ans.Title, err)
	}
}

func TestPostFailures(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + ln.Addr().String()
	ln.Close()
	_, err = registration.Post(t.Context(), nil, closed+"/r?token=secret", form)
	if err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), closed+"/r:") || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody listens: %v", err)
	}

	block := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/r", func(w http.ResponseWriter, r *http.Request) { <-block })
	base, _ := newSite(t, mux)
	t.Cleanup(func() { close(block) }) // before the site closes, which waits
	_, err = registration.Post(t.Context(), &http.Client{Timeout: 20 * time.Millisecond}, base+"/r", form)
	if err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("a site that does not answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := registration.Post(ctx, nil, base+"/r", form); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
