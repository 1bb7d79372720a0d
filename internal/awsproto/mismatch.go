package awsproto

import "strconv"

// kind is what a value is on the wire.
type kind uint8

const (
	kindOther   kind = iota // of no use to any shape: a byte string, a tag, a simple value
	kindNull                // and CBOR's undefined
	kindTrue                //
	kindFalse               //
	kindNumber              // an integer
	kindDecimal             // a number written with a fraction or an exponent, or a CBOR float
	kindString              //
	kindList                //
	kindStruct              // or a map
)

// want is what a shape asks for, by Coral's name of it.
type want uint8

const (
	wantString want = iota
	wantInt
	wantDouble
	wantBool
	wantTimestamp
	wantList
	wantStruct
)

func (w want) names() (coral, java string) {
	switch w {
	case wantInt:
		return "Integer", "java.lang.Integer"
	case wantDouble:
		return "Double", "java.lang.Double"
	case wantBool:
		return "Boolean", "java.lang.Boolean"
	case wantTimestamp:
		return "Timestamp", "java.util.Date"
	}
	return "String", "java.lang.String"
}

// mismatch reports a well-formed value of the wrong type, in Coral's words as the test suites of DynamoDB emulators have
// them. A list for a structure is worded as for Kinesis: DynamoDB names its own Java class there.
func (d *Decoder) mismatch(got kind, w want) {
	if d.fault != nil {
		return
	}
	coral, java := w.names()
	var value string
	switch got {
	case kindStruct:
		d.fail("Start of structure or map found where not expected")
		return
	case kindList:
		if w == wantStruct {
			d.fail("Start of list found where not expected")
		} else {
			d.fail("Unrecognized collection type class " + java)
		}
		return
	case kindTrue:
		value = "TRUE_VALUE"
	case kindFalse:
		value = "FALSE_VALUE"
	case kindNumber:
		value = "NUMBER_VALUE"
	case kindDecimal:
		value = "DECIMAL_VALUE"
	case kindString:
		value = "STRING_VALUE"
	}
	switch {
	case w == wantStruct || w == wantList || value == "":
		d.fail("Unexpected field type")
	case w == wantBool && got == kindString:
		d.fail("Unexpected token received from parser")
	case w == wantTimestamp:
		// The hint is ours. Callers who write "2026-01-02T03:04:05Z" are many, JavaScript's SDK passes it through.
		how := "as a number"
		if d.cbor {
			how = "as a number under tag 1"
		}
		d.fail(value + " cannot be converted to Timestamp (send the seconds since 1970-01-01T00:00:00Z " + how + ")")
	default:
		d.fail(value + " cannot be converted to " + coral)
	}
}

// malformed reports a body that is not even well formed. AWS sends no message then; where it broke is what the caller needs.
func (d *Decoder) malformed(what string) {
	if d.fault != nil {
		return
	}
	format := "json"
	if d.cbor {
		format = "cbor"
	}
	d.fail("malformed " + format + " at byte " + strconv.Itoa(d.pos) + ": " + what)
}

func (d *Decoder) fail(message string) {
	if d.fault == nil {
		d.fault = Serialization(message)
	}
}
