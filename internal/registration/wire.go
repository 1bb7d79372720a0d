package registration

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// exchange is one attempt as it stood on the wire, with its secrets masked. The page shows it to the developer.
type exchange struct {
	Number    int
	Request   string
	Response  string // "" when none came
	Failure   string // why none came
	RequestID string // x-amzn-RequestId, by which the server knows the attempt
	Duration  time.Duration
}

// wireTap notes the header lines of a request as they are written, the ones that net/http adds included. A connection may still be writing when
// the call has been given up, hence the lock.
type wireTap struct {
	mu    sync.Mutex
	lines []string
}

func (t *wireTap) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		WroteHeaderField: func(key string, values []string) {
			t.mu.Lock()
			defer t.mu.Unlock()
			for _, v := range values {
				t.lines = append(t.lines, key+": "+maskHeader(key, v))
			}
		},
	}
}

// request is the text of r. Where nothing was written, for want of a connection, it is what would have been.
func (t *wireTap) request(r *http.Request, body string) string {
	t.mu.Lock()
	lines := slices.Clone(t.lines)
	t.mu.Unlock()
	if len(lines) == 0 {
		lines = append([]string{"Host: " + r.URL.Host}, headerLines(r.Header)...)
	}
	return r.Method + " " + r.URL.RequestURI() + " HTTP/1.1\n" + strings.Join(lines, "\n") + "\n\n" + body
}

// responseText is the text of a response. net/http does not keep the order of header lines, so they are sorted.
func responseText(resp *http.Response, body string) string {
	return resp.Proto + " " + resp.Status + "\n" + strings.Join(headerLines(resp.Header), "\n") + "\n\n" + body
}

func headerLines(h http.Header) []string {
	var lines []string
	for name, values := range h {
		for _, v := range values {
			lines = append(lines, name+": "+maskHeader(name, v))
		}
	}
	slices.Sort(lines)
	return lines
}

var signatureParameter = regexp.MustCompile(`(Signature=)[^,\s]+`)

func maskHeader(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization":
		return signatureParameter.ReplaceAllString(value, "${1}…")
	case "x-amz-security-token":
		return "…"
	}
	return value
}

// maskToken is a registration token as it may be shown: how it begins, and how long it is.
func maskToken(token string) string {
	n := utf8.RuneCountInString(token)
	if n < 40 { // too short to be one; showing its start could be showing all of it
		return fmt.Sprintf("…(%d characters)", n)
	}
	return fmt.Sprintf("%s…(%d characters)", string([]rune(token)[:6]), n)
}

// maskAnswer masks the token in what the server says, where it should not stand at all. What is too short to be a token is no secret,
// and would be masked out of the middle of other words.
func maskAnswer(answer []byte, token string) string {
	if len(token) < 16 {
		token = ""
	}
	return maskBody(answer, token)
}

// maskBody is a body as it may be shown: the token masked, however JSON writes it, and bytes that are no text in hexadecimal.
func maskBody(body []byte, token string) string {
	if !utf8.Valid(body) {
		return fmt.Sprintf("%x", body)
	}
	text := string(body)
	if token == "" {
		return text
	}
	forms := []string{token}
	if quoted, err := json.Marshal(token); err == nil {
		forms = append(forms, strings.Trim(string(quoted), `"`))
	}
	for _, form := range forms {
		text = strings.ReplaceAll(text, form, maskToken(token))
	}
	return text
}
