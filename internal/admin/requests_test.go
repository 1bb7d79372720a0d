package admin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/reqlog"
)

// face answers what is sent again, as the AWS face does, but for bodies that are to be lost.
func (s *site) face(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if strings.Contains(string(body), "lost") {
		return nil, errors.New("no route")
	}
	s.record("again-"+r.Header.Get("Amz-Sdk-Invocation-Id"), func(rec *reqlog.Record) {
		rec.Header, rec.Body = r.Header, append(rec.Body, body...)
	})
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// sent commits a request that can be sent again.
func (s *site) sent(id, body string) {
	s.record(id, func(r *reqlog.Record) {
		r.AccessKeyID, r.Service, r.Region, r.Protocol = "AKIAWEBSITEEXAMPLE01", "AWSMPMeteringService", "us-east-1", "awsJson1_1"
		r.Body = append(r.Body, body...)
	})
}

// replays sends requests again in all the ways that the document declares.
func (s *site) replays(t *testing.T) {
	t.Helper()
	s.sent("sent", `{"ProductCode":"p"}`)
	s.sent("masked", `{"RegistrationToken":"`+strings.Repeat("a", 100)+`"}`)
	s.record("stranger's", func(r *reqlog.Record) { r.Principal, r.Service = "", "AWSMPMeteringService" })
	for _, tc := range []struct {
		id, body string
		status   int
		says     string
	}{
		{"sent", `{}`, 201, `"body":"{\"ProductCode\":\"p\"}"`},
		{"sent", `{"body": "{\"a\":1}"}`, 201, `"body":"{\"a\":1}"`},
		{"masked", `{}`, 422, "the token is masked"},
		{"masked", `{"body": " "}`, 422, "write the body"},
		{"masked", `{"body": "{}"}`, 201, `"body":"{}"`},
		{"sent", `{"boby": "{}"}`, 400, "unknown member"},
		{"none", `{}`, 404, "only the newest are kept"},
		{"stranger's", `{}`, 409, "nobody here is known by its access key"},
		{"sent", `{"body": "{\"lost\":1}"}`, 503, "no route"},
	} {
		status, answer := s.raw(t, "POST", "/api/v1/requests/"+segment(tc.id)+"/replay", "application/json", []byte(tc.body))
		if status != tc.status || !strings.Contains(answer, tc.says) {
			t.Errorf("replay of %s with %s: %d %s, want %d and %q", tc.id, tc.body, status, answer, tc.status, tc.says)
		}
	}
}

// The list narrows by all that the console narrows by, and its pages go on through a log that is larger than one search looks at.
func TestRequestsAreSearched(t *testing.T) {
	s := newSite(t, siteConfig{})
	s.log = reqlog.New(reqlog.Config{Capacity: 3000, MaxBytes: 1 << 30})
	s.api.log = s.log
	s.record("needle", func(r *reqlog.Record) {
		r.Buyer, r.LicenseARN, r.Reason = "444455556666", "arn:aws:license-manager::1:license:l-0b", "Hay & stack"
		r.Header = http.Header{"Amz-Sdk-Invocation-Id": {"call-1"}}
	})
	for i := range 2 * reqlog.SearchLook {
		s.record(fmt.Sprint(i), nil)
	}
	for name, q := range map[string]RequestQuery{
		"buyer": {Buyer: "444455556666"}, "license": {License: "l-0b"}, "text": {Text: "hay & S"}, "call": {Call: "call-1"}, "all": {Buyer: "444455556666", License: "l-", Text: "stack", Call: "call-1"},
	} {
		var got []string
		for pages := 0; pages < 10; pages++ {
			page, err := s.client.Requests(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range page.Requests {
				got = append(got, v.ID)
			}
			if q.Before = page.Next; page.Next == 0 {
				break
			}
		}
		if len(got) != 1 || got[0] != "needle" {
			t.Errorf("%s: found %q", name, got)
		}
	}
	var refused *APIError
	if _, err := s.client.Requests(t.Context(), RequestQuery{Text: strings.Repeat("x", maxSought+1)}); !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("a long text: %v", err)
	}
}

func TestReplayThroughTheClient(t *testing.T) {
	s := newSite(t, siteConfig{})
	s.sent("sent", `{"ProductCode":"p"}`)
	body := `{"é": "\u202e"}`
	for want, in := range map[string]ReplayInput{`{"ProductCode":"p"}`: {}, body: {Body: &body}} {
		began := time.Now()
		v, err := s.client.Replay(t.Context(), "sent", in)
		if err != nil || v.Body != want || v.Time.Before(began.Add(-time.Second)) {
			t.Errorf("sent again: %q, %v; want %q", v.Body, err, want)
		}
		if i := v.Invocation(); i == "" || v.ID != "again-"+i {
			t.Errorf("answered with request %s of call %q", v.ID, i)
		}
	}
}
