package sigv4

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// TestSignAgrees signs random requests with the official signer and with ours.
func TestSignAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	signer := v4.NewSigner()
	for range 1000 {
		r, body := unsigned(t, rng)
		key := Key{testKey, testSecret, pick(rng, "", "tok+/=")}
		creds := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.Secret, SessionToken: key.SessionToken}
		sum := hexOf(sumOf(body))
		ours := r.Clone(context.Background())
		if err := signer.SignHTTP(context.Background(), creds, r, string(sum[:]), testService, testRegion, testTime); err != nil {
			t.Fatal(err)
		}
		Sign(ours, body, key, testRegion, testService, testTime)
		for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
			if got, want := ours.Header.Get(name), r.Header.Get(name); got != want {
				t.Fatalf("%s:\n got %s\nwant %s\n%+v", name, got, want, r.URL)
			}
		}
		if got, want := ours.URL.String(), r.URL.String(); got != want {
			t.Fatalf("URL: %s, want %s", got, want)
		}
	}
}

// TestPresignAgrees does the same for the query form. The official signer moves X-Amz-* headers to the query, so there are none here.
func TestPresignAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	signer := v4.NewSigner()
	for range 1000 {
		r, body := unsigned(t, rng)
		r.Header.Del("X-Amz-Target")
		key := Key{testKey, testSecret, pick(rng, "", "tok+/=")}
		creds := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.Secret, SessionToken: key.SessionToken}
		sum := hexOf(sumOf(body))
		ours := r.Clone(context.Background())
		q := r.URL.Query()
		q.Set("X-Amz-Expires", "600")
		r.URL.RawQuery = q.Encode()
		want, _, err := signer.PresignHTTP(context.Background(), creds, r, string(sum[:]), testService, testRegion, testTime)
		if err != nil {
			t.Fatal(err)
		}
		Presign(ours, body, key, testRegion, testService, 10*time.Minute, testTime)
		if got := ours.URL.String(); got != want {
			t.Fatalf("URL:\n got %s\nwant %s", got, want)
		}
	}
}

// TestSignTwice: signing again replaces the signature, as a retry needs it.
func TestSignTwice(t *testing.T) {
	v := newTestVerifier(testTime)
	r := request(t, "POST", "/?a=b+c", nil, nil)
	Sign(r, nil, Key{testKey, "wrong", "old"}, testRegion, testService, testTime.Add(-time.Hour))
	Sign(r, nil, Key{testKey, testSecret, ""}, testRegion, testService, testTime)
	if _, err := v.Verify(r, nil, testService); err != nil {
		t.Errorf("header: %v", err)
	}
	Presign(r, nil, Key{testKey, "wrong", "old"}, testRegion, testService, time.Minute, testTime.Add(-time.Hour))
	Presign(r, nil, Key{testKey, testSecret, ""}, testRegion, testService, 0, testTime)
	if res, err := v.Verify(r, nil, testService); err != nil || !res.Presigned {
		t.Errorf("query: %+v, %v", res, err)
	}
}

// TestOverTheNetwork sends what we sign through net/http's client and server.
func TestOverTheNetwork(t *testing.T) {
	v := newTestVerifier(testTime)
	verified := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = v.Verify(r, body, testService)
		}
		verified <- err
	}))
	defer srv.Close()
	body := []byte(someBody)
	key := Key{AccessKeyID: "ASIAEXAMPLEEXAMPLE01", Secret: "secret", SessionToken: "tok+/="}
	for _, path := range []string{"", "/", "/base%20x/", "/a//b/../c/?b=1&a=x+y"} {
		for _, presign := range []bool{false, true} {
			for _, chunked := range []bool{false, true} {
				var reader io.Reader = bytes.NewReader(body)
				if chunked {
					reader = io.MultiReader(reader) // of no known length
				}
				r, err := http.NewRequest("POST", srv.URL+path, reader)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				if presign {
					Presign(r, body, key, testRegion, testService, time.Minute, testTime)
				} else {
					Sign(r, body, key, testRegion, testService, testTime)
				}
				res, err := srv.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if err := <-verified; err != nil {
					t.Errorf("%q, presigned %v, chunked %v: %v", path, presign, chunked, err)
				}
			}
		}
	}
}
