package sdk

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// workloadCases are those of the two operations that a buyer's own workloads call, with the credentials of their roles.
var workloadCases = []sdkCase{
	{name: "MeterUsage: success", run: meterOnce},
	{name: "MeterUsage: the same hour again", run: meterAgain},
	{name: "MeterUsage: another task, another record", run: meterByTwo},
	{name: "MeterUsage: DuplicateRequestException", run: meterDuplicate},
	{name: "MeterUsage: ClientToken", run: meterToken},
	{name: "MeterUsage: AgentCore meters at will", run: meterAgent},
	{name: "MeterUsage: allocations", run: meterAllocated},
	{name: "MeterUsage: preview by the seller", run: meterPreview},
	{name: "MeterUsage: DryRun", run: meterDryRun},
	{name: "MeterUsage: answer lost, metered once", run: meterLost},
	{name: "MeterUsage: every error", run: meterErrors},

	{name: "RegisterUsage: signed", run: registerSigned},
	{name: "RegisterUsage: answer lost", run: registerLost},
	{name: "RegisterUsage: every error", run: registerErrors},
	{name: "RegisterUsage: key rotated", run: registerRotated},
	{name: "RegisterUsage: what runs goes on", run: registerGoesOn},
}

// workload is the environment of a session of a role of anyCompany. Each case has sessions of its own: they stand for tasks, and each task meters
// for itself.
func workload(role, session string) func(r *rig) map[string]string {
	return func(r *rig) map[string]string {
		env, _ := r.sessionOf("arn:aws:iam::"+anyCompany+":role/"+role, session, "1h")
		return env
	}
}

// inIreland is a world file with a pod that runs in another Region than the tests call.
const inIreland = `{version: 1, roles: [{account: "222233334444", name: PodInIreland, workload: eks-pod, workload_region: eu-west-1,
  policies: [{name: Workload, document: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "aws-marketplace:*", Resource: "*"}]}}]}]}`

// podInIreland is the environment of that pod.
func podInIreland(r *rig) map[string]string {
	r.control(http.MethodPut, "/api/v1/world", []byte(inIreland), nil)
	return workload("PodInIreland", "pod-in-ireland")(r)
}

// meter is a call of MeterUsage a while ago.
func (r *rig) meter(quantity int) apiCall {
	return apiCall{Service: metering, Operation: "MeterUsage", Input: members{
		"ProductCode": usageProduct, "Timestamp": at(r.stage.now.Add(-17*time.Minute + 345*time.Millisecond)), "UsageDimension": "users", "UsageQuantity": quantity,
	}}
}

// recordID is the id that a call of MeterUsage was answered with, and nothing else.
func (r *rig) recordID(x exchange, i int) string {
	r.t.Helper()
	out := r.output(x, i)
	id, _ := out["MeteringRecordId"].(string)
	if !uuid.MatchString(id) || len(out) != 1 {
		r.t.Errorf("the answer is %v", out)
	}
	return id
}

// metered are the records of a workload; its resource is its role, its session, and of AgentCore the call.
func (r *rig) metered(product, account, session string) (list []ledgerEntry) {
	r.t.Helper()
	for _, k := range r.ledger(product, account) {
		task, _, _ := strings.Cut(k.Resource, "#")
		if _, name, _ := strings.Cut(task, "/"); name == session {
			list = append(list, k)
		}
	}
	return list
}

func meterOnce(t *testing.T, r *rig) {
	x := r.call(workload("Task", "task-once")(r), r.meter(3))
	id := r.recordID(x, 0)
	r.expectAttempts(x, 1)
	if !strings.Contains(x.wire[0].Body, `"ClientToken"`) {
		t.Errorf("the client sent no ClientToken of its own: %s", x.wire[0].Body)
	}
	if want := "arn:aws:sts::" + anyCompany + ":assumed-role/Task/task-once"; x.wire[0].Principal != want {
		t.Errorf("the caller was %s, want %s", x.wire[0].Principal, want)
	}
	hour := r.stage.now.Truncate(time.Hour)
	want := []ledgerEntry{{RecordID: id, Hour: hour, Timestamp: hour, Region: r.Region, ProductCode: usageProduct, Buyer: anyCompany,
		Dimension: "users", Resource: "Task/task-once", Quantity: 3}}
	if diff := cmp.Diff(want, r.metered(usageProduct, anyCompany, "task-once")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

// meterAgain: the client makes a new token for each call, so it is the hour by which the record is known again.
func meterAgain(t *testing.T, r *rig) {
	none := r.meter(0).with("UsageQuantity", nil)
	x := r.call(workload("Instance", "i-again")(r), r.meter(4), r.meter(4).with("Timestamp", at(r.stage.now)),
		none.with("UsageDimension", "hours"), r.meter(0).with("UsageDimension", "hours"))
	if a, b := r.recordID(x, 0), r.recordID(x, 1); a != b {
		t.Errorf("one record has the ids %s and %s", a, b)
	}
	if a, b := r.recordID(x, 2), r.recordID(x, 3); a != b {
		t.Errorf("a record without a quantity has the id %s, one of quantity 0 %s", a, b)
	}
	if list := r.metered(usageProduct, anyCompany, "i-again"); len(list) != 2 {
		t.Errorf("the ledger has %+v", list)
	}
}

func meterByTwo(t *testing.T, r *rig) {
	a := r.recordID(r.call(workload("Pod", "pod-a")(r), r.meter(1)), 0)
	b := r.recordID(r.call(workload("Pod", "pod-b")(r), r.meter(2)), 0)
	if a == b {
		t.Errorf("two pods have one record, %s", a)
	}
}

func meterDuplicate(t *testing.T, r *rig) {
	env := workload("Task", "task-duplicate")(r)
	first := r.recordID(r.call(env, r.meter(1)), 0)
	r.expectError(r.call(env, r.meter(2)), want{code: "DuplicateRequestException", message: texts["DuplicateRequestException"]})
	if list := r.metered(usageProduct, anyCompany, "task-duplicate"); len(list) != 1 || list[0].RecordID != first || list[0].Quantity != 1 {
		t.Errorf("the ledger has %+v", list)
	}
}

// meterToken: with a token of the program's own, a call is known again by it; another call with it is a conflict, which is HTTP's 409.
func meterToken(t *testing.T, r *rig) {
	env := workload("Task", "task-token")(r)
	one := r.meter(6).with("ClientToken", "token-"+strings.ReplaceAll(strings.ToLower(r.lang.name), " ", "-"))
	x := r.call(env, one, one)
	if a, b := r.recordID(x, 0), r.recordID(x, 1); a != b {
		t.Errorf("one call has the ids %s and %s", a, b)
	}
	for _, other := range []apiCall{one.with("UsageQuantity", 7), one.with("UsageDimension", "hours")} {
		r.expectError(r.call(env, other), want{code: "IdempotencyConflictException", message: texts["IdempotencyConflictException"], status: 409})
	}
	if list := r.metered(usageProduct, anyCompany, "task-token"); len(list) != 1 {
		t.Errorf("the ledger has %+v", list)
	}
}

// meterAgent: the client's own tokens tell calls of one hour apart, and times are not rounded.
func meterAgent(t *testing.T, r *rig) {
	x := r.call(workload("Agent", "agent-1")(r), r.meter(1), r.meter(1), r.meter(2))
	ids := map[string]bool{}
	for i := range x.replies {
		ids[r.recordID(x, i)] = true
	}
	list := r.metered(usageProduct, anyCompany, "agent-1")
	if len(ids) != 3 || len(list) != 3 {
		t.Fatalf("three calls have %d ids, and the ledger has %+v", len(ids), list)
	}
	if want := r.sent(r.stage.now.Add(-17*time.Minute + 345*time.Millisecond)); !list[0].Timestamp.Equal(want) {
		t.Errorf("the record is of %s, want %s", list[0].Timestamp, want)
	}
}

func meterAllocated(t *testing.T, r *rig) {
	x := r.call(workload("Task", "task-allocated")(r), r.meter(10).with("UsageAllocations", allocations()))
	id := r.recordID(x, 0)
	list := r.metered(usageProduct, anyCompany, "task-allocated")
	if len(list) != 1 || list[0].RecordID != id {
		t.Fatalf("the ledger has %+v", list)
	}
	r.expectAllocated(list[0])
}

// meterPreview: the seller tries its product out, and needs no agreement.
func meterPreview(t *testing.T, r *rig) {
	env, _ := r.sessionOf("arn:aws:iam::111122223333:role/Preview", "preview", "1h")
	r.recordID(r.call(env, r.meter(1)), 0)
}

func meterDryRun(t *testing.T, r *rig) {
	dry := r.meter(1).with("DryRun", true)
	r.expectError(r.call(workload("Task", "task-dry")(r), dry), want{code: "DryRunOperation", message: texts["DryRunOperation"]})
	if list := r.metered(usageProduct, anyCompany, "task-dry"); len(list) != 0 {
		t.Errorf("the ledger has %+v", list)
	}
	env, arn := r.sessionOf("arn:aws:iam::"+anyCompany+":role/Denied", "task-dry", "1h")
	r.expectError(r.call(env, dry), want{code: "UnauthorizedException", message: denied(arn, "MeterUsage")})
	r.recordID(r.call(workload("Task", "task-dry")(r), r.meter(1).with("DryRun", false)), 0)
}

// meterLost: the client tries again with the token that it made, and is told the id of the record that is kept.
func meterLost(t *testing.T, r *rig) {
	for _, role := range []string{"Task", "Agent"} { // known again by its hour, and by its token
		t.Run(role, func(t *testing.T) {
			r := r.at(t)
			r.fault("MeterUsage", map[string]any{"lose": true, "times": 1})
			x := r.call(workload(role, "lost-"+role)(r), r.meter(5))
			id := r.recordID(x, 0)
			r.expectLost(x, id)
			if list := r.metered(usageProduct, anyCompany, "lost-"+role); len(list) != 1 || list[0].RecordID != id || list[0].Quantity != 5 {
				t.Errorf("the ledger has %+v", list)
			}
		})
	}
}

// moved sets the time of a MeterUsage call.
func moved(ago time.Duration) func(r *rig, c *apiCall) {
	return func(r *rig, c *apiCall) { *c = c.with("Timestamp", at(r.stage.now.Add(-ago))) }
}

func meterErrors(t *testing.T, r *rig) {
	good := func(r *rig) apiCall { return r.meter(10) }
	_, deniedARN := r.sessionOf("arn:aws:iam::"+anyCompany+":role/Denied", "task-errors", "1h")
	r.expectErrors(workload("Task", "task-errors"), good, []errorCase{
		{code: "CustomerNotEntitledException", name: "never bought", env: func(r *rig) map[string]string {
			env, _ := r.sessionOf("arn:aws:iam::"+neverBought+":role/Task", "task-errors", "1h")
			return env
		}, reason: "never bought"},
		{code: "CustomerNotEntitledException", name: "a user's key", env: userKey, reason: "is not the session of a workload's role"},
		{code: "CustomerNotEntitledException", name: "a role without a workload", env: workload("Nowhere", "task-errors"), reason: "is not the session of a workload's role"},
		{code: "InternalServiceErrorException", status: 500, fault: map[string]any{"refuse": "InternalServiceErrorException"}},
		{code: "ThrottlingException", fault: map[string]any{"refuse": "ThrottlingException"}},
		{code: "InvalidEndpointRegionException", name: "a Region without it", env: func(r *rig) map[string]string {
			return in(workload("Task", "task-errors")(r), "af-south-1")
		}, reason: "does not exist in af-south-1"},
		{code: "InvalidEndpointRegionException", name: "not the workload's", env: podInIreland, reason: "the workload runs in eu-west-1"},
		{code: "InvalidProductCodeException", call: withMember("ProductCode", "no-such-product"), reason: "there is no product of that code"},
		{code: "InvalidTagException", call: withMember("UsageAllocations", []members{{"AllocatedUsageQuantity": 10, "Tags": tags("a", "x{y}")}})},
		{code: "InvalidUsageAllocationsException", call: withMember("UsageAllocations", []members{{"AllocatedUsageQuantity": 11}})},
		{code: "InvalidUsageDimensionException", call: withMember("UsageDimension", "Users")},
		{code: "TimestampOutOfBoundsException", name: "six hours ago", call: moved(6 * time.Hour), reason: "or more ago"},
		{code: "TimestampOutOfBoundsException", name: "in the future", call: moved(-6 * time.Minute), reason: "is in the future"},
		{code: "TimestampOutOfBoundsException", name: "milliseconds", call: func(r *rig, c *apiCall) {
			*c = c.with("Timestamp", epoch(r.stage.now.UnixMilli()))
		}, reason: "looks like milliseconds", inGo: overflown, refuse: byBotocore},
		{code: "ValidationException", name: "token too long", call: withMember("ClientToken", strings.Repeat("t", 65)),
			text: "1 validation error detected: Value '" + strings.Repeat("t", 65) + "' at 'clientToken' failed to satisfy constraint: " +
				"Member must have length less than or equal to 64"},
		{code: "AccessDeniedException", env: workload("Denied", "task-errors"), text: denied(deniedARN, "MeterUsage")},
		{code: "UnrecognizedClientException", env: unknownCaller},
	})
	if list := r.metered(usageProduct, anyCompany, "task-errors"); len(list) != 0 {
		t.Errorf("the ledger has %+v", list)
	}
}
