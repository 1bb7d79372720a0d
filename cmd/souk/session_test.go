package main

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/sigv4"
)

// What is printed lets its bearer call, as the role in the session's name, and neither half of it alone does.
func TestSessionCalls(t *testing.T) {
	t.Parallel()
	n := startTest(t, nil)
	bought, err := controlOf(t, n, "").Buy(t.Context(), admin.PurchaseInput{ProductCode: n.Info().Products[0].ProductCode})
	if err != nil {
		t.Fatal(err)
	}
	var s account.Session
	soukJSON(t, n, &s, "session", "--role", "arn:aws:iam::111122223333:role/SellerApp", "--name", "ci", "--duration", "15m")
	if life := time.Until(s.ExpiresAt); life > 15*time.Minute || life < 14*time.Minute {
		t.Errorf("the session ends in %s, want 15 minutes", life)
	}
	for _, c := range []struct {
		key  sigv4.Key
		want string
	}{
		{sigv4.Key{AccessKeyID: s.AccessKeyID, Secret: s.Secret, SessionToken: s.Token}, `"CustomerAWSAccountId"`},
		{sigv4.Key{AccessKeyID: s.AccessKeyID, Secret: s.Secret}, "UnrecognizedClientException"},
		{sigv4.Key{AccessKeyID: s.AccessKeyID, Secret: "wrong", SessionToken: s.Token}, "InvalidSignatureException"},
	} {
		payload := []byte(`{"RegistrationToken":"` + bought.RegistrationToken + `"}`)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.Endpoint+"/", strings.NewReader(string(payload)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
		sigv4.Sign(req, payload, c.key, "us-east-1", "aws-marketplace", time.Now())
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || !strings.Contains(string(body), c.want) {
			t.Errorf("%s %s, %v; want %s", res.Status, body, err, c.want)
		}
	}
	var page requestList
	soukJSON(t, n, &page, "requests", "--principal", "assumed-role/SellerApp/ci", "--outcome", "ok")
	if len(page.Requests) != 1 || page.Requests[0].Principal != s.PrincipalARN {
		t.Errorf("%d requests of %s are on record, want 1", len(page.Requests), s.PrincipalARN)
	}
}

// A POSIX shell that runs what is printed has the credentials, and no profile that would overrule them.
func TestSessionInShell(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no POSIX shell here")
	}
	n := startTest(t, nil)
	status, stdout, stderr := souk(t, n, "session", "--role", "arn:aws:iam::111122223333:role/SellerApp", "--shell", "sh")
	if status != 0 {
		t.Fatal(stderr)
	}
	script := stdout + `printf '%s %s %s %s' "${#AWS_ACCESS_KEY_ID}" "${#AWS_SECRET_ACCESS_KEY}" "$AWS_SESSION_TOKEN" "${AWS_PROFILE-none}"`
	cmd := exec.CommandContext(t.Context(), sh, "-c", script)
	cmd.Env = []string{"AWS_PROFILE=production"}
	out, err := cmd.CombinedOutput()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 4 || fields[0] != "20" || fields[1] != "40" || !strings.Contains(stdout, fields[2]) || fields[3] != "none" {
		t.Errorf("%v: %s", err, out)
	}
}
