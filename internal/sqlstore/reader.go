package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

// readerPool is connections to a SQLite file that only read.
type readerPool struct{ connPool }

func openReaders(dsn string, v *vault.Vault, size int) (*readerPool, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	return &readerPool{newConnPool(db, sqliteDialect, v, size)}, nil
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
		p.put(c)
	}()
	return t.call(fn)
}
