package api

import (
	"net/http"

	"github.com/souk-market/souk/internal/reqlog"
)

// wellKnown answers a request for a public key. It is no operation: nobody signs it, no policy, quota or fault rule has a say in it. It leaves a record
// all the same.
func (q *call) wellKnown(w http.ResponseWriter) {
	w.Header()["X-Amzn-Requestid"] = []string{q.rec.ID}
	q.rec.Response = q.rec.Response[:0]
	q.s.keys.ServeHTTP(&noted{w, q.rec}, q.r)
}

// noted notes in a record what is answered.
type noted struct {
	http.ResponseWriter
	rec *reqlog.Record
}

func (n *noted) WriteHeader(status int) {
	n.rec.Status = status
	n.ResponseWriter.WriteHeader(status)
}

func (n *noted) Write(p []byte) (int, error) {
	n.rec.Response = append(n.rec.Response, p...)
	return n.ResponseWriter.Write(p)
}
