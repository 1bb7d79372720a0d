package api

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/sigv4"
)

// metered is the id of a record that was taken.
func metered(t testing.TB, a answer) string {
	t.Helper()
	id, _ := a.members["MeteringRecordId"].(string)
	if a.status != 200 || len(id) != 36 || len(a.members) != 1 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return id
}

// A workload meters a dimension once an hour; the same again is the same record, whatever the protocol, the minute and the token.
func TestMeterUsage(t *testing.T) {
	s := startTrade(t)
	at := s.ago(90*time.Minute + 123*time.Millisecond)
	in := m{"ProductCode": meteredCode, "Timestamp": at, "UsageDimension": "calls", "UsageQuantity": 4, "UsageAllocations": list{
		m{"AllocatedUsageQuantity": 4, "Tags": list{m{"Key": "team", "Value": "blue"}}},
	}}
	ids := map[string]bool{}
	for _, role := range []string{"Task", "Pod", "Instance"} {
		for _, name := range []string{"one", "two"} {
			k := s.session(buyer, role, role+"-"+name)
			first := ""
			for i, p := range append(protocols, protocols...) {
				id := metered(t, s.call(p, "MeterUsage", with(in, m{"Timestamp": at.Add(-time.Duration(i) * time.Minute), "ClientToken": role + name + strconv.Itoa(i)}), k, "us-east-1"))
				if first == "" {
					first = id
				}
				if id != first {
					t.Errorf("%s %s in %s: another id", role, name, p)
				}
			}
			ids[first] = true
			a := s.call(awsproto.CBOR, "MeterUsage", with(in, m{"UsageQuantity": 5, "UsageAllocations": nil}), k, "us-east-1")
			want(t, a, 400, "DuplicateRequestException", shapes["DuplicateRequestException"].message)
			if v := s.recordOf(a); a.namespace != awsproto.NamespaceMetering || v.ProductCode != meteredCode || v.Buyer != buyer {
				t.Errorf("its namespace is %s; the record is about %s, %s", a.namespace, v.ProductCode, v.Buyer)
			}
		}
	}
	kept := s.usage()
	if len(ids) != 6 || len(kept) != 6 {
		t.Fatalf("%d ids, %d records", len(ids), len(kept))
	}
	for _, r := range kept {
		if !ids[r.ID.String()] || r.Quantity != 4 || !r.Timestamp.Equal(at.Truncate(time.Hour)) || r.Allocations == nil {
			t.Errorf("kept %+v", r)
		}
	}
}

// AgentCore meters at will; its calls are told apart by their tokens.
func TestMeterUsageAgentCore(t *testing.T) {
	s := startTrade(t)
	k := s.session(buyer, "Agent", "runtime-1")
	in := m{"ProductCode": meteredCode, "Timestamp": s.ago(time.Minute), "UsageDimension": "calls", "UsageQuantity": 1}
	first := metered(t, s.call(awsproto.JSON11, "MeterUsage", with(in, m{"ClientToken": "a"}), k, "us-east-1"))
	if id := metered(t, s.call(awsproto.CBOR, "MeterUsage", with(in, m{"ClientToken": "a"}), k, "us-east-1")); id != first {
		t.Error("the same token, the same call, and another id")
	}
	if id := metered(t, s.call(awsproto.CBOR, "MeterUsage", with(in, m{"ClientToken": "b"}), k, "us-east-1")); id == first {
		t.Error("another token and the same id")
	}
	for _, p := range protocols {
		a := s.call(p, "MeterUsage", with(in, m{"ClientToken": "a", "UsageQuantity": 2}), k, "us-east-1")
		want(t, a, 409, "IdempotencyConflictException", shapes["IdempotencyConflictException"].message)
	}
	if n := len(s.usage()); n != 2 {
		t.Errorf("%d are kept", n)
	}
}

// DryRun says whether a call would be done or denied, and does nothing.
func TestMeterUsageDryRun(t *testing.T) {
	s := startTrade(t)
	const denied = "User: arn:aws:sts::777788889999:assumed-role/Denied/w1 is not authorized to perform: aws-marketplace:MeterUsage because no identity-based policy allows the aws-marketplace:MeterUsage action"
	in := m{"ProductCode": meteredCode, "Timestamp": s.ago(time.Hour), "UsageDimension": "calls", "UsageQuantity": 1}
	for _, tt := range []struct {
		name   string
		key    sigv4.Key
		in     m
		status int
		code   string
		text   string
	}{
		{"done", s.task("w1"), m{"DryRun": true}, 400, "DryRunOperation", shapes["DryRunOperation"].message},
		{"denied", s.session(buyer, "Denied", "w1"), m{"DryRun": true}, 400, "UnauthorizedException", denied},
		{"denied, though invalid", s.session(buyer, "Denied", "w1"), m{"DryRun": true, "ProductCode": nil}, 400, "UnauthorizedException", denied},
		{"denied, asked in earnest", s.session(buyer, "Denied", "w1"), m{"DryRun": false}, 400, "AccessDeniedException", denied},
		{"denied, not asked", s.session(buyer, "Denied", "w1"), nil, 400, "AccessDeniedException", denied},
		{"denied, illegible", s.session(buyer, "Denied", "w1"), m{"DryRun": "true"}, 400, "AccessDeniedException", denied},
		{"suspended", frozenKey, m{"DryRun": true}, 400, "UnauthorizedException", "User: arn:aws:iam::999999999999:user/app is not authorized to perform: aws-marketplace:MeterUsage"},
		{"not entitled", s.task("w1"), m{"DryRun": true, "ProductCode": foreignCode, "UsageDimension": "nothing"}, 400, "InvalidUsageDimensionException", shapes["InvalidUsageDimensionException"].message},
	} {
		for _, p := range protocols {
			t.Run(p.String()+"/"+tt.name, func(t *testing.T) {
				a := s.call(p, "MeterUsage", with(in, tt.in), tt.key, "us-east-1")
				want(t, a, tt.status, tt.code, tt.text)
				if p == awsproto.CBOR && !shapes[tt.code].modeled && a.namespace != awsproto.NamespaceCoral {
					t.Errorf("its namespace is %s", a.namespace)
				}
			})
		}
	}
	s.nothingMetered()
}

func TestMeterUsageRefusals(t *testing.T) {
	s := startTrade(t)
	task := s.task("worker-1")
	in := m{"ProductCode": meteredCode, "Timestamp": s.ago(time.Hour), "UsageDimension": "calls", "UsageQuantity": 5}
	but := func(change m) m { return with(in, change) }
	s.refused("MeterUsage", []refusal{
		{"Region of no tasks", in, task, "me-south-1", 400, "InvalidEndpointRegionException", "", "does not exist in me-south-1"},
		{"Region of no agents", in, s.session(buyer, "Agent", "a1"), "eu-west-1", 400, "InvalidEndpointRegionException", "", "does not exist in eu-west-1"},
		{"Region of another workload", in, s.session(buyer, "Irish", "w1"), "us-east-1", 400, "InvalidEndpointRegionException", "", "the workload runs in eu-west-1"},
		{"no product", but(m{"ProductCode": "nothing"}), task, "", 400, "InvalidProductCodeException", "", "there is no product"},
		{"no product at all", but(m{"ProductCode": ""}), task, "", 400, "InvalidProductCodeException", "", "there is no product"},
		{"a user", in, buyerKey, "", 400, "CustomerNotEntitledException", "", "is not the session of a workload's role"},
		{"a role of no workload", in, s.session(buyer, "Plain", "w1"), "", 400, "CustomerNotEntitledException", "", "is not the session of a workload's role"},
		{"no agreement", but(m{"ProductCode": legacyCode}), task, "", 400, "CustomerNotEntitledException", "", buyer},
		{"dimension", but(m{"UsageDimension": "Calls"}), task, "", 400, "InvalidUsageDimensionException", "", "has no dimension"},
		{"too old", but(m{"Timestamp": s.ago(6 * time.Hour)}), task, "", 400, "TimestampOutOfBoundsException", "", "6h0m0s or more ago"},
		{"milliseconds", but(m{"Timestamp": time.Unix(s.ago(time.Hour).UnixMilli(), 0)}), task, "", 400, "TimestampOutOfBoundsException", "", "looks like milliseconds"},
		{"allocations", but(m{"UsageAllocations": list{m{"AllocatedUsageQuantity": 4}}}), task, "", 400, "InvalidUsageAllocationsException", "", ""},
		{"tags", but(m{"UsageAllocations": list{m{"AllocatedUsageQuantity": 5, "Tags": list{m{"Key": "é", "Value": "v"}}}}}), task, "", 400, "InvalidTagException", "", ""},
		{"required", m{}, task, "", 400, "ValidationException", "3 validation errors detected: Value null at 'productCode' failed to satisfy constraint: Member must not be null; Value null at 'timestamp' failed to satisfy constraint: Member must not be null; Value null at 'usageDimension' failed to satisfy constraint: Member must not be null", ""},
		{"client token", but(m{"ClientToken": ""}), task, "", 400, "ValidationException", "1 validation error detected: Value '' at 'clientToken' failed…", ""},
		{"types", but(m{"DryRun": "yes"}), task, "", 400, "SerializationException", "Unexpected token received from parser", ""},
		{"denied", in, s.session(buyer, "Denied", "w1"), "", 400, "AccessDeniedException", "User: arn:aws:sts::777788889999:assumed-role/Denied/w1 is not authorized to perform: aws-marketplace:MeterUsage because no identity-based policy allows the aws-marketplace:MeterUsage action", ""},
	})
	s.nothingMetered()
}

// The seller tries its product before there is a buyer.
func TestMeterUsagePreview(t *testing.T) {
	s := startTrade(t)
	in := m{"ProductCode": meteredCode, "Timestamp": s.ago(time.Hour), "UsageDimension": "calls"}
	metered(t, s.call(awsproto.JSON11, "MeterUsage", in, s.session(seller, "Preview", "w1"), "us-east-1"))
}

// An answer that is lost after the commit costs nothing: SDKs send the call again under the same token.
func TestMeterUsageLost(t *testing.T) {
	s := startTrade(t)
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i, role := range []string{"Task", "Agent"} {
		k := s.session(buyer, role, "w1")
		in := m{"ProductCode": meteredCode, "Timestamp": s.ago(time.Hour), "UsageDimension": "calls", "UsageQuantity": 1, "ClientToken": role}
		if _, err := s.Faults.Add(fault.Rule{Lose: true, Times: 1, ProductCode: meteredCode}); err != nil {
			t.Fatal(err)
		}
		if res, err := once.Do(sign(s.operationRequest(awsproto.JSON11, "MeterUsage", encode(awsproto.JSON11, in)), k, "us-east-1", time.Now())); err == nil {
			t.Errorf("got an answer, %s", res.Status)
			res.Body.Close()
		}
		id := metered(t, s.call(awsproto.JSON11, "MeterUsage", in, k, "us-east-1"))
		var kept []string
		for _, r := range s.usage() {
			kept = append(kept, r.ID.String())
		}
		if len(kept) != i+1 || !cmp.Equal(kept[i], id) && !cmp.Equal(kept[0], id) {
			t.Errorf("%s: answered %s, kept %v", role, id, kept)
		}
	}
}

// A workload is a role's session: sessions of one name, of two roles, are two workloads.
func TestMeterUsageByTwoRoles(t *testing.T) {
	s := startTrade(t)
	in := m{"ProductCode": meteredCode, "Timestamp": s.ago(time.Minute), "UsageDimension": "calls"}
	first := metered(t, s.call(awsproto.JSON11, "MeterUsage", with(in, m{"UsageQuantity": 1}), s.session(buyer, "Task", "same"), "us-east-1"))
	second := metered(t, s.call(awsproto.JSON11, "MeterUsage", with(in, m{"UsageQuantity": 2}), s.session(buyer, "Pod", "same"), "us-east-1"))
	if first == second {
		t.Errorf("both have record %s", first)
	}
}
