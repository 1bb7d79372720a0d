package sigv4

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// requestOver writes a request out and has net/http's server side read it, so that header and path are what a server sees.
func requestOver(t testing.TB, method, target string, body []byte, header http.Header, host string) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	fmt.Fprintf(&wire, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, target, host, len(body))
	keys := make([]string, 0, len(header))
	for k := range header {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if k == "Content-Length" || k == "Host" {
			continue
		}
		for _, v := range header[k] {
			fmt.Fprintf(&wire, "%s: %s\r\n", k, v)
		}
	}
	wire.WriteString("\r\n")
	wire.Write(body)
	r, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatalf("request does not parse: %v\n%s", err, wire.String())
	}
	return r
}

// request is a request to a host that the tests do not care about.
func request(t testing.TB, method, target string, body []byte, header http.Header) *http.Request {
	t.Helper()
	return requestOver(t, method, target, body, header, "souk.example:7685")
}
