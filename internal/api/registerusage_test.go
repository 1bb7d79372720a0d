package api

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/pubkeys"
)

// get reads a public address, unsigned.
func (s *souk) get(method, path string) (*http.Response, []byte) {
	s.t.Helper()
	r, err := http.NewRequest(method, strings.TrimSuffix(s.url, "/")+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res, b
}

// published are the keys of the JWK set, by kid.
func (s *souk) published() map[string]*rsa.PublicKey {
	s.t.Helper()
	res, body := s.get("GET", pubkeys.SetPath)
	var set struct {
		Keys []struct{ Kid, N, E string }
	}
	if err := json.Unmarshal(body, &set); err != nil || res.StatusCode != 200 {
		s.t.Fatalf("%s %s: %v", res.Status, body, err)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		n, err1 := base64.RawURLEncoding.DecodeString(k.N)
		e, err2 := base64.RawURLEncoding.DecodeString(k.E)
		if err1 != nil || err2 != nil {
			s.t.Fatalf("%s", body)
		}
		keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	}
	return keys
}

// opened verifies a JWT as a seller's container does, and answers its payload.
func opened(t testing.TB, token string, k *rsa.PublicKey) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%s is no JWT", token)
	}
	var raw [3][]byte
	for i := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPSS(k, crypto.SHA256, digest[:], raw[2], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}); err != nil {
		t.Errorf("the signature: %v", err)
	}
	var header, payload map[string]any
	if err := json.Unmarshal(raw[0], &header); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw[1], &payload); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]any{"alg": "PS256", "typ": "JWT"}, header); d != "" {
		t.Error(d)
	}
	return payload
}

// What is signed verifies with the key that is published, of each version that there was.
func TestRegisterUsage(t *testing.T) {
	s := startTrade(t)
	in := m{"ProductCode": meteredCode, "PublicKeyVersion": 1, "Nonce": "naïve"}
	for _, p := range protocols {
		for _, role := range []string{"Task", "Pod"} {
			a := s.call(p, "RegisterUsage", in, s.session(buyer, role, "one"), "us-east-1")
			if a.status != 200 || len(a.members) != 1 {
				t.Fatalf("%s: %d %s", p, a.status, a.body)
			}
			payload := opened(t, a.members["Signature"].(string), s.published()["1"])
			if d := cmp.Diff(map[string]any{"ProductCode": meteredCode, "PublicKeyVersion": 1.0, "Nonce": "naïve", "PublicKeyRotationTimestamp": nil}, payload); d != "" {
				t.Errorf("%s: %s", p, d)
			}
			if v := s.recordOf(a); v.ProductCode != meteredCode || v.Buyer != buyer || v.Operation != "RegisterUsage" {
				t.Errorf("%s: the record is about %s, %s", p, v.ProductCode, v.Buyer)
			}
		}
	}
	rotated := s.marketNow()
	if _, err := s.Service.RotateSigningKey(t.Context(), market.Operator()); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Hour)
	keys := s.published()
	if len(keys) != 2 {
		t.Fatalf("%d keys are published", len(keys))
	}
	for _, p := range protocols {
		old := s.call(p, "RegisterUsage", in, s.task("one"), "us-east-1")
		if old.members["PublicKeyRotationTimestamp"] != float64(rotated.Unix()) {
			t.Errorf("%s: the old version: %s", p, old.body)
		}
		if payload := opened(t, old.members["Signature"].(string), keys["1"]); payload["PublicKeyRotationTimestamp"] == nil {
			t.Errorf("%s: signed: %v", p, payload)
		}
		now := s.call(p, "RegisterUsage", with(in, m{"PublicKeyVersion": 2}), s.task("one"), "us-east-1")
		if len(now.members) != 1 {
			t.Errorf("%s: the new version: %s", p, now.body)
		}
		opened(t, now.members["Signature"].(string), keys["2"])
	}
}

// Who has registered goes on running when its buyer has left.
func TestRegisterUsageAgain(t *testing.T) {
	s := startTrade(t)
	in := m{"ProductCode": meteredCode, "PublicKeyVersion": 1}
	if a := s.call(awsproto.JSON11, "RegisterUsage", in, s.task("one"), "us-east-1"); a.status != 200 {
		t.Fatal(a.body)
	}
	if _, err := s.Service.End(t.Context(), market.Operator(), s.metered.Agreement.ID, market.Cancelled); err != nil {
		t.Fatal(err)
	}
	s.advance(2 * time.Hour)
	if a := s.call(awsproto.CBOR, "RegisterUsage", in, s.task("one"), "us-east-1"); a.status != 200 {
		t.Errorf("again: %s", a.body)
	}
	want(t, s.call(awsproto.CBOR, "RegisterUsage", in, s.task("two"), "us-east-1"), 400, "CustomerNotEntitledException", shapes["CustomerNotEntitledException"].message)
}

func TestRegisterUsageRefusals(t *testing.T) {
	s := startTrade(t)
	task := s.task("worker-1")
	in := m{"ProductCode": meteredCode, "PublicKeyVersion": 1, "Nonce": "n"}
	but := func(change m) m { return with(in, change) }
	s.refused("RegisterUsage", []refusal{
		{"Region", in, task, "cn-northwest-1", 400, "DisabledApiException", "", ""},
		{"an instance", in, s.session(buyer, "Instance", "i-1"), "", 400, "PlatformNotSupportedException", "", "is not a session of a role"},
		{"an agent", in, s.session(buyer, "Agent", "a1"), "", 400, "PlatformNotSupportedException", "", "is not a session of a role"},
		{"a user", in, buyerKey, "", 400, "PlatformNotSupportedException", "", "is not a session of a role"},
		{"no product", but(m{"ProductCode": "nothing"}), task, "", 400, "InvalidProductCodeException", "", "there is no product"},
		{"Region of another workload", in, s.session(buyer, "Irish", "w1"), "us-east-1", 400, "InvalidRegionException", "", "the workload runs in eu-west-1"},
		{"key version", but(m{"PublicKeyVersion": 2}), task, "", 400, "InvalidPublicKeyVersionException", "", ""},
		{"huge key version", but(m{"PublicKeyVersion": int64(1<<32 + 1)}), task, "", 400, "InvalidPublicKeyVersionException", "", ""},
		{"not entitled", but(m{"ProductCode": legacyCode}), task, "", 400, "CustomerNotEntitledException", "", buyer},
		{"required", m{}, task, "", 400, "ValidationException", "2 validation errors detected: Value null at 'productCode' failed to satisfy constraint: Member must not be null; Value null at 'publicKeyVersion' failed to satisfy constraint: Member must not be null", ""},
		{"version 0", but(m{"PublicKeyVersion": 0}), task, "", 400, "ValidationException", "1 validation error detected: Value '0' at 'publicKeyVersion' failed to satisfy constraint: Member must have value greater than or equal to 1", ""},
		{"nonce", but(m{"Nonce": strings.Repeat("n", 256)}), task, "", 400, "ValidationException", "1 validation error detected: Value '…", ""},
		{"denied", in, s.session(buyer, "Denied", "w1"), "", 400, "AccessDeniedException", "User: arn:aws:sts::777788889999:assumed-role/Denied/w1 is not authorized to perform: aws-marketplace:RegisterUsage because no identity-based policy allows the aws-marketplace:RegisterUsage action", ""},
	})
}

// The keys are there for whoever asks, whatever else is wrong, and each reading leaves a record.
func TestWellKnown(t *testing.T) {
	s := startTrade(t)
	keys := s.published() // the first reader has the key made
	res, body := s.get("GET", pubkeys.PEMPath(1))
	block, _ := pem.Decode(body)
	if res.StatusCode != 200 || block == nil {
		t.Fatalf("%s %s", res.Status, body)
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil || !keys["1"].Equal(k) {
		t.Errorf("the PEM is another key than the JWK: %v", err)
	}
	v := s.record(res.Header.Get("x-amzn-RequestId"))
	if v.Status != 200 || v.Outcome != "ok" || v.Operation != "" || v.Method != "GET" || v.Target != pubkeys.PEMPath(1) || !bytes.Contains(body, []byte("PUBLIC KEY")) {
		t.Errorf("record %+v", v)
	}
	if res, body := s.get("HEAD", pubkeys.SetPath); res.StatusCode != 200 || len(body) > 0 || res.ContentLength < 300 {
		t.Errorf("HEAD: %s, %d bytes of %d", res.Status, len(body), res.ContentLength)
	}
	for _, tt := range []struct {
		method, path string
		code         string
	}{
		{"GET", "/", "UnknownOperationException"}, {"GET", "/.well-known/jwks.json/", "UnknownOperationException"},
		{"GET", "/.well-known/souk/register-usage/v0.pem", "UnknownOperationException"}, {"PUT", pubkeys.SetPath, "UnknownOperationException"},
		{"DELETE", pubkeys.PEMPath(1), "UnknownOperationException"}, {"OPTIONS", pubkeys.SetPath, "UnknownOperationException"},
	} {
		res, body := s.get(tt.method, tt.path)
		if res.StatusCode != 404 || !bytes.Contains(body, []byte(tt.code)) {
			t.Errorf("%s %s: %s %s", tt.method, tt.path, res.Status, body)
		}
	}
	if res, body := s.get("GET", pubkeys.PEMPath(2)); res.StatusCode != 404 || !json.Valid(body) {
		t.Errorf("a version that there is not: %s %s", res.Status, body)
	}
	// SDKs append nothing to the endpoint that would stand in the way: a call may have any path, this one too.
	again, err := s.Service.SetUpAccount(t.Context(), market.Operator(), s.metered.Agreement.ID)
	if err != nil {
		t.Fatal(err)
	}
	r := s.request(again.Token)
	r.URL.Path = pubkeys.SetPath
	if a := s.do(sign(r, sellerKey, "us-east-1", time.Now())); a.status != 200 || a.members["ProductCode"] != meteredCode {
		t.Errorf("a call by that path: %s", a.body)
	}
}
