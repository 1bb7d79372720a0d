package market

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// What a Price is written of: so many digits before the point, and so many behind it.
const (
	maxPriceWhole = 12
	priceScale    = 8
)

// Flaw is what is wrong with a price, in plain words; "" if nothing is. No price at all is none.
func (p Price) Flaw() string {
	if p == "" {
		return ""
	}
	whole, part, point := strings.Cut(string(p), ".")
	if !digits(whole, maxPriceWhole) || point && !digits(part, priceScale) {
		return "must be an amount of USD such as 0.25: at most 12 digits, and at most 8 more behind a point"
	}
	return ""
}

// digits reports whether s is 1 to most decimal digits.
func digits(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

// Amount is the price of one.
func (p Price) Amount() Amount { return p.Times(1) }

// Times is what so many cost: exactly. No price, and one that is flawed, costs nothing.
func (p Price) Times(quantity int64) Amount {
	if p == "" || p.Flaw() != "" {
		return Amount{}
	}
	return p.units().times(big.NewInt(quantity))
}

// TimesValue is what an entitlement of a value costs: a number of units; a switch that is on, and a text, once. A double is the decimal number that it is
// written as, and the sum is rounded to eight digits behind the point.
func (p Price) TimesValue(v Value) Amount {
	switch {
	case p == "" || p.Flaw() != "" || v.Type == Boolean && !v.Boolean:
		return Amount{}
	case v.Type == Boolean || v.Type == Text:
		return p.Times(1)
	case v.Type != Double:
		return p.Times(v.Integer)
	}
	factor, ok := new(big.Rat).SetString(strconv.FormatFloat(v.Double, 'g', -1, 64)) // 0.1 is a tenth, and not what binary makes of it
	if !ok {
		return Amount{} // infinite, or no number
	}
	return Amount{units: rounded(factor.Mul(factor, new(big.Rat).SetInt(p.units().value())))}
}

// rounded is the whole number that is nearest to r, and of two as near, the one that is further from nothing.
func rounded(r *big.Rat) *big.Int {
	twice := new(big.Int).Lsh(new(big.Int).Abs(r.Num()), 1)
	twice.Add(twice, r.Denom())
	n := twice.Div(twice, new(big.Int).Lsh(r.Denom(), 1))
	if r.Sign() < 0 {
		n.Neg(n)
	}
	return n
}

// units is one unit's price. It panics where Flaw finds one.
func (p Price) units() Amount {
	whole, part, _ := strings.Cut(string(p), ".")
	n, ok := new(big.Int).SetString(whole+part+strings.Repeat("0", priceScale-len(part)), 10)
	if !ok {
		panic("market: price " + strconv.Quote(string(p)) + " was not checked")
	}
	return Amount{units: n}
}

// Amount is a sum of USD, exact to eight digits behind the point. The zero Amount is nothing. Amounts do not change.
type Amount struct {
	units *big.Int // of 10⁻⁸ USD; nil: 0
}

func (a Amount) value() *big.Int {
	if a.units == nil {
		return new(big.Int)
	}
	return a.units
}

func (a Amount) times(n *big.Int) Amount { return Amount{units: new(big.Int).Mul(a.value(), n)} }

// Plus is a and b together.
func (a Amount) Plus(b Amount) Amount {
	switch {
	case a.IsZero():
		return b
	case b.IsZero():
		return a
	}
	return Amount{units: new(big.Int).Add(a.units, b.units)}
}

// IsZero reports whether it is nothing.
func (a Amount) IsZero() bool { return a.units == nil || a.units.Sign() == 0 }

// Equal reports whether a and b are the same sum.
func (a Amount) Equal(b Amount) bool { return a.value().Cmp(b.value()) == 0 }

// Decimal is the sum as programs read it: at least two digits behind a point, and no more than it needs. "1234.50", "0.0025".
func (a Amount) Decimal() string {
	sign, whole, part := a.parts()
	return sign + whole + "." + part
}

// String is the sum as people read it: "$1,234.50", "$0.0025".
func (a Amount) String() string {
	sign, whole, part := a.parts()
	var b strings.Builder
	b.WriteString(sign + "$")
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String() + "." + part
}

// parts are a sum's sign, "" or "-", and what stands before and behind its point.
func (a Amount) parts() (sign, whole, part string) {
	text := new(big.Int).Abs(a.value()).String()
	if a.value().Sign() < 0 {
		sign = "-"
	}
	if pad := priceScale + 1 - len(text); pad > 0 {
		text = strings.Repeat("0", pad) + text
	}
	at := len(text) - priceScale
	whole, part = text[:at], strings.TrimRight(text[at:], "0")
	return sign, whole, part + strings.Repeat("0", max(0, 2-len(part)))
}

// MarshalText writes Decimal.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.Decimal()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Amount) UnmarshalText(text []byte) error {
	digits, negative := strings.CutPrefix(string(text), "-")
	whole, part, _ := strings.Cut(digits, ".")
	if whole == "" || len(part) > priceScale || strings.Trim(whole+part, "0123456789") != "" {
		return fmt.Errorf("market: read amount: %q is none", text)
	}
	n, _ := new(big.Int).SetString(whole+part+strings.Repeat("0", priceScale-len(part)), 10) // digits only
	if negative {
		n.Neg(n)
	}
	a.units = n
	return nil
}

// PriceOf is what an offer asks for one unit of a dimension: its own price, or else the list price. A free trial asks nothing. "" where nobody has said.
func (o *Offer) PriceOf(d Dimension) Price {
	if o.Kind == FreeTrialOffer {
		return "0"
	}
	if own := o.Prices[d.Key]; own != "" {
		return own
	}
	return d.Price
}

// Sum is what quantities of the product cost on an offer, up front and for the whole term. all is false if one of them has no price: it is not in the sum.
func (p *Product) Sum(o Offer, quantities []Entitlement) (sum Amount, all bool) {
	all = true
	for _, e := range quantities {
		for i := range p.Dimensions {
			if p.Dimensions[i].Key != e.Dimension {
				continue
			}
			price := o.PriceOf(p.Dimensions[i])
			all = all && price != ""
			sum = sum.Plus(price.TimesValue(e.Value))
		}
	}
	return sum, all
}

// wrongPrices are what is wrong with an offer's own prices, for this product. Paths are those of the offer's members.
func (p *Product) wrongPrices(o Offer) (list []Problem) {
	if o.Kind == FreeTrialOffer && len(o.Prices) > 0 {
		return []Problem{{Path: ".prices", Reason: "a free trial costs nothing"}}
	}
	for _, key := range slices.Sorted(maps.Keys(o.Prices)) {
		reason := o.Prices[key].Flaw()
		switch {
		case !slices.ContainsFunc(p.Dimensions, func(d Dimension) bool { return d.Key == key }):
			reason = fmt.Sprintf("product %s has no dimension %q", p.Code, key)
		case o.Prices[key] == "":
			reason = "is empty: leave it out for the list price"
		}
		if reason != "" {
			list = append(list, Problem{Path: ".prices" + memberPath(key), Reason: reason})
		}
	}
	return list
}
