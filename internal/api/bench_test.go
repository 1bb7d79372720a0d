package api

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// discard is a ResponseWriter that costs next to nothing, so that what is measured is Souk's own part.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// benchmark is the whole way of a request without HTTP: every check on, the request record on.
func benchmark(b *testing.B, s *souk, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.Fatal(err)
	}
	r.RequestURI, r.RemoteAddr = r.URL.Path, "127.0.0.1:1"
	reader := bytes.NewReader(body)
	r.Body = io.NopCloser(reader)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		s.ServeHTTP(w, r)
	}
	if v := s.last(); v.Outcome != "ok" {
		b.Fatalf("outcome %s: %s", v.Outcome, v.Response)
	}
}

func BenchmarkResolveCustomer(b *testing.B) {
	s := start(b)
	benchmark(b, s, sign(s.request(s.buy(legacyCode).Token), sellerKey, "us-east-1", time.Now()))
}

// batchOf25 is a full batch, as the SDKs write it for a product of the concurrent-agreements kind.
func (s *trade) batchOf25() m {
	var records []m
	for i := range 25 {
		records = append(records, m{
			"Timestamp": s.ago(time.Duration(i%23) * time.Hour), "Dimension": "calls", "Quantity": 100 + i,
			"LicenseArn": []string{s.licensed.Agreement.LicenseARN, s.second.Agreement.LicenseARN}[i/23],
		})
	}
	return batch("", records...)
}

// BenchmarkBatchMeterUsage sends the same 25 records again and again: all of them are there already, the store reads and does not write.
func BenchmarkBatchMeterUsage(b *testing.B) {
	for _, p := range []awsproto.Protocol{awsproto.JSON11, awsproto.CBOR} {
		b.Run(p.String(), func(b *testing.B) {
			s := startTrade(b)
			benchmark(b, s.souk, sign(s.operationRequest(p, "BatchMeterUsage", encode(p, s.batchOf25())), meterKey, "us-east-1", time.Now()))
		})
	}
}

// BenchmarkBatchFace is what the face's own part of that takes, beside the signature: check of the body, decode, validate, and encode.
func BenchmarkBatchFace(b *testing.B) {
	for _, p := range []awsproto.Protocol{awsproto.JSON11, awsproto.CBOR} {
		b.Run(p.String(), func(b *testing.B) {
			s := startTrade(b)
			body := encode(p, s.batchOf25())
			room := new(batchRoom)
			codec := p.Codec()
			var buf []byte
			result := market.UsageResult{Status: market.UsageSuccess, ID: market.RecordID{1, 2, 3}}
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if f := codec.Valid(body); f != nil {
					b.Fatal(f)
				}
				d := codec.Decoder(body)
				room.in.Decode(&d)
				if f := d.Finish(); f != nil {
					b.Fatal(f)
				}
				if f := room.in.Validate(); f != nil {
					b.Fatal(f)
				}
				room.prepare(0)
				for range room.ask.Records {
					room.got.Results = append(room.got.Results, result)
				}
				e := codec.Encoder(buf[:0])
				out := room.answer()
				out.Encode(&e)
				buf = e.Bytes()
				room.reset()
			}
		})
	}
}

// BenchmarkGetEntitlements reads a page of 25 of one customer.
func BenchmarkGetEntitlements(b *testing.B) {
	for _, p := range []awsproto.Protocol{awsproto.JSON11, awsproto.CBOR} {
		b.Run(p.String(), func(b *testing.B) {
			s := startTrade(b)
			for range 5 {
				s.buy(licensedCode)
			}
			in := m{"ProductCode": licensedCode, "Filter": m{"CUSTOMER_AWS_ACCOUNT_ID": list{buyer}}}
			benchmark(b, s.souk, sign(s.operationRequest(p, "GetEntitlements", encode(p, in)), meterKey, "us-east-1", time.Now()))
		})
	}
}
