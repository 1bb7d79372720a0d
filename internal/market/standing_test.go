package market

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A span's yes is what the agreement itself says, and of the usual agreement it says every yes.
func TestSpan(t *testing.T) {
	start := time.Date(2026, 3, 1, 10, 0, 0, 123_456_789, time.UTC)
	steps := []time.Duration{0, 1, time.Millisecond, time.Second, time.Minute, FinalHourLength, 24 * time.Hour, 365 * 24 * time.Hour, 290 * 365 * 24 * time.Hour}
	rng := rand.New(rand.NewPCG(1, 2))
	near := func(at time.Time) time.Time {
		d := steps[rng.IntN(len(steps))]
		if rng.IntN(2) == 0 {
			d = -d
		}
		if at = at.Add(d); rng.IntN(3) == 0 {
			at = at.Truncate(time.Second)
		}
		return at
	}
	yes := 0
	for range 200_000 {
		a := Agreement{Status: Active, StartAt: near(start)}
		if rng.IntN(2) == 0 {
			a.EndAt = near(start.Add(24 * time.Hour))
		}
		if rng.IntN(8) == 0 {
			a.Status = []Status{Expired, Cancelled, Terminated}[rng.IntN(3)]
		}
		if rng.IntN(8) == 0 {
			a.SuspendedAt = start
		}
		s := spanOf(&a)
		for range 4 {
			now := near([]time.Time{start, a.StartAt, a.EndAt.Add(FinalHourLength)}[rng.IntN(3)])
			at := near([]time.Time{now, a.StartAt, a.EndAt.Add(FinalHourLength)}[rng.IntN(3)])
			want := a.TakesUsage(now) && covers(&a, at)
			got := s.takes(now, at)
			usual := a.Status == Active && inSpans(a.StartAt) && inSpans(now) && inSpans(at)
			if got && !want || want && usual && !got {
				t.Fatalf("%+v now %s at %s: the span says %v, the agreement %v", a, now, at, got, want)
			}
			if got {
				yes++
			}
		}
	}
	if yes < 10_000 {
		t.Errorf("only %d spans said yes", yes)
	}
}

// Each Region, dimension and agreement has a place of its own, whoever asks first; there is an end to them.
func TestNumbers(t *testing.T) {
	st := &standing{agreements: make([]Agreement, 2)}
	type key struct {
		region, dimension string
		agreement         *Agreement
	}
	var keys []key
	for _, a := range []*Agreement{nil, &st.agreements[0], &st.agreements[1]} {
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			for _, dimension := range []string{"a", "b"} {
				keys = append(keys, key{region, dimension, a})
			}
		}
	}
	var wg sync.WaitGroup
	found := make([][]*atomic.Int64, 8)
	for i := range found {
		wg.Go(func() {
			for _, k := range keys {
				found[i] = append(found[i], st.number(k.region, k.dimension, k.agreement))
			}
		})
	}
	wg.Wait()
	seen := map[*atomic.Int64]key{}
	for i, k := range keys {
		p := found[0][i]
		if other, ok := seen[p]; ok || p == nil {
			t.Fatalf("%v has the place of %v", k, other)
		}
		seen[p] = k
		for _, f := range found {
			if f[i] != p {
				t.Errorf("%v has two places", k)
			}
		}
	}
	places := len(keys)
	for i := range 2 * maxNumbers {
		if st.number("us-east-1", fmt.Sprint(i), nil) != nil {
			places++
		}
	}
	if places != maxNumbers {
		t.Errorf("%d places, want %d", places, maxNumbers)
	}
	if st.number("us-east-1", "a", nil) != found[0][0] {
		t.Error("the first place is gone")
	}
}

// Who calls for more Regions than there are gets no memory for them.
func TestRegionsRemembered(t *testing.T) {
	s := new(Service)
	for i := range 3 * maxRegions {
		name := fmt.Sprint("r", i)
		if own := s.region(name); (own == name) != (i < maxRegions) || i >= maxRegions && own != "" {
			t.Fatalf("region %d is %q", i, own)
		}
	}
	if s.region("r0") != "r0" || len(s.memory.regions) != maxRegions {
		t.Errorf("%d regions", len(s.memory.regions))
	}
}
