package world

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/market"
)

// Trials last from a week to three months (AWS Marketplace seller guide, "SaaS free trials").
const (
	minTrialDays = 7
	maxTrialDays = 90
)

// offerAt is an offer with an id, and where it stands.
type offerAt struct {
	line    int
	product string
	kind    market.OfferKind
}

// dimensions are those of a product, by key.
type dimensions map[string]market.Dimension

func (r *reader) product(n *names, at *place, node *yaml.Node) {
	m, ok := r.mapping(at, node, "code", "id", "seller", "title", "description", "kind", "registration_url", "token_life",
		"token_reuse", "dimensions", "offers", "created_at")
	if !ok {
		return
	}
	p := market.Product{
		Code: m.must("code", productCode), ID: m.may("id", shortID), Seller: m.must("seller", accountID),
		Title: m.may("title"), Description: m.may("description"),
		Kind:            market.ProductKind(m.must("kind", oneOf(market.Legacy, market.ConcurrentAgreements))),
		RegistrationURL: m.may("registration_url", webURL),
		TokenReuse:      market.TokenReuse(m.may("token_reuse", oneOf(market.ReuseReplay, market.ReuseSingle))),
		CreatedAt:       m.instant("created_at"),
	}
	if s := m.may("token_life", tokenLife); s != "" {
		p.TokenLife, _ = time.ParseDuration(s) // tokenLife has seen it parse
	}
	if p.Code != "" {
		n.productCodes.note(r, m.place("code"), "product", p.Code)
	}
	if p.ID != "" {
		n.productIDs.note(r, m.place("id"), "product id", p.ID)
	}
	keys, known := seen{}, dimensions{}
	m.list("dimensions", func(at *place, node *yaml.Node) {
		if d, ok := r.dimension(keys, at, node); ok {
			p.Dimensions = append(p.Dimensions, d)
			known[d.Key] = d
		}
	})
	if p.Code != "" {
		n.dimensions[p.Code] = known
	}
	r.file.World.Products = append(r.file.World.Products, p)
	terms := seen{}
	m.list("offers", func(at *place, node *yaml.Node) { r.offer(n, terms, p.Code, at, node) })
}

func (r *reader) dimension(keys seen, at *place, node *yaml.Node) (market.Dimension, bool) {
	m, ok := r.mapping(at, node, "key", "kind", "name", "unit", "type", "price")
	if !ok {
		return market.Dimension{}, false
	}
	d := market.Dimension{
		Key: m.must("key", lengthOf(1, 255)), Kind: market.DimensionKind(m.must("kind", oneOf(market.Metered, market.Entitled))),
		Name: m.may("name"), Unit: m.may("unit"),
		Type:  market.ValueType(m.may("type", oneOf(market.Integer, market.Double, market.Boolean, market.Text))),
		Price: market.Price(m.may("price", price)),
	}
	if d.Type != "" && d.Kind == market.Metered {
		r.problem(m.place("type"), "only an entitled dimension has one: usage is always an integer")
	}
	if d.Key != "" {
		keys.note(r, m.place("key"), "dimension", d.Key)
	}
	return d, true
}

// offer reads an offer of a product. terms holds the offers without an id that the product has so far.
func (r *reader) offer(n *names, terms seen, code string, at *place, node *yaml.Node) {
	m, ok := r.mapping(at, node, "id", "kind", "name", "pricing", "buyers", "trial_days", "term_months", "entitlements", "prices", "created_at")
	if !ok {
		return
	}
	o := market.Offer{
		ID: m.may("id", shortID), ProductCode: code, Name: m.may("name"),
		Kind:         market.OfferKind(m.must("kind", oneOf(market.PublicOffer, market.PrivateOffer, market.FreeTrialOffer))),
		Pricing:      market.Pricing(m.may("pricing", oneOf(market.UsagePricing, market.ContractPricing, market.ConsumptionPricing))),
		Buyers:       r.buyers(&m),
		TermMonths:   m.termMonths(),
		Entitlements: m.entitlements(n.dimensions[code]),
		Prices:       m.prices(n.dimensions[code]),
		CreatedAt:    m.instant("created_at"),
	}
	_, listed := m.get("buyers")
	switch {
	case o.Kind == market.PrivateOffer && !listed:
		r.problem(at.missing("buyers"), "is missing: which accounts may accept the offer, which is private?")
	case o.Kind != market.PrivateOffer && o.Kind != "" && listed:
		r.problem(m.place("buyers"), "only a private offer is for some buyers")
	}
	if o.Kind == market.FreeTrialOffer && o.TermMonths != 0 {
		r.problem(m.place("term_months"), "a free trial lasts trial_days, not months")
	}
	if o.Kind == market.FreeTrialOffer && len(o.Prices) > 0 {
		r.problem(m.place("prices"), "a free trial costs nothing")
	}
	days, given := m.number("trial_days")
	_, present := m.get("trial_days")
	switch {
	case (o.Kind == market.PublicOffer || o.Kind == market.PrivateOffer) && present:
		r.problem(m.place("trial_days"), "only a free trial has a length")
	case o.Kind == market.FreeTrialOffer && !present:
		r.problem(at.missing("trial_days"), "is missing: a free trial lasts from %d to %d days", minTrialDays, maxTrialDays)
	case o.Kind == market.FreeTrialOffer && given && (days < minTrialDays || days > maxTrialDays):
		r.problem(m.place("trial_days"), "must be from %d to %d, not %d", minTrialDays, maxTrialDays, days)
	}
	o.TrialDays = days
	r.noteOffer(n, terms, &m, o)
	r.file.World.Offers = append(r.file.World.Offers, o)
	r.file.offers = append(r.file.offers, at.String())
}

// buyers are the accounts that may accept a private offer.
func (r *reader) buyers(m *mapping) (list []string) {
	twice := seen{}
	m.list("buyers", func(at *place, node *yaml.Node) {
		id, ok := r.text(at, node)
		if !ok {
			return
		}
		if reason := accountID(id); reason != "" {
			r.problem(at, "%s", reason)
			return
		}
		twice.note(r, at, "buyer", id)
		list = append(list, id)
	})
	return list
}

// noteOffer finds offers that stand twice: by id, or without one by what makes two offers of a product the same for
// market.ApplyWorld.
func (r *reader) noteOffer(n *names, terms seen, m *mapping, o market.Offer) {
	if _, named := m.get("id"); !named {
		if line, twice := terms[string(o.Kind)+"\x00"+o.Name]; twice && o.Kind != "" {
			r.problem(m.at, "is the same offer as the one in line %d, of the same kind and name; two offers want ids or names of their own", line)
		}
		terms[string(o.Kind)+"\x00"+o.Name] = m.at.lineNumber()
		return
	}
	if o.ID == "" {
		return
	}
	if first, twice := n.offers[o.ID]; twice {
		r.problem(m.place("id"), "offer %q stands twice in this file, first in line %d", o.ID, first.line)
		return
	}
	n.offers[o.ID] = offerAt{m.place("id").lineNumber(), o.ProductCode, o.Kind}
}

func (r *reader) customer(n *names, at *place, node *yaml.Node) {
	m, ok := r.mapping(at, node, "account", "identifier", "created_at")
	if !ok {
		return
	}
	c := market.Customer{Account: m.must("account", accountID), Identifier: m.must("identifier", customerIdentifier), CreatedAt: m.instant("created_at")}
	if c.Account != "" {
		n.customers.note(r, m.place("account"), "customer", c.Account)
	}
	if c.Identifier != "" {
		n.identifiers.note(r, m.place("identifier"), "CustomerIdentifier", c.Identifier)
	}
	r.file.World.Customers = append(r.file.World.Customers, c)
}
