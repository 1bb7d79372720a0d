package awsproto

import "math"

func (d *Decoder) cborString() []byte {
	switch d.cborKind() {
	case kindString:
	case kindNull:
		d.pos++
		return nil
	default:
		d.cborMismatch(wantString)
		return nil
	}
	h, ok := d.cborNext()
	if !ok {
		return nil
	}
	if !h.indefinite() {
		return d.cborChunks(h, nil)
	}
	start := len(d.scratch)
	d.cborChunks(h, func(s []byte) { d.scratch = append(d.scratch, s...) })
	switch {
	case d.fault != nil:
		return nil
	case len(d.scratch) == start:
		return []byte{} // "" and not null
	}
	return d.scratch[start:len(d.scratch):len(d.scratch)]
}

func (d *Decoder) cborBool() (b, ok bool) {
	switch d.cborKind() {
	case kindTrue:
		d.pos++
		return true, true
	case kindFalse:
		d.pos++
		return false, true
	case kindNull:
		d.pos++
	default:
		d.cborMismatch(wantBool)
	}
	return false, false
}

// cborNumber reads a number for a shape that wants one, or null. Floats for integers and integers for floats are taken: the
// protocol allows the latter, and one rule for both protocols is better than two for the former.
func (d *Decoder) cborNumber(w want) (h cborHead, ok bool) {
	switch d.cborKind() {
	case kindNumber, kindDecimal:
		return d.cborNext()
	case kindNull:
		d.pos++
	default:
		d.cborMismatch(w)
	}
	return cborHead{}, false
}

func (d *Decoder) cborInt() (int64, bool) {
	h, ok := d.cborNumber(wantInt)
	if !ok {
		return 0, false
	}
	return d.cborInteger(h, 1, wantInt)
}

func (d *Decoder) cborDouble() (float64, bool) {
	h, ok := d.cborNumber(wantDouble)
	switch {
	case !ok:
		return 0, false
	case h.major == cborUint:
		return float64(h.arg), true
	case h.major == cborNegative:
		return -1 - float64(h.arg), true
	}
	return cborFloat(h), true
}

// cborTimestamp demands the tag, as the protocol does: the Go SDK's own reader refuses a timestamp without it.
func (d *Decoder) cborTimestamp() (ms int64, ok bool) {
	if d.cborNull() {
		return 0, false
	}
	if d.pos >= len(d.body) || d.body[d.pos]>>5 != cborTag {
		d.cborMismatch(wantTimestamp)
		return 0, false
	}
	tag, ok := d.cborNext()
	if !ok {
		return 0, false
	}
	if k := d.cborKind(); tag.arg != tagEpoch || k != kindNumber && k != kindDecimal {
		d.cborMismatch(wantTimestamp)
		return 0, false
	}
	h, ok := d.cborNext()
	if !ok {
		return 0, false
	}
	return d.cborInteger(h, 1000, wantTimestamp)
}

// cborInteger is the number of h times factor, brought to an integer by round, saturated if it does not fit. NaN and the
// infinities are no integers.
func (d *Decoder) cborInteger(h cborHead, factor int64, w want) (int64, bool) {
	const limit = 1 << 63
	if h.major == cborSimple {
		f := cborFloat(h)
		switch {
		case math.IsNaN(f) || math.IsInf(f, 0):
			d.mismatch(kindDecimal, w)
			return 0, false
		case f*float64(factor) >= limit:
			return math.MaxInt64, true
		case f*float64(factor) <= -limit:
			return math.MinInt64, true
		}
		if w == wantInt && f != math.Trunc(f) {
			d.mismatch(kindDecimal, wantInt)
			return 0, false
		}
		// Milliseconds that a double cannot write are a trifle below what was meant.
		return int64(math.Floor(f*float64(factor) + 1e-3)), true
	}
	if h.arg >= uint64(limit)/uint64(factor) {
		if h.major == cborNegative {
			return math.MinInt64, true
		}
		return math.MaxInt64, true
	}
	n := int64(h.arg)
	if h.major == cborNegative {
		n = -1 - n
	}
	return n * factor, true
}
