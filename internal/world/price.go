package world

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/market"
)

// price is a rule: that of market, which says what was found as well.
func price(s string) string {
	if reason := market.Price(s).Flaw(); reason != "" {
		return reason + ", not " + quoteShort(s)
	}
	return ""
}

// prices reads a mapping from dimensions to prices. Where the file has the product, its dimensions are known; where it does not, market.ApplyWorld
// says which there are.
func (m *mapping) prices(known dimensions) map[string]market.Price {
	v, ok := m.get("prices")
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
		r.problem(v.at, "must be a mapping from dimensions to prices, not %s", kindOf(n))
		return nil
	}
	out := map[string]market.Price{}
	r.eachMember(v.at, n, func(key string, at *place, node *yaml.Node) {
		if _, ok := known[key]; !ok && known != nil {
			r.problem(at, "the product has no dimension %s", quoteShort(key))
			return
		}
		text, ok := r.text(at, node)
		if !ok {
			return
		}
		reason := price(text)
		if text == "" {
			reason = "is empty: leave it out for the list price"
		}
		if reason != "" {
			r.problem(at, "%s", reason)
			return
		}
		out[key] = market.Price(text)
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// priceNode writes a price as the number that it is. One that begins like an octal number has quotes.
func priceNode(p market.Price) *yaml.Node {
	s := string(p)
	switch {
	case len(s) > 1 && s[0] == '0' && s[1] != '.':
		return textNode(s)
	case strings.Contains(s, "."):
		return plainNode("!!float", s)
	}
	return plainNode("!!int", s)
}

func (o *objectNode) priceIf(p market.Price) *objectNode {
	if p == "" {
		return o
	}
	return o.put("price", priceNode(p))
}

// pricesIf writes prices in the order of the product's dimensions, and those of none behind them.
func (o *objectNode) pricesIf(list []market.Dimension, prices map[string]market.Price) *objectNode {
	if len(prices) == 0 {
		return o
	}
	values := object()
	known := map[string]bool{}
	for _, d := range list {
		if p, ok := prices[d.Key]; ok && !known[d.Key] {
			values.put(d.Key, priceNode(p))
		}
		known[d.Key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(prices)) {
		if !known[key] {
			values.put(key, priceNode(prices[key]))
		}
	}
	return o.put("prices", values.node())
}
