package sdk

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The two services, as calls name them.
const (
	metering    = "metering"
	entitlement = "entitlement"
)

// call is what a client is asked to do: make a new client of each SDK in the environment env, and make the calls with it.
type call struct {
	Env        map[string]string `json:"env"` // AWS_…, but for the endpoints
	Calls      []apiCall         `json:"calls"`
	Concurrent bool              `json:"concurrent,omitempty"`
	Protocol   string            `json:"protocol,omitempty"` // "": the SDK's own choice
}

// apiCall is one call of an operation.
type apiCall struct {
	Service   string  `json:"service"`
	Operation string  `json:"operation"`
	Input     members `json:"input"`
	Pages     bool    `json:"pages,omitempty"` // run the SDK's paginator to its end; Input's MaxResults is its page size
}

// members are those of a structure, by AWS's names. In inputs, at and epoch make the values that stand for times.
type members = map[string]any

func (r *rig) batch(records ...members) apiCall {
	return apiCall{Service: metering, Operation: "BatchMeterUsage", Input: members{"UsageRecords": records}}
}

// with is the call with another value of a member; nil takes it out.
func (c apiCall) with(name string, value any) apiCall {
	c.Input = change(c.Input, name, value)
	return c
}

// change is m with another value of a member; nil takes it out.
func change(m members, name string, value any) members {
	out := members{}
	for k, v := range m {
		out[k] = v
	}
	if out[name] = value; value == nil {
		delete(out, name)
	}
	return out
}

// reply is what came of one call.
type reply struct {
	OK        bool     `json:"ok"`
	Attempts  int      `json:"attempts"` // as the SDK counts them; 0 where it does not say
	RequestID string   `json:"request_id"`
	Output    members  `json:"output"` // the members that are there; times are text
	Error     *failure `json:"error"`
}

// failure is an error as a program sees it.
type failure struct {
	Code      string `json:"code"` // "" where the client refused by itself, or had no answer
	Message   string `json:"message"`
	Type      string `json:"type"` // the class to catch; "" for the CLI, which has none
	Status    int    `json:"status"`
	RequestID string `json:"request_id"`
}

// client is an SDK that is ready to be called. Its endpoints are fixed; it is not for concurrent use.
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
	// unmodeled is the class of errors that a service's model does not have, by service.
	unmodeled map[string]string
	// refusal is the class with which it refuses input by itself; "" if it refuses none.
	refusal string
	// noEmptyLists: to programs, an empty list in an answer is none.
	noEmptyLists bool
	// seconds: it sends times without their fractions.
	seconds bool
	// protocol is what it speaks to the Entitlement Service, as request records name it.
	protocol string
	// choice is the protocol that it is told to speak; "": its own choice.
	choice string
	// cli: a process a call. It has no classes, no counts and no concurrency.
	cli bool
}

// endpointVariables are all that tells a client where Souk is.
var endpointVariables = []string{"AWS_ENDPOINT_URL_MARKETPLACE_METERING", "AWS_ENDPOINT_URL_MARKETPLACE_ENTITLEMENT_SERVICE"}

// Attempts were measured with constant replies; boto3 and the CLI are in their default mode, which they call legacy.
var languages = []language{
	{name: "Go", find: findGo, start: startGo, attempts: 3, protocol: "rpcv2Cbor", noEmptyLists: true, refusal: "smithy.InvalidParamsError",
		unmodeled: map[string]string{metering: "*smithy.GenericAPIError", entitlement: "*smithy.GenericAPIError"}},
	{name: "boto3", find: findBoto3, start: startLines, attempts: 5, protocol: "awsJson1_1", seconds: true, refusal: "ParamValidationError",
		unmodeled: map[string]string{metering: "ClientError", entitlement: "ClientError"}},
	{name: "JavaScript", find: findJavaScript, start: startLines, attempts: 3, protocol: "awsJson1_1", unmodeled: javaScriptErrors},
	{name: "AWS CLI", find: findCLI, start: startCLI, attempts: 5, protocol: "awsJson1_1", seconds: true, cli: true},
	{name: "JavaScript, CBOR", find: findJavaScript, start: startLines, attempts: 3, protocol: "rpcv2Cbor", choice: "cbor", unmodeled: javaScriptErrors},
}

var javaScriptErrors = map[string]string{metering: "MarketplaceMeteringServiceException", entitlement: "MarketplaceEntitlementServiceServiceException"}

// startLines starts a program that speaks lines of JSON: python/client.py says how.
func startLines(t *testing.T, p program, endpoint string) *client {
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir = p.dir
	cmd.Env = slices.Concat(inherited, endpointsAt(endpoint))
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

// endpointsAt is the environment that has both services at one endpoint.
func endpointsAt(endpoint string) (env []string) {
	for _, name := range endpointVariables {
		env = append(env, name+"="+endpoint)
	}
	return env
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
