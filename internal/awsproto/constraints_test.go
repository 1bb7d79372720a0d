package awsproto

import (
	"fmt"
	"strings"
	"testing"
)

const (
	goodARN = "arn:aws:license-manager::294406891311:license:l-9d01d15f86334a8894365cd7350556ff"

	nul     = " failed to satisfy constraint: Member must not be null"
	pattern = " failed to satisfy constraint: Member must satisfy regular expression pattern: "
	least   = " failed to satisfy constraint: Member must have length greater than or equal to "
	most    = " failed to satisfy constraint: Member must have length less than or equal to "
	above   = " failed to satisfy constraint: Member must have value greater than or equal to "
	below   = " failed to satisfy constraint: Member must have value less than or equal to "
)

func a(n int) string { return strings.Repeat("a", n) }

// echoed is a value of n characters as faults repeat it.
func echoed(n int) string { return "'" + a(min(n, 128)) + "...'" }

// record is a request with one record that has these members beside the two that are required.
func record(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"UsageRecords":[{"Timestamp":1767323045,"Dimension":"d"` + members + `}]}`
}

func meter(members string) string {
	return `{"ProductCode":"pc","Timestamp":1767323045,"UsageDimension":"d",` + members + `}`
}

// TestConstraints goes to both sides of every constraint. Each body is read in JSON and in CBOR.
func TestConstraints(t *testing.T) {
	const batch, meterUsage, register, entitlements = "BatchMeterUsage", "MeterUsage", "RegisterUsage", "GetEntitlements"
	const in = "usageRecords.1.member."
	for _, tt := range []struct {
		operation, body string
		want            []string // each without "Value "
	}{
		{batch, `{}`, []string{"null at 'usageRecords'" + nul}},
		{batch, `{"UsageRecords":null}`, []string{"null at 'usageRecords'" + nul}},
		{batch, `{"UsageRecords":[]}`, nil},
		{batch, `{"UsageRecords":[` + strings.Repeat(`{"Timestamp":1,"Dimension":"d"},`, 24) + `{"Timestamp":1,"Dimension":"d"}]}`, nil},
		{batch, `{"UsageRecords":[` + strings.Repeat(`{"Timestamp":1,"Dimension":"d"},`, 25) + `{"Timestamp":1,"Dimension":"d"}]}`, []string{"at 'usageRecords'" + most + "25"}},
		{batch, `{"UsageRecords":[` + strings.Repeat(`{"Timestamp":1,"Dimension":"d"},`, 25) + `{}]}`, []string{"at 'usageRecords'" + most + "25"}},
		{batch, `{"UsageRecords":[` + strings.Repeat(`{"Timestamp":1,"Dimension":"d"},`, 24) + `{},{}]}`, []string{"at 'usageRecords'" + most + "25",
			"null at 'usageRecords.25.member.timestamp'" + nul, "null at 'usageRecords.25.member.dimension'" + nul}},
		{batch, `{"UsageRecords":[],"ProductCode":""}`, nil},
		{batch, `{"UsageRecords":[],"ProductCode":"-azAZ09/=:_.@"}`, nil},
		{batch, `{"UsageRecords":[],"ProductCode":"a b"}`, []string{"'a b' at 'productCode'" + pattern + "^[-a-zA-Z0-9/=:_.@]*$"}},
		{batch, `{"UsageRecords":[],"ProductCode":"a\n"}`, []string{"'a\n' at 'productCode'" + pattern + "^[-a-zA-Z0-9/=:_.@]*$"}},
		{batch, `{"UsageRecords":[],"ProductCode":"` + a(255) + `"}`, nil},
		{batch, `{"UsageRecords":[],"ProductCode":"` + a(256) + `"}`, []string{echoed(256) + " at 'productCode'" + most + "255"}},
		{batch, `{"ProductCode":"!","UsageRecords":[{}]}`, []string{"null at '" + in + "timestamp'" + nul, "null at '" + in + "dimension'" + nul,
			"'!' at 'productCode'" + pattern + "^[-a-zA-Z0-9/=:_.@]*$"}},
		{batch, `{"UsageRecords":[null]}`, []string{"null at '" + in + "timestamp'" + nul, "null at '" + in + "dimension'" + nul}},

		{batch, record(``), nil},
		{batch, record(`"Timestamp":null`), []string{"null at '" + in + "timestamp'" + nul}},
		{batch, record(`"Timestamp":-1.5`), nil},
		{batch, record(`"Timestamp":1767323045678`), nil},
		{batch, record(`"CustomerIdentifier":""`), nil},
		{batch, record(`"CustomerIdentifier":"` + a(255) + `"`), nil},
		{batch, record(`"CustomerIdentifier":"` + strings.Repeat("😀", 255) + `"`), nil},
		{batch, record(`"CustomerIdentifier":"` + a(256) + `"`), []string{echoed(256) + " at '" + in + "customerIdentifier'" + most + "255"}},
		{batch, record(`"Dimension":null`), []string{"null at '" + in + "dimension'" + nul}},
		{batch, record(`"Dimension":""`), []string{"'' at '" + in + `dimension'` + pattern + `[\s\S]+`, "'' at '" + in + "dimension'" + least + "1"}},
		{batch, record(`"Dimension":"\n"`), nil},
		{batch, record(`"Dimension":"` + a(255) + `"`), nil},
		{batch, record(`"Dimension":"` + a(256) + `"`), []string{echoed(256) + " at '" + in + "dimension'" + most + "255"}},
		{batch, record(`"Quantity":0`), nil},
		{batch, record(`"Quantity":null`), nil},
		{batch, record(`"Quantity":2147483647`), nil},
		{batch, record(`"Quantity":2147483648`), []string{"'2147483648' at '" + in + "quantity'" + below + "2147483647"}},
		{batch, record(`"Quantity":-1`), []string{"'-1' at '" + in + "quantity'" + above + "0"}},
		{batch, record(`"Quantity":1e300`), []string{"'9223372036854775807' at '" + in + "quantity'" + below + "2147483647"}},
		{batch, record(`"CustomerAWSAccountId":"1"`), nil},
		{batch, record(`"CustomerAWSAccountId":""`), []string{"'' at '" + in + "customerAWSAccountId'" + pattern + "^[0-9]+$", "'' at '" + in + "customerAWSAccountId'" + least + "1"}},
		{batch, record(`"CustomerAWSAccountId":"12x"`), []string{"'12x' at '" + in + "customerAWSAccountId'" + pattern + "^[0-9]+$"}},
		{batch, record(`"CustomerAWSAccountId":"` + strings.Repeat("1", 255) + `"`), nil},
		{batch, record(`"CustomerAWSAccountId":"` + strings.Repeat("1", 256) + `"`), []string{"'" + strings.Repeat("1", 128) + "...' at '" + in + "customerAWSAccountId'" + most + "255"}},
		{batch, record(`"LicenseArn":"` + goodARN + `"`), nil},
		{batch, record(`"LicenseArn":""`), []string{"'' at '" + in + "licenseArn'" + pattern + patternLicenseARN}},
		{batch, record(`"LicenseArn":"arn:aws:license-manager"`), []string{"'arn:aws:license-manager' at '" + in + "licenseArn'" + pattern + patternLicenseARN}},
		{batch, record(`"LicenseArn":"","CustomerAWSAccountId":"x","Quantity":-1,"UsageAllocations":[{}]`), []string{
			"'-1' at '" + in + "quantity'" + above + "0", "null at '" + in + "usageAllocations.1.member.allocatedUsageQuantity'" + nul,
			"'x' at '" + in + "customerAWSAccountId'" + pattern + "^[0-9]+$", "'' at '" + in + "licenseArn'" + pattern + patternLicenseARN}},

		{batch, record(`"UsageAllocations":[]`), []string{"at '" + in + "usageAllocations'" + least + "1"}},
		{batch, record(`"UsageAllocations":null`), nil},
		{batch, record(`"UsageAllocations":[null]`), []string{"null at '" + in + "usageAllocations.1.member.allocatedUsageQuantity'" + nul}},
		{batch, record(`"UsageAllocations":[{"AllocatedUsageQuantity":0},{"AllocatedUsageQuantity":2147483647,"Tags":null}]`), nil},
		{batch, record(`"UsageAllocations":[{"AllocatedUsageQuantity":2147483648}]`), []string{"'2147483648' at '" + in + "usageAllocations.1.member.allocatedUsageQuantity'" + below + "2147483647"}},
		{batch, record(`"UsageAllocations":[{"AllocatedUsageQuantity":1},{"AllocatedUsageQuantity":-1}]`), []string{"'-1' at '" + in + "usageAllocations.2.member.allocatedUsageQuantity'" + above + "0"}},
		{batch, record(`"UsageAllocations":[{"AllocatedUsageQuantity":1,"Tags":[]}]`), []string{"at '" + in + "usageAllocations.1.member.tags'" + least + "1"}},
		{batch, record(`"UsageAllocations":[{"AllocatedUsageQuantity":1},{"AllocatedUsageQuantity":1,"Tags":[{"Value":"v"},{"Key":"k","Value":null},null]}]`), []string{
			"null at '" + in + "usageAllocations.2.member.tags.1.member.key'" + nul, "null at '" + in + "usageAllocations.2.member.tags.2.member.value'" + nul,
			"null at '" + in + "usageAllocations.2.member.tags.3.member.key'" + nul, "null at '" + in + "usageAllocations.2.member.tags.3.member.value'" + nul}},
		{batch, `{"UsageRecords":[{"Timestamp":1,"Dimension":"d"},{"Timestamp":1,"Dimension":"d","UsageAllocations":[{"AllocatedUsageQuantity":1},{"AllocatedUsageQuantity":1,"Tags":[{}]}]}]}`, []string{
			"null at 'usageRecords.2.member.usageAllocations.2.member.tags.1.member.key'" + nul, "null at 'usageRecords.2.member.usageAllocations.2.member.tags.1.member.value'" + nul}},
		// What AWS answers with exceptions of its own passes.
		{batch, record(`"UsageAllocations":[` + strings.Repeat(`{"AllocatedUsageQuantity":1},`, 2500) + `{"AllocatedUsageQuantity":1}]`), nil},
		{batch, record(`"UsageAllocations":[{"AllocatedUsageQuantity":1,"Tags":[` + strings.Repeat(`{"Key":"k","Value":"v"},`, 5) + `{"Key":"k","Value":"v"}]}]`), nil},
		{batch, record(`"UsageAllocations":[{"AllocatedUsageQuantity":1,"Tags":[{"Key":"","Value":""},{"Key":"` + a(101) + `","Value":"` + a(257) + `"},{"Key":"\\","Value":"é"}]}]`), nil},

		{meterUsage, `{}`, []string{"null at 'productCode'" + nul, "null at 'timestamp'" + nul, "null at 'usageDimension'" + nul}},
		{meterUsage, `{"ProductCode":"","Timestamp":1,"UsageDimension":"d"}`, nil},
		{meterUsage, meter(`"ProductCode":"a b"`), []string{"'a b' at 'productCode'" + pattern + "^[-a-zA-Z0-9/=:_.@]*$"}},
		{meterUsage, meter(`"ProductCode":"` + a(256) + `"`), []string{echoed(256) + " at 'productCode'" + most + "255"}},
		{meterUsage, meter(`"UsageDimension":""`), []string{`'' at 'usageDimension'` + pattern + `[\s\S]+`, "'' at 'usageDimension'" + least + "1"}},
		{meterUsage, meter(`"UsageDimension":"` + a(256) + `"`), []string{echoed(256) + " at 'usageDimension'" + most + "255"}},
		{meterUsage, meter(`"UsageQuantity":2147483647,"DryRun":false`), nil},
		{meterUsage, meter(`"UsageQuantity":2147483648`), []string{"'2147483648' at 'usageQuantity'" + below + "2147483647"}},
		{meterUsage, meter(`"UsageQuantity":-1`), []string{"'-1' at 'usageQuantity'" + above + "0"}},
		{meterUsage, meter(`"UsageAllocations":[]`), []string{"at 'usageAllocations'" + least + "1"}},
		{meterUsage, meter(`"UsageAllocations":[{"AllocatedUsageQuantity":1,"Tags":[{"Key":"k"}]}]`), []string{"null at 'usageAllocations.1.member.tags.1.member.value'" + nul}},
		{meterUsage, meter(`"ClientToken":"` + a(64) + `"`), nil},
		{meterUsage, meter(`"ClientToken":""`), []string{"'' at 'clientToken'" + least + "1"}},
		{meterUsage, meter(`"ClientToken":"` + a(65) + `"`), []string{"'" + a(65) + "' at 'clientToken'" + most + "64"}},
		{meterUsage, `{"ClientToken":"","UsageAllocations":[],"UsageQuantity":-1}`, []string{"null at 'productCode'" + nul, "null at 'timestamp'" + nul, "null at 'usageDimension'" + nul,
			"'-1' at 'usageQuantity'" + above + "0", "at 'usageAllocations'" + least + "1", "'' at 'clientToken'" + least + "1"}},

		{register, `{}`, []string{"null at 'productCode'" + nul, "null at 'publicKeyVersion'" + nul}},
		{register, `{"ProductCode":"","PublicKeyVersion":1}`, nil},
		{register, `{"ProductCode":"pc","PublicKeyVersion":9007199254740992,"Nonce":""}`, nil},
		{register, `{"ProductCode":"p c","PublicKeyVersion":0}`, []string{"'p c' at 'productCode'" + pattern + "^[-a-zA-Z0-9/=:_.@]*$", "'0' at 'publicKeyVersion'" + above + "1"}},
		{register, `{"ProductCode":"pc","PublicKeyVersion":1,"Nonce":"` + a(255) + `"}`, nil},
		{register, `{"ProductCode":"pc","PublicKeyVersion":1,"Nonce":"` + a(256) + `"}`, []string{echoed(256) + " at 'nonce'" + most + "255"}},

		{entitlements, `{}`, []string{"null at 'productCode'" + nul}},
		{entitlements, `{"ProductCode":""}`, []string{"'' at 'productCode'" + least + "1"}},
		{entitlements, `{"ProductCode":"` + strings.Repeat("é ", 127) + `!"}`, nil},
		{entitlements, `{"ProductCode":"` + a(256) + `"}`, []string{echoed(256) + " at 'productCode'" + most + "255"}},
		{entitlements, `{"ProductCode":"p","Filter":null}`, nil},
		{entitlements, `{"ProductCode":"p","Filter":{}}`, nil},
		{entitlements, `{"ProductCode":"p","Filter":{"DIMENSION":null}}`, []string{
			"at 'filter' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length greater than or equal to 1]"}},
		{entitlements, `{"ProductCode":"p","Filter":{"CUSTOMER_IDENTIFIER":[""],"DIMENSION":["a","b"],"CUSTOMER_AWS_ACCOUNT_ID":["x"],"LICENSE_ARN":["y"]}}`, nil},
		{entitlements, `{"ProductCode":"p","Filter":{"dimension":["a"]}}`, []string{"at 'filter' failed to satisfy constraint: Map keys must satisfy constraint: " +
			"[Member must satisfy enum value set: [CUSTOMER_IDENTIFIER, DIMENSION, CUSTOMER_AWS_ACCOUNT_ID, LICENSE_ARN]]"}},
		{entitlements, `{"ProductCode":"p","Filter":{"LICENSE_ARN":[]}}`, []string{"at 'filter' failed to satisfy constraint: Map value must satisfy constraint: " +
			"[Member must have length greater than or equal to 1]"}},
		{entitlements, `{"ProductCode":"p","Filter":{"X":[],"Y":["a"]}}`, []string{"at 'filter' failed to satisfy constraint: Map keys must satisfy constraint: " +
			"[Member must satisfy enum value set: [CUSTOMER_IDENTIFIER, DIMENSION, CUSTOMER_AWS_ACCOUNT_ID, LICENSE_ARN]]",
			"at 'filter' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length greater than or equal to 1]"}},
		{entitlements, `{"ProductCode":"p","Filter":{"X":[],"DIMENSION":["a",null],"CUSTOMER_IDENTIFIER":[]}}`, []string{"at 'filter' failed to satisfy constraint: Map keys must satisfy constraint: " +
			"[Member must satisfy enum value set: [CUSTOMER_IDENTIFIER, DIMENSION, CUSTOMER_AWS_ACCOUNT_ID, LICENSE_ARN]]",
			"at 'filter' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length greater than or equal to 1]",
			"null at 'filter.DIMENSION.member.2.member'" + nul}},
		{entitlements, `{"ProductCode":"p","NextToken":"` + a(5000) + `"}`, nil},
		{entitlements, `{"ProductCode":"p","NextToken":""}`, []string{`'' at 'nextToken'` + pattern + `\S+`}},
		{entitlements, `{"ProductCode":"p","NextToken":"a b"}`, []string{`'a b' at 'nextToken'` + pattern + `\S+`}},
		{entitlements, `{"ProductCode":"p","MaxResults":1}`, nil},
		{entitlements, `{"ProductCode":"p","MaxResults":0}`, []string{"'0' at 'maxResults'" + above + "1"}},
		{entitlements, `{"ProductCode":"p","MaxResults":26}`, []string{"'26' at 'maxResults'" + below + "25"}},
		{entitlements, `{"MaxResults":26,"NextToken":"","Filter":{"LICENSE_ARN":[]}}`, []string{"null at 'productCode'" + nul,
			"at 'filter' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length greater than or equal to 1]",
			`'' at 'nextToken'` + pattern + `\S+`, "'26' at 'maxResults'" + below + "25"}},
	} {
		want := ""
		if n := len(tt.want); n > 0 {
			plural := "s"
			if n == 1 {
				plural = ""
			}
			want = fmt.Sprintf("%d validation error%s detected: Value %s", n, plural, strings.Join(tt.want, "; Value "))
		}
		for _, w := range bothWays(t, tt.body) {
			in := newInput(tt.operation)
			if f := decodeInput(w, in); f != nil {
				t.Errorf("%v: %.200s: %v", w.protocol, tt.body, f)
				continue
			}
			got := ""
			if f := in.Validate(); f != nil {
				got = f.Message
			}
			if got != want {
				t.Errorf("%v: %.200s:\ngot  %s\nwant %s", w.protocol, tt.body, got, want)
			}
		}
	}
}

// The domain sees that there are too many, and no body can ask for memory for all of them.
func TestTooManyAreSeen(t *testing.T) {
	list := func(element string, n int) string { return "[" + strings.Repeat(element+",", n-1) + element + "]" }
	for _, w := range bothWays(t, record(`"UsageAllocations":`+list(`{"Tags":`+list("{}", 9)+`}`, 2600))) {
		var in BatchMeterUsageInput
		if f := decodeInput(w, &in); f != nil {
			t.Fatal(f)
		}
		if n := len(in.UsageRecords[0].UsageAllocations); n != 2501 {
			t.Errorf("%v: %d allocations", w.protocol, n)
		}
		if n := len(in.UsageRecords[0].UsageAllocations[0].Tags); n != 6 {
			t.Errorf("%v: %d tags", w.protocol, n)
		}
	}
	for _, w := range bothWays(t, `{"UsageRecords":`+list("null", 5000)+`}`) {
		var in BatchMeterUsageInput
		if f := decodeInput(w, &in); f != nil || len(in.UsageRecords) != 26 {
			t.Errorf("%v: %d records, %v", w.protocol, len(in.UsageRecords), f)
		}
	}
}
