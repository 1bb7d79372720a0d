// Package vault seals the secrets that stand in a store under a key that does not.
//
// A sealed value is
//
//	0x81 | id of the key (4 bytes) | nonce (12) | ciphertext | tag (16)
//
// under AES-256-GCM with random nonces. What it is for, the purpose, is bound in as additional data with the first five bytes: a value that is moved to
// another place does not open there. The id is derived from the key, and tells a value under another key from one that was altered.
//
// The first byte is the version of this form. It begins no text in UTF-8 and no value in DER, so that a value in clear is not taken for a sealed one.
//
// NIST SP 800-38D, section 8.3, wants a new key after 2^32 values with random nonces. A store has a few thousand, each sealed when it is written.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	version    = 0x81
	idSize     = 4
	headerSize = 1 + idSize
)

// Overhead is how many bytes a sealed value is longer than what is sealed in it.
const Overhead = headerSize + 12 + 16

// What Open answers.
var (
	// ErrKey means that the value was sealed under another key.
	ErrKey = errors.New("vault: sealed under another key")
	// ErrAltered means that the value is not what was sealed for this purpose: altered, cut short, or of another place.
	ErrAltered = errors.New("vault: altered, or not sealed for this purpose")
	// ErrClear means that the value is not sealed.
	ErrClear = errors.New("vault: not sealed")
)

// Vault seals and opens under one key. It is safe for concurrent use.
type Vault struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// New is a vault with this key.
func New(key Key) *Vault {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are a key of AES
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // it takes every block of crypto/aes
	}
	sum := sha256.Sum256(append([]byte("souk vault key id\x00"), key[:]...))
	return &Vault{id: [idSize]byte(sum[:]), aead: aead}
}

// ID names the key, in eight hexadecimal digits. It is no secret.
func (v *Vault) ID() string { return fmt.Sprintf("%x", v.id[:]) }

// Seal seals plaintext for a purpose, which Open must be asked for with. Purposes should name the place: a table, a column and the row's key.
func (v *Vault) Seal(purpose string, plaintext []byte) []byte {
	sealed := make([]byte, headerSize, Overhead+len(plaintext))
	sealed[0] = version
	copy(sealed[1:], v.id[:])
	return v.aead.Seal(sealed, nil, plaintext, additional(sealed, purpose))
}

// Open is what was sealed, never nil, or one of ErrKey, ErrAltered and ErrClear.
func (v *Vault) Open(purpose string, sealed []byte) ([]byte, error) {
	switch {
	case !Sealed(sealed):
		return nil, ErrClear
	case [idSize]byte(sealed[1:]) != v.id:
		return nil, ErrKey
	}
	plaintext, err := v.aead.Open([]byte{}, nil, sealed[headerSize:], additional(sealed[:headerSize], purpose))
	if err != nil {
		return nil, ErrAltered
	}
	return plaintext, nil
}

// Sealed reports whether a value has the form of a sealed one, under whatever key.
func Sealed(value []byte) bool { return len(value) >= Overhead && value[0] == version }

func additional(header []byte, purpose string) []byte {
	return append(header[:headerSize:headerSize], purpose...)
}
