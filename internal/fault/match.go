package fault

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Call is what rules look at.
type Call struct {
	Operation    string
	PrincipalARN string // of the user, role session or root
	Account      string // of the principal, twelve digits
	ProductCode  string // "" when the call names none
	Attempt      int    // from amz-sdk-request; 0 when the caller does not say
}

// Hit is what befalls a call. Delay comes first; then at most one of Refuse, Cut, Lose and Unprocessed.
type Hit struct {
	RuleID  string        // for the request record
	Refuse  string        // an error code; "" when the call is not refused
	Message string        // with Refuse; "" is the code's usual message
	Delay   time.Duration // on the wall clock
	Cut     bool          // close the connection before the operation
	Lose    bool          // close the connection after it
	// Unprocessed is how many records of a batch, from its end, are not to be processed.
	Unprocessed int
}

// live is a rule at work. Its lock makes a match one step: it is counted, decided and counted as fired at once, so that
// the nth match, the nth draw and the last of Times are each one call's and nobody else's.
type live struct {
	rule    Rule // what does not change; its counters stay zero
	account bool // rule.Principal is an account

	mu      sync.Mutex
	draw    *rand.Rand // nil without Probability
	matched int64
	fired   int64
	removed bool
}

// newLive prepares a rule. The nth rule of a Set draws from the nth stream of its seed.
func newLive(r Rule, seed, n uint64) *live {
	l := &live{rule: r, account: isAccount(r.Principal)}
	if r.Probability != 0 {
		l.draw = rand.New(rand.NewPCG(seed, n))
	}
	return l
}

// matches reports whether the rule's conditions hold for c.
func (l *live) matches(c *Call) bool {
	r := &l.rule
	switch {
	case r.Operation != "" && r.Operation != c.Operation,
		r.Unprocessed != 0 && c.Operation != batchOperation,
		r.ProductCode != "" && r.ProductCode != c.ProductCode,
		r.Attempt != 0 && r.Attempt != c.Attempt:
		return false
	case r.Principal == "":
		return true
	case l.account:
		return r.Principal == c.Account
	}
	return like(r.Principal, c.PrincipalARN)
}

// fire counts a match, and reports whether the fault befalls it.
func (l *live) fire() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.removed {
		return false
	}
	l.matched++
	r := &l.rule
	due := true
	switch {
	case r.Nth != 0:
		due = l.matched == int64(r.Nth)
	case r.EveryN != 0:
		due = l.matched%int64(r.EveryN) == 0
	case l.draw != nil:
		due = l.draw.Float64() < r.Probability
	}
	if !due || r.Times != 0 && l.fired >= int64(r.Times) {
		return false
	}
	l.fired++
	return true
}

// hit is what the rule does.
func (l *live) hit() Hit {
	r := &l.rule
	return Hit{RuleID: r.ID, Refuse: r.Refuse, Message: r.RefuseMessage, Delay: r.Delay, Cut: r.Cut, Lose: r.Lose, Unprocessed: r.Unprocessed}
}

// snapshot is the rule with its counters.
func (l *live) snapshot() Rule {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rule
	r.Matched, r.Fired = l.matched, l.fired
	return r
}

// remove ends the rule: once it returns, also a Match that began before fires it no more.
func (l *live) remove() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.removed = true
}

// isAccount reports whether s is an account's number.
func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// like reports whether text matches a pattern in which * stands for any text and ? for any one byte (ARNs are ASCII). It
// goes back to the last * only, so that its time is at most len(pattern) times len(text).
func like(pattern, text string) bool {
	p, t := 0, 0
	star, from := -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
