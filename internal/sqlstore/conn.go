package sqlstore

import (
	"context"
	"database/sql"
)

// conn is one connection with the statements prepared on it so far. One goroutine uses it at a time.
//
// Statements run under a context that is never done: SQLite answers an interrupted write by undoing the whole transaction, that is,
// everybody else's Updates too. A tx looks at its caller's context between statements instead.
type conn struct {
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

func newConn(c *sql.Conn) *conn { return &conn{sql: c, stmts: map[string]*sql.Stmt{}} }

// prepared is the statement for a query. The queries are constants, or put together from few parts, so all are kept.
func (c *conn) prepared(query string) (*sql.Stmt, error) {
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	st, err := c.sql.PrepareContext(context.Background(), query)
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
	return st.ExecContext(context.Background(), args...)
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
	return st.QueryContext(context.Background(), args...)
}

// close closes the statements with the connection.
func (c *conn) close() error {
	for _, st := range c.stmts {
		st.Close() // the connection's own Close reports what matters
	}
	return c.sql.Close()
}
