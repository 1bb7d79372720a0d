package main

import (
	"testing"
	"time"
)

// The rows are what the measurement says they are: each identity once but for the repeats, and never more hours in a sample than are taken.
func TestStream(t *testing.T) {
	s := newStream(time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC))
	if want := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); !s.first.Equal(want) {
		t.Fatalf("begins %s, want %s", s.first, want)
	}
	type identity struct {
		customer, dimension int
		hour                int64
	}
	const n = 3 * block
	seen := map[identity]int64{}
	for i := range n {
		r := s.row(i)
		id := identity{r.customer, r.dimension, r.at.Unix() / 3600}
		quantity, again := seen[id]
		if repeat := i%repeatEach == repeatEach-1; again && (!repeat || quantity != r.quantity) || !again && repeat {
			t.Fatalf("row %d, %+v: seen %t with %d", i, r, again, quantity)
		}
		seen[id] = r.quantity
	}
	if len(seen) != distinct(n) {
		t.Errorf("%d identities, want %d", len(seen), distinct(n))
	}
	for first := range 5 * block {
		first *= 7
		if oldest, now := s.row(first).at, s.end(first+maxSample); first > repeatBack && !now.Before(oldest.Add(24*time.Hour)) {
			t.Fatalf("row %d of %s is too old at %s", first, oldest, now)
		}
	}
	if last := s.row(maxRows - 1).at; last.Sub(s.first) > 28*24*time.Hour-24*time.Hour {
		t.Errorf("the last row is of %s", last)
	}
}
