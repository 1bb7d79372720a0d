package awsproto

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// plain counts the bytes at the beginning of b that stand for themselves in a JSON string: ASCII without quotes,
// backslashes and controls. It looks at eight bytes at a time, since a registration token is one long plain string.
func plain(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	// The rest by the last eight bytes at once, some of which were looked at already.
	if i > 0 && special(binary.LittleEndian.Uint64(b[len(b)-8:])) == 0 {
		return len(b)
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// special marks the first byte of w, from the low end, that is not plain by its high bit. A byte's high bit ends up set if it
// was set, or if a subtraction wrapped. Wrapping borrows from the byte above, so marks above the first are not to be trusted.
func special(w uint64) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	return (w | (w - ones*' ') | ((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones)) & highs
}

// jsonString reads the string that begins at the current byte, checks it, and returns what stands between the quotes.
//
// Invalid UTF-8 is refused, as Jackson does. So are escapes of half a surrogate pair, which Jackson lets through: no UTF-8
// stands for them, and to replace them by U+FFFD, as encoding/json does, would make one identifier of many.
func (d *Decoder) jsonString() (raw []byte, escaped bool) {
	b := d.body
	start := d.pos + 1
	for i := start; ; {
		i += plain(b[i:])
		if i == len(b) {
			d.pos = i
			d.jsonExpected("the end of the string")
			return nil, false
		}
		switch c := b[i]; {
		case c == '"':
			d.pos = i + 1
			return b[start:i:i], escaped
		case c == '\\':
			n, problem := jsonEscape(b[i:])
			if problem != "" {
				d.pos = i
				d.malformed(problem)
				return nil, false
			}
			i, escaped = i+n, true
		case c < ' ':
			d.pos = i
			d.malformed("control character in a string")
			return nil, false
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				d.pos = i
				d.malformed("invalid UTF-8 in a string")
				return nil, false
			}
			i += n
		}
	}
}

// jsonEscape measures the escape sequence that b begins with, a surrogate pair as one.
func jsonEscape(b []byte) (n int, problem string) {
	if len(b) < 2 {
		return 0, "unexpected end in an escape sequence"
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, "invalid escape sequence in a string"
	}
	unit, ok := hex4(b[2:])
	switch {
	case !ok:
		return 0, "invalid escape sequence in a string"
	case unit < 0xd800 || unit > 0xdfff:
		return 6, ""
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' && unit < 0xdc00 {
		if low, ok := hex4(b[8:]); ok && low >= 0xdc00 && low <= 0xdfff {
			return 12, ""
		}
	}
	return 0, "lone surrogate in a string"
}

// jsonUnescape takes apart a string that jsonString found to be valid. A string without its escapes is never longer, so all
// of them together stay within the size of the body.
func (d *Decoder) jsonUnescape(raw []byte) []byte {
	s := d.scratch
	start := len(s)
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			n := 1
			for i+n < len(raw) && raw[i+n] != '\\' {
				n++
			}
			s = append(s, raw[i:i+n]...)
			i += n
			continue
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(raw[i:])
			i += 4
			if r >= 0xd800 && r <= 0xdfff {
				low, _ := hex4(raw[i+2:])
				i += 6
				r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
			}
			s = utf8.AppendRune(s, r)
			continue
		}
		s = append(s, c)
	}
	d.scratch = s
	return s[start:len(s):len(s)]
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
