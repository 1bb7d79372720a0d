package awsproto

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// recorded reads a recorded request and routes it.
func recorded(t *testing.T, raw []byte) (w wire, operation string) {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	c, _, operation, f := Route(r)
	if f != nil {
		t.Fatal(f)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return wire{c.Protocol(), body}, operation
}

// What real clients sent is read, whole and without complaint, and so is the same in the other protocol.
func TestCaptures(t *testing.T) {
	seen := map[string]int{}
	files, _ := filepath.Glob("testdata/captures/*.http")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w, operation := recorded(t, raw)
			if !strings.Contains(file, "-"+operation+"-") {
				t.Fatalf("routed to %s", operation)
			}
			seen[operation+" "+w.protocol.String()]++
			in := newInput(operation)
			if strings.HasSuffix(file, "js-BatchMeterUsage-5.http") { // a Timestamp that is a string
				const want = "STRING_VALUE cannot be converted to Timestamp (send the seconds since 1970-01-01T00:00:00Z as a number)"
				if f := decodeInput(w, in); f == nil || f.Code != "SerializationException" || f.Message != want {
					t.Errorf("got %v", f)
				}
				return
			}
			if malformed, mistyped := faults(w, in); malformed != nil || mistyped != nil {
				t.Fatal(malformed, mistyped)
			}
			if f := in.Validate(); f != nil {
				t.Error(f)
			}
			sameAgain(t, operation, w)
			other := wire{CBOR, nil}
			if w.protocol == CBOR {
				other.protocol = JSON11
			}
			e := other.protocol.Codec().Encoder(nil)
			writeAnything(&e, "", readAnything(t, w))
			other.body = e.Bytes()
			sameAgain(t, operation, other)
		})
	}
	want := map[string]int{
		"BatchMeterUsage awsJson1_1": 15, "MeterUsage awsJson1_1": 4, "RegisterUsage awsJson1_1": 1,
		"GetEntitlements awsJson1_1": 5, "GetEntitlements rpcv2Cbor": 6,
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("captures (-want +got):\n%s", diff)
	}
}

// snapshot is the body of one of the Go SDK's golden files.
func snapshot(t *testing.T, name string) (head string, body []byte) {
	t.Helper()
	raw, err := os.ReadFile("testdata/snapshots/" + name + ".snap")
	if err != nil {
		t.Fatal(err)
	}
	n := 2 // an empty line before the body, and in requests one after the first line
	if strings.HasSuffix(name, ".request") {
		n = 3
	}
	parts := bytes.SplitN(raw, []byte("\n\n"), n)
	if len(parts) != n {
		t.Fatalf("%s has %d parts", name, len(parts))
	}
	return string(bytes.Join(parts[:n-1], []byte("\n"))), parts[n-1]
}

func TestSDKRequests(t *testing.T) {
	for operation, fault := range map[string]string{
		"RegisterUsage": "",
		// The SDK makes values up from names of members.
		"BatchMeterUsage": "4 validation errors detected: " +
			"Value '__CustomerAWSAccountId__' at 'usageRecords.1.member.customerAWSAccountId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9]+$; " +
			"Value '__LicenseArn__' at 'usageRecords.1.member.licenseArn' failed to satisfy constraint: Member must satisfy regular expression pattern: " + patternLicenseARN + "; " +
			"Value '__CustomerAWSAccountId__' at 'usageRecords.2.member.customerAWSAccountId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9]+$; " +
			"Value '__LicenseArn__' at 'usageRecords.2.member.licenseArn' failed to satisfy constraint: Member must satisfy regular expression pattern: " + patternLicenseARN,
		"MeterUsage": "",
		"GetEntitlements": "1 validation error detected: Value at 'filter' failed to satisfy constraint: " +
			"Map keys must satisfy constraint: [Member must satisfy enum value set: [CUSTOMER_IDENTIFIER, DIMENSION, CUSTOMER_AWS_ACCOUNT_ID, LICENSE_ARN]]",
	} {
		t.Run(operation, func(t *testing.T) {
			head, body := snapshot(t, operation+".request")
			w := wire{JSON11, body}
			if strings.Contains(head, "application/cbor") {
				w.protocol = CBOR
			}
			in := newInput(operation)
			if f := decodeInput(w, in); f != nil {
				t.Fatal(f)
			}
			message := ""
			if f := in.Validate(); f != nil {
				message = f.Message
			}
			if message != fault {
				t.Errorf("got  %s\nwant %s", message, fault)
			}
			if operation == "GetEntitlements" { // its one key is none: the rest is there
				in := in.(*GetEntitlementsInput)
				if string(in.ProductCode) != "__ProductCode__" || string(in.NextToken) != "__NextToken__" || in.MaxResults != 1 || !in.HasMaxResults || !in.HasFilter {
					t.Errorf("got %+v", in)
				}
				return
			}
			sameAgain(t, operation, w)
		})
	}
}

// The answers that the Go SDK's tests read, made by this package, say the same.
func TestSDKResponses(t *testing.T) {
	var batch BatchMeterUsageInput
	if _, body := snapshot(t, "BatchMeterUsage.request"); decodeInput(wire{JSON11, body}, &batch) != nil {
		t.Fatal("snapshot of the request is not read")
	}
	const id = "35155d37-56cb-423f-8554-5c4f3e3ff56d"
	results := BatchMeterUsageOutput{UnprocessedRecords: batch.UsageRecords}
	for i := range batch.UsageRecords {
		r := UsageRecordResult{UsageRecord: &batch.UsageRecords[i], Status: "Success"}
		copy(r.MeteringRecordID[:], id)
		results.Results = append(results.Results, r)
	}
	made := time.Unix(946684800, 0)
	entitlement := Entitlement{
		CustomerAWSAccountID: "__CustomerAWSAccountId__", CustomerIdentifier: "__CustomerIdentifier__", Dimension: "__Dimension__",
		ExpirationDate: made, LicenseARN: "__LicenseArn__", ProductCode: "__ProductCode__", Value: EntitlementValue{Type: IntegerValue, IntegerValue: 1},
	}
	for operation, out := range map[string]interface{ Encode(*Encoder) }{
		"BatchMeterUsage": &results,
		"MeterUsage":      &MeterUsageOutput{MeteringRecordID: "__MeteringRecordId__"},
		"RegisterUsage":   &RegisterUsageOutput{PublicKeyRotationTimestamp: made, Signature: "__Signature__"},
		"GetEntitlements": &GetEntitlementsOutput{Entitlements: []Entitlement{entitlement, entitlement}, NextToken: "__NextToken__"},
	} {
		t.Run(operation, func(t *testing.T) {
			head, body := snapshot(t, operation+".response")
			w := wire{JSON11, bytes.ReplaceAll(body, []byte("__MeteringRecordId__"), []byte(id))}
			if operation == "MeterUsage" {
				w.body = body
			}
			if strings.Contains(head, "application/cbor") {
				w.protocol = CBOR
			}
			want := readAnything(t, w)
			if operation == "GetEntitlements" { // the SDK writes all four members of the union that it is not said to be
				for _, e := range want.(map[string]any)["Entitlements"].([]any) {
					value := e.(map[string]any)["Value"].(map[string]any)
					if len(value) != 4 {
						t.Fatalf("value %v", value)
					}
					e.(map[string]any)["Value"] = map[string]any{"IntegerValue": value["IntegerValue"]}
				}
			}
			for _, p := range []Protocol{JSON11, CBOR} {
				e := p.Codec().Encoder(nil)
				out.Encode(&e)
				if diff := cmp.Diff(want, readAnything(t, wire{p, e.Bytes()})); diff != "" {
					t.Errorf("%v (-SDK +ours):\n%s", p, diff)
				}
			}
		})
	}
}
