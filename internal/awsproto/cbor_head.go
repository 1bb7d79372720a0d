package awsproto

import "math"

// Major types of CBOR (RFC 8949, section 3.1).
const (
	cborUint     = 0
	cborNegative = 1
	cborBytes    = 2
	cborText     = 3
	cborArray    = 4
	cborMap      = 5
	cborTag      = 6
	cborSimple   = 7
)

const (
	cborBreak     = 0xff
	cborIndef     = 31 // additional information: until the break
	tagEpoch      = 1
	simpleFalse   = 20
	simpleTrue    = 21
	simpleNull    = 22
	simpleUndef   = 23 // the protocol reads undefined as null
	simpleFloat16 = 25
	simpleFloat32 = 26
	simpleFloat64 = 27
)

// cborHead is the head of a data item: for majors 0 and 1 arg is the number, for strings and containers the length, for tags the
// tag, for major 7 the simple value or the bits of a float, told apart by info.
type cborHead struct {
	major, info byte
	arg         uint64
}

func (h cborHead) indefinite() bool { return h.info == cborIndef }

// cborKind says what comes next, reading nothing.
func (d *Decoder) cborKind() kind {
	if d.pos >= len(d.body) {
		return kindOther
	}
	c := d.body[d.pos]
	switch c >> 5 {
	case cborUint, cborNegative:
		return kindNumber
	case cborText:
		return kindString
	case cborArray:
		return kindList
	case cborMap:
		return kindStruct
	case cborSimple:
		switch c & 0x1f {
		case simpleFalse:
			return kindFalse
		case simpleTrue:
			return kindTrue
		case simpleNull, simpleUndef:
			return kindNull
		case simpleFloat16, simpleFloat32, simpleFloat64:
			return kindDecimal
		}
	}
	return kindOther
}

// cborNext reads a head. Numbers longer than they need be are well formed. A length beyond what is left of the body is
// refused here, so that nothing is ever sized by a number that the caller merely claims.
func (d *Decoder) cborNext() (h cborHead, ok bool) {
	if d.pos >= len(d.body) {
		d.malformed("unexpected end")
		return h, false
	}
	c := d.body[d.pos]
	h = cborHead{major: c >> 5, info: c & 0x1f}
	next := d.pos + 1
	switch {
	case h.info < 24:
		h.arg = uint64(h.info)
	case h.info < 28:
		n := 1 << (h.info - 24)
		if len(d.body)-next < n {
			d.malformed("unexpected end")
			return h, false
		}
		for _, b := range d.body[next : next+n] {
			h.arg = h.arg<<8 | uint64(b)
		}
		next += n
	case h.info == cborIndef && h.major >= cborBytes && h.major <= cborMap:
	case h.info == cborIndef && h.major == cborSimple:
		d.malformed("break outside of an indefinite-length item")
		return h, false
	default:
		d.malformed("reserved additional information")
		return h, false
	}
	left := uint64(len(d.body) - next)
	switch {
	case h.indefinite():
	case (h.major == cborBytes || h.major == cborText || h.major == cborArray) && h.arg > left, // an element has a byte at least
		h.major == cborMap && h.arg > left/2:
		d.malformed("length beyond the end of the body")
		return h, false
	case h.major == cborSimple && h.info == 24 && h.arg < 32: // two bytes for what one can say are malformed here, and only here
		d.malformed("simple value in a reserved form")
		return h, false
	}
	d.pos = next
	return h, true
}

// more says whether item i of a container exists, and reads the break that ends an indefinite one.
func (d *Decoder) more(h cborHead, i uint64) bool {
	if !h.indefinite() {
		return i < h.arg
	}
	if d.pos < len(d.body) && d.body[d.pos] == cborBreak {
		d.pos++
		return false
	}
	return true
}

// cborFloat is the value of a float's bits.
func cborFloat(h cborHead) float64 {
	switch h.info {
	case simpleFloat16:
		return halfFloat(uint16(h.arg))
	case simpleFloat32:
		return float64(math.Float32frombits(uint32(h.arg)))
	}
	return math.Float64frombits(h.arg)
}

// halfFloat is RFC 8949, appendix D.
func halfFloat(b uint16) float64 {
	exp := int(b >> 10 & 0x1f)
	mant := float64(b & 0x3ff)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(mant, -24)
	case 31:
		if f = math.Inf(1); mant != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(mant+1024, exp-25)
	}
	if b&0x8000 != 0 {
		return -f
	}
	return f
}
