package iam

import "strings"

// operator is a condition operator with its prefix and suffix taken apart.
type operator struct {
	family  family
	order   order // of families that have one
	negated bool
	exists  bool // suffix IfExists
	set     setOperator
}

type family uint8

const (
	stringEquals family = iota
	stringEqualsIgnoreCase
	stringLike
	numeric
	date
	boolean
	binary
	ipAddress
	arn
	null
)

// dialect is what a value of the operator may contain. Variables are for the string and ARN operators ("IAM policy
// elements: Variables and tags", "Condition element"); wildcards for StringLike and the ARN operators.
func (f family) dialect() dialect {
	switch f {
	case stringEquals, stringEqualsIgnoreCase:
		return dialect{variables: true}
	case stringLike:
		return dialect{variables: true, wildcards: true}
	case arn:
		return dialect{variables: true, wildcards: true, arn: true}
	default:
		return dialect{}
	}
}

// order is how the value in the request must stand to the value in the policy.
type order uint8

const (
	equal order = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// accepts reports whether c, which is what cmp.Compare gives for the request's value and the policy's, is in the order.
func (o order) accepts(c int) bool {
	switch o {
	case less:
		return c < 0
	case lessOrEqual:
		return c <= 0
	case greater:
		return c > 0
	case greaterOrEqual:
		return c >= 0
	default:
		return c == 0
	}
}

// setOperator says how the several values of a multivalued key are taken.
type setOperator uint8

const (
	noSet setOperator = iota
	forAllValues
	forAnyValue
)

// parseOperator knows the operators of "IAM JSON policy elements: Condition operators", with the set operators in front
// and IfExists behind. Names are exact, case included. The second result is why it is not one.
func parseOperator(name string) (op operator, problem string) {
	base := name
	if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
		base, op.set = rest, forAllValues
	} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
		base, op.set = rest, forAnyValue
	}
	base, op.exists = strings.CutSuffix(base, "IfExists")

	switch base {
	case "StringEquals":
		op.family = stringEquals
	case "StringNotEquals":
		op.family, op.negated = stringEquals, true
	case "StringEqualsIgnoreCase":
		op.family = stringEqualsIgnoreCase
	case "StringNotEqualsIgnoreCase":
		op.family, op.negated = stringEqualsIgnoreCase, true
	case "StringLike":
		op.family = stringLike
	case "StringNotLike":
		op.family, op.negated = stringLike, true
	case "Bool":
		op.family = boolean
	case "BinaryEquals":
		op.family = binary
	case "IpAddress":
		op.family = ipAddress
	case "NotIpAddress":
		op.family, op.negated = ipAddress, true
	case "ArnEquals", "ArnLike": // "behave identically"
		op.family = arn
	case "ArnNotEquals", "ArnNotLike":
		op.family, op.negated = arn, true
	case "Null":
		// IfExists is for "any condition operator name except the Null condition"; what a set operator would mean for a
		// test of absence is said nowhere.
		if op.exists || op.set != noSet {
			return op, "Null takes neither IfExists nor a set operator"
		}
		op.family = null
	default:
		if rest, ok := strings.CutPrefix(base, "Numeric"); ok {
			op.family, base = numeric, rest
		} else if rest, ok := strings.CutPrefix(base, "Date"); ok {
			op.family, base = date, rest
		} else {
			base = ""
		}
		switch base {
		case "Equals":
		case "NotEquals":
			op.negated = true
		case "LessThan":
			op.order = less
		case "LessThanEquals":
			op.order = lessOrEqual
		case "GreaterThan":
			op.order = greater
		case "GreaterThanEquals":
			op.order = greaterOrEqual
		default:
			return op, "is not a condition operator"
		}
	}
	return op, ""
}
