package reqlog

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// Config is what a Log is made of.
type Config struct {
	// Capacity is how many records stay; 0: DefaultCapacity.
	Capacity int
	// AccessLog gets one line a request; nil: none.
	AccessLog *slog.Logger
	// Observe sees each record at its end (metrics). It must not keep it.
	Observe func(*Record)
}

// DefaultCapacity of a Log, in records: a few megabytes when full.
const DefaultCapacity = 2000

// Log keeps the newest records in a ring. It is safe for concurrent use.
type Log struct {
	access  *slog.Logger
	observe func(*Record)
	pool    sync.Pool

	mu        sync.Mutex
	ring      []*Record
	seq       uint64 // of the newest record
	followers map[chan View]struct{}
}

// New makes a Log.
func New(cfg Config) *Log {
	if cfg.Capacity <= 0 {
		cfg.Capacity = DefaultCapacity
	}
	return &Log{
		access: cfg.AccessLog, observe: cfg.Observe,
		ring: make([]*Record, cfg.Capacity), followers: map[chan View]struct{}{},
		pool: sync.Pool{New: func() any { return &Record{Body: make([]byte, 0, 1024), Response: make([]byte, 0, 1024)} }},
	}
}

// Begin hands out an empty record.
func (l *Log) Begin() *Record { return l.pool.Get().(*Record) }

// Commit ends a record: it is observed, logged, kept. The caller must not touch it again.
func (l *Log) Commit(r *Record) {
	r.trim()
	if l.observe != nil {
		l.observe(r)
	}
	if l.access != nil {
		l.line(r)
	}
	l.mu.Lock()
	l.seq++
	r.Seq = l.seq
	slot := &l.ring[(l.seq-1)%uint64(len(l.ring))]
	old := *slot
	*slot = r
	if len(l.followers) > 0 {
		v := r.View()
		for ch := range l.followers {
			select {
			case ch <- v:
			default: // a follower that does not keep up misses records rather than holding up requests
			}
		}
	}
	l.mu.Unlock()
	if old != nil { // nobody else holds it: readers copy under the lock
		old.reset()
		l.pool.Put(old)
	}
}

func (l *Log) line(r *Record) {
	attrs := [...]slog.Attr{
		slog.String("id", r.ID), slog.String("op", r.Operation), slog.Int("status", r.Status), slog.String("outcome", r.Outcome()),
		slog.Int64("us", r.Duration.Microseconds()), slog.String("remote", r.Remote), slog.String("key", r.AccessKeyID),
		slog.String("principal", r.Principal), slog.String("region", r.Region), slog.String("product", r.ProductCode),
		slog.String("reason", r.Reason),
	}
	n := len(attrs)
	if r.Reason == "" {
		n--
	}
	l.access.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs[:n]...)
}

// Filter narrows a list. Empty fields match everything.
type Filter struct {
	Operation string
	Outcome   string // "ok", "error", "cut", or an error code
	Principal string // part of the ARN, or the access key id
	Product   string
	Before    uint64 // only records with a lower Seq; 0: from the newest
	Limit     int    // 0: 100
}

func (f *Filter) match(r *Record) bool {
	outcome := r.Outcome()
	return (f.Before == 0 || r.Seq < f.Before) &&
		(f.Operation == "" || f.Operation == r.Operation) &&
		(f.Outcome == "" || f.Outcome == outcome || f.Outcome == "error" && outcome != "ok") &&
		(f.Principal == "" || strings.Contains(r.Principal, f.Principal) || f.Principal == r.AccessKeyID) &&
		(f.Product == "" || f.Product == r.ProductCode)
}

// List copies the newest records that match, newest first.
func (l *Log) List(f Filter) []View {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []View
	n := uint64(len(l.ring))
	for seq := l.seq; seq > 0 && seq+n > l.seq && len(out) < f.Limit; seq-- {
		if r := l.ring[(seq-1)%n]; r != nil && f.match(r) {
			out = append(out, r.View())
		}
	}
	return out
}

// Get copies a record by its request id.
func (l *Log) Get(id string) (View, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.ring {
		if r != nil && r.ID == id {
			return r.View(), true
		}
	}
	return View{}, false
}

// Follow sends each record that is committed from now on, until ctx ends and the channel closes.
func (l *Log) Follow(ctx context.Context) <-chan View {
	ch := make(chan View, 256)
	l.mu.Lock()
	l.followers[ch] = struct{}{}
	l.mu.Unlock()
	context.AfterFunc(ctx, func() {
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
