package console

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

// offerForm is an offer as people write it: every value is as it stands in its field.
type offerForm struct {
	Kind, Name, Pricing, Days, Months, Buyers string
	Rows                                      []offerTermForm

	problems map[string]string // by field; "" for those about none
}

// offerTermForm is what the offer says of a dimension.
type offerTermForm struct {
	Value, Price               string
	valueProblem, priceProblem string
}

// offerFormFor is the form that leaves an offer as it is.
func offerFormFor(p market.Product, o market.Offer) offerForm {
	f := offerForm{
		Kind: string(o.Kind), Name: oneLine(o.Name), Pricing: string(o.Pricing), Days: number(o.TrialDays), Months: number(o.TermMonths), Buyers: strings.Join(o.Buyers, " "),
	}
	for _, d := range p.Dimensions {
		row := offerTermForm{Price: string(o.Prices[d.Key])}
		for _, e := range o.Entitlements {
			if e.Dimension == d.Key {
				row.Value = oneLine(textOf(e.Value))
			}
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

// number is n in a field; "" for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Fields go by a dimension's key, in a form that is safe to look at: so what was sent is of the dimension that it was meant for, whatever became of the others.
func valueField(d market.Dimension) string { return "value." + url.QueryEscape(d.Key) }

func priceField(d market.Dimension) string { return "price." + url.QueryEscape(d.Key) }

// offerFormOf reads what was sent.
func offerFormOf(v url.Values, p market.Product) offerForm {
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	f := offerForm{Kind: get("kind"), Name: v.Get("name"), Pricing: get("pricing"), Days: get("days"), Months: get("months"), Buyers: strings.Join(v["buyers"], " ")}
	for _, d := range p.Dimensions {
		f.Rows = append(f.Rows, offerTermForm{Value: v.Get(valueField(d)), Price: get(priceField(d))})
	}
	return f
}

// offer is what the form says. What was not touched stays what it is in was, even where a field cannot show it as it is.
func (f *offerForm) offer(p market.Product, was market.Offer) market.Offer {
	o := was
	o.Kind, o.Name, o.Pricing = market.OfferKind(f.Kind), kept(was.Name, f.Name), market.Pricing(f.Pricing)
	o.TrialDays, o.TermMonths = f.whole("days", f.Days), f.whole("months", f.Months)
	o.Buyers = strings.FieldsFunc(f.Buyers, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	if slices.Equal(o.Buyers, was.Buyers) {
		o.Buyers = was.Buyers
	}
	before := offerFormFor(p, was)
	o.Entitlements, o.Prices = nil, nil
	for i, d := range p.Dimensions {
		row := &f.Rows[i]
		if row.Price != "" {
			if o.Prices == nil {
				o.Prices = map[string]market.Price{}
			}
			o.Prices[d.Key] = market.Price(row.Price)
		}
		if d.Kind != market.Entitled || row.Value == "" {
			continue
		}
		e := market.Entitlement{Dimension: d.Key}
		if at := slices.IndexFunc(was.Entitlements, func(e market.Entitlement) bool { return e.Dimension == d.Key }); at >= 0 && row.Value == before.Rows[i].Value {
			e = was.Entitlements[at]
		} else if e.Value, row.valueProblem = valueOf(d, row.Value); row.valueProblem != "" {
			f.problem("values", "")
		}
		o.Entitlements = append(o.Entitlements, e)
	}
	return o
}

// valueOf reads a value of a dimension; the problem says, for people, why it cannot be read. Whether it will do is for the market to say.
func valueOf(d market.Dimension, text string) (v market.Value, problem string) {
	var err error
	switch v.Type = d.ValueType(); v.Type {
	case market.Double:
		if v.Double, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || math.IsNaN(v.Double) || math.IsInf(v.Double, 0) {
			return v, "Give a number."
		}
	case market.Boolean:
		if v.Boolean, err = strconv.ParseBool(strings.TrimSpace(text)); err != nil {
			return v, "Choose yes or no."
		}
	case market.Text:
		v.Text = text
	default:
		if v.Integer, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64); err != nil {
			return v, "Give a whole number."
		}
	}
	return v, ""
}

// whole reads a number; an empty field is 0.
func (f *offerForm) whole(field, text string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		f.problem(field, "must be a whole number")
	}
	return int(n)
}

func (f *offerForm) problem(field, reason string) {
	if f.problems == nil {
		f.problems = map[string]string{}
	}
	f.problems[field] = strings.TrimSpace(f.problems[field] + " " + sentence(reason))
}

// refused puts what the market found where it belongs.
func (f *offerForm) refused(found []market.Problem, p market.Product) {
	for _, v := range found {
		rest, ours := strings.CutPrefix(v.Path, "offers[0].")
		if !ours {
			f.problem("", v.Reason)
			continue
		}
		name, _, _ := strings.Cut(rest, "[")
		switch name {
		case "trial_days":
			name = "days"
		case "term_months":
			name = "months"
		case "kind", "pricing", "buyers":
		default:
			if !f.refusedTerm(rest, v.Reason, p) {
				f.problem("", v.Reason)
			}
			continue
		}
		f.problem(name, v.Reason)
	}
}

// refusedTerm finds the dimension that a path names, as world files write it.
func (f *offerForm) refusedTerm(path, reason string, p market.Product) bool {
	for i, d := range p.Dimensions {
		for _, step := range []string{"." + d.Key, fmt.Sprintf("[%q]", d.Key)} {
			switch path {
			case "entitlements" + step:
				f.Rows[i].valueProblem = sentence(reason)
				return true
			case "prices" + step:
				f.Rows[i].priceProblem = sentence(reason)
				return true
			}
		}
	}
	return false
}
