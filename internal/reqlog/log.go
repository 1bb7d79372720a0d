package reqlog

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

// Config is what a Log is made of.
type Config struct {
	// Capacity is how many records stay; 0: DefaultCapacity.
	Capacity int
	// MaxBytes is how much memory they may take, roughly; 0: DefaultMaxBytes. The oldest go first.
	MaxBytes int
	// AccessLog gets one line of JSON a request, each in one Write; nil: none. It must be safe for concurrent use.
	AccessLog io.Writer
	// Observe sees each record at its end (metrics). It must not keep it.
	Observe func(*Record)
}

// Defaults of a Config.
const (
	DefaultCapacity = 1000
	DefaultMaxBytes = 16 << 20
)

// listBody is how much of a body a list shows, in bytes; Get shows what is there.
const listBody = 4 << 10

// listHold is at how many records a list looks before it lets others have the lock.
const listHold = 2048

// Log keeps the newest records in a ring. It is safe for concurrent use. What takes time (masking) is done on copies, outside its lock: every
// request passes through it.
type Log struct {
	access    io.Writer
	lines     sync.Pool
	observe   func(*Record)
	maxBytes  int
	pool      sync.Pool
	following atomic.Int32

	mu        sync.Mutex
	ring      []kept
	seq       uint64 // of the newest record
	first     uint64 // of the oldest that is kept; seq+1 if none is
	bytes     int    // that all kept records take
	followers map[chan View]struct{}
}

// kept is a slot of the ring.
type kept struct {
	record *Record
	size   int
}

// New makes a Log.
func New(cfg Config) *Log {
	if cfg.Capacity <= 0 {
		cfg.Capacity = DefaultCapacity
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	return &Log{
		access: cfg.AccessLog, observe: cfg.Observe, maxBytes: cfg.MaxBytes,
		ring: make([]kept, cfg.Capacity), first: 1, followers: map[chan View]struct{}{},
		lines: sync.Pool{New: func() any { return new([]byte) }},
		pool:  sync.Pool{New: func() any { return &Record{Body: make([]byte, 0, 512), Response: make([]byte, 0, 512)} }},
	}
}

// Begin hands out an empty record.
func (l *Log) Begin() *Record { return l.pool.Get().(*Record) }

// Commit ends a record: it is observed, logged, kept. The caller must not touch it again.
func (l *Log) Commit(r *Record) {
	size := r.trim()
	if l.observe != nil {
		l.observe(r)
	}
	if l.access != nil {
		l.write(r)
	}
	var view View
	follow := l.following.Load() > 0
	if follow {
		view = r.View()
	}
	l.mu.Lock()
	l.seq++
	r.Seq, view.Seq = l.seq, l.seq
	if l.seq-l.first >= uint64(len(l.ring)) {
		l.evict()
	}
	l.ring[(l.seq-1)%uint64(len(l.ring))] = kept{r, size}
	l.bytes += size
	for l.bytes > l.maxBytes && l.first < l.seq { // the newest stays, whatever its size
		l.evict()
	}
	if follow {
		for ch := range l.followers {
			select {
			case ch <- view:
			default: // a follower that does not keep up misses records rather than holding up requests
			}
		}
	}
	l.mu.Unlock()
}

// evict lets the oldest record go, under the lock. Nobody else holds it: readers copy.
func (l *Log) evict() {
	slot := &l.ring[(l.first-1)%uint64(len(l.ring))]
	l.first++
	l.bytes -= slot.size
	slot.record.reset()
	l.pool.Put(slot.record)
	*slot = kept{}
}

// write writes r's line, in one Write.
func (l *Log) write(r *Record) {
	buf := l.lines.Get().(*[]byte)
	*buf = r.appendLine((*buf)[:0])
	_, _ = l.access.Write(*buf) // whose business errors are: a request is not refused because its line is lost
	l.lines.Put(buf)
}

// Filter narrows a list. Empty fields match everything.
type Filter struct {
	Operation string
	Outcome   string // "ok", "error", "cut", or an error code
	Principal string // part of the ARN, or the access key id
	Product   string
	Buyer     string // account id
	License   string // part of the ARN
	Before    uint64 // only records with a lower Seq; 0: from the newest
	After     uint64 // only records with a higher Seq
	Limit     int    // 0: 100
	Scope     *Scope // who looks; nil: somebody who may see everything
}

func (f *Filter) match(r *Record) bool {
	outcome := r.Outcome()
	return (f.Before == 0 || r.Seq < f.Before) &&
		(f.Operation == "" || f.Operation == r.Operation) &&
		(f.Outcome == "" || f.Outcome == outcome || f.Outcome == "error" && outcome != "ok") &&
		(f.Principal == "" || strings.Contains(r.Principal, f.Principal) || f.Principal == r.AccessKeyID) &&
		(f.Product == "" || f.Product == r.ProductCode) &&
		(f.Buyer == "" || f.Buyer == r.Buyer) &&
		(f.License == "" || strings.Contains(r.LicenseARN, f.License))
}

// List shows the newest records that match, newest first, their bodies cut at 4 KiB.
func (l *Log) List(f Filter) []View {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	var found []Record
	l.mu.Lock()
	for seq, looked := l.seq, 0; seq >= l.first && seq > f.After && len(found) < f.Limit; seq-- {
		if looked++; looked%listHold == 0 { // every request waits for this lock at its end
			l.mu.Unlock()
			l.mu.Lock()
			if seq < l.first {
				break
			}
		}
		r := l.ring[(seq-1)%uint64(len(l.ring))].record
		if f.Scope != nil {
			narrowed, ok := f.Scope.narrowed(r)
			if !ok {
				continue
			}
			r = &narrowed
		}
		if f.match(r) {
			found = append(found, r.snapshot(listBody))
		}
	}
	l.mu.Unlock()
	var out []View
	for i := range found {
		out = append(out, found[i].View())
	}
	return out
}

// Get shows a record by its request id.
func (l *Log) Get(id string) (View, bool) { return l.GetFor(nil, id) }

// GetFor shows a record by its request id, as far as the scope shows it.
func (l *Log) GetFor(s *Scope, id string) (View, bool) {
	r, ok := l.find(id)
	if ok {
		r, ok = s.narrowed(&r)
	}
	if !ok {
		return View{}, false
	}
	return r.View(), true
}

func (l *Log) find(id string) (Record, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for seq := l.seq; seq >= l.first; seq-- {
		if r := l.ring[(seq-1)%uint64(len(l.ring))].record; r.ID == id {
			return r.snapshot(MaxBody), true
		}
	}
	return Record{}, false
}

// Follow sends each record that is committed from now on, until ctx ends and the channel closes.
func (l *Log) Follow(ctx context.Context) <-chan View {
	ch := make(chan View, 256)
	l.mu.Lock()
	l.followers[ch] = struct{}{}
	l.mu.Unlock()
	l.following.Add(1)
	context.AfterFunc(ctx, func() {
		l.following.Add(-1)
		l.mu.Lock()
		delete(l.followers, ch)
		close(ch)
		l.mu.Unlock()
	})
	return ch
}

// Wait returns the first record that satisfies ok, kept already or committed before ctx ends.
func (l *Log) Wait(ctx context.Context, ok func(View) bool) (View, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	follow := l.Follow(ctx)
	for _, v := range l.List(Filter{Limit: len(l.ring)}) {
		if ok(v) {
			return v, nil
		}
	}
	for v := range follow {
		if ok(v) {
			return v, nil
		}
	}
	return View{}, context.Cause(ctx)
}
