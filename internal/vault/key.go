package vault

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// KeySize is the length of a key in bytes: AES-256.
const KeySize = 32

// Key is the secret that a vault seals under. It prints as "[key]", whatever the verb; Text has it in full.
type Key [KeySize]byte

// Generate makes a key from rand, which has to be a source of secrets.
func Generate(rand io.Reader) (k Key, err error) {
	if _, err := io.ReadFull(rand, k[:]); err != nil {
		return Key{}, fmt.Errorf("vault: generate: %w", err)
	}
	return k, nil
}

// ErrText is the answer to text that is no key. It never has any of the text.
var ErrText = errors.New("vault: a key is 32 bytes, written as 44 characters of Base64 or as 64 hexadecimal digits")

// Parse reads a key as Text writes it, or in Base64 without padding or of the alphabet for URLs, or in hexadecimal digits of either case. White space
// around it does not count. The error is ErrText.
func Parse(text string) (Key, error) {
	text = strings.TrimSpace(text)
	decode := func(text string) ([]byte, error) {
		text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
		return base64.RawStdEncoding.Strict().DecodeString(text)
	}
	switch len(text) {
	case hex.EncodedLen(KeySize):
		decode = hex.DecodeString
	case base64.StdEncoding.EncodedLen(KeySize), base64.RawStdEncoding.EncodedLen(KeySize):
	default:
		return Key{}, ErrText
	}
	b, err := decode(text)
	if err != nil || len(b) != KeySize {
		return Key{}, ErrText // err may say what stands where
	}
	return Key(b), nil
}

// Text is the key in Base64, for Parse.
func (k Key) Text() string { return base64.StdEncoding.EncodeToString(k[:]) }

// Format keeps the key out of whatever is printed.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, "[key]") }
