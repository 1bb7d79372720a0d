package replay

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/reqlog"
)

func TestSessionOf(t *testing.T) {
	for arn, want := range map[string][2]string{
		"arn:aws:sts::111122223333:assumed-role/App/task-1": {"arn:aws:iam::111122223333:role/App", "task-1"},
		"arn:aws:sts::111122223333:assumed-role/App":        {},
		"arn:aws:iam::111122223333:role/App":                {},
		"arn:aws:iam::111122223333:root":                    {},
		"":                                                  {},
	} {
		if role, session := SessionOf(arn); role != want[0] || session != want[1] {
			t.Errorf("%q: %q, %q", arn, role, session)
		}
	}
}

// What cannot be sent is not sent, and the error says of which kind it is.
func TestSendRefusals(t *testing.T) {
	sent := 0
	s := New(Config{
		Log: reqlog.New(reqlog.Config{}), Credentials: &account.Credentials{Directory: new(account.Directory)}, Endpoint: func() string { return "http://127.0.0.1:1" },
		Do: func(*http.Request) (*http.Response, error) { sent++; return nil, errors.New("refused") },
	})
	good := reqlog.View{Service: "AWSMPMeteringService", Operation: "MeterUsage", Principal: "arn:aws:iam::1:user/x", AccessKeyID: "AKIA"}
	for name, change := range map[string]func(*reqlog.View){
		"is inactive or gone":       func(*reqlog.View) {},
		"no operation":              func(v *reqlog.View) { v.Operation = "" },
		"names no operation":        func(v *reqlog.View) { v.Service = "AmazonS3" },
		"nobody here is known":      func(v *reqlog.View) { v.Principal = "" },
		"or can have no session of": func(v *reqlog.View) { v.Principal = "arn:aws:sts::111122223333:assumed-role/Gone/x" },
	} {
		v := good
		change(&v)
		var impossible Impossible
		if _, err := s.Send(t.Context(), &v, nil); !errors.As(err, &impossible) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, v := range map[string]reqlog.View{
		"not kept":    {Body: "{}", BodySize: reqlog.MaxBody + 1, Principal: "p"},
		"in a form":   {Body: "a1", Protocol: "rpcv2Cbor"},
		"takes {}":    {Body: "\n"},
		"token is ma": {Body: `{"RegistrationToken":"mzQmG1…(184 characters)"}`},
	} {
		var bad BadBody
		if text, err := bodyOf(&v, nil); !errors.As(err, &bad) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		whole := "{}"
		if text, err := bodyOf(&v, &whole); text != whole || err != nil {
			t.Errorf("%s, with another body: %q, %v", name, text, err)
		}
	}
	if sent != 0 {
		t.Errorf("%d requests were sent", sent)
	}
}
