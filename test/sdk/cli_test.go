package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// cliError is how the CLI prints an error of the service.
var cliError = regexp.MustCompile(`(?s)^An error occurred \((\w+)\) when calling the \w+ operation(?: \(reached max retries: \d+\))?: (.*)$`)

// maxArgument is the longest command line argument that every system takes: Linux's bound is 128 KiB.
const maxArgument = 100 << 10

// cliServices are the services as the CLI names them.
var cliServices = map[string]string{metering: "meteringmarketplace", entitlement: "marketplace-entitlement"}

func startCLI(t *testing.T, p program, endpoint string) *client {
	out, err := exec.Command(p.path, "--version").CombinedOutput() // older ones print it to stderr
	if err != nil {
		t.Fatalf("%s --version: %v\n%s", p.path, err, out)
	}
	version, rest, _ := strings.Cut(strings.TrimPrefix(string(out), "aws-cli/"), " ")
	python, _, _ := strings.Cut(strings.TrimPrefix(rest, "Python/"), " ")
	cli := commandLine{path: p.path, dir: t.TempDir(), endpoint: endpoint}
	return &client{version: "AWS CLI " + version + " (Python " + python + ")", do: cli.do}
}

// commandLine runs the CLI.
type commandLine struct{ path, dir, endpoint string }

func (cli commandLine) do(ctx context.Context, c call) ([]reply, error) {
	results, errs := make([]reply, len(c.Calls)), make([]error, len(c.Calls))
	var wg sync.WaitGroup
	for i, one := range c.Calls {
		run := func() { results[i], errs[i] = cli.run(ctx, c.Env, one) }
		if c.Concurrent {
			wg.Go(run)
		} else {
			run()
		}
	}
	wg.Wait()
	return results, errors.Join(errs...)
}

func (cli commandLine) run(ctx context.Context, env map[string]string, c apiCall) (reply, error) {
	args := []string{cliServices[c.Service], dashed(c.Operation), "--output", "json"}
	for name, value := range c.Input {
		flag := "--" + dashed(name)
		if c.Pages && name == "MaxResults" {
			flag = "--page-size"
		}
		if on, ok := value.(bool); ok {
			if !on {
				flag = "--no-" + dashed(name)
			}
			args = append(args, flag)
			continue
		}
		text, err := cli.argument(value)
		if err != nil {
			return reply{}, err
		}
		args = append(args, flag, text)
	}
	cmd := exec.CommandContext(ctx, cli.path, args...)
	cmd.Env = slices.Concat(inherited, endpointsAt(cli.endpoint))
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
	r := reply{OK: true, Output: members{}}
	if stdout.Len() == 0 { // how it prints a structure without members
		return r, nil
	}
	if err := json.Unmarshal(stdout.Bytes(), &r.Output); err != nil {
		return reply{}, fmt.Errorf("aws: %w\n%s", err, &stdout)
	}
	timesToText(r.Output)
	return r, nil
}

// argument is a value as people write it on a command line: a text as it is, a time in ISO 8601, a structure in JSON.
func (cli commandLine) argument(value any) (string, error) {
	text, ok := value.(string)
	if !ok {
		b, err := json.Marshal(written(value, nil))
		if err != nil {
			return "", err
		}
		if text = string(b); strings.HasPrefix(text, `"`) {
			if err := json.Unmarshal(b, &text); err != nil {
				return "", err
			}
		}
	}
	if len(text) <= maxArgument {
		return text, nil
	}
	f, err := os.CreateTemp(cli.dir, "argument-")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	return "file://" + f.Name(), errors.Join(err, f.Close())
}

// dashed writes a name as the CLI does: MaxResults is max-results.
func dashed(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "$1-$2"))
}

// timesToText writes the times in an output, which the CLI prints as they came over the wire, as the other clients do.
func timesToText(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			timesToText(e)
		}
	case members:
		for name, e := range v {
			n, ok := e.(float64)
			switch {
			case !ok:
				if text, isText := e.(string); isText && isTime(name) { // newer ones print ISO 8601, in an offset of their own
					if f, err := strconv.ParseFloat(text, 64); err == nil {
						v[name] = timeText(time.UnixMilli(int64(f * 1000)))
					} else if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
						v[name] = timeText(t)
					}
				}
				timesToText(e)
			case isTime(name):
				v[name] = timeText(time.UnixMilli(int64(n*1000 + 0.5)))
			}
		}
	}
}

func isTime(name string) bool {
	return name == "Timestamp" || name == "ExpirationDate" || name == "PublicKeyRotationTimestamp"
}
