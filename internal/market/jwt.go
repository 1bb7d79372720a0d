package market

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// jwtHeader is the documented header of RegisterUsage's signature. It has no "kid": the payload says which key it is.
const jwtHeader = `{"alg":"PS256","typ":"JWT"}`

// registrationPayload is what RegisterUsage signs, in the documented order. What was not sent, or is not the case, is null.
type registrationPayload struct {
	ProductCode      string
	PublicKeyVersion int
	Nonce            *string
	// PublicKeyRotationTimestamp counts seconds from 1970, as JWTs do and as the answer beside it does.
	PublicKeyRotationTimestamp *int64
}

// signRegistration makes the JWT of a RegisterUsage call: PS256, which is RSASSA-PSS with SHA-256 and a salt as long as the hash (RFC 7518, section 3.5).
func signRegistration(rand io.Reader, key *rsa.PrivateKey, in *RegisterUsageInput, rotated time.Time) (string, error) {
	p := registrationPayload{ProductCode: in.ProductCode, PublicKeyVersion: in.PublicKeyVersion}
	if in.HasNonce {
		p.Nonce = &in.Nonce
	}
	if !rotated.IsZero() {
		seconds := rotated.Unix()
		p.PublicKeyRotationTimestamp = &seconds
	}
	payload, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("market: sign registration: %w", err)
	}
	b := base64.RawURLEncoding.AppendEncode(nil, []byte(jwtHeader))
	b = base64.RawURLEncoding.AppendEncode(append(b, '.'), payload)
	digest := sha256.Sum256(b)
	signature, err := rsa.SignPSS(rand, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	if err != nil {
		return "", fmt.Errorf("market: sign registration: %w", err)
	}
	return string(base64.RawURLEncoding.AppendEncode(append(b, '.'), signature)), nil
}
