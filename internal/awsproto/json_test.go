package awsproto

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func ptr[T any](v T) *T { return &v }

func at(sec, nsec int64) *time.Time { return ptr(time.Unix(sec, nsec).UTC()) }

func TestDecodeJSON(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       tree
	}{
		{"empty body", "", tree{}},
		{"empty structure", "{}", tree{}},
		{"white space", " \t\r\n{ \"S\" :\n\"a\" , \"B\" : true } ", tree{S: []byte("a"), B: ptr(true)}},
		{"every kind", `{"S":"s","I":-7,"D":2.5,"B":false,"T":1767323045.678,"Names":["a","b"],"Map":{"k":"v"},"Child":{"I":1},"Kids":[{},{"S":"x"}]}`,
			tree{S: []byte("s"), I: ptr(int64(-7)), D: ptr(2.5), B: ptr(false), T: at(1767323045, 678e6),
				Names: [][]byte{[]byte("a"), []byte("b")}, Map: map[string][]byte{"k": []byte("v")}, Child: &tree{I: ptr(int64(1))}, Kids: []tree{{}, {S: []byte("x")}}}},
		{"empty values are there", `{"S":"","Names":[],"Map":{},"Child":{},"Kids":[]}`,
			tree{S: []byte{}, Names: [][]byte{}, Map: map[string][]byte{}, Child: &tree{}, Kids: []tree{}}},
		{"null is absent", `{"S":null,"I":null,"D":null,"B":null,"T":null,"Names":null,"Map":null,"Child":null,"Kids":null}`, tree{}},
		{"null in lists and maps is seen", `{"Names":[null,"a"],"Map":{"k":null},"Kids":[null]}`,
			tree{Names: [][]byte{nil, []byte("a")}, Map: map[string][]byte{"k": nil}, Kids: []tree{{}}}},
		{"the last one wins", `{"S":"a","Names":["a"],"Child":{"S":"a"},"S":"b","Names":["b"],"Child":{"I":1}}`,
			tree{S: []byte("b"), Names: [][]byte{[]byte("b")}, Child: &tree{I: ptr(int64(1))}}},
		{"the last one wins even if null", `{"S":"a","I":1,"Names":["a"],"S":null,"I":null,"Names":null}`, tree{}},
		{"names are case-sensitive", `{"s":"a","names":["a"],"S ":"a"}`, tree{}},
		{"escaped name", `{"\u0053":"a","\u004eames":["b"]}`, tree{S: []byte("a"), Names: [][]byte{[]byte("b")}}},
		{"unknown members", `{"x":{"S":"no","y":[1,[2,{}],null,true,"\ud83d\ude00\\"]},"":0,"S":"a","z":-0.5e+9}`, tree{S: []byte("a")}},
		{"escapes", `{"S":"\"\\\/\b\f\n\r\t\u0000\u00e9\u20ac\ud83d\ude00é😀"}`, tree{S: []byte("\"\\/\b\f\n\r\t\x00é€😀é😀")}},
		{"several escaped strings", `{"S":"a\n","Names":["\n\n","plain","c\n"]}`, tree{S: []byte("a\n"), Names: [][]byte{[]byte("\n\n"), []byte("plain"), []byte("c\n")}}},
		{"noncharacter", `{"S":"\uffff\ufffd"}`, tree{S: []byte("\uffff\ufffd")}},
		{"delete character", "{\"S\":\"\x7f\"}", tree{S: []byte("\x7f")}},
		{"numbers that are no numbers", `{"D":"-Infinity"}`, tree{D: ptr(negInf)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f := JSON11.Codec().Valid([]byte(tt.body)); f != nil {
				t.Errorf("Valid: %v", f)
			}
			got, f := decodeTree(JSON11, []byte(tt.body))
			if f != nil {
				t.Fatal(f)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Malformed bodies are refused by Valid, and by a decoder that was not preceded by it, wherever in the body they break.
func TestMalformedJSON(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{" ", "at byte 1: unexpected end"},
		{"{", "at byte 1: unexpected end, expected a member name"},
		{`{"S"`, `at byte 4: unexpected end, expected ":"`},
		{`{"S":`, "at byte 5: unexpected end, expected a value"},
		{`{"S":"a`, "at byte 7: unexpected end, expected the end of the string"},
		{`{"S":"a"`, `at byte 8: unexpected end, expected "," or "}"`},
		{`{"S":"a",}`, `at byte 9: unexpected '}', expected a member name`},
		{`{"S" "a"}`, `at byte 5: unexpected '"', expected ":"`},
		{`{S:"a"}`, `at byte 1: unexpected 'S', expected a member name`},
		{`{'S':"a"}`, `at byte 1: unexpected '\'', expected a member name`},
		{`{"S":'a'}`, `at byte 5: unexpected '\'', expected a value`},
		{`{"S":a}`, "at byte 5: unexpected 'a', expected a value"},
		{`{"S":nul}`, "at byte 5: unexpected 'n', expected a value"},
		{`{"B":tru}`, "at byte 5: unexpected 't', expected a value"},
		{`{"B":False}`, "at byte 5: unexpected 'F', expected a value"},
		{`{"S":"a"}}`, "at byte 9: data after the end"},
		{`{"S":"a"}{}`, "at byte 9: data after the end"},
		{"{}\x00", "at byte 2: data after the end"},
		{"\xef\xbb\xbf{}", `at byte 0: unexpected '\u00ef', expected a value`}, // a byte order mark
		{"\xfe\xff\x00{\x00}", "at byte 0: unexpected"},                        // UTF-16
		{`{"S":"a" /* no */}`, `at byte 9: unexpected '/'`},
		{`{"Names":["a",]}`, "at byte 14: unexpected ']', expected a value"},
		{`{"Names":["a" "b"]}`, `at byte 14: unexpected '"', expected "," or "]"`},
		{`{"Names":["a"}`, `at byte 13: unexpected '}', expected "," or "]"`},
		{`{"Names":[`, "at byte 10: unexpected end, expected a value"},
		{`{"x":[}`, "at byte 6: unexpected '}', expected a value"},
		{"{\"S\":\"a\nb\"}", "at byte 7: control character"},
		{`{"S":"\x41"}`, "at byte 6: invalid escape"},
		{`{"S":"\u12g4"}`, "at byte 6: invalid escape"},
		{`{"S":"\u12"}`, "at byte 6: invalid escape"},
		{`{"S":"\`, "at byte 6: unexpected end in an escape"},
		{`{"S":"\ud800"}`, "at byte 6: lone surrogate"},
		{`{"S":"\ud800x"}`, "at byte 6: lone surrogate"},
		{`{"S":"\udc00"}`, "at byte 6: lone surrogate"},
		{`{"S":"\udc00\ud800"}`, "at byte 6: lone surrogate"},
		{`{"S":"\udc00\udc00"}`, "at byte 6: lone surrogate"},
		{`{"S":"\ud800\ue000"}`, "at byte 6: lone surrogate"},
		{`{"S":"\ud800\ud800"}`, "at byte 6: lone surrogate"},
		{`{"S":"\ud800\u0041"}`, "at byte 6: lone surrogate"},
		{`{"x":"\ud800"}`, "at byte 6: lone surrogate"},
		{`{"\ud800":1}`, "at byte 2: lone surrogate"},
		{"{\"S\":\"a\xff\"}", "at byte 7: invalid UTF-8"},
		{"{\"S\":\"\xc0\xaf\"}", "at byte 6: invalid UTF-8"},     // overlong
		{"{\"S\":\"\xed\xa0\x80\"}", "at byte 6: invalid UTF-8"}, // a surrogate
		{"{\"x\":\"\xe2\x82\"}", "at byte 6: invalid UTF-8"},
		{"{\"\xff\":1}", "at byte 2: invalid UTF-8"},
		{`{"I":01}`, `at byte 6: unexpected '1', expected "," or "}"`},
		{`{"I":-}`, "at byte 6: unexpected '}', expected a digit"},
		{`{"I":+1}`, "at byte 5: unexpected '+', expected a value"},
		{`{"I":.5}`, "at byte 5: unexpected '.', expected a value"},
		{`{"I":1.}`, "at byte 7: unexpected '}', expected a digit"},
		{`{"D":1.e5}`, "at byte 7: unexpected 'e', expected a digit"},
		{`{"D":1e}`, "at byte 7: unexpected '}', expected a digit"},
		{`{"T":1e+}`, "at byte 8: unexpected '}', expected a digit"},
		{`{"D":NaN}`, "at byte 5: unexpected 'N', expected a value"},
		{`{"D":0x10}`, `at byte 6: unexpected 'x'`},
		{`{"x":1_000}`, `at byte 6: unexpected '_'`},
		{strings.Repeat(`{"x":`, 129), "at byte 640: nested deeper than 128 levels"},
		{`{"x":` + strings.Repeat("[", 1e6), "at byte 132: nested deeper than 128 levels"},
	} {
		name := tt.body[:min(len(tt.body), 40)]
		f := JSON11.Codec().Valid([]byte(tt.body))
		if f == nil || f.Code != "SerializationException" || !strings.HasPrefix(f.Message, "malformed json "+tt.want) {
			t.Errorf("Valid(%q): got %v, want %q", name, f, tt.want)
		}
		_, g := decodeTree(JSON11, []byte(tt.body))
		if g == nil || f != nil && g.Message != f.Message {
			t.Errorf("decoding %q: got %v, want %v", name, g, f)
		}
	}
	nested := strings.Repeat(`{"Child":`, 127) + "{}" + strings.Repeat("}", 127)
	if _, f := decodeTree(JSON11, []byte(nested)); f != nil {
		t.Errorf("128 levels: %v", f)
	}
}

// A type that does not fit is told in Coral's words; the rest of the body must still be well formed for Valid.
func TestMismatch(t *testing.T) {
	const hint = " cannot be converted to Timestamp (send the seconds since 1970-01-01T00:00:00Z as a number)"
	for _, tt := range []struct{ body, want string }{
		{`{"S":1}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"S":-0.5}`, "DECIMAL_VALUE cannot be converted to String"},
		{`{"S":1e3}`, "DECIMAL_VALUE cannot be converted to String"},
		{`{"S":true}`, "TRUE_VALUE cannot be converted to String"},
		{`{"S":false}`, "FALSE_VALUE cannot be converted to String"},
		{`{"S":["a"]}`, "Unrecognized collection type class java.lang.String"},
		{`{"S":{"a":1}}`, "Start of structure or map found where not expected"},
		{`{"I":"1"}`, "STRING_VALUE cannot be converted to Integer"},
		{`{"I":true}`, "TRUE_VALUE cannot be converted to Integer"},
		{`{"I":[]}`, "Unrecognized collection type class java.lang.Integer"},
		{`{"D":"1"}`, "STRING_VALUE cannot be converted to Double"},
		{`{"D":1e999}`, "DECIMAL_VALUE cannot be converted to Double"},
		{`{"B":1}`, "NUMBER_VALUE cannot be converted to Boolean"},
		{`{"B":1.5}`, "DECIMAL_VALUE cannot be converted to Boolean"},
		{`{"B":"true"}`, "Unexpected token received from parser"},
		{`{"B":[]}`, "Unrecognized collection type class java.lang.Boolean"},
		{`{"T":"2026-01-02T03:04:05Z"}`, "STRING_VALUE" + hint},
		{`{"T":true}`, "TRUE_VALUE" + hint},
		{`{"T":{}}`, "Start of structure or map found where not expected"},
		{`{"Names":"a"}`, "Unexpected field type"},
		{`{"Names":1}`, "Unexpected field type"},
		{`{"Names":{}}`, "Start of structure or map found where not expected"},
		{`{"Names":[1]}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"Map":[]}`, "Start of list found where not expected"},
		{`{"Map":1}`, "Unexpected field type"},
		{`{"Child":[]}`, "Start of list found where not expected"},
		{`{"Child":"a"}`, "Unexpected field type"},
		{`{"Child":{"Kids":[{"I":"x"}]}}`, "STRING_VALUE cannot be converted to Integer"},
		{`{"S":1,"I":"x"}`, "NUMBER_VALUE cannot be converted to String"}, // the first one
		{`[]`, "Start of list found where not expected"},
		{`"{}"`, "Unexpected field type"},
		{`1`, "Unexpected field type"},
		{`null`, "Unexpected field type"},
	} {
		_, f := decodeTree(JSON11, []byte(tt.body))
		if f == nil || f.Status != 400 || f.Code != "SerializationException" || f.Message != tt.want {
			t.Errorf("%s: got %v, want %q", tt.body, f, tt.want)
		}
		if f := JSON11.Codec().Valid([]byte(tt.body)); (f == nil) != (tt.body[0] == '{') {
			t.Errorf("Valid(%s): %v", tt.body, f)
		}
	}
}

// A loop may be left at any place, and a shape may leave values unread: the decoder stays in step.
func TestDecoderSkips(t *testing.T) {
	src := tree{S: []byte("a"), Names: [][]byte{[]byte("b"), []byte("c")}, Map: map[string][]byte{"k": []byte("v"), "l": []byte("w")}, Kids: []tree{{S: []byte("d")}, {I: ptr(int64(1))}}}
	for _, p := range []Protocol{JSON11, CBOR} {
		d := p.Codec().Decoder(encodeTree(p, &src))
		var got []string
		for name := range d.Members {
			got = append(got, string(name))
			switch string(name) {
			case "Names":
				for i := range d.Elements {
					if i == 0 {
						break // before its value
					}
				}
			case "Map":
				for range d.Members {
					got = append(got, string(d.Bytes()))
					break // after it
				}
			case "Kids":
				for range d.Elements {
					for range d.Members {
						break
					}
				}
			}
		}
		if f := d.Finish(); f != nil {
			t.Errorf("%v: %v", p, f)
		}
		if d := cmp.Diff([]string{"S", "Names", "Map", "v", "Kids"}, got); d != "" {
			t.Errorf("%v: (-want +got):\n%s", p, d)
		}
	}
}

// What is returned must not be overwritten by what is read later, nor by a caller who appends to it.
func TestDecodedStringsAreApart(t *testing.T) {
	got, f := decodeTree(JSON11, []byte(`{"S":"a","Names":["b\n","c\n","d"]}`))
	if f != nil {
		t.Fatal(f)
	}
	_ = append(got.S, "xxxx"...)
	_ = append(got.Names[0], "xxxx"...)
	want := tree{S: []byte("a"), Names: [][]byte{[]byte("b\n"), []byte("c\n"), []byte("d")}}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// After a fault there is nothing more to read, and the first fault stays.
func TestFaultsStick(t *testing.T) {
	for p, body := range map[Protocol]string{JSON11: `{"a":1,"b":"x","c":[1],"d":{}}`, CBOR: "\xa4aa\x01abaxac\x81\x01ad\xa0"} {
		d := p.Codec().Decoder([]byte(body))
		names := 0
		for range d.Members {
			names++
			d.Bytes() // a number
			s := d.Bytes()
			n, hasN := d.Int()
			f, hasF := d.Double()
			b, hasB := d.Bool()
			ts, hasT := d.Timestamp()
			if s != nil || n != 0 || f != 0 || b || !ts.IsZero() || hasN || hasF || hasB || hasT || d.Null() {
				t.Errorf("%v: something was read", p)
			}
			for range d.Elements {
				t.Errorf("%v: an element", p)
			}
			for range d.Members {
				t.Errorf("%v: a member", p)
			}
		}
		if f := d.Finish(); names != 1 || f == nil || f.Message != "NUMBER_VALUE cannot be converted to String" {
			t.Errorf("%v: %d names, %v", p, names, f)
		}
	}
}

func TestPlain(t *testing.T) {
	for n := range 20 {
		for c := range 256 {
			b := []byte(strings.Repeat("~", n) + string([]byte{byte(c)}) + "\x00\xff\"\\ tail of it")
			want := n
			if c >= ' ' && c < 0x80 && c != '"' && c != '\\' {
				want++
			}
			if got := plain(b); got != want {
				t.Fatalf("plain(%q) = %d, want %d", b, got, want)
			}
		}
	}
	if got := plain([]byte(strings.Repeat(" !#[]~\x7f", 9))); got != 63 {
		t.Errorf("plain of all plain: %d", got)
	}
}
