package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// migratePostgres is migrate on PostgreSQL: under an advisory lock, so that of several nodes that start one does it and the others wait.
//
// Nodes of the version before go on beside those of the new one while they are replaced: a migration only adds, with defaults, and what is not used any
// more is dropped one version later. Such a node can even be started again, as long as the newest migration says that it can (see compatibleFrom).
func migratePostgres(ctx context.Context, db *sql.DB, create bool, log *slog.Logger) error {
	have, err := postgresVersion(ctx, db)
	if err != nil {
		return err
	}
	want, err := newestMigration(postgresMigrations)
	if err != nil {
		return err
	}
	switch {
	case have == want:
		return nil
	case have > want:
		from, err := compatibleFrom(ctx, db)
		if err == nil && want < from {
			err = fmt.Errorf("%w: its schema is version %d, this binary knows %d", ErrNewerSchema, have, want)
		}
		return err
	case have == 0 && !create:
		return ErrNotInitialized
	}
	dir, err := fs.Sub(migrations, postgresMigrations)
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate from version %d to %d: %w", have, want, err)
	}
	log.LogAttrs(ctx, slog.LevelInfo, "store migrated", slog.Int64("from", have), slog.Int64("to", want))
	return nil
}

// postgresVersion is the newest migration that the database has had; 0 for one without a schema.
func postgresVersion(ctx context.Context, db *sql.DB) (v int64, err error) {
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+goose.DefaultTablename+` WHERE is_applied`).Scan(&v)
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == "42P01" { // undefined_table
		return 0, nil
	}
	return v, err
}

// compatibleCounter is the oldest schema version whose binaries can work on this schema. Each migration that leaves more than its own behind writes
// it; without it, none but its own can. So a migration that no older binary can work on deletes what one before it wrote.
const compatibleCounter = "compatible"

func compatibleFrom(ctx context.Context, db *sql.DB) (from int64, err error) {
	err = db.QueryRowContext(ctx, `SELECT value FROM counter WHERE name = $1`, compatibleCounter).Scan(&from)
	if errors.Is(err, sql.ErrNoRows) {
		return math.MaxInt64, nil
	}
	return from, err
}
