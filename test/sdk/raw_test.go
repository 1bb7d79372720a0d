package sdk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"
)

// What follows is what no SDK sends for ResolveCustomer by itself, signed by the Go SDK's signer.

func (r *rig) sellerCredentials() aws.Credentials {
	k := r.Key("seller")
	return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey}
}

// protocols resolves in the protocols that SDKs do not choose for this service today.
func (r *rig) protocols() {
	p := r.buy("concurrent-agreements")
	r.expectAnswer("JSON 1.0", 200, answerOf(p), r.json10(p.RegistrationToken))
	r.expectAnswer("JSON 1.0", 400, map[string]string{"__type": "InvalidTokenException", "message": invalidToken}, r.json10("x"))
	r.expectAnswer("CBOR", 200, answerOf(p), r.cbor(p.RegistrationToken))
	r.expectAnswer("CBOR", 400, map[string]string{
		"__type": "com.amazonaws.marketplacemetering#InvalidTokenException", "message": invalidToken}, r.cbor("x"))
}

// rawAnswer is an answer read without an SDK.
type rawAnswer struct {
	status  int
	members map[string]string
}

func (r *rig) expectAnswer(protocol string, status int, members map[string]string, got rawAnswer) {
	r.t.Helper()
	if got.status != status {
		r.t.Errorf("%s: status %d, want %d", protocol, got.status, status)
	}
	if diff := cmp.Diff(members, got.members); diff != "" {
		r.t.Errorf("%s: answer (-want +got):\n%s", protocol, diff)
	}
}

func (r *rig) json10(token string) (out rawAnswer) {
	r.t.Helper()
	status, answer := r.post("/", []byte(`{"RegistrationToken":"`+token+`"}`), map[string]string{
		"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AWSMPMeteringService.ResolveCustomer"})
	if err := json.Unmarshal([]byte(answer), &out.members); err != nil {
		r.t.Fatalf("%v: %s", err, answer)
	}
	out.status = status
	return out
}

func (r *rig) cbor(token string) rawAnswer {
	r.t.Helper()
	status, answer := r.post("/service/AWSMPMeteringService/operation/ResolveCustomer", cbor.Encode(cbor.Map{"RegistrationToken": cbor.String(token)}),
		map[string]string{"Content-Type": "application/cbor", "Accept": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"})
	value, err := cbor.Decode([]byte(answer))
	if err != nil {
		r.t.Fatalf("%v: %x", err, answer)
	}
	out := rawAnswer{status: status, members: map[string]string{}}
	for name, v := range value.(cbor.Map) {
		out.members[name] = string(v.(cbor.String))
	}
	return out
}

// post makes a signed request.
func (r *rig) post(path string, payload []byte, headers map[string]string) (status int, answer string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.Endpoint+path, bytes.NewReader(payload))
	if err != nil {
		r.t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	r.sign(req, payload)
	return send(r.t, req)
}

// sign signs a request as the seller, with the Go SDK's signer.
func (r *rig) sign(req *http.Request, payload []byte) {
	r.t.Helper()
	sum := sha256.Sum256(payload)
	if err := v4.NewSigner().SignHTTP(r.t.Context(), r.sellerCredentials(), req, hex.EncodeToString(sum[:]), "aws-marketplace", r.Region, time.Now()); err != nil {
		r.t.Fatal(err)
	}
}

// presigned signs in the query string, with the Go SDK's presigner.
func (r *rig) presigned() {
	p := r.buy("concurrent-agreements")
	payload := []byte(`{"RegistrationToken":"` + p.RegistrationToken + `"}`)
	for _, c := range []struct {
		name    string
		payload []byte
		want    int
	}{{"as signed", payload, 200}, {"another body", []byte(`{"RegistrationToken":"x"}`), 400}} {
		sum := sha256.Sum256(payload)
		req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.Endpoint+"/?X-Amz-Expires=60", nil)
		if err != nil {
			r.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
		url, headers, err := v4.NewSigner().PresignHTTP(r.t.Context(), r.sellerCredentials(), req, hex.EncodeToString(sum[:]), "aws-marketplace", r.Region, time.Now(), func(o *v4.SignerOptions) { o.DisableHeaderHoisting = true })
		if err != nil {
			r.t.Fatal(err)
		}
		if req, err = http.NewRequestWithContext(r.t.Context(), http.MethodPost, url, bytes.NewReader(c.payload)); err != nil {
			r.t.Fatal(err)
		}
		req.Header = headers
		status, answer := send(r.t, req)
		if status != c.want {
			r.t.Errorf("%s: status %d, want %d: %s", c.name, status, c.want, answer)
		}
		if c.want == 200 && !strings.Contains(answer, p.LicenseARN) || c.want != 200 && !strings.Contains(answer, "InvalidSignatureException") {
			r.t.Errorf("%s: %s", c.name, answer)
		}
	}
}
