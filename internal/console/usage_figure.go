package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Figures are what takes longer the more usage there is. A page does not wait for them: it has what is there, says how old that is, and the rest is made
// meanwhile. What is made quickly is made anew for every page, so that a small market's figures are always of now.
const (
	// DefaultPatience is how long a page waits for all of its figures.
	DefaultPatience = 25 * time.Millisecond
	// A figure that took longer than that rests rest times as long: all who look at it keep one core busy for a tenth of the time at most.
	rest = 9
	// figureTime is how long one may take. It is asked for again by whoever looks then.
	figureTime = time.Minute
	// maxFigures is how many are kept.
	maxFigures = 12
	// maxMaking is how many are made at once; others are asked for again.
	maxMaking = 16
)

// figures keeps figures by what they are of. Its zero value is ready.
type figures struct {
	most time.Duration // how long a page waits; 0: DefaultPatience

	mu      sync.Mutex
	kept    map[string]*figure
	running int
}

type figure struct {
	value any
	err   error
	begun time.Time // when what is there was begun; zero: nothing is there
	ended time.Time
	took  time.Duration
	used  time.Time
	next  chan struct{} // closed when what is being made is there; nil: nothing is being made
}

// pending is a figure that a page has asked for.
type pending struct {
	f     *figure
	asked time.Time
	next  chan struct{} // nil: there is nothing to wait for
}

// age is how a page tells of a figure: made for it, older, or still to come.
type age struct {
	Missing bool
	Ago     string // how long before this page it was begun; "": it was made for it
}

func (fs *figures) patience() time.Duration { return cmp.Or(fs.most, DefaultPatience) }

// ask has a figure made for who looks, unless one is being made or what is there may rest. It is made to its end, also when ctx ends.
func (fs *figures) ask(ctx context.Context, key string, compute func(context.Context) (any, error)) pending {
	now := time.Now()
	caller := callerIn(ctx)
	key = fmt.Sprint(caller.ARN, "\x00", caller.Rights, "\x00", key) // others may see less, or more
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.kept[key]
	if f == nil {
		f = &figure{}
		fs.evict()
		if fs.kept == nil {
			fs.kept = map[string]*figure{}
		}
		fs.kept[key] = f
	}
	f.used = now
	rested := f.begun.IsZero() || f.took <= fs.patience() || now.Sub(f.ended) >= rest*f.took
	if f.next == nil && rested && fs.running < maxMaking {
		f.next = make(chan struct{})
		fs.running++
		go fs.run(withCaller(context.Background(), caller), f, now, compute)
	}
	p := pending{f: f, asked: now, next: f.next}
	if !f.begun.IsZero() && f.took > fs.patience() {
		p.next = nil // it would not be there in time
	}
	return p
}

// evict makes room for one more, under the lock.
func (fs *figures) evict() {
	for len(fs.kept) >= maxFigures {
		oldest := ""
		for key, f := range fs.kept {
			if oldest == "" || f.used.Before(fs.kept[oldest].used) {
				oldest = key
			}
		}
		delete(fs.kept, oldest) // whoever waits for it still has it
	}
}

// forget lets all go, also what is being made: they are of a market that is another one now.
func (fs *figures) forget() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	clear(fs.kept)
}

func (fs *figures) run(ctx context.Context, f *figure, begun time.Time, compute func(context.Context) (any, error)) {
	ctx, cancel := context.WithTimeout(ctx, figureTime)
	defer cancel()
	value, err := attempt(ctx, compute)
	ended := time.Now()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.running--
	f.value, f.err, f.begun, f.ended, f.took = value, err, begun, ended, ended.Sub(begun)
	close(f.next)
	f.next = nil
}

// attempt has a panic fail one figure, and not the process: there is no net/http around it.
func attempt(ctx context.Context, compute func(context.Context) (any, error)) (value any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("console: make figure: panic: %v", v)
		}
	}()
	return compute(ctx)
}

// figureOf is what was asked for, as it is there by the deadline. A failure is told once, and then tried again.
func figureOf[T any](ctx context.Context, fs *figures, p pending, deadline <-chan time.Time) (value T, a age, err error) {
	if p.next != nil {
		select {
		case <-p.next:
		case <-deadline:
		case <-ctx.Done():
			return value, a, ctx.Err()
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := p.f
	switch {
	case f.err != nil:
		err, f.err, f.begun = f.err, nil, time.Time{}
		if errors.Is(err, context.DeadlineExceeded) {
			return value, age{Missing: true}, nil
		}
		return value, a, err
	case f.begun.IsZero():
		return value, age{Missing: true}, nil
	}
	if f.begun.Before(p.asked) {
		a.Ago = max(time.Since(f.begun).Round(time.Second), time.Second).String() // not when: that would be the wall clock, and pages show the market's
	}
	value, _ = f.value.(T)
	return value, a, nil
}
