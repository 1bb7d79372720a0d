package sigv4

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzCanonical holds the canonical request to the reference, for any request that net/http could hand over, and for more.
func FuzzCanonical(f *testing.F) {
	f.Add("POST", "/", "", "host;x-amz-date", "h:1", "a", "b", "", []byte("{}"), int64(2))
	f.Add("GET", "/a//b/../c%20d/", "b=2&a=1&a=%2F&a=-&X-Amz-Signature=x", "x-b;Host;content-length", "h", "  v  w  ", "\tv ", "", []byte(nil), int64(-1))
	f.Add("PUT", "/é\"", "a+b=%zz&%=%4&&=&c&%41=%7e", "x-a;host;transfer-encoding;:authority", "", " ", "", "chunked", []byte("x"), int64(-1))
	f.Fuzz(func(t *testing.T, method, path, query, signed, host, value1, value2, te string, body []byte, length int64) {
		l := newHeaderList(signed)
		if !l.valid || !l.host {
			return
		}
		r := &http.Request{Method: method, URL: &url.URL{RawQuery: query}, Host: host, Header: http.Header{}, ContentLength: length}
		if te != "" {
			r.TransferEncoding = []string{te}
		}
		for i, name := range l.names {
			switch i % 3 { // some signed headers are not there
			case 0:
				r.Header.Set(name, value1)
			case 1:
				r.Header.Add(name, value1)
				r.Header.Add(name, value2)
			}
		}
		for _, presigned := range []bool{false, true} {
			s := newScratch()
			s.canonical = []byte("left over from another request")
			s.params = sortParams(appendParams(nil, query), presigned)
			payload := hexOf(sumOf(body))
			for _, p := range []string{path, normalPath(path)} {
				s.canonicalRequest(r, p, l, len(body), &payload, false)
				if want := referenceCanonical(r, p, presigned, signed, body); string(s.canonical) != want {
					t.Errorf("canonical request:\n got %q\nwant %q", s.canonical, want)
				}
			}
			s.canonicalRequest(r, path, l, len(body), &payload, true) // must not panic
		}
	})
}

// FuzzAuthorization: no header and no query makes the verifier panic, say too much or believe what it must not.
func FuzzAuthorization(f *testing.F) {
	f.Add(auth(goodCredential, goodNames, someSig), goodDate, "")
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/e,Credential=,Signature", "2026-11-23T18:16:32Z", "X-Amz-Algorithm=")
	f.Add("", "", goodQuery(func(q url.Values) { q.Set("X-Amz-Expires", "60") }))
	f.Add("AWS4- ,,, =", "Mon, 23 Nov 2026 18:16:32 GMT", "%58-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=%zz")
	codes := []string{CodeInvalidSignature, CodeIncomplete, CodeMissingToken, CodeExpiredToken, CodeUnrecognizedClient}
	v := New(Config{Now: at(testTime), Lookup: constLookup(Credential{Secret: testSecret})})
	relaxed := New(Config{Now: at(testTime), Lookup: constLookup(Credential{Unchecked: true})})
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := &http.Request{Method: "POST", URL: &url.URL{Path: "/", RawQuery: query}, Host: "h", Header: http.Header{
			"Authorization": {authorization}, "X-Amz-Date": {date},
		}}
		res, err := v.Verify(r, nil, testService)
		var refused *Error
		if !errors.As(err, &refused) { // nobody can guess a signature
			t.Fatalf("Verify: %+v, %v", res, err)
		}
		if !slices.Contains(codes, refused.Code) || refused.Message == "" || len(refused.Message) > 2048 {
			t.Errorf("refusal: %+v", refused)
		}
		if (refused.CanonicalRequest != "") != (refused.Message == mismatchText) {
			t.Errorf("refusal: %+v", refused)
		}
		res, err = relaxed.Verify(r, nil, testService)
		if (err == nil) != (refused.Message == mismatchText) {
			t.Errorf("unchecked: %v, checked: %v", err, refused)
		}
		if err != nil {
			return
		}
		// What passes is just what the fields say it is.
		scope := "/" + compact(res.SignedAt)[:8] + "/" + res.Region + "/" + testService + "/aws4_request"
		plain := authorization
		if res.Presigned {
			plain, _ = lookup(appendParams(nil, query), "X-Amz-Credential")
		}
		if !strings.Contains(plain, res.AccessKeyID+scope) || res.AccessKeyID == "" || len(res.AccessKeyID) > maxKeyID ||
			!strings.Contains(strings.ToLower(res.SignedHeaders), "host") && !strings.Contains(res.SignedHeaders, ":authority") {
			t.Errorf("%q passes as %+v", plain, res)
		}
	})
}

// FuzzPath holds the normal form to what it promises.
func FuzzPath(f *testing.F) {
	for _, p := range []string{"/", "/a//b/../c/", "/../..", "/./a/.", "/a/..", "//", "*", "/.well-known/..a/b..", "a"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if !strings.HasPrefix(p, "/") {
			return
		}
		n := normalPath(p)
		if normalPath(n) != n || !strings.HasPrefix(n, "/") || len(n) > len(p) {
			t.Errorf("%q becomes %q", p, n)
		}
		for _, segment := range strings.Split(strings.TrimSuffix(n[1:], "/"), "/") {
			if n != "/" && (segment == "" || segment == "." || segment == "..") {
				t.Errorf("%q becomes %q", p, n)
			}
		}
	})
}
