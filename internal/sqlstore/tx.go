package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/market"
)

var (
	errOver     = errors.New("the transaction is over: fn must not keep its Tx")
	errReadOnly = errors.New("a View does not write")
)

// tx is a market.Tx: what is asked of it, as statements on one connection. Its methods are in catalog.go, directory.go,
// agreement.go, event.go,
// usage.go, workload.go and token.go.
//
// The statements are written for SQLite and PostgreSQL alike: $1 for parameters, ON CONFLICT for put.
type tx struct {
	ctx  context.Context
	conn *conn
	mode mode
	// appendUsage is AppendUsage, which engines do in their own ways; nil on connections that only read.
	appendUsage func(batch []market.UsageRecord, out []market.Appended) error
	wrote       bool // something
	news        bool // something that other nodes keep in memory

	bumped []string // the versions that were moved on
	// err is the first failure. After it nothing works any more, so that fn cannot overlook it: SQLite may have undone the transaction,
	// and what came next would be written outside of any.
	err  error
	over bool
}

var _ market.Tx = (*tx)(nil)

// call runs fn. That it went well means that no statement failed and that the caller still wants it.
func (t *tx) call(fn func(market.Tx) error) error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	if err := fn(t); err != nil {
		return err
	}
	if t.err != nil {
		return t.err
	}
	return t.ctx.Err()
}

// end makes a Tx that fn kept useless.
func (t *tx) end() { t.over = true }

// check says whether a statement may run now.
func (t *tx) check(op string) error {
	switch {
	case t.over:
		return fmt.Errorf("sqlstore: %s: %w", op, errOver)
	case t.err != nil:
		return t.err
	}
	if err := t.ctx.Err(); err != nil {
		return t.fail(op, err)
	}
	return nil
}

func (t *tx) fail(op string, err error) error {
	if t.err == nil {
		t.err = fmt.Errorf("sqlstore: %s: %w", op, err)
	}
	return t.err
}

// write runs a statement that changes something, and answers how many rows it changed.
func (t *tx) write(op, query string, args ...any) (int, error) {
	t.news = true
	return t.writeQuietly(op, query, args...)
}

// writeQuietly is write for what no node keeps in memory.
func (t *tx) writeQuietly(op, query string, args ...any) (int, error) {
	if err := t.check(op); err != nil {
		return 0, err
	}
	if t.mode != forWriting {
		return 0, t.fail(op, errReadOnly)
	}
	for _, arg := range args {
		if s, ok := arg.(string); ok {
			if err := checkText(s); err != nil {
				return 0, t.fail(op, err)
			}
		}
	}
	t.wrote = true
	res, err := t.conn.exec(query, args...)
	if err != nil {
		return 0, t.fail(op, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, t.fail(op, err)
	}
	return int(n), nil
}

// put is write for statements whose count says nothing.
func (t *tx) put(op, query string, args ...any) error {
	_, err := t.write(op, query, args...)
	return err
}

// checkText refuses what PostgreSQL cannot keep and JSON would silently change, on every engine.
func checkText(list ...string) error {
	for _, s := range list {
		if !utf8.ValidString(s) {
			return fmt.Errorf("text is not valid UTF-8: %q", s)
		}
		if strings.IndexByte(s, 0) >= 0 {
			return fmt.Errorf("text has a zero byte: %q", s)
		}
	}
	return nil
}

// list reads all rows of a query. scan names where a row's columns go, in order.
func list[T any](t *tx, op, query string, scan func(*T) []any, args ...any) (all []T, err error) {
	return listUntil(t, op, query, scan, func(*T) bool { return false }, args...)
}

// listUntil reads rows until enough says of one that it is to be the last.
func listUntil[T any](t *tx, op, query string, scan func(*T) []any, enough func(*T) bool, args ...any) (all []T, err error) {
	if err := t.check(op); err != nil {
		return nil, err
	}
	rows, err := t.conn.query(query, args...)
	if err != nil {
		return nil, t.fail(op, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := t.ctx.Err(); err != nil {
			return nil, t.fail(op, err)
		}
		all = append(all, *new(T))
		if err := rows.Scan(scan(&all[len(all)-1])...); err != nil {
			return nil, t.fail(op, err)
		}
		if enough(&all[len(all)-1]) {
			break
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, t.fail(op, err)
	}
	return all, nil
}

// get reads the one row that a query by key can have.
func get[T any](t *tx, op, query string, scan func(*T) []any, args ...any) (v T, found bool, err error) {
	if err := t.check(op); err != nil {
		return v, false, err
	}
	st, err := t.conn.prepared(query)
	if err != nil {
		return v, false, t.fail(op, err)
	}
	switch err := st.QueryRowContext(t.conn.ctx, args...).Scan(scan(&v)...); {
	case errors.Is(err, sql.ErrNoRows):
		return *new(T), false, nil
	case err != nil:
		return *new(T), false, t.fail(op, err)
	}
	return v, true, nil
}
