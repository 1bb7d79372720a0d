package api

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"
)

// discard is a ResponseWriter that costs next to nothing, so that what is measured is Souk's own part.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkResolveCustomer is the whole way of a request without HTTP: every check on, the request record on.
func BenchmarkResolveCustomer(b *testing.B) {
	s := start(b)
	p := s.buy(legacyCode)
	r := sign(s.request(p.Token), sellerKey, "us-east-1", time.Now())
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.Fatal(err)
	}
	r.RequestURI, r.RemoteAddr = "/", "127.0.0.1:1"
	reader := bytes.NewReader(body)
	r.Body = io.NopCloser(reader)
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		s.ServeHTTP(w, r)
	}
	if v := s.last(); v.Outcome != "ok" {
		b.Fatalf("outcome %s: %s", v.Outcome, v.Response)
	}
}
