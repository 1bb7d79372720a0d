package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/souk-market/souk/internal/market"
)

// readerPool keeps connections that only read, with their prepared statements. They are opened when first needed.
type readerPool struct {
	db    *sql.DB
	idle  chan *conn
	slots chan struct{} // one token for each connection that may still be opened
}

func openReaders(dsn string, size int) (*readerPool, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	p := &readerPool{db: db, idle: make(chan *conn, size), slots: make(chan struct{}, size)}
	for range size {
		p.slots <- struct{}{}
	}
	return p, nil
}

// view runs fn in a read transaction, which sees one snapshot: the one of its first statement.
func (p *readerPool) view(ctx context.Context, fn func(market.Tx) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	if err := c.run("BEGIN"); err != nil {
		return errors.Join(fmt.Errorf("sqlstore: view: %w", err), p.discard(c))
	}
	t := &tx{ctx: ctx, conn: c, mode: forReading}
	defer func() { // also when fn panics
		t.end()
		if c.run("ROLLBACK") != nil {
			p.discard(c)
			return
		}
		p.idle <- c
	}()
	return t.call(fn)
}

// take is an idle connection, or a new one, or whichever comes back first.
func (p *readerPool) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c := <-p.idle:
		return c, nil
	default:
	}
	select {
	case c := <-p.idle:
		return c, nil
	case <-p.slots:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	// Not under ctx: the pool keeps the connection for others.
	c, err := p.db.Conn(context.Background())
	if err != nil {
		p.slots <- struct{}{}
		return nil, fmt.Errorf("sqlstore: view: %w", err)
	}
	return newConn(c), nil
}

// discard closes a connection that is in a state nobody knows, and makes room for a new one.
func (p *readerPool) discard(c *conn) error {
	defer func() { p.slots <- struct{}{} }()
	c.sql.Raw(func(any) error { return driver.ErrBadConn }) // so that Close does not put it back into the pool of database/sql
	return c.close()
}

// close closes the idle connections, which are all when nobody is inside the store.
func (p *readerPool) close() error {
	var errs []error
	for len(p.idle) > 0 {
		errs = append(errs, (<-p.idle).close())
	}
	return errors.Join(append(errs, p.db.Close())...)
}
