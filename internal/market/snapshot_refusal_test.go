package market_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
)

func TestSnapshotRefusals(t *testing.T) {
	t.Parallel()
	p := openPlayed(t, itself)
	none := openPlayed(t, func(s market.Store) market.Store { return struct{ market.Store }{s} })
	if err := none.SnapshotStart(ctx); err != nil {
		t.Errorf("SnapshotStart without: %v", err)
	}
	if err := p.SnapshotStart(ctx); err != nil {
		t.Fatal(err)
	}
	take := func(p *played, c market.Caller, name string) error { _, err := p.Snapshot(ctx, c, name); return err }
	list := func(p *played, c market.Caller, _ string) error { _, err := p.Snapshots(ctx, c); return err }
	restore := func(p *played, c market.Caller, name string) error { return p.Restore(ctx, c, name) }
	drop := func(p *played, c market.Caller, name string) error { return p.DropSnapshot(ctx, c, name) }
	for name, tc := range map[string]struct {
		in   *played
		act  func(*played, market.Caller, string) error
		who  market.Caller
		name string
		want market.Code
	}{
		"take: stranger":      {p, take, caller(seller), "a", market.Forbidden},
		"list: stranger":      {p, list, caller(seller), "", market.Forbidden},
		"restore: stranger":   {p, restore, caller(seller), "start", market.Forbidden},
		"drop: stranger":      {p, drop, caller(seller), "a", market.Forbidden},
		"take: unsupported":   {none, take, op, "a", market.Unsupported},
		"restore: unsuppored": {none, restore, op, "start", market.Unsupported},
		"take: no name":       {p, take, op, "", market.Invalid},
		"take: path":          {p, take, op, "../a", market.Invalid},
		"take: long":          {p, take, op, strings.Repeat("a", 65), market.Invalid},
		"take: line":          {p, take, op, "a\n", market.Invalid},
		"restore: odd":        {p, restore, op, "<b>", market.Invalid},
		"take: start":         {p, take, op, "start", market.Conflict},
		"drop: start":         {p, drop, op, "start", market.Conflict},
		"restore: none":       {p, restore, op, "none", market.NotFound},
		"drop: none":          {p, drop, op, "none", market.NotFound},
	} {
		if err := tc.act(tc.in, tc.who, tc.name); market.CodeOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}
