// Package fault holds the rules by which calls to the AWS face go wrong on purpose: refused, delayed, cut off, or done and
// their answer lost.
//
// A Set decides; it does nothing to a call itself. The AWS face asks it once a call, and does what the Hit says. Nothing
// here touches the control API: whoever adds a rule must always be able to remove it.
package fault

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// MaxRules is how many rules a Set holds at most: a call looks at each of them.
const MaxRules = 1000

// Errors to be told apart with errors.Is.
var (
	// ErrInvalid is of Add: the rule contradicts itself or says nothing.
	ErrInvalid = errors.New("invalid rule")
	// ErrFull is of Add: the Set holds MaxRules already.
	ErrFull = fmt.Errorf("there are %d rules already", MaxRules)
	// ErrNotFound is of Remove: there is no such rule.
	ErrNotFound = errors.New("no such rule")
)

// Config is what a Set is made of. Its zero value is usable.
type Config struct {
	// Seed is where every chance comes from: the same seed, rules and calls give the same run. 0 picks one.
	Seed uint64
	// Log gets the seed at the start, and each rule that comes or goes; nil for none.
	Log *slog.Logger
	// Known reports whether an error code is one that Refuse may name; nil takes every code.
	Known func(code string) bool
}

// Set is the fault rules of one Souk. It is safe for concurrent use.
type Set struct {
	seed  uint64
	log   *slog.Logger
	known func(code string) bool

	rules atomic.Pointer[[]*live] // in the order added, never changed in place; nil when there are none

	mu     sync.Mutex // held by writers
	minted uint64     // rules ever added: IDs are not given twice
}

// New makes a Set without rules, and logs its seed.
func New(cfg Config) *Set {
	s := &Set{seed: cfg.Seed, log: cfg.Log, known: cfg.Known}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.seed == 0 {
		s.seed = 1 + rand.Uint64N(1<<53-1) // below 2^53: survives a JSON reader that has only doubles
	}
	s.log.Info("fault: seeded", "seed", s.seed)
	return s
}

// Seed is the seed that a run like this one has to be given.
func (s *Set) Seed() uint64 { return s.seed }

// Empty reports whether there are no rules.
func (s *Set) Empty() bool { return s.rules.Load() == nil }

// Match says what befalls c: the effect of the first rule, in the order added, that fires. A rule that matches and does
// not fire counts the match, and the next one is asked; rules after the one that fires do not see the call. Without
// rules, Match costs one atomic load.
func (s *Set) Match(c *Call) (Hit, bool) {
	rules := s.rules.Load()
	if rules == nil {
		return Hit{}, false
	}
	for _, l := range *rules {
		if l.matches(c) && l.fire() {
			return l.hit(), true
		}
	}
	return Hit{}, false
}

// Add checks a rule, puts it after the others, and returns it with its ID; an ID and counters that it comes with are
// overwritten. It returns ErrInvalid, with all that is wrong, or ErrFull.
func (s *Set) Add(r Rule) (Rule, error) {
	if err := r.check(s.known); err != nil {
		return Rule{}, fmt.Errorf("fault: add: %w: %w", ErrInvalid, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rules := s.load()
	if len(rules) >= MaxRules {
		return Rule{}, fmt.Errorf("fault: add: %w", ErrFull)
	}
	s.minted++
	r.ID = "flt-" + strconv.FormatUint(s.minted, 10)
	r.Matched, r.Fired = 0, 0
	s.store(append(slices.Clip(rules), newLive(r, s.seed, s.minted)))
	s.log.Info("fault: added", "rule", r.ID, "operation", r.Operation)
	return r, nil
}

// List returns the rules with their counters, in the order added; never nil.
func (s *Set) List() []Rule {
	rules := s.load()
	list := make([]Rule, len(rules))
	for i, l := range rules {
		list[i] = l.snapshot()
	}
	return list
}

// Remove ends the rule with this ID, or returns ErrNotFound. Once it returns, the rule befalls no further call.
func (s *Set) Remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	rules := s.load()
	i := slices.IndexFunc(rules, func(l *live) bool { return l.rule.ID == id })
	if i < 0 {
		return fmt.Errorf("fault: remove %q: %w", id, ErrNotFound)
	}
	rules[i].remove()
	s.store(slices.Concat(rules[:i], rules[i+1:]))
	s.log.Info("fault: removed", "rule", id)
	return nil
}

// Clear ends all rules and returns how many there were.
func (s *Set) Clear() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	rules := s.load()
	for _, l := range rules {
		l.remove()
	}
	s.store(nil)
	if len(rules) != 0 {
		s.log.Info("fault: cleared", "rules", len(rules))
	}
	return len(rules)
}

func (s *Set) load() []*live {
	if p := s.rules.Load(); p != nil {
		return *p
	}
	return nil
}

func (s *Set) store(rules []*live) {
	if len(rules) == 0 {
		s.rules.Store(nil)
		return
	}
	s.rules.Store(&rules)
}
