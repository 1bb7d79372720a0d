package sigv4

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func sumOf(b []byte) [sha256.Size]byte { return sha256.Sum256(b) }

// signed is a good request with the given extra header, and the key that signed it.
func signed(t testing.TB, target string, body []byte, header http.Header) *http.Request {
	t.Helper()
	r := request(t, "POST", target, body, header)
	Sign(r, body, Key{AccessKeyID: testKey, Secret: testSecret}, testRegion, testService, testTime)
	r.Header.Set("Content-Length", fmt.Sprint(len(body))) // which a client's request does not hold, and a server's does
	return r
}

// resign replaces the signature by the right one for signedHeaders, so that a test can sign what no client of ours would.
func resign(t testing.TB, r *http.Request, body []byte, path, date, signedHeaders string) {
	t.Helper()
	credential := testKey + "/" + date[:8] + "/" + testRegion + "/" + testService + "/aws4_request"
	s := newScratch()
	s.canonical = []byte(referenceCanonical(r, path, false, signedHeaders, body))
	signature := s.sign(newSigningKey(credential, testSecret), date, credential[len(testKey)+1:])
	r.Header.Set("Authorization", auth(credential, signedHeaders, string(signature[:])))
}

func TestDates(t *testing.T) {
	for _, tt := range []struct {
		header, value string
		ok            bool
	}{
		{"X-Amz-Date", "20261123T181632Z", true},
		{"X-Amz-Date", "2026-11-23T18:16:32Z", true},
		{"X-Amz-Date", "2026-11-23T18:16:32.5Z", false},
		{"X-Amz-Date", "20261123T181632", false},
		{"X-Amz-Date", "20261123T181660Z", false},
		{"Date", "20261123T181632Z", true},
		{"Date", "2026-11-23T18:16:32Z", true},
		{"Date", "Mon, 23 Nov 2026 18:16:32 GMT", true},
		{"Date", "Mon, 23 Nov 2026 18:16:32 CET", false},
	} {
		r := request(t, "POST", "/", nil, http.Header{tt.header: {tt.value}})
		resign(t, r, nil, "/", goodDate, "host;"+strings.ToLower(tt.header))
		res, err := newTestVerifier(testTime).Verify(r, nil, testService)
		if (err == nil) != tt.ok || tt.ok && !res.SignedAt.Equal(testTime) {
			t.Errorf("%s: %s: %v, signed at %v", tt.header, tt.value, err, res.SignedAt)
		}
	}
	// X-Amz-Date wins over Date.
	r := request(t, "POST", "/", nil, http.Header{"Date": {"Mon, 23 Nov 2020 18:16:32 GMT"}, "X-Amz-Date": {goodDate}})
	resign(t, r, nil, "/", goodDate, "date;host;x-amz-date")
	if _, err := newTestVerifier(testTime).Verify(r, nil, testService); err != nil {
		t.Errorf("both dates: %v", err)
	}
}

func TestParseBasic(t *testing.T) {
	for when := time.Date(1999, 12, 30, 0, 0, 0, 0, time.UTC); when.Year() < 2031; when = when.Add(11*time.Hour + 7*time.Minute + 3*time.Second) {
		if got, ok := parseBasic(compact(when)); !ok || !got.Equal(when) {
			t.Fatalf("%s: %v %v", compact(when), got, ok)
		}
	}
	for _, s := range []string{"", "20261323T181632Z", "20261100T181632Z", "20260229T181632Z", "20261123T241632Z", "20261123T186032Z", "2026112 T181632Z", "+0261123T181632Z", "20261123T181632ZZ"} {
		if got, ok := parseBasic(s); ok {
			t.Errorf("%q is %v", s, got)
		}
	}
}

// TestPaths: whatever a client signs of a path, the wire's form or the normal one, verifies; anything else does not.
func TestPaths(t *testing.T) {
	for _, tt := range []struct{ wire, normal string }{
		{"/", "/"},
		{"/base%20x", "/base%20x"},
		{"/a//b/../c/", "/a/c/"},
		{"//", "/"},
		{"/a/..", "/"},
		{"/a/b/..", "/a"},
		{"/./a/.", "/a"},
		{"/../../a", "/a"},
		{"/.hidden/a..b", "/.hidden/a..b"},
		{"/%2e%2e/a%2Fb", "/%2e%2e/a%2Fb"},
		{"/a\"b", "/a\"b"},
		{"http://souk.example:7685/a//b", "/a/b"},
		{"http://souk.example:7685", "/"},
	} {
		wire := strings.TrimPrefix(tt.wire, "http://souk.example:7685")
		if wire == "" {
			wire = "/"
		}
		if got := normalPath(wire); got != tt.normal {
			t.Errorf("normal form of %s: %s, want %s", tt.wire, got, tt.normal)
		}
		r := request(t, "POST", tt.wire+"?q=1", nil, http.Header{"X-Amz-Date": {goodDate}})
		v := newTestVerifier(testTime)
		for path, want := range map[string]bool{wire: true, tt.normal: true, tt.normal + "z": false} {
			resign(t, r, nil, path, goodDate, "host;x-amz-date")
			if _, err := v.Verify(r, nil, testService); (err == nil) != want {
				t.Errorf("%s signed as %s: %v", tt.wire, path, err)
			}
		}
	}
}

func TestCanonicalQuery(t *testing.T) {
	for query, want := range map[string]string{
		"":                                   "",
		"a":                                  "a=",
		"&&a=1&":                             "a=1",
		"b=2&a=1":                            "a=1&b=2",
		"a=/&a=-&a=":                         "a=&a=%2F&a=-", // sorted as encoded
		"a-b=1&a%2Fb=2":                      "a%2Fb=2&a-b=1",
		"A=1&a=2&%41=0":                      "A=0&A=1&a=2",
		"a=b+c&a=b%20c":                      "a=b%20c&a=b%20c",
		"a=b=c":                              "a=b%3Dc",
		"=x":                                 "=x",
		"a=%7e%2d%c3%a9é":                    "a=~-%C3%A9%C3%A9",
		"a=%&b=%4&c=%zz&d=%%41":              "a=%25&b=%254&c=%25zz&d=%25A",
		"a=1;b=2":                            "a=1%3Bb%3D2",
		"X-Amz-Signature=1&X-Amz-Date=2&b=3": "X-Amz-Date=2&X-Amz-Signature=1&b=3",
	} {
		params := sortParams(appendParams(nil, query), false)
		if got := string(appendQuery(nil, params, false)); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	params := sortParams(appendParams(nil, "X-Amz-Signature=1&b=2&X-Amz-Signature=0"), true)
	if got, want := string(appendQuery(nil, params, false)), "X-Amz-Signature=0&b=2"; got != want {
		t.Errorf("presigned: %q, want %q", got, want)
	}
}

func TestHeaderValues(t *testing.T) {
	r := request(t, "POST", "/", nil, http.Header{
		"X-Amz-Date": {goodDate}, "X-Spaces": {"  a   b  c  "}, "X-Twice": {"b ", " a"}, "X-Empty": {""}, "X-Tab": {"a\tb"}, "X-Quoted": {`"a   b"`},
	})
	names := "content-length;host;x-amz-date;x-empty;x-quoted;x-spaces;x-tab;x-twice"
	payload := hexOf(sumOf(nil))
	s := newScratch()
	s.canonicalRequest(r, "/", newHeaderList(names), 0, &payload, false)
	want := "POST\n/\n\ncontent-length:0\nhost:souk.example:7685\nx-amz-date:20261123T181632Z\nx-empty:\nx-quoted:\"a b\"\n" +
		"x-spaces:a b c\nx-tab:a\tb\nx-twice:b,a\n\n" + names + "\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if diff := cmp.Diff(want, string(s.canonical)); diff != "" {
		t.Errorf("canonical request (-want +got):\n%s", diff)
	}
}

// TestSignedNames: order and case of the list do not matter, and neither does a host by its name in HTTP/2.
func TestSignedNames(t *testing.T) {
	for _, names := range []string{"host;x-amz-date", "x-amz-date;host", "Host;X-Amz-Date", ":authority;x-amz-date", "absent;host;x-amz-date"} {
		r := request(t, "POST", "/", nil, http.Header{"X-Amz-Date": {goodDate}})
		resign(t, r, nil, "/", goodDate, names)
		if _, err := newTestVerifier(testTime).Verify(r, nil, testService); err != nil {
			t.Errorf("%s: %v", names, err)
		}
	}
}

// TestContentLength: a proxy that re-chunks a request takes the header away, and the signature still verifies.
func TestContentLength(t *testing.T) {
	body := []byte(someBody)
	for name, length := range map[string]int64{"known": int64(len(body)), "chunked": -1} {
		r := signed(t, "/", body, nil)
		r.Header.Del("Content-Length")
		r.ContentLength = length
		if _, err := newTestVerifier(testTime).Verify(r, body, testService); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := signed(t, "/", body, nil)
	r.Header.Set("Content-Length", "1")
	if _, err := newTestVerifier(testTime).Verify(r, body, testService); err == nil {
		t.Error("another length verifies")
	}
}

// TestSeveralAuthorizations: the first one counts, alone.
func TestSeveralAuthorizations(t *testing.T) {
	good := signed(t, "/", nil, nil).Header.Get("Authorization")
	before, after, _ := strings.Cut(good, ", Signature=")
	for _, tt := range []struct {
		values []string
		code   string
	}{
		{[]string{good, "Bearer x"}, ""},
		{[]string{"Bearer x", good}, CodeMissingToken},
		{[]string{before, "Signature=" + after}, CodeIncomplete},
		{[]string{"", good}, CodeMissingToken},
	} {
		r := signed(t, "/", nil, nil)
		r.Header["Authorization"] = tt.values
		_, err := newTestVerifier(testTime).Verify(r, nil, testService)
		if tt.code == "" && err != nil || tt.code != "" && (err == nil || err.(*Error).Code != tt.code) {
			t.Errorf("%q: %v, want %q", tt.values, err, tt.code)
		}
	}
}

// TestDuplicates: of parameters of the header the last one of a name counts, of the query the first.
func TestDuplicates(t *testing.T) {
	v := newTestVerifier(testTime)
	r := signed(t, "/", nil, nil)
	good := r.Header.Get("Authorization")
	r.Header.Set("Authorization", strings.Replace(good, "Credential=", "Signature=aa,Unknown=1,,Credential=x/y,Credential=", 1))
	if _, err := v.Verify(r, nil, testService); err != nil {
		t.Errorf("last of the header: %v", err)
	}
	r.Header.Set("Authorization", good+", Signature="+someSig)
	if _, err := v.Verify(r, nil, testService); err == nil {
		t.Error("an earlier Signature counts")
	}

	r = request(t, "GET", "/", nil, nil)
	Presign(r, nil, Key{AccessKeyID: testKey, Secret: testSecret}, testRegion, testService, time.Minute, testTime)
	query := r.URL.RawQuery
	if _, err := v.Verify(r, nil, testService); err != nil {
		t.Fatalf("presigned: %v", err)
	}
	for _, more := range []string{"X-Amz-Signature=" + someSig, "X-Amz-Expires=9", "X-Amz-Date=" + goodDate} {
		r.URL.RawQuery = query + "&" + more
		if _, err := v.Verify(r, nil, testService); err == nil || err.(*Error).Message != mismatchText {
			t.Errorf("with another %s behind: %v", more, err)
		}
		r.URL.RawQuery = more + "&" + query
		if _, err := v.Verify(r, nil, testService); err == nil {
			t.Errorf("with another %s before: verifies", more)
		}
	}
}

// TestAmzHeaders: which x-amz-* headers have to be signed, and which merely have to be right.
func TestAmzHeaders(t *testing.T) {
	payload := fmt.Sprintf("%x", sumOf(nil))
	for _, tt := range []struct {
		name, value string
		ok          bool
	}{
		{"X-Amz-Target", "AWSMPMeteringService.ResolveCustomer", true},
		{"X-Amz-Content-Sha256", payload, true},
		{"X-Amz-Content-Sha256", strings.ToUpper(payload), false},
		{"X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD", false},
		{"X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", false},
		{"X-Amz-Content-Sha256", "", false},
		{"X-Amz-Security-Token", "tok+/=", true},   // added after signing; the look-up knows it
		{"X-Amz-Security-Token", "another", false}, // the look-up does not
		{"X-Forwarded-Host", "elsewhere", true},
	} {
		for _, signedToo := range []bool{false, true} {
			key := Key{AccessKeyID: testKey, Secret: testSecret}
			v := New(Config{Now: at(testTime), Lookup: secrets{{testKey, ""}: testSecret, {testKey, "tok+/="}: testSecret}.lookup})
			r := request(t, "POST", "/", nil, nil)
			if signedToo && tt.name == "X-Amz-Security-Token" {
				key.SessionToken = tt.value
			} else if signedToo {
				r.Header.Set(tt.name, tt.value)
			}
			Sign(r, nil, key, testRegion, testService, testTime)
			r.Header.Set(tt.name, tt.value)
			if _, err := v.Verify(r, nil, testService); (err == nil) != tt.ok {
				t.Errorf("%s: %s, signed: %v: %v", tt.name, tt.value, signedToo, err)
			}
		}
	}
}

// TestUnsignedPayload: a client that signs UNSIGNED-PAYLOAD in place of the hash is refused with and without its header.
func TestUnsignedPayload(t *testing.T) {
	r := request(t, "POST", "/", nil, http.Header{"X-Amz-Date": {goodDate}})
	canonical := referenceCanonical(r, "/", false, "host;x-amz-date", nil)
	s := newScratch()
	s.canonical = []byte(canonical[:len(canonical)-64] + "UNSIGNED-PAYLOAD")
	signature := s.sign(newSigningKey(goodCredential, testSecret), goodDate, goodCredential[len(testKey)+1:])
	r.Header.Set("Authorization", auth(goodCredential, "host;x-amz-date", string(signature[:])))
	if _, err := newTestVerifier(testTime).Verify(r, nil, testService); err == nil {
		t.Error("verifies")
	}
}

func TestUnchecked(t *testing.T) {
	who := &identity{"somebody"}
	v := New(Config{Now: at(testTime), Lookup: constLookup(Credential{Identity: who, Unchecked: true})})
	r := signed(t, "/", nil, nil)
	r.Header.Set("Authorization", auth("111122223333/20261123/us-east-1/aws-marketplace/aws4_request", "host;x-amz-date", "none"))
	res, err := v.Verify(r, nil, testService)
	if err != nil || res.Identity != who || res.AccessKeyID != "111122223333" {
		t.Errorf("%+v, %v", res, err)
	}
	for _, tt := range []struct {
		name, header, value string
		now                 time.Time
	}{
		{"scope", "Authorization", auth("111122223333/20261123/us-east-1/sts/aws4_request", "host;x-amz-date", "none"), testTime},
		{"list of headers", "Authorization", auth(goodCredential, "x-amz-date", "none"), testTime},
		{"skew", "X-Unsigned", "", testTime.Add(time.Hour)},
		{"payload hash", "X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD", testTime},
	} {
		r := signed(t, "/", nil, nil)
		r.Header.Set(tt.header, tt.value)
		v := New(Config{Now: at(tt.now), Lookup: constLookup(Credential{Identity: who, Unchecked: true})})
		if _, err := v.Verify(r, nil, testService); err == nil {
			t.Errorf("unchecked lets a wrong %s pass", tt.name)
		}
	}
}

// TestMismatch: what a mismatch tells, to the caller and to us.
func TestMismatch(t *testing.T) {
	for _, echo := range []bool{false, true} {
		v := New(Config{Now: at(testTime), EchoCanonical: echo, Lookup: constLookup(Credential{Secret: "another"})})
		r := request(t, "POST", "/a//b", []byte(someBody), http.Header{"Cookie": {"session=secret"}})
		Sign(r, []byte(someBody), Key{testKey, testSecret, "tok+/="}, testRegion, testService, testTime)
		res, err := v.Verify(r, []byte(someBody), testService)
		e := err.(*Error)
		canonical := "POST\n/a/b\n\ncontent-length:25\ncookie:(masked)\nhost:souk.example:7685\nx-amz-date:20261123T181632Z\n" +
			"x-amz-security-token:(masked)\n\ncontent-length;cookie;host;x-amz-date;x-amz-security-token\n" + fmt.Sprintf("%x", sumOf([]byte(someBody)))
		if e.CanonicalRequest != canonical {
			t.Errorf("canonical request (-want +got):\n%s", cmp.Diff(canonical, e.CanonicalRequest))
		}
		if !strings.HasPrefix(e.StringToSign, "AWS4-HMAC-SHA256\n20261123T181632Z\n20261123/us-east-1/aws-marketplace/aws4_request\n") || len(e.StringToSign) != 146 {
			t.Errorf("string to sign: %q", e.StringToSign)
		}
		want := mismatchText
		if echo {
			want += "\n\nThe Canonical String for this request should have been\n'" + canonical + "'\n\nThe String-to-Sign should have been\n'" + e.StringToSign + "'\n"
		}
		wantRefusal(t, err, CodeInvalidSignature, want)
		if res.SessionToken != "tok+/=" || res.AccessKeyID != testKey || res.Region != testRegion || !res.SignedAt.Equal(testTime) {
			t.Errorf("result: %+v", res)
		}
	}
	r := request(t, "GET", "/", nil, nil)
	Presign(r, nil, Key{testKey, testSecret, "tok+/="}, testRegion, testService, 0, testTime)
	_, err := New(Config{Now: at(testTime), EchoCanonical: true, Lookup: constLookup(Credential{Secret: "another"})}).Verify(r, nil, testService)
	if e := err.(*Error); strings.Contains(e.Message+e.CanonicalRequest, "tok%2B") || !strings.Contains(e.CanonicalRequest, "X-Amz-Security-Token=(masked)") {
		t.Errorf("presigned: %s", e.Message)
	}
}

// TestIdentityWithError: who it was is told even where the session has expired.
func TestIdentityWithError(t *testing.T) {
	who := &identity{"somebody"}
	v := New(Config{Now: at(testTime), Lookup: func(context.Context, string, string) (Credential, error) {
		return Credential{Identity: who}, fmt.Errorf("look-up: %w", ErrExpiredSession)
	}})
	res, err := v.Verify(signed(t, "/", nil, nil), nil, testService)
	wantRefusal(t, err, CodeExpiredToken, "The security token included in the request is expired")
	if res.Identity != who {
		t.Errorf("result: %+v", res)
	}
}

// TestPublishedExample is the request that AWS's documentation of Signature Version 4 signs step by step.
func TestPublishedExample(t *testing.T) {
	r := requestOver(t, "GET", "/?Action=ListUsers&Version=2010-05-08", nil, http.Header{
		"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}, "X-Amz-Date": {"20150830T123600Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
	}, "iam.amazonaws.com")
	if _, err := newTestVerifier(time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)).Verify(r, nil, "iam"); err != nil {
		t.Error(err)
	}
}

// TestHugeInput: work grows with the size of a request, not with its square, wherever a caller puts the size.
func TestHugeInput(t *testing.T) {
	const n = 200_000
	begun := time.Now()
	for name, change := range map[string]func(*http.Request){
		"parameters of the header": func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+strings.Repeat("a=b,", n)+r.Header.Get("Authorization")[17:])
		},
		"names of headers": func(r *http.Request) {
			r.Header.Set("Authorization", auth(goodCredential, "host;x-amz-date"+strings.Repeat(";zz;y", n), someSig))
		},
		"slashes": func(r *http.Request) {
			r.Header.Set("Authorization", auth(strings.Repeat("/", n), "host;x-amz-date", someSig))
		},
		"path":       func(r *http.Request) { r.RequestURI = strings.Repeat("/a/b/../..", n) },
		"parameters": func(r *http.Request) { r.URL.RawQuery = strings.Repeat("b=%zz&X-Amz-Signature&", n) },
		"spaces":     func(r *http.Request) { r.Header.Set("X-Amz-Date", goodDate+strings.Repeat(" ", n)) },
		"a value":    func(r *http.Request) { r.Header.Set("X-Amz-Target", strings.Repeat("a  ", n)) },
		"values":     func(r *http.Request) { r.Header["X-Amz-Target"] = make([]string, n) },
	} {
		r := request(t, "POST", "/", nil, http.Header{"X-Amz-Target": {"t"}})
		Sign(r, nil, Key{AccessKeyID: testKey, Secret: testSecret}, testRegion, testService, testTime)
		change(r)
		v := newTestVerifier(testTime)
		_, err := v.Verify(r, nil, testService)
		refused, ok := err.(*Error)
		if err != nil && (!ok || len(refused.Message) > 2048) {
			t.Errorf("%s: %.2000v", name, err)
		}
		if took := time.Since(begun); took > 20*time.Second { // milliseconds; with the square of it, minutes
			t.Fatalf("%s: %s", name, took)
		}
	}
}
