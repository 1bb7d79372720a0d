package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/souk-market/souk/internal/vault"
)

// connPool keeps connections with their prepared statements. They are opened when first needed.
type connPool struct {
	db      *sql.DB
	dialect *dialect
	vault   *vault.Vault
	idle    chan *conn
	slots   chan struct{} // one token for each connection that may still be opened
}

func newConnPool(db *sql.DB, d *dialect, v *vault.Vault, size int) connPool {
	p := connPool{db: db, dialect: d, vault: v, idle: make(chan *conn, size), slots: make(chan struct{}, size)}
	for range size {
		p.slots <- struct{}{}
	}
	return p
}

// take is an idle connection, or a new one, or whichever comes back first. It goes back by put or discard.
func (p *connPool) take(ctx context.Context) (*conn, error) {
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
		return nil, fmt.Errorf("sqlstore: connect: %w", err)
	}
	return newConn(c, p.dialect, p.vault), nil
}

func (p *connPool) put(c *conn) { p.idle <- c }

// discard closes a connection that is in a state nobody knows, and makes room for a new one.
func (p *connPool) discard(c *conn) error {
	defer func() { p.slots <- struct{}{} }()
	return c.destroy()
}

// destroy closes c for good: database/sql does not put it back into a pool of its own.
func (c *conn) destroy() error {
	c.sql.Raw(func(any) error { return driver.ErrBadConn })
	return c.close()
}

// flush discards the connections that are idle now: they are likely to be as broken as the one that made the caller think of it.
func (p *connPool) flush() {
	for range cap(p.idle) {
		select {
		case c := <-p.idle:
			p.discard(c)
		default:
			return
		}
	}
}

// close closes the idle connections, which are all when nobody is inside the store.
func (p *connPool) close() error {
	var errs []error
	for len(p.idle) > 0 {
		errs = append(errs, (<-p.idle).close())
	}
	return errors.Join(append(errs, p.db.Close())...)
}
