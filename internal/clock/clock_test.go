package clock

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// wall is a wall clock that a test moves.
type wall struct{ at time.Time }

func (w *wall) now() time.Time { return w.at }

func start() *wall { return &wall{at: time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)} }

func check(t *testing.T, c *Clock, want time.Time) {
	t.Helper()
	if got := c.Now(); got != want {
		t.Errorf("Now() = %v, want %v", got, want)
	}
}

func TestRunsWithTheWall(t *testing.T) {
	w := start()
	w.at = w.at.In(time.FixedZone("east", 3600))
	c := New(w.now)
	check(t, c, w.at.UTC())
	w.at = w.at.Add(time.Hour)
	check(t, c, w.at.UTC())
}

func TestNilIsTimeNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]*Clock{"New": New(nil), "Restore": Restore(nil, State{})} {
			before := time.Now()
			time.Sleep(time.Minute)
			if got := c.Now().Sub(before); got != time.Minute {
				t.Errorf("%s: moved by %s, want 1m", name, got)
			}
			if now := c.Now(); now != now.Round(0) {
				t.Errorf("%s: Now has a monotonic reading", name)
			}
		}
	})
}

func TestAdvance(t *testing.T) {
	w := start()
	c := New(w.now)
	got, err := c.Advance(4 * time.Hour)
	if want := w.at.Add(4 * time.Hour); err != nil || got != want {
		t.Fatalf("Advance = %v, %v; want %v", got, err, want)
	}
	w.at = w.at.Add(time.Second)
	check(t, c, w.at.Add(4*time.Hour))
	if _, err := c.Advance(0); err != nil {
		t.Errorf("Advance(0): %v", err)
	}
	check(t, c, w.at.Add(4*time.Hour))
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		name string
		act  func(*Clock) error
		want error
	}{
		{"advance negative", func(c *Clock) error { _, err := c.Advance(-1); return err }, ErrBackwards},
		{"advance most negative", func(c *Clock) error { _, err := c.Advance(math.MinInt64); return err }, ErrBackwards},
		{"set back a nanosecond", func(c *Clock) error { return c.Set(c.Now().Add(-1)) }, ErrBackwards},
		{"set to the year 2000", func(c *Clock) error { return c.Set(Min()) }, ErrBackwards},
		{"set before range", func(c *Clock) error { return c.Set(Min().Add(-1)) }, ErrRange},
		{"set to the zero time", func(c *Clock) error { return c.Set(time.Time{}) }, ErrRange},
		{"set after range", func(c *Clock) error { return c.Set(Max().Add(1)) }, ErrRange},
		{"set to the end of int64", func(c *Clock) error { return c.Set(time.Unix(math.MaxInt64, 0)) }, ErrRange},
		{"advance out of range", func(c *Clock) error {
			if err := c.Set(Max().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			_, err := c.Advance(math.MaxInt64)
			return err
		}, ErrRange},
	}
	for _, tc := range cases {
		for _, frozen := range []bool{false, true} {
			c := New(start().now)
			if frozen {
				c.Freeze()
			}
			err := tc.act(c)
			if !errors.Is(err, tc.want) {
				t.Errorf("%s (frozen %v): got %v, want %v", tc.name, frozen, err, tc.want)
			}
			if c.State().Frozen != frozen {
				t.Errorf("%s: a refusal changed Frozen", tc.name)
			}
		}
	}
}

func TestRefusalChangesNothing(t *testing.T) {
	c := New(start().now)
	before := c.State()
	c.Advance(-time.Second)
	c.Set(Max().Add(1))
	c.Set(before.Now.Add(-time.Hour))
	if diff := cmp.Diff(before, c.State()); diff != "" {
		t.Error(diff)
	}
}

// A span of more than 292 years does not fit a time.Duration.
func TestFarFuture(t *testing.T) {
	w := start()
	c := New(w.now)
	far := time.Date(9999, 12, 31, 23, 59, 58, 0, time.UTC)
	if err := c.Set(far); err != nil {
		t.Fatal(err)
	}
	check(t, c, far)
	w.at = w.at.Add(time.Second)
	check(t, c, far.Add(time.Second))
	w.at = w.at.Add(time.Hour)
	check(t, c, Max())
	check(t, Restore(w.now, c.State()), Max())
	if _, ok := c.State().Offset.Duration(); ok {
		t.Error("an offset of 7973 years fits a Duration")
	}
}

func TestFreezeAndResume(t *testing.T) {
	w := start()
	c := New(w.now)
	c.Resume() // running: nothing happens
	c.Advance(time.Hour)
	at := c.Now()
	c.Freeze()
	w.at = w.at.Add(time.Minute)
	check(t, c, at)
	c.Freeze() // frozen: nothing happens
	check(t, c, at)
	if err := c.Set(at.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Advance(time.Second); err != nil || got != at.Add(2*time.Second) {
		t.Fatalf("Advance = %v, %v", got, err)
	}
	w.at = w.at.Add(time.Minute)
	check(t, c, at.Add(2*time.Second))
	c.Resume()
	check(t, c, at.Add(2*time.Second)) // no jump
	w.at = w.at.Add(time.Millisecond)
	check(t, c, at.Add(2*time.Second+time.Millisecond))
}

func TestStateAndRestore(t *testing.T) {
	w := start()
	c := New(w.now)
	c.Advance(90 * time.Minute)
	want := State{Now: w.at.Add(90 * time.Minute), Offset: Offset{Seconds: 5400}}
	if diff := cmp.Diff(want, c.State()); diff != "" {
		t.Error(diff)
	}
	running := c.State()
	c.Freeze()
	frozen := c.State()
	w.at = w.at.Add(time.Hour) // the server is down for an hour
	check(t, Restore(w.now, running), running.Now.Add(time.Hour))
	check(t, Restore(w.now, frozen), frozen.Now)
	r := Restore(w.now, frozen)
	r.Resume()
	check(t, r, frozen.Now)
	if got := r.State().Offset.String(); got != "30m0s" {
		t.Errorf("offset %s, want 30m0s", got)
	}
}

func TestRestoreOutOfRange(t *testing.T) {
	w := start()
	check(t, Restore(w.now, State{Frozen: true}), Min())
	check(t, Restore(w.now, State{Frozen: true, Now: time.Unix(math.MaxInt64, 0)}), Max())
	check(t, Restore(w.now, State{Offset: Offset{Seconds: math.MaxInt64, Nanos: math.MaxInt64}}), Max())
	check(t, Restore(w.now, State{Offset: Offset{Seconds: math.MinInt64, Nanos: math.MinInt64}}), Min())
	check(t, New(func() time.Time { return time.Time{} }), Min())
	check(t, New(func() time.Time { return time.Unix(math.MaxInt64, 0) }), Max())
}

func TestOffsetString(t *testing.T) {
	for o, want := range map[Offset]string{
		{}:                               "0s",
		{Seconds: 14400}:                 "4h0m0s",
		{Seconds: -2, Nanos: 500000000}:  "-1.5s",
		{Seconds: 251_000_000_000}:       "251000000000s",
		{Seconds: -9223372036}:           "-2562047h47m16s",
		{Seconds: 1, Nanos: 250_000_000}: "1.25s",
	} {
		if got := o.String(); got != want {
			t.Errorf("%#v: %s, want %s", o, got, want)
		}
	}
}

// Whatever is done to it while the wall goes forwards, a clock never shows an earlier instant than before.
func TestNeverBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := start()
		c := New(w.now)
		last := c.Now()
		step := func() time.Duration {
			return time.Duration(rapid.Int64Range(-int64(time.Hour), int64(100*365*24*time.Hour)).Draw(t, "step"))
		}
		move := func(*rapid.T) {
			if d := step(); d > 0 {
				w.at = w.at.Add(d % time.Hour)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"wall":    move,
			"freeze":  func(*rapid.T) { c.Freeze() },
			"resume":  func(*rapid.T) { c.Resume() },
			"restore": func(*rapid.T) { c = Restore(w.now, c.State()) },
			"advance": func(t *rapid.T) {
				d := step()
				before := c.Now()
				if got, err := c.Advance(d); err == nil && (got != before.Add(d) || got != c.Now()) {
					t.Fatalf("Advance(%s) from %v gave %v, now %v", d, before, got, c.Now())
				}
			},
			"set": func(t *rapid.T) {
				to := c.Now().Add(step())
				if err := c.Set(to); err == nil && c.Now() != to {
					t.Fatalf("Set(%v), now %v", to, c.Now())
				}
			},
			"": func(t *rapid.T) {
				now := c.Now()
				if now.Before(last) || !inRange(now) {
					t.Fatalf("went from %v to %v", last, now)
				}
				last = now
			},
		})
	})
}

func TestConcurrent(t *testing.T) {
	c := New(nil)
	began := c.Now()
	const writers, each = 4, 500
	var writing, reading sync.WaitGroup
	var stop atomic.Bool
	for range 2 {
		reading.Go(func() {
			for !stop.Load() {
				if c.Now().Before(began) {
					t.Error("went back before its start")
					return
				}
				c.State()
			}
		})
	}
	for range writers {
		writing.Go(func() {
			for range each {
				if _, err := c.Advance(time.Hour); err != nil {
					t.Error(err)
				}
				c.Freeze()
				c.Resume()
			}
		})
	}
	writing.Wait()
	stop.Store(true)
	reading.Wait()
	if got := c.Now().Sub(began); got < writers*each*time.Hour {
		t.Errorf("advanced by %s: an Advance was lost", got)
	}
}

func TestNowAllocatesNothing(t *testing.T) {
	c := New(nil)
	c.Advance(time.Hour)
	if n := testing.AllocsPerRun(100, func() { c.Now() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNow(b *testing.B) {
	b.Run("wall", func(b *testing.B) {
		for b.Loop() {
			time.Now()
		}
	})
	b.Run("clock", func(b *testing.B) {
		c := New(nil)
		c.Advance(time.Hour)
		b.ReportAllocs()
		for b.Loop() {
			c.Now()
		}
	})
}
