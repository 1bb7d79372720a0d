package console

import (
	"fmt"
	"math"
	"net/url"
	"strconv"

	"github.com/souk-market/souk/internal/market"
)

// quantity is a field that asks how much of an entitled dimension is bought.
type quantity struct {
	ID    string // of the element
	Name  string // of the field
	Label string
	Unit  string
	Input string // "whole", "number", "choice" or "text"
	Value string // as it stands in the field; "" leaves it to the offer
}

// quantityField is the field's name for a dimension. It is one that is safe to look at, whatever the key.
func quantityField(d market.Dimension) string { return "set." + url.QueryEscape(d.Key) }

// quantitiesOf are the fields for a product: none, where no offer of it takes quantities. A field that was sent has what was sent; the others have
// what the offers say, if they all say the same.
func quantitiesOf(p market.Product, offers []market.Offer, sent url.Values) []quantity {
	var fields []quantity
	for i, d := range p.Dimensions {
		if d.Kind != market.Entitled {
			continue
		}
		q := quantity{ID: fmt.Sprintf("quantity-%d", i), Name: quantityField(d), Label: plain(d.Name), Unit: plain(d.Unit), Input: "whole"}
		if q.Label == "" {
			q.Label = plain(d.Key)
		}
		switch d.Type {
		case market.Double:
			q.Input = "number"
		case market.Boolean:
			q.Input = "choice"
		case market.Text:
			q.Input = "text"
		}
		taken := false
		for _, o := range offers {
			if p.PricingOf(o) == market.UsagePricing {
				continue
			}
			said := textOf(offered(o, d))
			if taken && said != q.Value {
				said = ""
			}
			q.Value, taken = said, true
		}
		if sent.Has(q.Name) {
			q.Value = sent.Get(q.Name)
		}
		if taken {
			fields = append(fields, q)
		}
	}
	return fields
}

// offered is what an offer gives of a dimension to those who ask for nothing.
func offered(o market.Offer, d market.Dimension) market.Value {
	for _, e := range o.Entitlements {
		if e.Dimension == d.Key {
			return e.Value
		}
	}
	switch d.Type {
	case market.Double:
		return market.Value{Type: market.Double, Double: 1}
	case market.Boolean:
		return market.Value{Type: market.Boolean, Boolean: true}
	case market.Text:
		return market.Value{Type: market.Text, Text: d.Key}
	}
	return market.Value{Type: market.Integer, Integer: 1}
}

func textOf(v market.Value) string {
	switch v.Type {
	case market.Double:
		return strconv.FormatFloat(v.Double, 'g', -1, 64)
	case market.Boolean:
		return strconv.FormatBool(v.Boolean)
	case market.Text:
		return v.Text
	}
	return strconv.FormatInt(v.Integer, 10)
}

// askedFor reads the fields that say something other than the offer does. The problem says, for people, which one cannot be read; whether what can be
// read will do is for the market to say.
func askedFor(p market.Product, o market.Offer, form url.Values) (list []market.Entitlement, problem string) {
	if p.PricingOf(o) == market.UsagePricing {
		return nil, "" // the fields are for the other offers
	}
	for _, d := range p.Dimensions {
		text := form.Get(quantityField(d))
		if d.Kind != market.Entitled || text == "" {
			continue
		}
		name := plain(d.Name)
		if name == "" {
			name = plain(d.Key)
		}
		var v market.Value
		var err error
		switch d.Type {
		case market.Double:
			v.Type = market.Double
			v.Double, err = strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(v.Double) || math.IsInf(v.Double, 0) {
				return nil, name + ": give a number."
			}
		case market.Boolean:
			v.Type = market.Boolean
			if v.Boolean, err = strconv.ParseBool(text); err != nil {
				return nil, name + ": choose yes or no."
			}
		case market.Text:
			v = market.Value{Type: market.Text, Text: text}
		default:
			v.Type = market.Integer
			if v.Integer, err = strconv.ParseInt(text, 10, 64); err != nil {
				return nil, name + ": give a whole number."
			}
		}
		if v != offered(o, d) {
			list = append(list, market.Entitlement{Dimension: d.Key, Value: v})
		}
	}
	return list, ""
}
