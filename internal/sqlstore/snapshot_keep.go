package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// memorySnapshots are those of a store in memory. Each is a database in memory that is there as long as a connection to it is open.
type memorySnapshots map[string]*memorySnapshot

type memorySnapshot struct {
	at    time.Time
	where string
	db    *sql.DB
	keep  *sql.Conn
}

func (m *memorySnapshot) close() error { return errors.Join(m.keep.Close(), m.db.Close()) }

func (all memorySnapshots) take(ctx context.Context, c *conn, name string, at time.Time) (err error) {
	// "memdb" is SQLite's own file system in memory. Connections of one process share a database there if its name begins with a slash.
	m := &memorySnapshot{at: at, where: "file:/souk-" + rand.Text() + "?vfs=memdb"}
	if m.db, err = sql.Open("sqlite", m.where); err != nil {
		return err
	}
	m.db.SetMaxOpenConns(1)
	if m.keep, err = m.db.Conn(ctx); err != nil {
		return errors.Join(err, m.db.Close())
	}
	if _, err := c.sql.ExecContext(ctx, `VACUUM INTO $1`, m.where); err != nil {
		return errors.Join(err, m.close())
	}
	_, err = all.drop(name)
	all[name] = m
	return err
}

func (all memorySnapshots) uri(name string) (string, error) {
	if m, ok := all[name]; ok {
		return m.where, nil
	}
	return "", nil
}

func (all memorySnapshots) list() (list []market.SnapshotInfo, err error) {
	for name, m := range all {
		info := market.SnapshotInfo{Name: name, TakenAt: m.at.UTC()}
		const size = `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`
		if err := m.keep.QueryRowContext(context.Background(), size).Scan(&info.Bytes); err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

func (all memorySnapshots) drop(name string) (bool, error) {
	m, ok := all[name]
	if !ok {
		return false, nil
	}
	delete(all, name)
	return true, m.close()
}

// upgrade is never needed: this process took them all.
func (memorySnapshots) upgrade(context.Context, string) error { return errOtherSchema }

func (all memorySnapshots) close() error {
	var errs []error
	for name := range all {
		_, err := all.drop(name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// fileSnapshots are those of a store in a file: files in a directory beside it, which is made with the first. They have the store's secrets sealed, as
// they are in the store, and stay when it is closed.
//
// A file's name is the snapshot's in hexadecimal: not all file systems tell "a" from "A", or take "con".
type fileSnapshots struct {
	dir  string
	open func(ctx context.Context, db *sql.DB) error // brings a schema up
}

const snapshotFile = ".db"

func (f *fileSnapshots) path(name string) string {
	return filepath.Join(f.dir, hex.EncodeToString([]byte(name))+snapshotFile)
}

func (f *fileSnapshots) take(ctx context.Context, c *conn, name string, at time.Time) (err error) {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(f.dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		file.Close()
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	if _, err := c.sql.ExecContext(ctx, `VACUUM INTO $1`, file.Name()); err != nil {
		return err
	}
	// SQLite does not sync what VACUUM INTO writes.
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Chtimes(file.Name(), at, at); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), f.path(name)); err != nil {
		return err
	}
	return syncDir(f.dir)
}

func (f *fileSnapshots) uri(name string) (string, error) {
	path := f.path(name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return dsn(path, "mode=ro"), nil
}

func (f *fileSnapshots) list() (list []market.SnapshotInfo, err error) {
	files, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, file := range files {
		text, ok := strings.CutSuffix(file.Name(), snapshotFile)
		name, err := hex.DecodeString(text)
		if !ok || err != nil || len(name) == 0 { // not one of ours
			continue
		}
		info, err := file.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, market.SnapshotInfo{Name: string(name), TakenAt: info.ModTime().UTC(), Bytes: info.Size()})
	}
	return list, err
}

func (f *fileSnapshots) drop(name string) (bool, error) {
	err := os.Remove(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (f *fileSnapshots) upgrade(ctx context.Context, name string) error {
	db, err := sql.Open("sqlite", dsn(f.path(name), "_busy_timeout=5000"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(f.open(ctx, db), db.Close())
}

func (f *fileSnapshots) close() error { return nil }
