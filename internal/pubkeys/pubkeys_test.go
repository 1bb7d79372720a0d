package pubkeys

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// pair is two versions of the key, with their private halves.
func pair(t *testing.T) (public []market.PublicKey, private []*rsa.PrivateKey) {
	t.Helper()
	for i := range 2 {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		private = append(private, k)
		public = append(public, market.PublicKey{Version: i + 1, Key: &k.PublicKey})
	}
	return public, private
}

func serve(t *testing.T, keys func(context.Context) ([]market.PublicKey, error)) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(Handler(keys))
	t.Cleanup(s.Close)
	return s
}

func fixed(list []market.PublicKey) func(context.Context) ([]market.PublicKey, error) {
	return func(context.Context) ([]market.PublicKey, error) { return list, nil }
}

func do(t *testing.T, method, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, b
}

// verify holds a key that was read against the private half that it must belong to.
func verify(t *testing.T, public *rsa.PublicKey, private *rsa.PrivateKey) {
	t.Helper()
	digest := sha256.Sum256([]byte("message"))
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	sig, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], options)
	if err != nil {
		t.Fatal(err)
	}
	if err := rsa.VerifyPSS(public, crypto.SHA256, digest[:], sig, options); err != nil {
		t.Errorf("the key that was read does not verify: %v", err)
	}
}

func TestSet(t *testing.T) {
	public, private := pair(t)
	s := serve(t, fixed(public))
	res, body := do(t, "GET", s.URL+SetPath)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/jwk-set+json" || res.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(body, &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%v %s", err, body)
	}
	for i, k := range set.Keys {
		number := func(name string) *big.Int {
			b, err := base64.RawURLEncoding.DecodeString(k[name])
			if err != nil || len(b) == 0 || b[0] == 0 { // RFC 7518, section 2: no leading zero octets
				t.Errorf("%s is %q: %v", name, k[name], err)
			}
			delete(k, name)
			return new(big.Int).SetBytes(b)
		}
		verify(t, &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}, private[i])
		if d := cmp.Diff(map[string]string{"kty": "RSA", "use": "sig", "alg": "PS256", "kid": strconv.Itoa(i + 1)}, k); d != "" {
			t.Error(d)
		}
	}
}

func TestPEM(t *testing.T) {
	public, private := pair(t)
	s := serve(t, fixed(public))
	for i := range private {
		res, body := do(t, "GET", s.URL+PEMPath(i+1))
		block, rest := pem.Decode(body)
		if res.StatusCode != 200 || block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
			t.Fatalf("%s %s", res.Status, body)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, key.(*rsa.PublicKey), private[i])
	}
}

func TestOthers(t *testing.T) {
	public, _ := pair(t)
	s := serve(t, fixed(public))
	for _, tt := range []struct {
		method, path string
		serves       bool
		status       int
	}{
		{"GET", SetPath, true, 200},
		{"HEAD", SetPath, true, 200},
		{"GET", PEMPath(2), true, 200},
		{"HEAD", PEMPath(2), true, 200},
		{"GET", PEMPath(3), true, 404},
		{"GET", PEMPath(0), false, 404},
		{"GET", PEMPath(-1), false, 404},
		{"GET", "/.well-known/souk/register-usage/v01.pem", false, 404},
		{"GET", "/.well-known/souk/register-usage/v+1.pem", false, 404},
		{"GET", "/.well-known/souk/register-usage/v1", false, 404},
		{"GET", "/.well-known/souk/register-usage/v.pem", false, 404},
		{"GET", "/.well-known/souk/register-usage/v99999999999999999999.pem", false, 404},
		{"GET", "/.well-known/jwks.json/", false, 404},
		{"GET", "/base/.well-known/jwks.json", false, 404},
		{"GET", "/", false, 404},
		{"POST", SetPath, false, 404},
		{"OPTIONS", SetPath, false, 404},
	} {
		r := httptest.NewRequest(tt.method, tt.path, nil)
		if got := Serves(r); got != tt.serves {
			t.Errorf("Serves(%s %s) = %v", tt.method, tt.path, got)
		}
		res, body := do(t, tt.method, s.URL+tt.path)
		if res.StatusCode != tt.status {
			t.Errorf("%s %s: %s", tt.method, tt.path, res.Status)
		}
		if tt.method == "HEAD" && (len(body) > 0 || res.ContentLength < 100) {
			t.Errorf("HEAD %s: %d bytes, Content-Length %d", tt.path, len(body), res.ContentLength)
		}
		if tt.status != 200 && (res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Cache-Control") != "no-store" || !json.Valid(body)) {
			t.Errorf("%s %s: %v %s", tt.method, tt.path, res.Header, body)
		}
	}
}

// A client that has the keys is told so in a few bytes, until there is a new one.
func TestConditional(t *testing.T) {
	public, _ := pair(t)
	list := public[:1]
	s := serve(t, func(context.Context) ([]market.PublicKey, error) { return list, nil })
	res, _ := do(t, "GET", s.URL+SetPath)
	tag := res.Header.Get("ETag")
	for match, want := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, strings.Trim(tag, `"`): 200} {
		res, body := do(t, "GET", s.URL+SetPath, "If-None-Match", match)
		if res.StatusCode != want || want == 304 && (len(body) > 0 || res.Header.Get("ETag") != tag) {
			t.Errorf("If-None-Match %s: %s, %d bytes", match, res.Status, len(body))
		}
	}
	list = public
	if res, _ := do(t, "GET", s.URL+SetPath, "If-None-Match", tag); res.StatusCode != 200 || res.Header.Get("ETag") == tag {
		t.Errorf("with a second key: %s", res.Status)
	}
}

func TestFailure(t *testing.T) {
	s := serve(t, func(context.Context) ([]market.PublicKey, error) { return nil, errors.New("secret detail") })
	res, body := do(t, "GET", s.URL+SetPath)
	if res.StatusCode != 503 || strings.Contains(string(body), "secret") || !json.Valid(body) {
		t.Errorf("%s %s", res.Status, body)
	}
}
