package clock

import (
	"fmt"
	"time"
)

// State is what there is to know of a Clock at one instant: what `souk clock` shows, and what Restore continues from.
type State struct {
	Now    time.Time `json:"now"`
	Offset Offset    `json:"offset"` // of Now from the wall; of a frozen clock it shrinks as the wall moves on
	Frozen bool      `json:"frozen"`
}

// State returns the clock's state. Its three members belong to the same instant.
func (c *Clock) State() State {
	s, wall := c.state.Load(), c.wall()
	now := s.now(wall)
	return State{Now: now, Offset: between(wall, now), Frozen: s.frozen}
}

// Restore returns a clock that continues from a State: a frozen one stands at State.Now; a running one keeps its offset
// from the wall, so that time passed for it while nobody looked. What lies out of range is brought to Min or Max. Nil is
// time.Now.
func Restore(wall func() time.Time, from State) *Clock {
	if wall == nil {
		wall = time.Now
	}
	c := &Clock{wall: wall}
	c.Adopt(from)
	return c
}

// Adopt makes the clock continue from a State, as Restore does, which may be one of its past: another node that shares it
// was told to move it, or the marketplace was made what it was at that State.
func (c *Clock) Adopt(from State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from.Frozen {
		c.state.Store(&state{frozen: true, at: clamp(from.Now.UTC().Round(0))})
	} else {
		c.state.Store(&state{offset: from.Offset.normal()})
	}
}

// Offset is a span of time, exact to the nanosecond over all the years that a Clock can show; a time.Duration ends at
// 292 years.
type Offset struct {
	Seconds int64 `json:"seconds"`
	// Nanos is from 0 to 999,999,999, and counts forwards also when Seconds is negative.
	Nanos int64 `json:"nanos,omitempty"`
}

// wide bounds the seconds of offsets and of wall instants so that no sum of the two overflows. It is 31,700 years.
const wide = 1_000_000_000_000

// between is the offset from one instant to another.
func between(from, to time.Time) Offset {
	seconds := min(max(to.Unix(), -wide), wide) - min(max(from.Unix(), -wide), wide)
	return Offset{Seconds: seconds, Nanos: int64(to.Nanosecond() - from.Nanosecond())}.normal()
}

// from is the instant that lies this offset after t, in range.
func (o Offset) from(t time.Time) time.Time {
	seconds := min(max(t.Unix(), -wide), wide)
	return clamp(time.Unix(seconds+o.Seconds, int64(t.Nanosecond())+o.Nanos).UTC())
}

// normal is o with both members in their ranges.
func (o Offset) normal() Offset {
	seconds := min(max(o.Seconds, -2*wide), 2*wide) + o.Nanos/1e9
	nanos := o.Nanos % 1e9
	if nanos < 0 {
		nanos += 1e9
		seconds--
	}
	return Offset{Seconds: seconds, Nanos: nanos}
}

// Duration is o as a Duration. It reports false, and the nearest Duration, when o is longer than 292 years.
func (o Offset) Duration() (time.Duration, bool) {
	const limit = int64(1<<63-1) / 1e9
	o = o.normal()
	switch {
	case o.Seconds >= limit:
		return 1<<63 - 1, false
	case o.Seconds < -limit:
		return -1 << 63, false
	}
	return time.Duration(o.Seconds)*time.Second + time.Duration(o.Nanos), true
}

// String writes o as a Duration does, such as "4h0m0s"; a longer one in whole seconds.
func (o Offset) String() string {
	if d, ok := o.Duration(); ok {
		return d.String()
	}
	return fmt.Sprintf("%ds", o.Seconds)
}
