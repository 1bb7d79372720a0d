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

// How much of a request's and of a response's body a record keeps, in bytes. Strangers get less, so that they cannot fill the log with much.
const (
	MaxBody         = 64 << 10
	maxStrangerBody = 4 << 10
)

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

// trim bounds what a committed record holds on to, and says roughly how many bytes that is.
func (r *Record) trim() (size int) {
	r.BodySize = max(r.BodySize, len(r.Body))
	limit, headers := MaxBody, usualHeaders
	if r.Principal == "" {
		limit, headers = maxStrangerBody, 0
		for name, values := range r.Header {
			headers += len(name)
			for _, v := range values {
				headers += len(v) + 16
			}
		}
	}
	r.Body, r.Response = cut(r.Body, limit), cut(r.Response, limit)
	return cap(r.Body) + cap(r.Response) + headers + len(r.Target) + 1<<10
}

// usualHeaders is what the headers of an SDK take. Those of callers who are known are not counted one by one.
const usualHeaders = 2 << 10

// cut copies what is longer than limit, so that the large buffer can go; and what a large buffer holds little in.
func cut(b []byte, limit int) []byte {
	if len(b) > limit {
		b = b[:limit]
	} else if cap(b) <= 8<<10 || len(b) > cap(b)/2 {
		return b
	}
	return append(make([]byte, 0, len(b)), b...)
}

// snapshot copies r, with at most limit bytes of each body. Headers are shared: nobody changes them.
func (r *Record) snapshot(limit int) Record {
	s := *r
	s.Body = append([]byte(nil), r.Body[:min(len(r.Body), limit)]...)
	s.Response = append([]byte(nil), r.Response[:min(len(r.Response), limit)]...)
	return s
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
