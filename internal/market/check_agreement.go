package market

import (
	"cmp"
	"slices"
	"time"
)

// eventPage is how many events the check looks at at once.
const eventPage = 5000

func (k *checker) agreements() error {
	list, err := k.tx.Agreements(AgreementFilter{})
	if err != nil {
		return err
	}
	k.known = make(map[string]*Agreement, len(list))
	for i := range list {
		k.known[list[i].ID] = &list[i]
	}
	licenses := map[string]string{}
	held := map[standingKey][]*Agreement{} // of legacy products
	var holders []standingKey
	for i := range list {
		a := &list[i]
		path := "agreement " + a.ID
		k.mustExist(path, a.Buyer)
		p, ok := k.products[a.ProductCode]
		if !ok {
			k.problem(path, "product %q does not exist", a.ProductCode)
		} else {
			if p.Seller != a.Seller {
				k.problem(path, "names seller %s, its product is published by %s", a.Seller, p.Seller)
			}
			k.entitlements(path, &p, a)
		}
		if o, ok := k.offers[a.OfferID]; !ok {
			k.problem(path, "offer %q does not exist", a.OfferID)
		} else if o.ProductCode != a.ProductCode {
			k.problem(path, "its offer %s is of product %s", o.ID, o.ProductCode)
		}
		if other, ok := licenses[a.LicenseARN]; ok {
			k.problem(path, "shares its license with agreement %s", other)
		}
		licenses[a.LicenseARN] = a.ID
		if _, ok, err := k.tx.Customer(a.Buyer); err != nil {
			return err
		} else if !ok {
			k.problem(path, "its buyer %s has no CustomerIdentifier", a.Buyer)
		}
		k.course(path, a)
		k.origin(path, a)
		if p.Kind == Legacy && a.lasts() {
			key := standingKey{a.ProductCode, a.Buyer}
			if held[key] == nil {
				holders = append(holders, key)
			}
			held[key] = append(held[key], a)
		}
	}
	for _, key := range holders {
		k.oneAtATime(held[key])
	}
	return nil
}

// course checks what an agreement's times, its status and what is to happen to it have to do with each other. What is overdue is no problem: it happens
// when somebody looks.
func (k *checker) course(path string, a *Agreement) {
	if a.Status == Active && !a.EndAt.IsZero() && a.EndAt.Before(a.StartAt) {
		k.problem(path, "ends before it starts")
	}
	if a.AutoRenew && a.TermMonths < 1 {
		k.problem(path, "renews itself, and has no term")
	}
	var due time.Time
	active := false
	switch a.Phase {
	case Scheduled:
		active, due = true, a.StartAt
	case Running:
		active, due = true, a.EndAt
	case FinalHour:
		due = a.EndAt.Add(FinalHourLength)
	case ClosedDown:
	default:
		k.problem(path, "has no phase that there is: %q", a.Phase)
		return
	}
	if active != (a.Status == Active) {
		k.problem(path, "is %s, and its phase is %q", a.Status, a.Phase)
	}
	if !a.DueAt.Equal(due) {
		k.problem(path, "is %q, and something is due %s instead of %s", a.Phase, never(a.DueAt), never(due))
	}
}

// origin checks what an agreement was made for.
func (k *checker) origin(path string, a *Agreement) {
	switch before, ok := k.known[a.PrecedingID]; {
	case a.Intent == IntentNew && a.PrecedingID == "":
	case a.Intent != IntentRenew && a.Intent != IntentReplace:
		k.problem(path, "its intent is %q, and it follows agreement %q", a.Intent, a.PrecedingID)
	case !ok || before == a:
		k.problem(path, "its intent is %s, and agreement %q, which it follows, does not exist", a.Intent, a.PrecedingID)
	case before.ProductCode != a.ProductCode || before.Buyer != a.Buyer:
		k.problem(path, "follows agreement %s, which is of account %s and product %s", before.ID, before.Buyer, before.ProductCode)
	}
}

func (k *checker) entitlements(path string, p *Product, a *Agreement) {
	list, wrong := p.normal(a.Entitlements)
	for _, w := range wrong {
		k.problem(path, "its entitlements: %s", w.Reason)
	}
	if len(wrong) == 0 && !sameEntitlements(list, a.Entitlements) {
		k.problem(path, "its entitlements are not in the form in which they are kept")
	}
}

// oneAtATime finds agreements of a buyer for a legacy product that overlap. All of them last.
func (k *checker) oneAtATime(list []*Agreement) {
	slices.SortStableFunc(list, func(a, b *Agreement) int { return cmp.Or(a.StartAt.Compare(b.StartAt), cmp.Compare(a.ID, b.ID)) })
	longest := list[0] // of those before, the one that ends last
	for _, a := range list[1:] {
		if a.overlaps(longest) {
			k.problem("agreement "+a.ID, "lasts %s, beside agreement %s, and product %s is of the legacy kind", a.span(), longest.ID, a.ProductCode)
		}
		if !longest.EndAt.IsZero() && (a.EndAt.IsZero() || a.EndAt.After(longest.EndAt)) {
			longest = a
		}
	}
}

func (k *checker) events() error {
	for after := int64(0); ; {
		list, err := k.tx.Events(EventFilter{After: after, Limit: eventPage})
		if err != nil {
			return err
		}
		for _, e := range list {
			if k.known[e.AgreementID] == nil {
				k.problem("event", "number %d: agreement %q does not exist", e.Seq, e.AgreementID)
			}
			after = e.Seq
		}
		if len(list) < eventPage {
			return nil
		}
	}
}
