package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

// protocols are those that every operation is tested in.
var protocols = []awsproto.Protocol{awsproto.JSON11, awsproto.JSON10, awsproto.CBOR}

// m is a structure of a request. Its values are strings, ints, int64s, float64s, bools, time.Times, nil, ms and lists of any.
type m map[string]any

type list []any

func asJSON(v any) any {
	switch v := v.(type) {
	case m:
		out := map[string]any{}
		for name, value := range v {
			out[name] = asJSON(value)
		}
		return out
	case list:
		out := make([]any, len(v))
		for i := range v {
			out[i] = asJSON(v[i])
		}
		return out
	case time.Time:
		return json.Number(fmt.Sprintf("%d.%03d", v.Unix(), v.Nanosecond()/1e6))
	}
	return v
}

func asCBOR(v any) cbor.Value {
	switch v := v.(type) {
	case nil:
		return &cbor.Nil{}
	case m:
		out := cbor.Map{}
		for name, value := range v {
			out[name] = asCBOR(value)
		}
		return out
	case list:
		out := cbor.List{}
		for _, value := range v {
			out = append(out, asCBOR(value))
		}
		return out
	case time.Time:
		return &cbor.Tag{ID: 1, Value: cbor.Float64(float64(v.UnixMilli()) / 1000)}
	case string:
		return cbor.String(v)
	case bool:
		return cbor.Bool(v)
	case float64:
		return cbor.Float64(v)
	case int:
		return asCBOR(int64(v))
	case int64:
		if v < 0 {
			return cbor.NegInt(-v)
		}
		return cbor.Uint(v)
	}
	panic(fmt.Sprintf("%T", v))
}

// plainCBOR is what encoding/json would have made of the same answer.
func plainCBOR(t testing.TB, v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		out := map[string]any{}
		for name, value := range v {
			out[name] = plainCBOR(t, value)
		}
		return out
	case cbor.List:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainCBOR(t, v[i])
		}
		return out
	case *cbor.Tag:
		if v.ID != 1 {
			t.Errorf("tag %d", v.ID)
		}
		return plainCBOR(t, v.Value)
	case cbor.String:
		return string(v)
	case cbor.Bool:
		return bool(v)
	case cbor.Uint:
		return float64(v)
	case cbor.NegInt:
		return -float64(v)
	case cbor.Float64:
		return float64(v)
	case cbor.Float32:
		return float64(v)
	}
	t.Errorf("unexpected CBOR: %T", v)
	return nil
}

// operationRequest is an unsigned request of an operation.
func (s *souk) operationRequest(p awsproto.Protocol, op string, body []byte) *http.Request {
	s.t.Helper()
	i := slices.IndexFunc(operations, func(o *operation) bool { return o.name == op })
	if i < 0 {
		s.t.Fatalf("there is no operation %s", op)
	}
	path, service := "", operations[i].service
	if p == awsproto.CBOR {
		path = "service/" + service + "/operation/" + op
	}
	r, err := http.NewRequest(http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", p.Codec().ContentType())
	if p == awsproto.CBOR {
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		r.Header.Set("Accept", "application/cbor")
	} else {
		r.Header.Set("X-Amz-Target", service+"."+op)
	}
	return r
}

func encode(p awsproto.Protocol, in m) []byte {
	if p == awsproto.CBOR {
		return cbor.Encode(asCBOR(in))
	}
	b, err := json.Marshal(asJSON(in))
	if err != nil {
		panic(err)
	}
	return b
}

// call makes a call of an operation, signed.
func (s *souk) call(p awsproto.Protocol, op string, in m, k sigv4.Key, region string) answer {
	s.t.Helper()
	return s.answerTo(p, sign(s.operationRequest(p, op, encode(p, in)), k, region, time.Now()))
}

// answerTo reads an answer in the protocol of its request.
func (s *souk) answerTo(p awsproto.Protocol, r *http.Request) answer {
	s.t.Helper()
	res, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.decode(p, res)
}

func (s *souk) decode(p awsproto.Protocol, res *http.Response) answer {
	s.t.Helper()
	if ct := res.Header.Get("Content-Type"); ct != p.Codec().ContentType() {
		s.t.Errorf("Content-Type is %q, in %s", ct, p)
	}
	if p != awsproto.CBOR {
		return s.read(res)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		s.t.Error("Smithy-Protocol is missing: no CBOR client would read this")
	}
	v, err := cbor.Decode(b)
	if err != nil {
		s.t.Fatalf("%x: %v", b, err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: fmt.Sprintf("%v", plainCBOR(s.t, v))}
	a.members, _ = plainCBOR(s.t, v).(map[string]any)
	if typ, ok := a.members["__type"].(string); ok {
		a.namespace, a.members["__type"], _ = strings.Cut(typ, "#")
	}
	return a
}

// recordOf is the record of the request that was answered.
func (s *souk) recordOf(a answer) reqlog.View {
	s.t.Helper()
	return s.record(a.header.Get("x-amzn-RequestId"))
}

// session is the key of a role's session.
func (s *souk) session(accountID, role, name string) sigv4.Key {
	s.t.Helper()
	issued, err := s.Credentials.IssueSession(account.SessionInput{RoleARN: "arn:aws:iam::" + accountID + ":role/" + role, Name: name, Life: time.Hour})
	if err != nil {
		s.t.Fatal(err)
	}
	return sigv4.Key{AccessKeyID: issued.AccessKeyID, Secret: issued.Secret, SessionToken: issued.Token}
}

// with is a copy of a structure, changed; a value of gone takes the member out.
func with(in m, changes m) m {
	out := maps.Clone(in)
	for name, value := range changes {
		if value == gone {
			delete(out, name)
		} else {
			out[name] = value
		}
	}
	return out
}

var gone = struct{ gone int }{}

// refusal is a row of a table of calls that fail.
type refusal struct {
	name   string
	in     m
	key    sigv4.Key
	region string // "" is us-east-1
	status int
	code   string
	text   string // "": the code's usual one; "…" at its end stands for any more
	reason string // part of what only the record says
}

// refused runs a table in every protocol, and looks into the records.
func (s *souk) refused(op string, table []refusal) {
	for _, p := range protocols {
		for _, tt := range table {
			s.t.(*testing.T).Run(p.String()+"/"+tt.name, func(t *testing.T) {
				region, text := tt.region, tt.text
				if region == "" {
					region = "us-east-1"
				}
				if text == "" {
					text = shapes[tt.code].message
				}
				a := s.call(p, op, tt.in, tt.key, region)
				message := a.message()
				if begin, ok := strings.CutSuffix(text, "…"); ok && strings.HasPrefix(message, begin) {
					message = text
				}
				if a.status != tt.status || a.code() != tt.code || message != text {
					t.Errorf("got  %d %s %q,\nwant %d %s %q", a.status, a.code(), a.message(), tt.status, tt.code, text)
				}
				service := operations[slices.IndexFunc(operations, func(o *operation) bool { return o.name == op })].service
				if want := awsproto.Namespace(service); p == awsproto.CBOR && shapes[tt.code].modeled && a.namespace != want {
					t.Errorf("its namespace is %s, want %s", a.namespace, want)
				}
				v := s.recordOf(a)
				if !strings.Contains(v.Reason, tt.reason) || v.Operation != op || v.Outcome != tt.code {
					t.Errorf("the record has %s %s, for the reason %q; want %q", v.Operation, v.Outcome, v.Reason, tt.reason)
				}
				if tt.reason != "" && strings.Contains(a.body, tt.reason) {
					t.Errorf("the caller is told: %s", a.body)
				}
			})
		}
	}
}

// nothingMetered fails if there is usage.
func (s *souk) nothingMetered() {
	s.t.Helper()
	if n := len(s.usage()); n > 0 {
		s.t.Errorf("%d usage records are kept", n)
	}
}

// usage is everything that was metered.
func (s *souk) usage() []market.UsageRecord {
	s.t.Helper()
	records, err := s.Service.Usage(s.t.Context(), market.Operator(), market.UsageFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	return records
}
