package api

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
)

// batch is a call by product code, of records that are by the buyer's account where they do not say otherwise.
func batch(code string, records ...m) m {
	in := m{"UsageRecords": list{}}
	if code != "" {
		in["ProductCode"] = code
	}
	for _, r := range records {
		in["UsageRecords"] = append(in["UsageRecords"].(list), with(m{"CustomerAWSAccountId": buyer}, r))
	}
	return in
}

// results takes an answer apart: of each result, its status and id, and the records that it echoes.
func results(t testing.TB, a answer) (statuses, ids []string, echoed, unprocessed []any) {
	t.Helper()
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, r := range a.members["Results"].([]any) {
		r := r.(map[string]any)
		id, _ := r["MeteringRecordId"].(string)
		statuses, ids, echoed = append(statuses, r["Status"].(string)), append(ids, id), append(echoed, r["UsageRecord"])
		delete(r, "Status")
		delete(r, "UsageRecord")
		delete(r, "MeteringRecordId")
		if len(r) > 0 {
			t.Errorf("a result has %v too", r)
		}
	}
	return statuses, ids, echoed, a.members["UnprocessedRecords"].([]any)
}

// Whatever the protocol, records come back as they were sent, and the same batch again is the same records.
func TestBatchMeterUsage(t *testing.T) {
	s := startTrade(t)
	at := s.ago(time.Hour).Add(776 * time.Millisecond)
	allocation := func(quantity int, tags ...any) m {
		a := m{"AllocatedUsageQuantity": quantity}
		if tags != nil {
			a["Tags"] = list(tags)
		}
		return a
	}
	in := batch(meteredCode,
		m{"Timestamp": at, "Dimension": "calls", "Quantity": 3},
		m{"Timestamp": at, "Dimension": "gigabytes", "CustomerIdentifier": ""}, // no Quantity is 0; an empty string is echoed
		m{"Timestamp": at.Add(-time.Hour), "Dimension": "calls", "Quantity": 0},
		m{"Timestamp": at.Add(-2 * time.Hour), "Dimension": "calls", "Quantity": 3, "UsageAllocations": list{
			allocation(1, m{"Key": "a", "Value": "1"}, m{"Key": "b", "Value": "x = 1"}), allocation(2), allocation(0, m{"Key": "a", "Value": "2"}),
		}},
	)
	var first []string
	for i, p := range append(protocols, protocols...) {
		a := s.call(p, "BatchMeterUsage", in, meterKey, "us-east-1")
		statuses, ids, echoed, unprocessed := results(t, a)
		if d := cmp.Diff([]string{"Success", "Success", "Success", "Success"}, statuses); d != "" {
			t.Errorf("%s: %s", p, d)
		}
		var want []any
		for _, r := range in["UsageRecords"].(list) {
			want = append(want, plainCBOR(t, asCBOR(r)))
		}
		if d := cmp.Diff(want, echoed); d != "" {
			t.Errorf("%s: echoed (-want +got):\n%s", p, d)
		}
		if len(unprocessed) != 0 {
			t.Errorf("%s: unprocessed %v", p, unprocessed)
		}
		if i == 0 {
			first = ids
		}
		if d := cmp.Diff(first, ids); d != "" || len(ids[0]) != 36 {
			t.Errorf("%s: the ids are others (-first +now):\n%s", p, d)
		}
		v := s.recordOf(a)
		if v.Operation != "BatchMeterUsage" || v.ProductCode != meteredCode || v.Buyer != buyer || v.LicenseARN != "" || v.Reason != "" || v.Warning != "" {
			t.Errorf("%s: the record is %+v", p, v)
		}
	}
	kept := s.usage()
	if len(kept) != 4 || kept[3].ID.String() != first[1] && kept[3].ID.String() != first[0] {
		t.Errorf("kept %+v, answered %v", kept, first)
	}
}

// A batch without records is one, and both lists are there.
func TestBatchOfNothing(t *testing.T) {
	s := startTrade(t)
	for _, p := range protocols {
		statuses, _, _, unprocessed := results(t, s.call(p, "BatchMeterUsage", batch(meteredCode), meterKey, "us-east-1"))
		if len(statuses)+len(unprocessed) != 0 {
			t.Errorf("%s: %v %v", p, statuses, unprocessed)
		}
	}
	r := s.operationRequest(awsproto.JSON11, "BatchMeterUsage", []byte(`{"UsageRecords":[]}`))
	if a := s.do(sign(r, meterKey, "us-east-1", time.Now())); a.body != `{"Results":[],"UnprocessedRecords":[]}` {
		t.Error(a.body)
	}
}

// Every status that a record can have, and what the record of the request says of it.
func TestBatchStatuses(t *testing.T) {
	s := startTrade(t)
	for i, p := range protocols {
		one := m{"Timestamp": s.ago(time.Duration(i+1)*time.Hour - 30*time.Minute), "Dimension": "calls", "Quantity": 5}
		_, first, _, _ := results(t, s.call(p, "BatchMeterUsage", batch(meteredCode, one), meterKey, "us-east-1"))
		a := s.call(p, "BatchMeterUsage", batch(meteredCode,
			with(one, m{"Timestamp": one["Timestamp"].(time.Time).Add(-time.Minute)}), // the same hour
			with(one, m{"Quantity": 6}),
			with(one, m{"CustomerAWSAccountId": otherSeller}),
			with(one, m{"CustomerAWSAccountId": "1"}),
		), meterKey, "us-east-1")
		statuses, ids, _, _ := results(t, a)
		if d := cmp.Diff([]string{"Success", "DuplicateRecord", "CustomerNotSubscribed", "CustomerNotSubscribed"}, statuses); d != "" {
			t.Errorf("%s: %s", p, d)
		}
		if d := cmp.Diff([]string{first[0], first[0], "", ""}, ids); d != "" {
			t.Errorf("%s: ids %s", p, d)
		}
		if v := s.recordOf(a); !strings.Contains(v.Reason, "never bought product") || v.Outcome != "ok" || v.Buyer != "" {
			t.Errorf("%s: the record has the reason %q, outcome %s, buyer %s", p, v.Reason, v.Outcome, v.Buyer)
		}
	}
	if n := len(s.usage()); n != len(protocols) {
		t.Errorf("%d records are kept", n)
	}
}

func TestBatchRefusals(t *testing.T) {
	s := startTrade(t)
	at := s.ago(time.Hour)
	one := m{"Timestamp": at, "Dimension": "calls", "Quantity": 5}
	licensed := with(one, m{"LicenseArn": s.licensed.Agreement.LicenseARN})
	by := func(code string, r m, change m) m { return batch(code, one, with(r, change)) } // the first record is always good
	allocations := func(quantity ...int) list {
		var l list
		for i, n := range quantity {
			l = append(l, m{"AllocatedUsageQuantity": n, "Tags": list{m{"Key": "k", "Value": string(rune('a' + i))}}})
		}
		return l
	}
	tags := func(l ...any) list { return list{m{"AllocatedUsageQuantity": 5, "Tags": list(l)}} }
	six := list{}
	for _, k := range "abcdef" {
		six = append(six, m{"Key": string(k), "Value": "v"})
	}
	fresh := s.buy(licensedCode)
	var many []m
	for range 26 {
		many = append(many, one)
	}
	s.refused("BatchMeterUsage", []refusal{
		{"Region", by(meteredCode, one, nil), meterKey, "us-gov-west-1", 400, "DisabledApiException", "", ""},
		{"no product", by("nothing", one, nil), meterKey, "", 400, "InvalidProductCodeException", "", "there is no product of that code"},
		{"another's product", by(foreignCode, one, nil), meterKey, "", 400, "InvalidProductCodeException", "", "published by account " + otherSeller},
		{"neither product nor license", by("", one, nil), meterKey, "", 400, "InvalidProductCodeException", "", "record 1: neither"},
		{"both ids", by(meteredCode, one, m{"CustomerIdentifier": s.metered.Customer.Identifier}), meterKey, "", 400, "InvalidCustomerIdentifierException", "", "record 2: it has both"},
		{"no id", by(meteredCode, one, m{"CustomerAWSAccountId": nil}), meterKey, "", 400, "InvalidCustomerIdentifierException", "", "record 2: it has neither"},
		{"two kinds of ids", by(meteredCode, one, m{"CustomerAWSAccountId": nil, "CustomerIdentifier": s.metered.Customer.Identifier}), meterKey, "", 400, "InvalidCustomerIdentifierException", "", "by different ids"},
		{"nobody's id", batch(meteredCode, with(one, m{"CustomerAWSAccountId": nil, "CustomerIdentifier": "nobody"})), meterKey, "", 400, "InvalidCustomerIdentifierException", "", `no customer "nobody"`},
		{"unknown license", batch("", licensed, with(licensed, m{"LicenseArn": "arn:aws:license-manager::294406891311:license:l-0"})), meterKey, "", 400, "InvalidLicenseException", "", "record 2: there is no such license"},
		{"another's license", batch("", with(one, m{"LicenseArn": s.foreign.Agreement.LicenseARN})), meterKey, "", 400, "InvalidLicenseException", "", "of a product of account " + otherSeller},
		{"another buyer's license", batch("", with(licensed, m{"CustomerAWSAccountId": otherSeller})), meterKey, "", 400, "InvalidLicenseException", "", "not that of"},
		{"no license", batch(licensedCode, one), meterKey, "", 400, "InvalidLicenseException", "", "need a LicenseArn"},
		{"license before its time", batch("", with(licensed, m{"LicenseArn": fresh.Agreement.LicenseARN})), meterKey, "", 400, "InvalidLicenseException", "", "record 1: the license is active from 2026-11-03T12:00:00Z"},
		{"dimension", by(meteredCode, one, m{"Dimension": "Calls"}), meterKey, "", 400, "InvalidUsageDimensionException", "", `has no dimension "Calls"`},
		{"dimension that entitles", batch("", with(licensed, m{"Dimension": "seats"})), meterKey, "", 400, "InvalidUsageDimensionException", "", "not metered"},
		{"too old", by(meteredCode, one, m{"Timestamp": s.ago(24 * time.Hour)}), meterKey, "", 400, "TimestampOutOfBoundsException", "", "record 2: 2026-11-02T12:00:00Z is 24h0m0s or more ago"},
		{"future", by(meteredCode, one, m{"Timestamp": s.ago(-6 * time.Minute)}), meterKey, "", 400, "TimestampOutOfBoundsException", "", "is in the future"},
		{"milliseconds", by(meteredCode, one, m{"Timestamp": time.Unix(at.UnixMilli(), 0)}), meterKey, "", 400, "TimestampOutOfBoundsException", "", "looks like milliseconds, where seconds belong: 2026-11-03T11:00:00Z"},
		{"long ago", by(meteredCode, one, m{"Timestamp": time.Unix(-1, 0)}), meterKey, "", 400, "TimestampOutOfBoundsException", "", "record 2"},
		{"sum of allocations", by(meteredCode, one, m{"UsageAllocations": allocations(2, 2)}), meterKey, "", 400, "InvalidUsageAllocationsException", "", "record 2"},
		{"six tags", by(meteredCode, one, m{"UsageAllocations": tags(six...)}), meterKey, "", 400, "InvalidTagException", "", "record 2"},
		{"pattern of a tag", by(meteredCode, one, m{"UsageAllocations": tags(m{"Key": `a\b`, "Value": "v"})}), meterKey, "", 400, "InvalidTagException", "", "record 2"},

		{"no records", m{"ProductCode": meteredCode}, meterKey, "", 400, "ValidationException",
			"1 validation error detected: Value null at 'usageRecords' failed to satisfy constraint: Member must not be null", ""},
		{"no timestamp", by(meteredCode, one, m{"Timestamp": gone}), meterKey, "", 400, "ValidationException",
			"1 validation error detected: Value null at 'usageRecords.2.member.timestamp' failed to satisfy constraint: Member must not be null", ""},
		{"quantity", by(meteredCode, one, m{"Quantity": int64(1 << 31)}), meterKey, "", 400, "ValidationException",
			"1 validation error detected: Value '2147483648' at 'usageRecords.2.member.quantity' failed to satisfy constraint: Member must have value less than or equal to 2147483647", ""},
		{"negative quantity", by(meteredCode, one, m{"Quantity": -1}), meterKey, "", 400, "ValidationException", "1 validation error detected: Value '-1'…", ""},
		{"quantity is a text", by(meteredCode, one, m{"Quantity": "1"}), meterKey, "", 400, "SerializationException", "STRING_VALUE cannot be converted to…", ""},
		{"26 records", batch(meteredCode, many...), meterKey, "", 400, "ValidationException",
			"1 validation error detected: Value at 'usageRecords' failed to satisfy constraint: Member must have length less than or equal to 25", ""},

		{"denied", by(meteredCode, one, nil), sellerKey, "", 400, "AccessDeniedException",
			"User: arn:aws:iam::111122223333:user/app is not authorized to perform: aws-marketplace:BatchMeterUsage because no identity-based policy allows the aws-marketplace:BatchMeterUsage action", ""},
		{"suspended", by(meteredCode, one, nil), frozenKey, "", 400, "AccessDeniedException",
			"User: arn:aws:iam::999999999999:user/app is not authorized to perform: aws-marketplace:BatchMeterUsage", "account 999999999999"},
	})
	s.nothingMetered()
}

// A fault rule leaves the last records of a batch unprocessed: they come back as they were sent, and nothing of them is kept.
func TestBatchUnprocessed(t *testing.T) {
	s := startTrade(t)
	for i, p := range protocols {
		at := s.ago(time.Duration(i+1) * time.Hour)
		in := batch(meteredCode,
			m{"Timestamp": at, "Dimension": "calls", "Quantity": 1},
			m{"Timestamp": at, "Dimension": "gigabytes", "Quantity": 2},
			m{"Timestamp": at.Add(-5 * time.Hour), "Dimension": "gigabytes", "UsageAllocations": list{m{"AllocatedUsageQuantity": 0}}},
		)
		var sent []any
		for _, r := range in["UsageRecords"].(list) {
			sent = append(sent, plainCBOR(t, asCBOR(r)))
		}
		kept := len(s.usage())
		for _, tt := range []struct{ rule, left int }{{3, 3}, {1000, 3}, {2, 2}, {1, 1}} {
			rule, err := s.Faults.Add(fault.Rule{Unprocessed: tt.rule, Times: 1})
			if err != nil {
				t.Fatal(err)
			}
			a := s.call(p, "BatchMeterUsage", in, meterKey, "us-east-1")
			statuses, _, echoed, unprocessed := results(t, a)
			done := 3 - tt.left
			if len(statuses) != done || len(unprocessed) != tt.left || !cmp.Equal(sent, append(echoed, unprocessed...)) {
				t.Errorf("%s, %d: %v, %d unprocessed; %s", p, tt.rule, statuses, len(unprocessed), cmp.Diff(sent, append(echoed, unprocessed...)))
			}
			if n := len(s.usage()); n != kept+done {
				t.Errorf("%s, %d: %d are kept, there were %d", p, tt.rule, n, kept)
			}
			if v := s.recordOf(a); v.FaultID != rule.ID || v.FaultEffect != "unprocessed" || v.Reason != "fault rule "+rule.ID {
				t.Errorf("the record has %s %s, %q", v.FaultID, v.FaultEffect, v.Reason)
			}
			s.Faults.Clear()
		}
		statuses, _, _, unprocessed := results(t, s.call(p, "BatchMeterUsage", in, meterKey, "us-east-1")) // as a client resends
		if d := cmp.Diff([]string{"Success", "Success", "Success"}, statuses); d != "" || len(unprocessed) != 0 {
			t.Errorf("%s: %s %v", p, d, unprocessed)
		}
	}
	// A batch that is refused as a whole is refused for what stands in the part that would have been left, too.
	if _, err := s.Faults.Add(fault.Rule{Unprocessed: 1}); err != nil {
		t.Fatal(err)
	}
	at := s.ago(10 * time.Hour)
	in := batch(meteredCode, m{"Timestamp": at, "Dimension": "calls"}, m{"Timestamp": at, "Dimension": "nothing"})
	want(t, s.call(awsproto.JSON11, "BatchMeterUsage", in, meterKey, "us-east-1"), 400, "InvalidUsageDimensionException", shapes["InvalidUsageDimensionException"].message)
}

// The commit happens, the answer does not: who sends the batch again gets what the first answer said.
func TestBatchLost(t *testing.T) {
	s := startTrade(t)
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a transport retries on connections that it kept
	for i, p := range protocols {
		in := batch(meteredCode, m{"Timestamp": s.ago(time.Duration(i+1) * time.Hour), "Dimension": "calls", "Quantity": 7})
		for _, rule := range []fault.Rule{{Cut: true, Times: 1}, {Lose: true, Times: 1}} {
			if _, err := s.Faults.Add(rule); err != nil {
				t.Fatal(err)
			}
			if res, err := once.Do(sign(s.operationRequest(p, "BatchMeterUsage", encode(p, in)), meterKey, "us-east-1", time.Now())); err == nil {
				t.Errorf("%s: got an answer, %s", p, res.Status)
				res.Body.Close()
			}
			kept := i
			if rule.Lose {
				kept++
			}
			if n := len(s.usage()); n != kept {
				t.Errorf("%s, %+v: %d are kept, want %d", p, rule, n, kept)
			}
			s.Faults.Clear()
		}
		statuses, ids, _, _ := results(t, s.call(p, "BatchMeterUsage", in, meterKey, "us-east-1"))
		kept := false
		for _, r := range s.usage() {
			kept = kept || r.ID.String() == ids[0]
		}
		if statuses[0] != "Success" || !kept || len(s.usage()) != i+1 {
			t.Errorf("%s: resent: %v %v, %d are kept", p, statuses, ids, len(s.usage()))
		}
	}
}

// Fault rules go by the product of a call, also where only licenses say which that is.
func TestBatchFaultsByProduct(t *testing.T) {
	s := startTrade(t)
	if _, err := s.Faults.Add(fault.Rule{Operation: "BatchMeterUsage", ProductCode: licensedCode, Refuse: "ThrottlingException"}); err != nil {
		t.Fatal(err)
	}
	r := m{"Timestamp": s.ago(time.Hour), "Dimension": "calls"}
	licensed := with(r, m{"LicenseArn": s.licensed.Agreement.LicenseARN})
	unknown := with(r, m{"LicenseArn": "arn:aws:license-manager::294406891311:license:l-0"})
	for name, tt := range map[string]struct {
		in   m
		code string
	}{
		"product": {batch(licensedCode, licensed), "ThrottlingException"}, "license": {batch("", licensed), "ThrottlingException"},
		"another product": {batch(meteredCode, r), ""}, "unknown license": {batch("", unknown), "InvalidLicenseException"},
		"no records": {batch(""), ""}, "no license": {batch("", r), "InvalidProductCodeException"},
	} {
		if a := s.call(awsproto.JSON11, "BatchMeterUsage", tt.in, meterKey, "us-east-1"); a.code() != tt.code {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// What AWS bills twice is kept twice, and said loudly.
func TestBatchWarnings(t *testing.T) {
	s := startTrade(t)
	legacy := m{"Timestamp": s.ago(time.Hour), "Dimension": "calls", "Quantity": 1}
	licensed := with(legacy, m{"LicenseArn": s.metered.Agreement.LicenseARN})
	for _, tt := range []struct {
		in      m
		warning string
	}{
		{batch(meteredCode, legacy), ""},
		{batch("", licensed), "BILLED TWICE"},
		{batch(meteredCode, with(licensed, m{"Timestamp": s.ago(3 * time.Hour)})), "leave ProductCode out"},
	} {
		a := s.call(awsproto.CBOR, "BatchMeterUsage", tt.in, meterKey, "us-east-1")
		if statuses, _, _, _ := results(t, a); statuses[0] != "Success" {
			t.Errorf("%v", statuses)
		}
		v := s.recordOf(a)
		if v.Warning == "" != (tt.warning == "") || !strings.Contains(v.Warning, tt.warning) {
			t.Errorf("the warning is %q, want %q", v.Warning, tt.warning)
		}
		if license := s.metered.Agreement.LicenseARN; v.ProductCode != meteredCode || v.Buyer != buyer || (v.LicenseARN == license) != (tt.warning != "") {
			t.Errorf("the record is about %s, %s, %s", v.ProductCode, v.Buyer, v.LicenseARN)
		}
	}
	if n := len(s.usage()); n != 3 {
		t.Errorf("%d are kept", n)
	}
}

// The largest batches there can be.
func TestBatchLarge(t *testing.T) {
	s := startTrade(t)
	var records []m
	for i := range 25 {
		r := m{"Timestamp": s.ago(time.Duration(i%23) * time.Hour), "Dimension": []string{"calls", "gigabytes"}[i/23], "Quantity": 2500}
		if i < 5 { // 5 times 2,500 is what fits into a megabyte
			var l list
			for j := range 2500 {
				l = append(l, m{"AllocatedUsageQuantity": 1, "Tags": list{m{"Key": "job", "Value": "number " + string(rune('a'+j%26)) + strings.Repeat("x", j/26)[:min(j/26, 9)] + strconv.Itoa(j)}}})
			}
			r["UsageAllocations"] = l
		}
		records = append(records, r)
	}
	for _, p := range protocols {
		body := encode(p, batch(meteredCode, records...))
		if len(body) > MaxBody || len(body) < MaxBody/2 {
			t.Fatalf("%s: %d bytes", p, len(body))
		}
		begin := time.Now()
		a := s.answerTo(p, sign(s.operationRequest(p, "BatchMeterUsage", body), meterKey, "us-east-1", time.Now()))
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%s: took %s", p, d)
		}
		statuses, _, echoed, _ := results(t, a)
		if len(statuses) != 25 || strings.Join(statuses, "") != strings.Repeat("Success", 25) {
			t.Fatalf("%s: %v", p, statuses)
		}
		if n := len(echoed[4].(map[string]any)["UsageAllocations"].([]any)); n != 2500 {
			t.Errorf("%s: %d allocations are echoed", p, n)
		}
		v := s.recordOf(a)
		if len(v.Body) > 2*64<<10 || v.BodySize != len(body) { // CBOR is shown in hexadecimal
			t.Errorf("%s: the record has %d of %d bytes", p, len(v.Body), v.BodySize)
		}
		// One allocation more is too many; the model's constraint gives way to the exception that is documented for it.
		more := with(records[0], m{"Quantity": 2501, "UsageAllocations": append(records[0]["UsageAllocations"].(list), m{"AllocatedUsageQuantity": 1})})
		want(t, s.call(p, "BatchMeterUsage", batch(meteredCode, more), meterKey, "us-east-1"), 400, "InvalidUsageAllocationsException", shapes["InvalidUsageAllocationsException"].message)

		a = s.answerTo(p, sign(s.operationRequest(p, "BatchMeterUsage", append(body, bytes.Repeat([]byte(" "), MaxBody)...)), meterKey, "us-east-1", time.Now()))
		if a.status != 413 || a.code() != "RequestEntityTooLargeException" {
			t.Errorf("%s, over 1 MiB: %s", p, a.body)
		}
	}
	if n := len(s.usage()); n != 25 {
		t.Errorf("%d are kept", n)
	}
}

// Nothing of a request is left for the next one on the same connection and in the same memory.
func TestBatchLeaks(t *testing.T) {
	s := startTrade(t)
	at := s.ago(time.Hour)
	full := m{
		"Timestamp": at, "Dimension": "calls", "Quantity": 9, "LicenseArn": s.licensed.Agreement.LicenseARN,
		"UsageAllocations": list{m{"AllocatedUsageQuantity": 9, "Tags": list{m{"Key": "secret", "Value": "of another"}}}},
	}
	bare := m{"Timestamp": at, "Dimension": "gigabytes"}
	for _, p := range protocols {
		for range 20 { // the pool has more than one call
			results(t, s.call(p, "BatchMeterUsage", batch("", full, with(full, m{"LicenseArn": s.second.Agreement.LicenseARN})), meterKey, "us-east-1"))
			_, _, echoed, _ := results(t, s.call(p, "BatchMeterUsage", batch(meteredCode, bare), meterKey, "us-east-1"))
			if d := cmp.Diff([]any{plainCBOR(t, asCBOR(with(bare, m{"CustomerAWSAccountId": buyer})))}, echoed); d != "" {
				t.Fatalf("%s: %s", p, d)
			}
		}
	}
	for _, r := range s.usage() {
		if r.Series.Dimension == "gigabytes" && (r.Quantity != 0 || r.Allocations != nil || r.Series.LicenseARN != "") {
			t.Errorf("kept %+v", r)
		}
	}
	if n := len(s.usage()); n != 3 {
		t.Errorf("%d are kept", n)
	}
}

// The final hour takes the last records, and after it the customer is none.
func TestBatchFinalHour(t *testing.T) {
	s := startTrade(t)
	if _, err := s.Service.End(t.Context(), market.Operator(), s.metered.Agreement.ID, market.Cancelled); err != nil {
		t.Fatal(err)
	}
	s.advance(time.Hour - time.Second)
	one := m{"Timestamp": s.ago(2 * time.Hour), "Dimension": "calls"}
	if statuses, _, _, _ := results(t, s.call(awsproto.JSON11, "BatchMeterUsage", batch(meteredCode, one), meterKey, "us-east-1")); statuses[0] != "Success" {
		t.Errorf("in the final hour: %v", statuses)
	}
	s.advance(time.Second)
	a := s.call(awsproto.CBOR, "BatchMeterUsage", batch(meteredCode, with(one, m{"Dimension": "gigabytes"})), meterKey, "us-east-1")
	if statuses, ids, _, _ := results(t, a); statuses[0] != "CustomerNotSubscribed" || ids[0] != "" {
		t.Errorf("after it: %v %v", statuses, ids)
	}
	if v := s.recordOf(a); !strings.Contains(v.Reason, "its final hour is over") {
		t.Errorf("the reason is %q", v.Reason)
	}
}
