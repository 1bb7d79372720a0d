package awsproto

import (
	"encoding/json"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Requests with every member that there is.
const fullBatch = `{"UsageRecords":[` + fullRecord + `,` + fullRecord + `],"ProductCode":"pc"}`

const fullRecord = `{"Timestamp":1767323045.678,"CustomerIdentifier":"ci","Dimension":"d","Quantity":3,"UsageAllocations":[` +
	`{"AllocatedUsageQuantity":1,"Tags":[{"Key":"k1","Value":"v1"},{"Key":"k2","Value":"v2"}]},{"AllocatedUsageQuantity":2}],` +
	`"CustomerAWSAccountId":"111122223333","LicenseArn":"` + goodARN + `"}`

const fullMeter = `{"ProductCode":"pc","Timestamp":1767323045.678,"UsageDimension":"d","UsageQuantity":3,"DryRun":true,"UsageAllocations":[` +
	`{"AllocatedUsageQuantity":3,"Tags":[{"Key":"k1","Value":"v1"}]}],"ClientToken":"t"}`

const fullRegister = `{"ProductCode":"pc","PublicKeyVersion":1,"Nonce":"n"}`

const fullEntitlements = `{"ProductCode":"pc","Filter":{"CUSTOMER_IDENTIFIER":["a","b"],"DIMENSION":["c"],"CUSTOMER_AWS_ACCOUNT_ID":["d"],"LICENSE_ARN":["e"]},"NextToken":"t","MaxResults":7}`

var fullInputs = map[string]string{
	"BatchMeterUsage": fullBatch, "MeterUsage": fullMeter, "RegisterUsage": fullRegister, "GetEntitlements": fullEntitlements,
}

func TestDecodeBatchMeterUsage(t *testing.T) {
	arn := []byte(goodARN)
	record := UsageRecord{
		Timestamp: time.UnixMilli(1767323045678).UTC(), HasTimestamp: true, CustomerIdentifier: []byte("ci"), Dimension: []byte("d"), Quantity: 3, HasQuantity: true,
		UsageAllocations: []UsageAllocation{
			{AllocatedUsageQuantity: 1, HasAllocatedUsageQuantity: true, HasTags: true, Tags: []Tag{{[]byte("k1"), []byte("v1")}, {[]byte("k2"), []byte("v2")}}},
			{AllocatedUsageQuantity: 2, HasAllocatedUsageQuantity: true},
		},
		HasUsageAllocations: true, CustomerAWSAccountID: []byte("111122223333"), LicenseARN: arn,
	}
	want := BatchMeterUsageInput{ProductCode: []byte("pc"), UsageRecords: []UsageRecord{record, record}, HasUsageRecords: true}
	for _, w := range bothWays(t, fullBatch) {
		var got BatchMeterUsageInput
		if f := decodeInput(w, &got); f != nil {
			t.Fatal(f)
		}
		if diff := cmp.Diff(want, got, shapes); diff != "" {
			t.Errorf("%v (-want +got):\n%s", w.protocol, diff)
		}
	}
}

// An input that was used before reads a body as a new one does, whatever it was used for, faults included.
func TestNothingLeaksThrough(t *testing.T) {
	for operation, full := range fullInputs {
		bodies := []string{
			full, "{}", `{"UsageRecords":[{}]}`, `{"UsageRecords":[null,{"UsageAllocations":[null,{"Tags":[null]}]}]}`, `{"UsageRecords":[{"UsageAllocations":[{"Tags":[{},{}]},{},{}]},{},{}]}`,
			`{"UsageRecords":[],"UsageAllocations":[]}`, `{"UsageAllocations":[{"Tags":[{}]}]}`, `{"Filter":{}}`, `{"Filter":{"LICENSE_ARN":[],"X":[]}}`, `{"Filter":{"DIMENSION":[null,"x"]}}`,
		}
		for _, body := range bodies {
			if i := strings.LastIndexByte(body, '}'); i > 10 {
				bodies = append(bodies, body[:i]) // a fault in the end
			}
		}
		used := newInput(operation)
		for range 500 {
			body := bodies[rand.IntN(len(bodies))]
			w := wire{JSON11, []byte(body)}
			if json.Valid(w.body) && rand.IntN(2) == 0 {
				w = wire{CBOR, transcode(t, w.body)}
			}
			fresh := newInput(operation)
			want, got := decodeInput(w, fresh), decodeInput(w, used)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: %v (-fresh +used):\n%s", body, w.protocol, diff)
			}
			if diff := cmp.Diff(fresh, used, shapes); diff != "" {
				t.Fatalf("%s: %v (-fresh +used):\n%s", body, w.protocol, diff)
			}
			if r, ok := used.(interface{ Reset() }); ok && rand.IntN(3) == 0 {
				r.Reset()
				if diff := cmp.Diff(newInput(operation), used, shapes); diff != "" {
					t.Fatalf("after Reset (-fresh +used):\n%s", diff)
				}
			}
		}
	}
}

// After Reset nothing points to the body any more, not even behind the ends of lists.
func TestResetForgetsTheBody(t *testing.T) {
	var batch BatchMeterUsageInput
	var meter MeterUsageInput
	var entitlements GetEntitlementsInput
	for in, body := range map[input]string{&batch: fullBatch, &meter: fullMeter, &entitlements: fullEntitlements} {
		if f := decodeInput(wire{JSON11, []byte(body)}, in); f != nil {
			t.Fatal(f)
		}
		if f := decodeInput(wire{JSON11, []byte(`{"UsageRecords":[],"UsageAllocations":[],"Filter":{}}`)}, in); f != nil { // the full lists are behind the ends now
			t.Fatal(f)
		}
		in.(interface{ Reset() }).Reset()
	}
	allocations := meter.UsageAllocations[:cap(meter.UsageAllocations)]
	for _, r := range batch.UsageRecords[:cap(batch.UsageRecords)] {
		allocations = append(allocations, r.UsageAllocations[:cap(r.UsageAllocations)]...)
		if r.CustomerIdentifier != nil || r.Dimension != nil || r.CustomerAWSAccountID != nil || r.LicenseARN != nil {
			t.Errorf("record %+v", r)
		}
	}
	if len(allocations) < 5 {
		t.Errorf("memory for %d allocations is kept", len(allocations))
	}
	for _, a := range allocations {
		for _, tag := range a.Tags[:cap(a.Tags)] {
			if tag.Key != nil || tag.Value != nil {
				t.Errorf("tag %+v", tag)
			}
		}
	}
	for _, v := range entitlements.Filter.CustomerIdentifier.Values[:2] {
		if v != nil {
			t.Errorf("value %q", v)
		}
	}
}

// Of members that come twice the last one wins, null as well, and nothing of the first is left.
func TestRepeatedMembers(t *testing.T) {
	for _, tt := range []struct{ operation, body, same string }{
		{"BatchMeterUsage", `{"UsageRecords":[{},{}],"UsageRecords":null}`, `{}`},
		{"BatchMeterUsage", `{"UsageRecords":null,"UsageRecords":[]}`, `{"UsageRecords":[]}`},
		{"BatchMeterUsage", `{"UsageRecords":[` + fullRecord + `],"UsageRecords":[{}]}`, `{"UsageRecords":[{}]}`},
		{"BatchMeterUsage", `{"UsageRecords":[` + fullRecord + `],"UsageRecords":[null]}`, `{"UsageRecords":[{}]}`},
		{"BatchMeterUsage", `{"ProductCode":"a","ProductCode":null}`, `{}`},
		{"BatchMeterUsage", `{"ProductCode":"a","ProductCode":"b"}`, `{"ProductCode":"b"}`},
		{"BatchMeterUsage", `{"UsageRecords":[{"Timestamp":1,"Timestamp":null,"Quantity":1,"Quantity":null,"Dimension":"d","Dimension":null,"LicenseArn":"l","LicenseArn":null,` +
			`"CustomerIdentifier":"c","CustomerIdentifier":null,"CustomerAWSAccountId":"1","CustomerAWSAccountId":null,"UsageAllocations":[{}],"UsageAllocations":null}]}`, `{"UsageRecords":[{}]}`},
		{"BatchMeterUsage", `{"UsageRecords":[{"UsageAllocations":[{"Tags":[{"Key":"k","Value":"v"}]}],"UsageAllocations":[{"Tags":[{}]}]}]}`, `{"UsageRecords":[{"UsageAllocations":[{"Tags":[{}]}]}]}`},
		{"BatchMeterUsage", `{"UsageRecords":[{"UsageAllocations":[{"AllocatedUsageQuantity":1,"AllocatedUsageQuantity":null,"Tags":[{}],"Tags":null}]}]}`, `{"UsageRecords":[{"UsageAllocations":[{}]}]}`},
		{"BatchMeterUsage", `{"UsageRecords":[{"UsageAllocations":[{"Tags":[{"Key":"k","Key":null,"Value":"v","Value":"w"}]}]}]}`, `{"UsageRecords":[{"UsageAllocations":[{"Tags":[{"Value":"w"}]}]}]}`},
		{"MeterUsage", `{"DryRun":true,"DryRun":null,"UsageQuantity":1,"UsageQuantity":null,"ClientToken":"a","ClientToken":null,"Timestamp":1,"Timestamp":null,"UsageAllocations":[{}],"UsageAllocations":null}`, `{}`},
		{"RegisterUsage", `{"PublicKeyVersion":1,"PublicKeyVersion":null,"Nonce":"a","Nonce":null,"ProductCode":"a","ProductCode":null}`, `{}`},
		{"GetEntitlements", `{"Filter":{"X":["a"],"DIMENSION":["a"]},"Filter":null,"MaxResults":1,"MaxResults":null,"NextToken":"a","NextToken":null}`, `{}`},
		{"GetEntitlements", `{"Filter":{"X":[],"DIMENSION":["a"]},"Filter":{}}`, `{"Filter":{}}`},
		{"GetEntitlements", `{"Filter":{"DIMENSION":["a","b"],"DIMENSION":["c"]}}`, `{"Filter":{"DIMENSION":["c"]}}`},
		{"GetEntitlements", `{"Filter":{"DIMENSION":["a"],"DIMENSION":null}}`, `{"Filter":{"DIMENSION":null}}`},
	} {
		// In CBOR the same members come twice too.
		e := CBOR.Codec().Encoder(nil)
		d := JSON11.Codec().Decoder([]byte(tt.body))
		copyAnything(&e, &d, "")
		for _, w := range []wire{{JSON11, []byte(tt.body)}, {CBOR, e.Bytes()}} {
			got, want := newInput(tt.operation), newInput(tt.operation)
			if f := decodeInput(w, got); f != nil {
				t.Fatalf("%v: %s: %v", w.protocol, tt.body, f)
			}
			if f := decodeInput(wire{JSON11, []byte(tt.same)}, want); f != nil {
				t.Fatal(f)
			}
			if diff := cmp.Diff(want, got, shapes); diff != "" {
				t.Errorf("%v: %s (-want +got):\n%s", w.protocol, tt.body, diff)
			}
		}
	}
}

// Types that do not fit, in both protocols.
func TestMistypedMembers(t *testing.T) {
	const stamp = " cannot be converted to Timestamp (send the seconds since 1970-01-01T00:00:00Z as a number)"
	for _, tt := range []struct{ operation, body, want string }{
		{"BatchMeterUsage", `{"UsageRecords":{}}`, "Start of structure or map found where not expected"},
		{"BatchMeterUsage", `{"UsageRecords":"x"}`, "Unexpected field type"},
		{"BatchMeterUsage", `{"UsageRecords":[[]]}`, "Start of list found where not expected"},
		{"BatchMeterUsage", `{"UsageRecords":["x"]}`, "Unexpected field type"},
		{"BatchMeterUsage", `{"ProductCode":1}`, "NUMBER_VALUE cannot be converted to String"},
		{"BatchMeterUsage", `{"ProductCode":[]}`, "Unrecognized collection type class java.lang.String"},
		{"BatchMeterUsage", record(`"Timestamp":"2026-01-02T03:04:05Z"`), "STRING_VALUE" + stamp},
		{"BatchMeterUsage", record(`"Timestamp":"1767323045"`), "STRING_VALUE" + stamp},
		{"BatchMeterUsage", record(`"Timestamp":"NaN"`), "STRING_VALUE" + stamp},
		{"BatchMeterUsage", record(`"Timestamp":true`), "TRUE_VALUE" + stamp},
		{"BatchMeterUsage", record(`"Quantity":"3"`), "STRING_VALUE cannot be converted to Integer"},
		{"BatchMeterUsage", record(`"Quantity":"NaN"`), "STRING_VALUE cannot be converted to Integer"},
		{"BatchMeterUsage", record(`"Quantity":1.5`), "DECIMAL_VALUE cannot be converted to Integer"},
		{"BatchMeterUsage", record(`"Quantity":-0.9`), "DECIMAL_VALUE cannot be converted to Integer"},
		{"BatchMeterUsage", record(`"UsageAllocations":[{"AllocatedUsageQuantity":0.5}]`), "DECIMAL_VALUE cannot be converted to Integer"},
		{"GetEntitlements", `{"MaxResults":25.5}`, "DECIMAL_VALUE cannot be converted to Integer"},
		{"BatchMeterUsage", record(`"Quantity":false`), "FALSE_VALUE cannot be converted to Integer"},
		{"BatchMeterUsage", record(`"UsageAllocations":{}`), "Start of structure or map found where not expected"},
		{"BatchMeterUsage", record(`"UsageAllocations":[1]`), "Unexpected field type"},
		{"BatchMeterUsage", record(`"UsageAllocations":[{"AllocatedUsageQuantity":"1"}]`), "STRING_VALUE cannot be converted to Integer"},
		{"BatchMeterUsage", record(`"UsageAllocations":[{"Tags":{}}]`), "Start of structure or map found where not expected"},
		{"BatchMeterUsage", record(`"UsageAllocations":[{"Tags":[{"Key":1.5}]}]`), "DECIMAL_VALUE cannot be converted to String"},
		{"MeterUsage", `{"DryRun":"true"}`, "Unexpected token received from parser"},
		{"MeterUsage", `{"DryRun":1}`, "NUMBER_VALUE cannot be converted to Boolean"},
		{"MeterUsage", `{"Timestamp":"2026-01-02"}`, "STRING_VALUE" + stamp},
		{"RegisterUsage", `{"PublicKeyVersion":"1"}`, "STRING_VALUE cannot be converted to Integer"},
		{"GetEntitlements", `{"Filter":[]}`, "Start of list found where not expected"},
		{"GetEntitlements", `{"Filter":{"DIMENSION":"d"}}`, "Unexpected field type"},
		{"GetEntitlements", `{"Filter":{"UNKNOWN":"d"}}`, "Unexpected field type"},
		{"GetEntitlements", `{"Filter":{"UNKNOWN":[1]}}`, "NUMBER_VALUE cannot be converted to String"},
		{"GetEntitlements", `{"Filter":{"DIMENSION":[1]}}`, "NUMBER_VALUE cannot be converted to String"},
		{"GetEntitlements", `{"MaxResults":"5"}`, "STRING_VALUE cannot be converted to Integer"},
	} {
		for _, w := range bothWays(t, tt.body) {
			in := newInput(tt.operation)
			malformed, mistyped := faults(w, in)
			want := tt.want
			if w.protocol == CBOR {
				want = strings.Replace(want, "as a number)", "as a number under tag 1)", 1)
			}
			if malformed != nil || mistyped == nil || mistyped.Code != "SerializationException" || mistyped.Status != 400 || mistyped.Message != want {
				t.Errorf("%v: %s: %v, %v", w.protocol, tt.body, malformed, mistyped)
			}
		}
	}
}

// Faults tells broken bodies from those that do not fit.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		w                   wire
		malformed, mistyped bool
	}{
		{wire{JSON11, []byte(fullBatch)}, false, false},
		{wire{JSON11, nil}, false, false},
		{wire{CBOR, transcode(t, []byte(fullBatch))}, false, false},
		{wire{JSON11, []byte(`{"ProductCode":1}`)}, false, true},
		{wire{JSON11, []byte(`{"ProductCode":1,`)}, true, false},
		{wire{JSON11, []byte(`{"ProductCode":1} x`)}, true, false},
		{wire{JSON11, []byte(`{"UsageRecords":[{"Quantity":"` + "\xff" + `"}]}`)}, true, false},
		{wire{JSON11, []byte(`[]`)}, true, false},
		{wire{CBOR, []byte("\xa1kProductCode\x01")}, false, true},
		{wire{CBOR, []byte("\xa2kProductCode\x01aax")}, true, false},
		{wire{CBOR, []byte("\xa1\x01\x02")}, false, true}, // well-formed CBOR, and no structure of ours
	} {
		var in BatchMeterUsageInput
		malformed, mistyped := faults(tt.w, &in)
		if (malformed != nil) != tt.malformed || (mistyped != nil) != tt.mistyped {
			t.Errorf("%q: %v, %v", tt.w.body, malformed, mistyped)
		}
		if valid := tt.w.protocol.Codec().Valid(tt.w.body); !cmp.Equal(malformed, valid) {
			t.Errorf("%q: %v, but Valid says %v", tt.w.body, malformed, valid)
		}
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What a body claims costs nothing; what it has costs a bounded multiple of its size.
func TestBoundedMemory(t *testing.T) {
	list := func(element string, n int) string { return "[" + strings.Repeat(element+",", n-1) + element + "]" }
	const mib = 1 << 20
	for _, tt := range []struct {
		name, operation string
		w               wire
		most            uint64
	}{
		{"claimed list", "BatchMeterUsage", wire{CBOR, []byte("\xa1lUsageRecords\x9b\x10\x00\x00\x00\x00\x00\x00\x00")}, 4096},
		{"claimed map", "BatchMeterUsage", wire{CBOR, []byte("\xbb\x10\x00\x00\x00\x00\x00\x00\x00")}, 4096},
		{"claimed text", "BatchMeterUsage", wire{CBOR, []byte("\xa1kProductCode\x7b\x10\x00\x00\x00\x00\x00\x00\x00")}, 4096},
		{"claimed filter", "GetEntitlements", wire{CBOR, []byte("\xa1fFilter\xa1iDIMENSION\x9b\x10\x00\x00\x00\x00\x00\x00\x00")}, 4096},
		{"negative length", "GetEntitlements", wire{CBOR, []byte("\xa1fFilter\xa1iDIMENSION\x9b\xff\xff\xff\xff\xff\xff\xff\xff")}, 4096},
		{"records", "BatchMeterUsage", wire{JSON11, []byte(`{"UsageRecords":` + list("{}", mib/3) + `}`)}, 64 << 10},
		{"records in CBOR", "BatchMeterUsage", wire{CBOR, []byte("\xa1lUsageRecords\x9f" + strings.Repeat("\xa0", mib) + "\xff")}, 64 << 10},
		{"allocations", "BatchMeterUsage", wire{JSON11, []byte(`{"UsageRecords":` + list(`{"UsageAllocations":`+list("{}", 2501)+`}`, 130) + `}`)}, 26 * 2501 * 48 * 4},
		{"allocations in CBOR", "MeterUsage", wire{CBOR, []byte("\xa1pUsageAllocations\x9f" + strings.Repeat("\xa0", mib) + "\xff")}, 2501 * 48 * 4},
		{"tags", "MeterUsage", wire{JSON11, []byte(`{"UsageAllocations":` + list(`{"Tags":`+list("{}", 1000)+`}`, 340) + `}`)}, 340 * 6 * 48 * 6},
		{"filter values", "GetEntitlements", wire{JSON11, []byte(`{"Filter":{"DIMENSION":` + list(`""`, mib/3) + `}}`)}, 48 * mib},
	} {
		in := newInput(tt.operation)
		var f *Fault
		if n := allocated(func() { f = decodeInput(tt.w, in) }); n > tt.most {
			t.Errorf("%s: %d bytes for a body of %d, %v", tt.name, n, len(tt.w.body), f)
		}
		if n := allocated(func() { in.Validate() }); n > 64<<10 {
			t.Errorf("%s: %d bytes to validate", tt.name, n)
		}
		if r, ok := in.(interface{ Reset() }); ok {
			r.Reset()
		}
		switch in := in.(type) { // nor is it kept
		case *BatchMeterUsageInput:
			for _, r := range in.UsageRecords[:cap(in.UsageRecords)] {
				if n := cap(r.UsageAllocations); n > 64 {
					t.Errorf("%s: memory for %d allocations is kept", tt.name, n)
				}
			}
		case *MeterUsageInput:
			if n := cap(in.UsageAllocations); n > 64 {
				t.Errorf("%s: memory for %d allocations is kept", tt.name, n)
			}
		case *GetEntitlementsInput:
			if n := cap(in.Filter.Dimension.Values); n > 64 {
				t.Errorf("%s: memory for %d values is kept", tt.name, n)
			}
		}
	}
}
