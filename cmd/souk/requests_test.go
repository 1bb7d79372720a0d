package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/reqlog"
)

// souk runs a command against a node, as a shell would.
func souk(t *testing.T, n *node, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	status = run(t.Context(), append(args, "--control", n.Control), strings.NewReader(""), &out, &problems, noEnv)
	return status, out.String(), problems.String()
}

// soukJSON is souk with --json. It must succeed.
func soukJSON(t *testing.T, n *node, v any, args ...string) {
	t.Helper()
	status, stdout, stderr := souk(t, n, append(args, "--json")...)
	if status != 0 || stderr != "" {
		t.Fatalf("%q: exit status %d, stderr %s", args, status, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), v); err != nil {
		t.Fatalf("%q: %v in %s", args, err, stdout)
	}
}

// traffic makes one request of each kind: answered, refused for each reason, struck by a fault, not understood.
func traffic(t *testing.T, n *node) {
	t.Helper()
	c := controlOf(t, n, "")
	d := &demo{ctx: t.Context(), out: io.Discard, node: n, info: n.Info()}
	for _, p := range n.Info().Products {
		bought, err := c.Buy(t.Context(), admin.PurchaseInput{ProductCode: p.ProductCode})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"seller", "other-seller", "seller-denied", "nobody"} {
			d.resolve(key, bought.RegistrationToken, false)
		}
		var rule struct{ ID string }
		soukFault(t, n, &rule)
		d.resolve("seller", bought.RegistrationToken, false)
		if err := c.RemoveFault(t.Context(), rule.ID); err != nil {
			t.Fatal(err)
		}
	}
	nonsense(t, n)
}

// soukFault makes the answers be lost.
func soukFault(t *testing.T, n *node, rule any) {
	t.Helper()
	res, err := http.Post(n.Control+"/api/v1/faults", "application/json", strings.NewReader(`{"lose": true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(rule); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("%s, %v", res.Status, err)
	}
}

func nonsense(t *testing.T, n *node) {
	t.Helper()
	res, err := http.Post(n.Endpoint, "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
}

type requestList struct{ Requests []reqlog.View }

func ids(list []reqlog.View) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, v.ID)
	}
	return out
}

// What follow filters by itself, and what the server filters for list, are the same requests.
func TestRequestFilter(t *testing.T) {
	t.Parallel()
	n := startTest(t, nil)
	traffic(t, n)
	var all requestList
	soukJSON(t, n, &all, "requests", "list", "--limit", "0")
	if len(all.Requests) != 11 {
		t.Fatalf("%d requests, want 11", len(all.Requests))
	}
	product := n.Info().Products[0].ProductCode
	for _, f := range []requestFilter{
		{}, {Operation: "ResolveCustomer"}, {Operation: "resolvecustomer"}, {Outcome: "ok"}, {Outcome: "error"}, {Outcome: "cut"},
		{Outcome: "InvalidTokenException"}, {Principal: "user/seller"}, {Principal: "444455556666"}, {Principal: "AKIASOUKDENIED2EXAMP"},
		{Principal: "AKIASOUK"}, {Product: product}, {Product: product, Outcome: "error", Principal: "other"}, {Product: "none"},
	} {
		want := []string{}
		for _, v := range all.Requests {
			if f.match(&v) {
				want = append(want, v.ID)
			}
		}
		var got requestList
		soukJSON(t, n, &got, "requests", "--operation", f.Operation, "--outcome", f.Outcome, "--principal", f.Principal, "--product", f.Product)
		if diff := cmp.Diff(want, ids(got.Requests)); diff != "" {
			t.Errorf("%+v: by follow, by list (-, +):\n%s", f, diff)
		}
	}
}

// The newest are last, however many pages they come in, and a cell of the table stands under its head.
func TestRequestsList(t *testing.T) {
	t.Parallel()
	n := startTest(t, func(c *nodeConfig) { c.Requests = 3000 })
	traffic(t, n)
	for range maxPage {
		nonsense(t, n)
	}
	for limit, want := range map[int]int{0: 1011, 1: 1, 1000: 1000, 1001: 1001, 2000: 1011} {
		var got requestList
		soukJSON(t, n, &got, "requests", "list", "--limit", fmt.Sprint(limit))
		if len(got.Requests) != want {
			t.Fatalf("--limit %d: %d requests, want %d", limit, len(got.Requests), want)
		}
		for i, v := range got.Requests {
			if want := uint64(1011 - len(got.Requests) + i + 1); v.Seq != want {
				t.Fatalf("--limit %d: request %d is number %d, want %d", limit, i, v.Seq, want)
			}
		}
	}
	status, stdout, stderr := souk(t, n, "requests", "--product", n.Info().Products[0].ProductCode, "--limit", "2")
	lines := strings.Split(strings.TrimRight(stdout, "\n"), "\n")
	if status != 0 || len(lines) != 3 || !strings.Contains(stderr, "--limit") || strings.Contains(stdout, "\x1b") {
		t.Fatalf("exit status %d\n%s%s", status, stdout, stderr)
	}
	for _, column := range []struct{ head, cell string }{{"OUTCOME", "InvalidTokenException"}, {"PRINCIPAL", "444455556666:user/other-seller"},
		{"WHY", "the product was published by account 111122223333, the call comes from account 444455556666"}} {
		i := strings.Index(lines[0], column.head)
		if cells := []rune(lines[1]); i < 0 || !strings.HasPrefix(string(cells[i:]), column.cell) { // a character may be several bytes
			t.Errorf("%s is not over %q:\n%s", column.head, column.cell, stdout)
		}
	}
	if !strings.HasSuffix(lines[2], "fault rule flt-1: lose") || !strings.Contains(lines[2], "  cut  ") {
		t.Errorf("the request that a fault struck: %s", lines[2])
	}
	if status, stdout, stderr := souk(t, n, "requests", "--product", "none"); status != 0 || stdout != "" || stderr != "no requests to list\n" {
		t.Errorf("nothing to list: exit status %d, %q, %q", status, stdout, stderr)
	}
}

// lockedBuffer is written by one goroutine and read by another.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// follow runs `souk requests follow` until it has printed marker, making requests all the while.
func follow(t *testing.T, n *node, marker string, args ...string) (stdout, stderr *lockedBuffer, stop func(), done <-chan int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stderr = new(lockedBuffer), new(lockedBuffer)
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"requests", "follow", "--control", n.Control}, args...), strings.NewReader(""), stdout, stderr, noEnv)
	}()
	t.Cleanup(cancel)
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(stdout.String(), marker); {
		if time.Now().After(deadline) {
			t.Fatalf("%q was not printed:\n%s%s", marker, stdout, stderr)
		}
		nonsense(t, n)
		time.Sleep(5 * time.Millisecond)
	}
	return stdout, stderr, cancel, ended
}

// Only what matches is printed, until the interrupt.
func TestRequestsFollow(t *testing.T) {
	t.Parallel()
	n := startTest(t, nil)
	stdout, stderr, stop, done := follow(t, n, `"outcome"`, "--json", "--outcome", "UnknownOperationException")
	traffic(t, n) // its last request matches
	var newest requestList
	soukJSON(t, n, &newest, "requests", "--limit", "1")
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(stdout.String(), newest.Requests[0].ID); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("request %s was not printed:\n%s", newest.Requests[0].ID, stdout)
		}
	}
	stop()
	if status := <-done; status != 0 || stderr.String() != "" {
		t.Errorf("interrupted: exit status %d, %s", status, stderr)
	}
	for line := range strings.Lines(stdout.String()) {
		var v reqlog.View
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Outcome != "UnknownOperationException" {
			t.Errorf("%v in %s", err, line)
		}
	}
}

// All is printed in columns, and the end of the Souk is the end of following.
func TestRequestsFollowToTheEnd(t *testing.T) {
	t.Parallel()
	n, err := startNode(t.Context(), devConfig(), noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, _, done := follow(t, n, "UnknownOperationException")
	before := stdout.String()
	traffic(t, n)
	for deadline := time.Now().Add(20 * time.Second); strings.Count(stdout.String(), "\n") < strings.Count(before, "\n")+11; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("11 more requests were not printed:\n%s", stdout)
		}
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if status := <-done; status != 0 || stderr.String() != "the souk has shut down\n" {
		t.Errorf("exit status %d, %q", status, stderr)
	}
	lines := slices.Collect(strings.Lines(stdout.String()))
	for _, line := range lines {
		if strings.Index(lines[0], "REQUEST ID") < 100 || len(line) < 140 || line[20:22] != "  " || line[49:51] != "  " || line[51] == ' ' {
			t.Errorf("out of line:\n%s%s", lines[0], line)
		}
	}
}

// A follower that did not keep up is told what it missed.
func TestRequestsFollowMissed(t *testing.T) {
	t.Parallel()
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, seq := range []int{7, 8, 12, 13} {
			fmt.Fprintf(w, "data: {\"id\":\"request-%d\",\"seq\":%d,\"outcome\":\"ok\"}\n\n", seq, seq)
		}
	}))
	defer slow.Close()
	var out, problems bytes.Buffer
	status := run(t.Context(), []string{"requests", "follow", "--control", slow.URL}, nil, &out, &problems, noEnv)
	want := "souk: missed 3 requests: they came faster than they could be printed\nthe souk has shut down\n"
	if status != 0 || strings.Count(out.String(), "request-") != 4 || problems.String() != want {
		t.Errorf("exit status %d, %q\n%s", status, &problems, &out)
	}
}

func TestRequestsFollowNobody(t *testing.T) {
	t.Parallel()
	var out, problems bytes.Buffer
	status := run(t.Context(), []string{"requests", "follow", "--json", "--control", "127.0.0.1:1"}, nil, &out, &problems, noEnv)
	if status != exitFailed || out.String() != "" || !strings.HasPrefix(problems.String(), "souk: no souk is listening at http://127.0.0.1:1") {
		t.Errorf("exit status %d, %q, %q", status, &out, &problems)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := columns{3, 2, 0}
	for _, row := range [][]string{{"A", "B", "C"}, {"aaaa", paint(true, colourOK, "é"), "c"}, {"a", "b", ""}} {
		if err := c.print(&app{stdout: &out}, row); err != nil {
			t.Fatal(err)
		}
	}
	if want := "A    B   C\naaaa  \x1b[32mé\x1b[0m   c\na     b\n"; out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		view reqlog.View
		want string
	}{
		{reqlog.View{}, ""},
		{reqlog.View{Authz: &reqlog.AuthzView{Allowed: true, Why: "allowed by statement 0"}}, ""},
		{reqlog.View{Authz: &reqlog.AuthzView{Why: "no policy allows it"}, Warning: "odd"}, "no policy allows it; odd"},
		{reqlog.View{Reason: "used up"}, "used up"},
		{reqlog.View{FaultID: "flt-1", FaultEffect: "cut", Reason: "fault rule flt-1"}, "fault rule flt-1: cut"},
		{reqlog.View{FaultID: "flt-1", FaultEffect: "delay", Reason: "used up"}, "fault rule flt-1: delay; used up"},
	} {
		if got := why(&c.view); got != c.want {
			t.Errorf("why(%+v) = %q, want %q", c.view, got, c.want)
		}
	}
}

func TestTook(t *testing.T) {
	t.Parallel()
	for us, want := range map[int64]string{0: "0s", 87: "87µs", 1234: "1.23ms", 29_999: "30ms", 2_345_678: "2.35s", 61_000_000: "1m1s"} {
		if got := took(&reqlog.View{DurationUS: us}); got != want {
			t.Errorf("took(%d) = %q, want %q", us, got, want)
		}
	}
}
