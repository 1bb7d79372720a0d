package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// backupOptions are for reading a file beside whoever has it open, in this process or in another one. Pages are checked as they are copied.
const backupOptions = "_busy_timeout=5000&_pragma=cell_size_check(ON)&_pragma=temp_store(MEMORY)"

// Backup writes what is in the store's file at path, at one moment, into a new file, for the user alone to read, and checks that one. The store may be open,
// here or elsewhere: it does not take the lock of Open, since SQLite's own are enough for a reader, and nobody waits for it. While it runs, the
// write-ahead log of a store that is written to grows.
//
// The file is there whole and durable, or not at all. It has the store's secrets sealed, as they are in the store.
//
// Errors: ErrNotInitialized, fs.ErrExist for a file that is there already, and what the file system and SQLite say.
func Backup(ctx context.Context, path, to string) error {
	if err := backup(ctx, path, to); err != nil {
		return fmt.Errorf("sqlstore: back up %s: %w", path, err)
	}
	return nil
}

func backup(ctx context.Context, path, to string) (err error) {
	path, err = realPath(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ErrNotInitialized
	} else if err != nil {
		return err
	}
	if to, err = filepath.Abs(to); err != nil {
		return err
	}
	if err := absent(to); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := vacuumInto(ctx, path, f.Name()); err != nil {
		return err
	}
	if err := intact(ctx, f.Name()); err != nil {
		return fmt.Errorf("check %s: %w", to, err)
	}
	// SQLite does not sync what VACUUM INTO writes.
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := absent(to); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func absent(name string) error {
	_, err := os.Lstat(name)
	switch {
	case err == nil:
		return &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// vacuumInto copies a database into an empty file.
func vacuumInto(ctx context.Context, path, to string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, backupOptions))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	switch v, err := schemaVersion(ctx, db); {
	case err != nil:
		return err
	case v == 0: // a file that something else made
		return ErrNotInitialized
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, to)
	return err
}

// intact checks a database that nobody else has open.
func intact(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, "immutable=1&_query_only=1"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var finding string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&finding); err != nil {
		return err
	}
	if finding != "ok" {
		return errors.New(finding)
	}
	return nil
}
