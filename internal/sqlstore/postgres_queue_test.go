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
