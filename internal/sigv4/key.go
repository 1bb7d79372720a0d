package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding"
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// A signing key depends on the secret, the day, the region and the service only, and costs four HMACs to derive: more than all else
// that a verification does. So the keys of callers who have proved that they hold them are kept.

const (
	ways    = 4
	buckets = 1024 // 4,096 keys in all
)

// signingKey is a derived key, ready for HMAC-SHA256: SHA-256 as it stands when it has read the key's inner pad, and the outer one.
type signingKey struct {
	credential string // keyid/date/region/service/aws4_request
	secret     string // what it was derived from: a changed secret must not find the old key
	inner      []byte
	outer      []byte
}

// keyCache is a table of fixed size, four places to a bucket. Readers take no lock and write nothing, and there is no list
// to keep: a new key takes the place of an older day's, or else of any other in its bucket.
type keyCache struct {
	seed maphash.Seed
	next atomic.Uint32
	keys [buckets][ways]atomic.Pointer[signingKey]
}

// find returns the key of a credential if it is there and was derived from secret.
func (c *keyCache) find(credential, secret string) *signingKey {
	bucket := &c.keys[maphash.String(c.seed, credential)%buckets]
	for i := range bucket {
		if k := bucket[i].Load(); k != nil && k.credential == credential && k.secret == secret {
			return k
		}
	}
	return nil
}

// add keeps a key. It must be one that the caller of a request has just proved to hold: otherwise anybody who knows
// the id of a key could push the others out.
func (c *keyCache) add(k *signingKey) {
	k.credential = strings.Clone(k.credential) // it is part of a whole Authorization header
	bucket := &c.keys[maphash.String(c.seed, k.credential)%buckets]
	place := int(c.next.Add(1) % ways)
	for i := range bucket {
		old := bucket[i].Load()
		if old == nil || old.credential == k.credential {
			place = i
			break
		}
		if scopeDate(old.credential) < scopeDate(k.credential) {
			place = i
		}
	}
	bucket[place].Store(k)
}

func scopeDate(credential string) string {
	_, scope, _ := cut(credential, '/')
	date, _, _ := cut(scope, '/')
	return date
}

// newSigningKey derives the key of a credential, keyid/date/region/service/aws4_request.
func newSigningKey(credential, secret string) *signingKey {
	k := &signingKey{credential: credential, secret: secret}
	derived := []byte("AWS4" + secret)
	_, scope, _ := strings.Cut(credential, "/")
	for part := range strings.SplitSeq(scope, "/") {
		m := hmac.New(sha256.New, derived)
		m.Write([]byte(part))
		derived = m.Sum(nil)
	}
	k.inner = padState(derived, 0x36) // RFC 2104
	k.outer = padState(derived, 0x5c)
	return k
}

// padState is the state of SHA-256 after a key of at most a block, xored with pad.
func padState(key []byte, pad byte) []byte {
	var block [sha256.BlockSize]byte
	copy(block[:], key)
	for i := range block {
		block[i] ^= pad
	}
	h := sha256.New()
	h.Write(block[:])
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err) // crypto/sha256 documents that it can be done, and knows no error
	}
	return state
}

// sign makes the signature of s.canonical, through the string to sign, which it leaves in s.message.
func (s *scratch) sign(k *signingKey, date, scope string) hashHex {
	digest := hexOf(sha256.Sum256(s.canonical))
	m := append(s.message[:0], algorithm+"\n"...)
	m = append(append(m, date...), '\n')
	m = append(append(m, scope...), '\n')
	s.message = append(m, digest[:]...)
	s.resume(k.inner, s.message)
	s.resume(k.outer, s.sum[:])
	return hexOf(s.sum)
}

// resume makes s.sum the SHA-256 of what led to state and of data, which may be s.sum itself.
func (s *scratch) resume(state, data []byte) {
	if err := s.state.UnmarshalBinary(state); err != nil {
		panic(err) // it is what MarshalBinary gave
	}
	s.hash.Write(data)
	s.hash.Sum(s.sum[:0])
}
