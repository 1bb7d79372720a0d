package pgtest

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Replica starts a streaming replica of the server, and has every commit wait for it from then on: what was acknowledged is on both. The caller must Stop it.
func (s *Server) Replica(ctx context.Context) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return s.ReplicaAt(ctx, port)
}

// ReplicaAt is Replica on a port, such as that of a server which is gone: clients then find the new one where the old one was.
func (s *Server) ReplicaAt(ctx context.Context, port int) (_ *Server, err error) {
	r := &Server{bin: s.bin, owner: s.owner, options: s.options, Port: port}
	if err := r.makeDir(0); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = r.removeDir()
		}
	}()
	if err := r.owner.take(r.Dir); err != nil {
		return nil, err
	}
	if err := r.Run("pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port), "-U", "souk", "-D", filepath.Join(r.Dir, "data"), "-R", "-c", "fast", "-N"); err != nil {
		return nil, err
	}
	if err := r.Up(); err != nil {
		return nil, err
	}
	if err := s.waitForReplica(ctx); err != nil {
		return nil, fmt.Errorf("%w; %w", err, r.Stop())
	}
	return r, nil
}

// waitForReplica waits until a replica streams, and makes commits wait for it.
func (s *Server) waitForReplica(ctx context.Context) error {
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var n int
		if err := c.QueryRow(ctx, `SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'`).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the replica does not stream")
		}
	}
	for _, statement := range []string{`ALTER SYSTEM SET synchronous_standby_names = '*'`, `SELECT pg_reload_conf()`} {
		if _, err := c.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Promote makes a replica the server that takes writes. The one that it followed must be down.
func (s *Server) Promote(ctx context.Context) error {
	// What it took over from that one: to wait for a replica, which it has not.
	if err := s.Run("pg_ctl", "promote", "-D", filepath.Join(s.Dir, "data"), "-w"); err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, statement := range []string{`ALTER SYSTEM RESET synchronous_standby_names`, `SELECT pg_reload_conf()`} {
		if _, err := c.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// EitherURL is a database of two servers of which one takes writes.
func EitherURL(a, b *Server, database string) string {
	return fmt.Sprintf("postgres://souk@127.0.0.1:%d,127.0.0.1:%d/%s?sslmode=disable&target_session_attrs=read-write", a.Port, b.Port, database)
}
