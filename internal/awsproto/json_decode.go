package awsproto

import "strconv"

// jsonPeek skips white space and returns the byte at which the next token begins, or 0 at the end. Most often there is none to skip.
func (d *Decoder) jsonPeek() byte {
	if d.pos < len(d.body) && d.body[d.pos] > ' ' {
		return d.body[d.pos]
	}
	return d.jsonSpace()
}

func (d *Decoder) jsonSpace() byte {
	for ; d.pos < len(d.body); d.pos++ {
		switch c := d.body[d.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// jsonExpected reports that something else stands at the current byte.
func (d *Decoder) jsonExpected(what string) {
	if d.pos >= len(d.body) {
		d.malformed("unexpected end, expected " + what)
		return
	}
	d.malformed("unexpected " + strconv.QuoteRuneToASCII(rune(d.body[d.pos])) + ", expected " + what)
}

// jsonStruct reads an object. If yield is nil, or no longer wants names, or did not read the value, it skips.
func (d *Decoder) jsonStruct(yield func(name []byte) bool) {
	if c := d.jsonPeek(); c != '{' {
		if c == 'n' && d.depth > 0 { // a body is never null
			d.jsonNull()
			return
		}
		d.mismatch(d.jsonSkip(), wantStruct)
		return
	}
	if !d.enter() {
		return
	}
	defer d.leave()
	d.pos++
	if d.jsonPeek() == '}' {
		d.pos++
		return
	}
	for {
		if d.jsonPeek() != '"' {
			d.jsonExpected("a member name")
			return
		}
		name, escaped := d.jsonString()
		if d.fault != nil {
			return
		}
		if d.jsonPeek() != ':' {
			d.jsonExpected(`":"`)
			return
		}
		d.pos++
		d.jsonPeek()
		at := d.pos
		if yield != nil {
			if escaped {
				name = d.jsonUnescape(name)
			}
			if !yield(name) {
				yield = nil
			}
		}
		if d.pos == at && d.fault == nil {
			d.jsonSkip()
		}
		if d.fault != nil {
			return
		}
		switch d.jsonPeek() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			return
		default:
			d.jsonExpected(`"," or "}"`)
			return
		}
	}
}

// jsonList reads an array, in the manner of jsonStruct.
func (d *Decoder) jsonList(yield func(i int) bool) {
	if c := d.jsonPeek(); c != '[' {
		if c == 'n' {
			d.jsonNull()
			return
		}
		d.mismatch(d.jsonSkip(), wantList)
		return
	}
	if !d.enter() {
		return
	}
	defer d.leave()
	d.pos++
	if d.jsonPeek() == ']' {
		d.pos++
		return
	}
	for i := 0; ; i++ {
		d.jsonPeek()
		at := d.pos
		if yield != nil && !yield(i) {
			yield = nil
		}
		if d.pos == at && d.fault == nil {
			d.jsonSkip()
		}
		if d.fault != nil {
			return
		}
		switch d.jsonPeek() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			return
		default:
			d.jsonExpected(`"," or "]"`)
			return
		}
	}
}

// jsonSkip reads any value, checks it, and says what it was.
func (d *Decoder) jsonSkip() kind {
	switch c := d.jsonPeek(); c {
	case '"':
		d.jsonString()
		return kindString
	case '{':
		d.jsonStruct(nil)
		return kindStruct
	case '[':
		d.jsonList(nil)
		return kindList
	case 't':
		d.jsonLiteral("true")
		return kindTrue
	case 'f':
		d.jsonLiteral("false")
		return kindFalse
	case 'n':
		d.jsonLiteral("null")
		return kindNull
	default:
		if _, decimal := d.jsonNumber(); decimal {
			return kindDecimal
		}
		return kindNumber
	}
}

func (d *Decoder) jsonLiteral(word string) bool {
	if len(d.body)-d.pos < len(word) || string(d.body[d.pos:d.pos+len(word)]) != word {
		d.jsonExpected("a value")
		return false
	}
	d.pos += len(word)
	return true
}

func (d *Decoder) jsonNull() bool { return d.jsonPeek() == 'n' && d.jsonLiteral("null") }

func (d *Decoder) jsonStringValue() []byte {
	switch d.jsonPeek() {
	case '"':
		raw, escaped := d.jsonString()
		if escaped && d.fault == nil {
			return d.jsonUnescape(raw)
		}
		return raw
	case 'n':
		d.jsonNull()
	default:
		d.mismatch(d.jsonSkip(), wantString)
	}
	return nil
}

func (d *Decoder) jsonBool() (b, ok bool) {
	switch d.jsonPeek() {
	case 't':
		return true, d.jsonLiteral("true")
	case 'f':
		return false, d.jsonLiteral("false")
	case 'n':
		d.jsonNull()
	default:
		d.mismatch(d.jsonSkip(), wantBool)
	}
	return false, false
}
