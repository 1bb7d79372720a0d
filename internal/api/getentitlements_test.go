package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
)

// entitlements are those of an answer, each as text, and the token of the next page.
func entitlements(t testing.TB, a answer) (list []any, next string) {
	t.Helper()
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	list, _ = a.members["Entitlements"].([]any)
	next, _ = a.members["NextToken"].(string)
	for name := range a.members {
		if name != "Entitlements" && name != "NextToken" {
			t.Errorf("an answer with %s", name)
		}
	}
	return list, next
}

// What a contract entitles to, in all four types, the same in each protocol.
func TestGetEntitlements(t *testing.T) {
	s := startTrade(t)
	of := func(p market.Purchase, dimension string, value m) m {
		e := m{
			"ProductCode": p.Product.Code, "Dimension": dimension, "Value": value, "CustomerAWSAccountId": buyer, "LicenseArn": p.Agreement.LicenseARN,
			"ExpirationDate": p.Agreement.EndAt,
		}
		if p.Product.Kind == market.Legacy {
			e["CustomerIdentifier"] = p.Customer.Identifier
		}
		return e
	}
	first := []m{of(s.licensed, "ratio", m{"DoubleValue": 1.5}), of(s.licensed, "seats", m{"IntegerValue": 10}), of(s.licensed, "sso", m{"BooleanValue": false}),
		of(s.licensed, "tier", m{"StringValue": "göld"})}
	contract := []m{of(s.contract, "seats", m{"IntegerValue": 1})}
	filter := func(keysAndValues ...string) m {
		f := m{}
		for i := 0; i < len(keysAndValues); i += 2 {
			values := list{}
			for v := range strings.SplitSeq(keysAndValues[i+1], " ") {
				values = append(values, v)
			}
			f[keysAndValues[i]] = values
		}
		return f
	}
	for _, p := range protocols {
		for _, tt := range []struct {
			name string
			in   m
			want []m
		}{
			{"license", m{"ProductCode": licensedCode, "Filter": filter("LICENSE_ARN", s.licensed.Agreement.LicenseARN)}, first},
			{"license and dimensions", m{"ProductCode": licensedCode, "Filter": filter("LICENSE_ARN", s.licensed.Agreement.LicenseARN, "DIMENSION", "tier seats nothing")}, []m{first[1], first[3]}},
			{"license and account", m{"ProductCode": licensedCode, "Filter": filter("LICENSE_ARN", s.licensed.Agreement.LicenseARN, "CUSTOMER_AWS_ACCOUNT_ID", buyer)}, first},
			{"license and another account", m{"ProductCode": licensedCode, "Filter": filter("LICENSE_ARN", s.licensed.Agreement.LicenseARN, "CUSTOMER_AWS_ACCOUNT_ID", otherSeller)}, nil},
			{"customer", m{"ProductCode": contractCode, "Filter": filter("CUSTOMER_IDENTIFIER", "nobody "+s.contract.Customer.Identifier)}, contract},
			{"account", m{"ProductCode": contractCode, "Filter": filter("CUSTOMER_AWS_ACCOUNT_ID", buyer)}, contract},
			{"no filter", m{"ProductCode": contractCode}, contract},
			{"empty filter", m{"ProductCode": contractCode, "Filter": m{}, "MaxResults": 25}, contract},
			{"nobody", m{"ProductCode": contractCode, "Filter": filter("CUSTOMER_IDENTIFIER", "nobody")}, nil},
			{"pay as you go", m{"ProductCode": meteredCode}, nil},
		} {
			a := s.call(p, "GetEntitlements", tt.in, meterKey, "us-east-1")
			got, next := entitlements(t, a)
			var want []any
			for _, e := range tt.want {
				want = append(want, plainCBOR(t, asCBOR(e)))
			}
			if d := cmp.Diff(want, got); d != "" || next != "" {
				t.Errorf("%s, %s: next %q (-want +got):\n%s", p, tt.name, next, d)
			}
			if tt.want == nil && len(a.members) != 0 {
				t.Errorf("%s, %s: nothing is %s, want {}", p, tt.name, a.body)
			}
			v := s.recordOf(a)
			if buys := tt.want != nil; v.ProductCode != tt.in["ProductCode"] || (v.Buyer == buyer) != buys || (v.LicenseARN != "") != buys || v.Service != "AWSMPEntitlementService" {
				t.Errorf("%s, %s: the record is about %s, %s, %s", p, tt.name, v.ProductCode, v.Buyer, v.LicenseARN)
			}
		}
	}
	r := s.operationRequest(awsproto.JSON11, "GetEntitlements", encode(awsproto.JSON11, m{"ProductCode": meteredCode}))
	if a := s.do(sign(r, meterKey, "us-east-1", time.Now())); a.body != "{}" {
		t.Error(a.body)
	}
}

// Pages of each size hold everything once, also when the protocol changes on the way.
func TestGetEntitlementsPages(t *testing.T) {
	s := startTrade(t)
	for range 10 {
		s.buy(licensedCode)
	}
	in := m{"ProductCode": licensedCode}
	var all []string
	for size := 1; size <= 25; size += 6 {
		var seen []string
		token := ""
		for page := 0; ; page++ {
			call := with(in, m{"MaxResults": size})
			if token != "" {
				call["NextToken"] = token
			}
			a := s.call(protocols[page%len(protocols)], "GetEntitlements", call, meterKey, "us-east-1")
			list, next := entitlements(t, a)
			if len(list) > size {
				t.Fatalf("%d on a page of %d", len(list), size)
			}
			for _, e := range list {
				e := e.(map[string]any)
				seen = append(seen, fmt.Sprint(e["LicenseArn"], e["Dimension"]))
			}
			if token = next; token == "" {
				break
			}
			if v := s.recordOf(a); v.Buyer != buyer || size > 4 && v.LicenseARN != "" {
				t.Errorf("the record is about %s, %s", v.Buyer, v.LicenseARN)
			}
		}
		slices.Sort(seen)
		if all == nil {
			all = seen
		}
		if d := cmp.Diff(all, seen); d != "" || len(slices.Compact(seen)) != 48 {
			t.Errorf("pages of %d: %d seen\n%s", size, len(seen), d)
		}
	}
}

func TestGetEntitlementsRefusals(t *testing.T) {
	s := startTrade(t)
	in := m{"ProductCode": contractCode}
	filtered := func(code string, f m) m { return m{"ProductCode": code, "Filter": f} }
	_, next := entitlements(t, s.call(awsproto.JSON11, "GetEntitlements", m{"ProductCode": licensedCode, "MaxResults": 1}, meterKey, "us-east-1"))
	spoilt := []byte(next)
	spoilt[len(spoilt)/2] ^= 1
	s.refused("GetEntitlements", []refusal{
		{"Region", in, meterKey, "eu-west-1", 400, "InvalidSignatureException", "Credential should be scoped to a valid region. ", "does not exist in the Region"},
		{"no product", m{"ProductCode": "nothing"}, meterKey, "", 400, "InvalidParameterException", "The product code is invalid.", "there is no product"},
		{"another's product", m{"ProductCode": foreignCode}, meterKey, "", 400, "InvalidParameterException", "The product code is invalid.", "published by account " + otherSeller},
		{"dimension alone", filtered(contractCode, m{"DIMENSION": list{"seats"}}), meterKey, "", 400, "InvalidParameterException",
			"Invalid filter combination provided. Please provide the CUSTOMER_IDENTIFIER along with DIMENSION.", ""},
		{"both ids", filtered(contractCode, m{"CUSTOMER_IDENTIFIER": list{"x"}, "CUSTOMER_AWS_ACCOUNT_ID": list{buyer}}), meterKey, "", 400, "InvalidParameterException", "Invalid filter combination provided. CUSTOMER_IDENTIFIER and…", ""},
		{"id of new products", filtered(licensedCode, m{"CUSTOMER_IDENTIFIER": list{"x"}}), meterKey, "", 400, "InvalidParameterException", "Invalid filter provided. …", "concurrent-agreements"},
		{"forged token", m{"ProductCode": licensedCode, "NextToken": string(spoilt)}, meterKey, "", 400, "InvalidParameterException", "The NextToken is invalid.", ""},
		{"token of another query", m{"ProductCode": contractCode, "NextToken": next}, meterKey, "", 400, "InvalidParameterException", "The NextToken is invalid.", ""},
		{"garbage token", m{"ProductCode": contractCode, "NextToken": "x"}, meterKey, "", 400, "InvalidParameterException", "The NextToken is invalid.", ""},

		{"required", m{}, meterKey, "", 400, "ValidationException", "1 validation error detected: Value null at 'productCode' failed to satisfy constraint: Member must not be null", ""},
		{"page of none", with(in, m{"MaxResults": 0}), meterKey, "", 400, "ValidationException", "1 validation error detected: Value '0' at 'maxResults'…", ""},
		{"page of 26", with(in, m{"MaxResults": 26}), meterKey, "", 400, "ValidationException", "1 validation error detected: Value '26' at 'maxResults'…", ""},
		{"token with a space", with(in, m{"NextToken": "a b"}), meterKey, "", 400, "ValidationException", "1 validation error detected: Value 'a b' at 'nextToken'…", ""},
		{"unknown filter", filtered(contractCode, m{"CUSTOMER": list{"x"}}), meterKey, "", 400, "ValidationException", "1 validation error detected: Value…", ""},
		{"filter for nothing", filtered(contractCode, m{"CUSTOMER_IDENTIFIER": list{}}), meterKey, "", 400, "ValidationException", "1 validation error detected: Value…", ""},
		{"filter is a list", m{"ProductCode": contractCode, "Filter": list{}}, meterKey, "", 400, "SerializationException", "…", ""},
		{"denied", in, sellerKey, "", 400, "AccessDeniedException",
			"User: arn:aws:iam::111122223333:user/app is not authorized to perform: aws-marketplace:GetEntitlements because no identity-based policy allows the aws-marketplace:GetEntitlements action", ""},
		{"suspended", in, frozenKey, "", 400, "AccessDeniedException",
			"User: arn:aws:iam::999999999999:user/app is not authorized to perform: aws-marketplace:GetEntitlements", "account 999999999999"},
	})
}

// Who has left is entitled to nothing, and the answer has no list.
func TestGetEntitlementsOver(t *testing.T) {
	s := startTrade(t)
	in := m{"ProductCode": contractCode, "Filter": m{"CUSTOMER_AWS_ACCOUNT_ID": list{buyer}}}
	for _, p := range protocols {
		if list, _ := entitlements(t, s.call(p, "GetEntitlements", in, meterKey, "us-east-1")); len(list) != 1 {
			t.Errorf("%s: %v", p, list)
		}
	}
	s.advance(s.contract.Agreement.EndAt.Sub(s.marketNow()))
	for _, p := range protocols {
		if a := s.call(p, "GetEntitlements", in, meterKey, "us-east-1"); a.status != 200 || len(a.members) != 0 {
			t.Errorf("%s: after its end: %s", p, a.body)
		}
	}
}

// One request's filter is not the next one's.
func TestGetEntitlementsLeaks(t *testing.T) {
	s := startTrade(t)
	for _, p := range protocols {
		for range 20 {
			s.call(p, "GetEntitlements", m{"ProductCode": contractCode, "Filter": m{"CUSTOMER_AWS_ACCOUNT_ID": list{"1", "2", "3"}, "DIMENSION": list{"x"}}, "MaxResults": 1}, meterKey, "us-east-1")
			if list, _ := entitlements(t, s.call(p, "GetEntitlements", m{"ProductCode": contractCode}, meterKey, "us-east-1")); len(list) != 1 {
				t.Fatalf("%s: %v", p, list)
			}
			if list, _ := entitlements(t, s.call(p, "GetEntitlements", m{"ProductCode": licensedCode}, meterKey, "us-east-1")); len(list) != 8 {
				t.Fatalf("%s: %v", p, list)
			}
		}
	}
}

func TestGetEntitlementsFaults(t *testing.T) {
	s := startTrade(t)
	if _, err := s.Faults.Add(fault.Rule{ProductCode: contractCode, Refuse: "InternalServiceErrorException"}); err != nil {
		t.Fatal(err)
	}
	for _, p := range protocols {
		a := s.call(p, "GetEntitlements", m{"ProductCode": contractCode}, meterKey, "us-east-1")
		want(t, a, 500, "InternalServiceErrorException", shapes["InternalServiceErrorException"].message)
		if p == awsproto.CBOR && a.namespace != awsproto.NamespaceEntitlement {
			t.Errorf("its namespace is %s", a.namespace)
		}
		if a := s.call(p, "GetEntitlements", m{"ProductCode": licensedCode}, meterKey, "us-east-1"); a.status != 200 {
			t.Errorf("%s, another product: %s", p, a.body)
		}
	}
}
