// Package reqlog keeps one record of each request that the AWS face answered: who signed it, what was decided and why, what went in and
// out. A record is filled along the way of the request and committed once, at its end; the newest ones stay in memory
// for the inspector, and each can leave one line in an access log.
//
// Secrets (registration tokens, signatures, session tokens) are in the records as they came, in memory only; View masks them, and nothing else
// leaves this package.
package reqlog

import (
	"net/http"
	"strconv"
	"time"
)

// Record is one request. The AWS face fills it; after Commit it belongs to the Log.
type Record struct {
	ID         string    // x-amzn-RequestId
	Seq        uint64    // order of completion, from 1
	Time       time.Time // arrival, wall clock
	MarketTime time.Time // the market's clock at that moment
	Duration   time.Duration

	// As sent.
	Remote   string
	Method   string
	Target   string // path and query, undecoded
	Proto    string
	Host     string
	Header   http.Header // not copied: net/http does not use it again
	Body     []byte      // at most MaxBody of it once committed
	BodySize int

	// As understood.
	Protocol  string
	Service   string
	Operation string
	Attempt   int // amz-sdk-request; 0 if absent

	// Who.
	AccessKeyID string
	Principal   string // ARN
	Account     string
	Region      string

	// Authorization, as iam.Decision tells it.
	Authz Authz

	// What it was about, where it is known.
	ProductCode string
	Buyer       string
	LicenseARN  string

	// What came of it.
	Status       int // 0: the connection was cut
	ErrorCode    string
	ErrorMessage string
	Reason       string // the truth where the caller is not told it
	Response     []byte
	FaultID      string
	FaultEffect  string // "refuse", "delay", "cut", "lose"
	Warning      string
	// Canonical and StringToSign are what a signature should have been made over; for mismatches only.
	Canonical    string
	StringToSign string
}

// Authz is the decision about a request.
type Authz struct {
	Decided   bool // false: the request did not come that far
	Allowed   bool
	Effect    string
	Policy    string
	Sid       string
	Statement int
	Why       string // in words; may be left empty when a statement allowed it, which View can tell by itself
}

// MaxBody is how much of a request's or a response's body a record keeps, in bytes.
const MaxBody = 64 << 10

// reset makes r ready for another request, keeping its buffers unless they have grown large.
func (r *Record) reset() {
	body, response := r.Body[:0], r.Response[:0]
	const keep = 8 << 10
	if cap(body) > keep {
		body = nil
	}
	if cap(response) > keep {
		response = nil
	}
	*r = Record{Body: body, Response: response}
}

// trim bounds what a committed record holds on to.
func (r *Record) trim() {
	r.BodySize = max(r.BodySize, len(r.Body))
	if len(r.Body) > MaxBody {
		r.Body = append([]byte(nil), r.Body[:MaxBody]...)
	}
	if len(r.Response) > MaxBody {
		r.Response = append([]byte(nil), r.Response[:MaxBody]...)
	}
}

// Outcome is "ok", the error code, or "cut".
func (r *Record) Outcome() string {
	switch {
	case r.ErrorCode != "":
		return r.ErrorCode
	case r.Status == 0:
		return "cut"
	case r.Status < 400:
		return "ok"
	}
	return strconv.Itoa(r.Status)
}
