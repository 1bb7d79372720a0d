package awsproto

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWriteFault(t *testing.T) {
	invalid := &Fault{Status: 400, Code: "InvalidTokenException", Message: "Registration token is invalid", Namespace: NamespaceMetering}
	for _, tt := range []struct {
		name     string
		protocol Protocol
		fault    *Fault
		status   int
		header   http.Header
		body     string
	}{
		{"json 1.1", JSON11, invalid, 400, http.Header{
			"Content-Type":     {"application/x-amz-json-1.1"},
			"X-Amzn-Requestid": {"req-1"}, "X-Amzn-Errortype": {"InvalidTokenException"},
		}, `{"__type":"InvalidTokenException","message":"Registration token is invalid"}`},
		{"json 1.0, no message", JSON10, &Fault{Status: 409, Code: "X"}, 409, http.Header{
			"Content-Type":     {"application/x-amz-json-1.0"},
			"X-Amzn-Requestid": {"req-1"}, "X-Amzn-Errortype": {"X"},
		}, `{"__type":"X"}`},
		{"cbor", CBOR, invalid, 400, http.Header{
			"Content-Type":     {"application/cbor"},
			"X-Amzn-Requestid": {"req-1"}, "Smithy-Protocol": {"rpc-v2-cbor"},
		}, "\xbff__typex7com.amazonaws.marketplacemetering#InvalidTokenExceptiongmessagex\x1dRegistration token is invalid\xff"},
		{"cbor of the framework", CBOR, &Fault{Status: 503, Code: "X"}, 503, http.Header{
			"Content-Type":     {"application/cbor"},
			"X-Amzn-Requestid": {"req-1"}, "Smithy-Protocol": {"rpc-v2-cbor"},
		}, "\xbff__typex\x1acom.amazon.coral.service#X\xff"},
		{"no status", JSON11, &Fault{Code: "X"}, 500, http.Header{
			"Content-Type":     {"application/x-amz-json-1.1"},
			"X-Amzn-Requestid": {"req-1"}, "X-Amzn-Errortype": {"X"},
		}, `{"__type":"X"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			WriteFault(w, tt.protocol.Codec(), "req-1", tt.fault)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if d := cmp.Diff(tt.body, w.Body.String()); d != "" {
				t.Errorf("body (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.header, w.Header()); d != "" {
				t.Errorf("header (-want +got):\n%s", d)
			}
		})
	}
}

func TestWriteResult(t *testing.T) {
	for p, want := range map[Protocol]http.Header{
		JSON11: {"Content-Type": {"application/x-amz-json-1.1"}, "X-Amzn-Requestid": {"req-1"}},
		CBOR:   {"Content-Type": {"application/cbor"}, "X-Amzn-Requestid": {"req-1"}, "Smithy-Protocol": {"rpc-v2-cbor"}},
	} {
		w := httptest.NewRecorder()
		WriteResult(w, p.Codec(), "req-1", []byte("{}"))
		if w.Code != 200 || w.Body.String() != "{}" {
			t.Errorf("%v: %d %q", p, w.Code, w.Body)
		}
		if d := cmp.Diff(want, w.Header()); d != "" {
			t.Errorf("%v: header (-want +got):\n%s", p, d)
		}
	}
}

// Every answer has a Content-Length on the wire, whoever writes it: a chunked one would be news to old clients.
func TestContentLength(t *testing.T) {
	for _, size := range []int{0, 1, lengthKnown, lengthKnown + 1, 2048, 100_000} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			WriteResult(w, JSON11.Codec(), "req-1", make([]byte, size))
		}))
		res, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		server.Close()
		if res.ContentLength != int64(size) || len(res.TransferEncoding) > 0 {
			t.Errorf("%d bytes: Content-Length %d, %v", size, res.ContentLength, res.TransferEncoding)
		}
	}
}

func TestFrameworkFaults(t *testing.T) {
	for _, tt := range []struct {
		fault  *Fault
		status int
		code   string
	}{
		{UnknownOperation(ServiceMetering, "Nope"), 400, "UnknownOperationException"},
		{Serialization("m"), 400, "SerializationException"},
		{Validation("m"), 400, "ValidationException"},
		{RequestEntityTooLarge(1 << 20), 413, "RequestEntityTooLargeException"},
		{MalformedHTTPRequest("m"), 400, "MalformedHttpRequestException"},
		{RequestTimeout(), 408, "RequestTimeoutException"},
		{ServiceUnavailable("m"), 503, "ServiceUnavailable"},
	} {
		if tt.fault.Status != tt.status || tt.fault.Code != tt.code || tt.fault.Message == "" {
			t.Errorf("got %+v, want status %d and code %s", tt.fault, tt.status, tt.code)
		}
		if got := tt.fault.Error(); got != tt.code+": "+tt.fault.Message {
			t.Errorf("Error() = %q", got)
		}
	}
	if got := UnknownOperation(ServiceMetering, "Nope").Message; got != `operation "Nope" of AWSMPMeteringService is not known` {
		t.Errorf("message %q", got)
	}
}

// Whatever a message is made of, clients get a body that they can read.
func TestFaultBodyIsValidForAnyMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := string(rapid.SliceOfN(rapid.Byte(), 1, 60).Draw(t, "message"))
		f := &Fault{Status: 400, Code: "X", Message: message}
		body := JSON11.Codec().AppendFault([]byte("before"), f)[len("before"):]
		var got struct{ Type, Message string }
		if err := json.Unmarshal(body, &struct {
			Type    *string `json:"__type"`
			Message *string `json:"message"`
		}{&got.Type, &got.Message}); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		// encoding/json's own encoder is the judge of what becomes of invalid bytes.
		var want string
		quoted, _ := json.Marshal(message)
		if err := json.Unmarshal(quoted, &want); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(body) || got.Type != "X" || got.Message != want {
			t.Fatalf("%q: got %q, want %q", body, got, want)
		}
		if f := CBOR.Codec().Valid(CBOR.Codec().AppendFault(nil, f)); f != nil {
			t.Fatal(f)
		}
	})
}

func TestClip(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{strings.Repeat("a", 128), strings.Repeat("a", 128)},
		{strings.Repeat("a", 129), strings.Repeat("a", 128) + "..."},
		{strings.Repeat("a", 126) + "é€", strings.Repeat("a", 126) + "é..."},
		{strings.Repeat("a", 126) + "😀b", strings.Repeat("a", 126) + "..."},
		{strings.Repeat("\x80", 200), strings.Repeat("\x80", 124) + "..."},
	} {
		if got := clip(tt.in); got != tt.want {
			t.Errorf("clip(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
