package awsproto

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// batchBody is a request of 25 records as the Go SDK writes it: compact, members in the order of the alphabet, milliseconds.
func batchBody() []byte {
	var b strings.Builder
	b.WriteString(`{"UsageRecords":[`)
	for i := range maxRecords {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"CustomerAWSAccountId":"1111222233%02d","Dimension":"users_by_hour","LicenseArn":"arn:aws:license-manager::294406891311:license:l-9d01d15f86334a8894365cd7350556%02x","Quantity":%d,"Timestamp":%d.678}`,
			i, i, 1000+i, 1767323045+i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// batchBodies are the same request in the ways that there are: Go's, botocore's with its spaces and whole seconds, and CBOR.
func batchBodies(t testing.TB) map[string]wire {
	compact := batchBody()
	spaced := strings.NewReplacer(`":`, `": `, `,"`, `, "`, `},{`, `}, {`, `.678`, ``).Replace(string(compact))
	return map[string]wire{
		"json":   {JSON11, compact},
		"spaced": {JSON11, []byte(spaced)},
		"cbor":   {CBOR, transcode(t, compact)},
	}
}

// readBatch takes one body through all that is done with it, and answers it.
func readBatch(t testing.TB, w wire, in *BatchMeterUsageInput) {
	d := w.protocol.Codec().Decoder(w.body)
	in.Decode(&d)
	if f := d.Finish(); f != nil {
		t.Fatal(f)
	}
	if f := in.Validate(); f != nil {
		t.Fatal(f)
	}
}

// answerTo is an answer with a result for each record of in.
func answerTo(in *BatchMeterUsageInput) *BatchMeterUsageOutput {
	out := &BatchMeterUsageOutput{}
	for i := range in.UsageRecords {
		r := UsageRecordResult{UsageRecord: &in.UsageRecords[i], Status: "Success"}
		copy(r.MeteringRecordID[:], fmt.Sprintf("35155d37-56cb-423f-8554-5c4f3e3ff5%02x", i))
		out.Results = append(out.Results, r)
	}
	return out
}

// A pooled input and a buffer are all that a batch needs.
func TestBatchDoesNotAllocate(t *testing.T) {
	for name, w := range batchBodies(t) {
		var in BatchMeterUsageInput
		readBatch(t, w, &in)
		if len(in.UsageRecords) != maxRecords {
			t.Fatalf("%s: %d records", name, len(in.UsageRecords))
		}
		out := answerTo(&in)
		buf := make([]byte, 0, 16<<10)
		if n := testing.AllocsPerRun(100, func() {
			if f := w.protocol.Codec().Valid(w.body); f != nil {
				t.Fatal(f)
			}
			readBatch(t, w, &in)
			e := w.protocol.Codec().Encoder(buf)
			out.Encode(&e)
			in.Reset()
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkBatchMeterUsage(b *testing.B) {
	for name, w := range batchBodies(b) {
		c := w.protocol.Codec()
		var in BatchMeterUsageInput
		readBatch(b, w, &in)
		out := answerTo(&in)
		bench := func(what string, f func()) {
			b.Run(what+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(w.body)))
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
		bench("valid", func() {
			if f := c.Valid(w.body); f != nil {
				b.Fatal(f)
			}
		})
		bench("decode", func() {
			d := c.Decoder(w.body)
			in.Decode(&d)
			if f := d.Finish(); f != nil {
				b.Fatal(f)
			}
		})
		bench("validate", func() {
			if f := in.Validate(); f != nil {
				b.Fatal(f)
			}
		})
		buf := make([]byte, 0, 16<<10)
		bench("encode", func() {
			e := c.Encoder(buf)
			out.Encode(&e)
		})
	}
	b.Run("decode/encoding/json", func(b *testing.B) {
		body := batchBody()
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var in struct {
				UsageRecords []struct {
					Timestamp                                                       json.Number
					CustomerIdentifier, Dimension, CustomerAWSAccountId, LicenseArn *string
					Quantity                                                        *int32
				}
			}
			if err := json.Unmarshal(body, &in); err != nil || len(in.UsageRecords) != maxRecords {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGetEntitlements(b *testing.B) {
	page := GetEntitlementsOutput{}
	for range 25 {
		page.Entitlements = append(page.Entitlements, Entitlement{ProductCode: "74az0btybm649octamy0sktos", Dimension: "users", CustomerAWSAccountID: "111122223333",
			LicenseARN: goodARN, ExpirationDate: time.Unix(1893456000, 0), Value: EntitlementValue{Type: IntegerValue, IntegerValue: 5}})
	}
	body := []byte(`{"ProductCode":"74az0btybm649octamy0sktos","Filter":{"CUSTOMER_AWS_ACCOUNT_ID":["111122223333"]},"MaxResults":25}`)
	for name, w := range map[string]wire{"json": {JSON11, body}, "cbor": {CBOR, transcode(b, body)}} {
		c := w.protocol.Codec()
		b.Run("decode/"+name, func(b *testing.B) {
			b.ReportAllocs()
			var in GetEntitlementsInput
			for b.Loop() {
				d := c.Decoder(w.body)
				in.Decode(&d)
				if malformed, mistyped := d.Faults(); malformed != nil || mistyped != nil {
					b.Fatal(malformed, mistyped)
				}
				if f := in.Validate(); f != nil {
					b.Fatal(f)
				}
			}
		})
		b.Run("encode/"+name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 16<<10)
			for b.Loop() {
				e := c.Encoder(buf)
				page.Encode(&e)
			}
		})
	}
}
