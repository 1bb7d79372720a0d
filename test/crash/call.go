package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/sigv4"
)

// fate is what an answer says of the request.
type fate int

const (
	done    fate = iota // it says that it was done
	refused             // it says that nothing was done
	unknown             // there is none, or it does not say
	unsent              // nobody was there
)

// answer is what came back.
type answer struct {
	fate   fate
	status int // 0: nothing came
	body   []byte
	code   string // of what is not done
}

// sorry are the errors of a market that cannot do it now, or does not know whether it did: of the AWS face, and of the control API.
var sorry = map[string]int{
	"InternalServiceErrorException": http.StatusInternalServerError,
	"ServiceUnavailable":            http.StatusServiceUnavailable,
	"Internal":                      http.StatusInternalServerError,
	"OutcomeUnsure":                 http.StatusInternalServerError,
	"Unavailable":                   http.StatusServiceUnavailable,
}

// honest reports whether an answer, if it is an error of the server's, is one of those.
func (a answer) honest() bool { return a.status < 500 || sorry[a.code] == a.status }

// send makes a request. A status of 5xx says nothing: what was asked for may have been done.
func send(client *http.Client, r *http.Request) answer {
	res, err := client.Do(r)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return answer{fate: unsent}
		}
		return answer{fate: unknown}
	}
	defer res.Body.Close()
	a := answer{fate: done, status: res.StatusCode}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return answer{fate: unknown}
	}
	switch {
	case a.status >= 500:
		a.fate, a.code = unknown, codeOf(a.body)
	case a.status >= 400:
		a.fate, a.code = refused, codeOf(a.body)
	}
	return a
}

// codeOf is the error code of either face.
func codeOf(body []byte) string {
	var e struct {
		Type  string `json:"__type"`
		Error struct{ Code string }
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	return e.Type[strings.LastIndexByte(e.Type, '#')+1:] + e.Error.Code
}

// aws is a signed request of the metering service.
func aws(ctx context.Context, n *node, operation string, key sigv4.Key, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSMPMeteringService."+operation)
	sigv4.Sign(r, body, key, region, "aws-marketplace", time.Now())
	return r, nil
}
