package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/souk-market/souk/internal/market"
)

// Entitlements say how much of each dimension, by its key: a number, true or false, or text, as the dimension's type wants it. Read from
// JSON, a number is a json.Number, just as it was written.
type Entitlements map[string]any

// UnmarshalJSON takes an object without members that are alike, and no values but those four kinds.
func (e *Entitlements) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("entitlements must be an object: dimensions, and how much of each")
	}
	out := Entitlements{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := name.(string)
		if _, twice := out[key]; twice {
			return fmt.Errorf("entitlements: %q stands twice", key)
		}
		value, err := dec.Token()
		if err != nil {
			return err
		}
		switch value.(type) {
		case json.Number, bool, string:
			out[key] = value
		default:
			return fmt.Errorf("entitlements: %q must be a number, true or false, or text", key)
		}
	}
	*e = out
	return nil
}

// entitlements of the market, as they travel.
func entitlements(list []market.Entitlement) Entitlements {
	out := make(Entitlements, len(list))
	for _, v := range list {
		switch v.Value.Type {
		case market.Double:
			out[v.Dimension] = v.Value.Double
		case market.Boolean:
			out[v.Dimension] = v.Value.Boolean
		case market.Text:
			out[v.Dimension] = v.Value.Text
		default:
			out[v.Dimension] = v.Value.Integer
		}
	}
	return out
}

// of gives the entitlements the types that the product's dimensions have. JSON has one kind of number, and nothing else is decided here: a value
// that does not suit its dimension, or a dimension that there is not, is the market's to refuse.
func (e Entitlements) of(p market.Product) ([]market.Entitlement, error) {
	double := map[string]bool{}
	for _, d := range p.Dimensions {
		double[d.Key] = d.Type == market.Double
	}
	var list []market.Entitlement
	for _, key := range slices.Sorted(maps.Keys(e)) {
		v := market.Entitlement{Dimension: key}
		switch value := e[key].(type) {
		case bool:
			v.Value = market.Value{Type: market.Boolean, Boolean: value}
		case string:
			v.Value = market.Value{Type: market.Text, Text: value}
		case json.Number:
			n, err := strconv.ParseInt(value.String(), 10, 64)
			if err == nil && !double[key] {
				v.Value = market.Value{Type: market.Integer, Integer: n}
				break
			}
			f, err := value.Float64()
			if err != nil {
				return nil, invalid("entitlements."+key, "must be a number within reach, not %s", value)
			}
			v.Value = market.Value{Type: market.Double, Double: f}
		}
		list = append(list, v)
	}
	return list, nil
}
