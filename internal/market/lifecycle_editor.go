package market

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// editor changes agreements within one Update. It writes their history, and notes whose they are.
type editor struct {
	tx      Tx
	rand    io.Reader
	now     time.Time
	touched map[standingKey]struct{}
	changed map[string]bool // by agreement; true: and its history says so
}

func newEditor(tx Tx, rand io.Reader, now time.Time) *editor {
	return &editor{tx: tx, rand: rand, now: now, touched: map[standingKey]struct{}{}, changed: map[string]bool{}}
}

// errOverdue says that something fell due between settling and an Update: it has to happen first.
var errOverdue = errors.New("market: something is overdue")

// edit changes agreements at an instant by which everything has happened that was due. update is the store's Update, or one that does more.
//
// When it has taken effect, all that this node keeps in memory about these agreements is forgotten before edit returns. So that this cannot be missed,
// a caller who leaves does not interrupt an Update that has begun.
func (s *Service) edit(ctx context.Context, now time.Time, update func(context.Context, func(Tx) error) error, fn func(*editor) error) error {
	for {
		if err := s.settled(ctx, now); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		var e *editor
		var next int64
		err := update(context.WithoutCancel(ctx), func(tx Tx) error {
			due, ok, err := tx.NextDue()
			if err != nil {
				return err
			}
			if ok && !due.DueAt.After(now) {
				return errOverdue
			}
			e = newEditor(tx, s.rand, now)
			if err := fn(e); err != nil {
				return err
			}
			if err := e.documented(); err != nil {
				return err
			}
			next, err = nextDue(tx)
			return err
		})
		switch {
		case err == nil:
			s.forgetTouched(e)
			s.due.changed(next)
		case errors.Is(err, errOverdue):
			s.due.changed(0)
			continue
		case CodeOf(err) == OutcomeUnsure:
			s.forgetAll()
			s.due.changed(0)
		}
		return err
	}
}

func (s *Service) forgetTouched(e *editor) {
	for key := range e.touched {
		s.forget(key.product, key.buyer)
	}
}

// documented is an error if an agreement was changed without a line in its history: other nodes learn of changes from there.
func (e *editor) documented() error {
	for id, noted := range e.changed {
		if !noted {
			return fmt.Errorf("market: agreement %s was changed without a line in its history", id)
		}
	}
	return nil
}

func (e *editor) put(a Agreement) error {
	e.touched[standingKey{a.ProductCode, a.Buyer}] = struct{}{}
	if !e.changed[a.ID] {
		e.changed[a.ID] = false
	}
	return e.tx.PutAgreement(a)
}

// note writes a line of an agreement's history.
func (e *editor) note(a *Agreement, at time.Time, kind EventKind, detail string) error {
	e.changed[a.ID] = true
	return e.tx.AppendEvent(Event{AgreementID: a.ID, At: at, Kind: kind, Detail: detail})
}

// add puts a new agreement in, and starts it if its time has come.
func (e *editor) add(a *Agreement) error {
	if err := e.note(a, a.AcceptedAt, EventAccepted, acceptance(a)); err != nil {
		return err
	}
	if !a.StartAt.After(e.now) {
		a.Phase, a.DueAt = Running, a.EndAt
		if err := e.note(a, a.StartAt, EventStarted, ""); err != nil {
			return err
		}
	}
	return e.put(*a)
}

// phaseAt is how far an agreement has come at an instant when everything that was due has happened, and when the next thing does.
func (a *Agreement) phaseAt(now time.Time) (Phase, time.Time) {
	switch {
	case a.Status == Active && now.Before(a.StartAt):
		return Scheduled, a.StartAt
	case a.Status == Active:
		return Running, a.EndAt
	case !a.EndAt.Before(a.StartAt) && now.Before(a.EndAt.Add(FinalHourLength)):
		return FinalHour, a.EndAt.Add(FinalHourLength)
	}
	return ClosedDown, time.Time{}
}

// end ends an agreement now. One that has not started never will, and has no final hour. What was to renew it never starts either: the buyer
// who leaves does not come back at the end of a term, and there is nothing to renew.
func (e *editor) end(a *Agreement, status Status, detail string) error {
	renewals, err := e.renewals(a)
	if err != nil {
		return err
	}
	a.Status, a.EndAt = status, e.now
	a.Phase, a.DueAt = a.phaseAt(e.now)
	if err := e.note(a, e.now, ending(status), detail); err != nil {
		return err
	}
	if err := e.put(*a); err != nil {
		return err
	}
	for _, r := range renewals {
		how := status
		if how == Replaced {
			how = Cancelled // what replaces the one before is not what replaces this one
		}
		if err := e.end(&r, how, "with agreement "+a.ID+", which it was to renew"); err != nil {
			return err
		}
	}
	return nil
}

// ending is the event of an agreement that ends with a status.
func ending(s Status) EventKind {
	switch s {
	case Cancelled:
		return EventCancelled
	case Terminated:
		return EventTerminated
	case Replaced:
		return EventReplaced
	case Renewed:
		return EventRenewed
	}
	return EventExpired
}

// renewals are the agreements that are to renew another: none, or one.
func (e *editor) renewals(a *Agreement) ([]Agreement, error) {
	list, err := e.tx.Agreements(AgreementFilter{PrecedingID: a.ID, Status: Active})
	return slices.DeleteFunc(list, func(h Agreement) bool { return h.Intent != IntentRenew || h.ID == a.ID }), err
}

// room makes sure that a legacy product has one agreement a buyer at a time.
func (e *editor) room(p *Product, a *Agreement) error {
	other, ok, err := overlapping(e.tx, p, a, nil)
	if err != nil || !ok {
		return err
	}
	return fail(Conflict, "account %s already has agreement %s for product %s %s; the product is of the legacy kind: one agreement at a time",
		a.Buyer, other.ID, p.Code, other.span())
}

// overlapping finds another agreement of the buyer for a legacy product that lasts at the same time, leaving out those of some ids.
func overlapping(tx Tx, p *Product, a *Agreement, but map[string]bool) (Agreement, bool, error) {
	if p.Kind != Legacy || !a.lasts() {
		return Agreement{}, false, nil
	}
	list, err := tx.Agreements(AgreementFilter{ProductCode: a.ProductCode, Buyer: a.Buyer, EndsAfter: a.StartAt})
	for _, h := range list {
		if h.ID != a.ID && !but[h.ID] && h.overlaps(a) {
			return h, true, nil
		}
	}
	return Agreement{}, false, err
}

// product and offer of an agreement, which are there: nothing removes them.
func (e *editor) madeOf(a *Agreement) (p Product, o Offer, err error) {
	p, ok, err := e.tx.Product(a.ProductCode)
	if err != nil {
		return p, o, err
	}
	if !ok {
		return p, o, fail(NotFound, "product %q does not exist", a.ProductCode)
	}
	o, ok, err = e.tx.Offer(a.OfferID)
	if err == nil && !ok {
		err = fail(NotFound, "offer %q does not exist", a.OfferID)
	}
	return p, o, err
}

// What follows is how histories speak.

func (a *Agreement) span() string {
	if a.EndAt.IsZero() {
		return "from " + stamp(a.StartAt) + " on"
	}
	return "from " + stamp(a.StartAt) + " to " + stamp(a.EndAt)
}

func acceptance(a *Agreement) string {
	parts := []string{"offer " + a.OfferID + ", " + a.span()}
	if len(a.Entitlements) > 0 {
		list := make([]string, len(a.Entitlements))
		for i, e := range a.Entitlements {
			list[i] = e.Dimension + " " + e.Value.String()
		}
		parts = append(parts, strings.Join(list, ", "))
	}
	if a.AutoRenew {
		parts = append(parts, "renews itself")
	}
	switch a.Intent {
	case IntentRenew:
		parts = append(parts, "renews agreement "+a.PrecedingID)
	case IntentReplace:
		parts = append(parts, "replaces agreement "+a.PrecedingID)
	}
	return strings.Join(parts, "; ")
}

// amendment says how an agreement became another; "" if it did not.
func amendment(old, a *Agreement) string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	had := map[string]Value{}
	for _, e := range old.Entitlements {
		had[e.Dimension] = e.Value
	}
	for _, e := range a.Entitlements {
		switch v, ok := had[e.Dimension]; {
		case !ok:
			say("%s is %s", e.Dimension, e.Value)
		case v != e.Value:
			say("%s is %s instead of %s", e.Dimension, e.Value, v)
		}
		delete(had, e.Dimension)
	}
	for _, e := range old.Entitlements {
		if _, gone := had[e.Dimension]; gone {
			say("%s is gone", e.Dimension)
		}
	}
	if !old.StartAt.Equal(a.StartAt) {
		say("starts %s instead of %s", stamp(a.StartAt), stamp(old.StartAt))
	}
	if !old.EndAt.Equal(a.EndAt) {
		say("ends %s instead of %s", never(a.EndAt), never(old.EndAt))
	}
	if old.TermMonths != a.TermMonths {
		say("has a term of %d months instead of %d", a.TermMonths, old.TermMonths)
	}
	switch {
	case a.AutoRenew && !old.AutoRenew:
		say("renews itself from now on")
	case old.AutoRenew && !a.AutoRenew:
		say("renews itself no more")
	}
	return strings.Join(parts, "; ")
}

func never(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return stamp(t)
}

// String writes the value as people do: 10, 1.5, true, "gold".
func (v Value) String() string {
	switch v.Type {
	case Double:
		return strconv.FormatFloat(v.Double, 'g', -1, 64)
	case Boolean:
		return strconv.FormatBool(v.Boolean)
	case Text:
		return strconv.Quote(v.Text)
	}
	return strconv.FormatInt(v.Integer, 10)
}
