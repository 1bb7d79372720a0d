package sdk

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// register is a call of RegisterUsage.
func register(nonce string) apiCall {
	return apiCall{Service: metering, Operation: "RegisterUsage", Input: members{"ProductCode": usageProduct, "PublicKeyVersion": 1, "Nonce": nonce}}
}

// registerSigned: what a container is told is signed, and whoever has the public key can see that. The nonce comes back in it.
func registerSigned(t *testing.T, r *rig) {
	x := r.call(workload("Task", "task-signed")(r), register("nonce +/= é"), register("another"), register("").with("Nonce", nil))
	for i, nonce := range []any{"nonce +/= é", "another", nil} {
		out := r.output(x, i)
		if len(out) != 1 {
			t.Errorf("the answer is %v", out)
		}
		r.expectSigned(out["Signature"], members{"ProductCode": usageProduct, "PublicKeyVersion": 1, "Nonce": nonce, "PublicKeyRotationTimestamp": nil})
	}
	x = r.call(workload("Pod", "pod-signed")(r), register("of a pod"))
	r.expectSigned(r.output(x, 0)["Signature"], members{"ProductCode": usageProduct, "PublicKeyVersion": 1, "Nonce": "of a pod", "PublicKeyRotationTimestamp": nil})
}

// expectSigned checks a JWT against the keys that Souk publishes: with Go's crypto, and with Node.js's where it is at hand.
func (r *rig) expectSigned(signature any, payload members) {
	r.t.Helper()
	jwt, _ := signature.(string)
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		r.t.Fatalf("the signature is %q", jwt)
	}
	header, content, sum := r.decode(parts[0]), r.decode(parts[1]), r.decode(parts[2])
	if string(header) != `{"alg":"PS256","typ":"JWT"}` {
		r.t.Errorf("the header is %s", header)
	}
	var got members
	if err := json.Unmarshal(content, &got); err != nil {
		r.t.Fatal(err)
	}
	if diff := cmp.Diff(tree(payload), any(got)); diff != "" {
		r.t.Errorf("payload (-want +got):\n%s", diff)
	}
	version := strconv.Itoa(payload["PublicKeyVersion"].(int))
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	strict := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	for what, key := range map[string]*rsa.PublicKey{"JWKS": r.fromJWKS(version), "PEM": r.fromPEM(version)} {
		if err := rsa.VerifyPSS(key, crypto.SHA256, digest[:], sum, strict); err != nil {
			r.t.Errorf("by the key of %s: %v", what, err)
		}
	}
	digest[0] ^= 1
	if rsa.VerifyPSS(r.fromJWKS(version), crypto.SHA256, digest[:], sum, strict) == nil {
		r.t.Error("the signature is one of anything")
	}
	if r.lang.name != "JavaScript" {
		return
	}
	x := r.do(call{Env: r.as("seller"), Calls: []apiCall{{Service: metering, Operation: "verify", Input: members{"signature": jwt, "jwks": r.published("/.well-known/jwks.json")}}}})
	if out := r.output(x, 0); out["valid"] != true {
		r.t.Errorf("Node.js says %v", out)
	}
}

func (r *rig) decode(part string) []byte {
	r.t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

// published is what the AWS face tells whoever asks.
func (r *rig) published(path string) json.RawMessage {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.Endpoint+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	status, answer := send(r.t, req)
	if status != http.StatusOK {
		r.t.Fatalf("%s: status %d: %s", path, status, answer)
	}
	return json.RawMessage(answer)
}

func (r *rig) fromJWKS(version string) *rsa.PublicKey {
	r.t.Helper()
	var set struct {
		Keys []struct{ Kty, Use, Alg, Kid, N, E string }
	}
	if err := json.Unmarshal(r.published("/.well-known/jwks.json"), &set); err != nil {
		r.t.Fatal(err)
	}
	for _, k := range set.Keys {
		if k.Kid != version {
			continue
		}
		if k.Kty != "RSA" || k.Use != "sig" || k.Alg != "PS256" {
			r.t.Errorf("key %s is for %s, %s, %s", k.Kid, k.Kty, k.Use, k.Alg)
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(r.decode(k.N)), E: int(new(big.Int).SetBytes(r.decode(k.E)).Int64())}
	}
	r.t.Fatalf("key %s is not published", version)
	return nil
}

func (r *rig) fromPEM(version string) *rsa.PublicKey {
	r.t.Helper()
	block, _ := pem.Decode(r.published("/.well-known/souk/register-usage/v" + version + ".pem"))
	if block == nil {
		r.t.Fatal("it is not PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		r.t.Fatal(err)
	}
	return key.(*rsa.PublicKey)
}

// registerLost: registering twice is registering once; each answer has a signature of its own.
func registerLost(t *testing.T, r *rig) {
	r.fault("RegisterUsage", map[string]any{"lose": true, "times": 1})
	x := r.call(workload("Task", "task-lost")(r), register("lost"))
	r.expectSigned(r.output(x, 0)["Signature"], members{"ProductCode": usageProduct, "PublicKeyVersion": 1, "Nonce": "lost", "PublicKeyRotationTimestamp": nil})
	r.expectLost(x, `"Signature"`)
	if list := r.metered(usageProduct, anyCompany, "task-lost"); len(list) != 0 {
		t.Errorf("the ledger has %+v", list)
	}
}

// userKey is that of a user who may do what workloads do, and is none.
func userKey(r *rig) map[string]string {
	return credentials(r.Region, "AKIASDKTESTSREGISTER", "not+a+secret/of/the/sdk/tests/0000000000", "")
}

func registerErrors(t *testing.T, r *rig) {
	good := func(*rig) apiCall { return register("errors") }
	_, deniedARN := r.sessionOf("arn:aws:iam::"+anyCompany+":role/Denied", "task-errors", "1h")
	r.expectErrors(workload("Task", "task-errors"), good, []errorCase{
		{code: "CustomerNotEntitledException", env: func(r *rig) map[string]string {
			env, _ := r.sessionOf("arn:aws:iam::"+neverBought+":role/Task", "task-errors", "1h")
			return env
		}, reason: "never bought"},
		{code: "DisabledApiException", env: func(r *rig) map[string]string { return in(workload("Task", "task-errors")(r), "af-south-1") }},
		{code: "InternalServiceErrorException", status: 500, fault: map[string]any{"refuse": "InternalServiceErrorException"}},
		{code: "ThrottlingException", fault: map[string]any{"refuse": "ThrottlingException"}},
		{code: "InvalidProductCodeException", call: withMember("ProductCode", "no-such-product"), reason: "there is no product of that code"},
		{code: "InvalidPublicKeyVersionException", call: withMember("PublicKeyVersion", 99)},
		{code: "InvalidRegionException", env: podInIreland, reason: "the workload runs in eu-west-1"},
		{code: "PlatformNotSupportedException", name: "an EC2 instance", env: workload("Instance", "i-errors")},
		{code: "PlatformNotSupportedException", name: "an AgentCore runtime", env: workload("Agent", "agent-errors")},
		{code: "PlatformNotSupportedException", name: "a user's key", env: userKey},
		{code: "ValidationException", name: "version 0", call: withMember("PublicKeyVersion", 0), refuse: byBotocore,
			text: "1 validation error detected: Value '0' at 'publicKeyVersion' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{code: "AccessDeniedException", env: workload("Denied", "task-errors"), text: denied(deniedARN, "RegisterUsage")},
		{code: "UnrecognizedClientException", env: unknownCaller},
	})
}

// registerRotated: the old key goes on signing for those who ask for it, and says since when there is a newer one.
func registerRotated(t *testing.T, r *rig) {
	r.control(http.MethodPost, "/api/v1/signing-keys/rotate", nil, nil)
	rotated := r.stage.now.Truncate(time.Second)
	x := r.call(workload("Task", "task-rotated")(r), register("old"), register("new").with("PublicKeyVersion", 2))
	old, fresh := r.output(x, 0), r.output(x, 1)
	if diff := cmp.Diff(tree(members{"Signature": old["Signature"], "PublicKeyRotationTimestamp": timeText(rotated)}), any(old)); diff != "" {
		t.Errorf("answer for version 1 (-want +got):\n%s", diff)
	}
	if len(fresh) != 1 {
		t.Errorf("the answer for version 2 is %v", fresh)
	}
	r.expectSigned(old["Signature"], members{"ProductCode": usageProduct, "PublicKeyVersion": 1, "Nonce": "old", "PublicKeyRotationTimestamp": rotated.Unix()})
	r.expectSigned(fresh["Signature"], members{"ProductCode": usageProduct, "PublicKeyVersion": 2, "Nonce": "new", "PublicKeyRotationTimestamp": nil})
}

// registerGoesOn: a task that was once let in is never told that its account is not entitled; one that comes later is.
func registerGoesOn(t *testing.T, r *rig) {
	p := r.purchase(usageProduct, holdsMany, nil)
	task := func(session string) map[string]string {
		env, _ := r.sessionOf("arn:aws:iam::"+holdsMany+":role/Task", session, "1h")
		return env
	}
	r.output(r.call(task("task-early"), register("early")), 0)
	r.agreement(p, "cancel")
	r.pass(2 * time.Hour)
	r.output(r.call(task("task-early"), register("early")), 0)
	r.expectError(r.call(task("task-late"), register("late")), want{code: "CustomerNotEntitledException", message: texts["CustomerNotEntitledException"]})
	r.expectError(r.call(task("task-early"), r.meter(1).with("Timestamp", at(r.stage.now))), want{code: "CustomerNotEntitledException", message: texts["CustomerNotEntitledException"]})
}
