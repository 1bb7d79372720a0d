package sigv4

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	mismatchText = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	someBody     = `{"RegistrationToken":"t"}`
	someSig      = "0b2813107c50223c03f83ce33bff2651568a11366d008289920add57badb7559"
)

// auth writes an Authorization header that is well formed but for what the test changes.
func auth(credential, signedHeaders, signature string) string {
	return "AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=" + signedHeaders + ", Signature=" + signature
}

const (
	goodCredential = "AKIDEXAMPLE/20261123/us-east-1/aws-marketplace/aws4_request"
	goodNames      = "content-type;host;x-amz-date;x-amz-target"
	goodDate       = "20261123T181632Z"
)

func goodQuery(change func(url.Values)) string {
	q := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {goodCredential}, "X-Amz-Date": {goodDate},
		"X-Amz-SignedHeaders": {"host"}, "X-Amz-Signature": {someSig},
	}
	change(q)
	return q.Encode()
}

// TestRefusals has every message of steps 5 to 17. The texts are AWS's, recorded by third parties, so they stand here in full.
func TestRefusals(t *testing.T) {
	hashOf := hashed // SHA-256 in Base64; TestHashed pins it
	longKey := strings.Repeat("A", 129)
	tests := []struct {
		name   string
		query  string
		header map[string]string // set over those of a good request; "" removes
		lookup error
		code   string
		text   string
	}{
		{
			name: "5 both", query: "X-Amz-Algorithm=AWS4-HMAC-SHA256",
			code: "InvalidSignatureException",
			text: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
		},
		{
			name: "6 neither", header: map[string]string{"Authorization": ""},
			code: "MissingAuthenticationTokenException", text: "Request is missing Authentication Token",
		},
		{
			name: "6 another scheme", header: map[string]string{"Authorization": "Bearer abc"},
			code: "MissingAuthenticationTokenException", text: "Request is missing Authentication Token",
		},
		{
			name: "7 no equal-sign", header: map[string]string{"Authorization": "AWS4-HMAC-SHA256 Foo, Bar"},
			code: "IncompleteSignatureException",
			text: "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '" + hashOf("AWS4-HMAC-SHA256 Foo, Bar") + "'.",
		},
		{
			name: "8 everything missing", header: map[string]string{"Authorization": "AWS4-HMAC-SHA256", "X-Amz-Date": ""},
			code: "IncompleteSignatureException",
			text: "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization=" + hashOf("AWS4-HMAC-SHA256"),
		},
		{
			name: "8 no signature", header: map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature="},
			code: "IncompleteSignatureException",
			text: "Authorization header requires 'Signature' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=" + hashOf("AWS4-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature="),
		},
		{
			name: "8 query, everything missing", query: "X-Amz-Algorithm=AWS4-HMAC-SHA256", header: map[string]string{"Authorization": ""},
			code: "IncompleteSignatureException",
			text: "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.",
		},
		{
			name: "9 date", header: map[string]string{"X-Amz-Date": "201"},
			code: "IncompleteSignatureException",
			text: "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601",
		},
		{
			name: "9 no such day", header: map[string]string{"X-Amz-Date": "20260230T000000Z"},
			code: "IncompleteSignatureException",
			text: "Date must be in ISO-8601 'basic format'. Got '20260230T000000Z'. See http://en.wikipedia.org/wiki/ISO_8601",
		},
		{
			name: "9 an HTTP date as X-Amz-Date", header: map[string]string{"X-Amz-Date": "Mon, 23 Nov 2026 18:16:32 GMT"},
			code: "IncompleteSignatureException",
			text: "Date must be in ISO-8601 'basic format'. Got 'Mon, 23 Nov 2026 18:16:32 GMT'. See http://en.wikipedia.org/wiki/ISO_8601",
		},
		{
			name: "9 expires, not a number", query: goodQuery(func(q url.Values) { q.Set("X-Amz-Expires", "1h") }), header: map[string]string{"Authorization": ""},
			code: "IncompleteSignatureException", text: "X-Amz-Expires must be a whole number of seconds from 1 to 604800.",
		},
		{
			name: "9 expires, none", query: goodQuery(func(q url.Values) { q.Set("X-Amz-Expires", "0") }), header: map[string]string{"Authorization": ""},
			code: "IncompleteSignatureException", text: "X-Amz-Expires must be a whole number of seconds from 1 to 604800.",
		},
		{
			name: "9 expires, empty", query: goodQuery(func(q url.Values) { q.Set("X-Amz-Expires", "") }), header: map[string]string{"Authorization": ""},
			code: "IncompleteSignatureException", text: "X-Amz-Expires must be a whole number of seconds from 1 to 604800.",
		},
		{
			name: "9 expires, too long", query: goodQuery(func(q url.Values) { q.Set("X-Amz-Expires", "604801") }), header: map[string]string{"Authorization": ""},
			code: "IncompleteSignatureException", text: "X-Amz-Expires must be a whole number of seconds from 1 to 604800.",
		},
		{
			name: "10 expired", header: map[string]string{"X-Amz-Date": "20261123T180131Z"},
			code: "InvalidSignatureException",
			text: "Signature expired: 20261123T180131Z is now earlier than 20261123T180132Z (20261123T181632Z - 15 min.)",
		},
		{
			name: "10 not yet current", header: map[string]string{"X-Amz-Date": "20261123T183133Z"},
			code: "InvalidSignatureException",
			text: "Signature not yet current: 20261123T183133Z is still later than 20261123T183132Z (20261123T181632Z + 15 min.)",
		},
		{
			name: "10 presigned and past its end", header: map[string]string{"Authorization": ""},
			query: goodQuery(func(q url.Values) { q.Set("X-Amz-Date", "20261123T171631Z"); q.Set("X-Amz-Expires", "3600") }),
			code:  "InvalidSignatureException",
			text:  "Signature expired: 20261123T171631Z is now earlier than 20261123T171632Z (20261123T181632Z - 60 min.)",
		},
		{
			name: "10 presigned for seconds", header: map[string]string{"Authorization": ""},
			query: goodQuery(func(q url.Values) { q.Set("X-Amz-Date", "20261123T181600Z"); q.Set("X-Amz-Expires", "30") }),
			code:  "InvalidSignatureException",
			text:  "Signature expired: 20261123T181600Z is now earlier than 20261123T181602Z (20261123T181632Z - 30 sec.)",
		},
		{
			name: "10 presigned for long, but from tomorrow", header: map[string]string{"Authorization": ""},
			query: goodQuery(func(q url.Values) { q.Set("X-Amz-Date", "20261124T181632Z"); q.Set("X-Amz-Expires", "604800") }),
			code:  "InvalidSignatureException",
			text:  "Signature not yet current: 20261124T181632Z is still later than 20261123T183132Z (20261123T181632Z + 15 min.)",
		},
		{
			name: "11 host", header: map[string]string{"Authorization": auth(goodCredential, "content-type;x-amz-date", someSig)},
			code: "InvalidSignatureException", text: "'Host' must be a 'SignedHeader' in the AWS Authorization.",
		},
		{
			name: "11 no headers at all", header: map[string]string{"Authorization": auth(goodCredential, "", someSig)},
			code: "InvalidSignatureException", text: "'Host' must be a 'SignedHeader' in the AWS Authorization.",
		},
		{
			name: "11 date", header: map[string]string{"Authorization": auth(goodCredential, "host;date", someSig)},
			code: "InvalidSignatureException", text: "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.",
		},
		{
			name: "11 Date", header: map[string]string{"Authorization": auth(goodCredential, "host;x-amz-date", someSig), "X-Amz-Date": "", "Date": "Mon, 23 Nov 2026 18:16:32 GMT"},
			code: "InvalidSignatureException", text: "'Date' must be a 'SignedHeader' in the AWS Authorization.",
		},
		{
			name: "11 too many", header: map[string]string{"Authorization": auth(goodCredential, "host;x-amz-date"+numbered(99), someSig)},
			code: "IncompleteSignatureException", text: "'SignedHeaders' must be at most 100 different header names, separated by semicolons.",
		},
		{
			name: "11 twice", header: map[string]string{"Authorization": auth(goodCredential, "host;x-amz-date;host", someSig)},
			code: "IncompleteSignatureException", text: "'SignedHeaders' must be at most 100 different header names, separated by semicolons.",
		},
		{
			name: "11 no name", header: map[string]string{"Authorization": auth(goodCredential, "host;;x-amz-date", someSig)},
			code: "IncompleteSignatureException", text: "'SignedHeaders' must be at most 100 different header names, separated by semicolons.",
		},
		{
			name: "11 not a name", query: goodQuery(func(q url.Values) { q.Set("X-Amz-SignedHeaders", "host;x\n") }), header: map[string]string{"Authorization": ""},
			code: "IncompleteSignatureException", text: "'SignedHeaders' must be at most 100 different header names, separated by semicolons.",
		},
		{
			name: "12 algorithm", header: map[string]string{"Authorization": "AWS4-HMAC-SHA25" + auth(goodCredential, goodNames, someSig)[len("AWS4-HMAC-SHA256"):]},
			code: "IncompleteSignatureException", text: "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). ",
		},
		{
			name: "12 algorithm in the query", query: goodQuery(func(q url.Values) { q.Set("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256") }), header: map[string]string{"Authorization": ""},
			code: "IncompleteSignatureException", text: "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now). ",
		},
		{
			name: "13 four elements", header: map[string]string{"Authorization": auth("a/b/c/d", goodNames, someSig)},
			code: "IncompleteSignatureException", text: "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'",
		},
		{
			name: "13 six elements", header: map[string]string{"Authorization": auth("a/b/c/d/e/f", goodNames, someSig)},
			code: "IncompleteSignatureException", text: "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d/e/f'",
		},
		{
			name: "14 all of it", header: map[string]string{"Authorization": auth("a/b/C/d/e", goodNames, someSig)},
			code: "InvalidSignatureException",
			text: "Credential should be scoped to a valid region. Credential should be scoped to correct service: 'aws-marketplace'. Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20261123', from '20261123T181632Z'.",
		},
		{
			name: "14 service", header: map[string]string{"Authorization": auth("AKIDEXAMPLE/20261123/us-east-1/sts/aws4_request", goodNames, someSig)},
			code: "InvalidSignatureException", text: "Credential should be scoped to correct service: 'aws-marketplace'. ",
		},
		{
			name: "14 terminator", header: map[string]string{"Authorization": auth("AKIDEXAMPLE/20261123/us-east-1/aws-marketplace/aws5_request", goodNames, someSig)},
			code: "InvalidSignatureException", text: "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. ",
		},
		{
			name: "14 date", header: map[string]string{"Authorization": auth("AKIDEXAMPLE/20261122/us-east-1/aws-marketplace/aws4_request", goodNames, someSig)},
			code: "InvalidSignatureException",
			text: "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261122' != '20261123', from '20261123T181632Z'.",
		},
		{
			name: "15 expired session", lookup: ErrExpiredSession,
			code: "ExpiredTokenException", text: "The security token included in the request is expired",
		},
		{
			name: "16 unknown key", lookup: ErrUnknownKey,
			code: "UnrecognizedClientException", text: "The security token included in the request is invalid.",
		},
		{
			name: "16 bad session token", lookup: ErrBadSessionToken,
			code: "UnrecognizedClientException", text: "The security token included in the request is invalid",
		},
		{
			name: "16 no key id", header: map[string]string{"Authorization": auth(goodCredential[len("AKIDEXAMPLE"):], goodNames, someSig)},
			code: "UnrecognizedClientException", text: "The security token included in the request is invalid.",
		},
		{
			name: "16 endless key id", header: map[string]string{"Authorization": auth(longKey+goodCredential[len("AKIDEXAMPLE"):], goodNames, someSig)},
			code: "UnrecognizedClientException", text: "The security token included in the request is invalid.",
		},
		{
			name: "17 payload hash", header: map[string]string{"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"},
			code: "InvalidSignatureException", text: "The provided 'x-amz-content-sha256' header does not match what was computed.",
		},
		{
			name: "17 signature", code: "InvalidSignatureException", text: mismatchText,
		},
		{
			name: "17 half a signature", header: map[string]string{"Authorization": auth(goodCredential, goodNames, someSig[:32])},
			code: "InvalidSignatureException", text: mismatchText,
		},
		{
			name: "17 presigned", query: goodQuery(func(url.Values) {}), header: map[string]string{"Authorization": ""},
			code: "InvalidSignatureException", text: mismatchText,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{
				"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSMPMeteringService.ResolveCustomer"},
				"X-Amz-Date": {goodDate}, "Authorization": {auth(goodCredential, goodNames, someSig)},
			}
			for k, value := range tt.header {
				h.Del(k)
				if value != "" {
					h.Set(k, value)
				}
			}
			v := New(Config{Now: at(testTime), Lookup: func(_ context.Context, id, token string) (Credential, error) {
				if tt.lookup == nil && len(id) == 0 || len(id) > 128 {
					t.Errorf("look-up of %q", id)
				}
				return Credential{Secret: testSecret}, tt.lookup
			}})
			target := "/"
			if tt.query != "" {
				target += "?" + tt.query
			}
			_, err := v.Verify(request(t, "POST", target, []byte(someBody), h), []byte(someBody), testService)
			wantRefusal(t, err, tt.code, tt.text)
			if strings.Contains(err.Error(), someSig) {
				t.Errorf("the message has the signature in clear: %s", err)
			}
		})
	}
}

// numbered is n names of headers, each behind a semicolon.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(";x-" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
	}
	return b.String()
}

func TestHashed(t *testing.T) {
	if got, want := hashed(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; got != want {
		t.Errorf("hashed: %s, want %s", got, want)
	}
}

func TestPinnedRegion(t *testing.T) {
	v := New(Config{Now: at(testTime), Region: "eu-west-1", Lookup: captureSecrets().lookup})
	for region, want := range map[string]string{
		"eu-west-1": "",
		"us-east-1": "Credential should be scoped to a valid region. ",
	} {
		r := request(t, "POST", "/", nil, nil)
		Sign(r, nil, Key{AccessKeyID: testKey, Secret: testSecret}, region, testService, testTime)
		res, err := v.Verify(r, nil, testService)
		if want == "" && err == nil {
			continue
		}
		wantRefusal(t, err, CodeInvalidSignature, want)
		if res.Region != region || res.AccessKeyID != testKey {
			t.Errorf("result: %+v", res)
		}
	}
}

// TestOrder starts from a request with everything wrong and repairs one thing after the other: each time the next check speaks.
func TestOrder(t *testing.T) {
	h := http.Header{
		"X-Amz-Date": {"201"}, "X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"},
		"Authorization": {"AWS4-HMAC-SHA25 Credential=b/c/C/d/e/f, Foo, SignedHeaders=date, Signature=" + someSig},
	}
	query := "?X-Amz-Algorithm=x"
	lookupErr := ErrExpiredSession
	secret := testSecret + "x"
	v := New(Config{Now: at(testTime), Lookup: func(context.Context, string, string) (Credential, error) {
		return Credential{Secret: secret}, lookupErr
	}})
	verify := func() error {
		_, err := v.Verify(request(t, "POST", "/"+query, nil, h), nil, testService)
		return err
	}
	replace := func(old, new string) func() {
		return func() { h.Set("Authorization", strings.Replace(h.Get("Authorization"), old, new, 1)) }
	}
	steps := []struct {
		begins string
		repair func()
	}{
		{"Found both", func() { query = "" }},
		{"Invalid key=value pair", replace(" Foo,", "")},
		{"Date must be", func() { h.Set("X-Amz-Date", "20261123T170000Z") }},
		{"Signature expired", func() { h.Set("X-Amz-Date", goodDate) }},
		{"'Host' must be", replace("=date", "=host")},
		{"'X-Amz-Date' must be", replace("=host", "=host;x-amz-date")},
		{"Unsupported AWS 'algorithm'", replace("SHA25 ", "SHA256 ")},
		{"Credential must have exactly 5", replace("b/c/C/d/e/f", "b/c/C/d/e")},
		{"Credential should be scoped to a valid region", replace("b/c/C/d/e", "b/c/us-east-1/d/e")},
		{"Credential should be scoped to correct service", replace("b/c/us-east-1/d/e", goodCredential)},
		{"The security token included in the request is expired", func() { lookupErr = ErrUnknownKey }},
		{"The security token included in the request is invalid.", func() { lookupErr = nil }},
		{"The provided 'x-amz-content-sha256'", func() { h.Del("X-Amz-Content-Sha256") }},
		{"The request signature we calculated", func() {
			r := request(t, "POST", "/", nil, nil)
			secret = testSecret
			Sign(r, nil, Key{AccessKeyID: testKey, Secret: secret}, testRegion, testService, testTime)
			h = r.Header
		}},
	}
	for _, s := range steps {
		var refused *Error
		if err := verify(); !errors.As(err, &refused) || !strings.HasPrefix(refused.Message, s.begins) {
			t.Fatalf("Verify: %v, want %q", err, s.begins)
		}
		s.repair()
	}
	if err := verify(); err != nil {
		t.Errorf("with everything repaired: %v", err)
	}
}

func TestLookupFailure(t *testing.T) {
	broken := errors.New("the database is on fire")
	r := request(t, "POST", "/", nil, nil)
	Sign(r, nil, Key{AccessKeyID: testKey, Secret: testSecret}, testRegion, testService, testTime)
	for name, c := range map[string]struct {
		cred Credential
		err  error
	}{
		"another error": {err: broken},
		"empty secret":  {},
	} {
		v := New(Config{Now: at(testTime), Lookup: func(context.Context, string, string) (Credential, error) { return c.cred, c.err }})
		_, err := v.Verify(r, nil, testService)
		var refused *Error
		if err == nil || errors.As(err, &refused) || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSkewBounds(t *testing.T) {
	for _, c := range []struct {
		skew, off time.Duration
		ok        bool
	}{
		{0, 15 * time.Minute, true}, {0, -15 * time.Minute, true}, {0, 15*time.Minute + time.Second, false}, {0, -15*time.Minute - time.Second, false},
		{time.Minute, time.Minute, true}, {time.Minute, 61 * time.Second, false},
	} {
		r := request(t, "POST", "/", nil, nil)
		Sign(r, nil, Key{AccessKeyID: testKey, Secret: testSecret}, testRegion, testService, testTime)
		v := New(Config{Now: at(testTime.Add(c.off)), Skew: c.skew, Lookup: captureSecrets().lookup})
		if _, err := v.Verify(r, nil, testService); (err == nil) != c.ok {
			t.Errorf("skew %s, clocks %s apart: %v", c.skew, c.off, err)
		}
	}
}
