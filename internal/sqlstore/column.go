package sqlstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/keyring"
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

// idColumn and secretColumn scan the fixed lengths of a sealing key.
type idColumn struct{ to *keyring.ID }

func (c idColumn) Scan(v any) error { return scanBytes(c.to[:], v) }

type secretColumn struct{ to *[32]byte }

func (c secretColumn) Scan(v any) error { return scanBytes(c.to[:], v) }

func scanBytes(to []byte, v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(to) {
		return fmt.Errorf("%d bytes are stored as %T of %d", len(to), v, len(b))
	}
	copy(to, b)
	return nil
}
