package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a rule's members.
const (
	// MaxDelay is longer than any SDK waits for an answer (60 seconds for boto3's reads), and short enough that a
	// forgotten rule cannot hold connections for hours.
	MaxDelay = 10 * time.Minute
	// MaxText bounds each text of a rule, in bytes.
	MaxText = 2048
)

// batchOperation is the one operation that can leave a part of its input unprocessed.
const batchOperation = "BatchMeterUsage"

// Rule says which calls a fault befalls, when, and what happens to them. As JSON, it travels on the control API;
// members that a Rule does not have are refused, since a condition that is misspelled would match every call.
type Rule struct {
	// ID is given by Set.Add.
	ID string `json:"id"`

	// Which calls: all of these that are set must hold. A rule without any matches every call.

	// Operation is an operation's exact name, such as ResolveCustomer.
	Operation string `json:"operation,omitempty"`
	// Principal is an account, as twelve digits, or a pattern for the caller's ARN, in which * stands for any text and ?
	// for any one character.
	Principal string `json:"principal,omitempty"`
	// ProductCode is the exact code of the product that the call is about. A call that names none does not match.
	ProductCode string `json:"product_code,omitempty"`
	// Attempt is the SDK's number of this attempt, from 1, as the header amz-sdk-request has it (`attempt=2; max=3`).
	Attempt int `json:"attempt,omitempty"`

	// When: at most one of these three. Without any, the rule fires at every match.

	// Nth fires at the nth match only, from 1.
	Nth int `json:"nth,omitempty"`
	// EveryN fires at each nth match: n, 2n, 3n and so on.
	EveryN int `json:"every_n,omitempty"`
	// Probability fires at each match by chance: 0.25 is one of four. It draws from a source of the rule's own, seeded
	// by the Set's seed, so that the outcome of the rule's kth match is the same in every run.
	Probability float64 `json:"probability,omitempty"`

	// Times is how often the rule fires at most; 0 is without end.
	Times int `json:"times,omitempty"`

	// What happens: a delay, or one of the other four, or a delay and then one of them.

	// Refuse answers with this error code, such as ThrottlingException, before the operation does anything.
	Refuse string `json:"refuse,omitempty"`
	// RefuseMessage is the message with it; "" is the code's usual one.
	RefuseMessage string `json:"refuse_message,omitempty"`
	// Delay holds the call before anything else; as JSON it is text, such as "250ms".
	Delay time.Duration `json:"-"`
	// Cut closes the connection before the operation does anything.
	Cut bool `json:"cut,omitempty"`
	// Lose lets the operation happen, and closes the connection in place of the answer.
	Lose bool `json:"lose,omitempty"`
	// Unprocessed has that many of the last records of a batch come back as unprocessed; all, if the batch has no more. Only
	// BatchMeterUsage has batches: such a rule matches no other operation.
	Unprocessed int `json:"unprocessed,omitempty"`

	// Counters, kept by the Set.

	// Matched is how many calls met the conditions; a call that an earlier rule befell is not among them.
	Matched int64 `json:"matched"`
	// Fired is how many of them the fault befell.
	Fired int64 `json:"fired"`
}

// plain is a Rule without its methods, so that encoding/json takes the members that the tags name.
type plain Rule

type wireRule struct {
	plain
	Delay string `json:"delay,omitempty"`
}

// MarshalJSON writes the rule as the control API has it.
func (r Rule) MarshalJSON() ([]byte, error) {
	w := wireRule{plain: plain(r)}
	if r.Delay != 0 {
		w.Delay = r.Delay.String()
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes. Unknown members are an error.
func (r *Rule) UnmarshalJSON(text []byte) error {
	var w wireRule
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("fault: rule: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if w.Delay != "" {
		delay, err := time.ParseDuration(w.Delay)
		if err != nil {
			return fmt.Errorf("fault: rule: delay %q is not a duration such as \"250ms\" or \"2s\"", w.Delay)
		}
		w.plain.Delay = delay
	}
	*r = Rule(w.plain)
	return nil
}

// check says what is wrong with the rule, all of it.
func (r *Rule) check(known func(code string) bool) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	for _, text := range []struct{ name, value string }{
		{"operation", r.Operation}, {"principal", r.Principal}, {"product_code", r.ProductCode},
		{"refuse", r.Refuse}, {"refuse_message", r.RefuseMessage},
	} {
		switch {
		case len(text.value) > MaxText:
			wrong("%s is longer than %d bytes", text.name, MaxText)
		case !utf8.ValidString(text.value):
			wrong("%s is not valid UTF-8", text.name)
		}
	}
	for _, number := range []struct {
		name  string
		value int
	}{{"attempt", r.Attempt}, {"nth", r.Nth}, {"every_n", r.EveryN}, {"times", r.Times}, {"unprocessed", r.Unprocessed}} {
		if number.value < 0 {
			wrong("%s must not be negative", number.name)
		}
	}
	if p := r.Principal; p != "" && !isAccount(p) && !strings.HasPrefix(p, "arn:") && !strings.HasPrefix(p, "*") && !strings.HasPrefix(p, "?") {
		wrong("principal %q must be an account of twelve digits, or a pattern for an ARN", p)
	}
	if !(r.Probability >= 0 && r.Probability <= 1) { // so written that NaN is refused
		wrong("probability must be from 0 to 1")
	}
	if count(r.Nth != 0, r.EveryN != 0, r.Probability != 0) > 1 {
		wrong("nth, every_n and probability exclude each other")
	}
	switch effects := count(r.Refuse != "", r.Cut, r.Lose, r.Unprocessed != 0); {
	case effects > 1:
		wrong("refuse, cut, lose and unprocessed exclude each other")
	case effects == 0 && r.Delay == 0:
		wrong("the rule does nothing: give it one of refuse, delay, cut, lose and unprocessed")
	}
	if r.Unprocessed != 0 && r.Operation != "" && r.Operation != batchOperation {
		wrong("unprocessed is for %s only: %s has no batch of records", batchOperation, r.Operation)
	}
	switch {
	case r.Refuse == "" && r.RefuseMessage != "":
		wrong("refuse_message needs refuse")
	case r.Refuse != "" && known != nil && !known(r.Refuse):
		wrong("refuse: no operation has the error %q", r.Refuse)
	}
	if r.Delay < 0 || r.Delay > MaxDelay {
		wrong("delay must be from 0s to %s", MaxDelay)
	}
	return errors.Join(errs...)
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
