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

// write sets headers by their canonical names, and from one array: Header.Set would cost an allocation and a check of the
// name each.
func write(w http.ResponseWriter, c Codec, requestID string, status int, f *Fault, body []byte) {
	h := w.Header()
	values := [...]string{c.ContentType(), strconv.Itoa(len(body)), requestID}
	v := values[:]
	h["Content-Type"] = v[0:1:1]
	h["Content-Length"] = v[1:2:2]
	h["X-Amzn-Requestid"] = v[2:3:3]
	c.SetHeader(h, f)
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails when the client is gone: nobody is left to tell
}
