package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// keys counts the keys that the cache holds.
func (c *keyCache) count() (n int) {
	for i := range c.keys {
		for j := range c.keys[i] {
			if c.keys[i][j].Load() != nil {
				n++
			}
		}
	}
	return n
}

func (c *headerCache) count() (n int) {
	for i := range c.lists {
		if c.lists[i].Load() != nil {
			n++
		}
	}
	return n
}

// TestCacheKeepsTheProved: nothing is kept of a request that did not verify.
func TestCacheKeepsTheProved(t *testing.T) {
	secret := testSecret
	v := New(Config{Now: at(testTime), Lookup: func(_ context.Context, id, _ string) (Credential, error) {
		if id != testKey {
			return Credential{}, ErrUnknownKey
		}
		return Credential{Secret: secret}, nil
	}})
	for i := range 50 {
		r := request(t, "POST", "/", nil, nil)
		r.Header.Set(fmt.Sprintf("X-%d", i), "v")
		Sign(r, nil, Key{AccessKeyID: pickAt(i, testKey, "AKIDUNKNOWN"), Secret: "guessed"}, fmt.Sprintf("region-%d", i), testService, testTime)
		if _, err := v.Verify(r, nil, testService); err == nil {
			t.Fatal("verifies")
		}
	}
	if n, m := v.keys.count(), v.headers.count(); n != 0 || m != 0 {
		t.Errorf("%d keys and %d lists are kept of requests that did not verify", n, m)
	}

	// A rotated secret takes effect at once, both ways.
	old, fresh := signed(t, "/", nil, nil), request(t, "POST", "/", nil, nil)
	Sign(fresh, nil, Key{AccessKeyID: testKey, Secret: "fresh"}, testRegion, testService, testTime)
	for range 3 {
		for _, tt := range []struct {
			secret string
			ok     [2]bool // old, fresh
		}{{testSecret, [2]bool{true, false}}, {"fresh", [2]bool{false, true}}} {
			secret = tt.secret
			_, err1 := v.Verify(old, nil, testService)
			_, err2 := v.Verify(fresh, nil, testService)
			if got := [2]bool{err1 == nil, err2 == nil}; got != tt.ok {
				t.Fatalf("secret %s: %v, want %v", secret, got, tt.ok)
			}
		}
	}
	if n := v.keys.count(); n != 1 {
		t.Errorf("%d keys are kept of one credential", n)
	}
}

func pickAt(i int, of ...string) string { return of[i%len(of)] }

// TestCacheIsBounded fills the cache past its size, and then with the next day's keys: those of the day before go first.
func TestCacheIsBounded(t *testing.T) {
	v := newTestVerifier(testTime)
	for i := range 12 * buckets * ways {
		v.keys.add(&signingKey{credential: fmt.Sprintf("AKID%d/20261123/r/s/aws4_request", i)})
	}
	if n := v.keys.count(); n > buckets*ways || n < buckets*ways*9/10 {
		t.Errorf("%d keys", n)
	}
	for i := range 12 * buckets * ways {
		v.keys.add(&signingKey{credential: fmt.Sprintf("AKID%d/20261124/r/s/aws4_request", i)})
	}
	for i := range v.keys.keys {
		for j := range v.keys.keys[i] {
			if k := v.keys.keys[i][j].Load(); k != nil && scopeDate(k.credential) != "20261124" {
				t.Fatalf("%s is left", k.credential)
			}
		}
	}
	k := &signingKey{credential: goodCredential, secret: "a"}
	v.keys.add(k)
	if v.keys.find(goodCredential, "a") != k || v.keys.find(goodCredential, "b") != nil || v.keys.find(goodCredential+"x", "a") != nil {
		t.Error("find does not find just what was added")
	}
	// Neighbours in a bucket, with the same secret, are kept apart.
	for i := range 10 * buckets {
		if v.keys.find(fmt.Sprintf("AKID%d/20261125/r/s/aws4_request", i), "a") != nil {
			t.Fatal("find finds the key of another credential")
		}
	}
}

// TestKeyDerivation has the example of https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-examples.html, and plain HMACs.
func TestKeyDerivation(t *testing.T) {
	mac := func(key, message string) string {
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(message))
		return string(m.Sum(nil))
	}
	for _, secret := range []string{testSecret, "", strings.Repeat("long", 40)} {
		key := mac(mac(mac(mac("AWS4"+secret, "20150830"), "us-east-1"), "iam"), "aws4_request")
		if secret == "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" {
			if got := hex.EncodeToString([]byte(key)); got != "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9" {
				t.Errorf("signing key: %s", got)
			}
		}
		s := newScratch()
		s.canonical = []byte("canonical")
		got := s.sign(newSigningKey("AKID/20150830/us-east-1/iam/aws4_request", secret), "20150830T123600Z", "20150830/us-east-1/iam/aws4_request")
		sum := sha256.Sum256(s.canonical)
		want := hex.EncodeToString([]byte(mac(key, "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"+hex.EncodeToString(sum[:]))))
		if string(got[:]) != want {
			t.Errorf("signature: %s, want %s", got, want)
		}
	}
}

func TestHexOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range 256 {
		var sum [32]byte
		for j := range sum {
			sum[j] = byte(rng.Uint32())
		}
		sum[i%32] = byte(i)
		if got := hexOf(sum); string(got[:]) != hex.EncodeToString(sum[:]) {
			t.Fatalf("%x: %s", sum, got)
		}
	}
}

// TestParallel runs two verifiers, that know different secrets for the same key, side by side on many goroutines.
func TestParallel(t *testing.T) {
	a, b := newTestVerifier(testTime), New(Config{Now: at(testTime), Region: testRegion, Lookup: constLookup(Credential{Secret: "b's"})})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				body := fmt.Appendf(nil, "body %d of %d", i, g)
				secret := pickAt(i, testSecret, "b's")
				r := request(t, "POST", fmt.Sprintf("/%d?x=%d", g, i), body, nil)
				when := testTime.Add(time.Duration(i-100) * time.Second)
				if i%3 == 0 {
					Presign(r, body, Key{AccessKeyID: testKey, Secret: secret}, testRegion, testService, time.Hour, when)
				} else {
					Sign(r, body, Key{AccessKeyID: testKey, Secret: secret}, testRegion, testService, when)
				}
				_, errA := a.Verify(r, body, testService)
				_, errB := b.Verify(r, body, testService)
				if (errA == nil) != (secret == testSecret) || (errB == nil) == (secret == testSecret) {
					t.Errorf("request %d of %d: %v, %v", i, g, errA, errB)
				}
			}
		})
	}
	wg.Wait()
}
