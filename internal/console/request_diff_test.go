package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

// refusedView is the record of a request that was signed with another secret or changed on its way.
func refusedView(t *testing.T, secret string, change func(*http.Request)) reqlog.View {
	t.Helper()
	body := `{"RegistrationToken":"x"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://souk.example/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
	req.Header.Set("X-Signed", "yes")
	key := sigv4.Key{AccessKeyID: "AKIASOUKSELLER2EXAMP", Secret: secret}
	sigv4.Sign(req, []byte(body), key, "us-east-1", "aws-marketplace", time.Now())
	if change != nil {
		change(req)
	}
	canonical, toSign := "", ""
	verifier := sigv4.New(sigv4.Config{Lookup: func(context.Context, string, string) (sigv4.Credential, error) {
		return sigv4.Credential{Secret: "right", Identity: t}, nil
	}})
	if _, err := verifier.Verify(req, []byte(body), "aws-marketplace"); err != nil {
		var refused *sigv4.Error
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
		canonical, toSign = refused.CanonicalRequest, refused.StringToSign
	}
	log := reqlog.New(reqlog.Config{})
	r := log.Begin()
	r.ID, r.Status, r.Method, r.Target, r.Host, r.Header, r.ErrorCode = "x", 400, "POST", "/", req.Host, req.Header, sigv4.CodeInvalidSignature
	r.AccessKeyID, r.Body, r.Canonical, r.StringToSign = key.AccessKeyID, append(r.Body, body...), canonical, toSign
	log.Commit(r)
	v, _ := log.Get("x")
	return v
}

func changed(rows []diffRow) (list []string) {
	for _, r := range rows {
		if r.Differs {
			list = append(list, r.Souk+" | "+r.Client)
		}
	}
	return list
}

func hinted(d *signatureDiff, text string) bool {
	return slices.ContainsFunc(d.Hints, func(h string) bool { return strings.Contains(h, text) })
}

func TestSignatureDiffOfAWrongSecret(t *testing.T) {
	v := refusedView(t, "wrong", nil)
	d := signatureDiffOf(v, "")
	if d == nil || !d.Equal || len(d.ToSign) != 4 || !hinted(d, "secret is not that of access key AKIASOUKSELLER2EXAMP") {
		t.Fatalf("%+v", d)
	}
	if signatureDiffOf(reqlog.View{}, "pasted") != nil {
		t.Error("there is a diff of a request that was not refused for its signature")
	}
}

func TestSignatureDiffFindsWhatAProxyChanged(t *testing.T) {
	v := refusedView(t, "right", func(r *http.Request) {
		r.Host = "10.0.0.7:7685"
		r.Header.Set("X-Forwarded-Host", "souk.example, inner.example")
		r.Header.Set("X-Forwarded-Prefix", "/aws")
		r.Header.Del("X-Signed")
	})
	d := signatureDiffOf(v, "")
	got := changed(d.Canonical)
	if want := []string{"/ | /aws/", "host:10.0.0.7:7685 | host:souk.example", " | x-signed:‹some value›"}; !slices.Equal(got, want) {
		t.Errorf("changed lines %q, want %q", got, want)
	}
	if got := changed(d.ToSign); len(got) != 1 || !strings.HasSuffix(got[0], "‹only the client knows›") {
		t.Errorf("string to sign: %q", got)
	}
	for _, want := range []string{"under another Host", "took a prefix off", "not in the request that arrived: x-signed"} {
		if !hinted(d, want) {
			t.Errorf("no hint says %q: %q", want, d.Hints)
		}
	}
}

// If the host is all that a proxy changed, the client's hash can be told: it is what an unchanged request would have had.
func TestSignatureDiffTellsTheClientsHash(t *testing.T) {
	v := refusedView(t, "right", func(r *http.Request) {
		r.Host = "inner"
		r.Header.Set("Forwarded", `for=192.0.2.1;host="souk.example"`)
	})
	d := signatureDiffOf(v, "")
	got := changed(d.ToSign)
	if len(got) != 1 || len(got[0]) != 64+3+64 {
		t.Fatalf("string to sign: %q", got)
	}
	original := refusedView(t, "wrong", func(r *http.Request) { r.Header.Set("X-Amz-Date", firstOf(v, "X-Amz-Date")) })
	if want := strings.Split(original.StringToSign, "\n")[3]; !strings.HasSuffix(got[0], want) {
		t.Errorf("the client's hash is told as %s, want %s", got[0], want)
	}
}

func TestSignatureDiffOfWhatWasPasted(t *testing.T) {
	v := refusedView(t, "wrong", nil)
	if d := signatureDiffOf(v, strings.ReplaceAll(v.Canonical, "\n", "\r\n")+"\r\n"); !d.Equal || !hinted(d, "Both canonical requests are the same") {
		t.Errorf("the same is told as %+v", d)
	}
	lines := strings.Split(v.Canonical, "\n")
	lines[len(lines)-1] = emptyHash
	d := signatureDiffOf(v, strings.Join(lines, "\n"))
	if got := changed(d.Canonical); len(got) != 1 || d.Equal || !hinted(d, "signed an empty body") {
		t.Errorf("changed lines %q, hints %q", got, d.Hints)
	}
	if d := signatureDiffOf(v, strings.Repeat("\u202e<b>\n", 5000)); len(d.Canonical) > 2*maxDiffLines || !strings.Contains(d.Canonical[0].Client, "‹U+202E›") {
		t.Errorf("%d rows, the first %+v", len(d.Canonical), d.Canonical[0])
	}
}

// Either column of a comparison is its text, whole and in order, and what is alike stands in one row.
func TestDiffLines(t *testing.T) {
	for _, pair := range [][2]string{{"", ""}, {"a b c", "a b c"}, {"a b c", "a x c"}, {"a b c d", "b d e"}, {"", "a b"}, {"a b", ""}, {"a b a b", "b a b a"}, {"x", "y z"}} {
		a, b := strings.Fields(pair[0]), strings.Fields(pair[1])
		var left, right []string
		for _, r := range diffLines(a, b) {
			if !r.NoSouk {
				left = append(left, r.Souk)
			}
			if !r.NoClient {
				right = append(right, r.Client)
			}
			if alike := r.Souk == r.Client && !r.NoSouk && !r.NoClient; alike == r.Differs || r.NoSouk && r.NoClient {
				t.Errorf("%q: row %+v", pair, r)
			}
		}
		if !slices.Equal(left, a) || !slices.Equal(right, b) {
			t.Errorf("%q: columns %q and %q", pair, left, right)
		}
	}
}

func TestScopeOfPresignedRequests(t *testing.T) {
	s := scopeOf(reqlog.View{Target: "/?X-Amz-Credential=AKIA%2F20261124%2Feu-west-1%2Faws-marketplace%2Faws4_request&X-Amz-SignedHeaders=host&X-Amz-Date=20261124T000000Z"})
	if s.AccessKeyID != "AKIA" || s.Region != "eu-west-1" || s.Service != "aws-marketplace" || s.Day != "20261124" || !s.Presigned || s.SignedHeaders != "host" {
		t.Errorf("%+v", s)
	}
	for _, v := range []reqlog.View{{}, {Headers: []reqlog.Header{{Name: "Authorization", Value: "AWS4-HMAC-SHA256 Credential=, x"}}}, {Target: "/?%zz;a"}} {
		if s := scopeOf(v); s.Found || s.Scope != "" {
			t.Errorf("%+v: %+v", v, s)
		}
	}
}
