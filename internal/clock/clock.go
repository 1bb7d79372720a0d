// Package clock is the market's clock: the wall clock, moved.
//
// Everything that a customer can observe (timestamps, windows, the life of a token) reads a Clock, so that a test can
// let four hours pass in no time. Timeouts, latencies, the Date header and signature freshness read the wall clock
// instead: SDKs set their own clocks by Date, and a moved one in it breaks every client.
//
// A Clock only goes forwards. Agreements, usage and events are ordered by its instants, and a marketplace whose past
// lies after its present has no meaning; so Advance and Set refuse to go back. Only Adopt may put it back, where the whole
// marketplace is: when a snapshot is restored, and nobody looks meanwhile.
package clock

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of Advance and Set, to be told apart with errors.Is.
var (
	// ErrBackwards refuses to move a clock to before its present.
	ErrBackwards = errors.New("the market's clock does not go backwards")
	// ErrRange refuses an instant before Min or after Max.
	ErrRange = errors.New("outside of the years 2000 to 9999")
)

// The bounds of every instant that a Clock shows, in seconds of Unix time. Year 9999 is the last that RFC 3339 can
// write; before 2000 there was no AWS.
const (
	minUnix = 946684800    // 2000-01-01T00:00:00Z
	maxUnix = 253402300799 // 9999-12-31T23:59:59Z
)

// Min is the earliest instant that a Clock shows.
func Min() time.Time { return time.Unix(minUnix, 0).UTC() }

// Max is the latest instant that a Clock shows; it stands still there.
func Max() time.Time { return time.Unix(maxUnix, 999_999_999).UTC() }

// Clock is a wall clock with an offset, or one that stands still. Make one with New or Restore; the zero value is not
// usable. It is safe for concurrent use; a Now that overlaps a change sees either side of it.
type Clock struct {
	wall  func() time.Time
	state atomic.Pointer[state]
	mu    sync.Mutex // held by writers, so that each of them builds upon the last
}

// state is immutable: it is replaced, never changed.
type state struct {
	offset Offset // of a running clock
	frozen bool
	at     time.Time // of a frozen one
}

// New returns a running clock that agrees with wall. Nil is time.Now.
func New(wall func() time.Time) *Clock { return Restore(wall, State{}) }

// Now is the market's present, in UTC and without a monotonic reading, so that it compares with == to what a store
// gives back. It takes no lock and allocates nothing. When the wall clock is stepped, a running Clock steps with it.
func (c *Clock) Now() time.Time {
	s := c.state.Load()
	if s.frozen {
		return s.at
	}
	return s.offset.from(c.wall())
}

// Advance moves the clock forwards by d, and returns the new present. A frozen clock stays frozen, at the later
// instant. It returns ErrBackwards when d is negative and ErrRange when the new present would lie after Max.
func (c *Clock) Advance(d time.Duration) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d < 0 {
		return time.Time{}, fmt.Errorf("clock: advance by %s: %w", d, ErrBackwards)
	}
	wall := c.wall()
	s := *c.state.Load()
	// No overflow: the present is at most year 9999, and a Duration at most 292 years.
	to := s.now(wall).Add(d)
	if !inRange(to) {
		return time.Time{}, fmt.Errorf("clock: advance by %s: %w", d, ErrRange)
	}
	c.state.Store(s.moved(to, wall))
	return to, nil
}

// Set moves the clock forwards to t. A frozen clock stays frozen, at t. It returns ErrBackwards when t lies before the
// present and ErrRange when it lies after Max; t equal to the present is no error.
func (c *Clock) Set(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	t = t.UTC().Round(0)
	if !inRange(t) {
		return fmt.Errorf("clock: set: %w", ErrRange)
	}
	wall := c.wall()
	s := *c.state.Load()
	if now := s.now(wall); t.Before(now) {
		return fmt.Errorf("clock: set to %s, which is before %s: %w", t.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano), ErrBackwards)
	}
	c.state.Store(s.moved(t, wall))
	return nil
}

// Freeze stops the clock at its present. Freezing a frozen clock does nothing.
func (c *Clock) Freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.state.Load(); !s.frozen {
		c.state.Store(&state{frozen: true, at: s.now(c.wall())})
	}
}

// Resume lets a frozen clock run on from the instant at which it stands: time that passed meanwhile on the wall is not
// made up for. Resuming a running clock does nothing.
func (c *Clock) Resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.state.Load(); s.frozen {
		c.state.Store(&state{offset: between(c.wall(), s.at)})
	}
}

// now is what a clock in this state shows at a wall instant.
func (s *state) now(wall time.Time) time.Time {
	if s.frozen {
		return s.at
	}
	return s.offset.from(wall)
}

// moved is this state, showing to at a wall instant.
func (s *state) moved(to, wall time.Time) *state {
	if s.frozen {
		return &state{frozen: true, at: to}
	}
	return &state{offset: between(wall, to)}
}

func inRange(t time.Time) bool { return t.Unix() >= minUnix && t.Unix() <= maxUnix }

// clamp brings t into range.
func clamp(t time.Time) time.Time {
	switch {
	case t.Unix() < minUnix:
		return Min()
	case t.Unix() > maxUnix:
		return Max()
	}
	return t
}
