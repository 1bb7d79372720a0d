package admin

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// SigningKey is the public half of a key pair that RegisterUsage signs with. The private half never leaves the store.
type SigningKey struct {
	Version   int       `json:"version"` // PublicKeyVersion, from 1
	CreatedAt time.Time `json:"created_at"`
	RotatedAt time.Time `json:"rotated_at,omitzero"` // when the next one took its place; zero: it is the newest
	PEM       string    `json:"pem"`                 // PKIX
}

func signingKey(k market.PublicKey) (SigningKey, error) {
	der, err := x509.MarshalPKIXPublicKey(k.Key)
	if err != nil {
		return SigningKey{}, fmt.Errorf("admin: encode public key %d: %w", k.Version, err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return SigningKey{Version: k.Version, CreatedAt: k.CreatedAt.UTC(), RotatedAt: k.RotatedAt.UTC(), PEM: string(text)}, nil
}

func (a *API) listSigningKeys(w http.ResponseWriter, r *http.Request) error {
	keys, err := a.service.PublicKeys(r.Context())
	if err != nil {
		return err
	}
	out := make([]SigningKey, len(keys))
	for i, k := range keys {
		if out[i], err = signingKey(k); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, map[string]any{"signing_keys": out})
}

func (a *API) rotateSigningKey(w http.ResponseWriter, r *http.Request) error {
	if err := decodeNothing(w, r); err != nil {
		return err
	}
	k, err := a.service.RotateSigningKey(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	out, err := signingKey(k)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, out)
}
