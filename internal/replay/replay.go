// Package replay sends requests that the log has again: signed anew for the caller that they had, once, to the AWS face itself.
//
// Souk knows its callers' secrets, so whoever may replay acts as anybody. It is for simulations, and for the operator.
package replay

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

const (
	// Timeout bounds the exchange.
	Timeout = 15 * time.Second
	// recorded is how long the record of a request may take to be there once its answer is.
	recorded = 2 * time.Second
	// sessionLife is that of a session that signs one request.
	sessionLife = time.Minute
)

// Config is what a Sender is made of. All of it is required but Region.
type Config struct {
	Log         *reqlog.Log
	Credentials *account.Credentials
	Endpoint    func() string // of the AWS face; "": it is not known
	Region      string        // of requests that name none
	Do          func(*http.Request) (*http.Response, error)
}

// Sender sends requests again.
type Sender struct{ Config }

// New makes a Sender.
func New(cfg Config) *Sender { return &Sender{cfg} }

// Client is what Config.Do is in a running Souk: it reaches the AWS face directly, whatever proxies the environment names.
func Client() func(*http.Request) (*http.Response, error) {
	client := &http.Client{
		Timeout:       Timeout,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client.Do
}

// Kinds of errors, each in words for people.
type (
	// Impossible is why a request cannot be sent again, whatever its body.
	Impossible string
	// BadBody is why it cannot be sent with this body.
	BadBody string
	// Unanswered is why nothing is known of what was sent.
	Unanswered string
)

func (e Impossible) Error() string { return string(e) }
func (e BadBody) Error() string    { return string(e) }
func (e Unanswered) Error() string { return string(e) }

// Possible answers nil if the request can be sent again, given a body.
func (s *Sender) Possible(ctx context.Context, v *reqlog.View) error {
	_, err := s.key(ctx, v)
	return err
}

// Send sends v again and returns the record of the new request. body takes the place of what was sent; nil sends that.
//
// Errors: Impossible, BadBody, Unanswered.
func (s *Sender) Send(ctx context.Context, v *reqlog.View, body *string) (reqlog.View, error) {
	key, err := s.key(ctx, v)
	if err != nil {
		return reqlog.View{}, err
	}
	text, err := bodyOf(v, body)
	if err != nil {
		return reqlog.View{}, err
	}
	invocation := newInvocation()
	req, err := request(ctx, s.Endpoint(), v, text, invocation)
	if err != nil {
		return reqlog.View{}, err
	}
	region := v.Region
	if region == "" {
		region = s.Region
	}
	sigv4.Sign(req, []byte(text), key, region, "aws-marketplace", time.Now())
	failure := s.exchange(req)
	ctx, cancel := context.WithTimeout(ctx, recorded)
	defer cancel()
	again, err := s.Log.Wait(ctx, func(v reqlog.View) bool { return v.Invocation() == invocation })
	if err == nil {
		return again, nil
	}
	if failure == nil { // what answered is another Souk’s
		failure = errors.New("something answered, but not this Souk")
	}
	return reqlog.View{}, Unanswered("the request did not get through: " + failure.Error())
}

// key is what the request's caller can sign with now. Secrets of temporary credentials are kept nowhere: their caller gets a session anew.
func (s *Sender) key(ctx context.Context, v *reqlog.View) (sigv4.Key, error) {
	switch {
	case v.Service != awsproto.ServiceMetering && v.Service != awsproto.ServiceEntitlement || v.Operation == "":
		return sigv4.Key{}, Impossible("it cannot be sent again, for it names no operation that there is")
	case s.Endpoint() == "" || s.Credentials == nil:
		return sigv4.Key{}, Impossible("it cannot be sent again, for the way to the AWS face is not known here")
	case v.Principal == "":
		return sigv4.Key{}, Impossible("it cannot be sent again with the same caller, for nobody here is known by its access key")
	}
	if role, session := SessionOf(v.Principal); role != "" {
		issued, err := s.Credentials.IssueSession(account.SessionInput{RoleARN: role, Name: session, Life: sessionLife})
		if err != nil {
			return sigv4.Key{}, Impossible("it cannot be sent again with the same caller, for its role " + role + " is gone, or can have no session of that name")
		}
		return sigv4.Key{AccessKeyID: issued.AccessKeyID, Secret: issued.Secret, SessionToken: issued.Token}, nil
	}
	secret, p, err := s.Credentials.Lookup(ctx, v.AccessKeyID, "")
	if err != nil || p.ARN != v.Principal {
		return sigv4.Key{}, Impossible("it cannot be sent again with the same caller, for access key " + v.AccessKeyID + " is inactive or gone, or was let in without a look at its secret")
	}
	return sigv4.Key{AccessKeyID: v.AccessKeyID, Secret: secret}, nil
}

// bodyOf is what is sent: body, or what was sent before if that is kept as it was.
func bodyOf(v *reqlog.View, body *string) (string, error) {
	var text string
	switch {
	case body != nil:
		text = *body
	case v.Truncated() || v.Protocol == awsproto.CBOR.String():
		return "", BadBody("write the body: the one that was sent is not kept in a form that can be sent again")
	default:
		text = v.Body
	}
	switch {
	case strings.TrimSpace(text) == "":
		return "", BadBody("write the body: an operation without input takes {}")
	case reqlog.Masked(text):
		return "", BadBody("the token is masked. Put a real one in the place of the one with “…”: souk buy, or “Set up your account”, gives one")
	}
	return text, nil
}

// request is the operation anew, in JSON whatever it came in.
func request(ctx context.Context, endpoint string, v *reqlog.View, body, invocation string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/", bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, fmt.Errorf("replay: make request: %w", err)
	}
	h := req.Header
	h.Set("Content-Type", awsproto.JSON11.Codec().ContentType())
	h.Set("X-Amz-Target", v.Service+"."+v.Operation)
	h.Set("User-Agent", "souk-replay/1")
	h.Set("Amz-Sdk-Invocation-Id", invocation)
	h.Set("Amz-Sdk-Request", "attempt=1; max=1")
	return req, nil
}

// exchange sends the request and forgets the answer: the log has it. No answer is an answer, too, if a fault rule wanted it so.
func (s *Sender) exchange(req *http.Request) error {
	resp, err := s.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return err
}

// newInvocation is a random UUID, as SDKs have one for each call.
func newInvocation() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// SessionOf takes the ARN of a role's session apart, which is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION; "" for any other.
func SessionOf(arn string) (role, session string) {
	rest, ok := strings.CutPrefix(arn, "arn:aws:sts::")
	if !ok {
		return "", ""
	}
	id, rest, ok := strings.Cut(rest, ":assumed-role/")
	if !ok {
		return "", ""
	}
	name, session, ok := strings.Cut(rest, "/")
	if !ok {
		return "", ""
	}
	return "arn:aws:iam::" + id + ":role/" + name, session
}
