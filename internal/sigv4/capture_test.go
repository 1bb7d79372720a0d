package sigv4

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// capture is one request of a real AWS client, as testdata/captures has it.
type capture struct {
	name string
	raw  []byte
}

// request parses the capture anew.
func (c capture) request(t testing.TB) (*http.Request, []byte) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(c.raw)))
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("%s: body: %v", c.name, err)
	}
	return r, body
}

func readCaptures(t testing.TB) []capture {
	t.Helper()
	files, err := filepath.Glob("testdata/captures/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	begin := regexp.MustCompile(`(?m)^=+ (\d+)\.txt\n# .*\n`)
	var all []capture
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		marks := begin.FindAllSubmatchIndex(data, -1)
		for i, m := range marks {
			end := len(data)
			if i+1 < len(marks) {
				end = marks[i+1][0]
			}
			raw, _, ok := bytes.Cut(data[m[1]:end], []byte("\n# ---- reply sent ----"))
			if !ok {
				t.Fatalf("%s: capture %s has no reply", f, data[m[2]:m[3]])
			}
			name := strings.TrimSuffix(filepath.Base(f), ".txt") + "/" + string(data[m[2]:m[3]])
			all = append(all, capture{name, bytes.TrimSuffix(raw, []byte("\n"))})
		}
	}
	return all
}

// captureTime is a little after the request was signed.
func captureTime(t testing.TB, r *http.Request) time.Time {
	t.Helper()
	if r.Header.Get("X-Amz-Date") == "" {
		return testTime
	}
	when, ok := parseBasic(r.Header.Get("X-Amz-Date"))
	if !ok {
		t.Fatalf("X-Amz-Date %q", r.Header.Get("X-Amz-Date"))
	}
	return when.Add(700 * time.Millisecond)
}

// captureVerifier knows the secrets that the captures were made with.
func captureVerifier(t testing.TB, c capture, r *http.Request) *Verifier {
	t.Helper()
	known := secrets{
		{testKey, ""}:                      testSecret,
		{testKey, "IQoJ+/=="}:              testSecret,
		{"ASIAEXAMPLEEXAMPLE01", "tok+/="}: "secret",
	}
	if strings.HasPrefix(c.name, "aws-sdk-go-v1-and-old-v2") {
		known[[2]string{testKey, ""}] = "s" // the captures' README does not say so
	}
	return New(Config{Now: at(captureTime(t, r)), Lookup: known.lookup})
}

func captureService(r *http.Request) string {
	if strings.Contains(r.Header.Get("Authorization"), "/sts/") {
		return "sts"
	}
	return testService
}

// TestCaptures replays what real clients sent: each request verifies, and with a changed body, path, host, method or signed header it
// does not. Those without a signature were made on purpose: --no-sign-request and AssumeRoleWithWebIdentity.
func TestCaptures(t *testing.T) {
	verified, unsigned, broken := 0, 0, 0
	for _, c := range readCaptures(t) {
		t.Run(c.name, func(t *testing.T) {
			r, body := c.request(t)
			v := captureVerifier(t, c, r)
			res, err := v.Verify(r, body, captureService(r))
			if r.Header.Get("Authorization") == "" {
				wantRefusal(t, err, CodeMissingToken, "Request is missing Authentication Token")
				unsigned++
				return
			}
			if err != nil {
				t.Fatalf("does not verify: %v", err)
			}
			verified++
			if res.Region != testRegion || res.Presigned || res.SessionToken != r.Header.Get("X-Amz-Security-Token") ||
				res.Identity.(*identity).name != res.AccessKeyID || compact(res.SignedAt) != r.Header.Get("X-Amz-Date") {
				t.Errorf("result: %+v", res)
			}
			signed := strings.Split(res.SignedHeaders, ";")
			breaks := map[string]func(r *http.Request, body []byte) []byte{
				"method": func(r *http.Request, body []byte) []byte { r.Method = "PUT"; return body },
				"path":   func(r *http.Request, body []byte) []byte { r.RequestURI += "x"; return body },
				"query":  func(r *http.Request, body []byte) []byte { r.URL.RawQuery = "x"; return body },
				"host":   func(r *http.Request, body []byte) []byte { r.Host += "0"; return body },
				"body":   func(r *http.Request, body []byte) []byte { body[len(body)/2] ^= 1; return body },
			}
			for _, name := range signed {
				if name == "host" {
					continue
				}
				key := headerKey(name)
				breaks[name] = func(r *http.Request, body []byte) []byte {
					r.Header[key] = []string{r.Header.Get(key) + "x"}
					return body
				}
				breaks[name+" gone"] = func(r *http.Request, body []byte) []byte {
					delete(r.Header, key)
					r.ContentLength++ // which would stand in for the header
					return body
				}
			}
			for what, change := range breaks {
				r, body := c.request(t)
				body = change(r, body)
				if _, err := v.Verify(r, body, captureService(r)); err == nil {
					t.Errorf("verifies with another %s", what)
				}
				broken++
			}
		})
	}
	if verified != 69 || unsigned != 5 || broken < 69*9 {
		t.Errorf("%d captures verified, %d unsigned, %d changed ones refused; want 69, 5, at least %d", verified, unsigned, broken, 69*9)
	}
}
