package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

// PostgresConfig says which database to open.
type PostgresConfig struct {
	// URL is postgres://USER:PASSWORD@HOST:PORT/DATABASE?…, as libpq has it: several hosts, target_session_attrs, sslmode, options. Beside those,
	// pool_max_conns is how many connections a node opens for everything but usage records (16).
	URL string
	// Create makes the schema if there is none. Without it, OpenPostgres answers ErrNotInitialized.
	Create bool
	// Vault seals the secrets in the store, as Config.Vault does. All nodes have the same key.
	Vault *vault.Vault
	Log   *slog.Logger // nil: no log
}

const (
	// maxConns and minConns bound the pool: what PostgreSQL's default of 100 connections leaves room for several nodes of, and what Updates and Views
	// need not to wait for each other.
	maxConns, minConns = 16, 2
	// maxUpdates is how many Updates of one node are under way at once. More would mostly undo each other.
	maxUpdates = 4
	// appenders is how many connections take usage records: with three, a statement waits at the database while one is synced and one is put together.
	appenders = 3
	// statementTimeout bounds each statement of an Update, and each of usage records; a View has its caller's time.
	statementTimeout = 10 * time.Second
	// beginTimeout bounds the BEGIN of every transaction.
	beginTimeout = 2 * time.Second
	// idleTimeout is how long the server lets a transaction wait for its node. One that vanished in the middle of an Update holds its locks no longer than this,
	// which other nodes' statements have to survive; closures do not wait for anything.
	idleTimeout = 5 * time.Second
	// patience is how long something is tried again while the database cannot be reached.
	patience = 5 * time.Second
)

// Postgres is a market.Store on PostgreSQL, which any number of nodes share. It is safe for concurrent use.
//
// Updates run under serializable isolation, and again when they are refused for that. Connections that break are opened anew, and what was under way on
// them is done again where nothing of it can have been kept: everything but the COMMIT of an Update, which answers OutcomeUnsure, since
// of usage records the first of each identity is kept, whoever brings it again. A database that cannot be reached for longer is Unavailable.
type Postgres struct {
	log     *slog.Logger
	url     string // without its password
	config  *pgx.ConnConfig
	conns   connPool
	updates chan struct{} // has room for maxUpdates
	months  months
	usage   *pgAppender

	gate   gate
	once   sync.Once
	failed error // what Close answers
}

var _ market.Store = (*Postgres)(nil)

// OpenPostgres opens a store and brings its schema up to this binary's version. Of several nodes that do so at once, one does it.
//
// Errors: ErrNotInitialized, ErrNewerSchema, ErrWrongKey, and what PostgreSQL and the network say. None has the URL's password.
func OpenPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	p := &Postgres{log: cfg.Log, url: RedactURL(cfg.URL), updates: make(chan struct{}, maxUpdates)}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if err := p.open(ctx, cfg); err != nil {
		return nil, fmt.Errorf("sqlstore: open %s: %w", p.url, err)
	}
	return p, nil
}

func (p *Postgres) open(ctx context.Context, cfg PostgresConfig) (err error) {
	if cfg.Vault == nil {
		return errNoVault
	}
	pool, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return errors.New("it is not a URL of PostgreSQL: postgres://USER:PASSWORD@HOST:PORT/DATABASE") // err may repeat the password
	}
	p.config = pool.ConnConfig
	if p.config.ConnectTimeout == 0 {
		p.config.ConnectTimeout = 5 * time.Second
	}
	p.config.DialFunc = dial
	for name, value := range map[string]string{
		"application_name":                    "souk",
		"idle_in_transaction_session_timeout": strconv.Itoa(int(idleTimeout.Milliseconds())),
		// Small tables are read through their indexes too: a scan makes every two Updates conflict, and of many keys it is a plan that collapses.
		"enable_seqscan": "off",
		// What that makes of a plan's cost would have statements compiled that take less time than their compilation.
		"jit": "off",
	} {
		if p.config.RuntimeParams[name] == "" {
			p.config.RuntimeParams[name] = value
		}
	}
	setup := stdlib.OpenDB(*p.config)
	if err := p.prepare(ctx, setup, cfg); err != nil {
		return errors.Join(err, setup.Close())
	}
	if err := setup.Close(); err != nil {
		return err
	}
	db := stdlib.OpenDB(*p.config) // as insist has left it
	db.SetMaxIdleConns(0)          // connPool keeps them
	size := maxConns
	if u, err := url.Parse(cfg.URL); err == nil && u.Query().Has("pool_max_conns") {
		size = max(minConns, int(pool.MaxConns))
	}
	p.conns = newConnPool(db, postgresDialect, cfg.Vault, size)
	p.usage = newPgAppender(p)
	return nil
}

// prepare brings the database to what the store needs.
func (p *Postgres) prepare(ctx context.Context, db *sql.DB, cfg PostgresConfig) error {
	if err := migratePostgres(ctx, db, cfg.Create, p.log); err != nil {
		return err
	}
	if err := p.insist(ctx, db); err != nil {
		return err
	}
	return unlockOn(ctx, db, postgresDialect, cfg.Vault, p.log)
}

// insist has the database keep what it acknowledges, which it can be told not to. Commits that do not even wait for this machine's disk are made to; a stricter
// setting stays. That the disk is not waited for at all (fsync) only the database's operator can change.
func (p *Postgres) insist(ctx context.Context, db *sql.DB) error {
	var synchronous, fsync string
	if err := db.QueryRowContext(ctx, `SELECT current_setting('synchronous_commit'), current_setting('fsync')`).Scan(&synchronous, &fsync); err != nil {
		return err
	}
	if synchronous == "off" {
		p.config.RuntimeParams["synchronous_commit"] = "on"
		p.log.LogAttrs(ctx, slog.LevelInfo, "the database's synchronous_commit is off; Souk's connections turn it on")
	}
	if fsync == "off" {
		p.log.LogAttrs(ctx, slog.LevelWarn, "the database's fsync is off: what is acknowledged does not survive power loss")
	}
	return nil
}

// RedactURL is a store's URL without what stands in it as a secret.
func RedactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "PostgreSQL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// View runs fn against a snapshot.
func (p *Postgres) View(ctx context.Context, fn func(market.Tx) error) error {
	if !p.gate.enter() {
		return unavailable()
	}
	defer p.gate.leave()
	return p.transact(ctx, fn, forReading)
}

// Update runs fn in a serializable transaction, as often as that takes.
func (p *Postgres) Update(ctx context.Context, fn func(market.Tx) error) error {
	if !p.gate.enter() {
		return unavailable()
	}
	defer p.gate.leave()
	select {
	case p.updates <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.updates }()
	return p.transact(ctx, fn, forWriting)
}

// AppendUsage adds usage records; see market.Store. Their hours must not be before 1970.
func (p *Postgres) AppendUsage(ctx context.Context, batch []market.UsageRecord, out []market.Appended) error {
	if !p.gate.enter() {
		return unavailable()
	}
	defer p.gate.leave()
	if len(out) != len(batch) {
		return fmt.Errorf("sqlstore: append usage: %w", errRoom)
	}
	if len(batch) == 0 {
		return ctx.Err()
	}
	return p.usage.submit(ctx, batch, out)
}

// Close lets everything that has begun come to its end, then closes the connections. A second Close answers what the first one did.
func (p *Postgres) Close() error {
	p.once.Do(func() {
		p.gate.close()
		p.usage.stop()
		p.conns.flush() // without taking leave statement by statement, for which a server that is gone would be waited for
		p.conns.close() // a connection that is broken by now says so, which is nobody's concern
	})
	return p.failed
}

// pgConn lends the driver's own connection to fn.
func pgConnOf(c *sql.Conn, fn func(*pgx.Conn) error) error {
	return c.Raw(func(driverConn any) error { return fn(driverConn.(*stdlib.Conn).Conn()) })
}
