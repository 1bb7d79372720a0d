// Package sdk drives the real AWS SDKs against a real souk process. Nothing in them is replaced or configured in code: like any seller's,
// they are told where Souk is by AWS_ENDPOINT_URL_MARKETPLACE_METERING alone.
//
// The Go SDK runs in the test's process; boto3, the JavaScript SDK and the AWS CLI run beside it. The same cases go through each
// of them (cases_test.go), and what came over the wire is read back from Souk's request records. What only one SDK lets a program do to
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
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/souk-market/souk/test/process"
)

func TestMain(m *testing.M) {
	isolate()
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

// TestSDKs takes each client through all the cases, the clients in parallel, each with a Souk of its own.
func TestSDKs(t *testing.T) {
	m := newMatrix()
	t.Run("clients", func(t *testing.T) {
		for _, l := range languages {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				run(t, l, m)
			})
		}
	})
	t.Logf("\n%s", m)
}

func run(t *testing.T, l language, m *matrix) {
	prog, err := l.find()
	if err != nil {
		m.missing(l.name)
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing: %v", l.name, err)
		}
		t.Skipf("%s is missing: %v", l.name, err)
	}
	r := newRig(t, l, prog, "off")
	m.add(l.name, r.client.version)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := r.at(t)
			if c.quotas != "" {
				t.Parallel()
				r = newRig(t, l, prog, c.quotas)
			}
			defer m.note(l.name, c.name, r)
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
