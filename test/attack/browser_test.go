package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/process"
)

const (
	crossOrigin = "internal/admin/guard.go:refuse (http.CrossOriginProtection)"
	rebinding   = "internal/admin/guard.go:knownHost"
	mediaTypes  = "internal/admin/json.go:readBody"

	clicked = "clickedlegacy000000000001"
)

// browsers: whoever runs `souk dev` has its control listener open to every page that their browser shows.
func browsers(t *testing.T, s *siege) {
	t.Run("other origins", func(t *testing.T) { otherOrigins(t, s) })
	t.Run("rebinding", func(t *testing.T) { rebound(t, s) })
	t.Run("simple requests", func(t *testing.T) { simpleRequests(t, s) })
	t.Run("reading", func(t *testing.T) { reading(t, s) })
	t.Run("pages", func(t *testing.T) { pageHeaders(t, s) })
	t.Run("Chromium", func(t *testing.T) { realBrowser(t, s) })
}

// request is one as a browser or a tool sends it to the control listener.
type request struct {
	method, path, host string // host "": the listener's address
	lines              []line
	body               string
}

func (r request) send(t *testing.T, s *souk) answer {
	t.Helper()
	host := r.host
	if host == "" {
		host = s.gate()
	}
	f := &forgery{method: r.method, target: r.path, lines: append([]line{{"Host", host}, {"Connection", "close"}}, r.lines...), body: []byte(r.body)}
	if s.credential != "" {
		f.add("Authorization", "Bearer "+s.credential)
	}
	return f.send(t, s.at(s.gate()))
}

// at is the same Souk with another address in the place of the AWS face's.
func (s *souk) at(address string) *souk {
	other := *s
	other.Souk = &process.Souk{Info: s.Info, Cmd: s.Cmd} // and not its output, which grows
	other.Endpoint = "http://" + address
	return &other
}

// mutating are all routes that change something: those of the OpenAPI document, and the pages' own.
func mutating(t *testing.T, s *souk) (list []request) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	s.do(t, http.MethodGet, "/openapi.json", nil, &doc)
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	for path, methods := range doc.Paths {
		for method := range methods {
			switch method = strings.ToUpper(method); method {
			case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
				list = append(list, request{method: method, path: parameter.ReplaceAllString(path, "nobodys")})
			}
		}
	}
	if len(list) < 20 {
		t.Fatalf("the OpenAPI document has only %d routes that change something", len(list))
	}
	for _, path := range []string{"/products/nobodys/subscribe", "/products/nobodys/registration-url", "/subscriptions/nobodys/setup", "/subscriptions/nobodys/cancel"} {
		list = append(list, request{method: http.MethodPost, path: path})
	}
	return list
}

// otherOrigins: no page of another origin changes anything, by whichever headers its browser tells of it.
func otherOrigins(t *testing.T, s *siege) {
	const plain = "text/plain" // no route takes it, so that the honest neighbour changes nothing either
	for name, k := range map[string]*souk{"dev": s.dev, "serve, with the credential that the browser keeps": s.lit} {
		t.Run(name, func(t *testing.T) {
			for _, r := range mutating(t, k) {
				if r.method == http.MethodDelete && r.path == "/api/v1/faults" { // without a body it would succeed, which is as good
					continue
				}
				r.body = "x"
				for _, from := range [][]line{
					{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}},
					{{"Sec-Fetch-Site", "cross-site"}},
					{{"Sec-Fetch-Site", "same-site"}, {"Origin", "http://127.0.0.1:1"}},
					{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://" + k.gate()}},
					{{"Origin", "https://evil.example"}},
					{{"Origin", "null"}},
					{{"Origin", "http://127.0.0.1:1"}},
					{{"Origin", "http://" + k.gate() + ".evil.example"}},
					{{"Origin", "https://aws.amazon.com"}},
				} {
					r.lines = append([]line{{"Content-Type", plain}}, from...)
					if got := r.send(t, k); got.status != http.StatusForbidden || !strings.Contains(string(got.body), "cross-origin") {
						t.Errorf("%s %s from %v: %s\nguard: %s", r.method, r.path, from, got, crossOrigin)
					}
				}
				for _, from := range [][]line{{{"Sec-Fetch-Site", "same-origin"}, {"Origin", "http://" + k.gate()}}, {{"Sec-Fetch-Site", "none"}}, nil} {
					r.lines = append([]line{{"Content-Type", plain}}, from...)
					if got := r.send(t, k); got.status < 200 || got.status == http.StatusForbidden && strings.Contains(string(got.body), "cross-origin") || got.status >= 500 {
						t.Errorf("%s %s, not from elsewhere but %v: %s", r.method, r.path, from, got)
					}
				}
			}
		})
	}
	// The one path that other origins may post to changes nothing.
	got := request{method: http.MethodPost, path: "/register", lines: []line{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://aws.amazon.com"},
		{"Content-Type", "application/x-www-form-urlencoded"}}, body: "x-amzn-marketplace-token=x"}.send(t, s.dev)
	if got.status == http.StatusForbidden || got.status >= 500 {
		t.Errorf("the registration page: %s", got)
	}
	for _, path := range []string{"/register/", "/register/../api/v1/clock/freeze", "//register", "/register%2f", "/api/v1/clock/freeze?/register", "/REGISTER"} {
		got := request{method: http.MethodPost, path: path, lines: []line{{"Sec-Fetch-Site", "cross-site"}}}.send(t, s.dev)
		if got.status != http.StatusForbidden {
			t.Errorf("%s passes for the registration page: %s\nguard: internal/admin/guard.go:refuse (CrossSitePaths)", path, got)
		}
	}
}

// rebound: a name of a stranger's that resolves to 127.0.0.1 makes a stranger's page same-origin with the listener.
func rebound(t *testing.T, s *siege) {
	port := s.dev.gate()[strings.LastIndexByte(s.dev.gate(), ':'):]
	targets := []request{{method: "GET", path: "/"}, {method: "GET", path: "/api/v1/world?secrets=true"}, {method: "GET", path: "/api/v1/requests"}, {method: "POST", path: "/api/v1/clock/freeze"}, {method: "GET", path: "/register"}}
	for _, host := range []string{"evil.example", "evil.example" + port, "127.0.0.1.evil.example" + port, "localhost.evil.example" + port, "evil-localhost" + port,
		"localhostx" + port, "xlocalhost" + port, "127.0.0.1x" + port, "0x7f000001" + port, "2130706433" + port, "127.1" + port, "[::1].evil.example" + port, "evil.example:80:80", "localhost:1:1", "127.0.0.1.nip.io" + port} {
		for _, r := range targets {
			r.host = host
			r.lines = []line{{"Sec-Fetch-Site", "same-origin"}, {"Origin", "http://" + host}}
			got := r.send(t, s.dev)
			if (got.status != http.StatusMisdirectedRequest && got.status != http.StatusBadRequest) || strings.Contains(string(got.body), victim.id) {
				t.Errorf("%s as %s: %s\nguard: %s", r.path, host, got, rebinding)
			}
		}
	}
	if got := exchange(t, s.dev.gate(), []byte("GET /api/v1/requests HTTP/1.0\r\n\r\n"))[0]; got.status != http.StatusMisdirectedRequest {
		t.Errorf("without a Host: %s\nguard: %s", got, rebinding)
	}
	for _, host := range []string{"localhost" + port, "LOCALHOST" + port, "souk.localhost" + port, "127.0.0.1" + port, "[::1]" + port, "localhost." + port} {
		if got := (request{method: "GET", path: "/api/v1/requests", host: host}).send(t, s.dev); got.status != http.StatusOK {
			t.Errorf("as %s: %s", host, got)
		}
	}
}

// simpleRequests are those that a page may send elsewhere without asking (Fetch standard, CORS-safelisted), from a browser that does not say whence.
func simpleRequests(t *testing.T, s *siege) {
	body := string(encode(map[string]string{"product_code": victimLegacy, "buyer": buyerAccount}))
	for _, media := range []string{"text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/html", "application/json, text/plain",
		"application/jsonx", "text/plain;application/json"} {
		for _, path := range []string{"/api/v1/purchases", "/api/v1/clock/advance", "/api/v1/faults", "/api/v1/sessions"} {
			r := request{method: http.MethodPost, path: path, body: body}
			if media != "" {
				r.lines = []line{{"Content-Type", media}}
			}
			if got := r.send(t, s.dev); got.status != http.StatusUnsupportedMediaType {
				t.Errorf("%s as %q: %s\nguard: %s", path, media, got, mediaTypes)
			}
		}
		r := request{method: http.MethodPut, path: "/api/v1/world", body: "version: 1\n", lines: []line{{"Content-Type", media}}}
		if got := r.send(t, s.dev); got.status != http.StatusUnsupportedMediaType {
			t.Errorf("a world as %q: %s\nguard: %s", media, got, mediaTypes)
		}
	}
	for _, media := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		r := request{method: http.MethodPost, path: "/api/v1/purchases", body: body, lines: []line{{"Content-Type", media}}}
		if got := r.send(t, s.dev); got.status < 200 || got.status > 299 {
			t.Errorf("honestly, as %s: %s", media, got)
		}
	}
}

// reading: a page of another origin may send a GET, and gets nothing to read.
func reading(t *testing.T, s *siege) {
	evil := []line{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}}
	for _, path := range []string{"/", "/api/v1/info", "/api/v1/world?secrets=true", "/api/v1/requests", "/metrics", "/openapi.json", "/register", "/subscriptions"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			r := request{method: method, path: path, lines: append([]line{{"Access-Control-Request-Method", "PUT"}, {"Access-Control-Request-Headers", "content-type"}}, evil...)}
			got := r.send(t, s.dev)
			for name := range got.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %s: %s\nguard: there is no CORS on the control listener", method, path, name, got.header.Get(name))
				}
			}
			if h := got.header.Get("Cross-Origin-Resource-Policy"); h != "same-origin" {
				t.Errorf("%s %s: Cross-Origin-Resource-Policy %q\nguard: internal/admin/guard.go:ServeHTTP", method, path, h)
			}
		}
	}
	upgrade := append([]line{{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}, evil...)
	for _, path := range []string{"/", "/api/v1/info", "/api/v1/requests", "/nowhere"} {
		r := request{method: "GET", path: path, lines: upgrade}
		if got := r.send(t, s.dev); got.status == http.StatusSwitchingProtocols || got.status == 0 {
			t.Errorf("a web socket to %s: %s", path, got)
		}
	}
	upgraded := call(s.dev, victim, "BatchMeterUsage", noUsage)
	upgraded.set("Upgrade", "h2c")
	upgraded.set("Connection", "Upgrade, HTTP2-Settings")
	accepted(t, upgraded.sign().send(t, s.dev)) // and stays what it is
}

// pageHeaders: what pages are allowed is nothing but what they need.
func pageHeaders(t *testing.T, s *siege) {
	bought := s.dev.buy(t, clicked, buyerAccount)
	form := []line{{"Content-Type", "application/x-www-form-urlencoded"}, {"Sec-Fetch-Site", "same-origin"}}
	for _, c := range []struct {
		request request
		status  int
		secret  bool
	}{
		{request{method: "GET", path: "/"}, 200, false},
		{request{method: "GET", path: "/products/" + clicked}, 200, false},
		{request{method: "GET", path: "/subscriptions"}, 200, false},
		{request{method: "GET", path: "/subscriptions/" + bought.AgreementID}, 200, false},
		{request{method: "POST", path: "/subscriptions/" + bought.AgreementID + "/setup", lines: form}, 200, true},
		{request{method: "GET", path: "/nowhere"}, 404, false},
		{request{method: "GET", path: "/register"}, 200, false},
		{request{method: "POST", path: "/register", lines: form, body: "x-amzn-marketplace-token=" + url.QueryEscape(bought.RegistrationToken)}, 0, true},
	} {
		t.Run(c.request.method+" "+c.request.path, func(t *testing.T) {
			got := c.request.send(t, s.dev)
			if c.status != 0 && got.status != c.status {
				t.Fatalf("%s", got)
			}
			h := got.header
			policy := h.Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
				if !strings.Contains(policy, want) {
					t.Errorf("Content-Security-Policy %q lacks %s", policy, want)
				}
			}
			for _, bad := range []string{"unsafe", "*", "script-src http", "script-src data"} {
				if strings.Contains(policy, bad) {
					t.Errorf("Content-Security-Policy %q has %s", policy, bad)
				}
			}
			if len(h.Values("Content-Security-Policy")) != 1 || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Set-Cookie") != "" ||
				!strings.HasPrefix(h.Get("Content-Type"), "text/html") {
				t.Errorf("headers: %v", h)
			}
			if cache := h.Get("Cache-Control"); c.secret && !strings.Contains(cache, "no-store") || !strings.Contains(cache, "no-store") && !strings.Contains(cache, "no-cache") {
				t.Errorf("Cache-Control %q", cache)
			}
			if ref := h.Get("Referrer-Policy"); ref != "same-origin" && ref != "no-referrer" && ref != "strict-origin" {
				t.Errorf("Referrer-Policy %q", ref)
			}
		})
	}
}

// realBrowser: what a browser itself sends from a page of another origin, and what comes of it.
func realBrowser(t *testing.T, s *siege) {
	path := chromium(t)
	subscribe := s.dev.Control + "/products/" + clicked + "/subscribe"
	form := fmt.Sprintf(`<form id="f" method="post" action="%s"><input name="buyer" value="%s"><input name="offer" value="offer-clicked"></form>`, subscribe, bystanderAccount)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>evil</title>%s<output id="out">waiting</output><script>
			if (location.hash == "#form") { document.getElementById("f").submit() }
			else Promise.allSettled([
				fetch(%q, {method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({buyer: %q, offer: "offer-clicked"})}),
				fetch(%q, {credentials: "include"}).then(r => r.text()),
				fetch(%q, {method: "PUT", body: "version: 1", headers: {"Content-Type": "application/yaml"}}),
			]).then(all => { document.getElementById("out").textContent = all.map(a => a.status + ":" + (a.value?.type ?? "")).join(" ") })
		</script>`, form, subscribe, bystanderAccount, s.dev.Control+"/api/v1/world?secrets=true", s.dev.Control+"/api/v1/world")
	}))
	defer evil.Close()
	elsewhere := strings.Replace(evil.URL, "127.0.0.1", "localhost", 1) // another site

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	alloc, cancelAlloc := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))...)
	defer cancelAlloc()
	tab, cancelTab := chromedp.NewContext(alloc)
	defer cancelTab()
	text := func(wait string, steps ...chromedp.Action[chromedp.Void]) string {
		t.Helper()
		inTab(t, tab, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			return chromedp.Do(ctx, append(steps, chromedp.WaitVisible(chromedp.Search(wait)))...)
		}))
		return inTab(t, tab, chromedp.Location()) + " " + inTab(t, tab, chromedp.Text(chromedp.CSS("body")))
	}
	bought := func() int {
		var out struct{ Agreements []json.RawMessage }
		s.dev.do(t, http.MethodGet, "/api/v1/agreements?product="+clicked+"&buyer="+bystanderAccount, nil, &out)
		return len(out.Agreements)
	}
	if n := bought(); n != 0 {
		t.Fatalf("%d agreements before it begins", n)
	}
	// A form, which takes the tab along: the listener answers with its refusal.
	if got := text(`//body[contains(., "cross-origin")]`, chromedp.Navigate(elsewhere+"/#form")); !strings.HasPrefix(got, subscribe) {
		t.Errorf("the tab is at %.300s", got)
	}
	// Scripts: whatever is sent, nothing may be read of the answer, not even that there is one (Cross-Origin-Resource-Policy).
	if got := text(`//output[not(contains(., "waiting"))]`, chromedp.Navigate(elsewhere+"/")); !strings.HasSuffix(strings.TrimSpace(got), "rejected: rejected: rejected:") {
		t.Errorf("scripts got %.300s", got)
	}
	if n := bought(); n != 0 {
		t.Errorf("a page of another origin has bought: %d agreements\nguard: %s", n, crossOrigin)
	}
	// The same from the listener's own page.
	text(`//h1`, chromedp.Navigate(s.dev.Control+"/products/"+clicked),
		chromedp.Click(chromedp.Search(fmt.Sprintf(`//input[@name="buyer" and @value=%q]`, bystanderAccount))), chromedp.Click(chromedp.Search(`//button[normalize-space()="Subscribe"]`)),
		chromedp.WaitVisible(chromedp.Search(`//button[normalize-space()="Set up your account"]`)))
	if n := bought(); n != 1 {
		t.Errorf("%d agreements after an honest click, want 1", n)
	}
}

// inTab runs an action and returns what it found.
func inTab[T any](t *testing.T, tab context.Context, action chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(tab, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// chromium finds the browser, or skips; in CI its absence is a failure.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("no Chromium is installed")
	}
	t.Skip("no Chromium is installed")
	return ""
}
