package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/internal/market"
)

// BarePostgresLoop is BareUsageLoop on PostgreSQL: writers connections, each of which sends one statement of batch records after the other. The statement
// is the one that was found to be the fastest (arrays through unnest, in binary), and each is a transaction of its own. The database has the schema; the
// records of a statement are in the order of their keys.
//
// next fills in the record of number i, for several goroutines at once. Only the time from the first statement to the last counts; records are made before.
func BarePostgresLoop(ctx context.Context, cfg PostgresConfig, rows, batch, writers int, next func(i int, r *market.UsageRecord)) (perSecond float64, err error) {
	if rows < 1 || batch < 1 || writers < 1 {
		return 0, fmt.Errorf("sqlstore: bare loop: %d rows by %d from %d", rows, batch, writers)
	}
	p, err := OpenPostgres(ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	statements := make([]usageRows, (rows+batch-1)/batch)
	setup, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return 0, err
	}
	defer setup.Close(ctx)
	for i := range statements {
		if err := p.bareStatement(ctx, setup, &statements[i], i*batch, min(batch, rows-i*batch), next); err != nil {
			return 0, fmt.Errorf("sqlstore: bare loop: %w", err)
		}
	}
	var taken atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, writers)
	begun := time.Now()
	for w := range writers {
		wg.Go(func() {
			errs[w] = func() error {
				c, err := pgx.ConnectConfig(ctx, p.config)
				if err != nil {
					return err
				}
				defer c.Close(ctx)
				for {
					i := int(taken.Add(1)) - 1
					if i >= len(statements) {
						return nil
					}
					if err := statements[i].send(ctx, c); err != nil {
						return err
					}
				}
			}()
		})
	}
	wg.Wait()
	spent := time.Since(begun)
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("sqlstore: bare loop: %w", err)
	}
	return float64(rows) / spent.Seconds(), nil
}

// bareStatement makes the rows of a statement, their series and partitions included.
func (p *Postgres) bareStatement(ctx context.Context, c *pgx.Conn, u *usageRows, from, n int, next func(i int, r *market.UsageRecord)) error {
	records, keys := make([]market.UsageRecord, n), make([]int64, n)
	for i := range records {
		next(from+i, &records[i])
	}
	if _, err := p.usage.known.keys(records, keys); err != nil {
		return err
	}
	u.add(records, keys)
	for _, hour := range u.hours() {
		if err := p.months.ensure(ctx, c, hour); err != nil {
			return err
		}
	}
	if u.unknown() {
		if err := pgx.BeginFunc(ctx, c, func(pgx.Tx) error { return u.intern(ctx, c) }); err != nil {
			return err
		}
		p.usage.known.add(u.met)
	}
	u.sort()
	return nil
}

// send sends the statement, and reads which rows were new.
func (u *usageRows) send(ctx context.Context, c *pgx.Conn) error {
	statement, err := prepareUsage(ctx, c, "souk_insert_usage", insertUsageRows)
	if err != nil {
		return err
	}
	u.encode()
	res := c.PgConn().ExecPrepared(ctx, statement, u.columns[:], binaryFormats, binaryFormats[:1])
	for res.NextRow() {
		if _, err := readInt64(res.Values()[0]); err != nil {
			break
		}
	}
	_, err = res.Close()
	return err
}
