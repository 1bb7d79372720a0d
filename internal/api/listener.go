package api

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/awsproto"
)

// bareHeaders are the headers of every answer that net/http writes by itself (net/http/server.go, errorHeaders).
const bareHeaders = "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write passes p on, unless it is an answer of net/http's own. Those come in one write that begins with the status line; the
// handler's answers never are text/plain, nor do they have the status 417.
func (c *conn) Write(p []byte) (int, error) {
	if c.owed > 0 {
		return c.writeGathered(p)
	}
	if len(p) < 12 || p[9] == '2' || !bytes.HasPrefix(p, []byte("HTTP/1.1 ")) {
		return c.write(p)
	}
	line, rest, ok := bytes.Cut(p, []byte("\r\n"))
	if !ok {
		return c.write(p)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil || !(bytes.HasPrefix(rest, []byte(bareHeaders)) || status == 417) {
		return c.write(p)
	}
	text := strings.TrimPrefix(string(rest), bareHeaders)
	if status == 417 {
		text = "the only expectation known is 100-continue"
	}
	id, f := newRequestID(), bareFault(status, text)
	c.l.answered(c.RemoteAddr().String(), id, f)
	protocol := awsproto.JSON11
	c.mu.Lock()
	if c.cbor {
		protocol = awsproto.CBOR
	}
	c.mu.Unlock()
	if _, err := c.write(bareAnswer(id, f, protocol.Codec())); err != nil {
		return 0, err
	}
	return len(p), nil
}

// bareFault is the AWS error of the same meaning.
func bareFault(status int, text string) *awsproto.Fault {
	if status == 431 {
		return &awsproto.Fault{Status: 413, Code: "RequestEntityTooLargeException", Message: "request headers must be less than 16 KiB"}
	}
	return &awsproto.Fault{Status: 400, Code: "MalformedHttpRequestException", Message: text}
}

// cborLine tells by what a request begins with whether its caller speaks CBOR: SDKs do to /service/NAME/operation/NAME.
func cborLine(b []byte) bool {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return bytes.Contains(line, []byte("/service/")) && bytes.Contains(line, []byte("/operation/"))
}

// bareAnswer is a whole answer.
func bareAnswer(id string, f *awsproto.Fault, codec awsproto.Codec) []byte {
	body := codec.AppendFault(nil, f)
	h := http.Header{}
	codec.SetHeader(h, f)
	extra := ""
	for name, values := range h {
		extra += name + ": " + values[0] + "\r\n"
	}
	out := []byte("HTTP/1.1 " + strconv.Itoa(f.Status) + " " + http.StatusText(f.Status) + "\r\n" +
		"Content-Type: " + codec.ContentType() + "\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n" +
		"Date: " + httpDate() + "\r\n" +
		"x-amzn-RequestId: " + id + "\r\n" +
		extra +
		"Connection: close\r\n\r\n")
	return append(out, body...)
}
