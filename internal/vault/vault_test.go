package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// golden is "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" for "access_key.secret/AKIAEXAMPLE" under the key of counted, with the nonce 64 65 … 6f.
const golden = "8177b3488f6465666768696a6b6c6d6e6f3f51bf0a0bb103ea50241aa5934a21ca0f864344cc439122df83ca21b8fae010d5a4108c0959de5d3aa03c5a8fc7579ef0ecb6e1f8e8d668"

// counted is the key 00 01 02 … 1f.
func counted() (k Key) {
	for i := range k {
		k[i] = byte(i)
	}
	return k
}

func TestWhatIsSealedOpens(t *testing.T) {
	t.Parallel()
	v := New(counted())
	rapid.Check(t, func(t *rapid.T) {
		purpose, plain := rapid.String().Draw(t, "purpose"), rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := v.Seal(purpose, plain)
		if len(sealed) != len(plain)+Overhead || cap(sealed) != len(sealed) {
			t.Fatalf("%d bytes are sealed in %d (room for %d)", len(plain), len(sealed), cap(sealed))
		}
		got, err := New(counted()).Open(purpose, sealed) // another process's
		if err != nil || got == nil || !bytes.Equal(got, plain) {
			t.Fatalf("%x opens as %x, %v", plain, got, err)
		}
		if len(plain) > 3 && bytes.Contains(sealed, plain) {
			t.Fatalf("%x stands in %x", plain, sealed)
		}
		if bytes.Equal(sealed, v.Seal(purpose, plain)) {
			t.Fatal("the same is sealed the same way twice")
		}
	})
}

// A value that any byte of is another, or that is longer or shorter, does not open, and its first five bytes say why.
func TestWhatWasAlteredDoesNotOpen(t *testing.T) {
	t.Parallel()
	v := New(counted())
	sealed := v.Seal("p", []byte("secret"))
	for i := range sealed {
		want := ErrAltered
		switch {
		case i == 0:
			want = ErrClear
		case i < headerSize:
			want = ErrKey
		}
		for bit := range 8 {
			altered := bytes.Clone(sealed)
			altered[i] ^= 1 << bit
			if got, err := v.Open("p", altered); err != want || got != nil {
				t.Errorf("byte %d, bit %d: %q, %v; want %v", i, bit, got, err, want)
			}
		}
	}
	for n := range sealed {
		want := ErrAltered
		if n < Overhead {
			want = ErrClear
		}
		if got, err := v.Open("p", sealed[:n]); err != want || got != nil {
			t.Errorf("%d of %d bytes: %q, %v; want %v", n, len(sealed), got, err, want)
		}
	}
	if got, err := v.Open("p", append(bytes.Clone(sealed), 0)); err != ErrAltered || got != nil {
		t.Errorf("a byte more: %q, %v", got, err)
	}
}

// The id is bound in: who makes two keys of one id cannot pass a value of one off as the other's, nor can the id be rewritten.
func TestAValueOpensUnderItsKeyForItsPurposeOnly(t *testing.T) {
	t.Parallel()
	v, other := New(counted()), New(Key{1})
	sealed := v.Seal("table.column/row", []byte("secret"))
	for _, purpose := range []string{"", "table.column/", "table.column/row2", "table.column/ro", "table.column/row\x00", "Table.column/row"} {
		if got, err := v.Open(purpose, sealed); err != ErrAltered || got != nil {
			t.Errorf("for %q: %q, %v", purpose, got, err)
		}
	}
	if got, err := other.Open("table.column/row", sealed); err != ErrKey || got != nil {
		t.Errorf("under another key: %q, %v", got, err)
	}
	copy(sealed[1:], other.id[:])
	if got, err := other.Open("table.column/row", sealed); err != ErrAltered || got != nil {
		t.Errorf("under another key that it is said to be of: %q, %v", got, err)
	}
}

// Values of today open tomorrow. This one was made by an implementation of its own (Python, cryptography's AESGCM), from the text of vault.go.
func TestTheFormStays(t *testing.T) {
	t.Parallel()
	sealed, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	v := New(counted())
	got, err := v.Open("access_key.secret/AKIAEXAMPLE", sealed)
	if err != nil || string(got) != "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" {
		t.Errorf("%q, %v", got, err)
	}
	if v.ID() != golden[2:10] {
		t.Errorf("the key's id is %s", v.ID())
	}
}

// What is in clear in a store is not taken for sealed: text, keys in DER, and 32 bytes of anything.
func TestClearIsNotSealed(t *testing.T) {
	t.Parallel()
	if utf8.Valid([]byte{version}) || utf8.RuneStart(version) {
		t.Error("text can begin with the version")
	}
	for name, clear := range map[string][]byte{
		"nothing": {}, "text": []byte(strings.Repeat("ü", 100)), "DER": append([]byte{0x30, 0x82, 4, 0xbd}, make([]byte, 1213)...),
		"a token key": bytes.Repeat([]byte{version}, 32),
	} {
		if got, err := New(counted()).Open("p", clear); Sealed(clear) || err != ErrClear || got != nil {
			t.Errorf("%s: %v, %q, %v", name, Sealed(clear), got, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	digits := hex.EncodeToString(func() []byte { k := counted(); return k[:] }())
	for _, good := range []string{text, strings.TrimRight(text, "="), "\n " + text + "\r\n", digits, strings.ToUpper(digits), "\t" + digits} {
		if k, err := Parse(good); err != nil || k != counted() {
			t.Errorf("%q: %x, %v", good, k[:], err)
		}
	}
	high := Key(bytes.Repeat([]byte{0xff}, KeySize))
	for _, good := range []string{high.Text(), strings.ReplaceAll(high.Text(), "/", "_")} {
		if k, err := Parse(good); err != nil || k != high {
			t.Errorf("%q: %x, %v", good, k[:], err)
		}
	}
	for _, bad := range []string{
		"", " ", "secret", text + text, text[1:], text[:40], text + "=", digits[2:], digits + "00", "x" + digits[1:],
		strings.Replace(text, "8=", "9=", 1), // bits that no byte has
		strings.Replace(text, "A", "!", 1), strings.Replace(text, "AAEC", "AA\nC", 1),
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8f", // 33 bytes
	} {
		k, err := Parse(bad)
		if !errors.Is(err, ErrText) || k != (Key{}) {
			t.Errorf("%q: %x, %v", bad, k[:], err)
		}
		if bad = strings.TrimSpace(bad); bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error repeats %q: %v", bad, err)
		}
	}
}

func TestAKeyGoesThroughItsTextAndIsNeverPrinted(t *testing.T) {
	t.Parallel()
	k, err := Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(k.Text()); err != nil || again != k {
		t.Errorf("%s: %v", k.Text(), err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", k, struct{ K Key }{k})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", k)
	for _, leak := range []string{k.Text(), hex.EncodeToString(k[:]), fmt.Sprint(k[0], " ", k[1]), fmt.Sprint(k[:])[1:10], fmt.Sprintf("%#v", k[:])[7:17]} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(leak)) {
			t.Errorf("%q stands in\n%s", leak, &out)
		}
	}
	if other, err := Generate(rand.Reader); err != nil || other == k {
		t.Errorf("a second key is the first: %v", err)
	}
	if k, err := Generate(iotest.DataErrReader(strings.NewReader("too little"))); err == nil || k != (Key{}) {
		t.Errorf("of too little randomness: %x, %v", k[:], err)
	}
}

func BenchmarkOpen(b *testing.B) {
	v := New(counted())
	for _, size := range []int{40, 1217} { // an access key's secret, an RSA key
		sealed := v.Seal("access_key.secret/AKIAEXAMPLE", make([]byte, size))
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Open("access_key.secret/AKIAEXAMPLE", sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
