package api

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// probe measures how long a request lies about before a processor has looked at it at all.
//
// Where requests need nothing but a processor, the ones that wait are seen by nobody: their bytes are in sockets, their connections in the ready list of the
// kernel's poller, and a goroutine that gets a processor keeps it for the whole of its request, so that never more of them are under way than
// there are processors. Counting them tells nothing. So a byte is sent through a pipe that the same poller watches: it queues behind every connection
// that is ready now, and goes through the scheduler as they do. How long it was on its way is how long a request that arrives now will wait.
//
// Requests send it, one at a time and at most one each interval; a Souk that nobody asks sends none.
type probe struct {
	target time.Duration // longer than this, and requests come late

	start   time.Time
	out     atomic.Int64 // when the byte that is on its way was sent, since start; 0: none is
	arrived atomic.Int64 // when the last one arrived
	took    atomic.Int64 // how long that was on its way
	before  atomic.Int64 // and the one before it

	running atomic.Bool
	r, w    *os.File
	mu      sync.Mutex // of opening and closing
	done    chan struct{}
	closed  bool
}

// probeInterval is how long after the arrival of a byte the next one is sent. At some 12 µs a byte, that is a quarter of a percent of a processor.
const probeInterval = 5 * time.Millisecond

// open has the probe's bytes taken in, until close.
func (p *probe) open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.done != nil {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("open probe: %w", err)
	}
	p.r, p.w, p.done = r, w, make(chan struct{})
	p.running.Store(true)
	go p.run()
	return nil
}

// close ends the probe. It is not opened again.
func (p *probe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed = true; p.done == nil {
		return
	}
	p.running.Store(false)
	_ = p.w.Close()
	<-p.done
	_ = p.r.Close()
	p.done = nil
}

// excess is which share of the requests is too much: without it, those that are left would come in time. 0 while they do. It sends a byte if it is time.
//
// It goes by the shorter one of the last two ways, where a byte that has been on its way for too long counts already. So one moment in which nothing got a
// processor, because the machine was busy with something else, refuses nobody.
func (p *probe) excess() float64 {
	if !p.running.Load() {
		return 0
	}
	now, wait := int64(time.Since(p.start)), p.took.Load()
	if out := p.out.Load(); out != 0 && now-out > int64(p.target) {
		wait = min(wait, now-out)
	} else {
		wait = min(wait, p.before.Load())
		if out == 0 && now-p.arrived.Load() > int64(probeInterval) {
			p.send()
		}
	}
	if wait <= int64(p.target) {
		return 0
	}
	return 1 - float64(p.target)/float64(wait)
}

// send sends a byte unless one is on its way. It can fail only when the probe is being closed.
func (p *probe) send() {
	if p.out.CompareAndSwap(0, int64(time.Since(p.start))) {
		_, _ = p.w.Write([]byte{0})
	}
}

// run takes the bytes in. While they come late it has the next one sent, since nobody else may be left to do it, and those who come later would be judged
// by what was long ago. It does not send that itself: a byte that is there when it reads has gone past the poller.
func (p *probe) run() {
	defer close(p.done)
	var buf [1]byte
	for {
		if n, err := p.r.Read(buf[:]); n == 0 || err != nil {
			return
		}
		now := int64(time.Since(p.start))
		took := now - p.out.Load()
		p.before.Store(p.took.Load())
		p.took.Store(took)
		p.arrived.Store(now)
		p.out.Store(0)
		if took > int64(p.target) {
			time.AfterFunc(probeInterval, p.send)
		}
	}
}
