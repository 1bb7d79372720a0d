package market

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// SuspendedNow is the SuspendedAt of an agreement that a world declares suspended without saying since when: since it was, or else the present. It is no
// instant that a market has.
func SuspendedNow() time.Time { return time.Time{}.Add(1) }

// entry is an agreement that a world declares, with what belongs to it.
type entry struct {
	Agreement
	path    string
	product Product
	offer   Offer
	old     Agreement // the one of its id that there is
	existed bool
	stands  bool      // one that there is stands for it: nothing is to be done
	written Agreement // what became of it
}

// agreements applies those of a world in three steps. Each is checked by itself. For those without an id, agreements are sought that stand
// for them, each for one: so two entries for one buyer and product mean two agreements. What is left is written, and then it is seen how they go together.
func (a *applier) agreements(list []Agreement) error {
	var entries []*entry
	named := map[string]bool{} // ids and licenses that stand in the world: no agreement of those stands for an entry that names none
	for i, g := range list {
		named[g.ID], named[g.LicenseARN] = true, true
		e := &entry{Agreement: g, path: fmt.Sprintf("agreements[%d]", i)}
		n := len(a.problems)
		if err := a.check(e); err != nil {
			return err
		}
		if len(a.problems) == n {
			entries = append(entries, e)
		}
	}
	inOrder := slices.Clone(entries)
	slices.SortStableFunc(entries, func(x, y *entry) int { return y.particulars() - x.particulars() }) // whoever asks for less takes what is left
	for _, e := range entries {
		if err := a.seek(e, named); err != nil {
			return err
		}
	}
	inOrder = slices.DeleteFunc(inOrder, func(e *entry) bool { return e.stands })
	for _, e := range inOrder {
		if err := a.putAgreement(e); err != nil {
			return err
		}
	}
	return a.together(inOrder)
}

// check looks at an agreement by itself, and finds what belongs to it.
func (a *applier) check(e *entry) error {
	n := len(a.problems)
	var ok bool
	var err error
	if e.product, ok, err = a.tx.Product(e.ProductCode); err != nil {
		return err
	} else if !ok {
		a.problem(e.path+".product", "product %q does not exist", e.ProductCode)
	}
	a.buyer(e.path+".buyer", e.Buyer)
	if e.Status == "" {
		e.Status = Active
	}
	switch e.Status {
	case Active, Cancelled, Expired, Terminated, Replaced, Renewed:
	default:
		a.problem(e.path+".status", "%q is not a status of an agreement", e.Status)
	}
	switch e.Intent {
	case "", IntentNew:
		if e.PrecedingID != "" {
			a.problem(e.path+".preceding", "only an agreement with the intent %q or %q follows another", IntentRenew, IntentReplace)
		}
	case IntentRenew, IntentReplace:
		if e.PrecedingID == "" {
			a.problem(e.path+".preceding", "is missing: which agreement is it that this one follows?")
		}
	default:
		a.problem(e.path+".intent", "must be %q, %q or %q", IntentNew, IntentRenew, IntentReplace)
	}
	if e.TermMonths < 0 || e.TermMonths > MaxTermMonths {
		a.problem(e.path+".term_months", "must be from 1 to %d", MaxTermMonths)
	}
	if e.LicenseARN != "" && !licensePattern.MatchString(e.LicenseARN) {
		a.problem(e.path+".license_arn", "is not an ARN of the documented pattern")
	}
	if e.ID != "" && !productIDPattern.MatchString(e.ID) {
		a.problem(e.path+".id", "must be 1 to 64 characters of [-a-zA-Z0-9]")
	}
	e.AcceptedAt = a.instant(e.path+".accepted_at", e.AcceptedAt, time.Time{})
	e.StartAt = a.instant(e.path+".start_at", e.StartAt, time.Time{})
	e.EndAt = a.instant(e.path+".end_at", e.EndAt, time.Time{})
	if !e.SuspendedAt.Equal(SuspendedNow()) {
		e.SuspendedAt = a.instant(e.path+".suspended", e.SuspendedAt, time.Time{})
	}
	if len(a.problems) > n {
		return nil
	}
	if err := a.findOffer(e); err != nil || len(a.problems) > n {
		return err
	}
	a.terms(e)
	return nil
}

// findOffer finds the offer that an agreement was made on or is to be.
func (a *applier) findOffer(e *entry) (err error) {
	if e.ID != "" {
		if e.old, e.existed, err = a.tx.Agreement(e.ID); err != nil {
			return err
		}
	}
	if !e.existed {
		e.offer, err = a.offerOf(e)
		return err
	}
	switch {
	case e.old.ProductCode != e.ProductCode || e.old.Buyer != e.Buyer:
		a.problem(e.path+".id", "agreement %s is of buyer %s and product %s", e.ID, e.old.Buyer, e.old.ProductCode)
	case e.OfferID != "" && e.OfferID != e.old.OfferID:
		a.problem(e.path+".offer", "agreement %s was made on offer %s, which cannot change", e.ID, e.old.OfferID)
	case e.FreeTrial && !e.old.FreeTrial:
		a.problem(e.path+".free_trial", "agreement %s is not a free trial, which cannot change", e.ID)
	case !e.FreeTrial && e.old.FreeTrial && e.OfferID == "":
		a.problem(e.path+".free_trial", "agreement %s is a free trial, which cannot change: say free_trial, or name its offer", e.ID)
	}
	e.offer, _, err = a.tx.Offer(e.old.OfferID)
	return err
}

// offerOf is the offer that a new agreement is made on. One that is private may be anybody's: that the buyer was among those it was made to is past.
func (a *applier) offerOf(e *entry) (Offer, error) {
	offers, err := a.tx.Offers(e.product.Code)
	if err != nil {
		return Offer{}, err
	}
	want := PublicOffer
	if e.FreeTrial {
		want = FreeTrialOffer
	}
	at := slices.IndexFunc(offers, func(o Offer) bool { return e.OfferID == o.ID || e.OfferID == "" && o.Kind == want })
	switch {
	case at >= 0 && e.FreeTrial && offers[at].Kind != FreeTrialOffer:
		a.problem(e.path+".free_trial", "offer %s is not a free trial", e.OfferID)
	case at >= 0:
		return offers[at], nil
	case e.OfferID != "":
		a.problem(e.path+".offer", "product %s has no offer %q", e.product.Code, e.OfferID)
	default:
		a.problem(e.path+".free_trial", "product %s has no free trial", e.product.Code)
	}
	return Offer{}, nil
}

// terms checks what only some offers have.
func (a *applier) terms(e *entry) {
	if !e.product.termed(e.offer) {
		if e.TermMonths != 0 {
			a.problem(e.path+".term_months", "only a contract has a term, and offer %s is none", e.offer.ID)
		}
		if e.AutoRenew {
			a.problem(e.path+".auto_renew", "only a contract renews itself, and offer %s is none", e.offer.ID)
		}
	}
	if len(e.Entitlements) > 0 && e.product.PricingOf(e.offer) == UsagePricing {
		a.problem(e.path+".entitlements", "offer %s is for usage: there are none", e.offer.ID)
		return
	}
	var wrong []Problem
	e.Entitlements, wrong = e.product.normal(e.Entitlements)
	for _, p := range wrong {
		a.problem(e.path+".entitlements"+p.Path, "%s", p.Reason)
	}
}

// particulars counts what an entry says of itself that not every agreement of its buyer and product has.
func (e *entry) particulars() (n int) {
	for _, given := range []bool{
		e.LicenseARN != "", e.OfferID != "", !e.AcceptedAt.IsZero(), !e.StartAt.IsZero(), !e.EndAt.IsZero(),
		len(e.Entitlements) > 0, e.AutoRenew, !e.SuspendedAt.IsZero(), e.TermMonths != 0, e.Intent != "",
	} {
		if given {
			n++
		}
	}
	return n
}

// seek finds an agreement that stands for an entry without an id, and takes it from the others by adding its id to taken.
func (a *applier) seek(e *entry, taken map[string]bool) error {
	if e.ID != "" {
		return nil
	}
	had, err := a.tx.Agreements(AgreementFilter{ProductCode: e.ProductCode, Buyer: e.Buyer})
	if err != nil {
		return err
	}
	for _, h := range had {
		license := h.LicenseARN == e.LicenseARN || e.LicenseARN == "" && !taken[h.LicenseARN]
		if !taken[h.ID] && license && e.says(&h) && h.StatusAt(a.now) == e.StatusAt(a.now) {
			taken[h.ID], e.stands = true, true
			a.changes.Unchanged++
			return nil
		}
	}
	return nil
}

// says reports whether an agreement is as the entry says, as far as it says anything.
func (e *entry) says(h *Agreement) bool {
	offer := h.OfferID == e.OfferID || e.OfferID == "" && h.FreeTrial == e.FreeTrial
	times := same(e.AcceptedAt, h.AcceptedAt) && same(e.StartAt, h.StartAt) && same(e.EndAt, h.EndAt) &&
		(same(e.SuspendedAt, h.SuspendedAt) || e.SuspendedAt.Equal(SuspendedNow()) && !h.SuspendedAt.IsZero())
	terms := (len(e.Entitlements) == 0 || sameEntitlements(e.Entitlements, h.Entitlements)) && (!e.AutoRenew || h.AutoRenew) &&
		(e.TermMonths == 0 || e.TermMonths == h.TermMonths)
	origin := (e.Intent == "" || e.Intent == h.Intent) && (e.PrecedingID == "" || e.PrecedingID == h.PrecedingID)
	return offer && times && terms && origin
}

// same compares a time that a world may give with the one that there is.
func same(given, have time.Time) bool { return given.IsZero() || given.Equal(have) }

// sameEntitlements compares without regard to order, which products may change.
func sameEntitlements(a, b []Entitlement) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(e Entitlement) bool { return !slices.Contains(b, e) })
}

// tooLong is why a product could not be sold, or an agreement not be set up.
const tooLong = "is too long for a registration token of %d characters"

// putAgreement writes what an entry declares, and the events that make it so.
func (a *applier) putAgreement(e *entry) error {
	n := len(a.problems)
	if _, err := customerOf(a.tx, a.rand, e.Buyer, a.now); err != nil {
		return err
	}
	v := e.old
	if !e.existed {
		var err error
		if v, err = a.newAgreement(e); err != nil {
			return err
		}
	}
	a.merge(e, &v)
	if !tokenFits(v.ProductCode, v.LicenseARN) {
		a.problem(e.path+".license_arn", tooLong, maxTokenChars)
	}
	if v.EndAt.Year() > lastYear && len(a.problems) == n { // that of a trial or a term, if nothing was said of it
		a.problem(e.path+".end_at", "must be in the years %d to %d", firstYear, lastYear)
	}
	if v.Status == Active && !v.EndAt.IsZero() && v.EndAt.Before(v.StartAt) {
		a.problem(e.path+".end_at", "is before its start")
	}
	other, clash, err := a.tx.AgreementByLicense(v.LicenseARN)
	if err != nil {
		return err
	}
	if clash && other.ID != v.ID {
		a.problem(e.path+".license_arn", "is the license of agreement %s already", other.ID)
	}
	if err := a.keepsUsage(e, &v); err != nil || len(a.problems) > n {
		return err
	}
	e.written = v
	return put(a, e.old, e.existed, v, func(v Agreement) error {
		if err := a.history(e, &v); err != nil {
			return err
		}
		return a.edit.put(v)
	})
}

// keepsUsage refuses to move an agreement's span away from what may have been metered in it: records are never amended, and each is inside an agreement.
func (a *applier) keepsUsage(e *entry, v *Agreement) error {
	later := v.StartAt.After(e.old.StartAt)
	earlier := !v.EndAt.IsZero() && v.EndAt.Before(a.now) && (e.old.EndAt.IsZero() || v.EndAt.Before(e.old.EndAt))
	if !e.existed || !later && !earlier {
		return nil
	}
	byCode, byLicense, err := a.tx.MeteredWays(v.ProductCode, v.Buyer)
	if err != nil || !byCode && !byLicense {
		return err
	}
	if later {
		a.problem(e.path+".start_at", "agreement %s cannot start later: usage was metered", v.ID)
	}
	if earlier {
		a.problem(e.path+".end_at", "agreement %s cannot have ended earlier: usage was metered", v.ID)
	}
	return nil
}

// newAgreement is what an entry declares, with all that it leaves out. One that started in the past was accepted then at the latest, and a
// trial or a term lasts from its start.
func (a *applier) newAgreement(e *entry) (v Agreement, err error) {
	accepted := e.AcceptedAt
	if accepted.IsZero() {
		accepted = a.now
		if !e.StartAt.IsZero() && e.StartAt.Before(accepted) {
			accepted = e.StartAt
		}
	}
	t := terms{
		product: &e.product, offer: e.offer, buyer: e.Buyer, acceptedAt: accepted, startAt: cmp.Or(e.StartAt, accepted), intent: cmp.Or(e.Intent, IntentNew),
		preceding: e.PrecedingID, months: e.TermMonths, autoRenew: e.AutoRenew,
	}
	if v, err = t.agreement(a.rand); CodeOf(err) == Invalid {
		a.problem(e.path+".end_at", "must be in the years %d to %d", firstYear, lastYear) // all else has been looked at
		err = nil
	}
	if e.ID != "" {
		v.ID = e.ID
	}
	return v, err
}

// merge brings what an entry says into the agreement that there is, or would be. What it leaves out stays, but for the status, which is Active, and
// what can only be true or left out.
func (a *applier) merge(e *entry, v *Agreement) {
	natural := v.EndAt // of a new one
	if e.existed {
		natural = e.product.endOf(e.offer, cmp.Or(e.StartAt, v.StartAt), cmp.Or(e.TermMonths, v.TermMonths, DefaultTermMonths))
	}
	if e.existed && e.LicenseARN != "" && e.LicenseARN != v.LicenseARN {
		a.problem(e.path+".license_arn", "agreement %s has license %s, which cannot change: its seller knows it by that", v.ID, v.LicenseARN)
	}
	v.LicenseARN = cmp.Or(e.LicenseARN, v.LicenseARN)
	v.AcceptedAt, v.StartAt = cmp.Or(e.AcceptedAt, v.AcceptedAt), cmp.Or(e.StartAt, v.StartAt)
	v.Intent, v.PrecedingID = cmp.Or(e.Intent, v.Intent), cmp.Or(e.PrecedingID, v.PrecedingID)
	v.TermMonths, v.AutoRenew = cmp.Or(e.TermMonths, v.TermMonths), e.AutoRenew
	if len(e.Entitlements) > 0 && !sameEntitlements(e.Entitlements, v.Entitlements) {
		v.Entitlements = e.Entitlements
	}
	switch {
	case !e.SuspendedAt.Equal(SuspendedNow()):
		v.SuspendedAt = e.SuspendedAt
	case v.SuspendedAt.IsZero():
		v.SuspendedAt = a.now
	}
	over := e.existed && e.old.Status != Active
	switch {
	case e.Status == Active && over: // it goes on, if its end is still to come
		if end := cmp.Or(e.EndAt, natural); end.IsZero() || end.After(a.now) {
			v.Status, v.EndAt = Active, end
		} else {
			v.EndAt = cmp.Or(e.EndAt, v.EndAt)
		}
	case e.Status == Active:
		v.EndAt = cmp.Or(e.EndAt, v.EndAt)
	case e.EndAt.After(a.now) && !(over && e.EndAt.Equal(v.EndAt)):
		a.problem(e.path+".end_at", "is still to come, and the agreement is %s", e.Status)
	default: // it is over, now at the latest
		v.Status, v.EndAt = e.Status, cmp.Or(e.EndAt, v.EndAt)
		if v.EndAt.IsZero() || v.EndAt.After(a.now) && !over {
			v.EndAt = a.now
		}
	}
	switch {
	case e.existed && v.Status == e.old.Status && v.StartAt.Equal(e.old.StartAt) && v.EndAt.Equal(e.old.EndAt): // nor has anything to happen
	case !e.existed && v.Status == Active:
		v.Phase, v.DueAt = Scheduled, v.StartAt // the runner takes it to where it is by now, and tells its history
	default:
		v.Phase, v.DueAt = v.phaseAt(a.now)
	}
}

// history writes the events of what a world declares.
func (a *applier) history(e *entry, v *Agreement) error {
	const by = "by a world file"
	type line struct {
		at     time.Time
		kind   EventKind
		detail string
	}
	var lines []line
	ended := v.Status != Active && (!e.existed || e.old.Status == Active)
	if !e.existed {
		lines = append(lines, line{v.AcceptedAt, EventAccepted, acceptance(v)})
		if ended && !v.EndAt.Before(v.StartAt) {
			lines = append(lines, line{v.StartAt, EventStarted, ""})
		}
	}
	was := e.old
	if ended {
		was.EndAt = v.EndAt
	}
	switch detail := amendment(&was, v); {
	case !e.existed:
	case v.Status == Active && e.old.Status != Active:
		lines = append(lines, line{a.now, EventAmended, "active again, " + by + "; " + cmp.Or(detail, v.span())})
	case v.Status != Active && e.old.Status != Active && v.Status != e.old.Status:
		lines = append(lines, line{a.now, EventAmended, "is " + string(v.Status) + " instead of " + string(e.old.Status) + ", " + by})
	case detail != "":
		lines = append(lines, line{a.now, EventAmended, by + ": " + detail})
	}
	switch {
	case v.SuspendedAt.Equal(e.old.SuspendedAt):
	case v.SuspendedAt.IsZero():
		lines = append(lines, line{a.now, EventReinstated, by})
	default:
		lines = append(lines, line{v.SuspendedAt, EventSuspended, by})
	}
	if ended {
		lines = append(lines, line{v.EndAt, ending(v.Status), by})
		if v.Phase == ClosedDown && !v.EndAt.Before(v.StartAt) {
			lines = append(lines, line{v.EndAt.Add(FinalHourLength), EventClosedDown, ""})
		}
	}
	if len(lines) == 0 { // what is no term: the license, say
		lines = append(lines, line{a.now, EventAmended, by})
	}
	for _, l := range lines {
		if err := a.edit.note(v, l.at, l.kind, l.detail); err != nil {
			return err
		}
	}
	return nil
}

// together holds to what agreements are to each other: those of a legacy product one at a time, and each that follows another after one that is there.
// Of two that do not go together, the later entry has the problem.
func (a *applier) together(entries []*entry) error {
	later := make(map[string]bool, len(entries))
	for _, e := range entries {
		later[e.written.ID] = true
	}
	for _, e := range entries {
		v := &e.written
		if v.ID == "" { // it had problems
			continue
		}
		delete(later, v.ID)
		other, clash, err := overlapping(a.tx, &e.product, v, later)
		if err != nil {
			return err
		}
		if clash {
			a.problem(e.path, "account %s has agreement %s already, %s, and product %s is of the legacy kind: one at a time", v.Buyer, other.ID, other.span(), v.ProductCode)
		}
		if v.PrecedingID == "" {
			continue
		}
		before, ok, err := a.tx.Agreement(v.PrecedingID)
		if err != nil {
			return err
		}
		if !ok || before.ProductCode != v.ProductCode || before.Buyer != v.Buyer || before.ID == v.ID {
			a.problem(e.path+".preceding", "account %s has no other agreement %q for product %s", v.Buyer, v.PrecedingID, v.ProductCode)
		}
	}
	return nil
}
