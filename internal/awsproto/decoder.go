package awsproto

import "time"

// maxDepth bounds how deep structures, maps, lists and CBOR tags may nest, read or skipped: the decoder recurses. Requests of
// these services nest five deep.
const maxDepth = 128

// Decoder pulls wire shapes out of one body, in JSON or in CBOR. [Codec.Decoder] makes it, a shape's Decode method reads from
// it, and Finish says how it went:
//
//	func (in *Input) Decode(d *Decoder) {
//		for name := range d.Members {
//			switch string(name) {
//			case "Token":
//				in.Token = d.Bytes()
//			case "Records":
//				in.Records = in.Records[:0] // a member may come twice: the last one wins
//				for range d.Elements {
//					...
//				}
//			}
//		}
//	}
//
// Member names are matched by their exact bytes. A member that the loop does not read is skipped, as unknown members must
// be. Null is the same as absent: every read method answers a null with its zero value and ok false. Of a member that comes
// twice the last one wins, even if it is null: so does Jackson, on which AWS's framework stands, and what looks at requests
// on their way (a log, a firewall) mostly reads them so too. A Decode method sets everything that a repeated member
// would leave behind.
//
// Errors stick: after the first one loops end and reads return zero values. What was decoded until then means nothing.
//
// A Decoder is a value; it must not be copied once it has been read from. It allocates only to report a fault, and to take
// apart strings with escapes (JSON) or in chunks (CBOR).
type Decoder struct {
	body    []byte
	pos     int
	depth   int
	cbor    bool
	scratch []byte // strings that could not alias the body, one after the other; only ever appended to
	fault   *Fault
}

// Members is an iterator over the names in the structure or map that comes next. A name is good until the body is reused.
// Leaving the loop early skips the rest. Null has no members.
func (d *Decoder) Members(yield func(name []byte) bool) {
	switch {
	case d.fault != nil, len(d.body) == 0:
	case d.cbor:
		d.cborStruct(yield)
	default:
		d.jsonStruct(yield)
	}
}

// Elements is an iterator over the positions, from 0, in the list that comes next. Null has no elements; an element that is
// null is one.
func (d *Decoder) Elements(yield func(i int) bool) {
	switch {
	case d.fault != nil:
	case d.cbor:
		d.cborList(yield)
	default:
		d.jsonList(yield)
	}
}

// Null says whether null comes next, and reads it if so. It is for structures and lists, where null and empty differ.
func (d *Decoder) Null() bool {
	switch {
	case d.fault != nil:
		return false
	case d.cbor:
		return d.cborNull()
	}
	return d.jsonNull()
}

// Bytes reads a string. It is valid UTF-8 and aliases the body where it can; nil is null, and a string that is there is not
// nil, however empty.
func (d *Decoder) Bytes() []byte {
	switch {
	case d.fault != nil:
		return nil
	case d.cbor:
		return d.cborString()
	}
	return d.jsonStringValue()
}

// Int reads an integer. A number that is none is refused: Coral may cut it off, by the name of its TruncatingBigNumber, but a quantity that is not the
// one that was meant is worse than an error. What does not fit in 64 bits saturates, so that a check of the range refuses it.
func (d *Decoder) Int() (n int64, ok bool) {
	switch {
	case d.fault != nil:
		return 0, false
	case d.cbor:
		return d.cborInt()
	}
	return d.jsonInt()
}

// Double reads a floating-point number, or in JSON the strings "NaN", "Infinity" and "-Infinity".
func (d *Decoder) Double() (f float64, ok bool) {
	switch {
	case d.fault != nil:
		return 0, false
	case d.cbor:
		return d.cborDouble()
	}
	return d.jsonDouble()
}

// Bool reads true or false.
func (d *Decoder) Bool() (b, ok bool) {
	switch {
	case d.fault != nil:
		return false, false
	case d.cbor:
		return d.cborBool()
	}
	return d.jsonBool()
}

// Timestamp reads seconds since the epoch, cut off to the millisecond, in UTC: SDKs send whole seconds, milliseconds or
// nanoseconds. Nothing is rounded up, into an hour or a month to come, but what is less than a microsecond below. Beyond 10^15 seconds it saturates, so that the domain can refuse
// the time as out of bounds.
func (d *Decoder) Timestamp() (t time.Time, ok bool) {
	var ms int64
	switch {
	case d.fault != nil:
		return time.Time{}, false
	case d.cbor:
		ms, ok = d.cborTimestamp()
	default:
		ms, ok = d.jsonTimestamp()
	}
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMilli(min(max(ms, -maxMillis), maxMillis)).UTC(), true
}

const maxMillis = 1e18

// Finish returns the first fault, be it in what was read or in what follows. A body of which nothing was read is checked
// whole.
func (d *Decoder) Finish() *Fault {
	if d.fault != nil || len(d.body) == 0 {
		return d.fault
	}
	if d.cbor {
		if d.pos == 0 {
			d.cborStruct(nil)
		}
	} else {
		if d.pos == 0 {
			d.jsonStruct(nil)
		}
		if d.fault == nil {
			d.jsonPeek()
		}
	}
	if d.fault == nil && d.pos < len(d.body) {
		d.malformed("data after the end of the structure")
	}
	return d.fault
}

// Faults is Finish for one pass over a body where [Codec.Valid] and then a Decoder make two. It tells apart what they would have found: malformed
// is what Valid says, and is for before authentication; mistyped is a member of the wrong type in a well-formed body, and is for after it. At most one of
// them is not nil. Only a body with a fault is gone through again.
func (d *Decoder) Faults() (malformed, mistyped *Fault) {
	f := d.Finish()
	if f == nil {
		return nil, nil
	}
	whole := Decoder{body: d.body, cbor: d.cbor}
	if malformed = whole.Finish(); malformed != nil {
		return malformed, nil
	}
	return nil, f
}

// enter goes one level down, if there is one.
func (d *Decoder) enter() bool {
	if d.depth == maxDepth {
		d.malformed("nested deeper than 128 levels")
		return false
	}
	d.depth++
	return true
}

func (d *Decoder) leave() { d.depth-- }
