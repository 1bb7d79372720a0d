package main

import (
	"context"
	"strings"
	"time"
)

// kind is something that befalls a database.
type kind struct {
	name   string
	weight int // in the draw
	// do has it happen, under load, and returns when it is over: what is not well from then on has to become so by itself.
	do func(context.Context, *trial) error
}

// kinds are what befalls a single server and the network before it. Failing over and full disks need databases of their own.
var kinds = [...]kind{
	{"restarted", 12, func(_ context.Context, t *trial) error {
		t.db.server.Down(false)
		return t.away(0, 1000)
	}},
	{"crashed (immediate shutdown)", 12, func(_ context.Context, t *trial) error {
		t.db.server.Down(true)
		return t.away(0, 1000)
	}},
	{"postmaster killed (-9)", 12, func(_ context.Context, t *trial) error {
		t.db.server.Kill()
		return t.away(0, 500)
	}},
	{"a third of the connections terminated", 12, func(ctx context.Context, t *trial) error {
		for range 3 + t.dice.IntN(4) {
			if err := t.db.terminate(ctx); err != nil {
				return err
			}
			t.pause(10, 100)
		}
		return nil
	}},
	{"all connections cut", 12, func(_ context.Context, t *trial) error {
		for range 1 + t.dice.IntN(3) {
			t.db.proxy.Cut()
			t.pause(10, 200)
		}
		return nil
	}},
	{"answers lost", 12, func(_ context.Context, t *trial) error {
		// To the commit of an Update, to that of usage records of series that are new, and to the statement of those that are not.
		t.db.proxy.Lose([...]string{"COMMIT", "commit", "souk_insert_usage"}[t.dice.IntN(3)])
		t.pause(300, 1000)
		t.lost += t.db.proxy.Lose("")
		return nil
	}},
	{"slow", 9, func(_ context.Context, t *trial) error {
		t.db.proxy.Delay(t.span(5, 50))
		defer t.db.proxy.Delay(0)
		t.pause(1000, 3000)
		return nil
	}},
	{"muted", 9, func(_ context.Context, t *trial) error {
		t.db.proxy.Mute(true)
		defer t.db.proxy.Mute(false)
		t.pause(500, 3000)
		return nil
	}},
	{"frozen", 9, func(_ context.Context, t *trial) error {
		if err := t.db.server.Freeze(); err != nil {
			return err
		}
		t.pause(200, 3000)
		return t.db.server.Thaw()
	}},
	{outage, 3, func(_ context.Context, t *trial) error {
		t.db.server.Down(true)
		return t.away(7000, 7500)
	}},
}

// outage is longer than what a node waits for its database (5 seconds) before it says that it is not available.
const outage = "away for seven seconds"

// away leaves the server down for some milliseconds, then has it come up.
func (t *trial) away(from, to int) error {
	t.pause(from, to)
	return t.db.up()
}

// span is between so many milliseconds. A brief trial is always at the short end.
func (t *trial) span(from, to int) time.Duration {
	if t.brief {
		to = from
	}
	return time.Duration(from)*time.Millisecond + time.Duration(t.dice.Int64N(int64(to-from)*int64(time.Millisecond)+1))
}

func (t *trial) pause(from, to int) { time.Sleep(t.span(from, to)) }

// draw is a kind, each as often as its weight says.
func (t *trial) draw() (drawn kind) {
	all := 0
	for _, k := range kinds {
		if !strings.Contains(k.name, t.only) {
			continue
		}
		all += k.weight
		if t.dice.IntN(all) < k.weight { // so each comes to its share of the whole
			drawn = k
		}
	}
	return drawn
}
