package console_test

import (
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a page may weigh, with all that it loads, and how long the server may take for it.
const (
	pageBytes = 100 << 10
	pageTime  = 50 * time.Millisecond
)

// BenchmarkPages is every page over a store of 100,000 agreements and a million usage records, with 50,000 requests in the log. Of each it tells how long
// one takes, how long the first took, before any figure was made, how long it was until all figures were there, and how much a browser loads.
//
//	go test -run '^$' -bench Pages -benchtime 20x ./internal/console
func BenchmarkPages(b *testing.B) {
	size := fullSize{products: 40, buyers: 5000, agreements: 100_000, records: 1_060_000, requests: 50_000}
	f := newFull(b, size)
	pages := fullPages(size)
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		b.Run(name, func(b *testing.B) {
			f.TB = b
			begun := time.Now()
			body, _ := f.get(pages[name])
			first := time.Since(begun)
			for strings.Contains(body, `class="age"`) && strings.Contains(body, "still being") && time.Since(begun) < time.Minute {
				time.Sleep(10 * time.Millisecond)
				body, _ = f.get(pages[name])
			}
			whole := time.Since(begun)
			for b.Loop() {
				f.get(pages[name])
			}
			took, weight := b.Elapsed()/time.Duration(b.N), f.weigh(body)
			b.ReportMetric(took.Seconds()*1000, "ms/op")
			b.ReportMetric(first.Seconds()*1000, "first-ms")
			b.ReportMetric(whole.Seconds()*1000, "whole-ms")
			b.ReportMetric(float64(weight)/1024, "KB")
			if took > pageTime || weight > pageBytes {
				b.Errorf("%s takes %s and weighs %d bytes; it may take %s and weigh %d", pages[name], took, weight, pageTime, pageBytes)
			}
		})
	}
}

// TestPagesAreSmall weighs every page over a store that is moderately full: enough for pages to be full ones.
func TestPagesAreSmall(t *testing.T) {
	size := fullSize{products: 20, buyers: 300, agreements: 3000, records: 150_000, requests: 1000}
	f := newFull(t, size)
	for name, path := range fullPages(size) {
		body, _ := f.get(path)
		for begun := time.Now(); strings.Contains(body, "still being") && time.Since(begun) < time.Minute; body, _ = f.get(path) {
			time.Sleep(20 * time.Millisecond)
		}
		if weight := f.weigh(body); weight > pageBytes {
			t.Errorf("%s, %s: %d bytes, of which the page has %d; all together may have %d", name, path, weight, len(body), pageBytes)
		}
	}
}

// getPattern is where a page that is asked for is registered.
var getPattern = regexp.MustCompile(`c\.handle\(mux, "([^"]+)", methods\{"GET"`)

// TestEveryPageIsMeasured finds pages that fullPages has forgotten.
func TestEveryPageIsMeasured(t *testing.T) {
	size := fullSize{buyers: 1, agreements: 61, records: fullHours, requests: 2}
	f := newFull(t, size)
	measured := map[string]bool{
		"/assets/{name}": true, "/usage/export": true, "/requests/live": true, // no pages: a file, a file, and what does not end
	}
	for _, path := range fullPages(size) {
		_, pattern := f.mux.Handler(httptest.NewRequest("GET", path, nil))
		measured[pattern] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range getPattern.FindAllStringSubmatch(string(text), -1) {
			if found++; !measured[m[1]] && !strings.HasSuffix(file, "_test.go") {
				t.Errorf("%s: page %s is not in fullPages, so that nobody looks at what it weighs and how long it takes", file, m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("%d pages found; are they registered in another way now?", found)
	}
}
