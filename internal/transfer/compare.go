package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/souk-market/souk/internal/market"
)

// compare reads both sides, at the same time, and notes in the result what is there and what is not the same.
func (c *copier) compare(ctx context.Context, from market.Tx) error {
	totals := make([]int64, len(c.kinds))
	for i, k := range c.kinds {
		var err error
		if totals[i], err = k.count(from); err != nil {
			return fmt.Errorf("source: %s: %w", k.name, err)
		}
	}
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	var there []sum
	arrived := make(chan error, 1)
	go func() {
		err := c.To.View(both, func(to market.Tx) (err error) {
			there, err = sums(both, to, c.kinds, func(i int, done int64, end bool) {
				c.progress(Progress{Phase: Comparing, Kind: c.kinds[i].name, Done: done, Total: totals[i], End: end})
			})
			return err
		})
		if err != nil {
			cancel()
		}
		arrived <- err
	}()
	here, err := sums(both, from, c.kinds, func(int, int64, bool) {})
	if err != nil {
		cancel()
		err = fmt.Errorf("source: %w", err)
	}
	if errThere := <-arrived; errThere != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = fmt.Errorf("target: %w", errThere) // for whose sake the other was cancelled
	}
	if err != nil {
		return err
	}
	c.result.Rows, c.result.Differences = nil, nil
	for i, k := range c.kinds {
		c.result.Rows = append(c.result.Rows, Count{k.name, there[i].rows})
		if !here[i].same(&there[i]) {
			c.result.Differences = append(c.result.Differences, Difference{k.name, here[i].rows, there[i].rows})
		}
	}
	return nil
}

// sums are the checksums of all kinds of rows, of which at is told how far it is.
func sums(ctx context.Context, tx market.Tx, kinds []kind, at func(kind int, done int64, end bool)) ([]sum, error) {
	all := make([]sum, len(kinds))
	for i, k := range kinds {
		for p, err := range k.pages(tx, nil) {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.name, err)
			}
			p.add(&all[i])
			at(i, all[i].rows, false)
		}
		at(i, all[i].rows, true)
	}
	return all, nil
}
