package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/souk-market/souk/internal/sigv4"
)

// kind is how requests of one operation look.
type kind struct {
	path        string
	contentType string
	target      string // X-Amz-Target; "" for the protocol that has the operation in its path
}

var (
	resolveCustomer    = kind{"/", "application/x-amz-json-1.1", "AWSMPMeteringService.ResolveCustomer"}
	batchMeterUsage    = kind{"/", "application/x-amz-json-1.1", "AWSMPMeteringService.BatchMeterUsage"}
	getEntitlements    = kind{"/", "application/x-amz-json-1.1", "AWSMPEntitlementService.GetEntitlements"}
	getEntitlementsRPC = kind{"/service/AWSMPEntitlementService/operation/GetEntitlements", "application/cbor", ""}
)

// appendRequest appends request number i to dst, whole, with the headers that SDKs send, and signed for that time.
func appendRequest(dst []byte, k kind, host string, body []byte, i int, at time.Time) []byte {
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Scheme: "http", Host: host, Path: k.path}, Host: host, ContentLength: int64(len(body)), Header: http.Header{
		"Content-Type":          {k.contentType},
		"User-Agent":            {"aws-sdk-go-v2/1.47.8 ua/2.1 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 api/marketplacemetering#1.40.0 m/E,g"},
		"Amz-Sdk-Invocation-Id": {fmt.Sprintf("d430fde5-7c14-4c62-bead-%012d", i)},
		"Amz-Sdk-Request":       {"attempt=1; max=3"},
	}}
	if k.target != "" {
		r.Header.Set("X-Amz-Target", k.target)
	} else {
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		r.Header.Set("Accept", k.contentType)
	}
	sigv4.Sign(r, body, sigv4.Key{AccessKeyID: accessKey, Secret: secret}, region, "aws-marketplace", at)
	to := bytes.NewBuffer(dst)
	fmt.Fprintf(to, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", k.path, host, len(body))
	_ = r.Header.Write(to) // a bytes.Buffer takes everything
	to.WriteString("\r\n")
	to.Write(body)
	return to.Bytes()
}

// requestsFor makes n requests, each of a body of its own and signed at a time of its own.
func requestsFor(k kind, host string, n int, body func(i int) []byte) [][]byte {
	requests := make([][]byte, n)
	for i := range requests {
		requests[i] = appendRequest(nil, k, host, body(i), i, time.Now().Add(-time.Duration(i)*time.Second/4))
	}
	return requests
}
