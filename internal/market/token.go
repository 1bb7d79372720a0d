package market

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/keyring"
)

// A registration token is a sealed grant: everything that ResolveCustomer answers, so that it has to read nothing. It is
// 184 characters of standard Base64, ending in "==", like the one live token that has been seen: a registration
// page that decodes it twice, or lets "+" become a space, breaks here as it would there.
//
// The plaintext, before sealing:
//
//	version 1 | flags 1 | token id 8 | issued at 6 (ms) | life 4 (s) | seller 5 | buyer 5 | three short strings | padding
//
// padded to 104 bytes: 136 sealed, 184 in Base64. Long custom product codes take further steps of 48 bytes (64 characters), so that
// the token keeps ending in "==".
const (
	tokenVersion  = 1
	tokenPurpose  = "souk registration token v1"
	tokenPlain    = 104
	tokenStep     = 48
	maxTokenChars = 512 // the Agreement API's bound on a registration token

	flagSingleUse  = 1 << 0
	flagConcurrent = 1 << 1
	flagLicenseRaw = 1 << 2 // the license is 16 bytes behind licensePrefix, not text
)

var tokenPurposeBytes = []byte(tokenPurpose)

// grant is what a registration token carries.
type grant struct {
	tokenID     [8]byte
	issuedAt    time.Time
	life        time.Duration
	seller      string
	buyer       string
	singleUse   bool
	concurrent  bool
	customer    string
	productCode string
	licenseARN  string
}

func (g *grant) expiresAt() time.Time { return g.issuedAt.Add(g.life) }

var errTokenTooLong = fail(Invalid, "the product code and the license are too long for a registration token of 512 characters")

// sealToken mints the token of g.
func sealToken(ring *keyring.Ring, rand io.Reader, g *grant) (string, error) {
	var buf [512]byte
	b := buf[:0]
	var flags byte
	if g.singleUse {
		flags |= flagSingleUse
	}
	if g.concurrent {
		flags |= flagConcurrent
	}
	license := g.licenseARN
	if tail, ok := strings.CutPrefix(license, licensePrefix); ok && len(tail) == 32 {
		if raw, err := hex.DecodeString(tail); err == nil && hex.EncodeToString(raw) == tail {
			license, flags = string(raw), flags|flagLicenseRaw
		}
	}
	b = append(b, tokenVersion, flags)
	b = append(b, g.tokenID[:]...)
	b = append48(b, uint64(g.issuedAt.UnixMilli()))
	b = binary.BigEndian.AppendUint32(b, uint32(g.life/time.Second))
	b = append40(b, accountNumber(g.seller))
	b = append40(b, accountNumber(g.buyer))
	for _, s := range [...]string{g.customer, g.productCode, license} {
		if len(s) > 255 {
			return "", errTokenTooLong
		}
		b = append(b, byte(len(s)))
		b = append(b, s...)
	}
	size := tokenPlain
	for size < len(b) {
		size += tokenStep
	}
	if base64.StdEncoding.EncodedLen(size+keyring.Overhead) > maxTokenChars {
		return "", errTokenTooLong
	}
	b = append(b, make([]byte, size-len(b))...)
	sealed, err := ring.Seal(nil, rand, tokenPurpose, b)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// tokenFits reports whether a registration token can carry a product code and a license: each at most 255 bytes, and all of it at most 512
// characters once sealed. licenseARN "" stands for one minted here.
func tokenFits(productCode, licenseARN string) bool {
	license := len(licenseARN)
	if license == 0 || strings.HasPrefix(licenseARN, licensePrefix) && license == len(licensePrefix)+32 {
		license = 16
	}
	const fixed, customer = 30 + 3, 32 // the head with three lengths; a CustomerIdentifier has 12 characters when minted here
	size := tokenPlain
	for size < fixed+customer+len(productCode)+license {
		size += tokenStep
	}
	return license <= 255 && len(productCode) <= 255 && base64.StdEncoding.EncodedLen(size+keyring.Overhead) <= maxTokenChars
}

var strictBase64 = base64.StdEncoding.Strict()

// openToken is sealToken's inverse. Every reason why it cannot be is keyring.ErrOpen. It allocates once, for the strings.
func openToken(ring *keyring.Ring, token []byte, g *grant) error {
	if len(token) > maxTokenChars || len(token)%4 != 0 {
		return keyring.ErrOpen
	}
	for _, c := range token { // encoding/base64 skips line breaks: a token with one in it is not the token that was minted
		if c == '\r' || c == '\n' {
			return keyring.ErrOpen
		}
	}
	buf := scratch.Get().(*[2][maxTokenChars]byte)
	defer scratch.Put(buf)
	n, err := strictBase64.Decode(buf[0][:], token)
	if err != nil {
		return keyring.ErrOpen
	}
	b, err := ring.Open(buf[1][:0], tokenPurposeBytes, buf[0][:n])
	if err != nil {
		return err
	}
	return g.parse(b)
}

// scratch holds buffers for openToken: what goes through cipher.AEAD, an interface, cannot stay on the stack.
var scratch = sync.Pool{New: func() any { return new([2][maxTokenChars]byte) }}

func (g *grant) parse(b []byte) error {
	if len(b) < 30 || b[0] != tokenVersion {
		return keyring.ErrOpen
	}
	flags := b[1]
	g.singleUse, g.concurrent = flags&flagSingleUse != 0, flags&flagConcurrent != 0
	copy(g.tokenID[:], b[2:10])
	g.issuedAt = time.UnixMilli(int64(read48(b[10:]))).UTC()
	g.life = time.Duration(binary.BigEndian.Uint32(b[16:])) * time.Second

	// One string holds all five values, and the fields are cut from it.
	var text [24 + 3*256 + len(licensePrefix) + 32]byte
	t := appendAccount(text[:0], read40(b[20:]))
	t = appendAccount(t, read40(b[25:]))
	rest := b[30:]
	var ends [3]int
	for i := range ends {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return keyring.ErrOpen
		}
		s := rest[1 : 1+int(rest[0])]
		rest = rest[1+len(s):]
		if i == 2 && flags&flagLicenseRaw != 0 {
			t = append(t, licensePrefix...)
			t = hex.AppendEncode(t, s)
		} else {
			t = append(t, s...)
		}
		ends[i] = len(t)
	}
	all := string(t)
	g.seller, g.buyer = all[:12], all[12:24]
	g.customer, g.productCode, g.licenseARN = all[24:ends[0]], all[ends[0]:ends[1]], all[ends[1]:ends[2]]
	return nil
}

func append48(b []byte, v uint64) []byte {
	return append(b, byte(v>>40), byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

func read48(b []byte) uint64 {
	return uint64(b[0])<<40 | uint64(b[1])<<32 | uint64(b[2])<<24 | uint64(b[3])<<16 | uint64(b[4])<<8 | uint64(b[5])
}

func append40(b []byte, v uint64) []byte {
	return append(b, byte(v>>32), byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

func read40(b []byte) uint64 {
	return uint64(b[0])<<32 | uint64(b[1])<<24 | uint64(b[2])<<16 | uint64(b[3])<<8 | uint64(b[4])
}

// accountNumber reads twelve digits; 10^12 fits in 40 bits.
func accountNumber(id string) uint64 {
	var v uint64
	for i := range len(id) {
		v = v*10 + uint64(id[i]-'0')
	}
	return v
}

func appendAccount(b []byte, v uint64) []byte {
	var d [12]byte
	for i := len(d) - 1; i >= 0; i-- {
		d[i] = byte('0' + v%10)
		v /= 10
	}
	return append(b, d[:]...)
}
