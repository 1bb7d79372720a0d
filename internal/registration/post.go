package registration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds of one Post.
const (
	maxRedirects = 10
	maxAnswer    = 256 << 10
	postTimeout  = 30 * time.Second
)

// DefaultOrigin is where AWS's own form stands, and so what sellers' sites see as the Origin of the POST.
const DefaultOrigin = "https://aws.amazon.com"

// ErrTooManyRedirects ends a Post that is sent on more than ten times.
var ErrTooManyRedirects = errors.New("more than 10 redirects")

// Answer is what the browser ended up with.
type Answer struct {
	Status    int      `json:"status"`    // of the last response
	URL       string   `json:"url"`       // where it came from
	Redirects []string `json:"redirects"` // where the browser was sent on the way, in order, URL included
	Title     string   `json:"title"`     // of an HTML page, on one line, without control characters
	Body      string   `json:"-"`         // at most 256 KiB of it
	Cookies   []string `json:"cookies"`   // names that were set on the way, sorted
}

// Browser is a buyer's browser, as far as the registration form needs one: it has cookies of its own, follows redirects,
// and says about itself what browsers say. It runs no scripts, and it does not tell SameSite=Strict cookies from others.
type Browser struct {
	Client *http.Client // its Transport and Timeout are used; nil: direct connections. The Timeout is for the whole way; 0: 30 seconds
	Origin string       // "": DefaultOrigin
}

// Post submits the form to target with a new Browser; see there.
func Post(ctx context.Context, client *http.Client, target string, form url.Values) (Answer, error) {
	return Browser{Client: client}.Post(ctx, target, form)
}

// Post submits the form and follows redirects as browsers do: after 301, 302 and 303 with a GET, after 307 and 308 with the same POST.
//
// An answer of any status is an Answer. An error is returned when there is none: the target is no http or https URL, the site cannot
// be reached, the chain of redirects is too long or leads to something other than http and https. Errors never hold a query, because sites
// put the token there. What was learned until then is in the Answer.
func (b Browser) Post(ctx context.Context, target string, form url.Values) (Answer, error) {
	at, err := url.Parse(target)
	if err != nil {
		return Answer{}, errors.New("registration: post: the target is not a URL")
	}
	at.Fragment = ""
	jar, err := cookiejar.New(nil)
	if err != nil {
		return Answer{}, fmt.Errorf("registration: post: %w", err)
	}
	client, timeout := b.client(jar)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	origin := b.Origin
	if origin == "" {
		origin = DefaultOrigin
	}
	cookies := map[string]bool{}
	ans := Answer{Redirects: []string{}, Cookies: []string{}}
	for method := http.MethodPost; ; {
		if (at.Scheme != "http" && at.Scheme != "https") || at.Host == "" {
			return ans, fmt.Errorf("registration: post to %s: only http and https URLs can be posted to", place(at))
		}
		resp, err := send(ctx, client, method, at, origin, form)
		if err != nil {
			return ans, fmt.Errorf("registration: post to %s: %w", place(at), bare(err))
		}
		for _, c := range resp.Cookies() {
			if !cookies[c.Name] {
				cookies[c.Name] = true
				ans.Cookies = append(ans.Cookies, c.Name)
			}
		}
		slices.Sort(ans.Cookies)
		ans.Status, ans.URL = resp.StatusCode, at.String()
		next, ok := redirect(resp, at)
		if !ok {
			return ans, ans.read(resp)
		}
		resp.Body.Close()
		if len(ans.Redirects) == maxRedirects {
			return ans, fmt.Errorf("registration: post to %s: %w", place(at), ErrTooManyRedirects)
		}
		ans.Redirects = append(ans.Redirects, next.String())
		if resp.StatusCode != http.StatusTemporaryRedirect && resp.StatusCode != http.StatusPermanentRedirect {
			method = http.MethodGet
		}
		if !sameOrigin(at, next) { // Fetch standard, "append a request Origin header": a form that was sent across origins has none
			origin = "null"
		}
		at = next
	}
}

// client has redirects switched off: net/http would send the first Origin along, and would not tell where it went. The timeout is for
// the whole way.
func (b Browser) client(jar http.CookieJar) (*http.Client, time.Duration) {
	c := &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	timeout := postTimeout
	if b.Client != nil {
		c.Transport = b.Client.Transport
		if b.Client.Timeout > 0 {
			timeout = b.Client.Timeout
		}
	} else {
		c.Transport = &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true}
	}
	return c, timeout
}

// send makes one request with the headers of a top-level navigation that began on another site.
func send(ctx context.Context, client *http.Client, method string, at *url.URL, origin string, form url.Values) (*http.Response, error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return nil, err
	}
	h := req.Header
	if method == http.MethodPost {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		h.Set("Origin", origin)
	}
	h.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	h.Set("Accept-Language", "en")
	h.Set("Upgrade-Insecure-Requests", "1")
	h.Set("User-Agent", "Mozilla/5.0 (compatible; Souk buyer)")
	if trustworthy(at) { // browsers send these to no other
		h.Set("Sec-Fetch-Site", "cross-site")
		h.Set("Sec-Fetch-Mode", "navigate")
		h.Set("Sec-Fetch-Dest", "document")
		h.Set("Sec-Fetch-User", "?1")
	}
	return client.Do(req)
}

// redirect is where resp sends the browser. A redirect without a usable Location is an answer like any other.
func redirect(resp *http.Response, at *url.URL) (*url.URL, bool) {
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
	default:
		return nil, false
	}
	location := resp.Header.Get("Location")
	if location == "" {
		return nil, false
	}
	next, err := at.Parse(location)
	if err != nil {
		return nil, false
	}
	next.Fragment = ""
	return next, true
}

func (a *Answer) read(resp *http.Response) error {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	a.Body = string(body)
	if mt, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); mt == "text/html" || mt == "application/xhtml+xml" {
		a.Title = title(a.Body)
	}
	if err != nil {
		return fmt.Errorf("registration: post: read the answer: %w", bare(err))
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// trustworthy is the Secure Contexts standard's "potentially trustworthy origin": https, or this machine.
func trustworthy(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	ip, err := netip.ParseAddr(host)
	return u.Scheme == "https" || host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// place names a URL without what may be secret in it: credentials and the query.
func place(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).Redacted()
}

// bare is an error of net/http without the URL that it repeats.
func bare(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	if u.Timeout() || errors.Is(u.Err, context.DeadlineExceeded) {
		return errors.New("no answer in time")
	}
	var op *net.OpError
	if errors.As(u.Err, &op) {
		return op
	}
	return u.Err
}
