package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/internal/sigv4"
)

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){"souk": main})
}

// tests are those of the package, and the PostgreSQL that they share.
type tests struct{ *testing.M }

func (t tests) Run() int {
	defer pgtest.Release()
	return t.M.Run()
}

// TestScripts runs testdata/script/*.txt: what users type, and what they see. Beside testscript's own commands there are
//
//	start-souk [dev|serve] [flags]   a Souk in this process on free ports; sets SOUK_CONTROL and ENDPOINT
//	stop-souk                        ends it; a script's end does that too
//	capture NAME PATH                sets a variable from the JSON on stdout: capture TOKEN post.redirects.0
//	field PATH VALUE                 the JSON on stdout has this value there; ! field PATH: nothing is there
//	! field PATH VALUE               it has another one
//	resolve [-key NAME] TOKEN        calls ResolveCustomer, signed; prints status and answer; fails unless that is 200
//	call [-key NAME] OPERATION JSON  calls any operation, likewise; in the JSON, NOW, NOW-60 and so on are the market's time in seconds
//	call -role ARN OPERATION JSON    calls it with temporary credentials of a role
//	fetch URL                        gets it, unsigned; prints the body; fails unless the status is 200
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SOUK_CONTROL", nobody)        // a script finds the Souk that it started, or none
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a binary under the race detector sleeps a second at its end otherwise
			env.Values["souk"] = new(scripted)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"start-souk": startSouk, "stop-souk": stopSouk, "capture": capture, "field": field, "resolve": resolve, "call": call, "fetch": fetch,
		},
	})
}

// nobody is where no Souk listens.
const nobody = "127.0.0.1:1"

// scripted is the Souk of a script.
type scripted struct {
	info admin.Info
	end  func() error // nil: none runs
}

func startSouk(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("souk").(*scripted)
	if neg || s.end != nil {
		ts.Fatalf("start-souk: one at a time")
	}
	mode := "dev"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		mode, args = args[0], args[1:]
	}
	args = append([]string{mode, "--json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"}, args...)
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		code := run(ctx, args, strings.NewReader(""), in, &stderr, ts.Getenv)
		in.Close()
		status <- code
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.info)
	}
	s.end = func() error {
		s.end = nil
		cancel()
		select {
		case code := <-status:
			if code != 0 {
				return fmt.Errorf("souk %s: exit status %d\n%s", mode, code, stderr.String())
			}
			return nil
		case <-time.After(20 * time.Second):
			return fmt.Errorf("souk %s did not end", mode)
		}
	}
	if err != nil {
		ts.Fatalf("start-souk: %v, %v", err, s.end())
	}
	ts.Defer(func() {
		if s.end != nil {
			ts.Check(s.end())
		}
	})
	ts.Setenv("SOUK_CONTROL", s.info.Control)
	ts.Setenv("ENDPOINT", s.info.Endpoint)
}

func stopSouk(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("souk").(*scripted)
	if neg || s.end == nil {
		ts.Fatalf("stop-souk: none runs")
	}
	ts.Check(s.end())
	ts.Setenv("SOUK_CONTROL", nobody) // its port may be another script's by now
}

// lookUp finds the value at a path such as keys.0.id in the JSON that the last command printed.
func lookUp(ts *testscript.TestScript, path string) (string, bool) {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("stdout is no JSON: %v", err)
	}
	for _, step := range strings.Split(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[step]
			if !ok {
				return "", false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(in) {
				return "", false
			}
			v = in[i]
		default:
			return "", false
		}
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	text, err := json.Marshal(v)
	ts.Check(err)
	return string(text), true
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME PATH")
	}
	v, ok := lookUp(ts, args[1])
	if !ok {
		ts.Fatalf("nothing stands at %s", args[1])
	}
	ts.Setenv(args[0], v)
}

func field(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case neg && len(args) == 1:
		if v, ok := lookUp(ts, args[0]); ok {
			ts.Fatalf("%s is %s", args[0], v)
		}
	case len(args) == 2:
		if v, ok := lookUp(ts, args[0]); !ok || (v == args[1]) == neg {
			ts.Fatalf("%s is %q", args[0], v)
		}
	default:
		ts.Fatalf("usage: field PATH VALUE, ! field PATH, ! field PATH VALUE")
	}
}

func resolve(ts *testscript.TestScript, neg bool, args []string) {
	name := "seller"
	if len(args) == 3 && args[0] == "-key" {
		name, args = args[1], args[2:]
	}
	if len(args) != 1 {
		ts.Fatalf("usage: resolve [-key NAME] TOKEN")
	}
	payload, err := json.Marshal(map[string]string{"RegistrationToken": args[0]})
	ts.Check(err)
	callOperation(ts, neg, sampleKey(ts, name), "ResolveCustomer", payload)
}

var marketNow = regexp.MustCompile(`\bNOW([+-][0-9]+)?\b`)

func call(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value("souk").(*scripted)
	name, role := "seller", ""
	if len(args) == 4 && args[0] == "-key" {
		name, args = args[1], args[2:]
	}
	if len(args) == 4 && args[0] == "-role" {
		role, args = args[1], args[2:]
	}
	if len(args) != 2 {
		ts.Fatalf("usage: call [-key NAME | -role ARN] OPERATION JSON")
	}
	client, err := admin.NewClient(s.info.Control, "")
	ts.Check(err)
	clock, err := client.Clock(context.Background())
	ts.Check(err)
	payload := marketNow.ReplaceAllStringFunc(args[1], func(text string) string {
		n, _ := strconv.ParseInt(strings.TrimPrefix(text, "NOW"), 10, 64) // "" is 0
		return strconv.FormatInt(clock.Now.Unix()+n, 10)
	})
	key := sampleKey(ts, name)
	if role != "" {
		session, err := client.IssueSession(context.Background(), admin.SessionInput{RoleARN: role, SessionName: "task-1"})
		ts.Check(err)
		key = sigv4.Key{AccessKeyID: session.AccessKeyID, Secret: session.Secret, SessionToken: session.Token}
	}
	callOperation(ts, neg, key, args[0], []byte(payload))
}

func sampleKey(ts *testscript.TestScript, name string) sigv4.Key {
	for _, k := range ts.Value("souk").(*scripted).info.Keys {
		if k.Name == name {
			return sigv4.Key{AccessKeyID: k.AccessKeyID, Secret: k.SecretAccessKey}
		}
	}
	return sigv4.Key{}
}

// callOperation calls the AWS face in JSON.
func callOperation(ts *testscript.TestScript, neg bool, key sigv4.Key, operation string, payload []byte) {
	s := ts.Value("souk").(*scripted)
	if s.end == nil {
		ts.Fatalf("%s: no souk runs", operation)
	}
	service := "AWSMPMeteringService"
	if operation == "GetEntitlements" {
		service = "AWSMPEntitlementService"
	}
	req, err := http.NewRequest(http.MethodPost, s.info.Endpoint+"/", bytes.NewReader(payload))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", service+"."+operation)
	sigv4.Sign(req, payload, key, s.info.Region, "aws-marketplace", time.Now())
	res, err := scriptClient().Do(req)
	if err != nil {
		fmt.Fprintf(ts.Stdout(), "no answer: %v\n", err)
		if !neg {
			ts.Fatalf("%s: %v", operation, err)
		}
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s\n", res.StatusCode, body)
	if ok := res.StatusCode == http.StatusOK; ok == neg {
		ts.Fatalf("%s: status %d: %s", operation, res.StatusCode, body)
	}
}

func scriptClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
}

func fetch(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: fetch URL")
	}
	res, err := scriptClient().Get(args[0])
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", body)
	if ok := res.StatusCode == http.StatusOK; ok == neg {
		ts.Fatalf("fetch %s: status %d", args[0], res.StatusCode)
	}
}

// runSouk runs a command in this process.
func runSouk(t *testing.T, getenv func(string) string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &out, &errs, getenv)
	return status, out.String(), errs.String()
}

// environment is a process's, made of NAME=VALUE.
func environment(vars ...string) func(string) string {
	return func(name string) string {
		for _, v := range vars {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}
