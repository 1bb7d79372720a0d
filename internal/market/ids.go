package market

import (
	"fmt"
	"io"
)

// The forms of the ids are those seen live; see the divergences page. All randomness comes from the reader that Service was given.

const (
	digitsAndLower   = "0123456789abcdefghijklmnopqrstuvwxyz"
	lowerBase32      = "abcdefghijklmnopqrstuvwxyz234567"
	digitsAndLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// randomText draws n characters of alphabet, each with the same probability.
func randomText(rand io.Reader, alphabet string, n int) (string, error) {
	out := make([]byte, 0, n)
	limit := 256 - 256%len(alphabet) // above it, a byte would favour the alphabet's start
	var buf [32]byte
	for len(out) < n {
		if _, err := io.ReadFull(rand, buf[:]); err != nil {
			return "", fmt.Errorf("market: draw random id: %w", err)
		}
		for _, b := range buf {
			if int(b) < limit && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out), nil
}

func newProductID(rand io.Reader) (string, error) { return prefixed(rand, "prod-", lowerBase32, 13) }

func newOfferID(rand io.Reader) (string, error) { return prefixed(rand, "offer-", lowerBase32, 13) }

func newAgreementID(rand io.Reader) (string, error) {
	return prefixed(rand, "agmt-", digitsAndLower, 25)
}

// newCustomerIdentifier has 12 characters of mixed case, as most of those seen.
func newCustomerIdentifier(rand io.Reader) (string, error) {
	return randomText(rand, digitsAndLetters, 12)
}

// LicenseIssuer is the account in every LicenseArn: AWS Marketplace's own, as seen live.
const LicenseIssuer = "294406891311"

const licensePrefix = "arn:aws:license-manager::" + LicenseIssuer + ":license:l-"

func newLicenseARN(rand io.Reader) (string, error) {
	return prefixed(rand, licensePrefix, "0123456789abcdef", 32)
}

func prefixed(rand io.Reader, prefix, alphabet string, n int) (string, error) {
	s, err := randomText(rand, alphabet, n)
	if err != nil {
		return "", err
	}
	return prefix + s, nil
}
