package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// settleEvery is how often the node looks whether something has fallen due as time passes. Calls that could see it settle first by themselves,
// so this is for what nobody asks about: the history of an agreement is written when it happens, and not when somebody looks.
const settleEvery = time.Second

// startSettling does what fell due while nothing ran, and goes on doing it as time passes, until the node closes.
func (n *node) startSettling(ctx context.Context, log *slog.Logger) error {
	if _, err := n.service.Settle(ctx, market.Operator()); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.settle(ctx, log)
	}()
	n.stopSettling = func() {
		cancel()
		<-done
	}
	n.close = append(n.close, func() error { n.stopSettling(); return nil })
	return nil
}

func (n *node) settle(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := n.service.Settle(ctx, market.Operator())
		if err != nil && !failing && ctx.Err() == nil { // once, and not every second
			log.Error("what fell due could not be done; it is tried again", "error", err)
		}
		failing = err != nil
	}
}
