package awsproto

import "unicode/utf8"

// cborStruct reads a map. If yield is nil, or no longer wants names, or did not read the value, it skips. When nobody wants the
// names they may be of any type: RFC 8949 says so, and an unknown member may hold such a map.
func (d *Decoder) cborStruct(yield func(name []byte) bool) {
	if k := d.cborKind(); k != kindStruct {
		if k == kindNull && d.depth > 0 { // a body is never null
			d.pos++
			return
		}
		d.cborMismatch(wantStruct)
		return
	}
	h, ok := d.cborNext()
	if !ok || !d.enter() {
		return
	}
	defer d.leave()
	for i := uint64(0); d.more(h, i); i++ {
		if yield == nil {
			d.cborSkip()
		} else if d.cborKind() != kindString {
			d.malformed("member name is not a text string")
		}
		var name []byte
		if yield != nil && d.fault == nil {
			name = d.cborString()
		}
		at := d.pos
		if yield != nil && d.fault == nil && !yield(name) {
			yield = nil
		}
		if d.pos == at && d.fault == nil {
			d.cborSkip()
		}
		if d.fault != nil {
			return
		}
	}
}

// cborList reads an array, in the manner of cborStruct.
func (d *Decoder) cborList(yield func(i int) bool) {
	if k := d.cborKind(); k != kindList {
		if k == kindNull {
			d.pos++
			return
		}
		d.cborMismatch(wantList)
		return
	}
	h, ok := d.cborNext()
	if !ok || !d.enter() {
		return
	}
	defer d.leave()
	for i := uint64(0); d.more(h, i); i++ {
		at := d.pos
		if yield != nil && !yield(int(i)) {
			yield = nil
		}
		if d.pos == at && d.fault == nil {
			d.cborSkip()
		}
		if d.fault != nil {
			return
		}
	}
}

// cborSkip reads any data item and checks that it is well formed, and text that it is UTF-8.
func (d *Decoder) cborSkip() {
	switch d.cborKind() {
	case kindStruct:
		d.cborStruct(nil)
		return
	case kindList:
		d.cborList(nil)
		return
	}
	h, ok := d.cborNext()
	if !ok {
		return
	}
	switch h.major {
	case cborBytes, cborText:
		d.cborChunks(h, nil)
	case cborTag:
		if d.enter() {
			d.cborSkip()
			d.leave()
		}
	}
}

// cborChunks reads the content of a string. A definite one it returns as it stands in the body; the chunks of an indefinite
// one it gives to chunk, which may be nil. Each chunk of text must be UTF-8 by itself.
func (d *Decoder) cborChunks(h cborHead, chunk func([]byte)) []byte {
	if !h.indefinite() {
		s := d.body[d.pos : d.pos+int(h.arg) : d.pos+int(h.arg)]
		if h.major == cborText && !utf8.Valid(s) {
			d.malformed("invalid UTF-8 in a text string")
			return nil
		}
		d.pos += len(s)
		return s
	}
	for d.more(h, 0) {
		part, ok := d.cborNext()
		if !ok {
			return nil
		}
		if part.major != h.major || part.indefinite() {
			d.malformed("chunk of another type in an indefinite-length string")
			return nil
		}
		s := d.cborChunks(part, nil)
		if d.fault != nil {
			return nil
		}
		if chunk != nil {
			chunk(s)
		}
	}
	return nil
}

func (d *Decoder) cborMismatch(w want) {
	k := d.cborKind()
	d.cborSkip()
	d.mismatch(k, w)
}

func (d *Decoder) cborNull() bool {
	if d.cborKind() != kindNull {
		return false
	}
	d.pos++
	return true
}
