package api

import (
	"context"
	"sync"
	"time"
)

// line hands out turns, and is where requests wait for one. The zero line has none to hand out.
//
// While nobody has waited long, turns go to whoever has waited longest. Once the one in front has used up half of its patience there are more requests
// than turns, and some will be sent away whatever the order is: then the newest goes first ("adaptive LIFO", Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
// So most of those who get a turn get it at once, where in order of arrival each of them would have waited for as long as anybody may.
type line struct {
	patience time.Duration // how long somebody waits as a rule, by which the order is chosen

	mu             sync.Mutex
	free           int // turns that nobody has
	oldest, newest *waiter
	waiting        int
}

// waiter is a place in a line. A call has one, and uses it again.
type waiter struct {
	older, newer *waiter
	since        time.Time
	turn         chan struct{} // of one: the turn, from who hands it out
	timer        *time.Timer
	queued       bool // in the line; under its lock
}

// outcome of a wait.
type admitted int

const (
	inTurn  admitted = iota
	tooLong          // the time is over
	hungUp           // the client has
)

// take gets a turn if one is free. Who has one gives it back by leave.
func (l *line) take() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free == 0 {
		return false
	}
	l.free--
	return true
}

// wait gets a turn, by waiting for it for so long at most.
func (l *line) wait(ctx context.Context, w *waiter, patience time.Duration) admitted {
	if w.turn == nil {
		w.turn, w.timer = make(chan struct{}, 1), time.NewTimer(patience)
	} else {
		w.timer.Reset(patience)
	}
	l.mu.Lock()
	if l.free > 0 { // since it was asked for
		l.free--
		l.mu.Unlock()
		w.timer.Stop()
		return inTurn
	}
	w.since, w.queued, w.older = time.Now(), true, l.newest
	if l.newest != nil {
		l.newest.newer = w
	} else {
		l.oldest = w
	}
	l.newest = w
	l.waiting++
	l.mu.Unlock()

	outcome := inTurn
	select {
	case <-w.turn:
	case <-w.timer.C:
		outcome = tooLong
	case <-ctx.Done():
		outcome = hungUp
	}
	w.timer.Stop()
	if outcome == inTurn {
		return inTurn
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.queued { // the turn came at the same moment
		<-w.turn
		return inTurn
	}
	l.remove(w)
	return outcome
}

// leave gives a turn back.
func (l *line) leave() {
	l.mu.Lock()
	if !l.next() {
		l.free++
	}
	l.mu.Unlock()
}

// next hands a turn to somebody, under the lock; false: nobody waits.
func (l *line) next() bool {
	w := l.oldest
	if w == nil {
		return false
	}
	if time.Since(w.since) > l.patience/2 {
		w = l.newest
	}
	l.remove(w)
	w.turn <- struct{}{}
	return true
}

func (l *line) remove(w *waiter) {
	if w.older != nil {
		w.older.newer = w.newer
	} else {
		l.oldest = w.newer
	}
	if w.newer != nil {
		w.newer.older = w.older
	} else {
		l.newest = w.older
	}
	w.older, w.newer, w.queued = nil, nil, false
	l.waiting--
}

// length is how many wait.
func (l *line) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}
