package market

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// A NextToken is a sealed position with the query that it is of: nothing is remembered between pages, every node opens every token, and none can be made up.
const (
	pageTokenVersion = 1
	pageTokenPurpose = "souk entitlements page token v1"
	// pageTokenLife is how long a page token goes on, on the market's clock. AWS does not say; ours.
	pageTokenLife = 24 * time.Hour
	// maxPageToken bounds what is decoded at all. Ours have about 150 characters; the longest key of a dimension, of 255 characters, makes 1500.
	maxPageToken = 2048

	msgPageToken = "The NextToken is invalid." // ours
)

var pageTokenPurposeBytes = []byte(pageTokenPurpose)

// pageToken is the content of a NextToken.
type pageToken struct {
	mintedAt time.Time
	query    [16]byte
	at       position
}

// append writes the content:
//
//	version 1 | minted at 6 (ms) | query 16 | whole 1 | length, agreement | length, dimension
func (t *pageToken) append(b []byte) []byte {
	b = append48(append(b, pageTokenVersion), uint64(t.mintedAt.UnixMilli()))
	b = append(b, t.query[:]...)
	whole := byte(0)
	if t.at.whole {
		whole = 1
	}
	b = append(b, whole)
	for _, s := range [...]string{t.at.agreement, t.at.dimension} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// parse reads what append wrote. It answers false for anything else.
func (t *pageToken) parse(b []byte) bool {
	if len(b) < 24 || b[0] != pageTokenVersion {
		return false
	}
	t.mintedAt = time.UnixMilli(int64(read48(b[1:]))).UTC()
	copy(t.query[:], b[7:])
	t.at.whole = b[23] != 0
	p := unpacker{rest: b[24:]}
	t.at.agreement = string(p.text(maxPageToken))
	t.at.dimension = string(p.text(maxPageToken))
	return !p.bad && len(p.rest) == 0
}

// sealPageToken mints the NextToken of a page that ends at a position.
func (s *Service) sealPageToken(ctx context.Context, at position, caller string, in *EntitlementsInput, now time.Time) (string, error) {
	if err := s.rotateIfOld(ctx); err != nil {
		return "", err
	}
	t := pageToken{mintedAt: now, query: queryHash(caller, in), at: at}
	sealed, err := s.ring.Seal(nil, s.rand, pageTokenPurpose, t.append(make([]byte, 0, 128)))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// openPageToken is where the page before ended. The size of pages may differ; all else must be asked as before.
func (s *Service) openPageToken(token, caller string, in *EntitlementsInput, now time.Time) (position, error) {
	refused := func(reason string) (position, error) {
		return position{}, &Error{Code: InvalidParameter, Message: msgPageToken, Reason: reason}
	}
	sealed, ok := decodePageText(token)
	if !ok {
		return refused("the page token is not in base64url")
	}
	b, err := s.ring.Open(nil, pageTokenPurposeBytes, sealed)
	var t pageToken
	switch {
	case err != nil || !t.parse(b):
		return refused("the page token does not open: altered, cut short, of another Souk, or sealed under a retired key")
	case t.query != queryHash(caller, in):
		return refused("the page token is of another query: the product, the filter and the caller's account have to stay the same")
	case !now.Before(t.mintedAt.Add(pageTokenLife)):
		return refused("the page token was minted " + stamp(t.mintedAt) + " and has expired, now " + stamp(now))
	}
	return t.at, nil
}

// decodePageText undoes the token's base64url. encoding/base64 skips line breaks: a token with one in it is not the token that was minted.
func decodePageText(token string) ([]byte, bool) {
	if len(token) > maxPageToken || strings.ContainsAny(token, "\r\n") {
		return nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	return b, err == nil
}

// queryHash says what a page token is of: the caller, the product and the filter. The order of a filter's values does not count, nor one that stands
// twice: it is the same question.
func queryHash(caller string, in *EntitlementsInput) (sum [16]byte) {
	b := make([]byte, 0, 512)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(caller)
	text(in.ProductCode)
	for _, list := range [...][]string{in.CustomerIdentifiers, in.CustomerAccounts, in.Dimensions, in.Licenses} {
		if list == nil {
			b = append(b, 0)
			continue
		}
		if !slices.IsSorted(list) {
			list = slices.Sorted(slices.Values(list))
		}
		list = slices.Compact(slices.Clone(list))
		b = binary.AppendUvarint(b, uint64(len(list))+1)
		for _, v := range list {
			text(v)
		}
	}
	full := sha256.Sum256(b)
	copy(sum[:], full[:])
	return sum
}
