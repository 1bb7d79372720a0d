package api

import (
	"bytes"
	"crypto/tls"
	"net"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/awsproto"
)

// Listener wraps ln so that nothing but AWS errors leaves the AWS face. net/http answers some requests by itself, before any
// handler: headers that are too large, a malformed request line, an unknown transfer coding. It writes those as
// plain text, which SDKs report as a deserialization error; the connections of this listener put the AWS error of the same meaning in its place.
//
// With a TLS configuration the connections speak TLS, and HTTP/1.1 only: net/http takes HTTP/2 from a *tls.Conn alone, and its
// own plain-text answers with it.
func Listener(ln net.Listener, conf *tls.Config) net.Listener {
	if conf != nil {
		conf = conf.Clone()
		conf.NextProtos = []string{"http/1.1"}
		ln = tls.NewListener(ln, conf)
	}
	return newListener(ln)
}

// bareHeaders are the headers of every answer that net/http writes by itself (net/http/server.go, errorHeaders).
const bareHeaders = "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write passes p on, unless it is an answer of net/http's own. Those come in one write that begins with the status line; the
// handler's answers never are text/plain, nor do they have the status 417.
func (c *conn) Write(p []byte) (int, error) {
	if len(p) < 12 || p[9] == '2' || !bytes.HasPrefix(p, []byte("HTTP/1.1 ")) {
		return c.Conn.Write(p)
	}
	line, rest, ok := bytes.Cut(p, []byte("\r\n"))
	if !ok {
		return c.Conn.Write(p)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil || !(bytes.HasPrefix(rest, []byte(bareHeaders)) || status == 417) {
		return c.Conn.Write(p)
	}
	text := strings.TrimPrefix(string(rest), bareHeaders)
	if status == 417 {
		text = "the only expectation known is 100-continue"
	}
	if _, err := c.Conn.Write(bareAnswer(status, text)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// bareAnswer is the AWS form of an answer of net/http's own. No operation is known yet, nor the protocol: JSON it is.
func bareAnswer(status int, text string) []byte {
	f := &awsproto.Fault{Status: status, Code: "MalformedHttpRequestException", Message: text}
	switch status {
	case 431:
		f.Status, f.Code = 413, "RequestEntityTooLargeException"
		f.Message = "request headers must be less than 16 KiB"
	case 400, 417, 501, 505:
		f.Status = 400
	}
	body := awsproto.JSON11.Codec().AppendFault(nil, f)
	out := []byte("HTTP/1.1 " + strconv.Itoa(f.Status) + " " + reason(f.Status) + "\r\n" +
		"Content-Type: application/x-amz-json-1.1\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)) + "\r\n" +
		"Date: " + httpDate() + "\r\n" +
		"x-amzn-RequestId: " + newRequestID() + "\r\n" +
		"x-amzn-ErrorType: " + f.Code + "\r\n" +
		"Connection: close\r\n\r\n")
	return append(out, body...)
}
