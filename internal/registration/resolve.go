package registration

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/sigv4"
)

// Bounds of one resolution. Three attempts is what the current AWS SDKs make.
const (
	maxAttempts    = 3
	maxResponse    = 64 << 10
	resolveTimeout = 15 * time.Second
)

// customer is the answer of ResolveCustomer (API reference, "ResolveCustomer", response elements).
type customer struct {
	CustomerAWSAccountID string `json:"CustomerAWSAccountId"`
	CustomerIdentifier   string
	LicenseARN           string `json:"LicenseArn"`
	ProductCode          string
}

// resolution is what came of resolving a token, in however many attempts.
type resolution struct {
	Customer  customer
	Code      string // the error's code; "" on success, and where Err says what went wrong
	Message   string // the error's message
	Status    int    // of the last response; 0: there was none
	Err       error  // no response, or one that is none of the protocol's
	Exchanges []exchange
}

// ok reports whether the token was resolved.
func (r *resolution) ok() bool { return r.Code == "" && r.Err == nil }

// resolver calls ResolveCustomer as a seller without an SDK would: AWS JSON 1.1 by hand, signed, retried.
type resolver struct {
	endpoint func() string
	region   string
	key      sigv4.Key
	client   *http.Client
	now      func() time.Time
	backoff  time.Duration // before the second attempt, at most; doubled before the third
}

func (c *resolver) resolve(ctx context.Context, token string) resolution {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	var res resolution
	invocation := newUUID()
	for attempt := 1; ; attempt++ {
		retry := c.attempt(ctx, &res, token, invocation, attempt)
		if !retry || attempt == maxAttempts || !c.wait(ctx, attempt) {
			return res
		}
	}
}

// wait sleeps between attempts: exponential, with full jitter.
func (c *resolver) wait(ctx context.Context, attempt int) bool {
	most := c.backoff << (attempt - 1)
	timer := time.NewTimer(most/2 + mathrand.N(most/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt makes one call, notes it in res, and reports whether another may help.
func (c *resolver) attempt(ctx context.Context, res *resolution, token, invocation string, number int) (retry bool) {
	res.Code, res.Message, res.Status, res.Err = "", "", 0, nil
	body, err := json.Marshal(map[string]string{"RegistrationToken": token})
	if err != nil {
		res.Err = err
		return false
	}
	tap := &wireTap{}
	req, err := c.request(httptrace.WithClientTrace(ctx, tap.trace()), body, invocation, number)
	if err != nil {
		res.Err = err
		return false
	}
	began := time.Now()
	ex := exchange{Number: number}
	resp, answer, err := c.do(req)
	ex.Duration = time.Since(began)
	ex.Request = tap.request(req, maskBody(body, token))
	if err != nil {
		res.Err = err
		ex.Failure = err.Error()
	} else {
		res.Status = resp.StatusCode
		ex.RequestID = resp.Header.Get("X-Amzn-Requestid")
		ex.Response = responseText(resp, maskAnswer(answer, token))
		res.understand(resp.StatusCode, answer)
		res.Message = maskAnswer([]byte(res.Message), token)
	}
	res.Exchanges = append(res.Exchanges, ex)
	return res.retryable()
}

func (c *resolver) request(ctx context.Context, body []byte, invocation string, number int) (*http.Request, error) {
	at, err := url.Parse(c.endpoint())
	if err != nil || at.Host == "" || (at.Scheme != "http" && at.Scheme != "https") {
		return nil, errors.New("the endpoint of the AWS face is not an http or https URL")
	}
	if at.Path == "" {
		at.Path = "/"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	h := req.Header
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
	h.Set("User-Agent", "souk-sample-seller/1")
	// As SDKs send them, so that fault rules which look at the attempt work here too.
	h.Set("Amz-Sdk-Invocation-Id", invocation)
	h.Set("Amz-Sdk-Request", fmt.Sprintf("attempt=%d; max=%d", number, maxAttempts))
	sigv4.Sign(req, body, c.key, c.region, "aws-marketplace", c.now())
	return req, nil
}

func (c *resolver) do(req *http.Request) (*http.Response, []byte, error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, nil, bare(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	if err != nil {
		return nil, nil, fmt.Errorf("the answer was cut short: %w", bare(err))
	}
	return resp, body, nil
}

// understand reads a response of AWS JSON 1.1.
func (r *resolution) understand(status int, body []byte) {
	if status == http.StatusOK {
		if err := json.Unmarshal(body, &r.Customer); err != nil || r.Customer.CustomerAWSAccountID == "" {
			r.Customer = customer{}
			r.Err = errors.New("the answer is not one of ResolveCustomer")
		}
		return
	}
	var fault struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // encoding/json takes Message, too
	}
	if err := json.Unmarshal(body, &fault); err != nil || fault.Type == "" {
		r.Err = fmt.Errorf("the answer has status %d and is not an error of AWS JSON 1.1", status)
		return
	}
	// A namespace may stand before the code, and a URL after it.
	code := fault.Type[strings.LastIndexByte(fault.Type, '#')+1:]
	r.Code, _, _ = strings.Cut(code, ":")
	r.Message = fault.Message
}

// retryable is what the SDKs' standard mode retries: throttling, failures of the server, and of the way there.
func (r *resolution) retryable() bool {
	switch r.Code {
	case "ThrottlingException", "InternalServiceErrorException", "ServiceUnavailableException", "RequestTimeoutException":
		return true
	}
	return r.Status >= 500 || r.Status == 0
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
