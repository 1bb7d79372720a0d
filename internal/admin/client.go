package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// callTimeout bounds a call: the largest world is applied, and a large store checked, well within it.
	callTimeout = 2 * time.Minute
	// maxAnswer bounds what a call reads, in bytes. A record of a request holds up to 128 KiB, and lists have up to 1000 of them.
	maxAnswer = 256 << 20
)

// UnreachableError says that nothing listens where a Souk was looked for.
type UnreachableError struct {
	Base string // where
	Err  error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no souk is listening at %s: start one with `souk dev`, or say where it is with --control or SOUK_CONTROL", e.Base)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// Client calls the control API of a running Souk. Each method is one route of the OpenAPI document. An answer that is an error
// comes as *APIError, and none at all as *UnreachableError.
type Client struct {
	base  string // without a slash at the end
	token string
	http  *http.Client // without a timeout: Follow has none
}

// NewClient makes a client for the control listener at base: host:port, or an http or https URL. The token is the listener's; "" if it
// wants none. It goes there directly, without a proxy.
func NewClient(base, token string) (*Client, error) {
	text := base
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("control address %q must be host:port, or an http or https URL", base)
	}
	if u.User != nil {
		return nil, fmt.Errorf("control address %q must not hold a user or password; the token is given apart from it", u.Redacted())
	}
	if u.Hostname() == "" { // ":7686"
		u.Host = "127.0.0.1" + u.Host
	}
	return &Client{
		base: strings.TrimRight(u.String(), "/"), token: token,
		http: &http.Client{
			Transport: &http.Transport{
				DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
				TLSHandshakeTimeout:   10 * time.Second,
				ResponseHeaderTimeout: callTimeout,
				IdleConnTimeout:       time.Minute,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the API has no redirects; the token stays here
		},
	}, nil
}

// Base is the URL of the control listener.
func (c *Client) Base() string { return c.base }

// call is one call of the API.
type call struct {
	method string
	path   string // escaped
	query  url.Values
	in     any    // to be sent as JSON; nil for no body
	yaml   []byte // to be sent as it is, in place of in
	out    any    // *[]byte for the body as it is; nil for none
}

func (c *Client) do(ctx context.Context, k call) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := readAnswer(res)
	if err != nil {
		return err
	}
	if k.out == nil {
		return nil
	}
	if raw, ok := k.out.(*[]byte); ok {
		*raw = body
		return nil
	}
	if err := json.Unmarshal(body, k.out); err != nil {
		return c.notSouk(res)
	}
	return nil
}

// send makes the call and returns its answer if that is no error.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	target := c.base + k.path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	var body io.Reader
	media := ""
	switch {
	case k.yaml != nil:
		body, media = bytes.NewReader(k.yaml), yamlType
	case k.in != nil:
		text, err := json.Marshal(k.in)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", k.method, k.path, err)
		}
		body, media = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", k.method, k.path, err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		defer res.Body.Close()
		return nil, c.refusal(res)
	}
	return res, nil
}

// unreachable tells a Souk that is not there from a call that failed on its way.
func (c *Client) unreachable(ctx context.Context, err error) error {
	var dial *net.OpError
	if ctx.Err() == nil && errors.As(err, &dial) && dial.Op == "dial" {
		return &UnreachableError{Base: c.base, Err: err}
	}
	var u *url.Error // its text repeats method and URL
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("call souk at %s: %w", c.base, err)
}

func readAnswer(res *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("read answer: it is larger than %d bytes: ask for less", maxAnswer)
	}
	return body, nil
}

// refusal reads an error.
func (c *Client) refusal(res *http.Response) error {
	var body errorBody
	text, err := readAnswer(res)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &body); err != nil || body.Error.Code == "" {
		return c.notSouk(res)
	}
	e := &APIError{Status: res.StatusCode, Code: body.Error.Code, Message: body.Error.Message, Problems: body.Error.Problems}
	if e.Code == CodeUnauthorized {
		e.Message = "the control listener wants its token: give it with SOUK_CONTROL_TOKEN or --control-token-file"
		if c.token != "" {
			e.Message = "the control listener refuses the token that was given with SOUK_CONTROL_TOKEN or --control-token-file"
		}
	}
	return e
}

// notSouk is the error for an answer that no Souk gives.
func (c *Client) notSouk(res *http.Response) error {
	return &APIError{Status: res.StatusCode, Message: fmt.Sprintf("what answers at %s is not the control listener of a souk (status %d)", c.base, res.StatusCode)}
}

// segment is a path's segment that holds any text. "." and ".." would not reach the server as they are.
func segment(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}
