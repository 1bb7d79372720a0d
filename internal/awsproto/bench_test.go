package awsproto

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// resolveBody has 220 bytes and a token of 184 characters with a base64 alphabet in it, like the live one.
var resolveBody = []byte(`{"RegistrationToken": "` + strings.Repeat("MFxWGdn81kSnZ1cl8rY/LjOYhgc1+", 7)[:184] + `", "x":"123"}`)

var resolveOutput = ResolveCustomerOutput{
	CustomerAWSAccountID: "111122223333",
	CustomerIdentifier:   "ifAPi5AcF3",
	LicenseARN:           "arn:aws:license-manager::294406891311:license:l-9d01d15f86334a8894365cd7350556ff",
	ProductCode:          "74az0btybm649octamy0sktos",
}

func resolveBodyCBOR() []byte {
	e := CBOR.Codec().Encoder(nil)
	e.BeginStruct()
	e.Member("RegistrationToken")
	e.String(strings.Repeat("MFxWGdn81kSnZ1cl8rY/LjOYhgc1+", 7)[:184])
	e.EndStruct()
	return e.Bytes()
}

// The way of a request that succeeds, but for the answer's headers, allocates nothing.
func TestHotPathDoesNotAllocate(t *testing.T) {
	if len(resolveBody) != 220 {
		t.Fatalf("body of %d bytes", len(resolveBody))
	}
	for p, body := range map[Protocol][]byte{JSON11: resolveBody, CBOR: resolveBodyCBOR()} {
		buf := make([]byte, 0, 512)
		if n := testing.AllocsPerRun(100, func() {
			c := p.Codec()
			if f := c.Valid(body); f != nil {
				t.Fatal(f)
			}
			var in ResolveCustomerInput
			d := c.Decoder(body)
			in.Decode(&d)
			if f := d.Finish(); f != nil || len(in.RegistrationToken) != 184 {
				t.Fatal(f)
			}
			if f := in.Validate(); f != nil {
				t.Fatal(f)
			}
			e := c.Encoder(buf)
			resolveOutput.Encode(&e)
			buf = e.Bytes()[:0]
		}); n != 0 {
			t.Errorf("%v: %v allocations", p, n)
		}
	}
	escaped := []byte(`{"R\u0065gistrationToken":"a\/b","x":{"\u0065":"\n"}}`)
	if n := testing.AllocsPerRun(100, func() {
		if f := JSON11.Codec().Valid(escaped); f != nil {
			t.Fatal(f)
		}
	}); n != 0 {
		t.Errorf("Valid: %v allocations for escaped strings", n)
	}
}

func BenchmarkDecodeResolveCustomer(b *testing.B) {
	for name, p := range map[string]Protocol{"json": JSON11, "cbor": CBOR} {
		body := resolveBody
		if p == CBOR {
			body = resolveBodyCBOR()
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c := p.Codec()
			for b.Loop() {
				var in ResolveCustomerInput
				d := c.Decoder(body)
				in.Decode(&d)
				if f := d.Finish(); f != nil || len(in.RegistrationToken) != 184 {
					b.Fatal(f)
				}
			}
		})
	}
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var in struct{ RegistrationToken *string }
			if err := json.Unmarshal(resolveBody, &in); err != nil || len(*in.RegistrationToken) != 184 {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkValid(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		c := JSON11.Codec()
		for b.Loop() {
			if f := c.Valid(resolveBody); f != nil {
				b.Fatal(f)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !json.Valid(resolveBody) {
				b.Fatal()
			}
		}
	})
}

func BenchmarkEncodeResolveCustomer(b *testing.B) {
	for name, p := range map[string]Protocol{"json": JSON11, "cbor": CBOR} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c := p.Codec()
			buf := make([]byte, 0, 512)
			for b.Loop() {
				e := c.Encoder(buf[:0])
				resolveOutput.Encode(&e)
				buf = e.Bytes()
			}
		})
	}
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(&resolveOutput); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRoute(b *testing.B) {
	for name, r := range map[string]*http.Request{"json": jsonRequest(), "cbor": cborRequest()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, f := Route(r); f != nil {
					b.Fatal(f)
				}
			}
		})
	}
}

// discard is a response writer that costs what its caller costs.
type discard http.Header

func (d discard) Header() http.Header         { return http.Header(d) }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func BenchmarkWriteResult(b *testing.B) {
	b.ReportAllocs()
	w := discard{}
	c := JSON11.Codec()
	body := make([]byte, 250)
	for b.Loop() {
		WriteResult(w, c, "38cdca82-d6c9-11e6-8b0d-95a61dce678b", body)
	}
}
