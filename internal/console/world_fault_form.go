package console

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/fault"
)

// faultForm is a rule as people write it.
type faultForm struct {
	Effect      string // "refuse", "delay", "cut", "lose" or "unprocessed"
	Code        string
	Message     string
	Delay       string
	Unprocessed string
	Operation   string
	Principal   string
	Product     string
	Attempt     string
	When        string // "always", "nth", "every" or "chance"
	Number      string // of When: which match, or how many of a hundred
	Times       string
	Problems    []string
}

func faultFormOf(v url.Values) faultForm {
	text := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	return faultForm{
		Effect: text("effect"), Code: text("code"), Message: text("message"), Delay: text("delay"), Unprocessed: text("unprocessed"), Operation: text("operation"),
		Principal: text("principal"), Product: text("product"), Attempt: text("attempt"), When: text("when"), Number: text("number"), Times: text("times"),
	}
}

// orUsual fills in what a form begins with.
func (f faultForm) orUsual() faultForm {
	if f.Effect == "" {
		f.Effect = "refuse"
		if f.Code == "" && len(f.Problems) == 0 {
			f.Code = "ThrottlingException"
		}
	}
	if f.When == "" {
		f.When = "always"
	}
	return f
}

// rule reads the form. What cannot be read is among its Problems.
func (f *faultForm) rule() fault.Rule {
	r := fault.Rule{Operation: f.Operation, Principal: f.Principal, ProductCode: f.Product, Attempt: f.whole("SDK attempt", f.Attempt), Times: f.whole("At most so often", f.Times)}
	if f.Delay != "" {
		d, err := time.ParseDuration(f.Delay)
		if err != nil || d <= 0 {
			f.problem("The delay must be a span of time such as 250ms or 2s.")
		}
		r.Delay = d
	}
	switch f.Effect {
	case "refuse":
		r.Refuse, r.RefuseMessage = f.Code, f.Message
		if f.Code == "" {
			f.problem("Say which error the call is refused with.")
		}
	case "delay":
		if f.Delay == "" {
			f.problem("Say how long the call is held.")
		}
	case "cut":
		r.Cut = true
	case "lose":
		r.Lose = true
	case "unprocessed":
		if r.Unprocessed = f.whole("Records left over", f.Unprocessed); f.Unprocessed == "" || f.Unprocessed == "0" {
			f.problem("Say how many records are left unprocessed.")
		}
	default:
		f.problem("Choose what happens.")
	}
	f.when(&r)
	return r
}

// when reads at which of the matching calls the rule fires.
func (f *faultForm) when(r *fault.Rule) {
	switch f.When {
	case "always":
	case "nth":
		r.Nth = f.whole("Number", f.Number)
	case "every":
		r.EveryN = f.whole("Number", f.Number)
	case "chance":
		percent, err := strconv.ParseFloat(f.Number, 64)
		if err != nil || !(percent > 0 && percent <= 100) { // so written that NaN is refused
			f.problem("The chance must be a percentage above 0 and up to 100.")
		}
		r.Probability = percent / 100
	default:
		f.problem("Choose when it happens.")
	}
	if (f.When == "nth" || f.When == "every") && (f.Number == "" || f.Number == "0") {
		f.problem("Say which calls: the number must be at least 1.")
	}
}

func (f *faultForm) problem(text string) { f.Problems = append(f.Problems, text) }

// refused takes in what a Set finds wrong.
func (f *faultForm) refused(err error) { f.Problems = append(f.Problems, problemsOf(err)...) }

// whole reads a number; an empty field is 0.
func (f *faultForm) whole(label, text string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		f.problem(fmt.Sprintf("“%s” must be a whole number.", label))
	}
	return int(n)
}

// readyFault is a rule that one button adds.
type readyFault struct {
	Name, Text string
	Fields     []field
}

// readyFaults are what sellers' code meets first in the field.
func readyFaults() []readyFault {
	return []readyFault{
		{"Throttled, then well", "The next two calls are refused with ThrottlingException; the third goes through. SDKs try again by themselves.",
			[]field{{"effect", "refuse"}, {"code", "ThrottlingException"}, {"when", "always"}, {"times", "2"}}},
		{"Answer lost", "The next BatchMeterUsage is done, and its connection ends before the answer. Sending it again must not bill twice.",
			[]field{{"effect", "lose"}, {"operation", "BatchMeterUsage"}, {"when", "always"}, {"times", "1"}}},
		{"Records left over", "The next BatchMeterUsage leaves its last record unprocessed. Your code has to send it again.",
			[]field{{"effect", "unprocessed"}, {"unprocessed", "1"}, {"operation", "BatchMeterUsage"}, {"when", "always"}, {"times", "1"}}},
		{"Slow ResolveCustomer", "The next ResolveCustomer takes five seconds, while a buyer waits on your page.",
			[]field{{"effect", "delay"}, {"delay", "5s"}, {"operation", "ResolveCustomer"}, {"when", "always"}, {"times", "1"}}},
		{"One of four fails", "A quarter of all calls is refused with InternalServiceErrorException, by chance.",
			[]field{{"effect", "refuse"}, {"code", "InternalServiceErrorException"}, {"when", "chance"}, {"number", "25"}}},
	}
}

// refusals are errors to choose from. Every other one that an operation has can be typed in.
func refusals() []string {
	return []string{
		"AccessDeniedException", "CustomerNotEntitledException", "DisabledApiException", "ExpiredTokenException", "InternalServiceErrorException",
		"InvalidCustomerIdentifierException", "InvalidProductCodeException", "InvalidTokenException", "InvalidUsageDimensionException", "ThrottlingException",
		"TimestampOutOfBoundsException",
	}
}

// effectWords, whichWords and whenWords are a rule in words.
func effectWords(r fault.Rule) string {
	var parts []string
	if r.Delay != 0 {
		parts = append(parts, "is held for "+r.Delay.String())
	}
	switch {
	case r.Refuse != "":
		parts = append(parts, "is refused with "+plain(r.Refuse))
	case r.Cut:
		parts = append(parts, "is cut off before anything is done")
	case r.Lose:
		parts = append(parts, "is done, and its answer lost")
	case r.Unprocessed != 0:
		parts = append(parts, "leaves "+plural(r.Unprocessed, "record", "records")+" unprocessed")
	}
	return "The call " + strings.Join(parts, ", then ")
}

func whichWords(r fault.Rule) string {
	words := "Any operation"
	if r.Operation != "" {
		words = r.Operation
	}
	if r.Principal != "" {
		words += " by " + r.Principal
	}
	if r.ProductCode != "" {
		words += " about product " + r.ProductCode
	}
	if r.Attempt != 0 {
		words += " at attempt " + strconv.Itoa(r.Attempt)
	}
	return plain(words)
}

func whenWords(r fault.Rule) string {
	words := "each time"
	switch {
	case r.Nth != 0:
		words = "at call " + strconv.Itoa(r.Nth) + " only"
	case r.EveryN != 0:
		words = "at every " + strconv.Itoa(r.EveryN) + "th call"
	case r.Probability != 0:
		words = strconv.FormatFloat(r.Probability*100, 'g', 4, 64) + " % of the time"
	}
	if r.Times != 0 {
		words += ", at most " + plural(r.Times, "time", "times")
	}
	return words
}
