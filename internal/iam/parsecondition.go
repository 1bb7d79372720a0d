package iam

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// conditions compiles a Condition element: operators, under each its keys, under each its values. Any of the three may be
// empty, which IAM takes: an operator without keys says nothing, and a key without values is matched by none.
func (c *compiler) conditions(n *node) ([]condition, *SyntaxError) {
	if n.kind != objectNode {
		return nil, c.fail(n, "must be an object, not %s", n.kind)
	}
	var out []condition
	for _, block := range n.kids {
		op, problem := parseOperator(block.key)
		if problem != "" {
			return nil, c.failKey(block, "%s", problem)
		}
		if block.kind != objectNode {
			return nil, c.fail(block, "must be an object of condition keys, not %s", block.kind)
		}
		keys := make(map[string]bool)
		for _, n := range block.kids {
			cond := condition{operator: op, key: lowerASCII(n.key)}
			if n.key == "" {
				return nil, c.failKey(n, "a condition key has no name")
			}
			// Keys have no case, so two that differ only in case are one key twice ("Duplicate keys with different case").
			if keys[cond.key] {
				return nil, c.failKey(n, "stands twice under the same operator; condition keys have no case")
			}
			keys[cond.key] = true
			for _, v := range n.items() {
				if err := c.conditionValue(&cond, v); err != nil {
					return nil, err
				}
			}
			out = append(out, cond)
		}
	}
	return out, nil
}

// conditionValue adds one value. "Quotation marks are optional for numeric and Boolean values", so whatever its type in
// JSON, a value is its text.
func (c *compiler) conditionValue(cond *condition, v *node) *SyntaxError {
	switch v.kind {
	case stringNode, numberNode, boolNode:
	default:
		return c.fail(v, "must be a string, a number or a boolean, not %s", v.kind)
	}
	d := cond.family.dialect()
	if c.variables && !d.variables && strings.Contains(v.text, "${") {
		return c.fail(v, "a policy variable may stand only in values of string and ARN operators")
	}
	d.variables = d.variables && c.variables

	ok, want := false, ""
	switch cond.family {
	case numeric:
		want = "a number"
		var n number
		n, ok = parseNumber(v.text)
		cond.numbers = append(cond.numbers, n)
	case date:
		want = "a date (such as 2026-01-31, or 2026-01-31T12:00:00Z, always with a zone after a time) or seconds since 1970"
		var t instant
		t, ok = parseInstant(v.text)
		cond.dates = append(cond.dates, t)
	case boolean, null:
		want = "true or false"
		var b bool
		b, ok = parseBool(v.text)
		cond.bools.yes = cond.bools.yes || b
		cond.bools.no = cond.bools.no || !b
	case binary:
		want = "Base64"
		b, err := base64.StdEncoding.Strict().DecodeString(v.text)
		ok = err == nil && !strings.ContainsAny(v.text, "\r\n") // which DecodeString skips
		cond.binaries = append(cond.binaries, string(b))
	case ipAddress:
		want = "an IP address or a CIDR range"
		p, valid := parseNetwork(v.text)
		ok = valid
		cond.networks = append(cond.networks, p)
	case arn:
		want = `an ARN of six parts, or "*"`
		ok = v.text == "*" || d.variables && strings.Contains(v.text, "${") ||
			strings.HasPrefix(v.text, "arn:") && strings.Count(v.text, ":") >= 5
		fallthrough
	default:
		p, err := newPattern(v.text, d)
		if err != nil {
			return c.fail(v, "%v", err)
		}
		ok = ok || cond.family != arn
		cond.patterns = append(cond.patterns, p)
	}
	if !ok {
		return c.fail(v, "%s", fmt.Sprintf("%q is not %s", v.text, want))
	}
	return nil
}
