package quota

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAWS(t *testing.T) {
	want := map[string]Rate{
		"BatchMeterUsage": {PerSecond: 10}, "MeterUsage": {PerSecond: 10}, "RegisterUsage": {PerSecond: 5}, "GetEntitlements": {PerSecond: 20},
		"ResolveCustomer": {PerSecond: 10},
	}
	if diff := cmp.Diff(want, AWS().Rates); diff != "" {
		t.Error(diff)
	}
	AWS().Rates["MeterUsage"] = Rate{}
	if AWS().Rates["MeterUsage"].PerSecond != 10 {
		t.Error("what a caller changes is shared")
	}
	if len(Off().Rates) != 0 {
		t.Error("Off limits something")
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		file string
		want map[string]Rate
	}{
		{"ResolveCustomer: 25", map[string]Rate{"ResolveCustomer": {PerSecond: 25}}},
		{"# ours\nResolveCustomer: {rate: 25, burst: 50}\nMeterUsage: 0.5\n", map[string]Rate{"ResolveCustomer": {PerSecond: 25, Burst: 50}, "MeterUsage": {PerSecond: 0.5}}},
		{"RegisterUsage:\n  burst: 7\n  rate: 1.5\n", map[string]Rate{"RegisterUsage": {PerSecond: 1.5, Burst: 7}}},
		{"---\nGetEntitlements: 1e3\n...\n", map[string]Rate{"GetEntitlements": {PerSecond: 1000}}},
		{`{"ResolveCustomer": 25, "BatchMeterUsage": {"rate": 10, "burst": 50}}`, map[string]Rate{"ResolveCustomer": {PerSecond: 25}, "BatchMeterUsage": {PerSecond: 10, Burst: 50}}},
		{"{\n\t\"ResolveCustomer\": {\n\t\t\"rate\": 25\n\t}\n}\n", map[string]Rate{"ResolveCustomer": {PerSecond: 25}}},
	} {
		got, err := Parse([]byte(tc.file))
		if err != nil {
			t.Errorf("%q: %v", tc.file, err)
		}
		if diff := cmp.Diff(tc.want, got.Rates); diff != "" {
			t.Errorf("%q: %s", tc.file, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ file, want string }{
		{"", "the file is empty"},
		{"# nothing\n", "the file is empty"},
		{"null", "the file is empty"},
		{"{}", "line 1: no operation is named"},
		{"- ResolveCustomer", "line 1: there must be a mapping"},
		{"25", "line 1: there must be a mapping"},
		{"MeterUsage: 1\nResolveCostumer: 25", `line 2: unknown operation "ResolveCostumer"; there are BatchMeterUsage, GetEntitlements`},
		{"resolvecustomer: 25", "line 1: unknown operation"},
		{"\nMeterUsage: 1\nMeterUsage: 2", `line 3: "MeterUsage" is there already, at line 2`},
		{"MeterUsage: fast", "line 1: there must be a number"},
		{`MeterUsage: "25"`, "line 1: there must be a number"},
		{"MeterUsage: true", "line 1: there must be a number"},
		{"MeterUsage:", "line 1: there must be a number"},
		{"MeterUsage: [1]", "line 1: there must be a number"},
		{"MeterUsage: &x 1\nResolveCustomer: *x", "line 2: there must be a number"},
		{"MeterUsage: 0", "line 1: 0 must be from 0.001 to 1e+06"},
		{"MeterUsage: -1", "line 1: -1 must be from"},
		{"MeterUsage: 1000001", "line 1: 1000001 must be from"},
		{"MeterUsage: .nan", "line 1: .nan must be from"},
		{"MeterUsage: .inf", "line 1: .inf must be from"},
		{"MeterUsage: {}", "line 1: MeterUsage needs a rate"},
		{"MeterUsage:\n  burst: 5", "line 1: MeterUsage needs a rate"},
		{"MeterUsage:\n  rate: 5\n  brust: 5", `line 3: unknown member "brust"`},
		{"MeterUsage:\n  rate: 5\n  rate: 6", `line 3: "rate" is there already`},
		{"MeterUsage:\n  rate: 5\n  burst: 0", "line 3: 0 must be from 1"},
		{"MeterUsage:\n  rate: 5\n  burst: 2.5", "line 3: burst must be a whole number"},
		{"<<: {MeterUsage: 1}", `line 1: unknown operation "<<"`},
		{"MeterUsage: 1\n---\nResolveCustomer: 1", "one document"},
		{"MeterUsage: 1\n  ResolveCustomer: [", "line 2"},
	} {
		got, err := Parse([]byte(tc.file))
		if err == nil || !strings.HasPrefix(err.Error(), "quota: parse: ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v, want %q", tc.file, err, tc.want)
		}
		if got.Rates != nil {
			t.Errorf("%q: limits %v with an error", tc.file, got)
		}
	}
	_, err := Parse([]byte("A: 1\nMeterUsage: x\nB: 1\n"))
	for _, want := range []string{"line 1", "line 2", "line 3"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
}

// Whatever the file, Parse returns limits that hold to the bounds, or an error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"ResolveCustomer: 25", `{"MeterUsage": {"rate": 1, "burst": 5}}`, "a: &x {<<: *x}", "? [a]\n: b", "MeterUsage: !!float 0x1p3", "- -\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		limits, err := Parse(file)
		if err == nil && len(limits.Rates) == 0 {
			t.Fatal("no limits and no error")
		}
		for name, r := range limits.Rates {
			if _, ok := AWS().Rates[name]; !ok || !(r.PerSecond >= minRate && r.PerSecond <= maxRate) || r.Burst < 0 || r.Burst > maxBurst {
				t.Fatalf("%q: %+v", name, r)
			}
		}
	})
}
