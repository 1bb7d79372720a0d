package main

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/test/process"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Release()
	process.RemoveBinary()
	os.Exit(code)
}

// The short forms of the command. That the verdict sees what is wrong is in verdict_test.go; here it has to have had something to look at.
func TestNothingIsLostWhenSoukIsKilled(t *testing.T) {
	t.Parallel()
	killed(t, config{nodes: 1, kills: 8})
}

// killed runs a sweep of that engine, nodes and kills.
func killed(t *testing.T, c config) {
	c.clients, c.records, c.check, c.seed, c.say = 8, 1500, 4, rand.Uint64(), t.Logf
	r, err := run(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\nonce more, as far as it can be: go run ./test/crash -kills %d -nodes %d -seed %d", err, c.kills, c.nodes, c.seed)
	}
	t.Logf("seed %d: %s", c.seed, r)
	if r.kills < c.kills || r.rows == 0 || r.agreements == 0 || r.Acknowledged == 0 || r.Repeated == 0 || r.Duplicates == 0 || r.counts.Refused == 0 || r.Unknown == 0 {
		t.Errorf("there was nothing to lose: %s", r)
	}
}
