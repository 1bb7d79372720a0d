package awsproto

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRoute(t *testing.T) {
	const (
		js  = "Content-Type: application/x-amz-json-1.1"
		rpc = "Smithy-Protocol: rpc-v2-cbor"
		get = "AWSMPEntitlementService/GetEntitlements"
		res = "AWSMPMeteringService/ResolveCustomer"
	)
	target := func(s string) string { return "X-Amz-Target: " + s }
	resolve := target("AWSMPMeteringService.ResolveCustomer")
	rpcPath := "/service/AWSMPEntitlementService/operation/GetEntitlements"
	for _, tt := range []struct {
		name    string
		request string   // method and path
		headers []string // Name: value
		codec   Protocol
		want    string // service/operation, or status and a part of the message
	}{
		{"plain", "POST /", []string{js, resolve}, JSON11, res},
		{"1.0", "POST /", []string{"Content-Type: application/x-amz-json-1.0", resolve}, JSON10, res},
		{"parameters are ignored", "POST /", []string{js + "; charset=utf-8", resolve}, JSON11, res},
		{"case of the content type", "POST /", []string{"Content-Type: Application/X-Amz-JSON-1.0 ;a=b", resolve}, JSON10, res},
		{"application/json", "POST /", []string{"Content-Type: application/json", resolve}, JSON11, res},
		{"base path", "POST /base%20x/", []string{js, resolve}, JSON11, res},
		{"unclean path", "POST //a/../b//", []string{js, resolve}, JSON11, res},
		{"query", "POST /?X-Amz-Algorithm=x", []string{js, resolve}, JSON11, res},
		{"namespace", "POST /", []string{js, target("com.amazonaws.marketplacemetering.AWSMPMeteringService.ResolveCustomer")}, JSON11, res},
		{"operation that may not exist", "POST /", []string{js, target("AWSMPMeteringService.Nope")}, JSON11, "AWSMPMeteringService/Nope"},
		{"entitlements in json", "POST /", []string{js, target("AWSMPEntitlementService.GetEntitlements")}, JSON11, get},
		{"json on a cbor path", "POST " + rpcPath, []string{js, resolve}, JSON11, res},

		{"get", "GET /", nil, JSON11, `404 method "GET" is not supported`},
		{"put", "PUT /", []string{js, resolve}, JSON11, `404 method "PUT" is not supported`},
		{"method before target", "GET /", []string{js}, JSON11, "404 method"},
		{"no content type", "POST /", []string{resolve}, JSON11, "404 header Content-Type is missing"},
		{"foreign content type", "POST /", []string{"Content-Type: text/plain", resolve}, JSON11, `404 content type "text/plain" is not supported`},
		{"content type that begins alike", "POST /", []string{"Content-Type: application/x-amz-json-1.11", resolve}, JSON11, "404 content type"},
		{"no target", "POST /", []string{js}, JSON11, "400 header X-Amz-Target is missing"},
		{"no target, 1.0", "POST /", []string{"Content-Type: application/x-amz-json-1.0"}, JSON10, "400 header X-Amz-Target is missing"},
		{"empty target", "POST /", []string{js, target("")}, JSON11, "400 header X-Amz-Target is missing"},
		{"two targets", "POST /", []string{js, resolve, resolve}, JSON11, "400 header X-Amz-Target must not be repeated"},
		{"no dot", "POST /", []string{js, target("ResolveCustomer")}, JSON11, "400 target \"ResolveCustomer\" is not of the form"},
		{"no service", "POST /", []string{js, target(".ResolveCustomer")}, JSON11, `400 service "" is not known`},
		{"no operation", "POST /", []string{js, target("AWSMPMeteringService.")}, JSON11, `400 operation "" is not known`},
		{"other service", "POST /", []string{js, target("DynamoDB_20120810.ListTables")}, JSON11, `400 service "DynamoDB_20120810" is not known`},
		{"service in another case", "POST /", []string{js, target("awsmpmeteringservice.ResolveCustomer")}, JSON11, "400 service"},
		{"foreign namespace", "POST /", []string{js, target("com.example.AWSMPMeteringService.ResolveCustomer")}, JSON11, "400 service"},
		{"crossed namespace", "POST /", []string{js, target("com.amazonaws.marketplaceentitlementservice.AWSMPMeteringService.ResolveCustomer")}, JSON11, "400 service"},
		{"operation with a shape id", "POST /", []string{js, target("AWSMPMeteringService.a#ResolveCustomer")}, JSON11, "400 operation"},

		{"cbor", "POST " + rpcPath, []string{rpc}, CBOR, get},
		{"cbor with content type", "POST " + rpcPath, []string{rpc, "Content-Type: application/cbor"}, CBOR, get},
		{"cbor metering", "POST /service/AWSMPMeteringService/operation/ResolveCustomer", []string{rpc}, CBOR, res},
		{"cbor prefix", "POST /v1/x%2Fy" + rpcPath, []string{rpc}, CBOR, get},
		{"cbor prefix like a route", "POST /service/a/operation/b" + rpcPath, []string{rpc}, CBOR, get},
		{"cbor namespace", "POST /service/com.amazonaws.marketplaceentitlementservice.AWSMPEntitlementService/operation/GetEntitlements", []string{rpc}, CBOR, get},
		{"cbor namespaced operation", "POST /service/AWSMPEntitlementService/operation/com.amazonaws.marketplaceentitlementservice.GetEntitlements", []string{rpc}, CBOR, "400 operation"},
		{"cbor with target", "POST " + rpcPath, []string{rpc, resolve}, CBOR, "400 a request with Smithy-Protocol rpc-v2-cbor must not have X-Amz-Target"},
		{"cbor with the other target", "POST " + rpcPath, []string{rpc, "X-Amzn-Target: a.b"}, CBOR, "400 a request with Smithy-Protocol"},
		{"cbor get", "GET " + rpcPath, []string{rpc}, CBOR, `404 method "GET"`},
		{"cbor short path", "POST /AWSMPEntitlementService/operation/GetEntitlements", []string{rpc}, CBOR, "400 path"},
		{"cbor other words", "POST /services/AWSMPEntitlementService/operation/GetEntitlements", []string{rpc}, CBOR, "400 path"},
		{"cbor trailing slash", "POST " + rpcPath + "/", []string{rpc}, CBOR, "400 path"},
		{"cbor encoded slash", "POST /service/AWSMPEntitlementService/operation%2FGetEntitlements", []string{rpc}, CBOR, "400 path"},
		{"cbor other service", "POST /service/Nope/operation/GetEntitlements", []string{rpc}, CBOR, `400 service "Nope"`},
		{"cbor without the header", "POST " + rpcPath, []string{"Content-Type: application/cbor"}, CBOR, "404 header Smithy-Protocol is missing"},
		{"other smithy protocol", "POST " + rpcPath, []string{"Smithy-Protocol: rpc-v2-json", "Content-Type: application/json"}, JSON11, `404 smithy protocol "rpc-v2-json" is not supported`},
		{"two smithy protocols", "POST " + rpcPath, []string{rpc, rpc}, JSON11, "404 smithy protocol"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.request, " ")
			r := httptest.NewRequest(method, path, nil)
			for _, h := range tt.headers {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Add(name, value)
			}
			c, service, operation, f := Route(r)
			if c.Protocol() != tt.codec {
				t.Errorf("codec is %v, want %v", c.Protocol(), tt.codec)
			}
			if f == nil {
				if got := service + "/" + operation; got != tt.want {
					t.Errorf("routed to %q, want %q", got, tt.want)
				}
				return
			}
			got := fmt.Sprint(f.Status, " ", f.Message)
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("fault is %q, want %q…", got, tt.want)
			}
			if f.Code != "UnknownOperationException" || service != "" || operation != "" {
				t.Errorf("got code %q, service %q, operation %q", f.Code, service, operation)
			}
		})
	}
}

func TestNamespace(t *testing.T) {
	if m, e := Namespace(ServiceMetering), Namespace(ServiceEntitlement); m != NamespaceMetering || e != NamespaceEntitlement {
		t.Errorf("got %s and %s", m, e)
	}
}

// Each protocol's codec says that it is its.
func TestProtocols(t *testing.T) {
	for p, want := range map[Protocol]string{JSON11: "awsJson1_1", JSON10: "awsJson1_0", CBOR: "rpcv2Cbor"} {
		if p.String() != want || p.Codec().Protocol() != p {
			t.Errorf("%v: codec of %v, want %s", p, p.Codec().Protocol(), want)
		}
	}
}

func TestRouteBoundsWhatItRepeats(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Amz-Target", "AWSMPMeteringService."+strings.Repeat("\xff", 8<<10))
	_, _, _, f := Route(r)
	if f == nil || len(f.Message) > 8*maxEcho {
		t.Errorf("fault %v", f)
	}
}

func TestRouteDoesNotAllocate(t *testing.T) {
	for _, r := range []*http.Request{jsonRequest(), cborRequest()} {
		if n := testing.AllocsPerRun(100, func() {
			if _, _, _, f := Route(r); f != nil {
				t.Fatal(f)
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func jsonRequest() *http.Request {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
	return r
}

func cborRequest() *http.Request {
	r := httptest.NewRequest("POST", "/service/AWSMPEntitlementService/operation/GetEntitlements", nil)
	r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	return r
}
