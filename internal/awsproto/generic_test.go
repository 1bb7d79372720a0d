package awsproto

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// wire is a body and what it is written in.
type wire struct {
	protocol Protocol
	body     []byte
}

// anything reads whatever comes next as encoding/json would, so that bodies can be compared whatever the order of their members. Timestamps
// are in seconds.
func anything(d *Decoder) any {
	k := kindOther
	if d.cbor {
		k = d.cborKind()
	} else {
		switch c := d.jsonPeek(); c {
		case '{':
			k = kindStruct
		case '[':
			k = kindList
		case '"':
			k = kindString
		case 't', 'f':
			k = kindTrue
		case 'n':
			k = kindNull
		default:
			k = kindNumber
		}
	}
	switch k {
	case kindStruct:
		m := map[string]any{}
		for name := range d.Members {
			key := string(name)
			m[key] = anything(d)
		}
		return m
	case kindList:
		l := []any{}
		for range d.Elements {
			l = append(l, anything(d))
		}
		return l
	case kindString:
		return string(d.Bytes())
	case kindTrue, kindFalse:
		b, _ := d.Bool()
		return b
	case kindNull:
		d.Null()
		return nil
	case kindNumber, kindDecimal:
		f, _ := d.Double()
		return f
	}
	t, _ := d.Timestamp() // the only tag there is
	return float64(t.UnixMilli()) / 1000
}

// copyAnything writes what comes next as it stands, members that come twice included.
func copyAnything(e *Encoder, d *Decoder, name string) {
	switch d.jsonPeek() {
	case '{':
		e.BeginStruct()
		for name := range d.Members {
			key := string(name)
			e.Member(key)
			copyAnything(e, d, key)
		}
		e.EndStruct()
	case '[':
		e.BeginList()
		for range d.Elements {
			copyAnything(e, d, "")
		}
		e.EndList()
	default:
		writeAnything(e, name, anything(d))
	}
}

func readAnything(t testing.TB, w wire) any {
	t.Helper()
	d := w.protocol.Codec().Decoder(w.body)
	v := anything(&d)
	if f := d.Finish(); f != nil {
		t.Fatalf("%q: %v", w.body, f)
	}
	return v
}

// transcode writes a JSON body in CBOR, numbers under the names of timestamps with their tag.
func transcode(t testing.TB, body []byte) []byte {
	t.Helper()
	if !json.Valid(body) {
		t.Fatalf("%q is not JSON", body)
	}
	e := CBOR.Codec().Encoder(nil)
	writeAnything(&e, "", readAnything(t, wire{JSON11, body}))
	return e.Bytes()
}

func writeAnything(e *Encoder, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		e.BeginStruct()
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			e.Member(k)
			writeAnything(e, k, v[k])
		}
		e.EndStruct()
	case []any:
		e.BeginList()
		for _, x := range v {
			writeAnything(e, "", x)
		}
		e.EndList()
	case string:
		e.String(v)
	case bool:
		e.Bool(v)
	case float64:
		switch {
		case name == "Timestamp" || name == "ExpirationDate" || name == "PublicKeyRotationTimestamp":
			e.Timestamp(time.UnixMilli(int64(v * 1000)))
		case v == float64(int64(v)):
			e.Int(int64(v))
		default:
			e.Double(v)
		}
	default:
		e.buf = append(e.buf, cborSimple<<5|simpleNull)
	}
}
