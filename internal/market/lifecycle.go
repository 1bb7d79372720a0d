package market

import (
	"cmp"
	"context"
	"time"
)

// Terms are those of an agreement that follows another.
type Terms struct {
	OfferID      string        // "": the same offer. With another one, what is left out below is as that says
	Entitlements []Entitlement // of the dimensions left out: as before
	TermMonths   int           // 0: as before
	AutoRenew    *bool         // nil: as before
}

// Amendment changes an agreement in place. Nil and empty members leave things as they are.
type Amendment struct {
	Entitlements []Entitlement // of the dimensions left out: as before
	EndAt        *time.Time
	AutoRenew    *bool
}

// alter changes one agreement, and answers what fn makes of it.
func (s *Service) alter(ctx context.Context, c Caller, act, id string, fn func(*editor, *Agreement) error) (a Agreement, err error) {
	if err := operatorOnly(c); err != nil {
		return Agreement{}, err
	}
	now := s.enter(time.Time{}).UTC().Truncate(time.Millisecond)
	defer s.leave()
	err = s.edit(ctx, now, s.store.Update, func(e *editor) error {
		var ok bool
		var err error
		if a, ok, err = e.tx.Agreement(id); err != nil {
			return err
		}
		if !ok {
			return fail(NotFound, "agreement %q does not exist", id)
		}
		return fn(e, &a)
	})
	if err != nil {
		return Agreement{}, asMarket(act, err)
	}
	return a, nil
}

// mustBeActive refuses what is done to agreements that are over.
func mustBeActive(a *Agreement, done string) error {
	if a.Status != Active {
		return fail(Conflict, "agreement %s is %s; only an active one can be %s", a.ID, a.Status, done)
	}
	return nil
}

// Amend changes quantities, the end, or auto-renewal of an active agreement, which stays the same one: so does its license. What changes nothing
// leaves no trace.
//
// Errors: NotFound; Conflict when it is over, when it is to be renewed at its present end, or when another agreement of a legacy product is in the
// way; Invalid for what cannot be entitled to, an end that is not to come, and renewal without a term.
func (s *Service) Amend(ctx context.Context, c Caller, id string, m Amendment) (Agreement, error) {
	return s.alter(ctx, c, "amend agreement", id, func(e *editor, a *Agreement) error {
		if err := mustBeActive(a, "amended"); err != nil {
			return err
		}
		product, offer, err := e.madeOf(a)
		if err != nil {
			return err
		}
		was := *a
		if len(m.Entitlements) > 0 {
			if product.PricingOf(offer) == UsagePricing {
				return fail(Invalid, "agreement %s is for usage: it has no quantities", a.ID)
			}
			asked, wrong := product.normal(m.Entitlements)
			if len(wrong) > 0 {
				return fail(Invalid, "entitlements: %s", wrong[0].Reason)
			}
			offered, _ := product.normal(offer.Entitlements)
			a.Entitlements = product.entitle(asked, a.Entitlements, offered)
		}
		if m.AutoRenew != nil {
			if *m.AutoRenew && a.TermMonths == 0 {
				return fail(Invalid, "agreement %s has no term: it cannot renew itself", a.ID)
			}
			a.AutoRenew = *m.AutoRenew
		}
		if m.EndAt != nil {
			if err := e.moveEnd(&product, a, m.EndAt.UTC().Truncate(time.Millisecond)); err != nil {
				return err
			}
		}
		detail := amendment(&was, a)
		if detail == "" {
			return nil
		}
		if err := e.note(a, e.now, EventAmended, detail); err != nil {
			return err
		}
		return e.put(*a)
	})
}

func (e *editor) moveEnd(product *Product, a *Agreement, end time.Time) error {
	switch renewals, err := e.renewals(a); {
	case err != nil:
		return err
	case end.Equal(a.EndAt):
		return nil
	case !end.After(e.now) || !end.After(a.StartAt):
		return fail(Invalid, "the end must be after now, %s, and after the start, %s; to end an agreement now, cancel it", stamp(e.now), stamp(a.StartAt))
	case end.Year() > lastYear:
		return fail(Invalid, "the end must be in the year %d at the latest", lastYear)
	case len(renewals) > 0:
		return fail(Conflict, "agreement %s is renewed at its end by agreement %s: cancel that first", a.ID, renewals[0].ID)
	}
	a.EndAt = end
	a.Phase, a.DueAt = a.phaseAt(e.now)
	return e.room(product, a)
}

// Renew makes the agreement that follows an active one at its end, for another term: with an id and a license of its own, and the day on which it
// starts still to come. The old one becomes Renewed at its end. The new one renews itself where the old one did.
//
// A trial is not renewed; on another offer, it is gone on with.
//
// Errors: NotFound; Forbidden for a private offer that is not for the buyer; Conflict when the agreement is over, has no end, is renewed already, or
// when the buyer is suspended, or another agreement of a legacy product in the way; Invalid for terms that cannot be.
func (s *Service) Renew(ctx context.Context, c Caller, id string, t Terms) (Agreement, error) {
	return s.alter(ctx, c, "renew agreement", id, func(e *editor, a *Agreement) error {
		if err := mustBeActive(a, "renewed"); err != nil {
			return err
		}
		if a.EndAt.IsZero() {
			return fail(Conflict, "agreement %s has no end at which it could be renewed", a.ID)
		}
		renewals, err := e.renewals(a)
		if err != nil {
			return err
		}
		if len(renewals) > 0 {
			return fail(Conflict, "agreement %s is renewed already, by agreement %s", a.ID, renewals[0].ID)
		}
		next, product, err := e.follow(a, t, IntentRenew, a.EndAt)
		if err != nil {
			return err
		}
		*a = next
		return e.addWhereRoom(&product, a)
	})
}

// Replace ends an active agreement now and puts another in its place, with an id and a license of its own. What was to renew the old one goes with it.
// The old license has its final hour.
//
// Errors: those of Renew, but for what has to do with the end; and Conflict for one that has not started.
func (s *Service) Replace(ctx context.Context, c Caller, id string, t Terms) (Agreement, error) {
	return s.alter(ctx, c, "replace agreement", id, func(e *editor, a *Agreement) error {
		if err := mustBeActive(a, "replaced"); err != nil {
			return err
		}
		if a.StartAt.After(e.now) {
			return fail(Conflict, "agreement %s starts %s only: amend or cancel it instead", a.ID, stamp(a.StartAt))
		}
		next, product, err := e.follow(a, t, IntentReplace, e.now)
		if err != nil {
			return err
		}
		if err := e.end(a, Replaced, "by agreement "+next.ID); err != nil {
			return err
		}
		*a = next
		return e.addWhereRoom(&product, a)
	})
}

func (e *editor) addWhereRoom(product *Product, a *Agreement) error {
	if err := e.room(product, a); err != nil {
		return err
	}
	return e.add(a)
}

// follow is the agreement that comes after another. It is not in the store yet.
func (e *editor) follow(a *Agreement, t Terms, intent Intent, start time.Time) (next Agreement, product Product, err error) {
	product, offer, err := e.madeOf(a)
	if err != nil {
		return next, product, err
	}
	if buyer, ok, err := e.tx.Account(a.Buyer); err != nil {
		return next, product, err
	} else if !ok || buyer.Suspended {
		return next, product, fail(Conflict, "account %s is suspended and cannot buy", a.Buyer)
	}
	w := terms{
		product: &product, offer: offer, buyer: a.Buyer, acceptedAt: e.now, startAt: start, intent: intent, preceding: a.ID,
		asked: t.Entitlements, before: a.Entitlements, months: t.TermMonths, autoRenew: a.AutoRenew,
	}
	if t.OfferID != "" && t.OfferID != offer.ID {
		if w.offer, err = pickOffer(e.tx, product, PurchaseInput{OfferID: t.OfferID}); err != nil {
			return next, product, err
		}
		if err := forBuyer(&w.offer, a.Buyer); err != nil {
			return next, product, err
		}
		w.before = nil // other terms are other quantities
	}
	if w.offer.Kind == FreeTrialOffer {
		return next, product, fail(Conflict, "offer %s is a free trial, and comes first or not at all: name another offer", w.offer.ID)
	}
	switch {
	case product.termed(w.offer) && w.offer.ID == offer.ID:
		w.months = cmp.Or(w.months, a.TermMonths)
	case !product.termed(w.offer):
		w.autoRenew = false // what was a contract is for usage now
	}
	if t.AutoRenew != nil {
		w.autoRenew = *t.AutoRenew
	}
	next, err = w.agreement(e.rand)
	return next, product, err
}

// End ends an agreement now; status says how: Cancelled (the buyer), Terminated (the seller), or Expired. Its final hour begins. One that has not
// started never will. What was to renew it goes with it; and when that itself is ended, the agreement before it does not renew itself either.
//
// Errors: NotFound; Conflict when it is over already; Invalid for another status.
func (s *Service) End(ctx context.Context, c Caller, id string, status Status) (Agreement, error) {
	return s.alter(ctx, c, "end agreement", id, func(e *editor, a *Agreement) error {
		switch status {
		case Cancelled, Terminated, Expired:
		default:
			return fail(Invalid, "an agreement is ended as %s, %s or %s, not %q", Cancelled, Terminated, Expired, status)
		}
		if err := mustBeActive(a, "ended"); err != nil {
			return err
		}
		if a.Intent == IntentRenew && a.StartAt.After(e.now) {
			if err := e.renewNoMore(a); err != nil {
				return err
			}
		}
		return e.end(a, status, "")
	})
}

// renewNoMore keeps the agreement before a renewal that is called off from making another one.
func (e *editor) renewNoMore(renewal *Agreement) error {
	old, ok, err := e.tx.Agreement(renewal.PrecedingID)
	if err != nil || !ok || old.Status != Active || !old.AutoRenew {
		return err
	}
	old.AutoRenew = false
	if err := e.note(&old, e.now, EventAmended, "renews itself no more: its renewal, agreement "+renewal.ID+", was called off"); err != nil {
		return err
	}
	return e.put(old)
}

// Suspend stops an active agreement from metering and entitling, until it is reinstated. It stays active, and its time goes on. Doing it twice does
// nothing.
//
// Errors: NotFound; Conflict when it is over.
func (s *Service) Suspend(ctx context.Context, c Caller, id string) (Agreement, error) {
	return s.alter(ctx, c, "suspend agreement", id, func(e *editor, a *Agreement) error {
		if err := mustBeActive(a, "suspended"); err != nil || !a.SuspendedAt.IsZero() {
			return err
		}
		a.SuspendedAt = e.now
		if err := e.note(a, e.now, EventSuspended, ""); err != nil {
			return err
		}
		return e.put(*a)
	})
}

// Reinstate undoes Suspend. Doing it twice does nothing.
//
// Errors: NotFound; Conflict when the agreement is over.
func (s *Service) Reinstate(ctx context.Context, c Caller, id string) (Agreement, error) {
	return s.alter(ctx, c, "reinstate agreement", id, func(e *editor, a *Agreement) error {
		if err := mustBeActive(a, "reinstated"); err != nil || a.SuspendedAt.IsZero() {
			return err
		}
		detail := "was suspended since " + stamp(a.SuspendedAt)
		a.SuspendedAt = time.Time{}
		if err := e.note(a, e.now, EventReinstated, detail); err != nil {
			return err
		}
		return e.put(*a)
	})
}

// Events lists what happened to agreements, in the order in which it did. Whoever is not the operator asks for one agreement's.
func (s *Service) Events(ctx context.Context, c Caller, f EventFilter) (list []Event, err error) {
	if f.AgreementID == "" {
		err = operatorOnly(c)
	} else {
		err = mayRead(c, ReadAgreements|ReadSubscriptions)
	}
	if err != nil {
		return nil, err
	}
	now := s.enter(time.Time{})
	defer s.leave()
	if err := s.settled(ctx, now); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		if !c.Operator {
			if a, ok, err := tx.Agreement(f.AgreementID); err != nil || !ok || !seesAgreement(c, &a) {
				return err // as of one that does not exist: nothing happened to it
			}
		}
		list, err = tx.Events(f)
		return err
	})
	return list, asMarket("list events", err)
}
