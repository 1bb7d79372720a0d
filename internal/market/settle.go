package market

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Agreements start, end, renew themselves and close down at times that are known beforehand. Nobody waits for those times: what is due happens when
// somebody looks, before they see anything, each thing as of the instant at which it fell due and all of them in the order of these instants. So it
// makes no difference whether the clock went there in one jump or second by second.
//
// Each step is part of an Update that first reads what is due next. Two that settle at once, on one node or on two, therefore never do anything twice.

// settleBatch bounds the steps of one Update: others who write wait for it.
const settleBatch = 250

// nothing is when the next thing falls due, if nothing ever does.
const nothing = math.MaxInt64

// due knows when the next thing falls due, in milliseconds of Unix time, so that a call need not ask the store. Where it errs, it errs to the
// early side, which costs a look at the store. A new one knows nothing, which is as early as can be.
type due struct {
	at       atomic.Int64
	settling chan struct{} // has room for one: whoever settles
	mu       sync.Mutex
	changes  uint64 // grows with every change of agreements on this node
}

// changed notes that an Update took effect after which the next thing is due at that time, or 0 where that is not known. Updates do not arrive
// here in the order in which they were committed, so this only ever brings the time forward.
func (d *due) changed(next int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes++
	d.at.Store(min(d.at.Load(), next))
}

func (d *due) generation() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changes
}

// settled puts the time off to what was read from the store since a generation, unless there were changes that it may not have seen.
func (d *due) settled(next int64, since uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes != since {
		next = min(d.at.Load(), next)
	}
	d.at.Store(next)
}

// enter waits until nobody else settles, or until ctx ends: a long chain of renewals can take a while, and those who hang up meanwhile need not wait.
func (d *due) enter(ctx context.Context) error {
	select {
	case d.settling <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *due) leave() { <-d.settling }

// nextDue is when the next thing falls due.
func nextDue(tx Tx) (int64, error) {
	a, ok, err := tx.NextDue()
	if err != nil || !ok {
		return nothing, err
	}
	return a.DueAt.UnixMilli(), nil
}

// Settle runs everything that has fallen due by now, in order of its time, and answers how many steps that were. Every call that looks at
// agreements does this for itself; a clock that was moved calls it to have it done before it says so, and a node that others share a store with
// calls it now and then to see what they changed.
func (s *Service) Settle(ctx context.Context, c Caller) (steps int, err error) {
	if err := operatorOnly(c); err != nil {
		return 0, err
	}
	now := s.enter(time.Time{})
	defer s.leave()
	if err := s.due.enter(ctx); err != nil {
		return 0, err
	}
	defer s.due.leave()
	steps, err = s.settle(ctx, now)
	return steps, asMarket("settle", err)
}

// settled makes sure that nothing is overdue at now, before a call looks at agreements. It costs one comparison when nothing is.
func (s *Service) settled(ctx context.Context, now time.Time) error {
	if now.UnixMilli() < s.due.at.Load() {
		return nil
	}
	if err := s.due.enter(ctx); err != nil {
		return err
	}
	defer s.due.leave()
	if now.UnixMilli() < s.due.at.Load() { // another caller has done it meanwhile
		return nil
	}
	_, err := s.settle(ctx, now)
	return asMarket("settle", err)
}

// settle runs steps until none is due. The caller holds due.settling.
func (s *Service) settle(ctx context.Context, now time.Time) (steps int, err error) {
	for {
		since, next := s.due.generation(), int64(0)
		err := s.store.View(ctx, func(tx Tx) (err error) {
			next, err = nextDue(tx)
			return err
		})
		if err != nil {
			return steps, err
		}
		if next > now.UnixMilli() {
			s.due.settled(next, since)
			return steps, nil
		}
		n, err := s.settleSome(ctx, now)
		if err != nil {
			return steps, err // what is due stays due
		}
		steps += n
	}
}

// settleSome runs the next steps that are due, in one Update.
func (s *Service) settleSome(ctx context.Context, now time.Time) (steps int, err error) {
	var e *editor
	err = s.store.Update(context.WithoutCancel(ctx), func(tx Tx) error {
		e = newEditor(tx, s.rand, now)
		for steps = 0; steps < settleBatch; steps++ {
			a, ok, err := tx.NextDue()
			if err != nil {
				return err
			}
			if !ok || a.DueAt.After(now) {
				break
			}
			if err := e.step(a); err != nil {
				return err
			}
		}
		return e.documented()
	})
	switch {
	case err == nil:
		s.forgetTouched(e)
		return steps, nil
	case CodeOf(err) == OutcomeUnsure:
		s.forgetAll()
	}
	return 0, err
}

// step does what is due next of an agreement, as of the time at which it was.
func (e *editor) step(a Agreement) error {
	at := a.DueAt
	switch a.Phase {
	case Scheduled:
		a.Phase, a.DueAt = Running, a.EndAt
		if err := e.note(&a, at, EventStarted, ""); err != nil {
			return err
		}
		return e.put(a)
	case Running:
		return e.runOut(a, at)
	}
	a.Phase, a.DueAt = ClosedDown, time.Time{}
	if err := e.note(&a, at, EventClosedDown, ""); err != nil {
		return err
	}
	return e.put(a)
}

// runOut ends an agreement whose time is over: it was renewed, or renews itself now, or has expired.
func (e *editor) runOut(a Agreement, at time.Time) error {
	a.Phase, a.DueAt = FinalHour, at.Add(FinalHourLength)
	renewals, err := e.renewals(&a)
	if err != nil {
		return err
	}
	var next *Agreement
	detail := ""
	switch {
	case len(renewals) > 0:
		a.Status, detail = Renewed, "by agreement "+renewals[0].ID
	case a.AutoRenew:
		if next, detail, err = e.renewal(&a, at); err != nil {
			return err
		}
		a.Status = Expired
		if next != nil {
			a.Status, detail = Renewed, "by itself, by agreement "+next.ID
		}
	default:
		a.Status = Expired
	}
	if err := e.note(&a, at, ending(a.Status), detail); err != nil {
		return err
	}
	if err := e.put(a); err != nil || next == nil {
		return err
	}
	if err := e.note(next, at, EventAccepted, acceptance(next)); err != nil {
		return err
	}
	return e.put(*next) // and its start is due next
}

// renewal is the agreement that one makes of itself at its end, on the terms that it had; or nil, and why there is none. It stays scheduled: its
// start is a step of its own.
//
// An account that is suspended buys nothing, by itself neither, and a suspended agreement is not gone on with.
func (e *editor) renewal(a *Agreement, at time.Time) (*Agreement, string, error) {
	buyer, ok, err := e.tx.Account(a.Buyer)
	if err != nil {
		return nil, "", err
	}
	product, _, err := e.tx.Product(a.ProductCode)
	if err != nil {
		return nil, "", err
	}
	next := Agreement{
		ProductCode: a.ProductCode, OfferID: a.OfferID, Seller: a.Seller, Buyer: a.Buyer, Status: Active, Intent: IntentRenew, PrecedingID: a.ID,
		AcceptedAt: at, StartAt: at, EndAt: addMonths(at, a.TermMonths), TermMonths: a.TermMonths, AutoRenew: true, Entitlements: a.Entitlements,
		Phase: Scheduled, DueAt: at,
	}
	switch {
	case !ok || buyer.Suspended:
		return nil, "not renewed: account " + a.Buyer + " is suspended", nil
	case !a.SuspendedAt.IsZero():
		return nil, "not renewed: it is suspended", nil
	case a.TermMonths < 1:
		return nil, "not renewed: it has no term", nil
	case next.EndAt.Year() > lastYear:
		return nil, "not renewed: that would last beyond the last year that can be written", nil
	}
	other, clash, err := overlapping(e.tx, &product, &next, map[string]bool{a.ID: true})
	if err != nil {
		return nil, "", err
	}
	if clash {
		return nil, "not renewed: agreement " + other.ID + " is to last " + other.span(), nil
	}
	if next.ID, err = newAgreementID(e.rand); err != nil {
		return nil, "", err
	}
	next.LicenseARN, err = newLicenseARN(e.rand)
	return &next, "", err
}
