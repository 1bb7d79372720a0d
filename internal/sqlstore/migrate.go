package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
)

// The schemas of both engines. Migrations of one number do the same on both; PostgreSQL came with the second.
//
//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

const (
	sqliteMigrations   = "migrations/sqlite"
	postgresMigrations = "migrations/postgres"
)

// migrate brings the schema of db up to the newest migration. They only ever go forward.
//
// goose is only called when there is something to do: its usual check costs more than the rest of Open.
func (s *Store) migrate(ctx context.Context, db *sql.DB, create bool) error {
	have, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	want, err := newestMigration(sqliteMigrations)
	if err != nil {
		return err
	}
	switch {
	case have == want:
		return nil
	case have > want:
		return fmt.Errorf("%w: its schema is version %d, this binary knows %d", ErrNewerSchema, have, want)
	case have == 0 && !create: // a file that something else made, or whose making was cut short
		return ErrNotInitialized
	}
	dir, err := fs.Sub(migrations, sqliteMigrations)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate from version %d to %d: %w", have, want, err)
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "store migrated", slog.Int64("from", have), slog.Int64("to", want))
	return nil
}

// schemaVersion is the newest migration that the store has had; 0 for one without a schema.
func schemaVersion(ctx context.Context, db *sql.DB) (v int64, err error) {
	var exists bool
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1`, goose.DefaultTablename).Scan(&exists)
	if err != nil || !exists {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+goose.DefaultTablename).Scan(&v)
	return v, err
}

// newestMigration is the highest version among an engine's files.
func newestMigration(dir string) (newest int64, err error) {
	files, err := migrations.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		v, err := goose.NumericComponent(f.Name())
		if err != nil {
			return 0, err
		}
		newest = max(newest, v)
	}
	return newest, nil
}
