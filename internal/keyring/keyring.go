// Package keyring seals small secrets that leave Souk and come back: registration tokens and session tokens.
//
// A sealed value is
//
//	nonce (12 bytes) | key id, XORed with the nonce's first 4 (4) | ciphertext | tag (16)
//
// under AES-256-GCM. So nothing in a sealed value is recognizable, and no two begin alike. The purpose is bound in as additional
// data, so that a session token never opens as a registration token.
//
// Nonces are random. Keys rotate long before the 2^32 seals after which NIST SP 800-38D, section 8.3, wants a new key.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// Overhead is how many bytes a sealed value is longer than its plaintext.
const Overhead = idSize + nonceSize + tagSize

const (
	idSize    = 4
	nonceSize = 12
	tagSize   = 16
)

// ErrOpen is the one answer to every value that does not open: truncated, altered, of another Souk, of another
// purpose, under a retired key. Which of these it was is nobody's business but the caller's log.
var ErrOpen = errors.New("keyring: value does not open")

// ErrEmpty means that the ring holds no active key yet.
var ErrEmpty = errors.New("keyring: no active key")

// ID names a key within a ring.
type ID [idSize]byte

func (id ID) String() string { return fmt.Sprintf("%x", id[:]) }

// Key is one key of the ring, as the store keeps it.
type Key struct {
	ID        ID
	Secret    [32]byte
	CreatedAt time.Time
	// Retired keys open nothing any more. They stay in the store as a record that they were.
	Retired bool
}

// NewKey makes a key from rand.
func NewKey(rand io.Reader, now time.Time) (Key, error) {
	k := Key{CreatedAt: now.UTC()}
	if _, err := io.ReadFull(rand, k.ID[:]); err != nil {
		return Key{}, fmt.Errorf("keyring: new key: %w", err)
	}
	if _, err := io.ReadFull(rand, k.Secret[:]); err != nil {
		return Key{}, fmt.Errorf("keyring: new key: %w", err)
	}
	return k, nil
}

// Ring is a set of keys: the newest seals, every one that is not retired opens. It is safe for concurrent use; the zero
// value is an empty ring.
type Ring struct {
	state atomic.Pointer[state]
	// Unknown, if set, is called when a value names a key that the ring does not have: another node may have made it just now. It brings the ring up
	// to date, or does nothing, and takes its time where it is called too often: anybody can make such values up. Set it before the ring is used.
	Unknown func()
}

type state struct {
	active    Key
	activeGCM cipher.AEAD
	opens     map[ID]cipher.AEAD
}

// Replace makes keys the content of the ring, all at once.
func (r *Ring) Replace(keys []Key) error {
	s := &state{opens: make(map[ID]cipher.AEAD, len(keys))}
	for _, k := range keys {
		if k.Retired {
			continue
		}
		block, err := aes.NewCipher(k.Secret[:])
		if err != nil {
			return fmt.Errorf("keyring: replace: %w", err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return fmt.Errorf("keyring: replace: %w", err)
		}
		s.opens[k.ID] = gcm
		if s.activeGCM == nil || newer(k, s.active) {
			s.active, s.activeGCM = k, gcm
		}
	}
	r.state.Store(s)
	return nil
}

// newer orders keys by age, and by id where two are of one instant, so that every node picks the same one.
func newer(a, b Key) bool {
	if !a.CreatedAt.Equal(b.CreatedAt) {
		return a.CreatedAt.After(b.CreatedAt)
	}
	return string(a.ID[:]) > string(b.ID[:])
}

// Active is the key that seals. The second result is false for an empty ring.
func (r *Ring) Active() (Key, bool) {
	s := r.state.Load()
	if s == nil || s.activeGCM == nil {
		return Key{}, false
	}
	return s.active, true
}

// Seal appends the sealed form of plaintext to dst.
func (r *Ring) Seal(dst []byte, rand io.Reader, purpose string, plaintext []byte) ([]byte, error) {
	s := r.state.Load()
	if s == nil || s.activeGCM == nil {
		return dst, ErrEmpty
	}
	at := len(dst)
	dst = append(dst, make([]byte, nonceSize)...)
	nonce := dst[at : at+nonceSize]
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return dst[:at], fmt.Errorf("keyring: seal: %w", err)
	}
	id := masked(s.active.ID, nonce)
	dst = append(dst, id[:]...)
	return s.activeGCM.Seal(dst, dst[at:at+nonceSize], plaintext, []byte(purpose)), nil
}

// masked is the key id as it stands beside a nonce, and the other way round.
func masked(id ID, nonce []byte) ID {
	for i := range id {
		id[i] ^= nonce[i]
	}
	return id
}

// Open appends the plaintext of sealed to dst, or answers ErrOpen. The comparison of the tag takes constant time (crypto/cipher).
func (r *Ring) Open(dst []byte, purpose []byte, sealed []byte) ([]byte, error) {
	s := r.state.Load()
	if s == nil || len(sealed) < Overhead {
		return dst, ErrOpen
	}
	nonce, rest := sealed[:nonceSize], sealed[nonceSize:]
	id := masked(ID(rest[:idSize]), nonce)
	gcm, ok := s.opens[id]
	if !ok && r.Unknown != nil {
		r.Unknown()
		gcm, ok = r.state.Load().opens[id]
	}
	if !ok {
		return dst, ErrOpen
	}
	out, err := gcm.Open(dst, nonce, rest[idSize:], purpose)
	if err != nil {
		return dst, ErrOpen
	}
	return out, nil
}
