package sqlstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// months knows which partitions of the table usage there are.
type months struct {
	mu   sync.RWMutex
	made map[int64]bool // by the month's first hour
}

// monthOf is the first hour of an hour's month, and that of the next, in UTC.
func monthOf(hour int64) (from, to int64) {
	t := time.Unix(hour*secondsPerHour, 0).UTC()
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return first.Unix() / secondsPerHour, min(first.AddDate(0, 1, 0).Unix()/secondsPerHour, maxHour+1)
}

// has reports whether the partition of a month is known to be there.
func (m *months) has(first int64) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.made[first]
}

// forget forgets them all: one was detached.
func (m *months) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = nil
}

// monthLock is the advisory lock under which partitions are made, by whichever node comes first.
const monthLock = 0x736f756b // "souk"

// partitionExists is whether a month has a partition: under its own name, or with a number behind it.
const partitionExists = `SELECT EXISTS (SELECT 1 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'usage'::regclass AND NOT i.inhdetachpending AND (c.relname = $1 OR c.relname LIKE $1 || '\_%'))`

// freeName is a name for a partition: that of one that was detached is still taken, until somebody drops or renames it.
func freeName(ctx context.Context, tx pgx.Tx, name string) (string, error) {
	for n, free := 2, name; ; n++ {
		var taken bool
		if err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, free).Scan(&taken); err != nil || !taken {
			return free, err
		}
		free = fmt.Sprint(name, "_", n)
	}
}

// ensure makes the partition of an hour's month if there is none. It is a transaction of its own.
//
// The table is made by itself and then attached, which, other than CREATE TABLE … PARTITION OF, waits for nobody who reads or writes usage.
func (m *months) ensure(ctx context.Context, pg *pgx.Conn, hour int64) error {
	from, to := monthOf(hour)
	if m.has(from) {
		return nil
	}
	name := time.Unix(from*secondsPerHour, 0).UTC().Format("usage_2006_01")
	err := pgx.BeginFunc(ctx, pg, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(monthLock)); err != nil {
			return err
		}
		var exists bool
		err := tx.QueryRow(ctx, partitionExists, name).Scan(&exists)
		if err != nil || exists {
			return err
		}
		table, err := freeName(ctx, tx, name)
		if err != nil {
			return err
		}
		// The bounds are a range of keys. A month that ends with the last hour there can be has no upper one.
		upper := "MAXVALUE"
		if to <= maxHour {
			upper = fmt.Sprint(to << hourShift)
		}
		_, err = tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s (LIKE usage INCLUDING DEFAULTS INCLUDING STORAGE)`, table))
		if err == nil {
			_, err = tx.Exec(ctx, fmt.Sprintf(`ALTER TABLE usage ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%s)`, table, from<<hourShift, upper))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("make partition %s: %w", name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made == nil {
		m.made = make(map[int64]bool)
	}
	m.made[from] = true
	return nil
}
