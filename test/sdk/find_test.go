package sdk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// program is how a client is run. The zero one is for a client that runs in this process.
type program struct {
	path string
	args []string
	dir  string
}

func findGo() (program, error) { return program{}, nil }

func findBoto3() (program, error) {
	python, err := findPython()
	if err != nil {
		return program{}, err
	}
	return program{path: python, args: []string{"client.py"}, dir: here("python")}, nil
}

// findPython looks for a Python that has boto3.
func findPython() (string, error) {
	candidates := []string{os.Getenv("SOUK_TEST_PYTHON")}
	if candidates[0] == "" {
		candidates = []string{here("python", ".venv", "bin", "python"), here("python", ".venv", "Scripts", "python.exe"), "python3"}
	}
	var errs []error
	for _, name := range candidates {
		// What the name stands for may be a wrapper; the path that Python itself gives is where its other programs are.
		out, err := exec.Command(name, "-c", "import boto3, sys; print(sys.executable)").Output()
		if err == nil {
			return strings.TrimSpace(string(out)), nil
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%s has no boto3 (test/sdk/python/requirements.txt): %w", name, err)
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// findCLI prefers the AWS CLI that came with boto3's Python.
func findCLI() (program, error) {
	if python, err := findPython(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(python), "aws")); err == nil {
			return program{path: path}, nil
		}
	}
	path, err := exec.LookPath("aws")
	return program{path: path}, err
}

func findJavaScript() (program, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return program{}, err
	}
	for _, name := range []string{"client-marketplace-metering", "client-marketplace-entitlement-service"} {
		if _, err := os.Stat(here("js", "node_modules", "@aws-sdk", name)); err != nil {
			return program{}, fmt.Errorf("npm ci was not run in test/sdk/js: %w", err)
		}
	}
	return program{path: node, args: []string{"client.mjs"}, dir: here("js")}, nil
}

// here is a path below this directory.
func here(elem ...string) string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(append([]string{filepath.Dir(file)}, elem...)...)
}
