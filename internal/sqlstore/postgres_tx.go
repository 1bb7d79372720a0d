package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-market/souk/internal/market"
)

var postgresDialect = &dialect{
	// The row of the counter is locked until the Update ends, so that events come to be seen in the order of their numbers.
	addEvent: `WITH last AS (UPDATE counter SET value = value + 1 WHERE name = 'event' RETURNING value)
		INSERT INTO agreement_event (seq, agreement_id, at, kind, detail)
		SELECT value, $1::text, $2::bigint, $3::text, $4::text FROM last`,
}

// newsChannel is where nodes tell each other that something was changed. They do not say what: whoever hears it looks.
const newsChannel = "souk"

const (
	beginView   = `BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY`
	beginUpdate = `BEGIN ISOLATION LEVEL SERIALIZABLE`
	commitNews  = `NOTIFY ` + newsChannel + `; COMMIT`
)

// fate is what an error means for doing the same thing again.
type fate int

const (
	final  fate = iota
	undone      // of others' doing: nothing is kept, and it may go well next time
	lost        // the connection, or the whole database
)

// fateOf judges an error by what PostgreSQL said.
func fateOf(err error) fate {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return final
	}
	switch e.Code {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return undone
	case "57P01", "57P02", "57P03", "53300", "25006", "25P03":
		// admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections; read_only_sql_transaction, of a server that is a replica by
		// now; idle_in_transaction_session_timeout
		return lost
	}
	if strings.HasPrefix(e.Code, "08") { // connection exceptions
		return lost
	}
	return final
}

// fateOn is fateOf, and lost when the connection is.
func fateOn(c *conn, err error) fate {
	f := fateOf(err)
	if err != nil && f != lost && c.broken() {
		return lost
	}
	return f
}

// broken reports whether the connection is closed, by whomever.
func (c *conn) broken() bool {
	closed := true
	err := pgConnOf(c.sql, func(pg *pgx.Conn) error {
		closed = pg.IsClosed()
		return nil
	})
	return err != nil || closed
}

// transact runs fn as a transaction until that has an outcome.
func (p *Postgres) transact(ctx context.Context, fn func(market.Tx) error, m mode) error {
	var again retry
	for {
		f, err := p.attempt(ctx, fn, m)
		if f == final {
			return err
		}
		if f == lost {
			p.conns.flush()
		}
		if !again.wait(ctx, f) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return p.unavailable(err)
		}
	}
}

// unavailable is the answer when something was tried for long enough.
func (p *Postgres) unavailable(cause error) error {
	p.log.LogAttrs(context.Background(), slog.LevelError, "the database does not do it", slog.Any("error", cause))
	return fmt.Errorf("sqlstore: %w: %w", &market.Error{
		Code: market.Unavailable, Message: "the store cannot be reached", Reason: cause.Error(),
	}, cause)
}

// attempt runs fn once. The fate is of what fn's statements met with, whatever fn made of it.
func (p *Postgres) attempt(ctx context.Context, fn func(market.Tx) error, m mode) (fate, error) {
	c, err := p.conns.take(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return final, ctx.Err()
		}
		return lost, err
	}
	begin := beginView
	c.ctx, c.touch = ctx, nil
	if m == forWriting {
		begin = beginUpdate
		limited, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		timer := time.AfterFunc(statementTimeout, cancel)
		defer timer.Stop()
		c.ctx, c.touch = limited, func() { timer.Reset(statementTimeout) }
	}
	t := &tx{ctx: ctx, conn: c, mode: m}
	if m == forWriting {
		t.appendUsage = func(batch []market.UsageRecord, out []market.Appended) error {
			return p.usage.appendWithin(c, batch, out)
		}
	}
	open := true   // the transaction, or nobody knows
	defer func() { // also when fn panics
		t.end()
		if open && (fateOn(c, t.err) == lost || c.simple("ROLLBACK") != nil) {
			p.conns.discard(c)
			return
		}
		p.conns.put(c)
	}()
	if err := c.begin(begin); err != nil {
		t.err = err // so that the connection is not used again
		if ctx.Err() != nil {
			return final, ctx.Err()
		}
		return lost, fmt.Errorf("sqlstore: begin: %w", err)
	}
	if err := t.call(fn); err != nil {
		if ctx.Err() != nil {
			return final, err
		}
		if t.err == nil {
			return final, err
		}
		if noPartition(t.err) { // of a month that was detached: the next run makes it
			p.months.forget()
			return undone, err
		}
		return fateOn(c, t.err), err
	}
	if m == forReading {
		return final, nil
	}
	end := "COMMIT"
	if t.news {
		end = commitNews
	}
	err = c.simple(end)
	if err == nil {
		open = false
		return final, nil
	}
	t.err = err
	if c.ctx.Err() != nil && ctx.Err() == nil { // not the caller has given up, which errors of contexts are taken for
		err = fmt.Errorf("no answer within %s", statementTimeout)
	}
	err = fmt.Errorf("sqlstore: commit: %w", err)
	f := fateOn(c, t.err)
	if f == lost && t.wrote {
		return final, unsure(err)
	}
	return f, err
}

// begin begins a transaction. That waits for no lock, so a server that does not answer soon is not there: a firewall may have forgotten the connection, and
// those who asked would wait for as long as their callers do, for one such connection after the other.
func (c *conn) begin(statement string) error {
	within, cancel := context.WithTimeout(c.ctx, beginTimeout)
	defer cancel()
	return pgConnOf(c.sql, func(pg *pgx.Conn) error {
		_, err := pg.PgConn().Exec(within, statement).ReadAll()
		return err
	})
}

// simple runs statements without parameters, all in one round trip.
func (c *conn) simple(query string) error {
	if c.touch != nil {
		c.touch()
	}
	return pgConnOf(c.sql, func(pg *pgx.Conn) error {
		_, err := pg.PgConn().Exec(c.ctx, query).ReadAll()
		return err
	})
}

// retry says how long to wait before something is done again. Its zero value has not waited yet.
type retry struct {
	begun time.Time // when the database was first found lost
	n     int
}

// maxConflicts bounds how often an Update runs again for others' sake. With the pauses between, that is about patience.
const maxConflicts = 60

// wait answers whether to go on, after a pause.
func (r *retry) wait(ctx context.Context, f fate) bool {
	r.n++
	switch {
	case f == lost && r.begun.IsZero():
		r.begun = time.Now()
	case f == lost && time.Since(r.begun) > patience, r.n > maxConflicts:
		return false
	}
	pause := min(time.Millisecond<<min(r.n, 10), 200*time.Millisecond)
	if f == lost && r.n == 1 {
		pause = 0 // it may have been this connection only
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause/2 + rand.N(pause+1)):
		return true
	}
}
