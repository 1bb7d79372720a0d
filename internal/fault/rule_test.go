package fault

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestMatches(t *testing.T) {
	call := Call{
		Operation: "ResolveCustomer", PrincipalARN: "arn:aws:sts::123456789012:assumed-role/ci/run-7", Account: "123456789012",
		ProductCode: "prod1", Attempt: 2,
	}
	for _, tc := range []struct {
		rule Rule
		want bool
	}{
		{Rule{}, true},
		{Rule{Operation: "ResolveCustomer"}, true},
		{Rule{Operation: "resolvecustomer"}, false},
		{Rule{Operation: "Resolve*"}, false},
		{Rule{Principal: "123456789012"}, true},
		{Rule{Principal: "210987654321"}, false},
		{Rule{Principal: "arn:aws:sts::123456789012:assumed-role/ci/run-7"}, true},
		{Rule{Principal: "arn:aws:sts::123456789012:assumed-role/ci/*"}, true},
		{Rule{Principal: "arn:aws:sts::*:assumed-role/ci/run-?"}, true},
		{Rule{Principal: "arn:aws:sts::*:assumed-role/ci/run-??"}, false},
		{Rule{Principal: "arn:aws:iam::*"}, false},
		{Rule{Principal: "*"}, true},
		{Rule{ProductCode: "prod1"}, true},
		{Rule{ProductCode: "prod"}, false},
		{Rule{Attempt: 2}, true},
		{Rule{Attempt: 1}, false},
		{Rule{Operation: "ResolveCustomer", Principal: "*/ci/*", ProductCode: "prod1", Attempt: 2}, true},
		{Rule{Operation: "ResolveCustomer", Principal: "*/ci/*", ProductCode: "prod1", Attempt: 3}, false},
		{Rule{Unprocessed: 1}, false}, // the call is no batch
	} {
		if got := newLive(tc.rule, 1, 1).matches(&call); got != tc.want {
			t.Errorf("%+v: %v", tc.rule, got)
		}
	}
	batch := call
	batch.Operation = "BatchMeterUsage"
	for _, r := range []Rule{{Unprocessed: 1}, {Operation: "BatchMeterUsage", Unprocessed: 1}} {
		if !newLive(r, 1, 1).matches(&batch) {
			t.Errorf("%+v does not match a batch", r)
		}
	}
	anonymous := Call{Operation: "ResolveCustomer"}
	for _, r := range []Rule{{Principal: "123456789012"}, {Principal: "arn:*"}, {ProductCode: "p"}, {Attempt: 1}} {
		if newLive(r, 1, 1).matches(&anonymous) {
			t.Errorf("%+v matches a call that says nothing", r)
		}
	}
}

// slowLike says the same as like, by the definition.
func slowLike(p, t string) bool {
	switch {
	case p == "":
		return t == ""
	case p[0] == '*':
		return slowLike(p[1:], t) || t != "" && slowLike(p, t[1:])
	case t == "":
		return false
	}
	return (p[0] == '?' || p[0] == t[0]) && slowLike(p[1:], t[1:])
}

func TestLike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "text")
		if got, want := like(pattern, text), slowLike(pattern, text); got != want {
			t.Fatalf("like(%q, %q) = %v", pattern, text, got)
		}
	})
	// The worst pattern there is ends in time.
	if like(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 2000)) {
		t.Error("a's match a b")
	}
}

func TestCheck(t *testing.T) {
	known := func(code string) bool { return code == "ThrottlingException" }
	for _, tc := range []struct {
		rule Rule
		want string // "" is valid
	}{
		{Rule{Refuse: "ThrottlingException"}, ""},
		{Rule{Refuse: "ThrottlingException", RefuseMessage: "no", Delay: MaxDelay, Attempt: 1, Nth: 2, Times: 1}, ""},
		{Rule{Principal: "123456789012", Cut: true}, ""},
		{Rule{Probability: 1, Lose: true}, ""},
		{Rule{Delay: 1}, ""},
		{Rule{}, "does nothing"},
		{Rule{Refuse: "Nonsense"}, `no operation has the error "Nonsense"`},
		{Rule{RefuseMessage: "no", Cut: true}, "refuse_message needs refuse"},
		{Rule{Unprocessed: 1}, ""},
		{Rule{Unprocessed: 1000, Delay: time.Second, Operation: "BatchMeterUsage"}, ""},
		{Rule{Unprocessed: -1}, "unprocessed must not be negative"},
		{Rule{Unprocessed: 1, Operation: "MeterUsage"}, "unprocessed is for BatchMeterUsage only"},
		{Rule{Unprocessed: 1, Refuse: "ThrottlingException"}, "exclude each other"},
		{Rule{Unprocessed: 1, Cut: true}, "exclude each other"},
		{Rule{Unprocessed: 1, Lose: true}, "exclude each other"},
		{Rule{Cut: true, Lose: true}, "exclude each other"},
		{Rule{Refuse: "ThrottlingException", Lose: true}, "exclude each other"},
		{Rule{Cut: true, Nth: 1, EveryN: 1}, "exclude each other"},
		{Rule{Cut: true, Nth: 1, Probability: 0.5}, "exclude each other"},
		{Rule{Cut: true, EveryN: 2, Probability: 0.5}, "exclude each other"},
		{Rule{Cut: true, Nth: -1}, "nth must not be negative"},
		{Rule{Cut: true, EveryN: -1}, "every_n must not be negative"},
		{Rule{Cut: true, Times: -1}, "times must not be negative"},
		{Rule{Cut: true, Attempt: -1}, "attempt must not be negative"},
		{Rule{Cut: true, Probability: 1.01}, "probability must be from 0 to 1"},
		{Rule{Cut: true, Probability: -0.1}, "probability must be from 0 to 1"},
		{Rule{Cut: true, Probability: math.NaN()}, "probability must be from 0 to 1"},
		{Rule{Delay: -time.Second}, "delay must be from 0s to 10m0s"},
		{Rule{Delay: MaxDelay + 1}, "delay must be from 0s to 10m0s"},
		{Rule{Cut: true, Principal: "seller"}, "twelve digits"},
		{Rule{Cut: true, Principal: "12345678901"}, "twelve digits"},
		{Rule{Cut: true, Operation: "\xff"}, "operation is not valid UTF-8"},
		{Rule{Cut: true, Principal: "*" + strings.Repeat("x", MaxText)}, "principal is longer"},
	} {
		_, err := New(Config{Known: known}).Add(tc.rule)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%+v: %v", tc.rule, err)
		case tc.want != "" && (!errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "fault: add: ") || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%+v: got %v, want %q", tc.rule, err, tc.want)
		}
	}
	_, err := New(Config{}).Add(Rule{Nth: -1, Times: -1, Cut: true, Lose: true})
	for _, want := range []string{"nth", "times", "cut, lose and unprocessed"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if _, err := New(Config{}).Add(Rule{Refuse: "AnythingException"}); err != nil {
		t.Errorf("without Known: %v", err)
	}
}

func TestJSON(t *testing.T) {
	full := Rule{
		ID: "flt-1", Operation: "ResolveCustomer", Principal: "arn:*", ProductCode: "p", Attempt: 1, Nth: 2, EveryN: 3, Probability: 0.5,
		Times: 4, Refuse: "X", RefuseMessage: "m", Delay: 250 * time.Millisecond, Cut: true, Lose: true, Unprocessed: 7,
		Matched: 5, Fired: 6,
	}
	for _, tc := range []struct {
		rule Rule
		text string
	}{
		{full, `{"id":"flt-1","operation":"ResolveCustomer","principal":"arn:*","product_code":"p","attempt":1,"nth":2,"every_n":3,` +
			`"probability":0.5,"times":4,"refuse":"X","refuse_message":"m","cut":true,"lose":true,"unprocessed":7,"matched":5,"fired":6,"delay":"250ms"}`},
		{Rule{Cut: true}, `{"id":"","cut":true,"matched":0,"fired":0}`},
	} {
		text, err := json.Marshal(tc.rule)
		if err != nil || string(text) != tc.text {
			t.Errorf("got  %s, %v\nwant %s", text, err, tc.text)
		}
		back := Rule{Operation: "what was there before"}
		if err := json.Unmarshal(text, &back); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(tc.rule, back); diff != "" {
			t.Error(diff)
		}
	}
	var list []Rule
	if err := json.Unmarshal([]byte(`[{"delay":"1s"},{"cut":true}]`), &list); err != nil || list[0].Delay != time.Second || !list[1].Cut {
		t.Errorf("%v %v", list, err)
	}
	for _, text := range []string{`{"opration":"X"}`, `{"delay":250}`, `{"delay":"soon"}`, `{"nth":"1"}`, `{"nth":1.5}`, `{"unprocessed":true}`, `[]`, `"x"`} {
		var r Rule
		if err := json.Unmarshal([]byte(text), &r); err == nil || !strings.HasPrefix(err.Error(), "fault: rule: ") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
