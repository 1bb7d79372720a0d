package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/souk-market/souk/internal/market"
)

// markerSetting is the setting of the target that says that it is not whole.
const markerSetting = "copy.unfinished"

// marker says of what the target is a copy, and how far it came: through all kinds before Kind, and of that one as far as After.
type marker struct {
	Source string          `json:"source"` // its fingerprint
	Kind   string          `json:"kind"`
	After  json.RawMessage `json:"after,omitempty"`
	Done   int64           `json:"done,omitempty"` // rows of Kind
}

func readMarker(tx market.Tx) (m marker, found bool, err error) {
	text, found, err := tx.Setting(markerSetting)
	if err != nil || !found {
		return marker{}, false, err
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return marker{}, false, fmt.Errorf("setting %s: %w", markerSetting, err)
	}
	return m, true, nil
}

func (m marker) write(tx market.Tx) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tx.PutSetting(markerSetting, string(text))
}

func dropMarker(tx market.Tx) error { return tx.DropSetting(markerSetting) }

// Finished answers ErrUnfinished for a store that is a copy which was cut short.
func Finished(ctx context.Context, s market.Store) error {
	return s.View(ctx, func(tx market.Tx) error {
		_, found, err := readMarker(tx)
		if err == nil && found {
			err = ErrUnfinished
		}
		return err
	})
}

// fingerprint tells one source from another, and from itself as it was before it was written to, as far as that can be seen without reading all of
// it. It is kept in the target in clear, and has no secrets.
func fingerprint(tx market.Tx, kinds []kind) (string, error) {
	var b []byte
	for _, k := range kinds {
		s, err := sum{}, error(nil)
		if k.public != nil {
			s, err = k.public(tx)
		} else if s.rows, err = k.count(tx); s.rows < 0 {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", k.name, err)
		}
		b = s.append(append(append(b, k.name...), 0))
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:]), nil
}
