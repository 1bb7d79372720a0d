package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

const (
	// followEvery is how often a node looks what others have changed, beside being told. With what a look takes, that keeps the promise that a change holds
	// everywhere within a second.
	followEvery = 250 * time.Millisecond
	// followTimeout bounds one look.
	followTimeout = 5 * time.Second
)

// startFollowing keeps up with the other nodes of a shared store, until the node closes. Other stores have none.
func (n *node) startFollowing(ctx context.Context, store market.Store, simulation bool, log *slog.Logger) {
	shared, ok := store.(*sqlstore.Postgres)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	news := make(chan struct{}, 1)
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		shared.Watch(ctx, func() {
			select {
			case news <- struct{}{}:
			default:
			}
		})
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		n.follow(ctx, news, simulation, log)
	}()
	n.close = append(n.close, func() error {
		cancel()
		<-done
		<-done
		return nil
	})
}

func (n *node) follow(ctx context.Context, news <-chan struct{}, simulation bool, log *slog.Logger) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-news:
		}
		one, cancel := context.WithTimeout(ctx, followTimeout)
		house, err := n.service.CatchUp(one)
		if err == nil && house {
			err = n.restoreClock(one, simulation)
		}
		cancel()
		if err != nil && !failing && ctx.Err() == nil {
			log.Error("what other nodes changed could not be taken up; it is tried again", "error", err)
		}
		failing = err != nil
	}
}

// stale is why a node does not answer that has not heard of the store for so long: a key that was made inactive elsewhere would go on opening doors
// here. It is "" while all is well.
func stale(behind, limit time.Duration) string {
	if behind <= limit {
		return ""
	}
	return "this node has not been able to ask the store what other nodes changed for " + behind.Round(time.Millisecond).String()
}
