package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/reqlog"
)

var fullList = reqlog.Filter{Limit: 1000}

func headers(list []reqlog.Header) string {
	var b strings.Builder
	for _, h := range list {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	return b.String()
}

// raw writes bytes and reads one answer.
func (s *souk) raw(request string) answer {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	go func() { _, _ = io.WriteString(c, request) }() // the server may answer, and stop reading, before it has it all
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		s.t.Fatalf("%.60q…: %v", request, err)
	}
	return s.read(res)
}

// What net/http answers by itself, before any handler, is an AWS error too.
func TestBareAnswers(t *testing.T) {
	s := start(t)
	post := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\n"
	tests := []struct {
		name, request string
		status        int
		code          string
	}{
		{"headers of 20 KiB", post + "X-Long: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", 413, "RequestEntityTooLargeException"},
		{"many headers", post + strings.Repeat("X-A: b\r\n", 4000) + "\r\n", 413, "RequestEntityTooLargeException"},
		{"request line of 20 KiB", "POST /" + strings.Repeat("x", 20<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", 413, "RequestEntityTooLargeException"},
		{"no HTTP", "hello\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"bad escape in the path", "POST /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"no Host", "POST / HTTP/1.1\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"two Hosts", "POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"HTTP/3.0", "POST / HTTP/3.0\r\nHost: x\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404, "UnknownOperationException"},
		{"two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "MalformedHttpRequestException"},
		{"negative length", post + "Content-Length: -1\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"unknown transfer coding", post + "Transfer-Encoding: gzip\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"space before the colon", "POST / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n", 400, "MalformedHttpRequestException"},
		{"unknown expectation", post + "Expect: miracles\r\nContent-Length: 2\r\n\r\n{}", 400, "MalformedHttpRequestException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a := s.raw(tt.request); a.status != tt.status || a.code() != tt.code || a.message() == "" {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
}

func TestOddRequests(t *testing.T) {
	s := start(t)
	p := s.buy(legacyCode)
	json := `{"RegistrationToken":"` + p.Token + `"}`
	signed := func(method, path, proto, contentType, body string) string {
		r, _ := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
		sign(r, sellerKey, "us-east-1", time.Now())
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s %s\r\nHost: %s\r\nContent-Length: %d\r\n", method, path, proto, s.addr, len(body))
		_ = r.Header.Write(&b)
		b.WriteString("\r\n" + body)
		return b.String()
	}
	const ct = "application/x-amz-json-1.1"
	tests := []struct {
		name, request string
		status        int
		code          string
	}{
		{"plain", signed("POST", "/", "HTTP/1.1", ct, json), 200, ""},
		{"HTTP/1.0", signed("POST", "/", "HTTP/1.0", ct, json), 200, ""},
		{"JSON 1.0", signed("POST", "/", "HTTP/1.1", "application/x-amz-json-1.0", json), 200, ""},
		{"charset", signed("POST", "/", "HTTP/1.1", ct+"; charset=utf-8", json), 200, ""},
		{"application/json", signed("POST", "/", "HTTP/1.1", "application/json", json), 200, ""},
		{"base path", signed("POST", "/base%20x", "HTTP/1.1", ct, json), 200, ""},
		{"unclean path", signed("POST", "/a//b/../c/", "HTTP/1.1", ct, json), 200, ""},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, "UnknownOperationException"},
		{"GET", signed("GET", "/", "HTTP/1.1", ct, json), 404, "UnknownOperationException"},
		{"OPTIONS", signed("OPTIONS", "/", "HTTP/1.1", ct, json), 404, "UnknownOperationException"},
		{"PUT", signed("PUT", "/", "HTTP/1.1", ct, json), 404, "UnknownOperationException"},
		{"form", signed("POST", "/", "HTTP/1.1", "application/x-www-form-urlencoded", json), 404, "UnknownOperationException"},
		{"no content type", signed("POST", "/", "HTTP/1.1", "", json), 404, "UnknownOperationException"},
		{"unknown member", signed("POST", "/", "HTTP/1.1", ct, `{"Extra":{"a":[1,{}]},"RegistrationToken":"`+p.Token+`"}`), 200, ""},
		{"member names in other case", signed("POST", "/", "HTTP/1.1", ct, `{"registrationToken":"`+p.Token+`"}`), 400, "ValidationException"},
		{"null", signed("POST", "/", "HTTP/1.1", ct, `{"RegistrationToken":null}`), 400, "ValidationException"},
		{"twice: the last counts", signed("POST", "/", "HTTP/1.1", ct, `{"RegistrationToken":"x","RegistrationToken":"`+p.Token+`"}`), 200, ""},
		{"ASCII-escaped", signed("POST", "/", "HTTP/1.1", ct, `{"RegistrationToken":"`+strings.NewReplacer("/", `\/`, "+", `\u002b`, "=", `\u003D`).Replace(p.Token)+`"}`), 200, ""},
		{"list", signed("POST", "/", "HTTP/1.1", ct, `[]`), 400, "SerializationException"},
		{"trailing data", signed("POST", "/", "HTTP/1.1", ct, json+"x"), 400, "SerializationException"},
		{"no body", signed("POST", "/", "HTTP/1.1", ct, ""), 400, "ValidationException"},
		{"deep", signed("POST", "/", "HTTP/1.1", ct, strings.Repeat(`{"a":`, 100000)+"1"+strings.Repeat("}", 100000)), 400, "SerializationException"},
		{"lone surrogate", signed("POST", "/", "HTTP/1.1", ct, `{"RegistrationToken":"\ud800"}`), 400, "*"},
		{"1 MiB and a byte", signed("POST", "/", "HTTP/1.1", ct, `{"RegistrationToken":"`+strings.Repeat("x", MaxBody)+`"}`), 413, "RequestEntityTooLargeException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.raw(tt.request)
			if a.status != tt.status || a.code() != tt.code && tt.code != "*" {
				t.Errorf("got %d %.300s", a.status, a.body)
			}
		})
	}
}

func TestChunked(t *testing.T) {
	s := start(t)
	p := s.buy(legacyCode)
	r := s.request(p.Token)
	sign(r, sellerKey, "us-east-1", time.Now())
	r.ContentLength = -1 // makes the client send it in chunks
	if a := s.do(r); a.status != 200 {
		t.Errorf("chunked: %s", a.body)
	}
	big := s.requestBody(bytes.Repeat([]byte(" "), MaxBody+1))
	big.ContentLength = -1
	if a := s.do(big); a.code() != "RequestEntityTooLargeException" {
		t.Errorf("chunked and too large: %s", a.body)
	}
}

// A client that hangs up in the middle leaves a record and nothing else behind.
func TestHangUps(t *testing.T) {
	before := runtime.NumGoroutine()
	s := start(t)
	head := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSMPMeteringService.ResolveCustomer\r\n"
	for _, sent := range []string{"", "POST", head, head + "Content-Length: 100\r\n\r\n{", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nab"} {
		for _, half := range []bool{false, true} {
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if half { // half-closed: the server can still answer
				_ = c.(*net.TCPConn).CloseWrite()
				_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
				b, _ := io.ReadAll(c)
				if len(b) > 0 && !bytes.Contains(b, []byte("application/x-amz-json-1.1")) {
					t.Errorf("after %q and a half-close: %q", sent, b)
				}
			}
			c.Close()
		}
	}
	client.CloseIdleConnections()
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before+6 && time.Now().Before(deadline) { // the server's accept loop and the store's own few
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before+6 {
		buf := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after\n%s", before, n, buf[:runtime.Stack(buf, true)])
	}
}

// CBOR callers get CBOR, whatever goes wrong.
func TestCBOR(t *testing.T) {
	s := start(t)
	p := s.buy(legacyCode)
	call := func(body []byte, signed bool) answer {
		r, err := http.NewRequest(http.MethodPost, s.url+"service/AWSMPMeteringService/operation/ResolveCustomer", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		r.Header.Set("Content-Type", "application/cbor")
		if signed {
			sign(r, sellerKey, "us-east-1", time.Now())
		}
		return s.do(r)
	}
	body := append([]byte("\xa1\x71RegistrationToken\x78"), byte(len(p.Token)))
	body = append(body, p.Token...)
	a := call(body, true)
	if a.status != 200 || !strings.Contains(a.body, p.Agreement.LicenseARN) || a.header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		t.Errorf("got %d %q %q", a.status, a.header, a.body)
	}
	for name, tt := range map[string]struct {
		a    answer
		code string
	}{
		"unsigned":      {call(body, false), "com.amazon.coral.service#MissingAuthenticationTokenException"},
		"invalid token": {call([]byte("\xa1\x71RegistrationToken\x61x"), true), "com.amazonaws.marketplacemetering#InvalidTokenException"},
		"broken":        {call([]byte("\xa1"), true), "#SerializationException"},
		"too large":     {call(make([]byte, MaxBody+1), true), "#RequestEntityTooLargeException"},
	} {
		if tt.a.header.Get("Content-Type") != "application/cbor" || !strings.Contains(tt.a.body, tt.code) {
			t.Errorf("%s: %s %q", name, tt.a.header.Get("Content-Type"), tt.a.body)
		}
	}
}

// What net/http answers by itself is in the caller's protocol too: in JSON, an SDK that speaks CBOR finds nothing in it.
func TestBareAnswersInCBOR(t *testing.T) {
	s := start(t)
	const post = "POST /service/AWSMPEntitlementService/operation/GetEntitlements HTTP/1.1\r\nHost: x\r\nSmithy-Protocol: rpc-v2-cbor\r\nContent-Type: application/cbor\r\n"
	for name, tt := range map[string]struct {
		request string
		status  int
		code    string
	}{
		"headers too large":       {post + "X-Long: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", 413, "RequestEntityTooLargeException"},
		"unknown transfer coding": {post + "Transfer-Encoding: gzip\r\n\r\n", 400, "MalformedHttpRequestException"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			in := bufio.NewReader(c)
			for _, sent := range []struct {
				request string
				status  int
				code    string
			}{{post + "Content-Length: 0\r\n\r\n", 400, "MissingAuthenticationTokenException"}, {tt.request, tt.status, tt.code}} { // on a connection that was used before
				if _, err := io.WriteString(c, sent.request); err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != sent.status || res.Header.Get("Content-Type") != "application/cbor" || res.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" ||
					!bytes.Contains(body, []byte("#"+sent.code)) || json.Valid(body) {
					t.Errorf("%s %v %q, %v; want %d, %s", res.Status, res.Header, body, err, sent.status, sent.code)
				}
			}
		})
	}
}
