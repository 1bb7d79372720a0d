package api

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/quota"
)

// Each modeled error has the status of the SDK's own recorded answers, and every one of them is of some operation.
func TestCodesAreTheSDKs(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/marketplacemetering").Output()
	if err != nil {
		t.Fatal(err)
	}
	snaps, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "response_snapshot", "*.error.snap"))
	if err != nil || len(snaps) < 15 {
		t.Fatalf("%d recorded errors in %s: %v", len(snaps), dir, err)
	}
	statuses := map[string]int{"InvalidParameterException": 400} // the Entitlement Service's, which has no other of its own
	for _, file := range snaps {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := bytes.Cut(b, []byte("\n"))
		code, _, _ := strings.Cut(filepath.Base(file), ".")
		if statuses[code], err = strconv.Atoi(string(first)); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	ours := map[string]int{}
	for _, op := range operations {
		if !slices.IsSorted(op.codes) || len(slices.Compact(slices.Clone(op.codes))) != len(op.codes) {
			t.Errorf("%s: its codes are not in order", op.name)
		}
		for _, code := range op.codes {
			ours[code] = shapes[code].status
			if !shapes[code].modeled {
				t.Errorf("%s lists %s, which is not a modeled error", op.name, code)
			}
		}
	}
	if d := cmp.Diff(statuses, ours); d != "" {
		t.Errorf("(-SDK +ours):\n%s", d)
	}
	for code, s := range shapes {
		if s.modeled && ours[code] == 0 {
			t.Errorf("%s is modeled, and no operation has it", code)
		}
	}
}

// Every code of the market that stands for an answer has a shape, and each modeled shape but those of the house has a code.
func TestDomainCodes(t *testing.T) {
	have := map[string]bool{"ThrottlingException": true, "InternalServiceErrorException": true}
	for code, name := range domainCodes {
		if !KnownCode(name) {
			t.Errorf("%s is %s, which is not known", code, name)
		}
		have[name] = true
	}
	for name, s := range shapes {
		if s.modeled && !have[name] {
			t.Errorf("nothing becomes %s", name)
		}
	}
}

// An error that the operation does not have would be a surprise to its callers' SDKs: it is ours to look into.
func TestForeignErrors(t *testing.T) {
	s := start(t)
	q := newCall()
	q.begin(s.Server, s.request(""))
	defer q.end()
	for _, op := range operations {
		q.op = op
		for code, name := range domainCodes {
			f := q.fail(&market.Error{Code: code, Message: "text", Reason: "reason"})
			switch listed := slices.Contains(op.codes, name); {
			case listed && (f.Code != name || f.Message != "text" || q.rec.Reason != "reason"),
				!listed && shapes[name].modeled && (f.Code != "InternalServiceErrorException" || strings.Contains(f.Message, "text")),
				!listed && !shapes[name].modeled && f.Code != name:
				t.Errorf("%s: %s became %s %q, for the reason %q", op.name, code, f.Code, f.Message, q.rec.Reason)
			}
		}
		for _, code := range []market.Code{market.NotFound, market.OutcomeUnsure, market.Conflict, market.Forbidden, "new"} {
			if f := q.fail(&market.Error{Code: code, Message: "text"}); f.Code != "InternalServiceErrorException" || strings.Contains(f.Message, "text") {
				t.Errorf("%s: %s became %s %q", op.name, code, f.Code, f.Message)
			}
		}
	}
}

// inputs are calls that succeed, one of each operation.
func (s *trade) inputs(t testing.TB) map[string]m {
	t.Helper()
	again, err := s.Service.SetUpAccount(t.Context(), market.Operator(), s.metered.Agreement.ID)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]m{
		"ResolveCustomer": {"RegistrationToken": again.Token},
		"BatchMeterUsage": batch(meteredCode, m{"Timestamp": s.ago(time.Hour), "Dimension": "calls"}),
		"MeterUsage":      {"ProductCode": meteredCode, "Timestamp": s.ago(time.Hour), "UsageDimension": "calls"},
		"RegisterUsage":   {"ProductCode": meteredCode, "PublicKeyVersion": 1},
		"GetEntitlements": {"ProductCode": contractCode},
	}
}

// Every operation goes through every station, in each protocol.
func TestStations(t *testing.T) {
	s := startTrade(t)
	inputs := s.inputs(t)
	if d := cmp.Diff(len(operations), len(inputs)); d != "" {
		t.Fatal(d)
	}
	for _, op := range operations {
		k := meterKey
		if op.name == "MeterUsage" || op.name == "RegisterUsage" {
			k = s.task("worker-1")
		}
		const not = " is not authorized to perform: "
		wrong := k
		wrong.Secret = "wrong"
		for _, p := range protocols {
			t.Run(op.name+"/"+p.String(), func(t *testing.T) {
				a := s.call(p, op.name, inputs[op.name], k, "us-east-1")
				if a.status != 200 {
					t.Errorf("%d %s", a.status, a.body)
				}
				v := s.recordOf(a)
				if v.Operation != op.name || v.Service != op.service || v.Protocol != p.String() || v.Outcome != "ok" || v.ProductCode == "" {
					t.Errorf("the record has %s %s %s %s %s", v.Service, v.Operation, v.Protocol, v.Outcome, v.ProductCode)
				}
				check := func(a answer, status int, code, text string) {
					t.Helper()
					want(t, a, status, code, text)
					if p == awsproto.CBOR && code != "ValidationException" && (a.namespace == awsproto.NamespaceCoral) == shapes[code].modeled {
						t.Errorf("the namespace of %s is %s", code, a.namespace)
					}
				}
				check(s.call(p, op.name, inputs[op.name], deniedKey, "us-east-1"), 400, "AccessDeniedException",
					"User: arn:aws:iam::"+seller+":user/denied"+not+op.action+" because no identity-based policy allows the "+op.action+" action")
				check(s.call(p, op.name, inputs[op.name], frozenKey, "us-east-1"), 400, "AccessDeniedException", "User: arn:aws:iam::999999999999:user/app"+not+op.action)
				check(s.call(p, op.name, inputs[op.name], wrong, "us-east-1"), 400, "InvalidSignatureException", shapes["InvalidSignatureException"].message)
				unsigned := s.operationRequest(p, op.name, encode(p, inputs[op.name]))
				check(s.answerTo(p, unsigned), 400, "MissingAuthenticationTokenException", shapes["MissingAuthenticationTokenException"].message)
				large := s.operationRequest(p, op.name, make([]byte, MaxBody+1))
				check(s.answerTo(p, sign(large, k, "us-east-1", time.Now())), 413, "RequestEntityTooLargeException", awsproto.RequestEntityTooLarge(MaxBody).Message)
				if a := s.answerTo(p, sign(s.operationRequest(p, op.name, nil), k, "us-east-1", time.Now())); a.code() != "ValidationException" {
					t.Errorf("without a body: %s", a.body)
				}
				if a := s.answerTo(p, s.operationRequest(p, op.name, []byte("{"))); a.code() != "SerializationException" {
					t.Errorf("illegible and unsigned: %s", a.body)
				}
				for _, code := range op.codes { // each as a fault rule would have it
					if _, err := s.Faults.Add(fault.Rule{Operation: op.name, Refuse: code}); err != nil {
						t.Fatal(err)
					}
					check(s.call(p, op.name, inputs[op.name], k, "us-east-1"), shapes[code].status, code, shapes[code].message)
					s.Faults.Clear()
				}
			})
		}
	}
}

// Each operation has a quota of its own, of AWS's size.
func TestQuotas(t *testing.T) {
	s := startTrade(t, func(a *Config, _ *market.Config) {
		at := time.Now() // stands still: nothing refills
		a.Quotas = quota.New(quota.AWS(), func() time.Time { return at })
	})
	inputs := s.inputs(t)
	rates := quota.AWS().Rates
	var names []string
	for _, op := range operations {
		names = append(names, op.name)
		k := meterKey
		if op.name == "MeterUsage" || op.name == "RegisterUsage" {
			k = s.task("worker-1")
		}
		ok := 0
		for i := range 30 {
			p := protocols[i%len(protocols)]
			a := s.call(p, op.name, inputs[op.name], k, "us-east-1")
			if a.status == 200 {
				ok++
				continue
			}
			want(t, a, 400, "ThrottlingException", "Rate exceeded")
			if p == awsproto.CBOR && a.namespace != awsproto.Namespace(op.service) {
				t.Errorf("%s: its namespace is %s", op.name, a.namespace)
			}
		}
		if float64(ok) != rates[op.name].PerSecond {
			t.Errorf("%s: %d of 30 calls got through, want %v", op.name, ok, rates[op.name].PerSecond)
		}
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(rates)), names); d != "" {
		t.Errorf("quotas and operations: %s", d)
	}
}
