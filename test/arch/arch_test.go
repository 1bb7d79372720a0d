// Package arch holds the architecture as tests: who may import whom, and what the binary is made of.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/souk-market/souk/"

// arrows says which packages of ours each package imports, tests left out. An import that is not here fails, and so does an arrow that
// nothing needs any more.
var arrows = map[string][]string{
	"internal/clock":            {},
	"internal/reqlog":           {},
	"internal/keyring":          {},
	"internal/iam":              {},
	"internal/sigv4":            {},
	"internal/awsproto":         {},
	"internal/quota":            {},
	"internal/fault":            {},
	"internal/vault":            {},
	"internal/pgtest":           {},
	"internal/account":          {"internal/iam", "internal/keyring"},
	"internal/market":           {"internal/account", "internal/iam", "internal/keyring"},
	"internal/market/storetest": {"internal/account", "internal/keyring", "internal/market"},
	"internal/transfer":         {"internal/account", "internal/keyring", "internal/market"},
	"internal/sqlstore":         {"internal/account", "internal/keyring", "internal/market", "internal/vault"},
	"internal/world":            {"internal/account", "internal/iam", "internal/market"},
	"internal/registration":     {"internal/market", "internal/sigv4"},
	"internal/pubkeys":          {"internal/market"},
	"internal/replay":           {"internal/account", "internal/awsproto", "internal/reqlog", "internal/sigv4"},
	"internal/tryit":            {"internal/market", "internal/registration", "internal/reqlog"},
	"internal/api": {"internal/account", "internal/awsproto", "internal/fault", "internal/iam", "internal/market",
		"internal/pubkeys", "internal/quota", "internal/reqlog", "internal/sigv4"},
	"internal/admin": {"internal/account", "internal/clock", "internal/fault", "internal/keyring", "internal/market", "internal/replay", "internal/reqlog", "internal/tryit", "internal/world"},
	"internal/console": {"internal/account", "internal/awsproto", "internal/clock", "internal/fault", "internal/iam", "internal/market",
		"internal/registration", "internal/replay", "internal/reqlog", "internal/tryit"},
	"cmd/souk":     {"*"},
	"test/process": {},
	"test/site":    {"test/process"},
	"test/shots":   {"test/process", "test/site"},
	"test/crash":   {"internal/pgtest", "internal/sigv4", "test/process"},
	"test/load":    {"internal/market", "internal/sigv4", "internal/pgtest", "internal/sqlstore", "internal/vault", "test/process"},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		name, ok := strings.CutPrefix(p.ImportPath, module)
		if !ok {
			continue
		}
		var ours []string
		for _, i := range p.Imports {
			if i, ok := strings.CutPrefix(i, module); ok {
				ours = append(ours, i)
			}
		}
		allowed, known := arrows[name]
		if !known {
			if len(ours) > 0 || strings.HasPrefix(name, "internal/") {
				t.Errorf("package %s is not in the table of arrows; it imports %v", name, ours)
			}
			continue
		}
		seen[name] = true
		if slices.Equal(allowed, []string{"*"}) {
			continue
		}
		for _, i := range ours {
			if !slices.Contains(allowed, i) {
				t.Errorf("%s imports %s: there is no such arrow", name, i)
			}
			if strings.HasPrefix(i, "cmd/") {
				t.Errorf("%s imports %s: nothing imports cmd", name, i)
			}
		}
		for _, a := range allowed {
			if !slices.Contains(ours, a) {
				t.Errorf("the arrow %s ─▶ %s is stale: take it out", name, a)
			}
		}
	}
	for name := range arrows {
		if !seen[name] {
			t.Errorf("the table of arrows names %s, which does not exist", name)
		}
	}
}

// leaves import nothing but the standard library and the codec libraries named.
func TestLeaves(t *testing.T) {
	allowed := map[string][]string{
		"internal/clock": {}, "internal/reqlog": {}, "internal/keyring": {}, "internal/iam": {}, "internal/sigv4": {}, "internal/awsproto": {},
		"internal/fault": {}, "internal/vault": {}, "internal/quota": {"go.yaml.in/yaml/v3"}, "internal/world": {"go.yaml.in/yaml/v3"},
	}
	for name, libraries := range allowed {
		for _, p := range list(t, "./"+name) {
			for _, i := range p.Imports {
				first, _, _ := strings.Cut(i, "/")
				if strings.Contains(first, ".") && !strings.HasPrefix(i, module) && !slices.Contains(libraries, i) {
					t.Errorf("%s imports %s", name, i)
				}
			}
		}
	}
}

// The server never depends on an AWS SDK, nor on anything that is there for tests.
func TestBinary(t *testing.T) {
	forbidden := map[string]string{
		"github.com/aws/":                  "an AWS SDK",
		"github.com/chromedp/":             "a browser driver",
		"github.com/getkin/":               "an OpenAPI validator",
		"github.com/google/go-cmp":         "a test library",
		"pgregory.net/rapid":               "a test library",
		"github.com/rogpeppe/go-internal/": "a test library",
	}
	mod, err := exec.Command("go", "list", "-m", "-f", "{{.Path}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	for prefix, what := range forbidden {
		if !strings.Contains(string(mod), strings.TrimSuffix(prefix, "/")) {
			t.Errorf("nothing of %s is in the module graph any more: take it out of this test", prefix)
		}
		for _, p := range list(t, "./cmd/souk") {
			for _, d := range p.Deps {
				if strings.HasPrefix(d, prefix) {
					t.Errorf("the binary contains %s: %s", d, what)
				}
			}
		}
	}
}

// modernc.org/libc must be exactly the version that modernc.org/sqlite was built against: others corrupt memory.
func TestLibc(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "modernc.org/sqlite").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "modernc.org/libc")
	ours, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	edit := exec.Command("go", "mod", "edit", "-json", strings.TrimSpace(string(dir))+"/go.mod")
	out, err := edit.Output()
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &file); err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Require {
		if r.Path == "modernc.org/libc" {
			if got := strings.TrimSpace(string(ours)); got != r.Version {
				t.Errorf("modernc.org/libc is %s, modernc.org/sqlite pins %s", got, r.Version)
			}
			return
		}
	}
	t.Error("modernc.org/sqlite does not require modernc.org/libc any more: take this test out")
}
