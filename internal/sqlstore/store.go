// Package sqlstore keeps a marketplace in SQL: the market.Store on SQLite, in a file or in memory.
//
// A file has one writer connection and a pool of readers. Updates queue for the writer, which commits all that are waiting as one
// transaction with one sync (group commit, see writer.go); Views read snapshots beside it (write-ahead log). A store in memory has a
// single connection, and Views queue with the Updates.
//
// Two Stores, in one process or in two, never share a file: the second Open answers ErrLocked.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

// What Open answers, wrapped, where a caller may want to say more than the error's text.
var (
	// ErrNotInitialized means that there is no store at the path, and Config.Create was not set.
	ErrNotInitialized = errors.New("there is no store here yet")
	// ErrNewerSchema means that a later version of Souk wrote the store. It is left as it is.
	ErrNewerSchema = errors.New("the store was written by a newer version of Souk")
	// ErrLocked means that another Store, in this process or in another one, has the file open.
	ErrLocked = errors.New("the store is open elsewhere")
)

// Config says which store to open.
type Config struct {
	// Path of the database file. Beside it SQLite keeps PATH-wal and PATH-shm, and Open PATH.lock. "" is a new store in memory,
	// private to the Store and gone when that is closed.
	Path string
	// Create makes the file and its directory if they do not exist, for nobody but the user to read (0600, 0700). Without it, Open
	// answers ErrNotInitialized. A store in memory is always made.
	Create bool
	// Vault seals the secrets in the store. A new store, or one from before there were vaults, is sealed under its key from then on. A store in memory
	// can do without: it makes a key of its own.
	Vault *vault.Vault
	Log   *slog.Logger // nil: no log

	// vfs names the file system that SQLite is to use, and that a test has registered with it; "": the operating system's. A store is always made on that.
	vfs string
}

// Store is a market.Store. It is safe for concurrent use.
type Store struct {
	log     *slog.Logger
	vault   *vault.Vault
	db      *sql.DB // holds the writer's one connection
	writer  *writer
	readers *readerPool // nil in memory
	lock    *os.File    // nil in memory

	snapshots snapshotKeeper
	pending   string // the snapshot that is to be taken before the next change; the writer's

	gate   gate
	once   sync.Once
	failed error // what Close answers
}

var _ market.Store = (*Store)(nil)

// Open opens a store and brings its schema up to this binary's version.
//
// Errors: ErrNotInitialized, ErrNewerSchema, ErrLocked, ErrWrongKey, and what the file system and SQLite say.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s, err := newStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	go s.writer.run()
	return s, nil
}

// newStore is Open, but for the writer, which does not run yet.
func newStore(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{log: cfg.Log, vault: cfg.Vault}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	open := s.openFile
	if cfg.Path == "" {
		open = s.openMemory
	}
	if err := open(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlstore: open %s: %w", describe(cfg.Path), err), s.release())
	}
	return s, nil
}

func describe(path string) string {
	if path == "" {
		return "in memory"
	}
	return path
}

// View runs fn against a snapshot. fn must not call the Store: in memory that would wait for itself.
func (s *Store) View(ctx context.Context, fn func(market.Tx) error) error {
	if !s.gate.enter() {
		return unavailable()
	}
	defer s.gate.leave()
	if s.readers == nil {
		return s.writer.submit(ctx, fn, forReading)
	}
	return s.readers.view(ctx, fn)
}

// Update runs fn in the caller's goroutine when its turn has come, and returns when what it did is on the disk. fn must not call the
// Store, nor wait for anything that does: all other Updates wait for it.
//
// If fn panics, what it did is undone and the panic goes on up the caller's stack.
func (s *Store) Update(ctx context.Context, fn func(market.Tx) error) error {
	if !s.gate.enter() {
		return unavailable()
	}
	defer s.gate.leave()
	return s.writer.submit(ctx, fn, forWriting)
}

// AppendUsage adds usage records; see market.Store. Their hours must not be before 1970.
//
// batch and out are read and written by another goroutine, but never after AppendUsage has returned, in whatever way.
func (s *Store) AppendUsage(ctx context.Context, batch []market.UsageRecord, out []market.Appended) error {
	if !s.gate.enter() {
		return unavailable()
	}
	defer s.gate.leave()
	if len(out) != len(batch) {
		return fmt.Errorf("sqlstore: append usage: %w", errRoom)
	}
	if len(batch) == 0 {
		return ctx.Err()
	}
	return s.writer.submitUsage(ctx, batch, out)
}

// Close lets everything that has begun come to its end, then closes the store. A second Close answers what the first one did.
func (s *Store) Close() error {
	s.once.Do(func() {
		s.gate.close()
		s.writer.stop()
		if err := s.release(); err != nil {
			s.failed = fmt.Errorf("sqlstore: close: %w", err)
		}
	})
	return s.failed
}

// release gives back what is held: readers first, so that the writer's connection is the last one, which empties the write-ahead
// log into the file; the lock after both.
func (s *Store) release() error {
	var errs []error
	if s.snapshots != nil {
		errs = append(errs, s.snapshots.close())
	}
	if s.readers != nil {
		errs = append(errs, s.readers.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
