package market

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Bounds of terms.
const (
	// MaxTermMonths is five years, the longest that AWS Marketplace lets a contract last (seller guide, "Private offers").
	MaxTermMonths = 60
	// maxEntitled is the largest IntegerValue of an entitlement: the model's Integer has 32 bits.
	maxEntitled = math.MaxInt32
	// MaxText bounds a StringValue, in characters. AWS documents no bound; ours.
	MaxText = 1024
)

// addMonths goes n months on, to the same day and time of day in UTC. A month that has no such day gives its last one: January 31 and one month
// is February 28 (time.AddDate would make it March 3). So a contract that renews itself month by month, once it has come to the 28th, stays there.
func addMonths(t time.Time, n int) time.Time {
	t = t.UTC()
	first := t.AddDate(0, 0, 1-t.Day()).AddDate(0, n, 0)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// termed reports whether an offer of the product is for a term of months: a contract, with or without consumption, and not a trial of one.
func (p *Product) termed(o Offer) bool {
	return o.Kind != FreeTrialOffer && p.PricingOf(o) != UsagePricing
}

// endOf is when an agreement on an offer ends that starts then; zero if it does not. Months count for contracts only.
func (p *Product) endOf(o Offer, start time.Time, months int) time.Time {
	switch {
	case o.Kind == FreeTrialOffer:
		return start.AddDate(0, 0, o.TrialDays)
	case p.termed(o):
		return addMonths(start, months)
	}
	return time.Time{}
}

// flaws are what is wrong with an offer's terms, for this product. Paths are those of the offer's members: ".pricing".
func (p *Product) flaws(o Offer) (list []Problem) {
	flaw := func(path, format string, args ...any) {
		list = append(list, Problem{Path: path, Reason: fmt.Sprintf(format, args...)})
	}
	has := func(k DimensionKind) bool {
		return slices.ContainsFunc(p.Dimensions, func(d Dimension) bool { return d.Kind == k })
	}
	switch o.Pricing {
	case "", UsagePricing, ContractPricing, ConsumptionPricing:
		if (o.Pricing == UsagePricing || o.Pricing == ConsumptionPricing) && !has(Metered) {
			flaw(".pricing", "%q wants a metered dimension, and product %s has none", o.Pricing, p.Code)
		}
		if (o.Pricing == ContractPricing || o.Pricing == ConsumptionPricing) && !has(Entitled) {
			flaw(".pricing", "%q wants an entitled dimension, and product %s has none", o.Pricing, p.Code)
		}
	default:
		flaw(".pricing", "must be %q, %q or %q", UsagePricing, ContractPricing, ConsumptionPricing)
	}
	if o.Kind == PrivateOffer && len(o.Buyers) == 0 {
		flaw(".buyers", "must name the accounts that may accept the offer: it is private")
	}
	if o.Kind != PrivateOffer && len(o.Buyers) > 0 {
		flaw(".buyers", "only a private offer is for some buyers")
	}
	switch {
	case o.TermMonths == 0:
	case !p.termed(o):
		flaw(".term_months", "only a contract has a term")
	case o.TermMonths < 1 || o.TermMonths > MaxTermMonths:
		flaw(".term_months", "must be from 1 to %d", MaxTermMonths)
	}
	list = append(list, p.wrongPrices(o)...)
	if len(o.Entitlements) > 0 && p.PricingOf(o) == UsagePricing {
		flaw(".entitlements", "there are none where usage is paid")
		return list
	}
	_, wrong := p.normal(o.Entitlements)
	for _, w := range wrong {
		w.Path = ".entitlements" + w.Path
		list = append(list, w)
	}
	return list
}

// normal puts entitlements into the form in which they are kept: in the order of the product's dimensions, each value with its type and nothing
// else. What cannot be is a problem, whose path is the dimension's, as a member.
func (p *Product) normal(list []Entitlement) (out []Entitlement, wrong []Problem) {
	if len(list) == 0 {
		return nil, nil
	}
	at := make(map[string]int, len(p.Dimensions))
	for i := range p.Dimensions {
		at[p.Dimensions[i].Key] = i
	}
	out = make([]Entitlement, 0, len(list))
	seen := make(map[string]bool, len(list))
	for _, e := range list {
		problem := func(format string, args ...any) {
			wrong = append(wrong, Problem{Path: memberPath(e.Dimension), Reason: fmt.Sprintf(format, args...)})
		}
		i, ok := at[e.Dimension]
		switch {
		case !ok:
			problem("product %s has no dimension %q", p.Code, e.Dimension)
		case p.Dimensions[i].Kind != Entitled:
			problem("dimension %q of product %s is metered: nobody is entitled to it", e.Dimension, p.Code)
		case seen[e.Dimension]:
			problem("dimension %q stands twice", e.Dimension)
		default:
			v, reason := p.Dimensions[i].worth(e.Value)
			if reason != "" {
				problem("dimension %q: %s", e.Dimension, reason)
			}
			out = append(out, Entitlement{e.Dimension, v})
		}
		seen[e.Dimension] = true
	}
	slices.SortStableFunc(out, func(a, b Entitlement) int { return cmp.Compare(at[a.Dimension], at[b.Dimension]) })
	return out, wrong
}

// memberPath is a key as a step of a Problem's path, as world files write it.
func memberPath(key string) string {
	plain := key != ""
	for i := range len(key) {
		c := key[i]
		plain = plain && (c == '_' || c == '-' || c == '<' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z')
	}
	if plain {
		return "." + key
	}
	return "[" + strconv.Quote(key) + "]"
}

// ValueType is the type of values of an entitled dimension.
func (d *Dimension) ValueType() ValueType { return cmp.Or(d.Type, Integer) }

// worth is v as a value of the dimension, or why it is none. A value without a type has the dimension's, and a whole number will do for a double.
func (d *Dimension) worth(v Value) (Value, string) {
	want := d.ValueType()
	if v.Type == "" {
		v.Type = want
	}
	if v.Type == Integer && want == Double {
		v = Value{Type: Double, Double: float64(v.Integer)}
	}
	if v.Type != want {
		return v, fmt.Sprintf("wants a value of the type %s, not %s", want, v.Type)
	}
	switch out := (Value{Type: want}); want {
	case Integer:
		out.Integer = v.Integer
		if v.Integer < 0 || v.Integer > maxEntitled {
			return out, fmt.Sprintf("must be from 0 to %d", maxEntitled)
		}
		return out, ""
	case Double:
		out.Double = v.Double + 0 // which makes -0 a plain one
		if math.IsNaN(v.Double) || math.IsInf(v.Double, 0) {
			return out, "must be finite"
		}
		return out, ""
	case Boolean:
		out.Boolean = v.Boolean
		return out, ""
	default:
		out.Text = v.Text
		if n := utf8.RuneCountInString(v.Text); n < 1 || n > MaxText || !utf8.ValidString(v.Text) {
			return out, fmt.Sprintf("must have 1 to %d characters of UTF-8", MaxText)
		}
		return out, ""
	}
}

// least is what a dimension's entitlement is worth where nobody says.
func (d *Dimension) least() Value {
	switch t := d.ValueType(); t {
	case Integer:
		return Value{Type: t, Integer: 1}
	case Double:
		return Value{Type: t, Double: 1}
	case Boolean:
		return Value{Type: t, Boolean: true}
	default:
		return Value{Type: t, Text: d.Key}
	}
}

// entitle gives every entitled dimension its value: that of the first list that names it, else the least.
func (p *Product) entitle(lists ...[]Entitlement) (out []Entitlement) {
	given := map[string]Value{}
	for _, list := range slices.Backward(lists) {
		for _, e := range list {
			given[e.Dimension] = e.Value
		}
	}
	for i := range p.Dimensions {
		d := &p.Dimensions[i]
		if d.Kind != Entitled {
			continue
		}
		v, ok := given[d.Key]
		if !ok {
			v = d.least()
		}
		out = append(out, Entitlement{d.Key, v})
	}
	return out
}

// terms are what a new agreement is made of.
type terms struct {
	product    *Product
	offer      Offer
	buyer      string
	acceptedAt time.Time
	startAt    time.Time
	intent     Intent
	preceding  string
	asked      []Entitlement // for of the product's dimensions
	before     []Entitlement // what the agreement before had, which holds where nothing is asked for
	months     int           // 0: the offer's
	autoRenew  bool
}

// agreement makes it, with a license of its own. It is scheduled; the editor's add starts it.
func (t *terms) agreement(rand io.Reader) (Agreement, error) {
	a := Agreement{
		ProductCode: t.product.Code, OfferID: t.offer.ID, Seller: t.product.Seller, Buyer: t.buyer, Status: Active, Intent: t.intent, PrecedingID: t.preceding,
		FreeTrial: t.offer.Kind == FreeTrialOffer, AcceptedAt: t.acceptedAt, StartAt: t.startAt, AutoRenew: t.autoRenew, Phase: Scheduled, DueAt: t.startAt,
	}
	entitles, termed := t.product.PricingOf(t.offer) != UsagePricing, t.product.termed(t.offer)
	switch {
	case len(t.asked) > 0 && !entitles:
		return a, fail(Invalid, "offer %s is for usage: there are no quantities to ask for", t.offer.ID)
	case t.months != 0 && !termed:
		return a, fail(Invalid, "offer %s is not a contract: it has no term", t.offer.ID)
	case t.months < 0 || t.months > MaxTermMonths:
		return a, fail(Invalid, "a contract lasts from 1 to %d months, not %d", MaxTermMonths, t.months)
	case t.autoRenew && !termed:
		return a, fail(Invalid, "offer %s is not a contract: only a contract renews itself", t.offer.ID)
	}
	asked, wrong := t.product.normal(t.asked)
	if len(wrong) > 0 {
		return a, fail(Invalid, "entitlements: %s", wrong[0].Reason)
	}
	if entitles {
		offered, _ := t.product.normal(t.offer.Entitlements) // which flaws has found sound
		a.Entitlements = t.product.entitle(asked, t.before, offered)
	}
	if termed {
		a.TermMonths = cmp.Or(t.months, t.offer.TermMonths, DefaultTermMonths)
	}
	a.EndAt = t.product.endOf(t.offer, a.StartAt, a.TermMonths)
	if y := max(a.StartAt.Year(), a.EndAt.Year()); y > lastYear {
		return a, fail(Invalid, "it would last until the year %d; %d is the last that can be written", y, lastYear)
	}
	var err error
	if a.ID, err = newAgreementID(rand); err != nil {
		return a, err
	}
	a.LicenseARN, err = newLicenseARN(rand)
	return a, err
}

// lasts reports whether there is any time between an agreement's start and its end.
func (a *Agreement) lasts() bool {
	return a.EndAt.IsZero() && a.Status == Active || a.EndAt.After(a.StartAt)
}

// overlaps reports whether two agreements last at one time. Ends do not count: the next agreement may start there.
func (a *Agreement) overlaps(b *Agreement) bool {
	return a.lasts() && b.lasts() && (b.EndAt.IsZero() || a.StartAt.Before(b.EndAt)) && (a.EndAt.IsZero() || b.StartAt.Before(a.EndAt))
}
