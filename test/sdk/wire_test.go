package sdk

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	mpmetering "github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// wireCase is a request that the Go SDK made, with something done to it.
type wireCase struct {
	name   string
	option func(*mpmetering.Options)
	env    func(r *rig) map[string]string // nil: the seller's
	want   want
}

func incomplete(message string) want {
	return want{code: "IncompleteSignatureException", message: message}
}
func invalid(message string) want { return want{code: "InvalidSignatureException", message: message} }
func serialization(message string) want {
	return want{code: "SerializationException", message: message}
}
func unknownOperation(status int, message string) want {
	return want{code: "UnknownOperationException", status: status, message: message}
}

// off is an option that signs as if the clock were wrong.
func off(d time.Duration) func(*mpmetering.Options) {
	return signing(func(_ *http.Request, s *signature) { s.at = s.at.Add(d) })
}

// hashOf is how messages show a header that they do not repeat.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

const stamp = `\d{8}T\d{6}Z`

// TestWire breaks requests of the Go SDK on their way, so that each error of authentication and of the protocol comes from its real
// cause. The texts are AWS's own where they are known.
func TestWire(t *testing.T) {
	t.Parallel()
	goSDK := languages[0]
	r := newRig(t, goSDK, program{}, "off")
	r.client = nil // each case makes its own
	date := time.Now().UTC().Format("20060102")
	for _, c := range []wireCase{
		{name: "no signature", option: func(o *mpmetering.Options) { o.Credentials = aws.AnonymousCredentials{} },
			want: want{code: "MissingAuthenticationTokenException", message: "Request is missing Authentication Token"}},
		{name: "another scheme", option: authorization(func(string) string { return "Bearer abc" }),
			want: want{code: "MissingAuthenticationTokenException", message: "Request is missing Authentication Token"}},
		{name: "header and query", option: signing(func(r *http.Request, _ *signature) { r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256" }),
			want: invalid("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")},
		{name: "not key=value", option: authorization(func(string) string { return "AWS4-HMAC-SHA256 Foo, Bar" }),
			want: incomplete("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '" +
				hashOf("AWS4-HMAC-SHA256 Foo, Bar") + "'.")},
		{name: "parts missing", option: authorization(func(string) string { return "AWS4-HMAC-SHA256 SignedHeaders=host" }),
			want: incomplete("Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
				"(Hashed with SHA-256 and encoded with Base64) Authorization=" + hashOf("AWS4-HMAC-SHA256 SignedHeaders=host"))},
		{name: "no date", option: signed(func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b")
			r.Header.Del("X-Amz-Date")
		}),
			want: incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " +
				"(Hashed with SHA-256 and encoded with Base64) Authorization=" + hashOf("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b"))},
		{name: "date malformed", option: signed(func(r *http.Request) { r.Header.Set("X-Amz-Date", "201") }),
			want: incomplete("Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601")},
		{name: "signature expired", option: off(-20 * time.Minute),
			want: want{code: "InvalidSignatureException", like: regexp.MustCompile(
				`^Signature expired: ` + stamp + ` is now earlier than ` + stamp + ` \(` + stamp + ` - 15 min\.\)$`)}},
		{name: "signature not yet current", option: off(20 * time.Minute),
			want: want{code: "InvalidSignatureException", like: regexp.MustCompile(
				`^Signature not yet current: ` + stamp + ` is still later than ` + stamp + ` \(` + stamp + ` \+ 15 min\.\)$`)}},
		{name: "within the window", option: off(-14 * time.Minute)},
		{name: "Host not signed", option: replacing(";host;", ";"), want: invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")},
		{name: "unknown algorithm", option: replacing("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA25 "),
			want: incomplete("Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). ")},
		{name: "four elements", option: authorization(func(a string) string {
			return regexp.MustCompile(`Credential=[^,]+`).ReplaceAllString(a, "Credential=a/b/c/d")
		}),
			want: incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'")},
		{name: "wrong service", option: signing(func(_ *http.Request, s *signature) { s.service = "s3" }),
			want: invalid("Credential should be scoped to correct service: 'aws-marketplace'. ")},
		{name: "wrong region", option: replacing("/us-east-1/", "/US_EAST_1/"),
			want: invalid("Credential should be scoped to a valid region. ")},
		{name: "wrong terminator", option: replacing("/aws4_request,", "/e,"),
			want: invalid("Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. ")},
		{name: "wrong service and terminator", option: replacing("/aws-marketplace/aws4_request,", "/s3/e,"),
			want: invalid("Credential should be scoped to correct service: 'aws-marketplace'. Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. ")},
		{name: "wrong date in scope", option: replacing("/"+date+"/", "/b/"),
			want: want{code: "InvalidSignatureException", like: regexp.MustCompile(
				`^Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '` + date + `', from '` + stamp + `'\.$`)}},
		{name: "signed header changed", option: signed(func(r *http.Request) { r.Header.Set("Amz-Sdk-Invocation-Id", "changed") }), want: invalid(signatureMismatch)},
		{name: "payload hash", option: header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"),
			want: invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")},

		{name: "session token altered", env: func(r *rig) map[string]string {
			env, _ := r.session("1h")
			return with(env, "AWS_SESSION_TOKEN", "A"+env["AWS_SESSION_TOKEN"])
		}, want: want{code: "UnrecognizedClientException", message: "The security token included in the request is invalid"}},
		{name: "session token left out", env: func(r *rig) map[string]string {
			env, _ := r.session("1h")
			delete(env, "AWS_SESSION_TOKEN")
			return env
		}, want: want{code: "UnrecognizedClientException", message: "The security token included in the request is invalid."}},
		{name: "session expired, signature wrong", env: func(r *rig) map[string]string {
			env, _ := r.session("1s")
			time.Sleep(1100 * time.Millisecond)
			return with(env, "AWS_SECRET_ACCESS_KEY", "wrong")
		}, want: want{code: "ExpiredTokenException", message: "The security token included in the request is expired"}},

		{name: "operation that is none", option: header("X-Amz-Target", "AWSMPMeteringService.ResolveCustomers"),
			want: unknownOperation(400, `operation "ResolveCustomers" of AWSMPMeteringService is not known`)},
		{name: "operation without a signature", option: func(o *mpmetering.Options) {
			o.Credentials = aws.AnonymousCredentials{}
			header("X-Amz-Target", "AWSMPMeteringService.ResolveCustomers")(o)
		}, want: unknownOperation(400, `operation "ResolveCustomers" of AWSMPMeteringService is not known`)},
		{name: "no target", option: header("X-Amz-Target", ""),
			want: unknownOperation(400, "header X-Amz-Target is missing: send Service.Operation")},
		{name: "no content type", option: header("Content-Type", ""),
			want: unknownOperation(404, "header Content-Type is missing: send application/x-amz-json-1.1")},
		{name: "foreign content type", option: header("Content-Type", "text/xml"),
			want: unknownOperation(404, `content type "text/xml" is not supported: send application/x-amz-json-1.1`)},
		{name: "PUT", option: built(func(r *smithyhttp.Request) (*smithyhttp.Request, error) { r.Method = http.MethodPut; return r, nil }),
			want: unknownOperation(404, `method "PUT" is not supported: send POST`)},
		{name: "headers of 20 KiB", option: header("X-Padding", strings.Repeat("x", 20<<10)),
			want: want{code: "RequestEntityTooLargeException", status: 413, message: "request headers must be less than 16 KiB"}},

		{name: "not JSON", option: body(`{"RegistrationToken":`), want: serialization("malformed json at byte 21: unexpected end, expected a value")},
		{name: "token is a number", option: body(`{"RegistrationToken":5}`), want: serialization("NUMBER_VALUE cannot be converted to String")},
		{name: "token is a fraction", option: body(`{"RegistrationToken":5.5}`), want: serialization("DECIMAL_VALUE cannot be converted to String")},
		{name: "token is true", option: body(`{"RegistrationToken":true}`), want: serialization("TRUE_VALUE cannot be converted to String")},
		{name: "token is an object", option: body(`{"RegistrationToken":{}}`), want: serialization("Start of structure or map found where not expected")},
		{name: "token is a list", option: body(`{"RegistrationToken":[]}`), want: serialization("Unrecognized collection type class java.lang.String")},
		{name: "body is a list", option: body(`[]`), want: serialization("Start of list found where not expected")},
		{name: "token is null", option: body(`{"RegistrationToken":null}`), want: want{code: "ValidationException",
			message: "1 validation error detected: Value null at 'registrationToken' failed to satisfy constraint: Member must not be null"}},
		{name: "body is empty", option: body(``), want: want{code: "ValidationException",
			message: "1 validation error detected: Value null at 'registrationToken' failed to satisfy constraint: Member must not be null"}},
		{name: "member in lower case", option: body(`{"registrationToken":"x"}`), want: want{code: "ValidationException",
			message: "1 validation error detected: Value null at 'registrationToken' failed to satisfy constraint: Member must not be null"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := r.at(t)
			env := r.as("seller")
			if c.env != nil {
				env = c.env(r)
			}
			p := r.buy("legacy")
			x := r.exchange(env, p.RegistrationToken, c.option)
			if c.want.code == "" {
				r.expectResolved(x, p)
				return
			}
			r.expectError(x, c.want)
		})
	}
	t.Run("the client hangs up", func(t *testing.T) { r.at(t).hangUp() })
	t.Run("other protocols", func(t *testing.T) { r.at(t).protocols() })
	t.Run("signed in the query string", func(t *testing.T) { r.at(t).presigned() })
}

// exchange is do for the Go SDK with an option that programs do not have otherwise.
func (r *rig) exchange(env map[string]string, token string, option func(*mpmetering.Options)) exchange {
	r.t.Helper()
	var options []func(*mpmetering.Options)
	if option != nil {
		options = append(options, option)
	}
	sdk, err := newGo(r.t.Context(), r.Endpoint, env, options...)
	if err != nil {
		r.t.Fatal(err)
	}
	begin := r.mark()
	got, err := sdk.call(r.t.Context(), resolveCall(&token))
	if err != nil {
		r.t.Fatal(err)
	}
	return exchange{service: metering, replies: []reply{got}, wire: r.between(begin, r.mark())}
}

// hangUp: a caller that goes away while it is answered leaves a record, soon, and harms nobody.
func (r *rig) hangUp() {
	r.fault("ResolveCustomer", map[string]any{"delay": "1m", "times": 1})
	p := r.buy("legacy")
	sdk, err := newGo(r.t.Context(), r.Endpoint, r.as("seller"))
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := r.mark()
	if got, err := sdk.call(ctx, resolveCall(&p.RegistrationToken)); err != nil || got.OK {
		r.t.Errorf("it was answered: %v", err)
	}
	for range 500 { // Souk learns of it from the closed connection
		if left := r.between(begin, r.mark()); len(left) > 0 {
			if left[0].FaultEffect != "delay" {
				r.t.Errorf("the record of the request: %+v", left[0])
			}
			r.expectResolved(r.exchange(r.as("seller"), p.RegistrationToken, nil), p)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Error("five seconds later the request is still not over")
}
