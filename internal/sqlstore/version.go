package sqlstore

import (
	"slices"

	"github.com/souk-market/souk/internal/market"
)

const (
	bumpCounter = `INSERT INTO counter (name, value) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET value = counter.value + 1`

	selectVersions = `SELECT
		(SELECT coalesce(max(value), 0) FROM counter WHERE name = 'directory'),
		(SELECT coalesce(max(value), 0) FROM counter WHERE name = 'house'),
		(SELECT coalesce(max(value), 0) FROM counter WHERE name = 'catalog'),
		(SELECT coalesce(max(seq), 0) FROM agreement_event)`

	directoryCounter = "directory"
	houseCounter     = "house"
	catalogCounter   = "catalog"
)

func (t *tx) Versions() (market.Versions, error) {
	v, _, err := get(t, "read versions", selectVersions, func(v *market.Versions) []any {
		return []any{&v.Directory, &v.House, &v.Catalog, &v.Event}
	})
	return v, err
}

// bump moves a version on, once in an Update.
func (t *tx) bump(op, counter string) error {
	if slices.Contains(t.bumped, counter) {
		return nil
	}
	t.bumped = append(t.bumped, counter)
	return t.put(op, bumpCounter, counter)
}

// putHouse is put, and moves the house's version on.
func (t *tx) putHouse(op, query string, args ...any) error {
	if err := t.put(op, query, args...); err != nil {
		return err
	}
	return t.bump(op, houseCounter)
}
