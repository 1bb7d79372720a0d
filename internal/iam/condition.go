package iam

import "net/netip"

// condition is one key under one operator. The conditions of a statement are joined by AND, the values of one condition
// by OR, or by NOR if the operator is negated ("Conditions with multiple context keys or values").
type condition struct {
	operator
	key string // in lower case

	// What the family compares with.
	patterns []pattern      // strings, ARNs
	numbers  []number       // Numeric
	dates    []instant      // Date
	networks []netip.Prefix // IpAddress
	binaries []string       // BinaryEquals, decoded
	bools    boolSet        // Bool, Null
}

// boolSet is which of true and false stand in the policy.
type boolSet struct{ yes, no bool }

func (b boolSet) has(v bool) bool { return v && b.yes || !v && b.no }

// holds reports whether the condition is true of the request.
func (c *condition) holds(r *Request) bool {
	values, present := r.lookup(c.key)
	if c.family == null {
		return c.bools.has(!present || isNull(values))
	}
	if !present || len(values) == 0 {
		return c.holdsWithoutKey()
	}
	switch c.set {
	case forAllValues:
		if isNull(values) {
			return true
		}
		for _, v := range values {
			if !c.accepts(v, r) {
				return false
			}
		}
		return true
	case forAnyValue:
		if isNull(values) {
			return false
		}
		for _, v := range values {
			if c.accepts(v, r) {
				return true
			}
		}
		return false
	}
	// Without a set operator the guide speaks of single-valued keys only. Of several values a positive operator needs one
	// that matches, a negated one needs that none does: the one is the other's opposite, as it is with a single value.
	for _, v := range values {
		if c.accepts(v, r) != c.negated {
			return !c.negated
		}
	}
	return c.negated
}

// holdsWithoutKey is the answer where the request lacks the key: false, for a negated operator true, with IfExists true;
// ForAllValues is true and ForAnyValue false, negated or not ("Condition operators", "Set operators for multivalued
// context keys").
func (c *condition) holdsWithoutKey() bool {
	switch {
	case c.exists || c.set == forAllValues:
		return true
	case c.set == forAnyValue:
		return false
	default:
		return c.negated
	}
}

// isNull reports whether the values are "a null data set, such as an empty string", as the guide has it for set operators
// and for Null. For the other operators an empty string is a value like any other: its own example compares s3:prefix
// with "".
func isNull(values []string) bool {
	for _, v := range values {
		if v != "" {
			return false
		}
	}
	return true
}

// accepts reports whether one value of the request satisfies the operator: it matches a value in the policy or, for a
// negated operator, none. If one of those has a variable without a value, a negated operator is not satisfied.
func (c *condition) accepts(value string, r *Request) bool {
	switch c.matchesAny(value, r) {
	case matched:
		return !c.negated
	case unmatched:
		return c.negated
	default:
		return false
	}
}

// matchesAny compares the value with all that stand in the policy. A value in the request that is not of the family's
// type, say no number under a Numeric operator, matches nothing.
func (c *condition) matchesAny(value string, r *Request) result {
	switch c.family {
	case numeric:
		n, ok := parseNumber(value)
		for i := range c.numbers {
			if ok && c.order.accepts(n.compare(c.numbers[i])) {
				return matched
			}
		}
	case date:
		t, ok := parseInstant(value)
		for i := range c.dates {
			if ok && c.order.accepts(t.compare(c.dates[i])) {
				return matched
			}
		}
	case boolean:
		v, ok := parseBool(value)
		return resultOf(ok && c.bools.has(v))
	case binary:
		for _, b := range c.binaries {
			if b == value {
				return matched
			}
		}
	case ipAddress:
		addr, ok := parseAddr(value)
		for _, n := range c.networks {
			if ok && n.Contains(addr) {
				return matched
			}
		}
	default:
		return c.matchesPattern(value, r)
	}
	return unmatched
}

func (c *condition) matchesPattern(value string, r *Request) result {
	all := unmatched
	for i := range c.patterns {
		var one result
		if c.family == stringEqualsIgnoreCase {
			one = c.patterns[i].equalFold(value, r)
		} else {
			one = c.patterns[i].match(value, r)
		}
		switch one {
		case matched:
			return matched
		case unresolved:
			all = unresolved
		}
	}
	return all
}
