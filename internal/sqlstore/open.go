package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// How connections are set up. The driver applies every _pragma before journal_mode, which matters: page_size only takes before the first
// page is written. Numbers come from measurements of group commit: pages of 16 KiB and a checkpoint every 4000 of them (64 MiB).
//
// synchronous=FULL syncs the write-ahead log at every commit; with NORMAL a commit would not survive power loss. There are no foreign keys,
// so that pragma stays off. secure_delete is for migrations, and for sealing: what they free has secrets in clear (see openWriter).
const (
	writerOptions = "_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL" +
		"&_pragma=page_size(16384)&_pragma=wal_autocheckpoint(4000)&_pragma=temp_store(MEMORY)&_pragma=secure_delete(ON)"
	readerOptions   = "_busy_timeout=5000&_query_only=1&_pragma=temp_store(MEMORY)"
	creationOptions = "_journal_mode=MEMORY&_synchronous=OFF&_pragma=page_size(16384)&_pragma=temp_store(MEMORY)"
	memoryDSN       = "file::memory:?_pragma=page_size(16384)&_pragma=temp_store(MEMORY)"
)

// openMemory opens the one connection that is the database: ":memory:" is private to it.
func (s *Store) openMemory(ctx context.Context, cfg Config) (err error) {
	if s.vault == nil {
		if s.vault, err = ownVault(); err != nil {
			return err
		}
	}
	s.snapshots = memorySnapshots{}
	return s.openWriter(ctx, memoryDSN, true)
}

func (s *Store) openFile(ctx context.Context, cfg Config) error {
	if s.vault == nil {
		return errNoVault
	}
	path, err := realPath(cfg.Path)
	if err != nil {
		return err
	}
	if cfg.Create {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
	} else if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ErrNotInitialized
	} else if err != nil {
		return err
	}
	// The lock is a file of its own and is taken before anything opens the database: SQLite's own locks are dropped by the kernel when
	// this process closes any descriptor of the database file, whoever opened it.
	if s.lock, err = lockFile(path + ".lock"); err != nil {
		return err
	}
	s.snapshots = &fileSnapshots{dir: path + ".snapshots", open: func(ctx context.Context, db *sql.DB) error { return s.migrate(ctx, db, false) }}
	if cfg.Create {
		if err := s.create(ctx, path); err != nil {
			return err
		}
	}
	fileSystem := ""
	if cfg.vfs != "" {
		fileSystem = "&vfs=" + cfg.vfs
	}
	if err := s.openWriter(ctx, dsn(path, writerOptions+fileSystem), cfg.Create); err != nil {
		return err
	}
	s.readers, err = openReaders(dsn(path, readerOptions+fileSystem), s.vault, max(4, 2*runtime.GOMAXPROCS(0)))
	return err
}

// openWriter brings the schema up and takes the writer's connection, the only one of its pool.
func (s *Store) openWriter(ctx context.Context, dsn string, create bool) error {
	var err error
	if s.db, err = sql.Open("sqlite", dsn); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	if err := writeBack(ctx, s.db); err != nil {
		return err
	}
	if err := s.migrate(ctx, s.db, create); err != nil {
		return err
	}
	c, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	s.writer = newWriter(newConn(c, sqliteDialect, s.vault), s.log)
	if err := unlock(ctx, c, sqliteDialect, s.vault, s.log); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, "PRAGMA secure_delete = OFF") // what is freed from here on was sealed
	return err
}

// writeBack brings into the file, synced, what a process left in the write-ahead log that did not close the store, and empties the log. Without one it
// does nothing.
//
// That process may have died because a sync failed. Then the kernel shows what it was to write, and does not write it any more: commits appended
// to that log would be synced, and yet be unreadable after a power loss, for the gap before them. If somebody else reads the file, the log stays.
func writeBack(ctx context.Context, db *sql.DB) error {
	var busy, frames, written int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &written); err != nil {
		return fmt.Errorf("write the log back: %w", err)
	}
	return nil
}

// realPath is path without symbolic links, so that two names of one file meet at one lock.
func realPath(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real, nil
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if errors.Is(err, fs.ErrNotExist) {
		return abs, nil
	}
	return filepath.Join(dir, filepath.Base(abs)), err
}

// create makes the file of a new store, for the user alone, unless there is a file; SQLite gives those beside it the same mode.
//
// The store is made whole under another name and then renamed, so that there is either none or a sound one. That also saves
// most of the syncs that step by step would take.
func (s *Store) create(ctx context.Context, path string) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	name := path + ".new"
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // of an attempt that was cut short
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	err = s.fill(ctx, name)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	if err := os.Rename(name, path); err != nil {
		return err
	}
	// A commit is not durable in a file whose name is not.
	dir := filepath.Dir(path)
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

// fill brings a new file to what an existing store is, without a sync.
func (s *Store) fill(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, creationOptions))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	err = s.migrate(ctx, db, true)
	if err == nil {
		err = unlockOn(ctx, db, sqliteDialect, s.vault, s.log)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "PRAGMA journal_mode = WAL") // is kept in the file
	}
	return errors.Join(err, db.Close())
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil // not ours to read, so not ours to have made
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// dsn is path as a URI, escaped, since "?", "#" and "%" may stand in a path.
func dsn(path, options string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: options}).String()
}
