package sqlstore

import (
	"sync"

	"github.com/souk-market/souk/internal/market"
)

// gate lets callers in until it is shut. Its zero value is open.
type gate struct {
	// mu guards shut and the step from zero of inside: nobody enters once close has begun to wait.
	mu     sync.RWMutex
	shut   bool
	inside sync.WaitGroup
}

// enter notes that the caller is inside, until it calls leave. It answers false when the gate is shut.
func (g *gate) enter() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.shut {
		return false
	}
	g.inside.Add(1)
	return true
}

func (g *gate) leave() { g.inside.Done() }

// close shuts the gate and waits for all who are inside.
func (g *gate) close() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
	g.inside.Wait()
}

func unavailable() error {
	return &market.Error{Code: market.Unavailable, Message: "the store is closed"}
}
