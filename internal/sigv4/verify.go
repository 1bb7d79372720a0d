package sigv4

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"time"
)

// DefaultSkew is how far the date of a request may be from ours: https://docs.aws.amazon.com/general/latest/gr/signature-v4-troubleshooting.html
const DefaultSkew = 15 * time.Minute

// Lookup finds the secret behind an access key. sessionToken is "" when none was sent.
//
// It returns ErrUnknownKey, ErrExpiredSession or ErrBadSessionToken, wrapped or not, where the caller is to blame. Any
// other error is ours. It is called once for each request whose claim is well formed, before its signature is checked.
type Lookup func(ctx context.Context, accessKeyID, sessionToken string) (Credential, error)

// Credential is what a Lookup finds.
type Credential struct {
	Secret string
	// Identity is handed back in Result.Identity untouched, with an error too. A pointer costs no allocation.
	Identity any
	// Unchecked leaves the comparison of signatures out. All else holds: the form of the claim, its scope, the skew, and
	// x-amz-content-sha256.
	Unchecked bool
}

// Config is what a Verifier works with.
type Config struct {
	Now  func() time.Time // wall clock; nil: time.Now
	Skew time.Duration    // how far a date may be off, in whole seconds; 0: DefaultSkew
	// Region is the only region that a scope may name; "" lets any pass that has the form of one.
	Region string
	// EchoCanonical appends the canonical request and the string to sign to the message of a mismatch, as DynamoDB does.
	EchoCanonical bool
	Lookup        Lookup
}

// Verifier verifies signatures. It is safe for concurrent use.
type Verifier struct {
	cfg     Config
	keys    keyCache
	headers headerCache
	pool    sync.Pool
}

// New makes a Verifier.
func New(cfg Config) *Verifier {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Skew <= 0 {
		cfg.Skew = DefaultSkew
	}
	return &Verifier{
		cfg:     cfg,
		keys:    keyCache{seed: maphash.MakeSeed()},
		headers: headerCache{seed: maphash.MakeSeed()},
		pool:    sync.Pool{New: func() any { return newScratch() }},
	}
}

// Result is what was learned about the signer. With an error it holds what was learned before, none of it proved, for the record
// of the request. Its strings share memory with the request's header: clone what is to be kept for long.
type Result struct {
	AccessKeyID   string
	Region        string // of the scope
	SessionToken  string
	SignedHeaders string // as sent
	SignedAt      time.Time
	Presigned     bool
	Identity      any // of the Credential
}

// Verify finds out who signed r. body is the payload as received, before any Content-Encoding is undone. service is what the
// scope must name, "aws-marketplace" for one. r must be as net/http's server made it, or carry its header under canonical keys.
//
// A refusal is an *Error; where several apply it is the one that AWS gives. Any other error is the Lookup's.
func (v *Verifier) Verify(r *http.Request, body []byte, service string) (res Result, err error) {
	return v.VerifyAt(r, body, service, v.cfg.Now())
}

// VerifyAt is Verify for a caller that has read the wall clock already.
func (v *Verifier) VerifyAt(r *http.Request, body []byte, service string, now time.Time) (res Result, err error) {
	s := v.pool.Get().(*scratch)
	defer v.release(s)
	s.params = appendParams(s.params[:0], r.URL.RawQuery)

	c := &s.claim
	refusal := c.read(r, s.params)
	res = Result{
		AccessKeyID: c.keyID, SessionToken: c.token, SignedHeaders: c.signedHeaders, Presigned: c.presigned,
	}
	if refusal != nil {
		return res, refusal
	}
	if refusal = v.checkDate(c, now); refusal != nil {
		return res, refusal
	}
	res.SignedAt = c.signedAt
	list, kept := v.headers.find(c.signedHeaders)
	if refusal = c.checkHeaders(list); refusal != nil {
		return res, refusal
	}
	if refusal = c.splitCredential(); refusal != nil {
		return res, refusal
	}
	res.Region = c.region
	if refusal = c.checkScope(service, v.cfg.Region); refusal != nil {
		return res, refusal
	}
	cred, err := v.lookup(r.Context(), c)
	res.Identity = cred.Identity
	if err != nil {
		return res, err
	}
	payload := hexOf(sha256.Sum256(body))
	for _, sent := range r.Header["X-Amz-Content-Sha256"] {
		if sent != string(payload[:]) { // UNSIGNED-PAYLOAD and STREAMING-… are for S3 alone
			return res, invalid(msgPayloadHash)
		}
	}
	if cred.Unchecked {
		return res, nil
	}
	if refusal = v.checkSignature(s, list, r, len(body), &payload, cred.Secret); refusal != nil {
		return res, refusal
	}
	if !kept {
		v.headers.add(c.signedHeaders)
	}
	return res, nil
}

// checkDate is steps 9 and 10.
func (v *Verifier) checkDate(c *claim, now time.Time) *Error {
	var ok bool
	if c.presigned {
		c.basic = c.date
		c.signedAt, ok = parseBasic(c.date)
	} else {
		c.signedAt, c.basic, ok = parseHeaderDate(c.date, c.dateHeader == "Date")
	}
	if !ok {
		return errDate(c.date)
	}
	life := v.cfg.Skew
	if c.hasExpires {
		n := digits(c.expires)
		if len(c.expires) == 0 || len(c.expires) > len("604800") || n < 1 || n > maxExpires {
			return incomplete(msgExpires)
		}
		life = time.Duration(n) * time.Second
	}
	// In whole seconds, as the message has them.
	if age := now.Unix() - c.signedAt.Unix(); age > int64(life/time.Second) {
		return errExpired(c.basic, now, life)
	} else if age < -int64(v.cfg.Skew/time.Second) {
		return errNotYet(c.basic, now, v.cfg.Skew)
	}
	return nil
}

// lookup is steps 15 and 16. They come before the signature: an expired session with a wrong signature has expired.
func (v *Verifier) lookup(ctx context.Context, c *claim) (Credential, error) {
	if len(c.keyID) == 0 || len(c.keyID) > maxKeyID {
		return Credential{}, &Error{Code: CodeUnrecognizedClient, Message: msgTokenInvalid + "."}
	}
	cred, err := v.cfg.Lookup(ctx, c.keyID, c.token)
	switch {
	case err == nil:
	case errors.Is(err, ErrExpiredSession):
		return cred, &Error{Code: CodeExpiredToken, Message: msgTokenExpired}
	case errors.Is(err, ErrUnknownKey):
		return cred, &Error{Code: CodeUnrecognizedClient, Message: msgTokenInvalid + "."}
	case errors.Is(err, ErrBadSessionToken):
		return cred, &Error{Code: CodeUnrecognizedClient, Message: msgTokenInvalid}
	default:
		return cred, fmt.Errorf("sigv4: look up access key: %w", err)
	}
	if cred.Secret == "" && !cred.Unchecked { // anybody could sign with that
		return cred, errors.New("sigv4: look up access key: the secret is empty")
	}
	return cred, nil
}

// checkSignature is step 17.
func (v *Verifier) checkSignature(s *scratch, l *headerList, r *http.Request, bodyLen int, payload *hashHex, secret string) *Error {
	c := &s.claim
	key := v.keys.find(c.credential, secret)
	fresh := key == nil
	if fresh {
		key = newSigningKey(c.credential, secret)
	}
	// SDKs differ in what they sign of a path like /a//b/../c: Go the path as it is, botocore and JavaScript the normal form. Both
	// name what the same client asked for.
	path := rawPath(r)
	if len(s.params) > 0 {
		s.params = sortParams(s.params, c.presigned)
	}
	matches := s.matches(key, r, path, l, bodyLen, payload)
	if !matches {
		if normal := normalPath(path); normal != path {
			path = normal
			matches = s.matches(key, r, path, l, bodyLen, payload)
		}
	}
	if !matches {
		e := invalid(msgMismatch)
		e.StringToSign = string(s.message)
		s.canonicalRequest(r, path, l, bodyLen, payload, true)
		e.CanonicalRequest = string(s.canonical)
		if v.cfg.EchoCanonical {
			e.Message += "\n\nThe Canonical String for this request should have been\n'" + e.CanonicalRequest +
				"'\n\nThe String-to-Sign should have been\n'" + e.StringToSign + "'\n"
		}
		return e
	}
	if fresh {
		v.keys.add(key)
	}
	return nil
}

func (s *scratch) matches(key *signingKey, r *http.Request, path string, l *headerList, bodyLen int, payload *hashHex) bool {
	s.canonicalRequest(r, path, l, bodyLen, payload, false)
	c := &s.claim
	want := s.sign(key, c.basic, c.scope)
	return subtle.ConstantTimeCompare([]byte(c.signature), want[:]) == 1
}

// release gives s back, unless one huge request has made it huge, and drops its references to the request.
func (v *Verifier) release(s *scratch) {
	const most = 64 << 10
	if cap(s.canonical) > most || cap(s.params) > most/32 {
		return
	}
	clear(s.params)
	s.claim = claim{}
	v.pool.Put(s)
}
