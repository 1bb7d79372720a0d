package awsproto

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seedShapes are bodies in both protocols.
func seedShapes(f *testing.F, bodies ...string) {
	for _, body := range append(bodies, "{}", `{"X":[[{"Y":null}]]}`) {
		f.Add([]byte(body), false)
		f.Add(transcode(f, []byte(body)), true)
	}
	for _, body := range []string{"", "\xbf\xff", "\xa1lUsageRecords\x9b\x10\x00\x00\x00\x00\x00\x00\x00", "\xa1lUsageRecords\x9f\xa1iTimestamp\xc1\xfb\x41\xda\x55\xca\x69\x6b\x64\x5a\xf6\xff",
		"\xa1fFilter\xbfiDIMENSION\x9faa\x7fabac\xff\xff\xff", "\xa1fFilter\xa2iDIMENSION\x81aaiDIMENSION\xf7", "\xa1hQuantity\xf9\x7e\x00"} {
		f.Add([]byte(body), true)
	}
}

// wireOf is what was fuzzed.
func wireOf(body []byte, cbor bool) wire {
	if cbor {
		return wire{CBOR, body}
	}
	return wire{JSON11, body}
}

// holdShape holds what is true of every input: it does not panic, it agrees with Valid, it does not depend on what the value was used for before, it
// leaves the body alone, and what was read, written and read again is the same. used has been used for something else. It answers whether there was no fault.
func holdShape(t *testing.T, w wire, operation string, used input) bool {
	before := bytes.Clone(w.body)
	fresh := newInput(operation)
	d := w.protocol.Codec().Decoder(w.body)
	fresh.Decode(&d)
	malformed, mistyped := d.Faults()
	switch {
	case !cmp.Equal(malformed, w.protocol.Codec().Valid(w.body)):
		t.Fatalf("%q: %v, but Valid says %v", w.body, malformed, w.protocol.Codec().Valid(w.body))
	case malformed != nil && mistyped != nil:
		t.Fatalf("%q: %v and %v", w.body, malformed, mistyped)
	case len(d.scratch) > len(w.body):
		t.Fatalf("%q: %d bytes kept", w.body, len(d.scratch))
	}
	if f := decodeInput(w, used); (f == nil) != (malformed == nil && mistyped == nil) {
		t.Fatalf("%q: used input: %v, fresh one: %v %v", w.body, f, malformed, mistyped)
	}
	if a, b := encodeInput(JSON11, fresh), encodeInput(JSON11, used); !bytes.Equal(a, b) {
		t.Fatalf("%q: fresh input reads\n%s\nused input\n%s", w.body, a, b)
	}
	if !cmp.Equal(fresh.Validate(), used.Validate()) {
		t.Fatalf("%q: %v and %v", w.body, fresh.Validate(), used.Validate())
	}
	if !bytes.Equal(before, w.body) {
		t.Fatalf("%q was changed to %q", before, w.body)
	}
	return malformed == nil && mistyped == nil
}

// holdFixpoint holds that in is read again as it was.
func holdFixpoint(t *testing.T, operation string, in input) {
	for _, p := range []Protocol{JSON11, CBOR} {
		first := encodeInput(p, in)
		again := newInput(operation)
		if f := decodeInput(wire{p, first}, again); f != nil {
			t.Fatalf("%v: %q: %v", p, first, f)
		}
		if second := encodeInput(p, again); !bytes.Equal(first, second) {
			t.Fatalf("%v: %q became %q", p, first, second)
		}
	}
}

func FuzzBatchMeterUsage(f *testing.F) {
	seedShapes(f, fullBatch, `{"UsageRecords":[null,{},{"Quantity":-1.5e3,"Timestamp":"x"}]}`, `{"UsageRecords":[{"UsageAllocations":[{"Tags":[{},{},{},{},{},{},{}]}]}]}`,
		`{"UsageRecords":[{"Dimension":"\u0000\ud83d\ude00","Timestamp":1e18}],"ProductCode":null}`)
	f.Fuzz(func(t *testing.T, body []byte, cbor bool) {
		var used BatchMeterUsageInput
		if f := decodeInput(wire{JSON11, []byte(fullBatch)}, &used); f != nil {
			t.Fatal(f)
		}
		ok := holdShape(t, wireOf(body, cbor), "BatchMeterUsage", &used)
		if len(used.UsageRecords) > 26 || !used.HasUsageRecords && len(used.UsageRecords) > 0 {
			t.Fatalf("%q: %d records", body, len(used.UsageRecords))
		}
		for i := range used.UsageRecords {
			r := &used.UsageRecords[i]
			if len(r.UsageAllocations) > 2501 || r.Quantity != 0 && !r.HasQuantity {
				t.Fatalf("%q: record %+v", body, r)
			}
			// Doubles in CBOR tell milliseconds apart up to here.
			if ms := r.Timestamp.UnixMilli(); r.HasTimestamp && (ms > 1<<52 || ms < -1<<52) {
				r.Timestamp = time.Time{}
			}
		}
		if ok {
			holdFixpoint(t, "BatchMeterUsage", &used)
		}
		if used.Reset(); used.UsageRecords == nil || len(used.UsageRecords) > 0 || used.HasUsageRecords || used.ProductCode != nil {
			t.Fatalf("after Reset: %+v", used)
		}
	})
}

func FuzzGetEntitlements(f *testing.F) {
	seedShapes(f, fullEntitlements, `{"Filter":{"X":[null],"DIMENSION":[]}}`, `{"Filter":{"\u0044IMENSION":["\u00e9",""]},"MaxResults":2.5e1}`, `{"Filter":null,"NextToken":" "}`)
	f.Fuzz(func(t *testing.T, body []byte, cbor bool) {
		var used GetEntitlementsInput
		if f := decodeInput(wire{JSON11, []byte(fullEntitlements)}, &used); f != nil {
			t.Fatal(f)
		}
		if !holdShape(t, wireOf(body, cbor), "GetEntitlements", &used) {
			return
		}
		n := 0
		for _, l := range []*FilterValues{&used.Filter.CustomerIdentifier, &used.Filter.Dimension, &used.Filter.CustomerAWSAccountID, &used.Filter.LicenseARN} {
			n += len(l.Values)
			for i, v := range l.Values {
				if v == nil { // there is no way to write null
					l.Values[i] = []byte{}
				}
			}
		}
		if n > len(body) {
			t.Fatalf("%q: %d values", body, n)
		}
		holdFixpoint(t, "GetEntitlements", &used)
	})
}

func FuzzMeterUsage(f *testing.F) {
	seedShapes(f, fullMeter, `{"DryRun":null,"UsageAllocations":[{}],"ClientToken":"","UsageQuantity":1e300}`)
	f.Fuzz(func(t *testing.T, body []byte, cbor bool) {
		var used MeterUsageInput
		if f := decodeInput(wire{JSON11, []byte(fullMeter)}, &used); f != nil {
			t.Fatal(f)
		}
		if !holdShape(t, wireOf(body, cbor), "MeterUsage", &used) {
			return
		}
		if ms := used.Timestamp.UnixMilli(); used.HasTimestamp && (ms > 1<<52 || ms < -1<<52) {
			used.Timestamp = time.Time{}
		}
		holdFixpoint(t, "MeterUsage", &used)
	})
}
