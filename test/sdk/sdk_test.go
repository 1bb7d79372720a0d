// Package sdk drives the real AWS SDKs against a real souk process. Nothing in them is replaced or configured in code: like any seller's,
// they are told where Souk is by AWS_ENDPOINT_URL_MARKETPLACE_METERING and AWS_ENDPOINT_URL_MARKETPLACE_ENTITLEMENT_SERVICE alone.
//
// The Go SDK runs in the test's process; boto3, the JavaScript SDK and the AWS CLI run beside it. The same cases go through each
// of them (tables, below), and what came over the wire is read back from Souk's request records, what was kept from its ledger. What only one SDK lets a program do to
// a request, so that it breaks for real, is in wire_test.go.
//
// To have the clients that are not Go:
//
//	python3 -m venv test/sdk/python/.venv && test/sdk/python/.venv/bin/pip install -r test/sdk/python/requirements.txt
//	npm ci --prefix test/sdk/js
//
// A client that is missing is skipped, and said to be; where CI=true it is a failure. SOUK_TEST_PYTHON names another Python, and
// SOUK_TEST_BINARY a souk to test in place of the one built from this tree.
package sdk

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/test/process"
)

// inherited is the environment that programs beside the test's process start from. Its own changes under way: newGo borrows it for each call of
// the Go SDK.
var inherited []string

func TestMain(m *testing.M) {
	isolate()
	inherited = os.Environ()
	flag.Parse()
	// Most of the time is other processes', and the pauses that SDKs make between attempts: more can be under way than there are processors.
	if err := flag.Set("test.parallel", strconv.Itoa(max(12, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	code := m.Run()
	process.RemoveBinary()
	os.Exit(code)
}

// isolate keeps what this machine has set up for AWS, and its proxies, away from the clients, which all inherit this environment.
func isolate() {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"PYTHONUTF8": "1",
	} {
		os.Setenv(name, value)
	}
}

// table is cases that share a Souk, and go through it in their order. Those that have a Souk of their own come at the end, all at once.
type table struct {
	name    string
	clients int        // the first so many of languages
	stage   func(*rig) // sets up what the cases have in common; nil: nothing
	cases   []sdkCase
}

// sdkCase is something that must hold with every client.
type sdkCase struct {
	name   string
	run    func(t *testing.T, r *rig)
	quotas string // "": none, on the Souk that the cases share; else on a Souk of its own: off, aws, or what a file says
}

// The last of the languages differs from another in how it talks to the Entitlement Service only.
var tables = []table{
	{name: "ResolveCustomer", clients: 4, cases: resolveCases},
	{name: "BatchMeterUsage", clients: 4, stage: (*rig).set, cases: batchCases},
	{name: "MeterUsage and RegisterUsage", clients: 4, stage: (*rig).set, cases: workloadCases},
	{name: "GetEntitlements", clients: 5, stage: (*rig).set, cases: entitlementCases},
	{name: "quotas", clients: 4, cases: []sdkCase{{name: "ThrottlingException: over the quota, retried in vain", run: overQuotas, quotas: onceInAWhile}}},
}

// TestSDKs takes each client through all the tables, all in parallel, each with a Souk of its own.
func TestSDKs(t *testing.T) {
	m := newMatrix()
	t.Run("clients", func(t *testing.T) {
		for _, table := range tables {
			for _, l := range languages[:table.clients] {
				t.Run(l.name+"/"+table.name, func(t *testing.T) {
					t.Parallel()
					run(t, table, l, m)
				})
			}
		}
	})
	t.Logf("\n%s", m)
}

func run(t *testing.T, table table, l language, m *matrix) {
	prog, err := l.find()
	if err != nil {
		m.missing(l.name)
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing: %v", l.name, err)
		}
		t.Skipf("%s is missing: %v", l.name, err)
	}
	var shared *rig // started by the first case that needs it
	for _, c := range table.cases {
		if c.quotas == "" && shared == nil {
			shared = newRig(t, l, prog, "off")
			m.add(l.name, shared.client.version)
			if table.stage != nil {
				table.stage(shared)
			}
		}
		t.Run(c.name, func(t *testing.T) {
			var r *rig
			if c.quotas == "" {
				r = shared.at(t)
			} else {
				t.Parallel()
				r = newRig(t, l, prog, c.quotas)
			}
			defer m.note(l.name, table.name, c.name, r)
			c.run(t, r)
		})
	}
}

// binary is the souk to test.
func binary() (string, error) {
	if path := os.Getenv("SOUK_TEST_BINARY"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("SOUK_TEST_BINARY: %w", err)
		}
		return path, nil
	}
	return process.Binary()
}
