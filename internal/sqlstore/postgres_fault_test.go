package sqlstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/pgtest"
)

func TestSeveralMakeOneSchema(t *testing.T) {
	_, url := pgtest.Shared(t).Database(t, "")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := OpenPostgres(t.Context(), PostgresConfig{URL: url, Create: true, Vault: testVault()})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// workload is work on a store, and what is known of what it came to.
type workload struct {
	store market.Store
	wg    sync.WaitGroup
	stop  atomic.Bool

	counted, doubted atomic.Int64 // Updates that were acknowledged, and those whose outcome nobody knows
	failed           atomic.Int64
	mu               sync.Mutex
	kept             map[market.RecordID]market.UsageRecord // that were acknowledged as new
	maybe            map[market.RecordID]bool               // that may have come in
	n                atomic.Int64
}

// work begins to count up a setting and to bring records in.
func work(t *testing.T, s market.Store) *workload {
	w := &workload{store: s, kept: map[market.RecordID]market.UsageRecord{}, maybe: map[market.RecordID]bool{}}
	for range 3 {
		w.wg.Go(func() {
			for !w.stop.Load() {
				err := s.Update(context.Background(), func(tx market.Tx) error { return count(tx, 1) })
				switch {
				case err == nil:
					w.counted.Add(1)
				case market.CodeOf(err) == market.OutcomeUnsure:
					w.doubted.Add(1)
				case market.CodeOf(err) == market.Unavailable:
					w.failed.Add(1)
				default:
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	for range 3 {
		w.wg.Go(func() {
			batch, out := make([]market.UsageRecord, 20), make([]market.Appended, 20)
			for !w.stop.Load() {
				for i := range batch {
					n := int(w.n.Add(1))
					usageOf(n, &batch[i])
					batch[i].Series.Dimension = strconv.Itoa(n) // all are new, and so are their series
				}
				err := s.AppendUsage(context.Background(), batch, out)
				w.mu.Lock()
				for i := range batch {
					switch {
					case err != nil:
						w.maybe[batch[i].ID] = true
					case !out[i].Inserted || out[i].ID != batch[i].ID:
						t.Errorf("a record that is new was told: %+v", out[i])
					default:
						w.kept[batch[i].ID] = batch[i]
					}
				}
				w.mu.Unlock()
				if err != nil {
					w.failed.Add(1)
				}
				if code := market.CodeOf(err); err != nil && code != market.Unavailable && code != market.OutcomeUnsure {
					t.Errorf("AppendUsage: %v", err)
				}
			}
		})
	}
	return w
}

func count(tx market.Tx, by int) error {
	v, _, err := tx.Setting("count")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(v)
	return tx.PutSetting("count", strconv.Itoa(n+by))
}

// end stops the work and compares the store with what was acknowledged.
func (w *workload) end(t *testing.T) {
	t.Helper()
	w.stop.Store(true)
	w.wg.Wait()
	n, err := strconv.Atoi(settingOf(t, w.store, "count"))
	if least := w.counted.Load(); err != nil || int64(n) < least || int64(n) > least+w.doubted.Load() {
		t.Errorf("the setting counts %d (%v), acknowledged were %d, in doubt %d", n, err, least, w.doubted.Load())
	}
	there := map[market.RecordID]market.UsageRecord{}
	if err := w.store.View(t.Context(), func(tx market.Tx) error {
		list, err := tx.Usage(market.UsageFilter{})
		clear(there)
		for _, r := range list {
			there[r.ID] = r
		}
		if len(there) != len(list) {
			return errors.New("a record is there twice")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for id, r := range w.kept {
		if got, ok := there[id]; !ok || got.Quantity != r.Quantity || got.Series != r.Series {
			t.Errorf("record %s was acknowledged and is there: %v, %+v", id, ok, got)
		}
	}
	for id := range there {
		if _, ok := w.kept[id]; !ok && !w.maybe[id] {
			t.Errorf("record %s is there, and nobody brought it", id)
		}
	}
	t.Logf("%d updates, %d in doubt; %d records, %d in doubt; %d calls failed", w.counted.Load(), w.doubted.Load(), len(w.kept), len(w.maybe), w.failed.Load())
	if w.counted.Load() == 0 || len(w.kept) == 0 {
		t.Error("nothing was done")
	}
}

func settingOf(t testing.TB, s market.Store, name string) (value string) {
	t.Helper()
	if err := s.View(t.Context(), func(tx market.Tx) (err error) {
		value, _, err = tx.Setting(name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestConnectionsThatAreCut(t *testing.T) {
	url := emptyDatabase(t)
	s := openPostgres(t, url)
	w := work(t, s)
	killer, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer killer.Close(t.Context())
	for range 60 {
		time.Sleep(20 * time.Millisecond)
		if _, err := killer.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.5`); err != nil {
			t.Fatal(err)
		}
	}
	w.end(t)
	if n := w.failed.Load(); n > 0 {
		t.Errorf("%d calls failed: a connection that breaks is no reason", n)
	}
}

// An answer that is lost is the hard case: the server has done it.
func TestAnswersThatAreLost(t *testing.T) {
	server := pgtest.Shared(t)
	name, _ := server.Database(t, "")
	proxy := server.Proxy(t)
	s, err := OpenPostgres(t.Context(), PostgresConfig{URL: proxy.URL(name), Create: true, Vault: testVault()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	record := func(n int) (list []market.UsageRecord) {
		list = make([]market.UsageRecord, 1)
		usageOf(n, &list[0])
		return list
	}
	out := make([]market.Appended, 1)
	if err := s.AppendUsage(t.Context(), record(1), out); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx market.Tx) error { return count(tx, 1) }); err != nil {
		t.Fatal(err)
	}

	t.Run("of an Update's COMMIT", func(t *testing.T) {
		proxy.Lose("COMMIT")
		err := s.Update(t.Context(), func(tx market.Tx) error { return count(tx, 1) })
		if lost := proxy.Lose(""); lost != 1 || market.CodeOf(err) != market.OutcomeUnsure {
			t.Errorf("%d answers were lost, and Update answered %v", lost, err)
		}
		if v := settingOf(t, s, "count"); v != "2" { // done once, and not again
			t.Errorf("it counts %s", v)
		}
	})
	t.Run("of a statement before it", func(t *testing.T) {
		proxy.Lose("a value of this test")
		runs := 0
		err := s.Update(t.Context(), func(tx market.Tx) error {
			runs++
			if runs > 1 {
				proxy.Lose("")
			}
			return tx.PutSetting("lost", "a value of this test")
		})
		if err != nil || runs < 2 || settingOf(t, s, "lost") == "" {
			t.Errorf("after %d runs: %v", runs, err)
		}
	})
	t.Run("of records that are new", func(t *testing.T) {
		batch := record(2)
		id := batch[0].ID
		proxy.Lose(string(id[8:])) // it goes over the wire as it is
		done := make(chan error)
		go func() { done <- s.AppendUsage(t.Context(), batch, out) }()
		for proxy.Lost() == 0 { // then let the next attempt through
			time.Sleep(time.Millisecond)
		}
		proxy.Lose("")
		if err := <-done; err != nil || !out[0].Inserted || out[0].ID != id {
			t.Errorf("%+v, %v", out[0], err)
		}
	})
}

// A firewall that was restarted has forgotten the connections that went through it, and tells nobody. Those that lie idle are found out together, not each by
// somebody who waits for it.
func TestConnectionsThatAreForgotten(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	name, _ := server.Database(t, "")
	proxy := server.Proxy(t)
	s, err := OpenPostgres(t.Context(), PostgresConfig{URL: proxy.URL(name), Create: true, Vault: testVault()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	look := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 4*beginTimeout)
		defer cancel()
		return s.View(ctx, func(tx market.Tx) error { _, err := tx.Versions(); return err })
	}
	warm := func() { // as many connections as there can be
		t.Helper()
		var inside, done sync.WaitGroup
		inside.Add(maxConns)
		for range maxConns {
			done.Go(func() {
				if err := s.View(t.Context(), func(tx market.Tx) error {
					inside.Done()
					inside.Wait()
					_, err := tx.Versions()
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
		if n := len(s.conns.idle); n != maxConns {
			t.Fatalf("%d connections are idle", n)
		}
	}
	forget := func() {
		proxy.Mute(true)
		proxy.Mute(false)
	}
	for what, do := range map[string]func() error{
		"View":   look,
		"Update": func() error { return s.Update(t.Context(), func(tx market.Tx) error { return count(tx, 1) }) },
	} {
		warm()
		forget()
		begun := time.Now()
		if err := do(); err != nil { // the next would wait for its caller, which is the test
			t.Fatalf("%s: %v", what, err)
		}
		if d := time.Since(begun); d < beginTimeout || d > 5*beginTimeout {
			t.Errorf("%s had to wait for %s", what, d)
		}
		begun = time.Now()
		if err := look(); err != nil || time.Since(begun) > beginTimeout/2 {
			t.Errorf("the next one too: %s, %v", time.Since(begun), err)
		}
	}
	t.Run("usage", func(t *testing.T) {
		// The appenders' connections are idle for so long that they are asked first.
		batch, out := make([]market.UsageRecord, 1), make([]market.Appended, 1)
		for n := range 20 {
			usageOf(n, &batch[0])
			if err := s.AppendUsage(t.Context(), batch, out); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(pingAfter + 100*time.Millisecond)
		forget()
		begun := time.Now()
		usageOf(20, &batch[0])
		if err := s.AppendUsage(t.Context(), batch, out); err != nil || !out[0].Inserted {
			t.Errorf("%+v, %v", out[0], err)
		}
		if d := time.Since(begun); d > 5*beginTimeout {
			t.Errorf("it had to wait for %s", d)
		}
	})
	t.Run("in the middle of an Update", func(t *testing.T) {
		before := settingOf(t, s, "count")
		runs := 0
		err := s.Update(t.Context(), func(tx market.Tx) error {
			if runs++; runs > 1 {
				return count(tx, 1)
			}
			err := count(tx, 1)
			forget() // of the row that is written the lock is held by nobody whom the server could ask
			return err
		})
		if code := market.CodeOf(err); code != market.OutcomeUnsure || runs != 1 {
			t.Errorf("after %d runs: %v", runs, err)
		}
		// The caller waits yet. An error of a context would tell the AWS face that they have hung up.
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it is taken for the caller's doing: %v", err)
		}
		begun := time.Now()
		if err := s.Update(t.Context(), func(tx market.Tx) error { return count(tx, 1) }); err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d > statementTimeout {
			t.Errorf("the row was locked for %s", d)
		}
		was, _ := strconv.Atoi(before)
		if now := settingOf(t, s, "count"); now != strconv.Itoa(was+1) {
			t.Errorf("it counted %s, and now %s", before, now)
		}
	})
	t.Run("at the end", func(t *testing.T) {
		warm()
		forget()
		begun := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d > 5*beginTimeout {
			t.Errorf("Close waited for %s", d)
		}
	})
}

// An outage that lasts ends in Unavailable, and with it.
func TestAnOutage(t *testing.T) {
	server, err := pgtest.Start(pgtest.Config{})
	if err != nil {
		pgtest.Missing(t, err)
	}
	defer server.Stop()
	fresh := func(t *testing.T) *Postgres {
		_, url := server.Database(t, "")
		s, err := OpenPostgres(t.Context(), PostgresConfig{URL: url, Create: true, Vault: testVault()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	for _, immediate := range []bool{false, true} {
		t.Run(fmt.Sprintf("shorter than patience, immediate %v", immediate), func(t *testing.T) {
			w := work(t, fresh(t))
			for range 3 {
				time.Sleep(100 * time.Millisecond)
				server.Down(immediate)
				if err := server.Up(); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(300 * time.Millisecond)
			w.end(t)
			if n := w.failed.Load(); n > 0 {
				t.Errorf("%d calls failed", n)
			}
		})
	}
	t.Run("longer than patience", func(t *testing.T) {
		s := fresh(t)
		server.Down(true)
		begun := time.Now()
		var wg sync.WaitGroup
		batch := make([]market.UsageRecord, 1)
		usageOf(1_000_000, &batch[0])
		for what, do := range map[string]func() error{
			"View": func() error {
				return s.View(t.Context(), func(tx market.Tx) error { _, err := tx.Versions(); return err })
			},
			"Update":      func() error { return s.Update(t.Context(), func(tx market.Tx) error { return count(tx, 1) }) },
			"AppendUsage": func() error { return s.AppendUsage(t.Context(), batch, make([]market.Appended, 1)) },
		} {
			wg.Go(func() {
				if err := do(); market.CodeOf(err) != market.Unavailable {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(begun); d < patience || d > 3*patience {
			t.Errorf("they waited %s, patience is %s", d, patience)
		}
		if err := server.Up(); err != nil {
			t.Fatal(err)
		}
		w := work(t, s)
		time.Sleep(300 * time.Millisecond)
		w.end(t)
	})
}

// When the server dies and its replica takes over, everything that was acknowledged is there.
func TestAFailover(t *testing.T) {
	first, err := pgtest.Start(pgtest.Config{})
	if err != nil {
		pgtest.Missing(t, err)
	}
	defer first.Stop()
	second, err := first.Replica(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop()
	name, url := first.Database(t, "")
	made, err := OpenPostgres(t.Context(), PostgresConfig{URL: url, Create: true, Vault: testVault()})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	s := openPostgres(t, pgtest.EitherURL(first, second, name))
	w := work(t, s)
	time.Sleep(300 * time.Millisecond)
	before := w.counted.Load()
	first.Kill()
	time.Sleep(200 * time.Millisecond)
	if err := second.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	promoted := w.counted.Load()
	for begun := time.Now(); w.counted.Load() < promoted+20; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("nothing is done on the new server")
		}
	}
	w.end(t)
	t.Logf("%d updates before, %d after", before, w.counted.Load()-promoted)
}

// A disk that is full refuses, and loses nothing.
func TestAFullDisk(t *testing.T) {
	server, err := pgtest.Start(pgtest.Config{Mebibytes: 160, Options: []string{"max_wal_size=32MB", "min_wal_size=32MB", "shared_buffers=16MB"}})
	if errors.Is(err, pgtest.ErrNoDisk) {
		t.Skip(err) // only root can
	}
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
	kept := map[market.RecordID]bool{}
	refused := 0
	n := 0
	meter := func() error {
		batch, out := make([]market.UsageRecord, 25), make([]market.Appended, 25)
		for i := range batch {
			n++
			batch[i] = usageAt(0, firstHour.Add(time.Duration(n)*time.Hour/60))
			batch[i].Series.Dimension = strconv.Itoa(n)
			batch[i].Allocations = make([]byte, 20_000) // what fills a disk
			binary.BigEndian.PutUint64(batch[i].ID[:], uint64(n))
			rand.Read(batch[i].Allocations)
		}
		err := s.AppendUsage(t.Context(), batch, out)
		for i := range batch {
			if err == nil && out[i].Inserted {
				kept[batch[i].ID] = true
			}
		}
		return err
	}
	for range 3 {
		if err := meter(); err != nil {
			t.Fatal(err)
		}
		if err := server.Fill(); err != nil {
			t.Fatal(err)
		}
		failed := false
		for range 200 {
			if err := meter(); err != nil {
				failed = true
				refused++
				break
			}
		}
		if !failed {
			t.Error("a full disk takes 100 MB")
		}
		if err := server.Free(); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		for meter() != nil { // PostgreSQL may have to come up again
			if time.Since(begun) > 20*time.Second {
				t.Fatal("there is room again, and it is not used")
			}
			time.Sleep(50 * time.Millisecond)
		}
		if err := s.Update(t.Context(), func(tx market.Tx) error { return count(tx, 1) }); err != nil {
			t.Error(err)
		}
	}
	there := map[market.RecordID]bool{}
	if err := s.View(t.Context(), func(tx market.Tx) error {
		list, err := tx.Usage(market.UsageFilter{})
		for _, r := range list {
			there[r.ID] = true
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for id := range kept {
		if !there[id] {
			t.Errorf("record %s was acknowledged, and is not there", id)
		}
	}
	t.Logf("%d records acknowledged, %d batches refused, %d records there", len(kept), refused, len(there))
}
