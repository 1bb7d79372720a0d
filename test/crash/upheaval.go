package main

import (
	"context"
	"errors"
	"time"
)

// fillDisk fills the disk of the database and gives the room back, so many times.
func (t *trial) fillDisk(ctx context.Context, times int) error {
	for i := range times {
		name, log := "disk full", i%2 == 1
		if log {
			name = "disk full, the log's too"
		}
		if err := t.under(ctx, name, func() error {
			before := t.journal.failed()
			if err := t.db.server.Fill(); err != nil {
				return err
			}
			if log { // PostgreSQL crashes, and may or may not come up again before there is room
				t.db.useUpLog(ctx)
			}
			for begun := time.Now(); t.journal.failed() < before+10; time.Sleep(20 * time.Millisecond) {
				if time.Since(begun) > 20*time.Second {
					return errors.New("a full disk takes all that it is told")
				}
			}
			t.pause(100, 1000)
			if err := t.db.server.Free(); err != nil {
				return err
			}
			time.Sleep(100 * time.Millisecond)
			if !t.db.server.Running() {
				return t.db.up()
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// failOver kills the server that takes writes and has its replica take over, so many times. A new replica then comes up where the old server was.
func (t *trial) failOver(ctx context.Context, times int) error {
	for i := range times {
		if i > 0 {
			old := t.db.standby
			next, err := t.db.server.ReplicaAt(ctx, old.Port)
			if err != nil {
				return err
			}
			t.db.standby = next
			if err := old.Stop(); err != nil {
				return err
			}
		}
		if err := t.under(ctx, "failed over", func() error {
			t.db.server.Kill()
			t.pause(200, 1500)
			if err := t.db.standby.Promote(ctx); err != nil {
				return err
			}
			t.db.server, t.db.standby = t.db.standby, t.db.server
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
