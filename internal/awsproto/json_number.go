package awsproto

import (
	"math"
	"strconv"
)

// jsonNumber reads a number by the strict grammar. decimal is whether it has a fraction or an exponent.
func (d *Decoder) jsonNumber() (literal []byte, decimal bool) {
	b := d.body[d.pos:]
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	n := digits(b[i:])
	switch {
	case n == 0 && i == 0:
		d.jsonExpected("a value")
		return nil, false
	case n > 1 && b[i] == '0':
		n = 1 // what follows the zero is then in the wrong place
	}
	ok := n > 0
	i += n
	if ok && i < len(b) && b[i] == '.' {
		n = digits(b[i+1:])
		i, ok, decimal = i+1+n, n > 0, true
	}
	if ok && i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n = digits(b[i:])
		i, ok, decimal = i+n, n > 0, true
	}
	d.pos += i
	if !ok {
		d.jsonExpected("a digit")
		return nil, false
	}
	return b[:i:i], decimal
}

func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

// jsonNumberOr reads a number for a shape that wants one, or null.
func (d *Decoder) jsonNumberOr(w want) (literal []byte, ok bool) {
	switch c := d.jsonPeek(); {
	case c == '-' || c >= '0' && c <= '9':
		literal, _ = d.jsonNumber()
		return literal, d.fault == nil
	case c == 'n':
		d.jsonNull()
	default:
		d.mismatch(d.jsonSkip(), w)
	}
	return nil, false
}

func (d *Decoder) jsonInt() (int64, bool) {
	literal, ok := d.jsonNumberOr(wantInt)
	if !ok {
		return 0, false
	}
	x := parseDecimal(literal)
	if x.fraction() {
		d.mismatch(kindDecimal, wantInt)
		return 0, false
	}
	return x.scale(0), true
}

func (d *Decoder) jsonTimestamp() (ms int64, ok bool) {
	literal, ok := d.jsonNumberOr(wantTimestamp)
	if !ok {
		return 0, false
	}
	x := parseDecimal(literal)
	if µs := x.scale(6); µs > 0 && µs < math.MaxInt64 {
		return (µs + 1) / 1000, true // what a client computed in floating point may be a trifle below the millisecond it means
	}
	return x.scale(3), true
}

func (d *Decoder) jsonDouble() (float64, bool) {
	if d.jsonPeek() == '"' {
		raw, _ := d.jsonString()
		switch string(raw) {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
		d.mismatch(kindString, wantDouble)
		return 0, false
	}
	literal, ok := d.jsonNumberOr(wantDouble)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(literal), 64)
	if err != nil { // only ever out of range: the grammar was checked
		d.mismatch(kindDecimal, wantDouble)
		return 0, false
	}
	return f, true
}

// decimal is ±mantissa × 10^exponent. The mantissa holds the first 19 significant digits, as many as an int64 can have.
type decimal struct {
	negative bool
	mantissa uint64
	exponent int
	lost     bool // there are digits other than 0 that the mantissa has no room for
}

func parseDecimal(literal []byte) decimal {
	if x, ok := parseShort(literal); ok {
		return x
	}
	var x decimal
	if literal[0] == '-' {
		x.negative = true
		literal = literal[1:]
	}
	kept, fraction := 0, false
	for i, c := range literal {
		switch {
		case c == '.':
			fraction = true
			continue
		case c == 'e' || c == 'E':
			x.exponent += parseExponent(literal[i+1:])
			return x
		case kept < 19:
			x.mantissa = x.mantissa*10 + uint64(c-'0')
			if x.mantissa > 0 {
				kept++
			}
			if fraction {
				x.exponent--
			}
		default:
			x.lost = x.lost || c != '0'
			if !fraction {
				x.exponent++
			}
		}
	}
	return x
}

// parseShort is parseDecimal for what is usual: few enough digits for the mantissa, no sign and no exponent.
func parseShort(literal []byte) (x decimal, ok bool) {
	if len(literal) > 19 {
		return x, false
	}
	for i, c := range literal {
		switch {
		case c >= '0' && c <= '9':
			x.mantissa = x.mantissa*10 + uint64(c-'0')
		case c == '.':
			x.exponent = i + 1 - len(literal)
		default:
			return x, false
		}
	}
	return x, true
}

// parseExponent saturates far beyond any exponent that a body has the digits to undo.
func parseExponent(b []byte) int {
	negative := b[0] == '-'
	n := 0
	for _, c := range b {
		if c >= '0' && c <= '9' && n < 1<<30 {
			n = n*10 + int(c-'0')
		}
	}
	if negative {
		return -n
	}
	return n
}

// fraction reports whether x is not a whole number.
func (x decimal) fraction() bool {
	switch {
	case x.exponent > 0:
		return false // or beyond an int64, where it does not matter
	case x.exponent < -19:
		return x.mantissa != 0
	}
	return x.lost || x.mantissa%powerOf10(-x.exponent) != 0
}

// powerOf10 is 10^n, for n up to 19.
func powerOf10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// scale returns x × 10^by as an integer: cut off, and saturated if it does not fit. It is exact: digits that the mantissa lacks are beyond the
// point here, or the number is beyond an int64.
func (x decimal) scale(by int) int64 {
	m := x.mantissa
	switch exp := x.exponent + by; {
	case exp > 0:
		for ; exp > 0 && m != 0; exp-- {
			if m > math.MaxInt64/10 {
				m = math.MaxUint64
				break
			}
			m *= 10
		}
	case exp < -19:
		m = 0
	case exp < 0:
		m /= powerOf10(-exp)
	}
	switch {
	case x.negative && m > math.MaxInt64:
		return math.MinInt64
	case x.negative:
		return -int64(m)
	}
	return int64(min(m, math.MaxInt64))
}
