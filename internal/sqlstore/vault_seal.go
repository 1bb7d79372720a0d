package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/souk-market/souk/internal/vault"
)

// unlock makes v the store's vault, on a connection that nobody else uses yet, after the migrations. A store that has no key so far, a new one or one from
// before secrets were sealed, gets v's, and what stands in it in clear is sealed. For others it is prove.
func unlock(ctx context.Context, c *sql.Conn, d *dialect, v *vault.Vault, log *slog.Logger) error {
	switch value, err := proof(ctx, c); {
	case err != nil:
		return err
	case value != nil:
		return prove(ctx, c, v)
	}
	s := sealing{
		// Of several nodes that come at once, the first does it. The others wait for it here, and then find that there is nothing to do.
		claim: `INSERT INTO vault (name, sealed) VALUES ('proof', $1) ON CONFLICT (name) DO NOTHING`,
		open: func(place string, value []byte) ([]byte, error) {
			if vault.Sealed(value) {
				return nil, errNoProof // sealed once more, nobody could ever open it
			}
			return value, nil
		},
		next: v,
	}
	n, err := s.run(ctx, c, d)
	if err != nil {
		return err
	}
	if n > 0 {
		log.LogAttrs(ctx, slog.LevelInfo, "secrets sealed", slog.Int("secrets", n), slog.String("key", v.ID()))
	}
	return prove(ctx, c, v)
}

// Rekey opens a store as Open does, seals all its secrets anew, under next in place of cfg.Vault, and closes it. It answers how many there were. After an
// error they are as they were: all under the old key. When it has succeeded, nothing that only the old key opens is left in the file.
//
// Errors: those of Open.
func Rekey(ctx context.Context, cfg Config, next *vault.Vault) (n int, err error) {
	s, err := newStore(ctx, cfg)
	if err != nil {
		return 0, err
	}
	n, err = rekey(ctx, s.writer.conn.sql, sqliteDialect, cfg.Vault, next)
	if err = errors.Join(err, s.release()); err != nil {
		return 0, fmt.Errorf("sqlstore: rekey %s: %w", describe(cfg.Path), err)
	}
	return n, nil
}

// RekeyPostgres is Rekey for PostgreSQL. No node may have the store open: it would not be able to read it any more, and what it wrote meanwhile might be
// left under the old key. One that Peers sees is ErrInUse. What PostgreSQL keeps of old rows, until VACUUM and in its log, the old key opens.
func RekeyPostgres(ctx context.Context, cfg PostgresConfig, next *vault.Vault) (n int, err error) {
	cfg.URL = AloneURL(cfg.URL, "rekey")
	p, err := OpenPostgres(ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.alone(ctx); err != nil {
		return 0, fmt.Errorf("sqlstore: rekey %s: %w", p.url, err)
	}
	c, err := p.conns.take(ctx)
	if err != nil {
		return 0, err
	}
	defer p.conns.put(c)
	if n, err = rekey(ctx, c.sql, postgresDialect, cfg.Vault, next); err != nil {
		return 0, fmt.Errorf("sqlstore: rekey %s: %w", p.url, err)
	}
	return n, nil
}

func rekey(ctx context.Context, c *sql.Conn, d *dialect, from, next *vault.Vault) (int, error) {
	s := sealing{claim: `UPDATE vault SET sealed = $1 WHERE name = 'proof'`, open: from.Open, next: next}
	return s.run(ctx, c, d)
}

// sealing seals all secrets of a store, in one transaction.
type sealing struct {
	claim string // writes the proof of next's key. If it changes no row, it is for somebody else to seal
	open  func(place string, value []byte) ([]byte, error)
	next  *vault.Vault
}

// run answers how many secrets it sealed.
//
// In a file of SQLite it leaves nothing of what stood there before. The log is done away with first, so that the commit goes into the file, and is
// whole when it is there at all; what is freed is overwritten (secure_delete); and the tables are written anew, since pages that were split have parts of
// rows that nobody points to.
func (s *sealing) run(ctx context.Context, c *sql.Conn, d *dialect) (n int, err error) {
	if d != sqliteDialect {
		return s.transact(ctx, c, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, nil)
	}
	found, err := secrets(ctx, c)
	if err != nil {
		return 0, err
	}
	if found == 0 {
		return s.transact(ctx, c, nil, nil)
	}
	if err := journal(ctx, c, "DELETE"); err != nil {
		return 0, err
	}
	if _, err := c.ExecContext(ctx, "PRAGMA secure_delete = ON"); err != nil {
		return 0, err
	}
	if n, err = s.transact(ctx, c, nil, rewrite); err != nil {
		return 0, err
	}
	return n, journal(ctx, c, "WAL")
}

// secrets counts them.
func secrets(ctx context.Context, c *sql.Conn) (n int, err error) {
	for _, column := range sealedColumns() {
		var rows int
		if err := c.QueryRowContext(ctx, `SELECT count(*) FROM `+column.table).Scan(&rows); err != nil {
			return 0, err
		}
		n += rows
	}
	return n, nil
}

// journal changes how SQLite journals. Databases in memory have a way of their own, and keep it.
func journal(ctx context.Context, c *sql.Conn, mode string) error {
	var got string
	if err := c.QueryRowContext(ctx, `PRAGMA journal_mode = `+mode).Scan(&got); err != nil {
		return fmt.Errorf("set the journal mode to %s: %w", mode, err)
	}
	if got != "memory" && got != map[string]string{"DELETE": "delete", "WAL": "wal"}[mode] {
		return fmt.Errorf("set the journal mode to %s: it stays %s", mode, got)
	}
	return nil
}

func (s *sealing) transact(
	ctx context.Context, c *sql.Conn, opts *sql.TxOptions, after func(context.Context, *sql.Tx, sealedColumn) error,
) (n int, err error) {
	tx, err := c.BeginTx(ctx, opts)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			tx.Rollback()
		}
	}()
	res, err := tx.ExecContext(ctx, s.claim, s.next.Seal(proofPlace, nil))
	if err != nil {
		return 0, err
	}
	if mine, err := res.RowsAffected(); err != nil || mine == 0 {
		return 0, errors.Join(err, tx.Rollback())
	}
	for _, column := range sealedColumns() {
		sealed, err := s.column(ctx, tx, column)
		if err == nil && after != nil {
			err = after(ctx, tx, column)
		}
		if err != nil {
			return 0, err
		}
		n += sealed
	}
	return n, tx.Commit()
}

// column seals the secrets of one column.
func (s *sealing) column(ctx context.Context, tx *sql.Tx, column sealedColumn) (n int, err error) {
	type row struct {
		key    any
		secret []byte
	}
	var all []row
	rows, err := tx.QueryContext(ctx, `SELECT `+column.key+`, `+column.column+` FROM `+column.table)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.key, &r.secret); err != nil {
			return 0, err
		}
		all = append(all, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return 0, err
	}
	for _, r := range all {
		place := column.of(r.key)
		secret, err := s.open(place, r.secret)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", place, err)
		}
		_, err = tx.ExecContext(ctx, `UPDATE `+column.table+` SET `+column.column+` = $1 WHERE `+column.key+` = $2`, s.next.Seal(place, secret), r.key)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", place, err)
		}
	}
	return len(all), nil
}

// rewrite writes a table of SQLite anew. Deleting all rows overwrites the pages that they were in.
func rewrite(ctx context.Context, tx *sql.Tx, column sealedColumn) error {
	for _, query := range []string{
		`CREATE TEMP TABLE rewritten AS SELECT * FROM ` + column.table,
		`DELETE FROM ` + column.table,
		`INSERT INTO ` + column.table + ` SELECT * FROM temp.rewritten`,
		`DROP TABLE temp.rewritten`,
	} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}
