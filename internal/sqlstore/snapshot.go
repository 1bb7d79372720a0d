package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

// A snapshot is a database of its own, which VACUUM INTO makes: a file beside the store's, or another database in memory beside one in memory. To restore
// it, it is attached to the writer's connection, and every table is emptied and filled from it in one transaction.
//
// All of this the writer does between its groups (writer.alone), so that nothing that is kept about snapshots needs a lock.

// snapshotKeeper is where snapshots are.
type snapshotKeeper interface {
	// take makes one of what the connection has, in the place of that of the same name.
	take(ctx context.Context, c *conn, name string, at time.Time) error
	// uri is where ATTACH finds one; "" if there is none.
	uri(name string) (string, error)
	list() ([]market.SnapshotInfo, error) // in any order
	drop(name string) (bool, error)
	// upgrade brings one to the schema of this binary.
	upgrade(ctx context.Context, name string) error
	close() error
}

var _ market.Snapshotter = (*Store)(nil)

// Snapshot keeps what the store has under a name. The store answers nobody meanwhile.
func (s *Store) Snapshot(ctx context.Context, name string) error {
	return s.alone(ctx, "take snapshot", func() error {
		if s.pending == name {
			s.writer.later, s.pending = nil, ""
		}
		s.writer.beforeChange() // it may be told apart from this one by its time
		return s.snapshots.take(context.WithoutCancel(ctx), s.writer.conn, name, time.Now())
	})
}

// SnapshotLater has the writer take a snapshot before the next change.
func (s *Store) SnapshotLater(ctx context.Context, name string) error {
	at := time.Now()
	return s.alone(ctx, "note snapshot", func() error {
		if _, err := s.snapshots.drop(name); err != nil { // of another process, or of before
			return err
		}
		s.pending = name
		s.writer.later = func() {
			s.pending = ""
			if err := s.snapshots.take(context.Background(), s.writer.conn, name, at); err != nil {
				s.log.Error("store could not take a snapshot before it changed: there will be none", "snapshot", name, "error", err)
			}
		}
		return nil
	})
}

// Restore makes the store what it was.
func (s *Store) Restore(ctx context.Context, name string) error {
	return s.alone(ctx, "restore snapshot", func() error {
		s.writer.beforeChange()
		ctx := context.WithoutCancel(ctx)
		uri, err := s.snapshots.uri(name)
		if err == nil && uri == "" {
			err = &market.Error{Code: market.NotFound, Message: fmt.Sprintf("there is no snapshot %q", name)}
		}
		if err != nil {
			return err
		}
		err = s.restore(ctx, uri)
		if errors.Is(err, errOtherSchema) {
			if err = s.snapshots.upgrade(ctx, name); errors.Is(err, ErrNewerSchema) {
				return &market.Error{Code: market.Conflict, Message: fmt.Sprintf("snapshot %q was taken by a newer version of Souk", name)}
			} else if err == nil {
				err = s.restore(ctx, uri)
			}
		}
		return err
	})
}

// Snapshots lists them, by name.
func (s *Store) Snapshots(ctx context.Context) (list []market.SnapshotInfo, err error) {
	err = s.alone(ctx, "list snapshots", func() (err error) {
		s.writer.beforeChange() // what was put off is there for everybody who looks
		list, err = s.snapshots.list()
		return err
	})
	slices.SortFunc(list, func(a, b market.SnapshotInfo) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// DropSnapshot forgets one.
func (s *Store) DropSnapshot(ctx context.Context, name string) (dropped bool, err error) {
	err = s.alone(ctx, "drop snapshot", func() (err error) {
		s.writer.beforeChange()
		dropped, err = s.snapshots.drop(name)
		return err
	})
	return dropped, err
}

// alone has the writer do something between its groups.
func (s *Store) alone(ctx context.Context, act string, fn func() error) error {
	if !s.gate.enter() {
		return unavailable()
	}
	defer s.gate.leave()
	if err := s.writer.alone(ctx, fn); err != nil {
		return fmt.Errorf("sqlstore: %s: %w", act, err)
	}
	return nil
}

// errOtherSchema is of a snapshot that another version of Souk took.
var errOtherSchema = errors.New("its schema is of another version")

// restore replaces what is in the store by what is in a snapshot.
func (s *Store) restore(ctx context.Context, uri string) (err error) {
	c := s.writer.conn.sql
	if _, err := c.ExecContext(ctx, `ATTACH DATABASE $1 AS snapshot`, uri); err != nil {
		return err
	}
	defer func() {
		if _, closing := c.ExecContext(ctx, `DETACH DATABASE snapshot`); err == nil {
			err = closing
		}
	}()
	if err := s.proveSnapshot(ctx); err != nil {
		return err
	}
	r := restoration{conn: s.writer.conn, ctx: ctx}
	if err := r.begin(); err != nil {
		return err
	}
	if err := r.replace(); err != nil {
		s.writer.rollback()
		return err
	}
	err = s.writer.conn.run("COMMIT")
	if err != nil {
		s.writer.rollback()
		err = unsure(err)
	}
	s.writer.appender.known.forget() // also where it may have taken effect
	return err
}

// proveSnapshot checks that what is attached is a snapshot of this store, as it is today.
func (s *Store) proveSnapshot(ctx context.Context) error {
	c := s.writer.conn.sql
	var same bool
	if err := c.QueryRowContext(ctx, `SELECT (SELECT max(version_id) FROM snapshot.`+goose.DefaultTablename+`) = (SELECT max(version_id) FROM main.`+goose.DefaultTablename+`)`).Scan(&same); err != nil {
		return err
	}
	if !same {
		return errOtherSchema
	}
	var value []byte
	if err := c.QueryRowContext(ctx, `SELECT sealed FROM snapshot.vault WHERE name = 'proof'`).Scan(&value); err != nil {
		return err
	}
	if _, err := s.vault.Open(proofPlace, value); errors.Is(err, vault.ErrKey) {
		return &market.Error{Code: market.Conflict, Message: "the snapshot's secrets are sealed under a key that the store no longer has"}
	} else if err != nil {
		return fmt.Errorf("%s of the snapshot: %w", proofPlace, err)
	}
	return nil
}

// restoration is the transaction that restores.
type restoration struct {
	conn *conn
	ctx  context.Context
}

func (r *restoration) begin() error { return r.conn.run("BEGIN IMMEDIATE") }

// replace fills all tables but those of the file itself: its schema's version and the proof of its key.
func (r *restoration) replace() error {
	counters, err := r.counters()
	if err != nil {
		return err
	}
	tables, err := r.tables()
	if err != nil {
		return err
	}
	for _, table := range tables {
		for _, query := range []string{`DELETE FROM main.` + table, `INSERT INTO main.` + table + ` SELECT * FROM snapshot.` + table} {
			if _, err := r.conn.sql.ExecContext(r.ctx, query); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
	}
	// Versions that were there before do not come back: they would stand for something else.
	for name, value := range counters {
		const raise = `INSERT INTO main.counter (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = max(counter.value, excluded.value)`
		if _, err := r.conn.sql.ExecContext(r.ctx, raise, name, value); err != nil {
			return err
		}
	}
	_, err = r.conn.sql.ExecContext(r.ctx, `UPDATE main.counter SET value = value + 1`)
	return err
}

func (r *restoration) counters() (map[string]int64, error) {
	rows, err := r.conn.sql.QueryContext(r.ctx, `SELECT name, value FROM main.counter`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var name string
		var value int64
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		all[name] = value
	}
	return all, rows.Err()
}

// tables are those that have what Tx keeps. Their names are the migrations', and need no quotes.
func (r *restoration) tables() (all []string, err error) {
	rows, err := r.conn.sql.QueryContext(r.ctx, `SELECT name FROM main.sqlite_master
		WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT IN ($1, 'vault') ORDER BY name`, goose.DefaultTablename)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}
