package main

import (
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/market"
)

// buyForAnHour buys a contract that ends in an hour.
func buyForAnHour(t *testing.T, n *node) string {
	t.Helper()
	c := controlOf(t, n, "")
	p, err := c.Buy(t.Context(), admin.PurchaseInput{ProductCode: "3kq9v1soukvaultconcurrent"})
	if err != nil {
		t.Fatal(err)
	}
	end := n.clock.Now().Add(time.Hour)
	if _, err := c.Amend(t.Context(), p.AgreementID, admin.Amendment{EndAt: &end}); err != nil {
		t.Fatal(err)
	}
	return p.AgreementID
}

// pass has time pass without anybody being told: the control API would settle what falls due.
func pass(t *testing.T, n *node, span time.Duration) {
	t.Helper()
	if _, err := n.clock.Advance(span); err != nil {
		t.Fatal(err)
	}
}

// storedPhase is what the store says, which nobody settles by looking.
func storedPhase(t *testing.T, n *node, id string) (phase market.Phase) {
	t.Helper()
	err := n.store.View(t.Context(), func(tx market.Tx) error {
		g, _, err := tx.Agreement(id)
		phase = g.Phase
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return phase
}

// What falls due as time passes is done though nobody asks about it.
func TestSettlesAsTimePasses(t *testing.T) {
	t.Parallel()
	n := startTest(t, nil)
	id := buyForAnHour(t, n)
	pass(t, n, 61*time.Minute)
	for deadline := time.Now().Add(20 * time.Second); storedPhase(t, n, id) != market.FinalHour; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("an agreement's end has passed unnoticed")
		}
	}
}

// What fell due while nothing ran is done before a Souk says that it is ready.
func TestSettlesAtTheStart(t *testing.T) {
	t.Parallel()
	cfg := devConfig()
	cfg.Data = filepath.Join(t.TempDir(), "data")
	n, err := startNode(context.Background(), cfg, noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	id := buyForAnHour(t, n)
	n.stopSettling()
	pass(t, n, 61*time.Minute)
	if phase := storedPhase(t, n, id); phase != market.Running {
		t.Fatalf("its phase is %s before anything is settled", phase)
	}
	if err := n.saveClock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = startTest(t, func(c *nodeConfig) { c.Data = cfg.Data })
	if phase := storedPhase(t, n, id); phase != market.FinalHour {
		t.Errorf("its phase is %s after the start, want %s", phase, market.FinalHour)
	}
}
