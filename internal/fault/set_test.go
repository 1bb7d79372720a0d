package fault

import (
	"bytes"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func add(t testing.TB, s *Set, r Rule) Rule {
	t.Helper()
	got, err := s.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// run matches c n times and writes, for each, the last letter of the rule that fired, or a dot.
func run(s *Set, c *Call, n int) string {
	var b strings.Builder
	for range n {
		hit, ok := s.Match(c)
		if !ok {
			b.WriteByte('.')
			continue
		}
		b.WriteString(hit.RuleID[len(hit.RuleID)-1:])
	}
	return b.String()
}

func TestWhen(t *testing.T) {
	for _, tc := range []struct {
		name string
		rule Rule
		want string
	}{
		{"always", Rule{}, "1111111111"},
		{"times", Rule{Times: 3}, "111......."},
		{"first", Rule{Nth: 1}, "1........."},
		{"third", Rule{Nth: 3}, "..1......."},
		{"every first", Rule{EveryN: 1}, "1111111111"},
		{"every third", Rule{EveryN: 3}, "..1..1..1."},
		{"every third, twice", Rule{EveryN: 3, Times: 2}, "..1..1...."},
		{"certain", Rule{Probability: 1}, "1111111111"},
		{"certain, twice", Rule{Probability: 1, Times: 2}, "11........"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New(Config{Seed: 1})
			tc.rule.Cut = true
			add(t, s, tc.rule)
			if got := run(s, &Call{}, 10); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			r := s.List()[0]
			if fired := int64(strings.Count(tc.want, "1")); r.Matched != 10 || r.Fired != fired {
				t.Errorf("matched %d, fired %d; want 10, %d", r.Matched, r.Fired, fired)
			}
		})
	}
}

// A rule that matches and does not fire passes the call on; one that fires does not.
func TestOrder(t *testing.T) {
	s := New(Config{})
	add(t, s, Rule{EveryN: 3, Cut: true})
	add(t, s, Rule{Operation: "Other", Cut: true})
	add(t, s, Rule{EveryN: 2, Lose: true})
	if got, want := run(s, &Call{Operation: "ResolveCustomer"}, 9), ".31.31.31"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var counts [][2]int64
	for _, r := range s.List() {
		counts = append(counts, [2]int64{r.Matched, r.Fired})
	}
	if diff := cmp.Diff([][2]int64{{9, 3}, {0, 0}, {6, 3}}, counts); diff != "" {
		t.Error(diff)
	}
}

func TestHit(t *testing.T) {
	s := New(Config{})
	for _, tc := range []struct {
		rule Rule
		want Hit
	}{
		{Rule{Refuse: "ThrottlingException", RefuseMessage: "slow down", Delay: time.Second},
			Hit{RuleID: "flt-1", Refuse: "ThrottlingException", Message: "slow down", Delay: time.Second}},
		{Rule{Cut: true}, Hit{RuleID: "flt-2", Cut: true}},
		{Rule{Lose: true, Delay: time.Millisecond}, Hit{RuleID: "flt-3", Lose: true, Delay: time.Millisecond}},
		{Rule{Delay: time.Minute}, Hit{RuleID: "flt-4", Delay: time.Minute}},
		{Rule{Unprocessed: 2, Delay: time.Second}, Hit{RuleID: "flt-5", Unprocessed: 2, Delay: time.Second}},
	} {
		r := add(t, s, tc.rule)
		got, ok := s.Match(&Call{Operation: "BatchMeterUsage"})
		if diff := cmp.Diff(tc.want, got); !ok || diff != "" {
			t.Errorf("%v %s", ok, diff)
		}
		if err := s.Remove(r.ID); err != nil {
			t.Error(err)
		}
	}
}

// chances is the run of two random rules under a seed.
func chances(t *testing.T, seed uint64) string {
	s := New(Config{Seed: seed})
	add(t, s, Rule{Probability: 0.3, Cut: true})
	add(t, s, Rule{Probability: 0.5, Lose: true})
	return run(s, &Call{}, 200)
}

func TestSeed(t *testing.T) {
	one := chances(t, 1)
	if again := chances(t, 1); again != one {
		t.Errorf("the same seed gave\n%s and\n%s", one, again)
	}
	if other := chances(t, 2); other == one {
		t.Error("another seed gave the same run")
	}
	// 200 draws at 0.3: 60 expected, deviation 6.5; five of those on either side.
	if n := strings.Count(one, "1"); n < 28 || n > 92 {
		t.Errorf("probability 0.3 fired %d times of 200", n)
	}
}

// Rules draw from streams of their own: one that is there for other calls does not change what befalls these.
func TestRulesDrawApart(t *testing.T) {
	mixed := func(others int) string {
		s := New(Config{Seed: 7})
		add(t, s, Rule{Operation: "A", Probability: 0.5, Cut: true})
		add(t, s, Rule{Operation: "B", Probability: 0.5, Cut: true})
		var b strings.Builder
		for range 100 {
			run(s, &Call{Operation: "B"}, others)
			b.WriteString(run(s, &Call{Operation: "A"}, 1))
		}
		return b.String()
	}
	if alone, among := mixed(0), mixed(3); alone != among {
		t.Errorf("alone %s\namong %s", alone, among)
	}
	s := New(Config{Seed: 7})
	add(t, s, Rule{Operation: "A", Probability: 0.5, Cut: true})
	add(t, s, Rule{Operation: "B", Probability: 0.5, Cut: true})
	first := run(s, &Call{Operation: "A"}, 100)
	if second := strings.ReplaceAll(run(s, &Call{Operation: "B"}, 100), "2", "1"); first == second {
		t.Errorf("two rules drew the same: %s", first)
	}
}

func TestSeedIsPickedAndLogged(t *testing.T) {
	var out bytes.Buffer
	s := New(Config{Log: slog.New(slog.NewTextHandler(&out, nil))})
	if s.Seed() == 0 || s.Seed() >= 1<<53 {
		t.Errorf("seed %d", s.Seed())
	}
	if want := "seed=" + strconv.FormatUint(s.Seed(), 10); !strings.Contains(out.String(), want) {
		t.Errorf("log %q has no %s", out.String(), want)
	}
	if New(Config{}).Seed() == s.Seed() {
		t.Error("two Sets picked the same seed")
	}
	if got := New(Config{Seed: 42}).Seed(); got != 42 {
		t.Errorf("seed %d, want 42", got)
	}
}

func TestAddRemoveClear(t *testing.T) {
	s := New(Config{})
	if !s.Empty() || s.List() == nil || len(s.List()) != 0 {
		t.Error("a new Set is not empty, or lists nil")
	}
	first := add(t, s, Rule{ID: "mine", Matched: 5, Fired: 5, Cut: true})
	if diff := cmp.Diff(Rule{ID: "flt-1", Cut: true}, first); diff != "" {
		t.Error(diff)
	}
	second := add(t, s, Rule{Lose: true})
	if err := s.Remove(first.ID); err != nil {
		t.Error(err)
	}
	if err := s.Remove(first.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if got := s.List(); len(got) != 1 || got[0].ID != second.ID {
		t.Errorf("left: %v", got)
	}
	if n := s.Clear(); n != 1 || !s.Empty() {
		t.Errorf("Clear = %d, empty %v", n, s.Empty())
	}
	if n := s.Clear(); n != 0 {
		t.Errorf("second Clear = %d", n)
	}
	if third := add(t, s, Rule{Cut: true}); third.ID != "flt-3" {
		t.Errorf("ID %s was given before", third.ID)
	}
	if err := s.Remove("flt-3"); err != nil || !s.Empty() {
		t.Errorf("Remove of the last: %v, empty %v", err, s.Empty())
	}
}

func TestFull(t *testing.T) {
	s := New(Config{})
	for range MaxRules {
		add(t, s, Rule{Cut: true})
	}
	if _, err := s.Add(Rule{Cut: true}); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	s.Remove("flt-1")
	add(t, s, Rule{Cut: true})
}

// A rule that is removed while a Match holds the old list does not fire any more.
func TestRemovedInFlight(t *testing.T) {
	s := New(Config{})
	r := add(t, s, Rule{Cut: true})
	old := (*s.rules.Load())[0]
	s.Remove(r.ID)
	if old.fire() {
		t.Error("fired after Remove returned")
	}
}

func TestTimesIsExactUnderConcurrency(t *testing.T) {
	s := New(Config{Seed: 3})
	add(t, s, Rule{Operation: "A", Times: 100, Cut: true})
	add(t, s, Rule{Operation: "A", Nth: 1000, Lose: true})
	add(t, s, Rule{Operation: "A", EveryN: 10, Refuse: "ThrottlingException"})
	var cut, lost, refused atomic.Int64
	var group, lists sync.WaitGroup
	var done atomic.Bool
	lists.Go(func() {
		for !done.Load() {
			s.List()
			r := add(t, s, Rule{Operation: "B", Cut: true})
			s.Remove(r.ID)
		}
	})
	for range 8 {
		group.Go(func() {
			for range 1000 {
				hit, _ := s.Match(&Call{Operation: "A"})
				switch {
				case hit.Cut:
					cut.Add(1)
				case hit.Lose:
					lost.Add(1)
				case hit.Refuse != "":
					refused.Add(1)
				}
			}
		})
	}
	group.Wait()
	done.Store(true)
	lists.Wait()
	// 8000 calls; 7900 pass the first rule, 7899 the second.
	if cut.Load() != 100 || lost.Load() != 1 || refused.Load() != 789 {
		t.Errorf("cut %d, lost %d, refused %d; want 100, 1, 789", cut.Load(), lost.Load(), refused.Load())
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	c := &Call{Operation: "ResolveCustomer", PrincipalARN: "arn:aws:iam::123456789012:user/x", Account: "123456789012"}
	for name, rules := range map[string][]Rule{
		"no rules": nil,
		"rules":    {{Operation: "Other", Cut: true}, {Principal: "arn:*:user/y*", Cut: true}, {Probability: 0.5, Cut: true}, {Delay: time.Second}},
	} {
		s := New(Config{})
		for _, r := range rules {
			add(t, s, r)
		}
		if n := testing.AllocsPerRun(100, func() { s.Match(c) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	c := &Call{Operation: "ResolveCustomer", PrincipalARN: "arn:aws:iam::123456789012:user/seller", Account: "123456789012", Attempt: 1}
	for name, rules := range map[string][]Rule{
		"none":     nil,
		"other":    {{Operation: "MeterUsage", Cut: true}},
		"firing":   {{Operation: "ResolveCustomer", Refuse: "ThrottlingException"}},
		"pattern":  {{Principal: "arn:aws:iam::*:user/other-*", Cut: true}},
		"unlikely": {{Probability: 1e-9, Cut: true}},
	} {
		b.Run(name, func(b *testing.B) {
			s := New(Config{Seed: 1})
			for _, r := range rules {
				add(b, s, r)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Match(c)
			}
		})
	}
}
