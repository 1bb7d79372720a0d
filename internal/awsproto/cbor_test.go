package awsproto

import (
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 8949, appendix A: every vector, wrapped into the structure {"x": …}. What a shape can hold is read; the rest must
// be skipped to its exact end, and refused, not misread, by a shape that asks for a string.
func TestCBORAppendixA(t *testing.T) {
	type (
		integer int64
		float   float64
		text    string
		millis  int64
		boolean bool
		null    struct{}
		skipped struct{} // well formed, of no use to any shape
		nested  struct{} // a list or map
	)
	for _, tt := range []struct {
		hex  string
		want any
	}{
		{"00", integer(0)}, {"01", integer(1)}, {"0a", integer(10)}, {"17", integer(23)}, {"1818", integer(24)}, {"1819", integer(25)},
		{"1864", integer(100)}, {"1903e8", integer(1000)}, {"1a000f4240", integer(1000000)}, {"1b000000e8d4a51000", integer(1000000000000)},
		{"1bffffffffffffffff", integer(math.MaxInt64)}, // 2^64-1 saturates
		{"c249010000000000000000", skipped{}},
		{"3bffffffffffffffff", integer(math.MinInt64)},
		{"c349010000000000000000", skipped{}},
		{"20", integer(-1)}, {"29", integer(-10)}, {"3863", integer(-100)}, {"3903e7", integer(-1000)},
		{"f90000", float(0)}, {"f98000", float(math.Copysign(0, -1))}, {"f93c00", float(1)}, {"fb3ff199999999999a", float(1.1)}, {"f93e00", float(1.5)},
		{"f97bff", float(65504)}, {"fa47c35000", float(100000)}, {"fa7f7fffff", float(math.MaxFloat32)}, {"fb7e37e43c8800759c", float(1e300)},
		{"f90001", float(5.960464477539063e-8)}, {"f90400", float(0.00006103515625)}, {"f9c400", float(-4)}, {"fbc010666666666666", float(-4.1)},
		{"f97c00", float(math.Inf(1))}, {"f97e00", float(math.NaN())}, {"f9fc00", float(negInf)},
		{"fa7f800000", float(math.Inf(1))}, {"fa7fc00000", float(math.NaN())}, {"faff800000", float(negInf)},
		{"fb7ff0000000000000", float(math.Inf(1))}, {"fb7ff8000000000000", float(math.NaN())}, {"fbfff0000000000000", float(negInf)},
		{"f4", boolean(false)}, {"f5", boolean(true)}, {"f6", null{}}, {"f7", null{}}, {"f0", skipped{}}, {"f8ff", skipped{}},
		{"c074323031332d30332d32315432303a30343a30305a", skipped{}},
		{"c11a514b67b0", millis(1363896240000)}, {"c1fb41d452d9ec200000", millis(1363896240500)},
		{"d74401020304", skipped{}}, {"d818456449455446", skipped{}}, {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", skipped{}},
		{"40", skipped{}}, {"4401020304", skipped{}},
		{"60", text("")}, {"6161", text("a")}, {"6449455446", text("IETF")}, {"62225c", text("\"\\")}, {"62c3bc", text("ü")}, {"63e6b0b4", text("水")}, {"64f0908591", text("𐅑")},
		{"80", nested{}}, {"83010203", nested{}}, {"8301820203820405", nested{}}, {"98190102030405060708090a0b0c0d0e0f101112131415161718181819", nested{}},
		{"a0", nested{}}, {"a201020304", nested{}}, {"a26161016162820203", nested{}}, {"826161a161626163", nested{}}, {"a56161614161626142616361436164614461656145", nested{}},
		{"5f42010243030405ff", skipped{}}, {"7f657374726561646d696e67ff", text("streaming")},
		{"9fff", nested{}}, {"9f018202039f0405ffff", nested{}}, {"9f01820203820405ff", nested{}}, {"83018202039f0405ff", nested{}}, {"83019f0203ff820405", nested{}},
		{"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", nested{}},
		{"bf61610161629f0203ffff", nested{}}, {"826161bf61626163ff", nested{}}, {"bf6346756ef563416d7421ff", nested{}},
	} {
		body := unhex(t, "a2 6178"+tt.hex+"6179 01") // {"x": vector, "y": 1}
		if f := CBOR.Codec().Valid(body); f != nil {
			t.Errorf("%s: Valid: %v", tt.hex, f)
		}
		var got any = skipped{}
		y := int64(0)
		d := CBOR.Codec().Decoder(body)
		for name := range d.Members {
			switch {
			case string(name) == "y":
				y, _ = d.Int()
			case d.Null():
				got = null{}
			default:
				switch tt.want.(type) {
				case integer:
					n, _ := d.Int()
					got = integer(n)
				case float:
					f, _ := d.Double()
					got = float(f)
				case boolean:
					b, _ := d.Bool()
					got = boolean(b)
				case millis:
					ts, _ := d.Timestamp()
					got = millis(ts.UnixMilli())
				case text:
					got = text(d.Bytes())
				case nested:
					got = nested{}
				}
			}
		}
		if f := d.Finish(); f != nil || y != 1 {
			t.Errorf("%s: %v, y = %d", tt.hex, f, y)
		}
		if fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", tt.want, tt.want) { // so that NaN is NaN
			t.Errorf("%s: got %T %v, want %T %v", tt.hex, got, got, tt.want, tt.want)
		}
		_, f := decodeTree(CBOR, unhex(t, "a1 6153"+tt.hex)) // {"S": vector}
		switch tt.want.(type) {
		case text, null:
			if f != nil {
				t.Errorf("%s as a string: %v", tt.hex, f)
			}
		default:
			if f == nil {
				t.Errorf("%s as a string: no fault", tt.hex)
			}
		}
	}
}

// Requests as SDKs send them: Go's of indefinite length (as captured), JavaScript's of definite length.
func TestDecodeCBORRequests(t *testing.T) {
	for name, body := range map[string]string{
		"go": "\xbffFilter\xbfsCUSTOMER_IDENTIFIER\x9fbci\xff\xffkProductCodebpc\xff",
		"js": "\xa2fFilter\xa1sCUSTOMER_IDENTIFIER\x81bcikProductCodebpc",
	} {
		var got []string
		d := CBOR.Codec().Decoder([]byte(body))
		for member := range d.Members {
			switch string(member) {
			case "Filter":
				for key := range d.Members {
					for range d.Elements {
						got = append(got, string(key)+"="+string(d.Bytes()))
					}
				}
			case "ProductCode":
				got = append(got, string(d.Bytes()))
			}
		}
		if f := d.Finish(); f != nil {
			t.Errorf("%s: %v", name, f)
		}
		if d := cmp.Diff([]string{"CUSTOMER_IDENTIFIER=ci", "pc"}, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestDecodeCBOR(t *testing.T) {
	for _, tt := range []struct {
		name, hex string
		want      tree
	}{
		{"empty body", "", tree{}},
		{"empty map", "a0", tree{}},
		{"undefined is null", "a2 6153 f7 6149 f6", tree{}},
		{"null is absent", "a9 6153f6 6149f6 6144f6 6142f7 6154f6 654e616d6573f6 634d6170f6 654368696c64f6 644b696473f6", tree{}},
		{"null in lists and maps is seen", "a3 654e616d6573 82f66161 634d6170 a1616bf7 644b696473 81f6",
			tree{Names: [][]byte{nil, []byte("a")}, Map: map[string][]byte{"k": nil}, Kids: []tree{{}}}},
		{"false, and a double of a large negative integer", "a2 6142f4 6144 3bffffffffffffffff", tree{B: ptr(false), D: ptr(-0x1p64)}},
		{"timestamps beyond all bounds saturate", "a1 644b696473 84 a16154c11bffffffffffffffff a16154c13bffffffffffffffff a16154c1fb7e37e43c8800759c a16154c1fbfe37e43c8800759c",
			tree{Kids: []tree{{T: at(1e15, 0)}, {T: at(-1e15, 0)}, {T: at(1e15, 0)}, {T: at(-1e15, 0)}}}},
		{"string in chunks", "a1 6153 7f 6161 60 6162 ff", tree{S: []byte("ab")}},
		{"empty string in chunks", "a1 6153 7f ff", tree{S: []byte{}}},
		{"two strings in chunks", "a1 654e616d6573 82 7f 6161 ff 7f 6162 6163 ff", tree{Names: [][]byte{[]byte("a"), []byte("bc")}}},
		{"name in chunks", "bf 7f 6153 ff 6161 ff", tree{S: []byte("a")}},
		{"long forms of short numbers", "a1 6149 1b0000000000000007", tree{I: ptr(int64(7))}},
		{"length in a long form", "bb0000000000000001 7a00000001 53 7b0000000000000001 61", tree{S: []byte("a")}},
		{"half float", "a1 6144 f93e00", tree{D: ptr(1.5)}},
		{"integer for a double", "a1 6144 29", tree{D: ptr(-10.0)}},
		{"double for an integer", "a1 6149 fbc014000000000000", tree{I: ptr(int64(-5))}},
		{"double beyond integers", "a1 6149 fb7e37e43c8800759c", tree{I: ptr(int64(math.MaxInt64))}},
		{"timestamp of an integer", "a1 6154 c1 1a695729a5", tree{T: at(0x695729a5, 0)}},
		{"timestamp of a double", "a1 6154 c1 fb" + fmt.Sprintf("%016x", math.Float64bits(1767323045.678)), tree{T: at(1767323045, 678e6)}},
		{"negative timestamp", "a1 6154 c1 fbbff8000000000000", tree{T: at(-2, 5e8)}},
		{"timestamp of a half float", "a1 6154 c1 f93e00", tree{T: at(1, 5e8)}},
		{"last one wins", "a2 6153 6161 6153 6162", tree{S: []byte("b")}},
		{"last one wins even if null", "a2 6153 6161 6153 f6", tree{}},
		{"unknown members of any type", "a3 6178 a2 01 02 f6 c1 80 6179 d9ffff 5f 41ff ff 6149 01", tree{I: ptr(int64(1))}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := unhex(t, tt.hex)
			if f := CBOR.Codec().Valid(body); f != nil {
				t.Errorf("Valid: %v", f)
			}
			got, f := decodeTree(CBOR, body)
			if f != nil {
				t.Fatal(f)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestMalformedCBOR(t *testing.T) {
	for _, tt := range []struct{ hex, want string }{
		{"a1", "at byte 0: length"},
		{"a1 61", "at byte 0: length"},
		{"bf 61", "at byte 1: length"},
		{"a1 6153", "at byte 3: unexpected end"},
		{"a1 6153 18", "at byte 3: unexpected end"},
		{"a1 6153 1b00000000", "at byte 3: unexpected end"},
		{"a1 6153 62 61", "at byte 3: length"},
		{"a1 6153 7f 6161", "at byte 6: unexpected end"},
		{"bf", "at byte 1: unexpected end"},
		{"bf 6153 ff", "at byte 3: break outside"},
		{"a1 6178 ff", "at byte 3: break outside"},
		{"a1 6178 82 01 ff", "at byte 5: break outside"},
		{"a1 6178 c1 ff", "at byte 4: break outside"},
		{"a1 6178 1c", "at byte 3: reserved"},
		{"a1 6178 7e", "at byte 3: reserved"},
		{"a1 6178 1f", "at byte 3: reserved"},
		{"a1 6178 df", "at byte 3: reserved"},
		{"a1 6178 f818", "at byte 3: simple value"},
		{"a1 6178 fc", "at byte 3: reserved"},
		{"a1 6178 61ff", "at byte 4: invalid UTF-8"},
		{"a1 6178 7f 61c3 61bc ff", "at byte 5: invalid UTF-8"},
		{"a1 6178 7f 4161 ff", "at byte 5: chunk of another type"},
		{"a1 6178 7f 7f 6161 ff ff", "at byte 5: chunk of another type"},
		{"a1 6178 9bffffffffffffffff", "at byte 3: length"},
		{"a1 6178 bb7fffffffffffffff", "at byte 3: length"},
		{"a1 6178 5bffffffffffffffff", "at byte 3: length"},
		{"a1 6178 a1 01", "at byte 3: length"},
		{"a0 00", "at byte 1: data after the end"},
		{"a1 6178 01 ff", "at byte 4: data after the end"},
		{"7b 22 53 22 3a 31 7d", "at byte 0: unexpected end"}, // JSON, taken for a text string with a long length
		{"a1 6178" + strings.Repeat("81", 200), "at byte 131: nested deeper"},
		{"a1 6178" + strings.Repeat("9f", 200), "at byte 131: nested deeper"},
		{"a1 6178" + strings.Repeat("c1", 200) + "00", "at byte 131: nested deeper"},
		{"a1 6178" + strings.Repeat("a1", 200), "at byte 131: nested deeper"},
	} {
		body := unhex(t, tt.hex)
		f := CBOR.Codec().Valid(body)
		if f == nil || f.Code != "SerializationException" || !strings.HasPrefix(f.Message, "malformed cbor "+tt.want) {
			t.Errorf("Valid(%.40s): got %v, want %q", tt.hex, f, tt.want)
		}
		if _, g := decodeTree(CBOR, body); g == nil || !strings.HasPrefix(g.Message, "malformed cbor ") {
			t.Errorf("decoding %.40s: got %v", tt.hex, g)
		}
	}
}

func TestMismatchCBOR(t *testing.T) {
	const hint = " cannot be converted to Timestamp (send the seconds since 1970-01-01T00:00:00Z as a number under tag 1)"
	for _, tt := range []struct{ hex, want string }{
		{"a1 6153 01", "NUMBER_VALUE cannot be converted to String"},
		{"a1 6153 f93e00", "DECIMAL_VALUE cannot be converted to String"},
		{"a1 6153 f5", "TRUE_VALUE cannot be converted to String"},
		{"a1 6153 4161", "Unexpected field type"},
		{"a1 6153 c1 01", "Unexpected field type"},
		{"a1 6153 80", "Unrecognized collection type class java.lang.String"},
		{"a1 6149 6131", "STRING_VALUE cannot be converted to Integer"},
		{"a1 6149 f97e00", "DECIMAL_VALUE cannot be converted to Integer"},             // NaN
		{"a1 6149 fb4016000000000000", "DECIMAL_VALUE cannot be converted to Integer"}, // 5.5
		{"a1 6144 6131", "STRING_VALUE cannot be converted to Double"},
		{"a1 6142 01", "NUMBER_VALUE cannot be converted to Boolean"},
		{"a1 6154 01", "NUMBER_VALUE" + hint}, // without its tag
		{"a1 6154 c0 6131", "STRING_VALUE" + hint},
		{"a1 6154 c1 6131", "STRING_VALUE" + hint},
		{"a1 6154 c1 c1 01", "Unexpected field type"},
		{"a1 6154 c2 01", "NUMBER_VALUE" + hint},
		{"a1 6154 c1 f97c00", "DECIMAL_VALUE" + hint}, // infinity
		{"a1 654e616d6573 a0", "Start of structure or map found where not expected"},
		{"a1 654368696c64 80", "Start of list found where not expected"},
		{"80", "Start of list found where not expected"},
		{"f6", "Unexpected field type"},
	} {
		_, f := decodeTree(CBOR, unhex(t, tt.hex))
		if f == nil || f.Message != tt.want {
			t.Errorf("%s: got %v, want %q", tt.hex, f, tt.want)
		}
	}
	// Names that are no text are well formed, but no shape can have them.
	if _, f := decodeTree(CBOR, unhex(t, "a1 01 02")); f == nil || f.Message != "malformed cbor at byte 1: member name is not a text string" {
		t.Errorf("number for a name: %v", f)
	}
}

func TestEncodeCBOR(t *testing.T) {
	for _, tt := range []struct {
		tree tree
		hex  string
	}{
		{tree{}, "bf ff"},
		{tree{I: ptr(int64(0))}, "bf 6149 00 ff"},
		{tree{I: ptr(int64(24))}, "bf 6149 1818 ff"},
		{tree{I: ptr(int64(256))}, "bf 6149 190100 ff"},
		{tree{I: ptr(int64(65536))}, "bf 6149 1a00010000 ff"},
		{tree{I: ptr(int64(math.MinInt64))}, "bf 6149 3b7fffffffffffffff ff"},
		{tree{D: ptr(1.5)}, "bf 6144 fa3fc00000 ff"},
		{tree{D: ptr(1.1)}, "bf 6144 fb3ff199999999999a ff"},
		{tree{T: at(1, 0)}, "bf 6154 c101 ff"},
		{tree{T: at(1, 5e8)}, "bf 6154 c1fa3fc00000 ff"},
		{tree{B: ptr(true)}, "bf 6142 f5 ff"},
		{tree{S: []byte("a\xffb")}, "bf 6153 6561efbfbd62 ff"},
		{tree{Names: [][]byte{[]byte("a")}, Kids: []tree{{}}}, "bf 654e616d6573 9f 6161 ff 644b696473 9f bf ff ff ff"},
	} {
		if got, want := hex.EncodeToString(encodeTree(CBOR, &tt.tree)), strings.ReplaceAll(tt.hex, " ", ""); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Most milliseconds have no exact double; each must come back nevertheless.
func TestCBORMilliseconds(t *testing.T) {
	for _, second := range []int64{0, 1, -2, 1767323045} {
		for ms := second * 1000; ms < second*1000+1000; ms++ {
			got, f := decodeTree(CBOR, encodeTree(CBOR, &tree{T: ptr(time.UnixMilli(ms))}))
			if f != nil || got.T.UnixMilli() != ms {
				t.Fatalf("%d ms: got %v, %v", ms, got.T, f)
			}
		}
	}
}

// A few bytes that claim to be gigabytes cost nothing.
func TestCBORClaimsCostNothing(t *testing.T) {
	var before, after runtime.MemStats
	bodies := [][]byte{
		unhex(t, "a1 6153 7b7fffffffffffffff"), unhex(t, "a1 6153 7f 7b00000000ffffffff"),
		unhex(t, "a1 654e616d6573 9b00000000ffffffff"), unhex(t, "bb00000000ffffffff"),
	}
	runtime.ReadMemStats(&before)
	for range 100 {
		for _, b := range bodies {
			if _, f := decodeTree(CBOR, b); f == nil {
				t.Fatalf("%x: no fault", b)
			}
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / 400; n > 2048 {
		t.Errorf("%d bytes allocated a body", n)
	}
}
