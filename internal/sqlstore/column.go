package sqlstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

// How Go values stand in columns.

// millis is a time as milliseconds since 1970, rounded down; the zero time is NULL.
func millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// timeColumn scans what millis wrote.
type timeColumn struct{ to *time.Time }

func (c timeColumn) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.to = time.Time{}
	case int64:
		*c.to = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("a time is stored as %T", v)
	}
	return nil
}

// millisColumn scans a count of milliseconds.
type millisColumn struct{ to *time.Duration }

func (c millisColumn) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a duration is stored as %T", v)
	}
	*c.to = time.Duration(n) * time.Millisecond
	return nil
}

const secondsPerHour = 3600

// hoursColumn scans a count of units of so many hours since 1970.
type hoursColumn struct {
	to   *time.Time
	unit int64
}

func (c hoursColumn) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("hours are stored as %T", v)
	}
	*c.to = time.Unix(n*c.unit*secondsPerHour, 0).UTC()
	return nil
}

// jsonText is a list as JSON. A nil list is "null" and comes back nil.
func jsonText[T any](list []T) (string, error) {
	b, err := json.Marshal(list)
	return string(b), err
}

// jsonColumn scans what jsonText wrote.
type jsonColumn[T any] struct{ to *[]T }

func (c jsonColumn[T]) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("a list is stored as %T", v)
	}
	*c.to = nil
	return json.Unmarshal([]byte(text), c.to)
}

// entitlementsText is jsonText for entitlements.
func entitlementsText(list []market.Entitlement) (string, error) {
	for _, e := range list {
		if err := checkText(e.Dimension, string(e.Value.Type), e.Value.Text); err != nil {
			return "", err
		}
	}
	return jsonText(list)
}

// pricesText is prices by dimension as JSON, in the order of the keys. No map at all is "null" and comes back as none.
func pricesText(prices map[string]market.Price) (string, error) {
	for key, p := range prices {
		if err := checkText(key, string(p)); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(prices)
	return string(b), err
}

// pricesColumn scans what pricesText wrote.
type pricesColumn struct{ to *map[string]market.Price }

func (c pricesColumn) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("prices are stored as %T", v)
	}
	*c.to = nil
	return json.Unmarshal([]byte(text), c.to)
}

// bytesColumn scans bytes; NULL is nil, and no bytes are an empty slice.
type bytesColumn struct{ to *[]byte }

func (c bytesColumn) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c.to = nil
	case []byte:
		*c.to = append([]byte{}, v...)
	default:
		return fmt.Errorf("bytes are stored as %T", v)
	}
	return nil
}

// idColumn scans the fixed length of a sealing key's id.
type idColumn struct{ to *keyring.ID }

func (c idColumn) Scan(v any) error { return scanBytes(c.to[:], v) }

// recordIDColumn and hashColumn scan those of a usage record and of a call's parameters.
type recordIDColumn struct{ to *market.RecordID }

func (c recordIDColumn) Scan(v any) error { return scanBytes(c.to[:], v) }

type hashColumn struct{ to *[32]byte }

func (c hashColumn) Scan(v any) error { return scanBytes(c.to[:], v) }

func scanBytes(to []byte, v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(to) {
		return fmt.Errorf("%d bytes are stored as %T of %d", len(to), v, len(b))
	}
	copy(to, b)
	return nil
}
