package sdk

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// call is what a client is asked to do: make a new client of its SDK in the environment env, and resolve the tokens with it.
type call struct {
	Env        map[string]string `json:"env"`    // AWS_…, but for the endpoint
	Tokens     []*string         `json:"tokens"` // nil: call without one
	Concurrent bool              `json:"concurrent,omitempty"`
}

// reply is what came of one token.
type reply struct {
	OK        bool              `json:"ok"`
	Attempts  int               `json:"attempts"` // as the SDK counts them; 0 where it does not say
	RequestID string            `json:"request_id"`
	Output    map[string]string `json:"output"` // the members that are there
	Error     *failure          `json:"error"`
}

// failure is an error as a program sees it.
type failure struct {
	Code      string `json:"code"` // "" where the client refused by itself, or had no answer
	Message   string `json:"message"`
	Type      string `json:"type"` // the class to catch; "" for the CLI, which has none
	Status    int    `json:"status"`
	RequestID string `json:"request_id"`
}

// client is an SDK that is ready to be called. Its endpoint is fixed; it is not for concurrent use.
type client struct {
	version string
	do      func(ctx context.Context, c call) ([]reply, error)
}

// language is an SDK, and how it behaves where SDKs differ.
type language struct {
	name string
	// find looks for what the client needs to run.
	find func() (program, error)
	// start makes a client of the endpoint, which ends with the test.
	start func(t *testing.T, p program, endpoint string) *client
	// attempts is how often it tries, by default and in all, what is worth trying again.
	attempts int
	// unmodeled is the class of errors that the service's model does not have.
	unmodeled string
	// noToken is the class with which it refuses a call without a token by itself; "" if it makes that call.
	noToken string
	// cli: a process a call. It has no classes, no counts and no concurrency.
	cli bool
}

// endpointVariable is all that tells a client where Souk is.
const endpointVariable = "AWS_ENDPOINT_URL_MARKETPLACE_METERING"

// Attempts were measured with constant replies; boto3 and the CLI are in their default mode, which they call legacy.
var languages = []language{
	{name: "Go", find: findGo, start: startGo, attempts: 3, unmodeled: "*smithy.GenericAPIError", noToken: "smithy.InvalidParamsError"},
	{name: "boto3", find: findBoto3, start: startLines, attempts: 5, unmodeled: "ClientError", noToken: "ParamValidationError"},
	{name: "JavaScript", find: findJavaScript, start: startLines, attempts: 3, unmodeled: "MarketplaceMeteringServiceException"},
	{name: "AWS CLI", find: findCLI, start: startCLI, attempts: 5, cli: true},
}

// startLines starts a program that speaks lines of JSON: python/client.py says how.
func startLines(t *testing.T, p program, endpoint string) *client {
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), endpointVariable+"="+endpoint)
	stderr := new(strings.Builder)
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // which ends it
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", cmd, err, stderr)
		}
	})
	lines := bufio.NewReader(out)
	var hello struct{ Version string }
	if err := readLine(lines, &hello); err != nil {
		t.Fatalf("%s did not start: %v\n%s", cmd, err, stderr)
	}
	return &client{version: hello.Version, do: func(ctx context.Context, c call) ([]reply, error) {
		stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
		defer stop()
		if err := json.NewEncoder(in).Encode(c); err != nil {
			return nil, err
		}
		var answer struct{ Results []reply }
		if err := readLine(lines, &answer); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", cmd, err, stderr)
		}
		return answer.Results, nil
	}}
}

func readLine(r *bufio.Reader, v any) error {
	line, err := r.ReadBytes('\n')
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}
