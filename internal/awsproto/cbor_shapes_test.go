package awsproto

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// CBOR that a client could send, in forms that the SDKs do not use: it is read, or refused with the right fault.
func TestCBORForms(t *testing.T) {
	const entitlements, batch = "GetEntitlements", "BatchMeterUsage"
	deep := strings.Repeat("\x81", 130) + "\x01"
	for _, tt := range []struct {
		name, operation, body string
		same                  string // JSON that says the same, or
		fault                 string // the beginning of a fault's message
	}{
		{"indefinite everything", entitlements, "\xbf\x7fdProdgductCode\xff\x7fbpc\xffmMaxResults\x01\xff", "", "malformed"}, // a name of the wrong length
		{"indefinite names and values", entitlements, "\xbf\x7fdProdguctCode\xff\x7faaac\xffjMaxResults\x01\xff", `{"ProductCode":"ac","MaxResults":1}`, ""},
		{"indefinite list", entitlements, "\xa1fFilter\xbfiDIMENSION\x9faa\x7fabacefghi\xff\xff\xff", "", "malformed"},
		{"indefinite chunks in a list", entitlements, "\xa1fFilter\xbfiDIMENSION\x9faa\x7fabac\xff\xff\xff", `{"Filter":{"DIMENSION":["a","bc"]}}`, ""},
		{"empty indefinite text", entitlements, "\xa1fFilter\xa1iDIMENSION\x81\x7f\xff", `{"Filter":{"DIMENSION":[""]}}`, ""},
		{"undefined", entitlements, "\xa2kProductCode\xf7fFilter\xf7", `{}`, ""},
		{"half float", entitlements, "\xa1jMaxResults\xf9\x47\x00", `{"MaxResults":7}`, ""},
		{"long numbers", entitlements, "\xa1jMaxResults\x1b\x00\x00\x00\x00\x00\x00\x00\x07", `{"MaxResults":7}`, ""},
		{"NaN", entitlements, "\xa1jMaxResults\xf9\x7e\x00", "", "DECIMAL_VALUE cannot be converted to Integer"},
		{"infinity", entitlements, "\xa1jMaxResults\xf9\x7c\x00", "", "DECIMAL_VALUE cannot be converted to Integer"},
		{"tagged number", entitlements, "\xa1jMaxResults\xc1\x07", "", "Unexpected field type"},
		{"big number", entitlements, "\xa1jMaxResults\xc2\x41\x07", "", "Unexpected field type"},
		{"tagged text", entitlements, "\xa1kProductCode\xc0bpc", "", "Unexpected field type"},
		{"bytes for text", entitlements, "\xa1kProductCode\x42pc", "", "Unexpected field type"},
		{"bytes for a name", entitlements, "\xa1\x4bProductCode\x62pc", "", "malformed"},
		{"number for a name in a filter", entitlements, "\xa1fFilter\xa1\x01\x81aa", "", "malformed"},
		{"invalid UTF-8", entitlements, "\xa1kProductCodeb\xff\xfe", "", "malformed"},
		{"invalid UTF-8 in what is unknown", entitlements, "\xa1aXb\xff\xfe", "", "malformed"},
		{"half a character a chunk", entitlements, "\xa1kProductCode\x7fa\xc3a\xa9\xff", "", "malformed"},
		{"same name twice", entitlements, "\xa2kProductCodeaakProductCodeab", `{"ProductCode":"b"}`, ""},
		{"same key twice", entitlements, "\xa1fFilter\xa2iDIMENSION\x81aaiDIMENSION\x82abac", `{"Filter":{"DIMENSION":["b","c"]}}`, ""},
		{"deep and unknown", entitlements, "\xa1aX" + deep, "", "malformed"},
		{"deep in a member", entitlements, "\xa1fFilter\xa1iDIMENSION" + deep, "", "malformed"},
		{"tags in tags", entitlements, "\xa1aX" + strings.Repeat("\xc1", 200) + "\x01", "", "malformed"},
		{"claimed list", entitlements, "\xa1fFilter\xa1iDIMENSION\x9b\x10\x00\x00\x00\x00\x00\x00\x00aa", "", "malformed"},
		{"claimed text", entitlements, "\xa1kProductCode\x7b\x10\x00\x00\x00\x00\x00\x00\x00aa", "", "malformed"},
		{"claimed map", entitlements, "\xbb\x10\x00\x00\x00\x00\x00\x00\x00", "", "malformed"},
		{"cut short", entitlements, "\xa1kProductCodebp", "", "malformed"},
		{"no break", entitlements, "\xbfkProductCodebpc", "", "malformed"},
		{"break in the middle", entitlements, "\xa1kProductCode\xff", "", "malformed"},
		{"more after the end", entitlements, "\xa0\xa0", "", "malformed"},

		{"timestamp without a tag", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\x01", "", "NUMBER_VALUE cannot be converted to Timestamp"},
		{"timestamp as text of tag 0", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\xc0\x742026-01-02T03:04:05Z", "", "STRING_VALUE cannot be converted to Timestamp"},
		{"timestamp of another tag", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\xc2\x01", "", "NUMBER_VALUE cannot be converted to Timestamp"},
		{"timestamp of two tags", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\xc1\xc1\x01", "", "Unexpected field type"},
		{"timestamp that is not a number", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\xc1\xf9\x7e\x00", "", "DECIMAL_VALUE cannot be converted to Timestamp"},
		{"timestamp of a double", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\xc1\xfb\x41\xda\x55\xca\x69\x6b\x64\x5a", `{"UsageRecords":[{"Timestamp":1767319973.678}]}`, ""},
		{"timestamp of a half float", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\xc1\xf9\xbe\x00", `{"UsageRecords":[{"Timestamp":-1.5}]}`, ""},
		{"timestamp of a long tag", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\xd8\x01\x05", `{"UsageRecords":[{"Timestamp":5}]}`, ""},
		{"timestamp null", batch, "\xa1lUsageRecords\x81\xa1iTimestamp\xf6", `{"UsageRecords":[{}]}`, ""},
		{"quantity beyond 64 bits", batch, "\xa1lUsageRecords\x81\xa1hQuantity\x3b\xff\xff\xff\xff\xff\xff\xff\xff", `{"UsageRecords":[{"Quantity":-9223372036854775808}]}`, ""},
		{"records in an indefinite list", batch, "\xbflUsageRecords\x9f\xbfiDimensionad\xff\xa0\xf6\xff\xff", `{"UsageRecords":[{"Dimension":"d"},{},{}]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := newInput(tt.operation)
			f := decodeInput(wire{CBOR, []byte(tt.body)}, in)
			if tt.fault != "" {
				if f == nil || f.Code != "SerializationException" || !strings.HasPrefix(f.Message, tt.fault) {
					t.Errorf("%v, want %s", f, tt.fault)
				}
				return
			}
			if f != nil {
				t.Fatal(f)
			}
			want := newInput(tt.operation)
			if f := decodeInput(wire{JSON11, []byte(tt.same)}, want); f != nil {
				t.Fatal(f)
			}
			if diff := cmp.Diff(want, in, shapes); diff != "" {
				t.Errorf("-JSON +CBOR:\n%s", diff)
			}
		})
	}
}
