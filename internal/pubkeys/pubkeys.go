// Package pubkeys publishes the public halves of the keys that RegisterUsage signs with, so that a seller can verify what its containers
// were told. At AWS the seller is given the key at the publishing of the product; here it is read from a well-known address.
//
// The addresses are those of JWKS and PEM: /.well-known/jwks.json has all versions as a JWK set (RFC 7517), and
// /.well-known/souk/register-usage/v1.pem one, as OpenSSL and the JWT libraries' own examples want it.
package pubkeys

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

const (
	// SetPath is where all keys are.
	SetPath   = "/.well-known/jwks.json"
	pemPrefix = "/.well-known/souk/register-usage/v"
	pemSuffix = ".pem"
)

// maxAge is for how long a copy may be used unasked, in seconds: a version that was just made is known everywhere five minutes later, and the
// versions before it never change.
const maxAge = "300"

// PEMPath is where one version of the key is.
func PEMPath(version int) string { return pemPrefix + strconv.Itoa(version) + pemSuffix }

// Serves reports whether a request reads a public key: GET or HEAD of one of the paths.
func Serves(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	_, ok := versionOf(r.URL.Path)
	return ok || r.URL.Path == SetPath
}

// versionOf is the version that a PEM path names. It has one way to be written.
func versionOf(path string) (version int, ok bool) {
	text, ok := strings.CutPrefix(path, pemPrefix)
	if !ok {
		return 0, false
	}
	if text, ok = strings.CutSuffix(text, pemSuffix); !ok {
		return 0, false
	}
	version, err := strconv.Atoi(text)
	return version, err == nil && version > 0 && strconv.Itoa(version) == text
}

// Handler answers the requests that Serves names, and no others: 404 for a version that there is not, 503 when the keys cannot be read. What it says of
// errors is JSON, as everything on the AWS face is.
func Handler(keys func(context.Context) ([]market.PublicKey, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !Serves(r) {
			refuse(w, http.StatusNotFound, "there is nothing here")
			return
		}
		list, err := keys(r.Context())
		if err != nil { // its text is not for strangers
			refuse(w, http.StatusServiceUnavailable, "the keys cannot be read at the moment")
			return
		}
		version, one := versionOf(r.URL.Path)
		if !one {
			write(w, r, "application/jwk-set+json", keySet(list))
			return
		}
		for _, k := range list {
			if k.Version != version {
				continue
			}
			der, err := x509.MarshalPKIXPublicKey(k.Key)
			if err != nil {
				refuse(w, http.StatusServiceUnavailable, "the keys cannot be read at the moment")
				return
			}
			write(w, r, "application/x-pem-file", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
			return
		}
		refuse(w, http.StatusNotFound, "there is no key version "+strconv.Itoa(version))
	})
}

// key is a JWK: RFC 7517, section 4, and RFC 7518, section 6.3.1.
type key struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"` // the version: RegisterUsage's PublicKeyVersion
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
}

func keySet(list []market.PublicKey) []byte {
	set := struct {
		Keys []key `json:"keys"`
	}{Keys: make([]key, len(list))}
	for i, k := range list {
		var e [8]byte
		binary.BigEndian.PutUint64(e[:], uint64(k.Key.E))
		set.Keys[i] = key{
			Type: "RSA", Use: "sig", Algorithm: "PS256", ID: strconv.Itoa(k.Version),
			Modulus:  base64.RawURLEncoding.EncodeToString(k.Key.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(bytes.TrimLeft(e[:], "\x00")),
		}
	}
	b, err := json.Marshal(set)
	if err != nil { // strings only
		panic(err)
	}
	return b
}

// write answers with a body, or with 304 to who has it already.
func write(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "public, max-age="+maxAge)
	h.Set("ETag", tag)
	h.Set("X-Content-Type-Options", "nosniff")
	if known(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	send(w, http.StatusOK, body)
}

// known reports whether a tag is among those of If-None-Match, which are compared weakly (RFC 9110, section 13.1.2).
func known(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

func refuse(w http.ResponseWriter, status int, message string) {
	b, err := json.Marshal(map[string]string{"message": message})
	if err != nil { // strings only
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	send(w, status, b)
}

// send writes a body of known length; net/http leaves it out of answers to HEAD.
func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have left
}
