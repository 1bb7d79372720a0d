package sigv4

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"net/http"
	"strconv"
	"strings"
)

// masked stands for a secret in a canonical request that is shown to somebody.
const masked = "(masked)"

// hashHex is a SHA-256 in the form that signatures use.
type hashHex [2 * sha256.Size]byte

// hexOf is hex.Encode, eight digits at a time: at three hashes a request the plain one shows in the profile.
func hexOf(sum [sha256.Size]byte) (h hashHex) {
	const ones = 0x0101010101010101
	for i := 0; i < len(sum); i += 4 {
		x := uint64(binary.BigEndian.Uint32(sum[i:]))
		x = (x<<16 | x) & 0x0000ffff0000ffff
		x = (x<<8 | x) & 0x00ff00ff00ff00ff
		x = (x<<4 | x) & 0x0f0f0f0f0f0f0f0f // one digit a byte
		letter := (x + 6*ones) >> 4 & ones  // 1 where it is 10 or more
		binary.BigEndian.PutUint64(h[2*i:], x+'0'*ones+letter*('a'-'0'-10))
	}
	return h
}

// scratch is the memory that one verification works in. It goes back to its pool afterwards, so nothing that outlives the call
// may point into it.
type scratch struct {
	claim     claim
	params    []param
	canonical []byte
	message   []byte // the string to sign
	sum       [sha256.Size]byte
	hash      hash.Hash
	state     encoding.BinaryUnmarshaler // hash
}

func newScratch() *scratch {
	h := sha256.New()
	return &scratch{hash: h, state: h.(encoding.BinaryUnmarshaler)} // documented by crypto/sha256
}

// canonicalRequest writes the canonical request into s.canonical:
//
//	method \n path \n query \n (name:value \n)* \n names \n payload hash
//
// l has the signed headers; s.params are sorted. path is encoded once more on the way. With mask, secrets are blanked out.
func (s *scratch) canonicalRequest(r *http.Request, path string, l *headerList, bodyLen int, payload *hashHex, mask bool) {
	b := append(s.canonical[:0], r.Method...)
	b = append(b, '\n')
	b = appendEscaped(b, path, true)
	b = append(b, '\n')
	b = appendQuery(b, s.params, mask)
	b = append(b, '\n')
	for i, name := range l.names {
		b = appendHeader(b, r, name, l.keys[i], bodyLen, mask)
	}
	b = append(append(b, '\n'), l.joined...)
	b = append(b, '\n')
	s.canonical = append(b, payload[:]...)
}

// appendHeader writes the line of one signed header: its values trimmed, their runs of spaces made one, joined by commas. A header
// that is listed and not there has no line, so that taking away an empty header does not go unnoticed either.
func appendHeader(dst []byte, r *http.Request, name, key string, bodyLen int, mask bool) []byte {
	if name == "host" || name == ":authority" { // net/http moves it out of the header
		host := r.Host
		if host == "" && r.URL != nil {
			host = r.URL.Host
		}
		return append(appendValue(append(append(dst, name...), ':'), host), '\n')
	}
	values, ok := r.Header[key]
	if !ok {
		switch name {
		case "content-length":
			// A proxy may have sent the body on in chunks, without a length. The signed length can only have been the body's own: its
			// hash is signed as well.
			n := r.ContentLength
			if n < 0 {
				n = int64(bodyLen)
			}
			dst = append(append(dst, name...), ':')
			return append(strconv.AppendInt(dst, n, 10), '\n')
		case "transfer-encoding":
			values = r.TransferEncoding
		}
		if len(values) == 0 {
			return dst
		}
	}
	dst = append(append(dst, name...), ':')
	if mask && (name == "x-amz-security-token" || name == "authorization" || name == "cookie") {
		return append(append(dst, masked...), '\n')
	}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, v)
	}
	return append(dst, '\n')
}

// appendValue writes a header value, trimmed and with each run of spaces made one.
func appendValue(dst []byte, v string) []byte {
	for v = trim(v); ; {
		i := strings.IndexByte(v, ' ')
		if i < 0 {
			return append(dst, v...)
		}
		dst = append(dst, v[:i+1]...)
		for v = v[i+1:]; v[0] == ' '; v = v[1:] { // it does not end with a space
		}
	}
}

// cut is strings.Cut for a single byte, which is all that is ever cut at here, and twice as fast.
func cut(s string, sep byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// trim removes the white space that HTTP allows around a field value.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
