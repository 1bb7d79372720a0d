package main

import (
	"os"
	"testing"
	"time"

	"github.com/souk-market/souk/test/process"
)

// Short forms of what takes minutes.
func TestStrains(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds, and both CPUs")
	}
	if err := raiseFiles(6000); err != nil {
		t.Skip(err)
	}
	t.Cleanup(process.RemoveBinary)
	b := &bench{config: config{duration: 500 * time.Millisecond, rounds: 1, flood: 4000}}
	if err := b.addCustomers(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(b.customers)
	t.Run("overload", func(t *testing.T) { overloadShort(t, b) })
	t.Run("soak", func(t *testing.T) { soakShort(t, b) })
}

// Ten times too much: some of it is refused as AWS throttles, everything else is answered and right, what was acknowledged is in the ledger and what was
// refused is not, nothing hangs, and afterwards it is over at once. (That the answers are right, and that all came, is what overload itself looks at.)
func overloadShort(t *testing.T, b *bench) {
	t.Setenv("SOUK_MAX_WAIT", "50ms")
	got, err := b.overload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range got {
		f := &o.flood
		t.Logf("%s: capacity %.0f/s, %d sent, %d answered, %d shed, first answer after %s", o.name, o.capacity.perSecond, f.sent, len(f.answered), len(f.shed), f.recovery)
		if f.sent != len(f.answered)+len(f.shed) {
			t.Errorf("%s: of %d requests %d were answered and %d refused", o.name, f.sent, len(f.answered), len(f.shed))
		}
		if f.recovery > time.Second {
			t.Errorf("%s: after the flood the first answer took %s", o.name, f.recovery)
		}
	}
	if batch := &got[1]; len(batch.flood.shed) == 0 {
		t.Errorf("%s: nothing was shed of %d requests under way at a time", batch.name, b.flood)
	}
}

// A soak finds nothing that grows by itself: it is too short for memory, but not for files and goroutines.
func soakShort(t *testing.T, b *bench) {
	b.duration = 2 * time.Second
	s, err := b.soak(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range soakOperations {
		if s.answered[i] == 0 {
			t.Errorf("no %s was answered", o.name)
		}
	}
	for name, value := range map[string]func(*soakPoint) float64{
		"files": func(p *soakPoint) float64 { return float64(p.files) }, "goroutines": func(p *soakPoint) float64 { return p.goroutines },
	} {
		if second, last := s.quarters(value, median); second == 0 || last > 1.5*second {
			t.Errorf("%s: %.0f in the second quarter, %.0f in the last", name, second, last)
		}
	}
}
