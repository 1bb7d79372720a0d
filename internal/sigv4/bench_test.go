package sigv4

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"
)

// sdkRequest is what the Go SDK sends for ResolveCustomer, with a token of the length that the live service's have: 936 bytes.
func sdkRequest(t testing.TB, presign bool) (*http.Request, []byte) {
	body := []byte(`{"RegistrationToken":"` + strings.Repeat("t", 184) + `"}`)
	r := requestOver(t, "POST", "/", body, http.Header{
		"Amz-Sdk-Invocation-Id": {"d430fde5-7c14-4c62-bead-a56664ae0685"},
		"Amz-Sdk-Request":       {"attempt=1; max=3"},
		"Content-Type":          {"application/x-amz-json-1.1"},
		"X-Amz-Target":          {"AWSMPMeteringService.ResolveCustomer"},
		"User-Agent":            {"aws-sdk-go-v2/1.47.8 ua/2.1 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 api/marketplacemetering#1.40.0 m/E,g"},
		"Accept-Encoding":       {"gzip"},
	}, "127.0.0.1:18083")
	r.Header.Del("Accept-Encoding")
	key := Key{AccessKeyID: testKey, Secret: testSecret}
	if presign {
		Presign(r, body, key, testRegion, testService, time.Hour, testTime)
	} else {
		Sign(r, body, key, testRegion, testService, testTime)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Content-Length", "208")
	return r, body
}

// benchVerifier answers from a look-up that costs nothing, and a clock that stands still.
func benchVerifier() *Verifier {
	return New(Config{Now: at(testTime), Lookup: constLookup(Credential{Secret: testSecret, Identity: &identity{}})})
}

// TestAllocations: a request in header form allocates nothing once its key is known.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector a sync.Pool drops things at random")
	}
	r, body := sdkRequest(t, false)
	v := benchVerifier()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := v.Verify(r, body, testService); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a request", n)
	}
}

func benchmark(b *testing.B, r *http.Request, body []byte, v *Verifier) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, body, testService); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	r, body := sdkRequest(b, false)
	benchmark(b, r, body, benchVerifier())
}

func BenchmarkVerifyParallel(b *testing.B) {
	v := benchVerifier()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r, body := sdkRequest(b, false)
		for pb.Next() {
			if _, err := v.Verify(r, body, testService); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkVerifyPresigned(b *testing.B) {
	r, body := sdkRequest(b, true)
	benchmark(b, r, body, benchVerifier())
}

// BenchmarkVerifyCold derives the key each time.
func BenchmarkVerifyCold(b *testing.B) {
	r, body := sdkRequest(b, false)
	v := benchVerifier()
	b.ReportAllocs()
	for b.Loop() {
		clear(v.keys.keys[:])
		if _, err := v.Verify(r, body, testService); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHashing is the part of BenchmarkVerify that cannot be saved: SHA-256 over the body, the canonical request and the HMAC.
func BenchmarkHashing(b *testing.B) {
	r, body := sdkRequest(b, false)
	v := benchVerifier()
	if _, err := v.Verify(r, body, testService); err != nil {
		b.Fatal(err)
	}
	s := v.pool.Get().(*scratch)
	canonical, message := s.canonical, s.message
	var pad [sha256.BlockSize]byte
	for b.Loop() {
		sha256.Sum256(body)
		sha256.Sum256(canonical)
		sha256.Sum256(message)
		sha256.Sum256(pad[:32])
	}
	b.ReportMetric(float64(len(canonical)), "canonical-bytes")
}

func BenchmarkSign(b *testing.B) {
	r, body := sdkRequest(b, false)
	b.ReportAllocs()
	for b.Loop() {
		Sign(r, body, Key{AccessKeyID: testKey, Secret: testSecret}, testRegion, testService, testTime)
	}
}
