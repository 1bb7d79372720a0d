package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/internal/pgtest"
)

// database is a PostgreSQL that is there to fail. It syncs, as one in production does.
type database struct {
	server  *pgtest.Server // that takes writes
	standby *pgtest.Server // nil: none
	proxy   *pgtest.Proxy  // nil: none
	name    string
	url     string // as nodes have it
}

// startPlain is one.
func startPlain(ctx context.Context) (d *database, err error) {
	return startWith(ctx, pgtest.Config{Sync: true})
}

// startDatabase is one behind a proxy.
func startDatabase(ctx context.Context) (*database, error) {
	d, err := startPlain(ctx)
	if err != nil {
		return nil, err
	}
	if d.proxy, err = d.server.OpenProxy(); err != nil {
		d.stop()
		return nil, err
	}
	d.url = d.proxy.URL(d.name)
	return d, nil
}

// startSmall is one on a disk that can be filled. pgtest.ErrNoDisk where none can be had.
func startSmall(ctx context.Context) (*database, error) {
	return startWith(ctx, pgtest.Config{Sync: true, Mebibytes: 256, Options: []string{"max_wal_size=64MB", "min_wal_size=32MB"}})
}

// startPair is one with a replica that every commit waits for.
func startPair(ctx context.Context) (*database, error) {
	d, err := startPlain(ctx)
	if err != nil {
		return nil, err
	}
	if d.standby, err = d.server.Replica(ctx); err != nil {
		d.stop()
		return nil, err
	}
	d.url = pgtest.EitherURL(d.server, d.standby, d.name)
	return d, nil
}

func startWith(ctx context.Context, cfg pgtest.Config) (d *database, err error) {
	d = &database{}
	if d.server, err = pgtest.Start(cfg); err != nil {
		return nil, err
	}
	if d.name, d.url, err = d.server.Create(ctx, ""); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// stop ends it and removes all that it had.
func (d *database) stop() {
	if d.proxy != nil {
		d.proxy.Close()
	}
	for _, s := range d.servers() {
		_ = s.Stop() // it may be gone for good, which was the point
	}
}

// leave ends it, and leaves what it has on disk to whoever looks into that: the directories. stop then does nothing.
func (d *database) leave() (dirs string) {
	for _, s := range d.servers() {
		if s.Running() {
			s.Down(false)
		}
		dirs += " " + s.Dir
	}
	d.server, d.standby = nil, nil
	return dirs
}

func (d *database) servers() (list []*pgtest.Server) {
	for _, s := range []*pgtest.Server{d.standby, d.server} {
		if s != nil {
			list = append(list, s)
		}
	}
	return list
}

// up starts the server as a supervisor does: until it comes up. While processes of one that was killed are there, it does not.
func (d *database) up() (err error) {
	for begun := time.Now(); time.Since(begun) < 20*time.Second; time.Sleep(100 * time.Millisecond) {
		if err = d.server.Up(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("PostgreSQL does not come up again: %w", err)
}

// run runs a statement past the proxy.
func (d *database) run(ctx context.Context, statement string) error {
	c, err := pgx.Connect(ctx, d.server.URL(d.name))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

// terminate ends about a third of the connections.
func (d *database) terminate(ctx context.Context) error {
	return d.run(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.33`)
}

// useUpLog goes on to new segments of the write-ahead log until there is no room for one, which PostgreSQL answers by crashing.
func (d *database) useUpLog(ctx context.Context) {
	for range 20 {
		if d.run(ctx, `SELECT pg_logical_emit_message(true, 'crash', ''), pg_switch_wal()`) != nil {
			return
		}
	}
}
