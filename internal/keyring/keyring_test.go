package keyring

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"
)

func mustKey(t *testing.T, at time.Time) Key {
	t.Helper()
	k, err := NewKey(rand.Reader, at)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ringOf(t *testing.T, keys ...Key) *Ring {
	t.Helper()
	r := new(Ring)
	if err := r.Replace(keys); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealOpen(t *testing.T) {
	r := ringOf(t, mustKey(t, time.Now()))
	for _, plain := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("long"), 1000)} {
		sealed, err := r.Seal(nil, rand.Reader, "p", plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != len(plain)+Overhead {
			t.Errorf("sealed %d bytes to %d, want %d more", len(plain), len(sealed), Overhead)
		}
		got, err := r.Open(nil, []byte("p"), sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("Open = %q, %v; want %q", got, err, plain)
		}
	}
}

// Every bit of a sealed value counts, and so does its length.
func TestOpenRefusesAlteration(t *testing.T) {
	r := ringOf(t, mustKey(t, time.Now()))
	sealed, err := r.Seal(nil, rand.Reader, "p", []byte("a registration"))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(sealed) * 8 {
		bad := bytes.Clone(sealed)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := r.Open(nil, []byte("p"), bad); !errors.Is(err, ErrOpen) {
			t.Fatalf("bit %d flipped: Open = %v, want ErrOpen", bit, err)
		}
	}
	for n := range len(sealed) {
		if _, err := r.Open(nil, []byte("p"), sealed[:n]); !errors.Is(err, ErrOpen) {
			t.Fatalf("cut to %d bytes: Open = %v, want ErrOpen", n, err)
		}
	}
	if _, err := r.Open(nil, []byte("p"), append(bytes.Clone(sealed), 0)); !errors.Is(err, ErrOpen) {
		t.Errorf("one byte more: Open = %v, want ErrOpen", err)
	}
	if _, err := r.Open(nil, []byte("other purpose"), sealed); !errors.Is(err, ErrOpen) {
		t.Errorf("other purpose: Open = %v, want ErrOpen", err)
	}
	if _, err := ringOf(t, mustKey(t, time.Now())).Open(nil, []byte("p"), sealed); !errors.Is(err, ErrOpen) {
		t.Errorf("another ring: Open = %v, want ErrOpen", err)
	}
}

func TestRotation(t *testing.T) {
	now := time.Now()
	oldKey, newKey := mustKey(t, now), mustKey(t, now.Add(time.Second))
	r := ringOf(t, oldKey)
	sealed, err := r.Seal(nil, rand.Reader, "p", []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Replace([]Key{newKey, oldKey}); err != nil {
		t.Fatal(err)
	}
	if k, ok := r.Active(); !ok || k.ID != newKey.ID {
		t.Errorf("Active = %v, %v; want the newer key", k.ID, ok)
	}
	if _, err := r.Open(nil, []byte("p"), sealed); err != nil {
		t.Errorf("after rotation: Open = %v, want the old key to go on opening", err)
	}
	oldKey.Retired = true
	if err := r.Replace([]Key{newKey, oldKey}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(nil, []byte("p"), sealed); !errors.Is(err, ErrOpen) {
		t.Errorf("after retirement: Open = %v, want ErrOpen", err)
	}
}

func TestEmptyRing(t *testing.T) {
	var r Ring
	if _, err := r.Seal(nil, rand.Reader, "p", nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("Seal = %v, want ErrEmpty", err)
	}
	if _, err := r.Open(nil, []byte("p"), make([]byte, 200)); !errors.Is(err, ErrOpen) {
		t.Errorf("Open = %v, want ErrOpen", err)
	}
	if _, ok := r.Active(); ok {
		t.Error("an empty ring has an active key")
	}
}
