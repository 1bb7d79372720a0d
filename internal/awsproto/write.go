package awsproto

import (
	"net/http"
	"strconv"
)

// WriteFault answers with f, in the protocol that c speaks. A fault without a status is answered with 500.
func WriteFault(w http.ResponseWriter, c Codec, requestID string, f *Fault) {
	status := f.Status
	if status == 0 {
		status = http.StatusInternalServerError
	}
	write(w, c, requestID, status, f, c.AppendFault(make([]byte, 0, 256), f))
}

// WriteResult answers 200 with body, which an [Encoder] of c wrote.
func WriteResult(w http.ResponseWriter, c Codec, requestID string, body []byte) {
	write(w, c, requestID, http.StatusOK, nil, body)
}

// lengthKnown is up to how many bytes net/http finds the length of a body by itself: those that it gets in one write and that fit into its
// buffer (bufferBeforeChunkingSize in net/http/server.go is 2048). Above it, an answer without a Content-Length would be chunked.
const lengthKnown = 1 << 10

// write sets headers by their canonical names, and from one array: Header.Set would cost an allocation and a check of the
// name each. Each header costs twice, because net/http clones them, so a length that it will write anyway is left to it.
func write(w http.ResponseWriter, c Codec, requestID string, status int, f *Fault, body []byte) {
	h := w.Header()
	values := [...]string{c.ContentType(), requestID}
	v := values[:]
	h["Content-Type"] = v[0:1:1]
	h["X-Amzn-Requestid"] = v[1:2:2]
	if len(body) > lengthKnown {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	c.SetHeader(h, f)
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails when the client is gone: nobody is left to tell
}
