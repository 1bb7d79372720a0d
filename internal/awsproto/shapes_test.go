package awsproto

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// input is what the inputs of all operations have.
type input interface {
	Decode(*Decoder)
	Validate() *Fault
}

// newInput is an empty input of an operation.
func newInput(operation string) input {
	switch operation {
	case "BatchMeterUsage":
		return new(BatchMeterUsageInput)
	case "MeterUsage":
		return new(MeterUsageInput)
	case "RegisterUsage":
		return new(RegisterUsageInput)
	case "GetEntitlements":
		return new(GetEntitlementsInput)
	}
	return new(ResolveCustomerInput)
}

// encodeInput writes an input as a client would.
func encodeInput(p Protocol, in input) []byte {
	e := p.Codec().Encoder(nil)
	e.BeginStruct()
	switch in := in.(type) {
	case *BatchMeterUsageInput:
		e.sent("ProductCode", in.ProductCode)
		if in.HasUsageRecords {
			e.Member("UsageRecords")
			e.BeginList()
			for i := range in.UsageRecords {
				in.UsageRecords[i].Encode(&e)
			}
			e.EndList()
		}
	case *MeterUsageInput:
		e.sent("ProductCode", in.ProductCode)
		if in.HasTimestamp {
			e.Member("Timestamp")
			e.Timestamp(in.Timestamp)
		}
		e.sent("UsageDimension", in.UsageDimension)
		if in.HasUsageQuantity {
			e.Member("UsageQuantity")
			e.Int(in.UsageQuantity)
		}
		if in.DryRun {
			e.Member("DryRun")
			e.Bool(true)
		}
		if in.HasUsageAllocations {
			e.Member("UsageAllocations")
			encodeAllocations(&e, in.UsageAllocations)
		}
		e.sent("ClientToken", in.ClientToken)
	case *RegisterUsageInput:
		e.sent("ProductCode", in.ProductCode)
		if in.HasPublicKeyVersion {
			e.Member("PublicKeyVersion")
			e.Int(in.PublicKeyVersion)
		}
		e.sent("Nonce", in.Nonce)
	case *GetEntitlementsInput:
		e.sent("ProductCode", in.ProductCode)
		if in.HasFilter {
			e.Member("Filter")
			e.BeginStruct()
			for _, entry := range []struct {
				key string
				FilterValues
			}{
				{"CUSTOMER_IDENTIFIER", in.Filter.CustomerIdentifier}, {"DIMENSION", in.Filter.Dimension},
				{"CUSTOMER_AWS_ACCOUNT_ID", in.Filter.CustomerAWSAccountID}, {"LICENSE_ARN", in.Filter.LicenseARN},
			} {
				if !entry.Has {
					continue
				}
				e.Member(entry.key)
				e.BeginList()
				for _, v := range entry.Values {
					e.Text(v)
				}
				e.EndList()
			}
			e.EndStruct()
		}
		e.sent("NextToken", in.NextToken)
		if in.HasMaxResults {
			e.Member("MaxResults")
			e.Int(in.MaxResults)
		}
	}
	e.EndStruct()
	return e.Bytes()
}

// shapes compares inputs by what they say, not by the memory that they keep: empty lists are equal. An empty string is not an absent one.
var shapes = cmp.Options{
	cmp.AllowUnexported(EntitlementFilter{}),
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() != reflect.TypeFor[[]byte]() }, cmpopts.EquateEmpty()),
}

// decodeInput reads w into in.
func decodeInput(w wire, in input) *Fault {
	d := w.protocol.Codec().Decoder(w.body)
	in.Decode(&d)
	return d.Finish()
}

// faults reads w into in, in one pass.
func faults(w wire, in input) (malformed, mistyped *Fault) {
	d := w.protocol.Codec().Decoder(w.body)
	in.Decode(&d)
	return d.Faults()
}

// bothWays is a JSON body in both protocols.
func bothWays(t testing.TB, body string) []wire {
	return []wire{{JSON11, []byte(body)}, {CBOR, transcode(t, []byte(body))}}
}

// sameAgain checks that a body is read whole: what was read, written again, says the same.
func sameAgain(t *testing.T, operation string, w wire) {
	t.Helper()
	in := newInput(operation)
	if f := decodeInput(w, in); f != nil {
		t.Fatalf("%q: %v", w.body, f)
	}
	for _, p := range []Protocol{JSON11, CBOR} {
		if diff := cmp.Diff(readAnything(t, w), readAnything(t, wire{p, encodeInput(p, in)})); diff != "" {
			t.Errorf("%q: sent and, in %v, read (-sent +read):\n%s", w.body, p, diff)
		}
	}
}
