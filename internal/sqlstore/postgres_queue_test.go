package sqlstore

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// Beside many rows that are under way, a small group waits to be larger: for a moment only, whatever becomes of those.
func TestASmallGroupWaitsForAMoment(t *testing.T) {
	s := openPostgres(t, emptyDatabase(t))
	add := func(name string) (took time.Duration) {
		t.Helper()
		out, begun := make([]market.Appended, 1), time.Now()
		if err := s.AppendUsage(t.Context(), []market.UsageRecord{metered(name)}, out); err != nil || !out[0].Inserted {
			t.Errorf("%s: %+v, %v", name, out[0], err)
		}
		return time.Since(begun)
	}
	add("first") // connects
	s.usage.rows.Add(1000)
	if took := add("small"); took < maxLag {
		t.Errorf("it went after %s", took)
	}
	var wg sync.WaitGroup
	for i := range 3 * maxGroup {
		wg.Go(func() { add(fmt.Sprint(i)) })
	}
	wg.Wait()
	s.usage.rows.Add(-1000)
	add("last")
	if n := s.usage.rows.Load(); n != 0 {
		t.Errorf("%d rows are under way", n)
	}
}

// What is kept in the place of a repeat comes from memory if this node brought it in, and else from the database.
func TestRecentUsage(t *testing.T) {
	url := emptyDatabase(t)
	s, other := openPostgres(t, url), openPostgres(t, url)
	add := func(s *Postgres, r market.UsageRecord) market.Appended {
		t.Helper()
		r.Quantity, r.ID = 2, market.RecordID{1}
		out := make([]market.Appended, 1)
		if err := s.AppendUsage(t.Context(), []market.UsageRecord{r}, out); err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	remembered := func(s *Postgres) (n int) {
		for i := range s.usage.recent.slots {
			if slot := &s.usage.recent.slots[i]; slot.key != 0 {
				n++
				slot.kept.Quantity = 77 // what the database does not have
			}
		}
		return n
	}
	a, large, lost := metered("a"), metered("large"), metered("lost")
	large.Allocations = make([]byte, maxRecentAllocations+1)
	out := make([]market.Appended, 2)
	if err := s.AppendUsage(t.Context(), []market.UsageRecord{a, large}, out); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx market.Tx) error {
		if err := tx.AppendUsage([]market.UsageRecord{lost}, out[:1]); err != nil {
			return err
		}
		return errMade
	}); err != errMade {
		t.Fatal(err)
	}
	if n := remembered(s); n != 1 {
		t.Errorf("%d records are remembered", n)
	}
	if k := add(s, a); k.Inserted || k.ID != a.ID || k.Quantity != 77 {
		t.Errorf("a repeat on the node that has it: %+v", k)
	}
	if k := add(s, large); k.Inserted || k.ID != large.ID || k.Quantity != 1 || len(k.Allocations) != len(large.Allocations) {
		t.Errorf("one that is too large to remember: %+v", k)
	}
	for range 2 { // the second time it is remembered, for having been read
		if k := add(other, a); k.Inserted || k.ID != a.ID || k.Quantity != 1 {
			t.Errorf("a repeat on another node: %+v", k)
		}
	}
	if k := add(s, lost); !k.Inserted {
		t.Errorf("what was undone: %+v", k)
	}
	for i := range s.usage.recent.slots { // as if others had taken the slots meanwhile
		s.usage.recent.slots[i].key ^= 1
	}
	if k := add(s, a); k.Inserted || k.ID != a.ID || k.Quantity != 1 {
		t.Errorf("one that is no longer remembered: %+v", k)
	}
}
