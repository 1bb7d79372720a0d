package api

import (
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/reqlog"
)

// admission bounds how long requests wait and how much memory they take, however many come. What is too much is shed: refused with ThrottlingException.
// There are three bounds:
//
//   - The processors. When the probe says that requests come late, so many are refused that the others come in time; before their bodies are read.
//   - Turns. Of each operation only so many calls are under way: those that wait for a commit of the store wait among themselves, and hold no other
//     operation up. The others wait for their turn, for maxWait at most.
//   - Bodies. All that are being read or worked on together take bodyBudget bytes at most.
//
// Most of what a request costs is its way through the kernel and net/http, so that a refusal costs three quarters of an answer of ResolveCustomer. A client
// that was refused and comes again at once would be refused again, and soon nothing else would be done. SDKs do not: they back off. Who does is slowed down:
// from a connection whose request was too much for the processors nothing is read for one to three times maxWait, which is about as long as SDKs wait before they
// try again what was throttled; and one that waited for its turn in vain waits longer the next time, before it is refused again.
type admission struct {
	maxWait time.Duration // 0: everybody waits for as long as it takes
	probe   probe
	turns   map[*operation]*line
	bodies  budget
	shed    [causes]atomic.Uint64
}

// turns is how many calls of an operation may be under way. A store that commits groups of callers (sqlstore: 256) has one group at work then, and
// gathers another.
const turns = 512

// Cause is why a request was shed.
type Cause int

// The causes.
const (
	NoProcessor Cause = iota // requests came late
	NoTurn                   // too many calls of its operation were under way
	NoRoom                   // the bodies of others took all the memory that there is for them
	causes
)

// String is the cause as metrics name it.
func (c Cause) String() string { return [...]string{"processor", "turn", "body"}[c] }

// Causes are all causes.
func Causes() []Cause { return []Cause{NoProcessor, NoTurn, NoRoom} }

func newAdmission(maxWait time.Duration) *admission {
	a := &admission{maxWait: maxWait, turns: map[*operation]*line{}}
	for _, op := range operations {
		a.turns[op] = &line{free: turns, patience: maxWait}
	}
	a.bodies.left.Store(bodyBudget)
	// Half: where half of the requests are too many, those that are let in wait for maxWait.
	a.probe.target, a.probe.start = maxWait/2, time.Now()
	return a
}

// admit refuses what is too much for the processors. The record of what is refused says what it would have called.
func (q *call) admit(service, operation string) *awsproto.Fault {
	a := q.s.admission
	if share := a.probe.excess(); share == 0 || rand.Float64() >= share {
		return nil
	}
	if op := findOperation(service, operation); op != nil {
		q.rec.Operation = op.name
	}
	if c, ok := q.r.Context().Value(connKey{}).(*conn); ok {
		c.pause(a.spell())
	}
	return q.refuse(NoProcessor, "requests come late by more than "+a.probe.target.String())
}

// takeTurn waits until few enough calls of the operation are under way. The turn is given back by giveTurnBack, at the latest when the call ends.
func (q *call) takeTurn() *awsproto.Fault {
	a := q.s.admission
	if a.maxWait == 0 {
		return nil
	}
	l := a.turns[q.op]
	if l.take() {
		q.turn = l
		return nil
	}
	c, _ := q.r.Context().Value(connKey{}).(*conn)
	patience := a.maxWait
	if c.wasRefused(3 * a.maxWait) {
		patience += a.spell()
	}
	q.enter(reqlog.Waiting)
	switch l.wait(q.r.Context(), &q.wait, patience) {
	case tooLong:
		c.noteRefusal()
		return q.refuse(NoTurn, "waited for "+patience.String()+" while "+strconv.Itoa(turns)+" calls of the operation were under way")
	case hungUp:
		return q.internal(q.r.Context().Err())
	}
	q.turn = l
	return nil
}

// spell is for how long those are slowed down who come again at once: one to three times maxWait, so that not all of them come back together.
func (a *admission) spell() time.Duration { return a.maxWait + rand.N(2*a.maxWait) }

// giveTurnBack lets another call of the operation be under way.
func (q *call) giveTurnBack() {
	if q.turn != nil {
		q.turn.leave()
		q.turn = nil
	}
}

// refuse sheds the request.
func (q *call) refuse(c Cause, why string) *awsproto.Fault {
	q.s.admission.shed[c].Add(1)
	q.rec.Reason = "shed: " + why
	return known("ThrottlingException", "")
}

// Load is how much a Server has to do.
type Load struct {
	Connections int            // open
	Waiting     int            // requests that wait for their turn
	Late        time.Duration  // how long a request lay about before a processor looked at it, when that was last measured
	Bodies      int64          // what large bodies that are being read or worked on take, in bytes
	Shed        [causes]uint64 // requests, by Cause
}

// Load tells how much the Server has to do.
func (s *Server) Load() Load {
	a := s.admission
	out := Load{Connections: int(s.capacity.open.Load()), Late: time.Duration(a.probe.took.Load()), Bodies: bodyBudget - a.bodies.left.Load()}
	for _, l := range a.turns {
		out.Waiting += l.length()
	}
	for c := range out.Shed {
		out.Shed[c] = a.shed[c].Load()
	}
	return out
}
