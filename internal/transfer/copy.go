package transfer

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// Copy copies everything, and checks that it has. A Copy that fails, or whose ctx ends, can be called again with the same stores.
//
// Errors: ErrNotEmpty, ErrChanged, ErrUnfinished for a source that is not whole, and those of the stores.
func Copy(ctx context.Context, cfg Config) (Result, error) {
	c := copier{Config: cfg, kinds: kinds()}
	err := cfg.From.View(ctx, func(from market.Tx) error { return c.run(ctx, from) })
	if err != nil {
		return Result{}, fmt.Errorf("transfer: copy: %w", err)
	}
	return c.result, nil
}

// copier is one Copy under way.
type copier struct {
	Config
	kinds  []kind
	source string // its fingerprint
	result Result
}

// run copies what from sees. It may be called again, with another snapshot, as the function of a View may be: what it has written is a copy cut short then.
func (c *copier) run(ctx context.Context, from market.Tx) error {
	if _, found, err := readMarker(from); err != nil {
		return err
	} else if found {
		return fmt.Errorf("source: %w", ErrUnfinished)
	}
	var err error
	if c.source, err = fingerprint(from, c.kinds); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	at, err := c.begin(ctx)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	if !c.result.Present {
		if err := c.copyFrom(ctx, from, at); err != nil {
			return err
		}
	}
	if err := c.compare(ctx, from); err != nil {
		return err
	}
	if len(c.result.Differences) > 0 {
		return c.update(ctx, c.start().write)
	}
	c.progress(Progress{Phase: Checking, Total: -1})
	err = c.To.View(ctx, func(to market.Tx) (err error) {
		c.result.Problems, err = market.CheckTx(to)
		return err
	})
	if err != nil {
		return fmt.Errorf("check the target: %w", err)
	}
	return c.update(ctx, dropMarker)
}

// start is the marker of a copy that has nothing yet.
func (c *copier) start() marker { return marker{Source: c.source, Kind: c.kinds[0].name} }

// begin finds out where to go on.
func (c *copier) begin(ctx context.Context) (at marker, err error) {
	c.result = Result{}
	var has string
	var other bool
	err = c.To.View(ctx, func(to market.Tx) (err error) {
		if at, c.result.Resumed, err = readMarker(to); err != nil || c.result.Resumed {
			return err
		}
		if has, err = anything(to, c.kinds); err != nil || has == "" {
			return err
		}
		target, err := fingerprint(to, c.kinds)
		other = target != c.source
		return err
	})
	switch {
	case err != nil:
		return marker{}, err
	case c.result.Resumed && at.Source != c.source:
		return marker{}, ErrChanged
	case c.result.Resumed:
		return at, nil
	case has == "":
		at = c.start()
		return at, c.update(ctx, at.write)
	case other:
		return marker{}, fmt.Errorf("%w: it has %s", ErrNotEmpty, has)
	}
	c.result.Present = true
	return marker{}, nil
}

// anything is a kind of which a store has rows; "" if it is empty.
func anything(tx market.Tx, kinds []kind) (string, error) {
	for _, k := range kinds {
		for _, err := range k.pages(tx, nil) {
			return k.name, err
		}
	}
	return "", nil
}

// copyFrom copies what comes after a place.
func (c *copier) copyFrom(ctx context.Context, from market.Tx, at marker) error {
	first := slices.IndexFunc(c.kinds, func(k kind) bool { return k.name == at.Kind })
	if first < 0 {
		return fmt.Errorf("the copy was begun by another version of Souk: it got as far as %q", at.Kind)
	}
	for _, k := range c.kinds[first:] {
		at.Kind = k.name
		begun := time.Now()
		rows, err := c.copyKind(ctx, from, k, at)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		if k.name == usageKind {
			c.result.Usage, c.result.UsageTime = rows, time.Since(begun)
		}
		at.After, at.Done = nil, 0
	}
	return nil
}

// copyKind copies the rows of a kind that come after a place, and answers how many they were. While one batch is written, the next is read.
func (c *copier) copyKind(ctx context.Context, from market.Tx, k kind, at marker) (rows int64, err error) {
	total, err := k.count(from)
	if err != nil {
		return 0, err
	}
	c.progress(Progress{Phase: Copying, Kind: k.name, Done: at.Done, Total: total})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pages, written := make(chan page), make(chan struct{})
	go func() {
		defer close(written)
		for p := range pages {
			if ctx.Err() != nil {
				continue
			}
			at.After, at.Done = p.last, at.Done+p.rows
			err := c.update(ctx, func(to market.Tx) error {
				if err := p.put(to); err != nil {
					return err
				}
				return at.write(to)
			})
			if err != nil {
				cancel(err)
				continue
			}
			rows += p.rows
			c.progress(Progress{Phase: Copying, Kind: k.name, Done: at.Done, Total: total})
		}
	}()
	err = send(ctx, k.pages(from, at.After), pages)
	<-written
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		c.progress(Progress{Phase: Copying, Kind: k.name, Done: at.Done, Total: total, End: true})
	}
	return rows, err
}

// send hands pages over until there are no more, or ctx ends.
func send(ctx context.Context, pages iter.Seq2[page, error], to chan<- page) error {
	defer close(to)
	for p, err := range pages {
		if err != nil {
			return err
		}
		select {
		case to <- p:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// maxUnsure is how often a write is done again of which nobody knows whether it took effect.
const maxUnsure = 5

// update is an Update of the target. Everything that is written there can be written twice.
func (c *copier) update(ctx context.Context, fn func(market.Tx) error) (err error) {
	for range maxUnsure {
		err = c.To.Update(ctx, fn)
		if market.CodeOf(err) != market.OutcomeUnsure || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (c *copier) progress(p Progress) {
	if c.Progress != nil {
		c.Progress(p)
	}
}
