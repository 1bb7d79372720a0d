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
	if _, err := c.write(bareAnswer(id, f)); err != nil {
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

// bareAnswer is a whole answer. No operation is known yet, nor the protocol: JSON it is.
func bareAnswer(id string, f *awsproto.Fault) []byte {
	body := awsproto.JSON11.Codec().AppendFault(nil, f)
	out := []byte("HTTP/1.1 " + strconv.Itoa(f.Status) + " " + http.StatusText(f.Status) + "\r\n" +
		"Content-Type: application/x-amz-json-1.1\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n" +
		"Date: " + httpDate() + "\r\n" +
		"x-amzn-RequestId: " + id + "\r\n" +
		"x-amzn-ErrorType: " + f.Code + "\r\n" +
		"Connection: close\r\n\r\n")
	return append(out, body...)
}
