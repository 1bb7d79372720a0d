package awsproto

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Encoder appends a wire shape to a buffer, in JSON or in CBOR. [Codec.Encoder] makes it, a shape's Encode method writes to it:
//
//	func (out *Output) Encode(e *Encoder) {
//		e.BeginStruct()
//		e.Member("Total")
//		e.Int(out.Total)
//		e.EndStruct()
//	}
//
// Members that are absent are left out; there is no way to write null. Every Begin wants its End, every Member one value:
// the encoder checks neither. It allocates only to make the buffer longer.
type Encoder struct {
	buf   []byte
	start int // where in buf its own writing begins
	cbor  bool
}

// Bytes is the buffer, with what it held before.
func (e *Encoder) Bytes() []byte { return e.buf }

// BeginStruct begins a structure or a map. In CBOR it is of indefinite length, as is a list: the protocol has its readers
// take both forms, the Go SDK itself writes this one, and there is no count that could be wrong.
func (e *Encoder) BeginStruct() { e.begin('{', cborMap<<5|cborIndef) }

// EndStruct ends a structure or a map.
func (e *Encoder) EndStruct() { e.end('}') }

// BeginList begins a list. Values up to its end are its elements.
func (e *Encoder) BeginList() { e.begin('[', cborArray<<5|cborIndef) }

// EndList ends a list.
func (e *Encoder) EndList() { e.end(']') }

// Member begins a member of a structure, or an entry of a map. The next value is its value.
func (e *Encoder) Member(name string) {
	if e.cbor {
		e.buf = appendCBORText(e.buf, name)
		return
	}
	e.comma()
	e.buf = append(appendJSONString(e.buf, name), ':')
}

// member is Member for names that stand for themselves in JSON, as all of the models' do: they are not looked at.
func (e *Encoder) member(name string) {
	if e.cbor {
		e.buf = append(appendCBORHead(e.buf, cborText, uint64(len(name))), name...)
		return
	}
	e.comma()
	e.buf = append(append(append(e.buf, '"'), name...), '"', ':')
}

// sent writes a member that is a string, unless it is nil: what a caller did not send is not echoed.
func (e *Encoder) sent(name string, s []byte) {
	if s != nil {
		e.member(name)
		e.Text(s)
	}
}

// some writes a member that is a string, unless it is empty.
func (e *Encoder) some(name, s string) {
	if s != "" {
		e.member(name)
		e.String(s)
	}
}

// String writes s. What is not UTF-8 in it becomes U+FFFD.
func (e *Encoder) String(s string) {
	if e.cbor {
		e.buf = appendCBORText(e.buf, s)
		return
	}
	e.comma()
	e.buf = appendJSONString(e.buf, s)
}

// Text writes s, as String does.
func (e *Encoder) Text(s []byte) {
	if e.cbor {
		e.buf = appendCBORText(e.buf, s)
		return
	}
	e.comma()
	e.buf = appendJSONString(e.buf, s)
}

// Int writes an integer.
func (e *Encoder) Int(n int64) {
	if e.cbor {
		e.buf = appendCBORInt(e.buf, n)
		return
	}
	e.comma()
	e.buf = strconv.AppendInt(e.buf, n, 10)
}

// Double writes a floating-point number.
func (e *Encoder) Double(f float64) {
	if e.cbor {
		e.buf = appendCBORDouble(e.buf, f)
		return
	}
	e.comma()
	e.buf = appendJSONDouble(e.buf, f)
}

// Bool writes true or false.
func (e *Encoder) Bool(b bool) {
	switch {
	case e.cbor && b:
		e.buf = append(e.buf, cborSimple<<5|simpleTrue)
	case e.cbor:
		e.buf = append(e.buf, cborSimple<<5|simpleFalse)
	default:
		e.comma()
		e.buf = strconv.AppendBool(e.buf, b)
	}
}

// Timestamp writes seconds since the epoch: an integer, or with up to three decimals; the rest is cut off.
func (e *Encoder) Timestamp(t time.Time) {
	ms := t.UnixMilli()
	if e.cbor {
		e.buf = appendCBORTimestamp(e.buf, ms)
		return
	}
	e.comma()
	e.buf = appendJSONTimestamp(e.buf, ms)
}

func (e *Encoder) begin(json, cbor byte) {
	if e.cbor {
		e.buf = append(e.buf, cbor)
		return
	}
	e.comma()
	e.buf = append(e.buf, json)
}

func (e *Encoder) end(json byte) {
	if e.cbor {
		json = cborBreak
	}
	e.buf = append(e.buf, json)
}

// comma parts a value or a name from what stands before it. The last byte tells whether it must: outside of strings, which
// end in a quote, these three stand nowhere but where nothing is to be parted.
func (e *Encoder) comma() {
	n := len(e.buf)
	if n == e.start {
		return
	}
	switch e.buf[n-1] {
	case '{', '[', ':':
	default:
		e.buf = append(e.buf, ',')
	}
}

func appendJSONString[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	start := len(dst)
	dst = append(dst, s...)
	n := plain(dst[start:])
	if n == len(s) {
		return append(dst, '"')
	}
	const hex = "0123456789abcdef"
	dst = dst[:start+n]
	for i := n; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			dst = utf8.AppendRune(dst, r) // invalid bytes have become U+FFFD
			i += size
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}

// appendJSONDouble writes what is no number as the strings that Smithy names.
func appendJSONDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	case f == 0 || math.Abs(f) >= 1e-6 && math.Abs(f) < 1e21:
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'e', -1, 64)
}

func appendJSONTimestamp(dst []byte, ms int64) []byte {
	if ms < 0 {
		dst = append(dst, '-')
	}
	abs := uint64(ms)
	if ms < 0 {
		abs = -abs
	}
	dst = strconv.AppendUint(dst, abs/1000, 10)
	if rest := byte(abs % 1000 / 10); abs%1000 != 0 {
		dst = append(dst, '.', '0'+rest/10)
		if abs%100 != 0 {
			dst = append(dst, '0'+rest%10)
		}
		if abs%10 != 0 {
			dst = append(dst, '0'+byte(abs%10))
		}
	}
	return dst
}
