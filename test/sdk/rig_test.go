package sdk

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/test/process"
)

// rig is one client and the Souk that it talks to.
type rig struct {
	*process.Souk
	t      *testing.T // of the case under way
	lang   language
	client *client

	remark string // what the case wants said in the matrix
	stage  *stage // what the table set up; nil if nothing
}

// newRig starts a Souk, and a client of it. Both end with the test.
func newRig(t *testing.T, l language, p program, quotas string) *rig {
	s := startSouk(t, quotas)
	return &rig{Souk: s, t: t, lang: l, client: l.start(t, p, s.Endpoint)}
}

func startSouk(t *testing.T, quotas string) *process.Souk {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if quotas != "off" && quotas != "aws" {
		quotas = quotaFile(t, quotas)
	}
	s, err := process.StartBinary(ctx, path, "dev", "--quotas", quotas)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// at is the rig in the hands of a case.
func (r *rig) at(t *testing.T) *rig {
	c := *r
	c.t, c.remark = t, ""
	return &c
}

// control makes a request of the control API.
func (r *rig) control(method, path string, in, out any) {
	r.t.Helper()
	if err := r.Call(r.t.Context(), method, path, in, out); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) buy(kind string) process.Purchase {
	r.t.Helper()
	p, err := r.Buy(r.t.Context(), r.Product(kind).ProductCode)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// token is a fresh one.
func (r *rig) token() string {
	r.t.Helper()
	return r.buy("legacy").RegistrationToken
}

// fault adds a rule about an operation for the rest of the case.
func (r *rig) fault(operation string, rule map[string]any) {
	r.t.Helper()
	rule["operation"] = operation
	r.control(http.MethodPost, "/api/v1/faults", rule, nil)
	r.t.Cleanup(func() { // by when the context of the test has ended
		if err := r.Call(context.Background(), http.MethodDelete, "/api/v1/faults", nil, nil); err != nil {
			r.t.Error(err)
		}
	})
}

// as is the environment of a caller: a sample key by name.
func (r *rig) as(name string) map[string]string {
	r.t.Helper()
	k := r.Key(name)
	if k.AccessKeyID == "" {
		r.t.Fatalf("there is no sample key %q", name)
	}
	return credentials(r.Region, k.AccessKeyID, k.SecretAccessKey, "")
}

// credentials is the environment of a caller. botocore reads another name for the Region than the other SDKs do.
func credentials(region, id, secret, session string) map[string]string {
	env := map[string]string{
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret,
	}
	if session != "" {
		env["AWS_SESSION_TOKEN"] = session
	}
	return env
}

// with is env with a variable more, or changed.
func with(env map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for k, v := range env {
		if k != name {
			out[k] = v
		}
	}
	return out
}

// exchange is all that came of a call.
type exchange struct {
	service string // of the calls
	replies []reply
	wire    []wireRequest // on the AWS face, in order
}

// wireRequest is what Souk's request record says of a request.
type wireRequest struct {
	ID           string       `json:"id"`
	Seq          uint64       `json:"seq"`
	Operation    string       `json:"operation"`
	Protocol     string       `json:"protocol"`
	Target       string       `json:"target"`
	Headers      []wireHeader `json:"headers"`
	Attempt      int          `json:"attempt"`
	Principal    string       `json:"principal"`
	Region       string       `json:"region"`
	Status       int          `json:"status"` // 0: the connection was cut
	Outcome      string       `json:"outcome"`
	ErrorMessage string       `json:"error_message"`
	Reason       string       `json:"reason"`
	Body         string       `json:"body"`
	BodySize     int          `json:"body_size"`
	FaultEffect  string       `json:"fault_effect"`
	DurationUS   int64        `json:"duration_us"`
	Response     string       `json:"response"`
	Warning      string       `json:"warning"`
}

type wireHeader struct{ Name, Value string }

func (q *wireRequest) header(name string) string {
	for _, h := range q.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// callTimeout outlasts boto3's slowest run of retries: up to 15 s of pauses.
const callTimeout = 90 * time.Second

// do makes a call and reads back what it was on the wire.
func (r *rig) do(c call) exchange {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), callTimeout)
	defer cancel()
	c.Protocol = r.lang.choice
	begin := r.mark()
	replies, err := r.client.do(ctx, c)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(replies) != len(c.Calls) {
		r.t.Fatalf("%d replies to %d calls", len(replies), len(c.Calls))
	}
	end := r.mark()
	return exchange{service: c.Calls[0].Service, replies: replies, wire: r.between(begin, end)}
}

// call makes calls, one after the other, with one client.
func (r *rig) call(env map[string]string, calls ...apiCall) exchange {
	r.t.Helper()
	return r.do(call{Env: env, Calls: calls})
}

// resolve makes a call with one token.
func (r *rig) resolve(env map[string]string, token string) exchange {
	r.t.Helper()
	return r.call(env, resolveCall(&token))
}

// resolveCall is a call of ResolveCustomer; nil is none at all.
func resolveCall(token *string) apiCall {
	c := apiCall{Service: metering, Operation: "ResolveCustomer", Input: members{}}
	if token != nil {
		c.Input["RegistrationToken"] = *token
	}
	return c
}

const markPath = "/mark/"

// mark leaves a request of our own in the record, and returns its place there. A record is kept after the answer has left: the
// mark, which is sent after the client has its answer, tells when the client's have all been.
func (r *rig) mark() uint64 {
	r.t.Helper()
	target := markPath + strconv.FormatInt(time.Now().UnixNano(), 10)
	res, err := http.Get(r.Endpoint + target)
	if err != nil {
		r.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	for range 200 {
		for _, q := range r.requests(20) {
			if q.Target == target {
				return q.Seq
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatalf("%s did not come to be in the request record", target)
	return 0
}

// requests are so many of the newest, newest first.
func (r *rig) requests(limit int) []wireRequest {
	r.t.Helper()
	var page struct{ Requests []wireRequest }
	r.control(http.MethodGet, "/api/v1/requests?limit="+strconv.Itoa(limit), nil, &page)
	return page.Requests
}

// whole is a request with its bodies in full, which lists do not have.
func (r *rig) whole(q wireRequest) (out wireRequest) {
	r.t.Helper()
	r.control(http.MethodGet, "/api/v1/requests/"+q.ID, nil, &out)
	return out
}

// between are the requests between two marks, oldest first, without the marks among them.
func (r *rig) between(begin, end uint64) []wireRequest {
	r.t.Helper()
	var out []wireRequest
	for _, q := range r.requests(300) {
		if begin < q.Seq && q.Seq < end && !strings.HasPrefix(q.Target, markPath) {
			out = append([]wireRequest{q}, out...)
		}
	}
	return out
}

// send makes a request without an SDK.
func send(t *testing.T, req *http.Request) (status int, answer string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
