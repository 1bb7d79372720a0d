package sdk

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"
)

// protocolCase is a request in CBOR or JSON that no SDK makes by itself.
type protocolCase struct {
	name     string
	path     string            // "": that of GetEntitlements in the protocol
	headers  map[string]string // more of them; "" removes one
	body     string            // "": a good one
	unsigned bool
	status   int // 0: it succeeds
	code     string
	message  string
}

const (
	cborPath        = "/service/AWSMPEntitlementService/operation/GetEntitlements"
	coral           = "com.amazon.coral.service#"
	missingIdentity = "Request is missing Authentication Token"
)

// TestEntitlementProtocols sends by hand what a caller of the Entitlement Service must be answered in its own protocol, whatever is wrong.
func TestEntitlementProtocols(t *testing.T) {
	r := &rig{Souk: startSouk(t, "off"), t: t, lang: languages[0]}
	r.set()
	t.Run("CBOR", func(t *testing.T) {
		for _, c := range []protocolCase{
			{name: "as it should be"},
			{name: "service by its full name", path: "/service/com.amazonaws.marketplaceentitlementservice.AWSMPEntitlementService/operation/GetEntitlements"},
			{name: "below a base path", path: "/base/path" + cborPath},
			{name: "without Accept", headers: map[string]string{"Accept": ""}},
			{name: "list of unknown length", body: "\xbf\x6bProductCode\x78\x19" + vaultProduct + "\x66Filter\xbf\x77CUSTOMER_AWS_ACCOUNT_ID\x9f\x6c" + anyCompany + "\xff\xff\xff"},
			{name: "text in parts", body: "\xa1\x6bProductCode\x7f\x61s\x78\x18" + vaultProduct[1:] + "\xff"},
			{name: "not signed", unsigned: true, status: 400, code: coral + "MissingAuthenticationTokenException", message: missingIdentity},
			{name: "no such operation", path: "/service/AWSMPEntitlementService/operation/GetEntitlement", status: 400, code: coral + "UnknownOperationException",
				message: `operation "GetEntitlement" of AWSMPEntitlementService is not known`},
			{name: "no such service", path: "/service/AWSMPEntitlements/operation/GetEntitlements", status: 400, code: coral + "UnknownOperationException"},
			{name: "X-Amz-Target too", headers: map[string]string{"X-Amz-Target": "AWSMPEntitlementService.GetEntitlements"}, status: 400,
				code: coral + "UnknownOperationException"},
			{name: "cut short", body: "\xa1\x6bProductCode\x78\x19sdk", status: 400, code: coral + "SerializationException"},
			{name: "a length that cannot be", body: "\xa1\x6bProductCode\x7b\xff\xff\xff\xff\xff\xff\xff\xff", status: 400, code: coral + "SerializationException"},
			{name: "a list that cannot be", body: "\xa1\x66Filter\xbb\x0f\xff\xff\xff\xff\xff\xff\xff", status: 400, code: coral + "SerializationException"},
			{name: "nested too deep", body: "\xa1\x61x" + strings.Repeat("\x81", 100000) + "\xf6", status: 400, code: coral + "SerializationException"},
			{name: "another type", body: "\xa1\x6bProductCode\x05", status: 400, code: coral + "SerializationException"},
			{name: "no product", body: "\xa0", status: 400, code: "com.amazon.coral.validate#ValidationException",
				message: "1 validation error detected: Value null at 'productCode' failed to satisfy constraint: Member must not be null"},
			{name: "too large", body: strings.Repeat("\x00", 1<<20+1), status: 413, code: coral + "RequestEntityTooLargeException",
				message: "request body must not have more than 1048576 bytes"},
		} {
			t.Run(c.name, func(t *testing.T) { r.at(t).speak(c, true) })
		}
	})
	t.Run("JSON", func(t *testing.T) {
		for _, c := range []protocolCase{
			{name: "as it should be"},
			{name: "version 1.0", headers: map[string]string{"Content-Type": "application/x-amz-json-1.0"}},
			{name: "below a base path", path: "/base/path"},
			{name: "not signed", unsigned: true, status: 400, code: "MissingAuthenticationTokenException", message: missingIdentity},
			{name: "no such operation", headers: map[string]string{"X-Amz-Target": "AWSMPEntitlementService.GetEntitlement"}, status: 400, code: "UnknownOperationException",
				message: `operation "GetEntitlement" of AWSMPEntitlementService is not known`},
			{name: "of the other service", headers: map[string]string{"X-Amz-Target": "AWSMPMeteringService.GetEntitlements"}, status: 400, code: "UnknownOperationException",
				message: `operation "GetEntitlements" of AWSMPMeteringService is not known`},
			{name: "cut short", body: `{"ProductCode":"`, status: 400, code: "SerializationException"},
			{name: "another type", body: `{"ProductCode":5}`, status: 400, code: "SerializationException", message: "NUMBER_VALUE cannot be converted to String"},
			{name: "no product", body: `{}`, status: 400, code: "ValidationException",
				message: "1 validation error detected: Value null at 'productCode' failed to satisfy constraint: Member must not be null"},
			{name: "too large", body: strings.Repeat(" ", 1<<20+1), status: 413, code: "RequestEntityTooLargeException",
				message: "request body must not have more than 1048576 bytes"},
		} {
			t.Run(c.name, func(t *testing.T) { r.at(t).speak(c, false) })
		}
	})
	t.Run("metering in CBOR", func(t *testing.T) { r.at(t).meterInCBOR() })
}

// speak sends a request and checks its answer.
func (r *rig) speak(c protocolCase, inCBOR bool) {
	r.t.Helper()
	headers := map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSMPEntitlementService.GetEntitlements"}
	path, body := "/", `{"ProductCode":"`+vaultProduct+`"}`
	if inCBOR {
		headers = map[string]string{"Content-Type": "application/cbor", "Accept": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}
		path, body = cborPath, string(cbor.Encode(cbor.Map{"ProductCode": cbor.String(vaultProduct)}))
	}
	if c.path != "" {
		path = c.path
	}
	if c.body != "" {
		body = c.body
	}
	for name, value := range c.headers {
		if headers[name] = value; value == "" {
			delete(headers, name)
		}
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.Endpoint+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	if !c.unsigned {
		r.sign(req, []byte(body))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(res.Body); err != nil {
		r.t.Fatal(err)
	}
	var got members
	if inCBOR {
		if ct, p := res.Header.Get("Content-Type"), res.Header.Get("Smithy-Protocol"); ct != "application/cbor" || p != "rpc-v2-cbor" {
			r.t.Fatalf("the answer is %q in %q: %s", ct, p, &raw)
		}
		value, err := cbor.Decode(raw.Bytes())
		if err != nil {
			r.t.Fatalf("%v: %x", err, &raw)
		}
		got = fromCBOR(value).(members)
	} else if err := json.Unmarshal(raw.Bytes(), &got); err != nil {
		r.t.Fatalf("%v: %s", err, &raw)
	}
	if c.status == 0 {
		list, _ := got["Entitlements"].([]any)
		if res.StatusCode != http.StatusOK || len(list) != 8 {
			r.t.Errorf("status %d, answer %v", res.StatusCode, got)
		}
		return
	}
	if res.StatusCode != c.status || got["__type"] != c.code || got["message"] == "" || c.message != "" && got["message"] != c.message {
		r.t.Errorf("status %d, answer %v", res.StatusCode, got)
	}
}

// meterInCBOR: no SDK speaks CBOR for metering today. One that does tomorrow is understood.
func (r *rig) meterInCBOR() {
	record := cbor.Map{
		"LicenseArn": cbor.String(r.stage.vault.LicenseARN), "CustomerAWSAccountId": cbor.String(anyCompany), "Dimension": cbor.String("requests"),
		"Quantity": cbor.Uint(7), "Timestamp": &cbor.Tag{ID: 1, Value: cbor.Float64(float64(r.stage.now.UnixMilli()) / 1000)},
	}
	status, answer := r.post("/service/AWSMPMeteringService/operation/BatchMeterUsage", cbor.Encode(cbor.Map{"UsageRecords": cbor.List{record}}),
		map[string]string{"Content-Type": "application/cbor", "Accept": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"})
	value, err := cbor.Decode([]byte(answer))
	if err != nil || status != http.StatusOK {
		r.t.Fatalf("status %d, %v: %x", status, err, answer)
	}
	list := r.ledger(vaultProduct, anyCompany, "license", r.stage.vault.LicenseARN)
	if len(list) != 1 || list[0].Quantity != 7 || !list[0].Timestamp.Equal(r.stage.now) {
		r.t.Fatalf("the ledger has %+v", list)
	}
	want := members{"UnprocessedRecords": []any{}, "Results": []any{members{"Status": "Success", "MeteringRecordId": list[0].RecordID, "UsageRecord": members{
		"LicenseArn": r.stage.vault.LicenseARN, "CustomerAWSAccountId": anyCompany, "Dimension": "requests", "Quantity": 7, "Timestamp": timeText(r.stage.now),
	}}}}
	if diff := cmp.Diff(tree(want), tree(fromCBOR(value))); diff != "" {
		r.t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// fromCBOR is a decoded value in Go's own types; times are text.
func fromCBOR(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		out := members{}
		for name, e := range v {
			out[name] = fromCBOR(e)
		}
		return out
	case cbor.List:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = fromCBOR(e)
		}
		return out
	case *cbor.Tag:
		if n, ok := v.Value.(cbor.Float64); ok {
			return timeText(time.UnixMilli(int64(float64(n)*1000 + 0.5)))
		}
		return timeText(time.Unix(int64(v.Value.(cbor.Uint)), 0))
	case cbor.String:
		return string(v)
	case cbor.Uint:
		return int(v)
	}
	return v
}
