package tryit

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"
)

// What a Hop holds at most.
const (
	maxBody    = 16 << 10
	margin     = 4 << 10 // that is read beyond it: more than a token takes, however escaped
	maxHeaders = 30
	maxValue   = 1 << 10 // of a header, and of an address
)

// Hop is one step of the way: a request, and what was answered.
type Hop struct {
	Method     string   `json:"method"`
	URL        string   `json:"url"`
	Status     int      `json:"status"` // 0: there was no answer
	DurationMS int64    `json:"duration_ms"`
	Headers    []Header `json:"headers"`   // of the answer, those that tell something here
	Body       string   `json:"body"`      // its beginning; none of a redirect, which browsers do not read
	Truncated  bool     `json:"truncated"` // there was more of it
	Error      string   `json:"error"`     // why there is no answer, or no whole one

	failure     error
	tokenInURL  bool   // the redirect takes the token along in its address
	strict      string // name of a cookie that is set for this site only
	encrypted   bool
	local       bool
	host        string
	redirection bool
}

// Header is one header line.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// telling are the headers that are shown, in this order.
var telling = []string{
	"Content-Type", "Location", "Allow", "Set-Cookie", "Cache-Control", "Retry-After", "Www-Authenticate", "Referrer-Policy", "Strict-Transport-Security", "Server", "X-Powered-By",
}

// recorder is a transport that keeps what passes. It is used by one try, one request after another.
type recorder struct {
	next   http.RoundTripper
	secret secret
	hops   []Hop
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := r.next.RoundTrip(req)
	h := Hop{
		Method: req.Method, URL: bounded(r.secret.mask(req.URL.Redacted()), maxValue), Headers: []Header{},
		encrypted: req.URL.Scheme == "https", local: isLocal(req.URL.Hostname()), host: req.URL.Host,
	}
	if err == nil {
		err = r.answer(&h, resp)
	}
	if h.DurationMS = time.Since(began).Milliseconds(); err != nil {
		h.failure, h.Error = err, printable(bounded(r.secret.mask(err.Error()), maxValue))
	}
	r.hops = append(r.hops, h)
	if h.Status == 0 {
		return nil, err
	}
	return resp, nil // whoever reads on meets the same error
}

// answer notes a response, and reads the beginning of its body; the response can be read as if that had not been.
func (r *recorder) answer(h *Hop, resp *http.Response) error {
	h.Status = resp.StatusCode
	for _, name := range telling {
		for _, v := range resp.Header.Values(name) {
			if len(h.Headers) == maxHeaders {
				break
			}
			if name == "Set-Cookie" {
				v = withoutValue(v)
			}
			h.Headers = append(h.Headers, Header{name, printable(bounded(r.secret.mask(v), maxValue))})
		}
	}
	for _, c := range resp.Cookies() {
		if c.SameSite == http.SameSiteStrictMode {
			h.strict = printable(bounded(c.Name, 100))
		}
	}
	location := resp.Header.Get("Location")
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
		h.redirection = location != ""
	}
	if h.redirection {
		h.tokenInURL = r.secret.in(location)
		return nil
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+margin))
	rest := io.MultiReader(bytes.NewReader(head), resp.Body)
	if err != nil {
		rest = io.MultiReader(bytes.NewReader(head), failing{err})
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{rest, resp.Body}
	text := r.secret.mask(string(head)) // first: a token that is cut in two would not be known
	if h.Truncated = len(text) > maxBody || len(head) == maxBody+margin; h.Truncated {
		text = strings.TrimSuffix(bounded(text, maxBody), "…")
	}
	h.Body = printable(text)
	return err
}

// failing is a reader that has come to its error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
