package quota

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// wall is a wall clock that a test moves.
type wall struct{ at time.Time }

func (w *wall) now() time.Time { return w.at }

func start() *wall { return &wall{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func only(r Rate) Limits { return Limits{Rates: map[string]Rate{"ResolveCustomer": r}} }

const (
	account = "123456789012"
	region  = "us-east-1"
)

// allowed is how many of n calls at once are allowed.
func allowed(l *Limiter, n int) (ok int) {
	for range n {
		if l.Allow("ResolveCustomer", account, region) {
			ok++
		}
	}
	return ok
}

func TestBurst(t *testing.T) {
	for _, tc := range []struct {
		rate Rate
		want int
	}{
		{Rate{PerSecond: 10}, 10},
		{Rate{PerSecond: 2.5}, 2},
		{Rate{PerSecond: 0.5}, 1},
		{Rate{PerSecond: 25, Burst: 50}, 50},
		{Rate{PerSecond: 25, Burst: 1}, 1},
		{Rate{PerSecond: 3, Burst: 7}, 7}, // 1/3 s is not a whole number of nanoseconds
		{Rate{PerSecond: 1e-300, Burst: 3}, 1},
		{Rate{PerSecond: minRate, Burst: maxBurst}, 100_000}, // all of them
		{Rate{PerSecond: 0, Burst: 1}, 100_000},
		{Rate{PerSecond: math.NaN(), Burst: 1}, 100_000},
		{Rate{PerSecond: math.Inf(1)}, 100_000},
		{Rate{PerSecond: -1}, 100_000},
	} {
		if got := allowed(New(only(tc.rate), start().now), 100_000); got != tc.want {
			t.Errorf("%+v: %d at once, want %d", tc.rate, got, tc.want)
		}
	}
}

func TestRefill(t *testing.T) {
	w := start()
	l := New(only(Rate{PerSecond: 10, Burst: 3}), w.now)
	for i, step := range []struct {
		after time.Duration
		want  int
	}{
		{0, 3}, {0, 0}, {99 * time.Millisecond, 0}, {time.Millisecond, 1}, {50 * time.Millisecond, 0}, {150 * time.Millisecond, 2},
		{time.Hour, 3}, {-30 * time.Minute, 0}, {100 * time.Millisecond, 1}, {time.Second, 3},
	} {
		w.at = w.at.Add(step.after)
		if got := allowed(l, 10); got != step.want {
			t.Errorf("step %d: %d allowed, want %d", i, got, step.want)
		}
	}
}

// After the clock was set back, nobody waits for longer than a bucket takes to fill.
func TestClockSetBack(t *testing.T) {
	w := start()
	l := New(only(Rate{PerSecond: 1, Burst: 5}), w.now)
	allowed(l, 5)
	w.at = w.at.Add(-24 * time.Hour)
	if got := allowed(l, 5); got != 0 {
		t.Errorf("%d allowed from an empty bucket", got)
	}
	w.at = w.at.Add(5 * time.Second)
	if got := allowed(l, 10); got != 5 {
		t.Errorf("%d allowed, want 5", got)
	}
}

// A call that looked at the clock a little before another one drew gives nothing back to the bucket.
func TestStaleNowRefillsNothing(t *testing.T) {
	w := start()
	l := New(only(Rate{PerSecond: 100, Burst: 10}), w.now)
	allowed(l, 10)
	w.at = w.at.Add(-50 * time.Millisecond)
	allowed(l, 1)
	w.at = w.at.Add(50 * time.Millisecond)
	if got := allowed(l, 10); got != 0 {
		t.Errorf("%d allowed from an empty bucket", got)
	}
}

func TestBucketsAreApart(t *testing.T) {
	limits := AWS()
	limits.Rates["ResolveCustomer"] = Rate{PerSecond: 1}
	limits.Rates["MeterUsage"] = Rate{PerSecond: 1}
	l := New(limits, start().now)
	for _, who := range [][3]string{
		{"ResolveCustomer", account, region}, {"MeterUsage", account, region}, {"ResolveCustomer", "210987654321", region},
		{"ResolveCustomer", account, "eu-west-1"}, {"ResolveCustomer", region, account}, {"ResolveCustomer", account + region, ""},
	} {
		if !l.Allow(who[0], who[1], who[2]) {
			t.Errorf("%v shares a bucket", who)
		}
		if l.Allow(who[0], who[1], who[2]) {
			t.Errorf("%v is not limited", who)
		}
	}
	for range 1000 {
		if !l.Allow("AssumeRole", account, region) {
			t.Fatal("an operation without a limit is limited")
		}
	}
}

func TestOff(t *testing.T) {
	l := New(Off(), nil)
	if got := allowed(l, 1000); got != 1000 || l.size() != 0 {
		t.Errorf("%d allowed, %d buckets", got, l.size())
	}
}

// The limiter allows what a bucket of tokens would.
func TestIsATokenBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := start()
		rate := Rate{PerSecond: rapid.Float64Range(0.1, 1000).Draw(t, "rate"), Burst: rapid.IntRange(1, 50).Draw(t, "burst")}
		l := New(only(rate), w.now)
		tokens := float64(rate.Burst)
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			step := rapid.Float64Range(0, 1.5*float64(rate.Burst)/rate.PerSecond).Draw(t, "step")
			d := time.Duration(step * float64(time.Second))
			w.at = w.at.Add(d)
			tokens = math.Min(float64(rate.Burst), tokens+d.Seconds()*rate.PerSecond)

			n := rapid.IntRange(0, 60).Draw(t, "calls")
			got := allowed(l, n)
			// An interval is cut to whole nanoseconds, one part in a million at 1000 a second; over 50 steps that is
			// less than a hundredth of a token.
			least, most := min(n, int(math.Max(0, tokens-0.01))), min(n, int(tokens+0.01))
			if got < least || got > most {
				t.Fatalf("%d of %d allowed with %v tokens", got, n, tokens)
			}
			tokens = math.Max(0, tokens-float64(got))
		}
	})
}

func TestDefaultClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(AWS(), nil)
		if got := allowed(l, 50); got != 10 {
			t.Errorf("%d at once, want 10", got)
		}
		time.Sleep(300 * time.Millisecond)
		if got := allowed(l, 50); got != 3 {
			t.Errorf("%d after 0.3 s, want 3", got)
		}
		total := 0
		for range 100 {
			time.Sleep(70 * time.Millisecond)
			total += allowed(l, 5)
		}
		if total != 70 {
			t.Errorf("%d in 7 s, want 70", total)
		}
	})
}

func TestConcurrentIsExact(t *testing.T) {
	l := New(only(Rate{PerSecond: 1, Burst: 1000}), start().now)
	var ok atomic.Int64
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 1000 {
				if l.Allow("ResolveCustomer", account, region) {
					ok.Add(1)
				}
				l.Allow("ResolveCustomer", account, strconv.Itoa(worker*1000+i)) // buckets come meanwhile
			}
		})
	}
	group.Wait()
	if ok.Load() != 1000 {
		t.Errorf("%d allowed, want 1000", ok.Load())
	}
}

func TestIdleBucketsAreSwept(t *testing.T) {
	w := start()
	l := New(AWS(), w.now)
	spray := func(prefix string, n int) {
		for i := range n {
			l.Allow("ResolveCustomer", account, prefix+strconv.Itoa(i))
		}
	}
	spray("a", 20_000)
	if got := l.size(); got != 20_000 {
		t.Errorf("%d live buckets, want 20000", got)
	}
	w.at = w.at.Add(time.Minute)
	spray("b", 40_000)
	if got := l.size(); got < 40_000 || got > 42_000 {
		t.Errorf("%d buckets, of which 40000 live", got)
	}
}

// Calls in a sweep keep what a bucket that is not full has lost.
func TestSweepKeepsLiveBuckets(t *testing.T) {
	w := start()
	l := New(only(Rate{PerSecond: 0.01, Burst: 2}), w.now)
	allowed(l, 2)
	for i := range 30_000 {
		w.at = w.at.Add(time.Microsecond)
		l.Allow("ResolveCustomer", account, strconv.Itoa(i))
	}
	if got := allowed(l, 1); got != 0 {
		t.Error("a sweep filled a bucket")
	}
}

func TestBucketsAreBounded(t *testing.T) {
	const most = 1024
	l := newLimiter(only(Rate{PerSecond: 0.01}), start().now, most)
	for i := range 20 * most {
		if !l.Allow("ResolveCustomer", account, strconv.Itoa(i)) {
			t.Fatalf("newcomer %d is refused because others are many", i)
		}
		if i%most == 0 && l.size() > most {
			t.Fatalf("%d buckets", l.size())
		}
	}
	if got := l.size(); got != most {
		t.Errorf("%d buckets, want %d", got, most)
	}
}

func TestAllowAllocatesNothing(t *testing.T) {
	for name, limits := range map[string]Limits{"aws": AWS(), "off": Off()} {
		l := New(limits, nil)
		l.Allow("ResolveCustomer", account, region)
		if n := testing.AllocsPerRun(100, func() { l.Allow("ResolveCustomer", account, region) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkAllow(b *testing.B) {
	bench := func(name string, l *Limiter) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.Allow("ResolveCustomer", account, region)
			}
		})
	}
	bench("off", New(Off(), nil))
	bench("allowed", New(only(Rate{PerSecond: 1e9, Burst: 1e9}), nil))
	bench("refused", New(only(Rate{PerSecond: 0.001, Burst: 1}), nil))
	bench("time.Now", New(only(Rate{PerSecond: 1e9, Burst: 1e9}), time.Now))
	b.Run("parallel", func(b *testing.B) {
		l := New(only(Rate{PerSecond: 1e9, Burst: 1e9}), nil)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.Allow("ResolveCustomer", account, region)
			}
		})
	})
	b.Run("newcomers", func(b *testing.B) { // each a bucket of its own, the limiter full
		l := New(only(Rate{PerSecond: 0.001}), nil)
		regions := make([]string, 1<<18)
		for i := range regions {
			regions[i] = fmt.Sprint("region-", i)
		}
		i := 0
		for b.Loop() {
			l.Allow("ResolveCustomer", account, regions[i%len(regions)])
			i++
		}
	})
}
