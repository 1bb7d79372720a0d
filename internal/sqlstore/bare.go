package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

// BareUsageLoop is the yardstick of the load command, and nothing else calls it: how many usage records a second the engine takes when nothing is in
// its way. It makes a store at path and goes round all of it but the connection: one goroutine, the same table, pragmas and driver's
// statement, records deduplicated by the table's key, batch of them a transaction, each transaction synced.
//
// next fills in the record of number i. Only the transactions are timed; making records, and the ids of their series, is not.
func BareUsageLoop(ctx context.Context, path string, rows, batch int, next func(i int, r *market.UsageRecord)) (perSecond float64, err error) {
	if rows < 1 || batch < 1 {
		return 0, fmt.Errorf("sqlstore: bare loop: %d rows by %d", rows, batch)
	}
	s, err := Open(ctx, Config{Path: path, Create: true, Vault: bareVault()})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	w := s.writer // nobody queues, so the connection is free
	records, keys := make([]market.UsageRecord, batch), make([]int64, batch)
	var spent time.Duration
	for done := 0; done < rows; done += len(records) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		records = records[:min(batch, rows-done)]
		for i := range records {
			next(done+i, &records[i])
		}
		keys = keys[:len(records)]
		if _, err := w.appender.known.keys(records, keys); err != nil {
			return 0, fmt.Errorf("sqlstore: bare loop: %w", err)
		}
		if err := w.bare(func() error { return w.appender.complete(records, keys) }); err != nil {
			return 0, fmt.Errorf("sqlstore: bare loop: %w", err)
		}
		begun := time.Now()
		if err := w.bare(func() error { return w.appender.insertRows(records, keys) }); err != nil {
			return 0, fmt.Errorf("sqlstore: bare loop: %w", err)
		}
		spent += time.Since(begun)
	}
	return float64(rows) / spent.Seconds(), nil
}

// bareVault has a key that everybody has: there are no secrets in the store, and each round opens it again.
func bareVault() *vault.Vault { return vault.New(vault.Key{}) }

// bare runs fn as a transaction.
func (w *writer) bare(fn func() error) error {
	if err := w.conn.run("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := w.conn.sql.Raw(func(driverConn any) error {
		if err := w.appender.prepare(driverConn); err != nil {
			return err
		}
		return fn()
	})
	if err == nil {
		err = w.conn.run("COMMIT")
	}
	if err != nil {
		w.rollback()
		return err
	}
	w.appender.committed()
	return nil
}

// complete fills in the keys that are not known yet.
func (a *appender) complete(records []market.UsageRecord, keys []int64) error {
	for i := range records {
		if keys[i] != 0 {
			continue
		}
		series, err := a.intern(&records[i].Series)
		if err != nil {
			return err
		}
		keys[i] = records[i].Hour()<<hourShift | series
	}
	return nil
}

// insertRows inserts records whose keys are not taken.
func (a *appender) insertRows(records []market.UsageRecord, keys []int64) error {
	for i := range records {
		if _, err := a.insertRow(keys[i], records[i].Timestamp.UnixMilli(), &records[i]); err != nil {
			return err
		}
	}
	return nil
}
