package main

import (
	"testing"

	"github.com/souk-market/souk/internal/pgtest"
)

// Three nodes on one database, of which some are killed while the others go on.
func TestNothingIsLostWhenNodesAreKilled(t *testing.T) {
	t.Parallel()
	_, url := pgtest.Shared(t).Database(t, "")
	killed(t, config{store: url, nodes: 3, kills: 8})
}
