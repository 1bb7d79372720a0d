package main

import (
	"math/rand/v2"
	"testing"

	"github.com/souk-market/souk/internal/pgtest"
)

// The short form of -faults: each kind once and briefly, a disk that is full where one can be had, and a replica that takes over.
func TestNothingIsLostWhenTheDatabaseFails(t *testing.T) {
	t.Parallel()
	pgtest.Shared(t) // or there is none, and the test is skipped
	c := trialConfig{fills: 1, failovers: 1, brief: true, config: config{nodes: 2, clients: 6, check: 4, seed: rand.Uint64(), say: t.Logf}}
	r, err := try(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\nmore of it: go run ./test/crash -faults 100 -nodes %d -seed %d", err, c.nodes, c.seed)
	}
	t.Logf("seed %d: %s", c.seed, r)
	if want := len(kinds) - 1 + 2 - len(r.skipped); r.faults != want || r.rows == 0 || r.agreements == 0 || r.Acknowledged == 0 || r.Repeated == 0 || r.Unknown == 0 {
		t.Errorf("there was nothing to lose, or not %d faults: %s", want, r)
	}
}
