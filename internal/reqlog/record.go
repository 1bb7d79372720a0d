// Package reqlog keeps one record of each request that the AWS face answered: who signed it, what was decided and why, what went in and
// out. A record is filled along the way of the request and committed once, at its end; the newest ones stay in memory
// for the inspector, and each can leave one line in an access log.
//
// Secrets (registration tokens, signatures, session tokens) are in the records as they came, in memory only; View masks them, and nothing else
// leaves this package.
package reqlog

import (
	"encoding/binary"
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
	Stages     [stages]time.Duration // what Duration is made of, as far as it was measured

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
	FaultEffect  string // "refuse", "delay", "cut", "lose", "unprocessed"
	Warning      string
	// headers are those of Header, flat: see flatten.
	headers []byte
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
	*r = Record{Body: small(r.Body, keptBody), Response: small(r.Response, keptBody), headers: small(r.headers, keptHeaders)}
}

// How large a buffer may be to be used again for other requests, in bytes. A body may be that of a BatchMeterUsage of 25 records, or its answer.
const (
	keptBody    = 16 << 10
	keptHeaders = 8 << 10
)

func small(b []byte, most int) []byte {
	if cap(b) > most {
		return nil
	}
	return b[:0]
}

// trim bounds what a committed record holds on to, and says roughly how many bytes that is.
func (r *Record) trim() (size int) {
	r.BodySize = max(r.BodySize, len(r.Body))
	limit := MaxBody
	if r.Principal == "" {
		limit = maxStrangerBody
	}
	r.Body, r.Response = cut(r.Body, limit), cut(r.Response, limit)
	r.flatten()
	return cap(r.Body) + cap(r.Response) + cap(r.headers) + len(r.Target) + 1<<10
}

// flatten copies the headers into one buffer, each name and each value behind its length. The copy costs less than the original: a map of
// slices of strings is some forty objects, and a thousand of those made the garbage collector a twelfth of the work of a request.
func (r *Record) flatten() {
	b := r.headers[:0]
	for name, values := range r.Header {
		for _, value := range values {
			b = binary.AppendUvarint(b, uint64(len(name)))
			b = append(b, name...)
			b = binary.AppendUvarint(b, uint64(len(value)))
			b = append(b, value...)
		}
	}
	r.headers, r.Header = b, nil
}

// eachHeader is flatten's inverse, over what was committed or is still as net/http has it.
func (r *Record) eachHeader(yield func(name, value string) bool) {
	for name, values := range r.Header {
		for _, value := range values {
			if !yield(name, value) {
				return
			}
		}
	}
	for b := r.headers; len(b) > 0; {
		var text [2]string
		for i := range text {
			n, size := binary.Uvarint(b)
			text[i] = string(b[size : size+int(n)])
			b = b[size+int(n):]
		}
		if !yield(text[0], text[1]) {
			return
		}
	}
}

// cut copies what is longer than limit, so that the large buffer can go; and what a large buffer holds little in.
func cut(b []byte, limit int) []byte {
	if len(b) > limit {
		b = b[:limit]
	} else if cap(b) <= keptBody || len(b) > cap(b)/2 {
		return b
	}
	return append(make([]byte, 0, len(b)), b...)
}

// snapshot copies r, with at most limit bytes of each body.
func (r *Record) snapshot(limit int) Record {
	s := *r
	s.Body = append([]byte(nil), r.Body[:min(len(r.Body), limit)]...)
	s.Response = append([]byte(nil), r.Response[:min(len(r.Response), limit)]...)
	s.headers = append([]byte(nil), r.headers...)
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
