package sigv4

import (
	"context"
	"testing"
	"time"
)

const (
	testKey     = "AKIDEXAMPLE"
	testSecret  = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	testService = "aws-marketplace"
	testRegion  = "us-east-1"
)

var testTime = time.Date(2026, 11, 23, 18, 16, 32, 0, time.UTC)

// identity is what the test look-ups hand back.
type identity struct{ name string }

// secrets is a Lookup over a table: access key and session token to secret.
type secrets map[[2]string]string

func (s secrets) lookup(_ context.Context, accessKeyID, sessionToken string) (Credential, error) {
	if secret, ok := s[[2]string{accessKeyID, sessionToken}]; ok {
		return Credential{Secret: secret, Identity: &identity{accessKeyID}}, nil
	}
	for k := range s {
		if k[0] == accessKeyID && k[1] != "" && sessionToken != "" {
			return Credential{}, ErrBadSessionToken
		}
	}
	return Credential{}, ErrUnknownKey
}

func captureSecrets() secrets {
	return secrets{
		{testKey, ""}:                      testSecret,
		{"ASIAEXAMPLEEXAMPLE01", "tok+/="}: "secret",
	}
}

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func newTestVerifier(now time.Time) *Verifier {
	return New(Config{Now: at(now), Lookup: captureSecrets().lookup})
}

// wantRefusal fails the test unless err is an *Error of that code and message.
func wantRefusal(t *testing.T, err error, code, message string) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("Verify: %v, want %s: %s", err, code, message)
	}
	if e.Code != code || e.Message != message {
		t.Errorf("Verify:\n got %s: %q\nwant %s: %q", e.Code, e.Message, code, message)
	}
}

func constLookup(c Credential) Lookup {
	return func(context.Context, string, string) (Credential, error) { return c, nil }
}
