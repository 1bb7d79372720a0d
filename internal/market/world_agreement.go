package market

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// entry is an agreement that a world declares, with what belongs to it.
type entry struct {
	Agreement
	path    string
	product Product
	offer   Offer
	old     Agreement // the one of its id that there is
	existed bool
	stands  bool // one that there is stands for it: nothing is to be done
}

// agreements applies those of a world in three steps. Each is checked by itself. For those without an id, agreements are sought that stand
// for them, each for one: so two entries for one buyer and product mean two agreements. What is left is written: agreements that are over
// first, because a legacy product has room for one active agreement a buyer.
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
	for _, active := range []bool{false, true} {
		for _, e := range inOrder {
			if e.stands || (e.StatusAt(a.now) == Active) != active {
				continue
			}
			if err := a.putAgreement(e); err != nil {
				return err
			}
		}
	}
	return nil
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
	if e.LicenseARN != "" && !licensePattern.MatchString(e.LicenseARN) {
		a.problem(e.path+".license_arn", "is not an ARN of the documented pattern")
	}
	if e.ID != "" && !productIDPattern.MatchString(e.ID) {
		a.problem(e.path+".id", "must be 1 to 64 characters of [-a-zA-Z0-9]")
	}
	e.AcceptedAt = a.instant(e.path+".accepted_at", e.AcceptedAt, time.Time{})
	e.StartAt = a.instant(e.path+".start_at", e.StartAt, time.Time{})
	e.EndAt = a.instant(e.path+".end_at", e.EndAt, time.Time{})
	if len(a.problems) > n {
		return nil
	}
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

// offerOf is the offer that a new agreement is made on.
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

// particulars counts what an entry says of itself that not every agreement of its buyer and product has.
func (e *entry) particulars() (n int) {
	for _, given := range []bool{e.LicenseARN != "", e.OfferID != "", !e.AcceptedAt.IsZero(), !e.StartAt.IsZero(), !e.EndAt.IsZero()} {
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
		terms := h.OfferID == e.OfferID || e.OfferID == "" && h.FreeTrial == e.FreeTrial
		times := same(e.AcceptedAt, h.AcceptedAt) && same(e.StartAt, h.StartAt) && same(e.EndAt, h.EndAt)
		if !taken[h.ID] && license && terms && times && h.StatusAt(a.now) == e.StatusAt(a.now) {
			taken[h.ID], e.stands = true, true
			a.changes.Unchanged++
			return nil
		}
	}
	return nil
}

// same compares a time that a world may give with the one that there is.
func same(given, have time.Time) bool { return given.IsZero() || given.Equal(have) }

// tooLong is why a product could not be sold, or an agreement not be set up.
const tooLong = "is too long for a registration token of %d characters"

func (a *applier) putAgreement(e *entry) error {
	n := len(a.problems)
	if _, err := customerOf(a.tx, a.rand, e.Buyer, a.now); err != nil {
		return err
	}
	v := e.old
	v.Status = e.Status
	if !e.existed {
		var err error
		if v, err = a.newAgreement(e); err != nil {
			return err
		}
	}
	if e.LicenseARN != "" {
		v.LicenseARN = e.LicenseARN
	}
	if !tokenFits(v.ProductCode, v.LicenseARN) {
		a.problem(e.path+".license_arn", tooLong, maxTokenChars)
	}
	v.AcceptedAt, v.StartAt, v.EndAt = cmp.Or(e.AcceptedAt, v.AcceptedAt), cmp.Or(e.StartAt, v.StartAt), cmp.Or(e.EndAt, v.EndAt)
	if v.EndAt.Year() > lastYear { // that of a trial, if nothing was said of it
		a.problem(e.path+".end_at", "must be in the years %d to %d", firstYear, lastYear)
	}
	if !v.EndAt.IsZero() && v.EndAt.Before(v.StartAt) {
		a.problem(e.path+".end_at", "is before its start")
	}
	v.Status = v.StatusAt(a.now)
	other, clash, err := a.tx.AgreementByLicense(v.LicenseARN)
	if err != nil {
		return err
	}
	if clash && other.ID != v.ID {
		a.problem(e.path+".license_arn", "is the license of agreement %s already", other.ID)
	}
	if err := a.onlyActive(e, v); err != nil || len(a.problems) > n {
		return err
	}
	old := e.old
	old.Status = old.StatusAt(a.now)
	return put(a, old, e.existed, v, a.tx.PutAgreement)
}

// newAgreement is what an entry declares, with all that it leaves out. One that started in the past was accepted then at the latest, and a
// trial lasts from its start.
func (a *applier) newAgreement(e *entry) (Agreement, error) {
	accepted := e.AcceptedAt
	if accepted.IsZero() {
		accepted = a.now
		if !e.StartAt.IsZero() && e.StartAt.Before(accepted) {
			accepted = e.StartAt
		}
	}
	start := e.StartAt
	if start.IsZero() {
		start = accepted
	}
	v, err := newAgreement(a.rand, e.product, e.offer, e.Buyer, start)
	v.AcceptedAt, v.Status = accepted, e.Status
	if e.ID != "" {
		v.ID = e.ID
	}
	return v, err
}

// onlyActive holds to one active agreement of a legacy product a buyer. Those whose end has come make room.
func (a *applier) onlyActive(e *entry, v Agreement) error {
	if e.product.Kind != Legacy || v.Status != Active {
		return nil
	}
	had, err := a.tx.Agreements(AgreementFilter{ProductCode: v.ProductCode, Buyer: v.Buyer, Status: Active})
	if err != nil {
		return err
	}
	for _, h := range had {
		switch {
		case h.ID == v.ID:
		case h.StatusAt(a.now) == Active:
			a.problem(e.path, "account %s has active agreement %s already, and product %s is of the legacy kind: one a buyer", v.Buyer, h.ID, v.ProductCode)
			return nil
		default:
			h.Status = h.StatusAt(a.now)
			if err := a.tx.PutAgreement(h); err != nil {
				return err
			}
		}
	}
	return nil
}
