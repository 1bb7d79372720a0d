package awsproto

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzJSON holds Valid to encoding/json, up to the differences that it documents, and the decoder to Valid.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		"", " ", "{}", "[]", "null", `{"S":"a\u00e9\ud83d\ude00","I":-1.5e+3,"D":0.1,"B":true,"T":1767323045.678,"Names":["",null],"Map":{"":""},"Child":{},"Kids":[{}]}`,
		`{"S":"\ud800"}`, "{\"S\":\"\xff\"}", `{"I":01}`, `{"a":{"b":[[{}]]}} x`, "\xef\xbb\xbf{}", `{"S":1,"S":null}`, "{\"\\u0053\":\"\\/\x7f\"\t}\r\n",
		strings.Repeat(`{"Child":`, 128) + "{}" + strings.Repeat("}", 128),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		fault := JSON11.Codec().Valid(body)
		switch std := json.Valid(body); {
		case fault == nil && len(body) == 0:
		case fault == nil && (!std || !utf8.Valid(body)):
			t.Fatalf("%q: we take what encoding/json does not, or what is not UTF-8", body)
		case fault != nil && std && !stricter(body, fault):
			t.Fatalf("%q: %v, but encoding/json takes it", body, fault)
		}
		got, decoded := decodeTree(JSON11, body)
		switch {
		case decoded == nil && fault != nil:
			t.Fatalf("%q: decoded, but Valid says %v", body, fault)
		case fault == nil && decoded != nil && strings.HasPrefix(decoded.Message, "malformed"):
			t.Fatalf("%q: %v, but Valid takes it", body, decoded)
		}
		if !bytes.Equal(before, body) {
			t.Fatalf("%q was changed to %q", before, body)
		}
		if decoded == nil {
			again(t, &got)
		}
	})
}

// stricter says whether fault is one that encoding/json does not see.
func stricter(body []byte, fault *Fault) bool {
	switch {
	case strings.Contains(fault.Message, "found where not expected"), fault.Message == "Unexpected field type":
		return bytes.TrimLeft(body, " \t\r\n")[0] != '{'
	case strings.Contains(fault.Message, "invalid UTF-8"):
		return !utf8.Valid(body)
	case strings.Contains(fault.Message, "lone surrogate"):
		var v any // encoding/json makes U+FFFD of it
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			return false
		}
		out, _ := json.Marshal(v)
		// A repeated member may have hidden it again, so the escape itself is evidence too.
		return bytes.Contains(out, []byte("\ufffd")) || bytes.Contains(bytes.ToLower(body), []byte(`\ud`))
	case strings.Contains(fault.Message, "nested deeper"):
		return bytes.Count(body, []byte("{"))+bytes.Count(body, []byte("[")) > maxDepth
	}
	return false
}

// again encodes what was decoded, and decodes that to the same.
func again(t *testing.T, want *tree) {
	for _, p := range []Protocol{JSON11, CBOR} {
		first := encodeTree(p, want)
		got, f := decodeTree(p, first)
		if f != nil {
			t.Fatalf("%v: %q: %v", p, first, f)
		}
		if second := encodeTree(p, &got); !bytes.Equal(first, second) {
			t.Fatalf("%v: %q became %q", p, first, second)
		}
	}
}

// FuzzCBOR checks that no body makes the decoder panic or keep more than the body's size, and that it agrees with Valid.
func FuzzCBOR(f *testing.F) {
	for _, seed := range []string{
		"", "\xa0", "\xbf\xff", "\x80", "\xf6",
		"\xbffFilter\xbfsCUSTOMER_IDENTIFIER\x9fbci\xff\xffkProductCodebpc\xff",
		"\xa3aS\x7faaab\xffaT\xc1\xfb\x41\xda\x55\xca\x69\x60\x00\x00aI\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xa2aD\xf9\x7e\x00eNames\x9b\x00\x00\x00\x01\x00\x00\x00\x00", "\xa1ax\xd8\x18\x5f\x41\xff\xff", "\xa1aS\x7f\x7f\xff\xff", strings.Repeat("\xa1aK", 200),
		"\xa2eChild\xa1aB\xf5dKids\x9f\xa0\xbf\xff\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		fault := CBOR.Codec().Valid(body)
		var got tree
		d := CBOR.Codec().Decoder(body)
		got.Decode(&d)
		decoded := d.Finish()
		switch {
		case decoded == nil && fault != nil:
			t.Fatalf("%x: decoded, but Valid says %v", body, fault)
		case fault == nil && decoded != nil && strings.HasPrefix(decoded.Message, "malformed") && !strings.HasSuffix(decoded.Message, "not a text string"):
			t.Fatalf("%x: %v, but Valid takes it", body, decoded)
		case len(d.scratch) > len(body):
			t.Fatalf("%x: %d bytes kept", body, len(d.scratch))
		case !bytes.Equal(before, body):
			t.Fatalf("%x was changed to %x", before, body)
		}
		if decoded == nil {
			again(t, &got)
		}
	})
}
