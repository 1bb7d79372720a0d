package sdk

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"
)

// allCodes are the errors that an answer of the AWS face can have, with their status: ResolveCustomer's own and AWS's common ones.
var allCodes = []struct {
	code   string
	status int
}{
	{"AccessDeniedException", 400},
	{"ExpiredTokenException", 400},
	{"IncompleteSignatureException", 400},
	{"InvalidSignatureException", 400},
	{"MissingAuthenticationTokenException", 400},
	{"UnrecognizedClientException", 400},
	{"UnknownOperationException", 400},
	{"SerializationException", 400},
	{"ValidationException", 400},
	{"RequestEntityTooLargeException", 413},
	{"ServiceUnavailable", 503},
	{"ThrottlingException", 400},
	{"InternalServiceErrorException", 500},
	{"DisabledApiException", 400},
	{"InvalidTokenException", 400},
	{"MalformedHttpRequestException", 400},
	{"RequestTimeoutException", 408},
	{"RequestAbortedException", 400},
}

// once is env without retries.
func once(env map[string]string) map[string]string { return with(env, "AWS_MAX_ATTEMPTS", "1") }

func everyCode(t *testing.T, r *rig) {
	for _, c := range allCodes {
		t.Run(c.code, func(t *testing.T) {
			r := r.at(t)
			text := `about ` + c.code + `: "quoted", <b>tagged</b>, back\slash, ünïcödé ✓`
			r.fault("ResolveCustomer", map[string]any{"refuse": c.code, "refuse_message": text})
			r.expectError(r.resolve(once(r.as("seller")), r.token()), want{code: c.code, message: text, status: c.status})
		})
	}
}

func throttled(t *testing.T, r *rig) {
	r.fault("ResolveCustomer", map[string]any{"refuse": "ThrottlingException"})
	r.expectError(r.resolve(r.as("seller"), r.token()), want{code: "ThrottlingException", message: "Rate exceeded", attempts: r.lang.attempts})
}

func throttledStandard(t *testing.T, r *rig) {
	r.fault("ResolveCustomer", map[string]any{"refuse": "ThrottlingException"})
	r.expectError(r.resolve(with(r.as("seller"), "AWS_RETRY_MODE", "standard"), r.token()),
		want{code: "ThrottlingException", message: "Rate exceeded", attempts: 3})
}

func throttledTwice(t *testing.T, r *rig) {
	p := r.buy("legacy")
	r.fault("ResolveCustomer", map[string]any{"refuse": "ThrottlingException", "times": 2})
	x := r.resolve(r.as("seller"), p.RegistrationToken)
	r.expectResolved(x, p)
	r.expectAttempts(x, 3)
	for i, q := range x.wire {
		if q.Attempt != 0 && q.Attempt != i+1 {
			t.Errorf("request %d says that it is attempt %d", i+1, q.Attempt)
		}
	}
}

func internalError(t *testing.T, r *rig) {
	r.fault("ResolveCustomer", map[string]any{"refuse": "InternalServiceErrorException"})
	r.expectError(r.resolve(r.as("seller"), r.token()), want{code: "InternalServiceErrorException", status: 500,
		message: "An internal error has occurred. Retry your request.", attempts: r.lang.attempts})
}

func unavailable(t *testing.T, r *rig) {
	r.fault("ResolveCustomer", map[string]any{"refuse": "ServiceUnavailable"})
	r.expectError(r.resolve(r.as("seller"), r.token()), want{code: "ServiceUnavailable", status: 503,
		message: "The service is unavailable at the moment. Retry your request.", attempts: r.lang.attempts})
}

func cut(t *testing.T, r *rig) {
	r.withoutAnswer(map[string]any{"cut": true, "times": 1}, "cut")
}

func lost(t *testing.T, r *rig) {
	x := r.withoutAnswer(map[string]any{"lose": true, "times": 1}, "lose")
	if x.wire[0].Response == "" {
		t.Error("there was no answer to lose")
	}
}

// withoutAnswer resolves while the first request finds its connection closed.
func (r *rig) withoutAnswer(rule map[string]any, effect string) exchange {
	r.t.Helper()
	p := r.buy("legacy")
	r.fault("ResolveCustomer", rule)
	x := r.resolve(r.as("seller"), p.RegistrationToken)
	r.expectResolved(x, p)
	r.expectAttempts(x, 2)
	if x.wire[0].Status != 0 || x.wire[0].FaultEffect != effect || x.wire[1].Status != 200 {
		r.t.Errorf("on the wire: %+v", x.wire)
	}
	return x
}

func delayed(t *testing.T, r *rig) {
	p := r.buy("legacy")
	r.fault("ResolveCustomer", map[string]any{"delay": "400ms", "times": 1})
	x := r.resolve(r.as("seller"), p.RegistrationToken)
	r.expectResolved(x, p)
	r.expectAttempts(x, 1)
	if d := time.Duration(x.wire[0].DurationUS) * time.Microsecond; d < 400*time.Millisecond || d > 5*time.Second {
		t.Errorf("the request took %s", d)
	}
}

// overQuota bursts upon a Souk with the quotas that `souk dev` has by default: 10 calls at once, and 10 a second.
func overQuota(t *testing.T, r *rig) {
	p := r.buy("legacy")
	env := once(r.as("seller"))
	if r.lang.cli {
		r.remark = "with another program's burst"
		r.underFlood(env, p.RegistrationToken)
		return
	}
	const burst, rate, calls = 10, 10, 60
	begin := time.Now()
	x := r.do(call{Env: env, Calls: slices.Repeat([]apiCall{resolveCall(&p.RegistrationToken)}, calls), Concurrent: true})
	most := burst + int(time.Since(begin).Seconds()*rate) + 1
	resolved := 0
	for i, got := range x.replies {
		if got.OK {
			resolved++
			r.expectResolved(exchange{replies: x.replies[i : i+1]}, p)
		} else if got.Error.Code != "ThrottlingException" || got.Error.Type != "ThrottlingException" ||
			got.Error.Message != "Rate exceeded" || got.Error.Status != 400 {
			t.Errorf("it failed with %+v", *got.Error)
		}
	}
	if resolved < burst || resolved > most || resolved == calls {
		t.Errorf("%d of %d calls were let through, want from %d to %d", resolved, calls, burst, most)
	}
	r.expectAttempts(x, calls)
	time.Sleep(time.Second / rate * 2)
	r.expectResolved(r.resolve(env, p.RegistrationToken), p) // the quota is a rate, not an end
}

// underFlood calls while another program of the same account uses the quota up. Now and then a call slips through, so it has
// a few.
func (r *rig) underFlood(env map[string]string, token string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	flooder, err := newGo(ctx, r.Endpoint, env)
	if err != nil {
		r.t.Fatal(err)
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			if _, err := flooder.call(ctx, resolveCall(&token)); err != nil {
				r.t.Error(err)
				return
			}
		}
	})
	for range 5 {
		replies, err := r.client.do(ctx, call{Env: env, Calls: []apiCall{resolveCall(&token)}})
		if err != nil {
			r.t.Fatal(err)
		}
		if replies[0].OK {
			continue
		}
		if e := replies[0].Error; e.Code != "ThrottlingException" || e.Message != "Rate exceeded" {
			r.t.Errorf("it failed with %+v", *e)
		}
		return
	}
	r.t.Error("no call was over the quota")
}
