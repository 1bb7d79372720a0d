package sdk

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var batchCases = []sdkCase{
	{name: "Success, by CustomerIdentifier", run: batchByIdentifier},
	{name: "Success, by CustomerAWSAccountId", run: batchByAccount},
	{name: "Success, by LicenseArn", run: batchByLicense},
	{name: "Success, 25 records", run: batchOf25},
	{name: "Success again, with the first id", run: batchResent},
	{name: "Success, without Quantity", run: batchWithoutQuantity},
	{name: "Success, with allocations", run: batchAllocated},
	{name: "Success in another Region: metered twice", run: batchInTwoRegions},
	{name: "DuplicateRecord", run: batchDuplicate},
	{name: "CustomerNotSubscribed: never bought", run: batchNeverBought},
	{name: "CustomerNotSubscribed: agreement suspended", run: batchSuspendedAgreement},
	{name: "UnprocessedRecords, and sent again", run: batchUnprocessed},
	{name: "no records", run: batchEmpty},
	{name: "answer lost, metered once", run: batchLost},
	{name: "every error", run: batchErrors},
	{name: "CustomerNotSubscribed: account suspended", run: batchSuspendedAccount},
	{name: "final hour, then CustomerNotSubscribed", run: batchFinalHour},
}

func batchByIdentifier(t *testing.T, r *rig) {
	dimension, now := r.slot()
	record := members{"CustomerIdentifier": r.stage.usage.CustomerIdentifier, "Dimension": dimension, "Timestamp": at(now), "Quantity": 3}
	x := r.call(r.as("seller"), r.usage(record))
	ids := r.expectBatch(x, 0, nil, recordResult{record: record, status: "Success"})
	r.expectAttempts(x, 1)
	q := x.wire[0]
	if q.Protocol != "awsJson1_1" || q.Operation != "BatchMeterUsage" {
		t.Errorf("it was a request of %s in %s", q.Operation, q.Protocol)
	}
	if number := strings.ReplaceAll(q.Body, " ", ""); !strings.Contains(number, `"Timestamp":`+r.seconds(now)) {
		t.Errorf("the time was not sent as %s: %s", r.seconds(now), q.Body)
	}
	want := ledgerEntry{RecordID: ids[0], Hour: now.Truncate(time.Hour), Timestamp: r.sent(now), Region: r.Region, ProductCode: usageProduct,
		Buyer: anyCompany, Dimension: dimension, Quantity: 3}
	if diff := cmp.Diff(want, r.kept(usageProduct, record)); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func batchByAccount(t *testing.T, r *rig) {
	record := r.record(2147483647)
	ids := r.expectBatch(r.call(r.as("seller"), r.usage(record)), 0, nil, recordResult{record: record, status: "Success"})
	if k := r.kept(usageProduct, record); k.RecordID != ids[0] || k.Quantity != 2147483647 {
		t.Errorf("the ledger has %+v", k)
	}
}

func batchByLicense(t *testing.T, r *rig) {
	record := r.licensed(r.stage.vault, 7)
	ids := r.expectBatch(r.call(r.as("seller"), r.batch(record)), 0, nil, recordResult{record: record, status: "Success"})
	if k := r.kept(vaultProduct, record); k.RecordID != ids[0] || k.Quantity != 7 || k.LicenseARN != r.stage.vault.LicenseARN {
		t.Errorf("the ledger has %+v", k)
	}
}

// batchOf25: of a batch as large as can be, the last record is the first once more.
func batchOf25(t *testing.T, r *rig) {
	var records []members
	var results []recordResult
	for i := range 25 {
		record := r.licensed(r.stage.bulk, i%24)
		record["Timestamp"] = at(r.stage.now.Add(-time.Duration(i%24/2) * time.Hour))
		record["Dimension"] = [...]string{"gigabytes", "requests"}[i%2]
		records = append(records, record)
		results = append(results, recordResult{record: record, status: "Success"})
	}
	ids := r.expectBatch(r.call(r.as("seller"), r.batch(records...)), 0, nil, results...)
	distinct := map[string]bool{}
	for _, id := range ids {
		distinct[id] = true
	}
	if len(distinct) != 24 || ids[24] != ids[0] {
		t.Errorf("24 different records and the first once more have the ids %v", ids)
	}
	if n := len(r.ledger(vaultProduct, anyCompany, "license", r.stage.bulk.LicenseARN)); n != 24 {
		t.Errorf("the ledger has %d records of that license, want 24", n)
	}
}

func batchResent(t *testing.T, r *rig) {
	record := r.record(5)
	x := r.call(r.as("seller"), r.usage(record), r.usage(record))
	ids := r.expectBatch(x, 0, nil, recordResult{record: record, status: "Success"})
	r.expectBatch(x, 1, nil, recordResult{record: record, status: "Success", id: ids[0]})
	if k := r.kept(usageProduct, record); k.RecordID != ids[0] {
		t.Errorf("the ledger has %+v", k)
	}
}

// batchWithoutQuantity: a quantity that was not sent is 0, and is not echoed.
func batchWithoutQuantity(t *testing.T, r *rig) {
	zero := r.record(0)
	none := change(zero, "Quantity", nil)
	x := r.call(r.as("seller"), r.usage(none), r.usage(zero))
	ids := r.expectBatch(x, 0, nil, recordResult{record: none, status: "Success"})
	r.expectBatch(x, 1, nil, recordResult{record: zero, status: "Success", id: ids[0]})
	if strings.Contains(x.wire[0].Body, "Quantity") {
		t.Errorf("the client sent a quantity: %s", x.wire[0].Body)
	}
	if k := r.kept(usageProduct, none); k.Quantity != 0 {
		t.Errorf("the ledger has %+v", k)
	}
}

func tags(pairs ...string) (list []members) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, members{"Key": pairs[i], "Value": pairs[i+1]})
	}
	return list
}

// allocations are parts of 10: two with tags, and one without.
func allocations() []members {
	return []members{
		{"AllocatedUsageQuantity": 6, "Tags": tags("department", "R+D/labs", "cost-center", "42")},
		{"AllocatedUsageQuantity": 3, "Tags": tags("department", "sales")},
		{"AllocatedUsageQuantity": 1},
	}
}

func batchAllocated(t *testing.T, r *rig) {
	record := change(r.record(10), "UsageAllocations", allocations())
	otherOrder := allocations()
	otherOrder[0], otherOrder[2] = otherOrder[2], otherOrder[0]
	same := change(record, "UsageAllocations", otherOrder)
	x := r.call(r.as("seller"), r.usage(record), r.usage(same))
	ids := r.expectBatch(x, 0, nil, recordResult{record: record, status: "Success"})
	r.expectBatch(x, 1, nil, recordResult{record: same, status: "Success", id: ids[0]})
	r.expectAllocated(r.kept(usageProduct, record))
}

// expectAllocated checks that a record was kept with the parts that allocations has.
func (r *rig) expectAllocated(k ledgerEntry) {
	r.t.Helper()
	parts := map[string]int64{}
	for _, a := range k.Allocations {
		key := ""
		for _, tag := range a.Tags {
			key += tag.Key + "=" + tag.Value + ";"
		}
		parts[key] = a.Quantity
	}
	if diff := cmp.Diff(map[string]int64{"cost-center=42;department=R+D/labs;": 6, "department=sales;": 3, "": 1}, parts); diff != "" {
		r.t.Errorf("allocations in the ledger (-want +got):\n%s", diff)
	}
}

// in is env for calls of another Region.
func in(env map[string]string, region string) map[string]string {
	return with(with(env, "AWS_REGION", region), "AWS_DEFAULT_REGION", region)
}

// batchInTwoRegions: AWS knows a record again within a Region only.
func batchInTwoRegions(t *testing.T, r *rig) {
	record := r.record(2)
	want := recordResult{record: record, status: "Success"}
	here := r.expectBatch(r.call(r.as("seller"), r.usage(record)), 0, nil, want)
	there := r.expectBatch(r.call(in(r.as("seller"), "eu-west-1"), r.usage(record)), 0, nil, want)
	if here[0] == there[0] {
		t.Errorf("both have the id %s", here[0])
	}
	for region, id := range map[string]string{r.Region: here[0], "eu-west-1": there[0]} {
		list := r.ledger(usageProduct, anyCompany, "region", region, "dimension", record["Dimension"].(string))
		found := false
		for _, k := range list {
			found = found || k.RecordID == id && k.Quantity == 2
		}
		if !found {
			t.Errorf("the ledger of %s does not have %s: %+v", region, id, list)
		}
	}
}

func batchDuplicate(t *testing.T, r *rig) {
	first := r.record(4)
	second := change(first, "Quantity", 5)
	fresh := r.record(1)
	x := r.call(r.as("seller"), r.usage(first), r.usage(second, fresh))
	ids := r.expectBatch(x, 0, nil, recordResult{record: first, status: "Success"})
	r.expectBatch(x, 1, nil, recordResult{record: second, status: "DuplicateRecord", id: ids[0]}, recordResult{record: fresh, status: "Success"})
	if k := r.kept(usageProduct, first); k.RecordID != ids[0] || k.Quantity != 4 {
		t.Errorf("the ledger has %+v", k)
	}
}

// batchNeverBought: a record that is not taken does not keep others from being.
func batchNeverBought(t *testing.T, r *rig) {
	bought := r.record(1)
	not := change(bought, "CustomerAWSAccountId", neverBought)
	x := r.call(r.as("seller"), r.usage(not, bought))
	r.expectBatch(x, 0, nil, recordResult{record: not, status: "CustomerNotSubscribed", id: noID}, recordResult{record: bought, status: "Success"})
	if reason := x.wire[0].Reason; !strings.Contains(reason, "never bought") {
		t.Errorf("the request record's reason is %q", reason)
	}
	if list := r.ledger(usageProduct, neverBought); len(list) != 0 {
		t.Errorf("the ledger has %+v", list)
	}
}

func batchSuspendedAgreement(t *testing.T, r *rig) {
	p := r.purchase(vaultProduct, anyCompany, nil)
	record := change(r.licensed(p, 1), "Timestamp", at(r.stage.now))
	r.agreement(p, "suspend")
	r.expectBatch(r.call(r.as("seller"), r.batch(record)), 0, nil, recordResult{record: record, status: "CustomerNotSubscribed", id: noID})
	r.agreement(p, "reinstate")
	r.expectBatch(r.call(r.as("seller"), r.batch(record)), 0, nil, recordResult{record: record, status: "Success"})
}

func batchUnprocessed(t *testing.T, r *rig) {
	records := []members{r.record(1), change(r.record(2), "Quantity", nil), change(r.record(10), "UsageAllocations", allocations())}
	before := len(r.ledger(usageProduct, anyCompany))
	r.fault("BatchMeterUsage", map[string]any{"unprocessed": 2, "times": 1})
	x := r.call(r.as("seller"), r.usage(records...))
	r.expectBatch(x, 0, records[1:], recordResult{record: records[0], status: "Success"})
	r.expectAttempts(x, 1) // no SDK sends them again by itself
	if after := len(r.ledger(usageProduct, anyCompany)); after != before+1 {
		t.Errorf("the ledger had %d records before, and has %d", before, after)
	}
	rest, _ := again(x.replies[0].Output["UnprocessedRecords"]).([]members)
	if len(rest) != 2 {
		t.Fatalf("%d records are left", len(rest))
	}
	r.expectBatch(r.call(r.as("seller"), r.usage(rest...)), 0, nil, recordResult{record: records[1], status: "Success"}, recordResult{record: records[2], status: "Success"})
	r.expectAllocated(r.kept(usageProduct, records[2]))
}

// batchEmpty: both lists are in every answer.
func batchEmpty(t *testing.T, r *rig) {
	r.expectOutput(r.call(r.as("seller"), r.usage().with("UsageRecords", []members{})), members{"Results": []any{}, "UnprocessedRecords": []any{}})
}

// batchLost: the records are kept and the answer is lost; the client tries again by itself, and is told the ids of those that are kept.
func batchLost(t *testing.T, r *rig) {
	records := []members{r.record(8), r.record(9)}
	r.fault("BatchMeterUsage", map[string]any{"lose": true, "times": 1})
	x := r.call(r.as("seller"), r.usage(records...))
	ids := r.expectBatch(x, 0, nil, recordResult{record: records[0], status: "Success"}, recordResult{record: records[1], status: "Success"})
	r.expectLost(x, ids...)
	for i, record := range records {
		if k := r.kept(usageProduct, record); k.RecordID != ids[i] || k.Quantity != int64(8+i) {
			t.Errorf("the ledger has %+v", k)
		}
	}
}

// expectLost checks that the first of two requests was done, that its answer was lost, and that it already said what the second did.
func (r *rig) expectLost(x exchange, parts ...string) {
	r.t.Helper()
	r.expectAttempts(x, 2)
	if x.wire[0].Status != 0 || x.wire[0].FaultEffect != "lose" || x.wire[1].Status != http.StatusOK {
		r.t.Fatalf("on the wire: %+v", x.wire)
	}
	for _, part := range parts {
		if !strings.Contains(x.wire[0].Response, part) {
			r.t.Errorf("the answer that was lost does not have %s: %s", part, x.wire[0].Response)
		}
	}
}

// batchSuspendedAccount: the buyer's whole account is suspended, and stays so.
func batchSuspendedAccount(t *testing.T, r *rig) {
	p := r.purchase(usageProduct, toBeSuspended, nil)
	r.control(http.MethodPut, "/api/v1/world", []byte(`{version: 1, accounts: [{id: "`+toBeSuspended+`", name: Suspended, buyer: true, suspended: true}]}`), nil)
	record := members{"CustomerIdentifier": p.CustomerIdentifier, "Dimension": "users", "Timestamp": at(r.stage.now), "Quantity": 1}
	x := r.call(r.as("seller"), r.usage(record))
	r.expectBatch(x, 0, nil, recordResult{record: record, status: "CustomerNotSubscribed", id: noID})
	if reason := x.wire[0].Reason; !strings.Contains(reason, "suspended") {
		t.Errorf("the request record's reason is %q", reason)
	}
}

// batchFinalHour: the hour after an agreement's end takes the last records, by product code and by license, and then no more.
func batchFinalHour(t *testing.T, r *rig) {
	byCode := r.purchase(usageProduct, exampleCorp, nil)
	byLicense := r.purchase(vaultProduct, anyCompany, nil)
	bought := r.stage.now
	r.agreement(byCode, "cancel")
	r.agreement(byLicense, "cancel")
	last := []members{
		{"CustomerAWSAccountId": exampleCorp, "Dimension": "users", "Timestamp": at(bought), "Quantity": 1},
		change(r.licensed(byLicense, 1), "Timestamp", at(bought)),
	}
	meter := func(quantity int) exchange {
		return r.call(r.as("seller"), r.usage(change(last[0], "Quantity", quantity)), r.batch(change(last[1], "Quantity", quantity)))
	}
	r.pass(59 * time.Minute)
	x := meter(1)
	for i := range last {
		r.expectBatch(x, i, nil, recordResult{record: last[i], status: "Success"})
	}
	r.pass(2 * time.Minute)
	x = meter(1)
	for i := range last { // even the same again
		r.expectBatch(x, i, nil, recordResult{record: last[i], status: "CustomerNotSubscribed", id: noID})
		if reason := x.wire[i].Reason; !strings.Contains(reason, "final hour is over") {
			t.Errorf("the request record's reason is %q", reason)
		}
	}
}
