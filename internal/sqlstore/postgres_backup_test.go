package sqlstore

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/market/storetest"
	"github.com/souk-market/souk/internal/pgtest"
)

// versionsOf says how far a store has come.
func versionsOf(t *testing.T, s market.Store) (v market.Versions) {
	t.Helper()
	if err := s.View(t.Context(), func(tx market.Tx) (err error) {
		v, err = tx.Versions()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

// What pg_dump takes from a store that is being served, pg_restore puts into another database: the partitions of usage, the counters, and so the store.
func TestPostgresDump(t *testing.T) {
	server := pgtest.Shared(t)
	url := emptyDatabase(t)
	s := openPostgres(t, url)
	storetest.Fill(t, s, 2_000)
	old := []market.UsageRecord{usageAt(1, time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)), usageAt(2, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))}
	if err := s.AppendUsage(t.Context(), old, make([]market.Appended, 2)); err != nil {
		t.Fatal(err)
	}
	want, versions := storetest.Everything(t, s), versionsOf(t, s)
	file := filepath.Join(server.Dir, "souk.dump")
	if err := server.Run("pg_dump", "--format=custom", "--no-owner", "--file", file, url); err != nil {
		t.Fatal(err)
	}
	put := func(tx market.Tx) error { return tx.PutSetting("after", "the dump") }
	if err := s.Update(t.Context(), put); err != nil { // the store goes on
		t.Fatal(err)
	}

	_, elsewhere := server.Database(t, "")
	if err := server.Run("pg_restore", "--no-owner", "--single-transaction", "--exit-on-error", "--dbname", elsewhere, file); err != nil {
		t.Fatal(err)
	}
	restored := openPostgres(t, elsewhere)
	if diff := cmp.Diff(want, storetest.Everything(t, restored)); diff != "" {
		t.Fatalf("restored (-want +got):\n%s", diff)
	}
	if v := versionsOf(t, restored); v != versions {
		t.Errorf("versions %+v, want %+v", v, versions)
	}
	c, err := pgx.Connect(t.Context(), elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if got := partitions(t, c); !slices.Equal(got, []string{"usage_2025_12", "usage_2026_02", "usage_2026_06"}) {
		t.Errorf("partitions %v", got)
	}
	livesOn(t, restored, versions.Event)
}

// livesOn adds to a store, whose numbers must go on where they were.
func livesOn(t *testing.T, s *Postgres, events int64) {
	t.Helper()
	out := make([]market.Appended, 3)
	fresh := []market.UsageRecord{usageAt(201, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)), usageAt(202, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), usageAt(203, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))}
	fresh[0].Series.Dimension, fresh[1].Series.Dimension = "new", "new" // a new series, in a month that is there and in one that is not
	if err := s.AppendUsage(t.Context(), fresh, out); err != nil || !out[0].Inserted || !out[1].Inserted {
		t.Errorf("new records: %+v, %v", out, err)
	}
	if out[2].Inserted || out[2].ID != (market.RecordID{2}) {
		t.Errorf("a record that is there already: %+v", out[2])
	}
	if err := s.Update(t.Context(), func(tx market.Tx) error { return tx.AppendEvent(market.Event{AgreementID: "g"}) }); err != nil {
		t.Fatal(err)
	}
	if v := versionsOf(t, s); v.Event != events+1 {
		t.Errorf("the next event has number %d, want %d", v.Event, events+1)
	}
}

// A base backup and the archived log bring back the store as it was at a moment in between: all that was answered before it, nothing of what came after.
func TestPostgresPointInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("two clusters more")
	}
	server, err := pgtest.Start(pgtest.Config{Sync: true, Options: []string{"archive_mode=on", "archive_command=mkdir -p ../archive && cp %p ../archive/%f"}})
	if err != nil {
		pgtest.Missing(t, err)
	}
	defer server.Stop()
	_, url := server.Database(t, "")
	s, err := OpenPostgres(t.Context(), PostgresConfig{URL: url, Create: true, Vault: testVault()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storetest.Fill(t, s, 500)
	base := filepath.Join(server.Dir, "base")
	if err := server.Run("pg_basebackup", "--pgdata", base, "--dbname", url, "--checkpoint=fast", "--wal-method=none"); err != nil {
		t.Fatal(err)
	}
	old := []market.UsageRecord{usageAt(1, time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)), usageAt(2, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))}
	if err := s.AppendUsage(t.Context(), old, make([]market.Appended, 2)); err != nil {
		t.Fatal(err)
	}
	want, event := storetest.Everything(t, s), versionsOf(t, s).Event
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	var moment string
	if err := c.QueryRow(t.Context(), `SELECT clock_timestamp()::text FROM pg_sleep(0.05)`).Scan(&moment); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if err := s.AppendUsage(t.Context(), []market.UsageRecord{usageAt(99, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))}, make([]market.Appended, 1)); err != nil {
		t.Fatal(err)
	}
	var segment string
	if err := c.QueryRow(t.Context(), `SELECT pg_walfile_name(pg_switch_wal())`).Scan(&segment); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		var archived bool
		err := c.QueryRow(t.Context(), `SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver`, segment).Scan(&archived)
		if err == nil && !archived {
			err = errors.New("the log is not archived")
		}
		return err
	})

	port := freePort(t)
	configure(t, filepath.Join(base, "postgresql.auto.conf"), "restore_command = 'cp ../archive/%f %p'", "recovery_target_time = '"+moment+"'",
		"recovery_target_action = 'promote'", "archive_mode = off", "listen_addresses = '127.0.0.1'", "unix_socket_directories = '"+server.Dir+"'",
		fmt.Sprint("port = ", port), "max_connections = 200") // the last as it was: less is refused
	configure(t, filepath.Join(base, "recovery.signal"))
	log := filepath.Join(server.Dir, "restored.log")
	if err := server.Run("pg_ctl", "--pgdata", base, "--log", log, "--wait", "start"); err != nil {
		text, _ := os.ReadFile(log)
		t.Fatalf("%v\n%s", err, text)
	}
	defer server.Run("pg_ctl", "--pgdata", base, "--mode=immediate", "stop")
	restored := openPostgres(t, strings.Replace(url, fmt.Sprintf(":%d/", server.Port), fmt.Sprintf(":%d/", port), 1))
	eventually(t, func() error { // when it is promoted
		return restored.Update(t.Context(), func(tx market.Tx) error { return tx.DropSetting("none") })
	})
	if diff := cmp.Diff(want, storetest.Everything(t, restored)); diff != "" {
		t.Fatalf("restored (-want +got):\n%s", diff)
	}
	livesOn(t, restored, event)
}

// eventually waits until something goes well.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// configure adds lines to a file of a cluster.
func configure(t *testing.T, name string, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, line := range lines {
		if _, err := fmt.Fprintln(f, line); err != nil {
			t.Fatal(err)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
