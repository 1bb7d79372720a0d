package sqlstore

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

// eachEngine runs a test on a store in memory and on one in a file.
func eachEngine(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Run("memory", func(t *testing.T) { t.Parallel(); test(t, open(t, "")) })
	t.Run("file", func(t *testing.T) { t.Parallel(); test(t, open(t, filepath.Join(t.TempDir(), "souk.db"))) })
}

func settings(t *testing.T, s *Store) (list []market.Setting) {
	t.Helper()
	if err := s.View(t.Context(), func(tx market.Tx) (err error) { list, err = tx.Settings(); return err }); err != nil {
		t.Fatal(err)
	}
	return list
}

func versions(t *testing.T, s *Store) (v market.Versions) {
	t.Helper()
	if err := s.View(t.Context(), func(tx market.Tx) (err error) { v, err = tx.Versions(); return err }); err != nil {
		t.Fatal(err)
	}
	return v
}

func snapshotNames(t *testing.T, s *Store) (names []string) {
	t.Helper()
	list, err := s.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range list {
		if info.Bytes <= 0 || time.Since(info.TakenAt).Abs() > time.Minute || info.TakenAt.Location() != time.UTC {
			t.Errorf("%+v", info)
		}
		names = append(names, info.Name)
	}
	return names
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		if err := s.SnapshotLater(ctx, "start"); err != nil {
			t.Fatal(err)
		}
		put(t, s, "a", "1") // begins with the snapshot
		for _, name := range []string{"one", "One", "..", "one"} {
			if err := s.Snapshot(ctx, name); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"..", "One", "one", "start"}, snapshotNames(t, s)); diff != "" {
			t.Errorf("snapshots (-want +got):\n%s", diff)
		}
		put(t, s, "a", "2")
		put(t, s, "b", "2")
		seen := versions(t, s)
		for _, name := range []string{"start", "one"} {
			want := map[string][]market.Setting{"one": {{Name: "a", Value: "1"}}}[name]
			if err := s.Restore(ctx, name); err != nil {
				t.Fatalf("restore %s: %v", name, err)
			}
			if diff := cmp.Diff(want, settings(t, s)); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", name, diff)
			}
			now := versions(t, s)
			if now.House <= seen.House {
				t.Errorf("after %s the versions are %+v, they were %+v", name, now, seen)
			}
			seen = now
		}
		if err := s.Restore(ctx, "none"); market.CodeOf(err) != market.NotFound {
			t.Errorf("restore what is not there: %v", err)
		}
		for _, want := range []bool{true, false} {
			if dropped, err := s.DropSnapshot(ctx, "One"); err != nil || dropped != want {
				t.Errorf("drop = %t, %v; want %t", dropped, err, want)
			}
		}
		if diff := cmp.Diff([]string{"..", "one", "start"}, snapshotNames(t, s)); diff != "" {
			t.Errorf("snapshots (-want +got):\n%s", diff)
		}
		put(t, s, "c", "3") // and it goes on
		if diff := cmp.Diff(2, len(settings(t, s))); diff != "" {
			t.Error(diff)
		}
	})
}

// A series' id is given to another one after a restore. Usage whose keys were found out before must not go there.
func TestRestoreSeries(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		if err := s.Snapshot(ctx, "empty"); err != nil {
			t.Fatal(err)
		}
		hour := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
		records := make([]market.UsageRecord, 2)
		for i, dimension := range []string{"first", "second"} {
			records[i] = market.UsageRecord{ID: market.RecordID{byte(i + 1)}, Timestamp: hour, Quantity: int64(i), Number: new(atomic.Int64),
				Series: market.Series{Region: "us-east-1", ProductCode: "p", Buyer: "b", Dimension: dimension}}
		}
		out := make([]market.Appended, 2)
		for range 2 { // the second time fills in the numbers
			if err := s.AppendUsage(ctx, records, out); err != nil {
				t.Fatal(err)
			}
		}
		if records[0].Number.Load() == 0 {
			t.Fatal("the store left no number: this test shows nothing")
		}
		if err := s.Restore(ctx, "empty"); err != nil {
			t.Fatal(err)
		}
		records[0], records[1] = records[1], records[0]
		if err := s.AppendUsage(ctx, records, out); err != nil || !out[0].Inserted || !out[1].Inserted {
			t.Fatalf("%+v, %v", out, err)
		}
		for _, r := range records {
			var list []market.UsageRecord
			err := s.View(ctx, func(tx market.Tx) (err error) {
				list, err = tx.Usage(market.UsageFilter{Dimension: r.Series.Dimension})
				return err
			})
			if err != nil || len(list) != 1 || list[0].ID != r.ID {
				t.Errorf("%s is kept as %+v, %v", r.Series.Dimension, list, err)
			}
		}
	})
}

// A job's keys may have been found out before a restore that is done before the job.
func TestRestoreOvertakesKeys(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	ctx := t.Context()
	if err := s.Snapshot(ctx, "empty"); err != nil {
		t.Fatal(err)
	}
	of := func(dimension string, id byte) []market.UsageRecord {
		return []market.UsageRecord{{ID: market.RecordID{id}, Timestamp: time.Unix(1_800_000_000, 0).UTC(),
			Series: market.Series{Region: "us-east-1", ProductCode: "p", Buyer: "b", Dimension: dimension}}}
	}
	out := make([]market.Appended, 1)
	if err := s.AppendUsage(ctx, of("first", 1), out); err != nil {
		t.Fatal(err)
	}
	j := &job{ctx: ctx, mode: forAppending, out: make(chan error, 1), usage: usage{batch: of("first", 2), keys: make([]int64, 1), results: out}}
	var err error
	if j.epoch, err = s.writer.appender.known.keys(j.batch, j.keys); err != nil || j.keys[0] == 0 {
		t.Fatalf("keys %v, %v", j.keys, err)
	}
	if err := s.Restore(ctx, "empty"); err != nil {
		t.Fatal(err)
	}
	if err := s.AppendUsage(ctx, of("second", 3), make([]market.Appended, 1)); err != nil {
		t.Fatal(err)
	}
	s.writer.queue <- j
	if err := <-j.out; err != nil || !out[0].Inserted {
		t.Errorf("%+v, %v: it went where another record is", out[0], err)
	}
}

// Snapshots of a file stay when the store is closed, but for that of its start; those that it cannot read are told.
func TestSnapshotFiles(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "souk.db")
	s := open(t, path)
	if err := s.SnapshotLater(ctx, "start"); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "1")
	if err := s.Snapshot(ctx, "kept"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(path + ".snapshots")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}

	s = open(t, path)
	put(t, s, "a", "2")
	if err := s.SnapshotLater(ctx, "start"); err != nil {
		t.Fatal(err)
	}
	if err := s.Restore(ctx, "kept"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]market.Setting{{Name: "a", Value: "1"}}, settings(t, s)); diff != "" {
		t.Error(diff)
	}
	if err := s.Restore(ctx, "start"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]market.Setting{{Name: "a", Value: "2"}}, settings(t, s)); diff != "" {
		t.Error(diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	next := vault.New(vault.Key{9})
	if _, err := Rekey(ctx, Config{Path: path, Vault: testVault()}, next); err != nil {
		t.Fatal(err)
	}
	s, err = Open(ctx, Config{Path: path, Vault: next})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Restore(ctx, "kept"); market.CodeOf(err) != market.Conflict {
		t.Errorf("restore what is sealed under another key: %v", err)
	}
	if diff := cmp.Diff([]market.Setting{{Name: "a", Value: "2"}}, settings(t, s)); diff != "" {
		t.Errorf("a refusal changed something: %s", diff)
	}
	put(t, s, "b", "1")
}

// BenchmarkRestore restores a store of a test suite's size: a thousand records.
func BenchmarkRestore(b *testing.B) {
	for name, path := range map[string]string{"memory": "", "file": filepath.Join(b.TempDir(), "souk.db")} {
		b.Run(name, func(b *testing.B) {
			s := open(b, path)
			records := make([]market.UsageRecord, 1000)
			for i := range records {
				records[i] = market.UsageRecord{ID: market.RecordID{byte(i), byte(i >> 8)}, Timestamp: time.Unix(int64(i)*3600, 0).UTC(),
					Series: market.Series{Region: "us-east-1", ProductCode: "p", Buyer: "b", Dimension: "d"}}
			}
			if err := s.AppendUsage(b.Context(), records, make([]market.Appended, len(records))); err != nil {
				b.Fatal(err)
			}
			if err := s.Snapshot(b.Context(), "a"); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := s.Restore(b.Context(), "a"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
