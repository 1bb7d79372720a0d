package sdk

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// resolveCases: the last ones retire Souk's keys and move its clock.
var resolveCases = []sdkCase{
	{name: "legacy product", run: resolveLegacy},
	{name: "concurrent-agreements product", run: resolveConcurrent},
	{name: "same token twice", run: sameTokenTwice},
	{name: "temporary credentials", run: livingSession},

	{name: "InvalidTokenException: altered", run: alteredToken},
	{name: "InvalidTokenException: another seller", run: anotherSeller},
	{name: "ExpiredTokenException: used, single use", run: usedToken},
	{name: "DisabledApiException: us-gov-west-1", run: disabledRegion},
	{name: "AccessDeniedException", run: accessDenied},
	{name: "UnrecognizedClientException: unknown key", run: unknownKey},
	{name: "InvalidSignatureException: wrong secret", run: wrongSecret},
	{name: "ExpiredTokenException: session", run: expiredSession},
	{name: "ValidationException: empty token", run: emptyToken},
	{name: "ValidationException: no token", run: noToken},
	{name: "RequestEntityTooLargeException", run: tooLarge},

	{name: "every error code, by fault rule", run: everyCode},
	{name: "ThrottlingException, retried in vain", run: throttled, quotas: "off"},
	{name: "ThrottlingException, retry mode standard", run: throttledStandard},
	{name: "ThrottlingException twice, then success", run: throttledTwice},
	{name: "InternalServiceErrorException, retried", run: internalError, quotas: "off"},
	{name: "ServiceUnavailable, retried", run: unavailable, quotas: "off"},
	{name: "ThrottlingException: over the quota", run: overQuota, quotas: "aws"},
	{name: "connection cut, retried", run: cut},
	{name: "answer lost, retried", run: lost},
	{name: "answer delayed", run: delayed},

	{name: "InvalidTokenException: key retired", run: retiredKey},
	{name: "ExpiredTokenException: clock advanced", run: expiredToken},
	{name: "clock moved by a day", run: movedClock},
}

func resolveLegacy(t *testing.T, r *rig) {
	p := r.buy("legacy")
	if p.CustomerIdentifier == "" {
		t.Error("the purchase has no CustomerIdentifier")
	}
	x := r.resolve(r.as("seller"), p.RegistrationToken)
	r.expectResolved(x, p)
	r.expectAttempts(x, 1)
	if id := x.replies[0].RequestID; !r.lang.cli && id != x.wire[0].ID {
		t.Errorf("the client says request id %q, want %q", id, x.wire[0].ID)
	}
}

func resolveConcurrent(t *testing.T, r *rig) {
	p := r.buy("concurrent-agreements")
	x := r.resolve(r.as("seller"), p.RegistrationToken)
	r.expectResolved(x, p)
	if id, ok := x.replies[0].Output["CustomerIdentifier"]; !ok || id != "" {
		t.Errorf("CustomerIdentifier is %q, there: %t; want it there and empty", id, ok)
	}
}

func sameTokenTwice(t *testing.T, r *rig) {
	p := r.buy("concurrent-agreements")
	token := p.RegistrationToken
	r.expectResolved(r.do(call{Env: r.as("seller"), Calls: []apiCall{resolveCall(&token), resolveCall(&token)}}), p)
	r.expectResolved(r.resolve(r.as("seller"), token), p)
}

// sellerApp is the role of the sample marketplace that a seller's application assumes.
const sellerApp = "arn:aws:iam::111122223333:role/SellerApp"

// session is the environment of a session of sellerApp, and the session's ARN.
func (r *rig) session(duration string) (env map[string]string, arn string) {
	r.t.Helper()
	return r.sessionOf(sellerApp, "sdk-test", duration)
}

// sessionOf is the environment of a session of a role, and the session's ARN.
func (r *rig) sessionOf(role, name, duration string) (env map[string]string, arn string) {
	r.t.Helper()
	var s struct {
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
		SessionToken    string `json:"session_token"`
		ARN             string `json:"arn"`
	}
	r.control(http.MethodPost, "/api/v1/sessions",
		map[string]string{"role_arn": role, "session_name": name, "duration": duration}, &s)
	return credentials(r.Region, s.AccessKeyID, s.SecretAccessKey, s.SessionToken), s.ARN
}

func livingSession(t *testing.T, r *rig) {
	p := r.buy("legacy")
	env, arn := r.session("1h")
	x := r.resolve(env, p.RegistrationToken)
	r.expectResolved(x, p)
	if got := x.wire[0].Principal; got != arn {
		t.Errorf("the caller was %s, want %s", got, arn)
	}
}

const invalidToken = "Registration token is invalid"

func alteredToken(t *testing.T, r *rig) {
	b := []byte(r.token())
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	r.expectError(r.resolve(r.as("seller"), string(b)), want{code: "InvalidTokenException", message: invalidToken})
}

func anotherSeller(t *testing.T, r *rig) {
	x := r.resolve(r.as("other-seller"), r.token())
	r.expectError(x, want{code: "InvalidTokenException", message: invalidToken})
	if reason := x.wire[0].Reason; !strings.Contains(reason, "published by account 111122223333") {
		t.Errorf("the request record's reason is %q, which does not tell why", reason)
	}
}

const tokenExpired = "Registration token has expired"

func usedToken(t *testing.T, r *rig) {
	path := "/api/v1/products/" + r.Product("legacy").ProductCode
	r.control(http.MethodPatch, path, map[string]string{"token_reuse": "single"}, nil)
	p := r.buy("legacy")
	r.control(http.MethodPatch, path, map[string]string{"token_reuse": ""}, nil)
	r.expectResolved(r.resolve(r.as("seller"), p.RegistrationToken), p)
	r.expectError(r.resolve(r.as("seller"), p.RegistrationToken), want{code: "ExpiredTokenException", message: tokenExpired})
}

func disabledRegion(t *testing.T, r *rig) {
	env := with(with(r.as("seller"), "AWS_REGION", "us-gov-west-1"), "AWS_DEFAULT_REGION", "us-gov-west-1")
	x := r.resolve(env, r.token())
	r.expectError(x, want{code: "DisabledApiException", message: "This API is disabled in this Region."})
	if got := x.wire[0].Region; got != "us-gov-west-1" {
		t.Errorf("it was signed for Region %q", got)
	}
}

func accessDenied(t *testing.T, r *rig) {
	r.expectError(r.resolve(r.as("seller-denied"), r.token()), want{code: "AccessDeniedException",
		message: "User: arn:aws:iam::111122223333:user/seller-denied is not authorized to perform: aws-marketplace:ResolveCustomer" +
			" because no identity-based policy allows the aws-marketplace:ResolveCustomer action"})
}

func unknownKey(t *testing.T, r *rig) {
	r.expectError(r.resolve(with(r.as("seller"), "AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), r.token()),
		want{code: "UnrecognizedClientException", message: "The security token included in the request is invalid."})
}

const signatureMismatch = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

func wrongSecret(t *testing.T, r *rig) {
	r.expectError(r.resolve(with(r.as("seller"), "AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), r.token()),
		want{code: "InvalidSignatureException", message: signatureMismatch})
}

func expiredSession(t *testing.T, r *rig) {
	env, _ := r.session("1s")
	time.Sleep(1100 * time.Millisecond) // sessions live on the wall clock, to the second
	r.expectError(r.resolve(env, r.token()),
		want{code: "ExpiredTokenException", message: "The security token included in the request is expired"})
}

func emptyToken(t *testing.T, r *rig) {
	r.expectError(r.resolve(r.as("seller"), ""), want{code: "ValidationException", message: `1 validation error detected: ` +
		`Value '' at 'registrationToken' failed to satisfy constraint: Member must satisfy regular expression pattern: [\s\S]+`})
}

// noToken is refused by most clients themselves: the model says that the member is required.
func noToken(t *testing.T, r *rig) {
	x := r.do(call{Env: r.as("seller"), Calls: []apiCall{resolveCall(nil)}})
	if r.lang.refusal == "" && !r.lang.cli {
		r.expectError(x, want{code: "ValidationException", message: "1 validation error detected: " +
			"Value null at 'registrationToken' failed to satisfy constraint: Member must not be null"})
		return
	}
	r.expectRefusal(x, r.lang.refusal)
}

func tooLarge(t *testing.T, r *rig) {
	x := r.resolve(r.as("seller"), strings.Repeat("A", 1<<20))
	r.expectError(x, want{code: "RequestEntityTooLargeException", status: 413, message: "request body must not have more than 1048576 bytes"})
	if n := x.wire[0].BodySize; n <= 1<<20 {
		t.Errorf("the body had %d bytes", n)
	}
}

func retiredKey(t *testing.T, r *rig) {
	before := r.buy("legacy")
	var list struct {
		TokenKeys []struct {
			ID     string
			Active bool
		} `json:"token_keys"`
	}
	r.control(http.MethodGet, "/api/v1/token-keys", nil, &list)
	r.control(http.MethodPost, "/api/v1/token-keys", nil, nil)
	after := r.buy("legacy")
	r.expectResolved(r.resolve(r.as("seller"), before.RegistrationToken), before) // rotation alone breaks nothing
	for _, k := range list.TokenKeys {
		r.control(http.MethodDelete, "/api/v1/token-keys/"+k.ID, nil, nil)
	}
	r.expectError(r.resolve(r.as("seller"), before.RegistrationToken), want{code: "InvalidTokenException", message: invalidToken})
	r.expectResolved(r.resolve(r.as("seller"), after.RegistrationToken), after)
}

func (r *rig) advance(by string) {
	r.t.Helper()
	r.control(http.MethodPost, "/api/v1/clock/advance", map[string]string{"by": by}, nil)
}

func expiredToken(t *testing.T, r *rig) {
	p := r.buy("legacy")
	r.advance("3h59m")
	r.expectResolved(r.resolve(r.as("seller"), p.RegistrationToken), p)
	r.advance("1m1s")
	r.expectError(r.resolve(r.as("seller"), p.RegistrationToken), want{code: "ExpiredTokenException", message: tokenExpired})
}

// movedClock: clients set their own clocks by the Date header. If the market's clock stood in it, the second call of a client would be signed
// for the day after, and refused.
func movedClock(t *testing.T, r *rig) {
	r.advance("24h")
	first, second := r.buy("concurrent-agreements"), r.buy("concurrent-agreements")
	x := r.do(call{Env: r.as("seller"), Calls: []apiCall{resolveCall(&first.RegistrationToken), resolveCall(&second.RegistrationToken)}})
	r.expectResolved(exchange{service: metering, replies: x.replies[:1], wire: x.wire}, first)
	r.expectResolved(exchange{service: metering, replies: x.replies[1:], wire: x.wire}, second)
	r.expectAttempts(x, 2)
	for _, q := range x.wire {
		at, err := time.Parse("20060102T150405Z", q.header("X-Amz-Date"))
		if off := time.Since(at); err != nil || off.Abs() > time.Minute {
			t.Errorf("a request was signed for %s: %s off, %v", q.header("X-Amz-Date"), off, err)
		}
	}
}
