package awsproto

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func encode(p Protocol, out interface{ Encode(*Encoder) }) []byte {
	e := p.Codec().Encoder(nil)
	out.Encode(&e)
	return e.Bytes()
}

// Records come back as they were sent: nothing is added, and what was sent is there, however empty.
func TestRecordsAreEchoed(t *testing.T) {
	for _, record := range []string{
		fullRecord,
		`{}`,
		`{"Timestamp":1767323045,"Dimension":"d"}`,
		`{"Timestamp":1767323045.6,"CustomerIdentifier":"","Dimension":"\"\\\u0000é😀\n","Quantity":0}`,
		`{"Timestamp":-1.5,"Quantity":2147483647,"UsageAllocations":[{"AllocatedUsageQuantity":0,"Tags":[{"Key":"","Value":""},{}]},{}],"LicenseArn":""}`,
		`{"Timestamp":0.001,"UsageAllocations":[],"CustomerAWSAccountId":""}`,
		`{"Timestamp":253402300799.999,"UsageAllocations":[{"Tags":[]}]}`,
	} {
		for _, w := range bothWays(t, `{"UsageRecords":[`+record+`]}`) {
			var in BatchMeterUsageInput
			if f := decodeInput(w, &in); f != nil {
				t.Fatal(f)
			}
			out := BatchMeterUsageOutput{Results: []UsageRecordResult{{UsageRecord: &in.UsageRecords[0]}}, UnprocessedRecords: in.UsageRecords}
			want := readAnything(t, wire{JSON11, []byte(`{"Results":[{"UsageRecord":` + record + `}],"UnprocessedRecords":[` + record + `]}`)})
			if diff := cmp.Diff(want, readAnything(t, wire{w.protocol, encode(w.protocol, &out)})); diff != "" {
				t.Errorf("%v: %s (-sent +echoed):\n%s", w.protocol, record, diff)
			}
		}
	}
}

func TestBatchMeterUsageOutput(t *testing.T) {
	record := UsageRecord{Timestamp: time.UnixMilli(1592971493776), HasTimestamp: true, CustomerIdentifier: []byte("ifAPi5AcF3"), Dimension: []byte("admin_users"), Quantity: 3, HasQuantity: true}
	result := UsageRecordResult{UsageRecord: &record, Status: "Success"}
	copy(result.MeteringRecordID[:], "35155d37-56cb-423f-8554-5c4f3e3ff56d")
	for _, tt := range []struct {
		out  BatchMeterUsageOutput
		want string
	}{
		{BatchMeterUsageOutput{}, `{"Results":[],"UnprocessedRecords":[]}`},
		// The answer that AWS's own sample shows, but for what it leaves open.
		{BatchMeterUsageOutput{Results: []UsageRecordResult{result}},
			`{"Results":[{"UsageRecord":{"Timestamp":1592971493.776,"CustomerIdentifier":"ifAPi5AcF3","Dimension":"admin_users","Quantity":3},` +
				`"MeteringRecordId":"35155d37-56cb-423f-8554-5c4f3e3ff56d","Status":"Success"}],"UnprocessedRecords":[]}`},
		{BatchMeterUsageOutput{Results: []UsageRecordResult{{UsageRecord: &UsageRecord{}, Status: "CustomerNotSubscribed"}, {}}, UnprocessedRecords: []UsageRecord{{}, {}}},
			`{"Results":[{"UsageRecord":{},"Status":"CustomerNotSubscribed"},{}],"UnprocessedRecords":[{},{}]}`},
	} {
		if got := string(encode(JSON11, &tt.out)); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	if got := encode(CBOR, &BatchMeterUsageOutput{}); string(got) != "\xbfgResults\x9f\xffrUnprocessedRecords\x9f\xff\xff" {
		t.Errorf("got %q", got)
	}
}

func TestOtherOutputs(t *testing.T) {
	at := time.UnixMilli(1893456000500)
	value := func(v EntitlementValue) *GetEntitlementsOutput {
		return &GetEntitlementsOutput{Entitlements: []Entitlement{{Value: v}}}
	}
	for _, tt := range []struct {
		out  interface{ Encode(*Encoder) }
		want string
	}{
		{&MeterUsageOutput{}, `{}`},
		{&MeterUsageOutput{MeteringRecordID: "id"}, `{"MeteringRecordId":"id"}`},
		{&RegisterUsageOutput{}, `{}`},
		{&RegisterUsageOutput{Signature: "a.b.c"}, `{"Signature":"a.b.c"}`},
		{&RegisterUsageOutput{PublicKeyRotationTimestamp: at, Signature: "a.b.c"}, `{"PublicKeyRotationTimestamp":1893456000.5,"Signature":"a.b.c"}`},
		{&GetEntitlementsOutput{}, `{}`},
		{&GetEntitlementsOutput{Entitlements: []Entitlement{}}, `{}`},
		{&GetEntitlementsOutput{NextToken: "t"}, `{"NextToken":"t"}`},
		{&GetEntitlementsOutput{Entitlements: []Entitlement{{}}}, `{"Entitlements":[{}]}`},
		{&GetEntitlementsOutput{Entitlements: []Entitlement{{ProductCode: "p", Dimension: "d", CustomerIdentifier: "c", CustomerAWSAccountID: "1", LicenseARN: "l", ExpirationDate: at,
			Value: EntitlementValue{Type: IntegerValue, IntegerValue: 5, DoubleValue: 1, BooleanValue: true, StringValue: "x"}}, {Dimension: "e"}}, NextToken: "t"},
			`{"Entitlements":[{"ProductCode":"p","Dimension":"d","CustomerIdentifier":"c","CustomerAWSAccountId":"1","Value":{"IntegerValue":5},"ExpirationDate":1893456000.5,"LicenseArn":"l"},{"Dimension":"e"}],"NextToken":"t"}`},
		{value(EntitlementValue{Type: IntegerValue}), `{"Entitlements":[{"Value":{"IntegerValue":0}}]}`},
		{value(EntitlementValue{Type: DoubleValue, DoubleValue: 0.25}), `{"Entitlements":[{"Value":{"DoubleValue":0.25}}]}`},
		{value(EntitlementValue{Type: DoubleValue, DoubleValue: math.Inf(1)}), `{"Entitlements":[{"Value":{"DoubleValue":"Infinity"}}]}`},
		{value(EntitlementValue{Type: BooleanValue}), `{"Entitlements":[{"Value":{"BooleanValue":false}}]}`},
		{value(EntitlementValue{Type: StringValue}), `{"Entitlements":[{"Value":{"StringValue":""}}]}`},
	} {
		got := encode(JSON11, tt.out)
		if string(got) != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
		if bytes.Contains(got, []byte("Infinity")) { // a number in CBOR
			continue
		}
		if diff := cmp.Diff(readAnything(t, wire{JSON11, got}), readAnything(t, wire{CBOR, encode(CBOR, tt.out)})); diff != "" {
			t.Errorf("%s (-JSON +CBOR):\n%s", got, diff)
		}
	}
}

// A page of entitlements and the other answers allocate nothing in a buffer.
func TestOutputsDoNotAllocate(t *testing.T) {
	page := GetEntitlementsOutput{NextToken: "t"}
	for i := range 25 {
		page.Entitlements = append(page.Entitlements, Entitlement{ProductCode: "74az0btybm649octamy0sktos", Dimension: fmt.Sprint("d", i), CustomerAWSAccountID: "111122223333",
			LicenseARN: goodARN, ExpirationDate: time.Unix(1893456000, 0), Value: EntitlementValue{Type: IntegerValue, IntegerValue: 5}})
	}
	buf := make([]byte, 0, 16<<10)
	for _, p := range []Protocol{JSON11, CBOR} {
		if n := testing.AllocsPerRun(100, func() {
			e := p.Codec().Encoder(buf)
			page.Encode(&e)
			e = p.Codec().Encoder(buf)
			(&RegisterUsageOutput{PublicKeyRotationTimestamp: time.Unix(1893456000, 0), Signature: "a.b.c"}).Encode(&e)
			e = p.Codec().Encoder(buf)
			(&MeterUsageOutput{MeteringRecordID: "id"}).Encode(&e)
		}); n != 0 {
			t.Errorf("%v: %v allocations", p, n)
		}
	}
	var in GetEntitlementsInput
	var meter MeterUsageInput
	for _, p := range []Protocol{JSON11, CBOR} {
		bodies := [2][]byte{[]byte(fullEntitlements), []byte(fullMeter)}
		if p == CBOR {
			bodies = [2][]byte{transcode(t, bodies[0]), transcode(t, bodies[1])}
		}
		read := func() {
			d := p.Codec().Decoder(bodies[0])
			in.Decode(&d)
			if malformed, mistyped := d.Faults(); malformed != nil || mistyped != nil {
				t.Fatal(malformed, mistyped)
			}
			d = p.Codec().Decoder(bodies[1])
			meter.Decode(&d)
			if malformed, mistyped := d.Faults(); malformed != nil || mistyped != nil {
				t.Fatal(malformed, mistyped)
			}
			if f := in.Validate(); f != nil {
				t.Fatal(f)
			}
			if f := meter.Validate(); f != nil {
				t.Fatal(f)
			}
			in.Reset()
			meter.Reset()
		}
		read()
		if n := testing.AllocsPerRun(100, read); n != 0 {
			t.Errorf("%v: %v allocations", p, n)
		}
	}
}

// The new way of writing strings from bytes writes what String does, and member what Member does.
func TestTextIsString(t *testing.T) {
	for _, p := range []Protocol{JSON11, CBOR} {
		for _, s := range []string{"", "a", "é", "\"\\\n\x00\x7f", "\xff", "a\xe2\x82", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\U0010ffff\xf4\x90\x80\x80", string(bytes.Repeat([]byte("x\xc3"), 300))} {
			a, b := p.Codec().Encoder([]byte("before")), p.Codec().Encoder([]byte("before"))
			a.BeginStruct()
			a.Member("UsageRecord")
			a.String(s)
			a.EndStruct()
			b.BeginStruct()
			b.member("UsageRecord")
			b.Text([]byte(s))
			b.EndStruct()
			if !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("%v: %q: %q by String, %q by Text", p, s, a.Bytes(), b.Bytes())
			}
		}
	}
}
