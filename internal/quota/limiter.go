package quota

import (
	"hash/maphash"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// maxBuckets is how many buckets a Limiter keeps at most: 3.2 MiB. A full bucket is the same as none, so only those
// count that were drawn from within the last burst/rate seconds.
const maxBuckets = 65_536

// shardCount is how many locks the buckets are spread over. A power of two.
const shardCount = 64

// setBack is how much later than its present a Limiter finds a clock to have been before it takes it for set back; longer
// than a goroutine waits for a processor.
const setBack = time.Second

// Limiter says who may call now. It is safe for concurrent use.
//
// A bucket is one number, by the generic cell rate algorithm: the instant at which it will be full again. So nothing has
// to run to fill buckets, and a call that is allowed moves that instant on in one compare-and-swap.
type Limiter struct {
	operations []operation
	clock      func() int64 // nanoseconds since the start
	accounts   maphash.Seed
	regions    maphash.Seed
	perShard   int
	shards     [shardCount]shard
}

// operation is a Rate, made ready.
type operation struct {
	name     string
	salt     uint64 // sets its buckets apart from those of other operations
	interval int64  // nanoseconds that one call's refill takes
	depth    int64  // nanoseconds that an empty bucket takes to be full
}

// shard holds the buckets whose hash ends alike, by the whole hash. That stands for operation, account and Region: with
// 64 bits under random seeds, the chance that any two of 65,536 share a bucket is below one in a thousand million.
type shard struct {
	mu      sync.RWMutex // held for writing to add and to forget, so that no bucket goes while a call draws from it
	buckets map[uint64]*atomic.Int64
	sweepAt int   // how many buckets there may be before the next sweep
	swept   int64 // when the last sweep was
}

// New makes a Limiter whose buckets are all full. The time is now's, which must be a wall clock, never the market's; nil
// is time.Now.
func New(limits Limits, now func() time.Time) *Limiter { return newLimiter(limits, now, maxBuckets) }

func newLimiter(limits Limits, now func() time.Time, most int) *Limiter {
	l := &Limiter{accounts: maphash.MakeSeed(), regions: maphash.MakeSeed(), perShard: max(1, most/shardCount)}
	if now == nil {
		start := time.Now()
		l.clock = func() int64 { return int64(time.Since(start)) } // reads the monotonic clock only: half of time.Now
	} else {
		start := now()
		l.clock = func() int64 { return int64(now().Sub(start)) }
	}
	for _, name := range sortedKeys(limits.Rates) {
		r := limits.Rates[name]
		if !(r.PerSecond > 0) {
			continue
		}
		// A rate too slow for the numbers here waits for a century.
		const century = float64(100 * 365 * 24 * time.Hour)
		op := operation{name: name, salt: rand.Uint64()}
		op.interval = max(1, int64(math.Min(float64(time.Second)/r.PerSecond, century)))
		burst := float64(r.Burst)
		if r.Burst <= 0 {
			burst = math.Max(1, math.Floor(r.PerSecond))
		}
		op.depth = max(op.interval, int64(math.Min(burst*float64(op.interval), century)))
		l.operations = append(l.operations, op)
	}
	return l
}

// Allow reports whether account may call operation in region now, and draws from its bucket if so. A call that is not
// allowed draws nothing. Operations without a limit are always allowed.
func (l *Limiter) Allow(operation, account, region string) bool {
	for i := range l.operations {
		if op := &l.operations[i]; op.name == operation {
			return l.draw(op, op.salt^maphash.String(l.accounts, account)^maphash.String(l.regions, region))
		}
	}
	return true
}

// draw draws a call from the bucket with this hash, and makes the bucket if there is none.
func (l *Limiter) draw(op *operation, hash uint64) bool {
	now := l.clock()
	s := &l.shards[hash%shardCount]
	s.mu.RLock()
	if b := s.buckets[hash]; b != nil {
		ok := op.take(b, now)
		s.mu.RUnlock()
		return ok
	}
	s.mu.RUnlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[hash] // another call may have made it meanwhile
	if b == nil {
		b = s.add(hash, now, l.perShard)
	}
	return op.take(b, now)
}

// take draws one call from a bucket, if it holds one.
func (op *operation) take(b *atomic.Int64, now int64) bool {
	for {
		full := b.Load()
		next := max(full, now) + op.interval
		if next-now > op.depth {
			// A bucket is never further from full than its depth, but for the moment between another call's look at the
			// clock and this one's. If it is by far, the clock was set back: the bucket is empty, and from now on it fills.
			if full > now+op.depth+int64(setBack) {
				b.CompareAndSwap(full, now+op.depth)
			}
			return false
		}
		if b.CompareAndSwap(full, next) {
			return true
		}
	}
}

// add makes a full bucket, and room for it. The caller holds the lock for writing.
func (s *shard) add(hash uint64, now int64, most int) *atomic.Int64 {
	if s.buckets == nil {
		s.buckets = make(map[uint64]*atomic.Int64)
	}
	if len(s.buckets) >= s.sweepAt && (len(s.buckets) < most || now-s.swept >= int64(time.Second) || now < s.swept) {
		s.sweep(now, most)
	}
	if len(s.buckets) >= most {
		s.forgetOne()
	}
	b := new(atomic.Int64)
	b.Store(now)
	s.buckets[hash] = b
	return b
}

// sweep forgets every full bucket. The next sweep is when the buckets have doubled, or a second later where there is no
// room for that, so that sweeps cost an added bucket a constant.
func (s *shard) sweep(now int64, most int) {
	for hash, b := range s.buckets {
		if b.Load() <= now {
			delete(s.buckets, hash)
		}
	}
	s.swept = now
	s.sweepAt = min(most, max(16, 2*len(s.buckets)))
}

// forgetOne makes room among buckets that are in use: of a few, it forgets the one that is nearest to full. Its owner
// gains some calls; the alternative is that some callers are refused because others are many.
func (s *shard) forgetOne() {
	var nearest uint64
	least, looked := int64(math.MaxInt64), 0
	for hash, b := range s.buckets { // begins anywhere
		if full := b.Load(); full < least {
			nearest, least = hash, full
		}
		if looked++; looked == 8 {
			break
		}
	}
	delete(s.buckets, nearest)
}

// size is how many buckets there are.
func (l *Limiter) size() (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.RLock()
		n += len(s.buckets)
		s.mu.RUnlock()
	}
	return n
}
