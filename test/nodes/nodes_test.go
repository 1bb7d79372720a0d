// Package nodes holds several real souk processes on one PostgreSQL to what a single one keeps: what one is told, all know within a second, and nothing
// is counted twice because there are many.
//
// Tests are skipped where there is no PostgreSQL, and fail there under CI=true.
package nodes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/internal/sigv4"
	"github.com/souk-market/souk/test/process"
)

func TestMain(m *testing.M) {
	os.Setenv("SOUK_STORE_KEY", strings.Repeat("6e", 32)) // of all nodes
	code := m.Run()
	pgtest.Release()
	process.RemoveBinary()
	os.Exit(code)
}

const (
	seller       = "111122223333"
	analytics    = "7gs5x0soukanalytics0legac" // metered by product code
	vaultProduct = "3kq9v1soukvaultconcurrent" // a contract of a year
	anyCompany   = "222233334444"
	exampleCorp  = "777788889999"
)

var sellerKey = sigv4.Key{AccessKeyID: "AKIASOUKSELLER2EXAMP", Secret: "souk+sample/seller/NOT+A+SECRET/EXAMPLE1"}

// promise is within what time a change on one node holds on every other.
const promise = time.Second

// cluster is some nodes on a database of their own.
type cluster struct {
	t     *testing.T
	url   string
	nodes []*process.Souk

	buyers *int // made so far
}

// start prepares a database, fills it through the first of n nodes, and stops them with the test.
func start(t *testing.T, server *pgtest.Server, n int, args ...string) *cluster {
	t.Helper()
	_, url := server.Database(t, "")
	c := &cluster{t: t, url: url, buyers: new(int)}
	binary, err := process.Binary()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(binary, "init", "--store", url).CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	for range n {
		c.add(args...)
	}
	world, err := os.ReadFile("../../cmd/souk/sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.control(0, http.MethodPut, "/api/v1/world", world, nil)
	for node := range c.nodes {
		c.within("the seller's key is known", func() bool { return c.resolve(node, sellerKey, "none") == "InvalidTokenException" })
	}
	return c
}

// add starts one more node.
func (c *cluster) add(args ...string) *process.Souk {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	s, err := process.Start(ctx, append([]string{"serve", "--store", c.url}, args...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes = append(c.nodes, s)
	c.t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			c.t.Error(err)
		}
	})
	return s
}

// control makes a request of a node's control API.
func (c *cluster) control(node int, method, path string, in, out any) {
	c.t.Helper()
	if err := c.nodes[node].Call(c.t.Context(), method, path, in, out); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) buy(node int, product, buyer string) (p process.Purchase) {
	c.t.Helper()
	c.control(node, http.MethodPost, "/api/v1/purchases", map[string]string{"product_code": product, "buyer": buyer}, &p)
	return p
}

// newBuyer makes an account that buys.
func (c *cluster) newBuyer() string {
	c.t.Helper()
	*c.buyers++
	id := fmt.Sprintf("5%011d", *c.buyers)
	c.control(0, http.MethodPut, "/api/v1/world", fmt.Appendf(nil, "version: 1\naccounts:\n  - {id: %q, name: Buyer, buyer: true}\n", id), nil)
	return id
}

// answer is what a call of the AWS face came to.
type answer struct {
	Status int
	Code   string // of an error
	Body   map[string]any
}

// call makes a call of the Metering Service on a node.
func call(ctx context.Context, s *process.Souk, key sigv4.Key, operation string, in any) (answer, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSMPMeteringService."+operation)
	sigv4.Sign(req, body, key, "us-east-1", "aws-marketplace", time.Now())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{Status: res.StatusCode}
	if err := json.Unmarshal(b, &a.Body); err != nil {
		return answer{}, fmt.Errorf("%s: %q: %w", res.Status, b, err)
	}
	if code, ok := a.Body["__type"].(string); ok {
		a.Code = code[strings.LastIndex(code, "#")+1:]
	}
	return a, nil
}

func (c *cluster) call(node int, key sigv4.Key, operation string, in any) answer {
	c.t.Helper()
	a, err := call(c.t.Context(), c.nodes[node], key, operation, in)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// resolve is the error code of a call of ResolveCustomer, "" for none.
func (c *cluster) resolve(node int, key sigv4.Key, token string) string {
	c.t.Helper()
	return c.call(node, key, "ResolveCustomer", map[string]string{"RegistrationToken": token}).Code
}

// within waits until what is true, for as long as the promise allows from now.
func (c *cluster) within(what string, holds func() bool) {
	c.t.Helper()
	begun := time.Now()
	for !holds() {
		if time.Since(begun) > promise {
			c.t.Fatalf("%s: not within %s", what, promise)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if took := time.Since(begun); took > promise/10 {
		c.t.Logf("%s after %s", what, took.Round(time.Millisecond))
	}
}

// cutListeners cuts the connections over which nodes are notified, again and again, until stop is called.
func (c *cluster) cutListeners() (stop func()) {
	return c.repeat(20*time.Millisecond, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
}

// cutConnections cuts a third of all connections to the database, again and again, until stop is called.
func (c *cluster) cutConnections(every time.Duration) (stop func()) {
	return c.repeat(every, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.33`)
}

// repeat runs a statement again and again.
func (c *cluster) repeat(every time.Duration, statement string) (stop func()) {
	c.t.Helper()
	conn, err := pgx.Connect(c.t.Context(), c.url)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(c.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := conn.Exec(context.WithoutCancel(ctx), statement); err != nil {
				c.t.Error(err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(every):
			}
		}
	}()
	return func() {
		cancel()
		<-done
		conn.Close(context.Background())
	}
}

// clock is the market's time on a node.
func (c *cluster) clock(node int) time.Time {
	c.t.Helper()
	var state struct {
		Now time.Time `json:"now"`
	}
	c.control(node, http.MethodGet, "/api/v1/clock", nil, &state)
	return state.Now
}

// event is a line of an agreement's history.
type event struct {
	Kind string `json:"kind"`
}

// record is a usage record, as the control API lists it.
type record struct {
	RecordID string `json:"record_id"`
}
