package market

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// signingKeyBits is the size of the keys that PS256 is used with most, and the least that RFC 7518 allows.
const signingKeyBits = 2048

// PublicKey is the public half of a signing key of RegisterUsage.
type PublicKey struct {
	Version   int
	Key       *rsa.PublicKey
	CreatedAt time.Time
	RotatedAt time.Time // when the next version came; zero: the newest
}

// PublicKeys lists them, oldest first. It makes the first key if there is none.
func (s *Service) PublicKeys(ctx context.Context) ([]PublicKey, error) {
	keys, err := s.signingKeys(ctx, s.now().UTC().Truncate(time.Millisecond))
	if err != nil {
		return nil, asMarket("list public keys", err)
	}
	list := make([]PublicKey, len(keys))
	for i, k := range keys {
		private, err := s.signers.parse(k)
		if err != nil {
			return nil, asMarket("list public keys", err)
		}
		list[i] = PublicKey{Version: k.Version, Key: &private.PublicKey, CreatedAt: k.CreatedAt, RotatedAt: rotatedAt(keys, i)}
	}
	return list, nil
}

// RotateSigningKey makes a new signing key. The old ones go on signing for those who ask for their version, and say since when there is a newer one.
//
// Errors: Forbidden.
func (s *Service) RotateSigningKey(ctx context.Context, c Caller) (PublicKey, error) {
	if err := operatorOnly(c); err != nil {
		return PublicKey{}, err
	}
	now := s.now().UTC().Truncate(time.Millisecond)
	key, private, err := newSigningKey(now)
	if err != nil {
		return PublicKey{}, asMarket("rotate signing key", err)
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		keys, err := tx.SigningKeys()
		if err != nil {
			return err
		}
		key.Version = 1
		if n := len(keys); n > 0 {
			key.Version = keys[n-1].Version + 1
		}
		return tx.PutSigningKey(key)
	})
	if err != nil {
		return PublicKey{}, asMarket("rotate signing key", err)
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "signing key rotated", slog.Int("version", key.Version))
	return PublicKey{Version: key.Version, Key: &private.PublicKey, CreatedAt: now}, nil
}

// signingKeys are all key pairs, by version; there is at least one. They are read each time, so that what another node made is seen.
func (s *Service) signingKeys(ctx context.Context, now time.Time) (keys []SigningKey, err error) {
	read := func(tx Tx) (err error) {
		keys, err = tx.SigningKeys()
		return err
	}
	if err := s.store.View(ctx, read); err != nil || len(keys) > 0 {
		return keys, err
	}
	// It takes a while to make a key: those who come meanwhile wait for this one. Another node may be as far, and then the first to commit has made it.
	s.signers.making.Lock()
	defer s.signers.making.Unlock()
	if err := s.store.View(ctx, read); err != nil || len(keys) > 0 {
		return keys, err
	}
	first, _, err := newSigningKey(now)
	if err != nil {
		return nil, err
	}
	first.Version = 1
	err = s.store.Update(ctx, func(tx Tx) error {
		if err := read(tx); err != nil || len(keys) > 0 {
			return err
		}
		keys = []SigningKey{first}
		return tx.PutSigningKey(first)
	})
	return keys, err
}

// newSigningKey makes a key pair. It draws from the system's randomness: crypto/rsa takes no other.
func newSigningKey(now time.Time) (SigningKey, *rsa.PrivateKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, signingKeyBits)
	if err != nil {
		return SigningKey{}, nil, fmt.Errorf("market: make signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return SigningKey{}, nil, fmt.Errorf("market: make signing key: %w", err)
	}
	return SigningKey{Private: der, CreatedAt: now}, private, nil
}

// rotatedAt is when the key at an index was superseded; zero: it is the newest.
func rotatedAt(keys []SigningKey, at int) time.Time {
	if at+1 < len(keys) {
		return keys[at+1].CreatedAt
	}
	return time.Time{}
}

// signers are the parsed private keys by version, of which there are few. A version's key is always the same, unless the store is made what it was
// before there was that version: so what it was parsed from is compared. The zero value is empty.
type signers struct {
	making sync.Mutex // held while a first key is made
	mu     sync.Mutex
	parsed map[int]parsedSigner
}

type parsedSigner struct {
	from []byte
	key  *rsa.PrivateKey
}

func (s *signers) parse(k SigningKey) (*rsa.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.parsed[k.Version]; p.key != nil && bytes.Equal(p.from, k.Private) {
		return p.key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("market: parse signing key %d: %w", k.Version, err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("market: parse signing key %d: it is a %T, not for RSA", k.Version, parsed)
	}
	if s.parsed == nil {
		s.parsed = map[int]parsedSigner{}
	}
	s.parsed[k.Version] = parsedSigner{from: k.Private, key: key}
	return key, nil
}
