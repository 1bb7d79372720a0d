package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cliError is how the CLI prints an error of the service.
var cliError = regexp.MustCompile(`(?s)^An error occurred \((\w+)\) when calling the ResolveCustomer operation(?: \(reached max retries: \d+\))?: (.*)$`)

// maxArgument is the longest command line argument that every system takes: Linux's bound is 128 KiB.
const maxArgument = 100 << 10

func startCLI(t *testing.T, p program, endpoint string) *client {
	out, err := exec.Command(p.path, "--version").CombinedOutput() // older ones print it to stderr
	if err != nil {
		t.Fatalf("%s --version: %v\n%s", p.path, err, out)
	}
	version, rest, _ := strings.Cut(strings.TrimPrefix(string(out), "aws-cli/"), " ")
	python, _, _ := strings.Cut(strings.TrimPrefix(rest, "Python/"), " ")
	dir := t.TempDir()
	return &client{
		version: "AWS CLI " + version + " (Python " + python + ")",
		do: func(ctx context.Context, c call) ([]reply, error) {
			if c.Concurrent {
				return nil, errors.New("the AWS CLI makes one call a process")
			}
			var results []reply
			for _, token := range c.Tokens {
				r, err := runCLI(ctx, p.path, dir, endpoint, c.Env, token)
				if err != nil {
					return nil, err
				}
				results = append(results, r)
			}
			return results, nil
		},
	}
}

func runCLI(ctx context.Context, path, dir, endpoint string, env map[string]string, token *string) (reply, error) {
	args := []string{"meteringmarketplace", "resolve-customer", "--output", "json"}
	if token != nil {
		value := *token
		if len(value) > maxArgument {
			file := filepath.Join(dir, "token")
			if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
				return reply{}, err
			}
			value = "file://" + file
		}
		args = append(args, "--registration-token", value)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), endpointVariable+"="+endpoint)
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() < 0 {
			return reply{}, fmt.Errorf("aws: %w\n%s", err, &stderr)
		}
		text := strings.Trim(stderr.String(), "\r\n")
		if m := cliError.FindStringSubmatch(text); m != nil {
			return reply{Error: &failure{Code: m[1], Message: m[2]}}, nil
		}
		return reply{Error: &failure{Message: text}}, nil
	}
	r := reply{OK: true}
	return r, json.Unmarshal(stdout.Bytes(), &r.Output)
}
