package sqlstore

import (
	"context"
	"database/sql"

	"github.com/souk-market/souk/internal/vault"
)

// conn is one connection with the statements prepared on it so far. One goroutine uses it at a time.
//
// On SQLite statements run under a context that is never done: it answers an interrupted write by undoing the whole transaction, that is,
// everybody else's Updates too. A tx looks at its caller's context between statements instead. On PostgreSQL each transaction has its own.
type conn struct {
	sql     *sql.Conn
	stmts   map[string]*sql.Stmt
	ctx     context.Context // of statements
	touch   func()          // called before each statement; nil: nothing
	dialect *dialect
	vault   *vault.Vault // of the secrets in it
}

// dialect is the few statements that engines want worded differently.
type dialect struct {
	addEvent string
}

var sqliteDialect = &dialect{
	// Nothing is ever deleted there, so the next seq is one more than the highest, and those of what was undone are given again.
	addEvent: `INSERT INTO agreement_event (agreement_id, at, kind, detail) VALUES ($1, $2, $3, $4)`,
}

func newConn(c *sql.Conn, d *dialect, v *vault.Vault) *conn {
	return &conn{sql: c, stmts: map[string]*sql.Stmt{}, ctx: context.Background(), dialect: d, vault: v}
}

// prepared is the statement for a query. The queries are constants, or put together from few parts, so all are kept.
func (c *conn) prepared(query string) (*sql.Stmt, error) {
	if c.touch != nil {
		c.touch()
	}
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	st, err := c.sql.PrepareContext(c.ctx, query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = st
	return st, nil
}

func (c *conn) exec(query string, args ...any) (sql.Result, error) {
	st, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(c.ctx, args...)
}

// run is exec for statements whose result says nothing.
func (c *conn) run(query string) error {
	_, err := c.exec(query)
	return err
}

func (c *conn) query(query string, args ...any) (*sql.Rows, error) {
	st, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(c.ctx, args...)
}

// close closes the statements with the connection.
func (c *conn) close() error {
	for _, st := range c.stmts {
		st.Close() // the connection's own Close reports what matters
	}
	return c.sql.Close()
}
