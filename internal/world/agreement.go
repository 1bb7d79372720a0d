package world

import (
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/market"
)

func (r *reader) agreement(n *names, at *place, node *yaml.Node) {
	m, ok := r.mapping(at, node, "id", "product", "buyer", "offer", "free_trial", "status", "intent", "preceding", "license_arn", "accepted_at", "start_at",
		"end_at", "term_months", "auto_renew", "suspended", "entitlements")
	if !ok {
		return
	}
	g := market.Agreement{
		ID: m.may("id", shortID), ProductCode: m.must("product", productCode), Buyer: m.must("buyer", accountID),
		OfferID: m.may("offer", shortID), FreeTrial: m.flag("free_trial", false), LicenseARN: m.may("license_arn", licenseARN),
		Status:      market.Status(m.may("status", oneOf(market.Active, market.Cancelled, market.Expired, market.Terminated, market.Replaced, market.Renewed))),
		Intent:      market.Intent(m.may("intent", oneOf(market.IntentNew, market.IntentRenew, market.IntentReplace))),
		PrecedingID: m.may("preceding", shortID),
		AcceptedAt:  m.instant("accepted_at"), StartAt: m.instant("start_at"), EndAt: m.instant("end_at"),
		TermMonths: m.termMonths(), AutoRenew: m.flag("auto_renew", false),
	}
	m.suspended(&g)
	g.Entitlements = m.entitlements(n.dimensions[g.ProductCode])
	if g.ID != "" {
		n.agreements.note(r, m.place("id"), "agreement", g.ID)
	}
	if g.LicenseARN != "" {
		n.licenseARN.note(r, m.place("license_arn"), "license", g.LicenseARN)
	}
	if over := g.Status != "" && g.Status != market.Active; !over && !g.EndAt.IsZero() && g.EndAt.Before(g.StartAt) { // one that is over may never have started
		r.problem(m.place("end_at"), "is before start_at, in line %d", m.place("start_at").lineNumber())
	}
	_, follows := m.get("preceding")
	switch second := g.Intent == market.IntentRenew || g.Intent == market.IntentReplace; {
	case second && !follows:
		r.problem(at.missing("preceding"), "is missing: which agreement is it that this one follows?")
	case !second && follows:
		r.problem(m.place("preceding"), "only an agreement with the intent %q or %q follows another", market.IntentRenew, market.IntentReplace)
	case follows && g.PrecedingID == g.ID && g.ID != "":
		r.problem(m.place("preceding"), "is the agreement itself")
	}
	if o, here := n.offers[g.OfferID]; here {
		switch {
		case o.product != g.ProductCode && o.product != "" && g.ProductCode != "":
			r.problem(m.place("offer"), "is an offer of product %s, in line %d", quoteShort(o.product), o.line)
		case o.kind == market.PublicOffer && g.FreeTrial:
			r.problem(m.place("free_trial"), "offer %q is a public one, in line %d, and not a free trial", g.OfferID, o.line)
		case o.kind == market.PrivateOffer && g.FreeTrial:
			r.problem(m.place("free_trial"), "offer %q is a private one, in line %d, and not a free trial", g.OfferID, o.line)
		}
	}
	r.file.World.Agreements = append(r.file.World.Agreements, g)
}

// termMonths reads how long a contract lasts.
func (m *mapping) termMonths() int {
	n, ok := m.number("term_months")
	if ok && (n < 1 || n > market.MaxTermMonths) {
		m.r.problem(m.place("term_months"), "must be from 1 to %d, not %d", market.MaxTermMonths, n)
		return 0
	}
	return n
}

// suspended reads whether an agreement is suspended: true, false, or since when it is.
func (m *mapping) suspended(g *market.Agreement) {
	v, ok := m.get("suspended")
	if !ok {
		return
	}
	n := target(v.n)
	switch text := strings.ToLower(n.Value); {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" && (text == "true" || text == "false"):
		if m.flag("suspended", false) {
			g.SuspendedAt = market.SuspendedNow()
		}
	case n.Kind == yaml.ScalarNode && instant(n.Value) == "":
		g.SuspendedAt = m.instant("suspended")
	default:
		m.r.problem(v.at, "must be true, false, or the instant since which it is, such as 2026-11-23T12:00:00Z, not %s", kindOf(n))
	}
}

// entitlements reads a mapping from dimensions to what they are worth. Where the file has the product, its dimensions are known; where it does not, values
// are what they look like, and market.ApplyWorld sees whether that is right.
func (m *mapping) entitlements(known dimensions) (list []market.Entitlement) {
	v, ok := m.get("entitlements")
	if !ok {
		return nil
	}
	r := m.r
	n := r.enter(v.at, v.n)
	defer r.leave(n)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode || !plainTag(n) {
		r.problem(v.at, "must be a mapping from dimensions to their values, not %s", kindOf(n))
		return nil
	}
	r.eachMember(v.at, n, func(key string, at *place, node *yaml.Node) {
		want := market.ValueType("")
		if known != nil {
			d, ok := known[key]
			switch {
			case !ok:
				r.problem(at, "the product has no dimension %s", quoteShort(key))
				return
			case d.Kind != market.Entitled:
				r.problem(at, "dimension %s is metered: nobody is entitled to it", quoteShort(key))
				return
			}
			want = d.ValueType()
		}
		if value, ok := r.value(at, node, want); ok {
			list = append(list, market.Entitlement{Dimension: key, Value: value})
		}
	})
	return list
}

// value reads what an entitlement is worth. want is its type, or "" if that is not known.
func (r *reader) value(at *place, n *yaml.Node, want market.ValueType) (v market.Value, ok bool) {
	n = r.enter(at, n)
	defer r.leave(n)
	if n == nil {
		return v, false
	}
	if n.Kind != yaml.ScalarNode {
		r.problem(at, "must be a value, not %s", kindOf(n))
		return v, false
	}
	tag := n.ShortTag()
	if want == "" {
		switch tag {
		case "!!int":
			want = market.Integer
		case "!!float":
			want = market.Double
		case "!!bool":
			want = market.Boolean
		default:
			want = market.Text
		}
	}
	v.Type = want
	switch want {
	case market.Integer:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if tag != "!!int" || err != nil || i < 0 || i > math.MaxInt32 {
			r.problem(at, "must be a whole number from 0 to %d, not %s", math.MaxInt32, kindOf(n))
			return v, false
		}
		v.Integer = i
	case market.Double:
		f, err := strconv.ParseFloat(n.Value, 64)
		if tag != "!!int" && tag != "!!float" || err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			r.problem(at, "must be a number, not %s", kindOf(n))
			return v, false
		}
		v.Double = f + 0 // which makes -0 a plain one
	case market.Boolean:
		b, err := strconv.ParseBool(strings.ToLower(n.Value))
		if tag != "!!bool" || err != nil {
			r.problem(at, "must be true or false, not %s", kindOf(n))
			return v, false
		}
		v.Boolean = b
	default:
		s, ok := r.text(at, n)
		if !ok {
			return v, false
		}
		if reason := lengthOf(1, market.MaxText)(s); reason != "" {
			r.problem(at, "%s", reason)
			return v, false
		}
		v.Text = s
	}
	return v, true
}
