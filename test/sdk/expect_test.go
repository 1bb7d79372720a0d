package sdk

import (
	"regexp"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/test/process"
)

// want is an error that a client must have got.
type want struct {
	code     string
	message  string
	like     *regexp.Regexp // in place of message
	status   int            // 0: 400
	attempts int            // on the wire; 0: one
}

// modeled are the errors in the services' models, each a class of its own in every SDK.
var modeled = map[string][]string{
	metering: {
		"CustomerNotEntitledException", "DisabledApiException", "DuplicateRequestException", "ExpiredTokenException", "IdempotencyConflictException",
		"InternalServiceErrorException", "InvalidCustomerIdentifierException", "InvalidEndpointRegionException", "InvalidLicenseException",
		"InvalidProductCodeException", "InvalidPublicKeyVersionException", "InvalidRegionException", "InvalidTagException", "InvalidTokenException",
		"InvalidUsageAllocationsException", "InvalidUsageDimensionException", "PlatformNotSupportedException", "ThrottlingException",
		"TimestampOutOfBoundsException",
	},
	entitlement: {"InternalServiceErrorException", "InvalidParameterException", "ThrottlingException"},
}

// expectError checks the one reply of an exchange, and that it is what was on the wire.
func (r *rig) expectError(x exchange, w want) {
	r.t.Helper()
	if w.status == 0 {
		w.status = 400
	}
	if w.attempts == 0 {
		w.attempts = 1
	}
	if len(x.wire) != w.attempts {
		r.t.Errorf("%d requests on the wire, want %d: %s", len(x.wire), w.attempts, outcomes(x.wire))
	}
	for _, q := range x.wire {
		if q.Outcome != w.code || q.Status != w.status {
			r.t.Errorf("on the wire: %s with status %d, want %s with %d; reason: %s", q.Outcome, q.Status, w.code, w.status, q.Reason)
		}
	}
	got := x.replies[0]
	if got.OK || got.Error == nil {
		r.t.Fatalf("it succeeded: %v; want %s", got.Output, w.code)
	}
	e := got.Error
	if e.Code != w.code {
		r.t.Errorf("code %q, want %q (%+v)", e.Code, w.code, *e)
	}
	if w.like != nil && !w.like.MatchString(e.Message) {
		r.t.Errorf("message %q, want one like %s", e.Message, w.like)
	}
	if w.like == nil && e.Message != w.message {
		r.t.Errorf("message\n%q, want\n%q", e.Message, w.message)
	}
	if r.lang.cli { // it prints code and message, and no more
		return
	}
	class := r.lang.unmodeled[x.service]
	if slices.Contains(modeled[x.service], w.code) {
		class = w.code
	}
	if e.Type != class {
		r.t.Errorf("it is a %s, want %s", e.Type, class)
	}
	if e.Status != w.status {
		r.t.Errorf("the client says status %d, want %d", e.Status, w.status)
	}
	if n := len(x.wire); n > 0 && e.RequestID != x.wire[n-1].ID {
		r.t.Errorf("the client says request id %q, want %q", e.RequestID, x.wire[n-1].ID)
	}
	if got.Attempts != 0 && got.Attempts != w.attempts {
		r.t.Errorf("the client counts %d attempts, want %d", got.Attempts, w.attempts)
	}
}

// expectResolved checks that every reply of an exchange is the purchase's customer.
func (r *rig) expectResolved(x exchange, p process.Purchase) {
	r.t.Helper()
	for _, got := range x.replies {
		if !got.OK {
			r.t.Fatalf("it failed: %+v; on the wire: %s", *got.Error, outcomes(x.wire))
		}
		if diff := cmp.Diff(tree(answerOf(p)), any(got.Output)); diff != "" {
			r.t.Errorf("output (-want +got):\n%s", diff)
		}
	}
}

// expectOutput checks the one reply of an exchange, member by member.
func (r *rig) expectOutput(x exchange, output members) {
	r.t.Helper()
	got := r.output(x, 0)
	if diff := cmp.Diff(r.seen(output), any(got)); diff != "" {
		r.t.Errorf("output (-want +got):\n%s", diff)
	}
}

// output is that of a call that must have succeeded.
func (r *rig) output(x exchange, i int) members {
	r.t.Helper()
	if got := x.replies[i]; !got.OK {
		r.t.Fatalf("it failed: %+v; on the wire: %s", *got.Error, explained(x.wire))
	}
	return x.replies[i].Output
}

// expectRefusal checks that the client refused by itself, with an error of that class.
func (r *rig) expectRefusal(x exchange, class string) {
	r.t.Helper()
	r.remark = "the client refuses itself"
	if len(x.wire) != 0 || x.replies[0].OK {
		r.t.Fatalf("%d requests on the wire; want the client to refuse", len(x.wire))
	}
	if e := x.replies[0].Error; e.Type != class || e.Code != "" {
		r.t.Errorf("it failed with %+v, want a %q of the client's own", *e, class)
	}
}

// answerOf is what ResolveCustomer has to say of a purchase: all four members, also where one is empty.
func answerOf(p process.Purchase) map[string]string {
	return map[string]string{
		"CustomerAWSAccountId": p.CustomerAWSAccountID, "CustomerIdentifier": p.CustomerIdentifier,
		"LicenseArn": p.LicenseARN, "ProductCode": p.ProductCode,
	}
}

func (r *rig) expectAttempts(x exchange, n int) {
	r.t.Helper()
	if len(x.wire) != n {
		r.t.Errorf("%d requests on the wire, want %d: %s", len(x.wire), n, outcomes(x.wire))
	}
	if got := x.replies[len(x.replies)-1].Attempts; len(x.replies) == 1 && got != 0 && got != n {
		r.t.Errorf("the client counts %d attempts, want %d", got, n)
	}
}

func outcomes(wire []wireRequest) (out []string) {
	for _, q := range wire {
		out = append(out, q.Outcome)
	}
	return out
}

func explained(wire []wireRequest) (out []string) {
	for _, q := range wire {
		out = append(out, q.Outcome+" ("+q.Reason+")")
	}
	return out
}
