package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// metered is a usage record of a series of its own.
func metered(name string) market.UsageRecord {
	r := market.UsageRecord{Series: market.Series{ProductCode: "p", Buyer: name, Dimension: "d"}, Timestamp: firstHour, Quantity: 1}
	h := fnv.New128a()
	h.Write([]byte(name))
	h.Sum(r.ID[:0])
	return r
}

// queueUsage sends records behind those that wait, and answers where the outcome comes. The outcomes of the records are there with it.
func queueUsage(t *testing.T, s *Store, ctx context.Context, names ...string) ([]market.Appended, <-chan error) {
	t.Helper()
	batch, out := make([]market.UsageRecord, len(names)), make([]market.Appended, len(names))
	for i := range names {
		batch[i] = metered(names[i])
	}
	before, outcome := len(s.writer.queue), make(chan error, 1)
	go func() { outcome <- s.AppendUsage(ctx, batch, out) }()
	for len(s.writer.queue) == before {
		time.Sleep(time.Millisecond)
	}
	return out, outcome
}

// appendNamed adds records, and says of each whether it was new.
func appendNamed(t testing.TB, s *Store, names ...string) string {
	t.Helper()
	batch, out := make([]market.UsageRecord, len(names)), make([]market.Appended, len(names))
	for i := range names {
		batch[i] = metered(names[i])
	}
	if err := s.AppendUsage(context.Background(), batch, out); err != nil {
		t.Fatal(err)
	}
	return isNew(out)
}

// meteredNames are the buyers of all records, in the order of their positions, and so of their series' first records.
func meteredNames(t testing.TB, s *Store) string {
	t.Helper()
	var names []string
	err := s.View(context.Background(), func(tx market.Tx) error {
		list, err := tx.Usage(market.UsageFilter{})
		for _, r := range list {
			if want := metered(r.Series.Buyer); r.ID != want.ID || r.Series != want.Series {
				t.Errorf("record %+v is in the series %+v", want, r.Series)
			}
			names = append(names, r.Series.Buyer)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, ",")
}

func isNew(out []market.Appended) (s string) {
	for i := range out {
		if out[i].Inserted {
			s += "new "
		} else {
			s += "old "
		}
	}
	return s
}

func TestAppendsAndUpdatesShareACommitInTheOrderOfTheQueue(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, func(tx market.Tx) error {
			return tx.AppendUsage([]market.UsageRecord{metered("a")}, make([]market.Appended, 1))
		})
		first, firstDone := queueUsage(t, s, t.Context(), "a", "b")
		var within [2]market.Appended
		update := queue(t, s, t.Context(), func(tx market.Tx) error {
			return tx.AppendUsage([]market.UsageRecord{metered("b"), metered("c")}, within[:])
		})
		refused := queue(t, s, t.Context(), func(tx market.Tx) error {
			return errors.Join(tx.AppendUsage([]market.UsageRecord{metered("lost"), metered("c")}, make([]market.Appended, 2)), errMade)
		})
		second, secondDone := queueUsage(t, s, t.Context(), "c", "d")
		looked := queue(t, s, t.Context(), func(market.Tx) error {
			time.Sleep(5 * time.Millisecond)
			select {
			case err := <-firstDone:
				t.Errorf("an append was answered (%v) before its group was committed", err)
			default:
			}
			return nil
		})
		if err := errors.Join(release(), <-firstDone, <-update, <-secondDone, <-looked); err != nil {
			t.Error(err)
		}
		if err := <-refused; !errors.Is(err, errMade) {
			t.Error(err)
		}
		if got := [3]string{isNew(first), isNew(within[:]), isNew(second)}; got != [3]string{"old new ", "old new ", "old new "} {
			t.Errorf("outcomes: %q", got)
		}
		if names := meteredNames(t, s); names != "a,b,c,d" {
			t.Errorf("records: %s", names)
		}
		// d has the id that lost had: nobody must remember that.
		if got := appendNamed(t, s, "lost", "d"); got != "new old " {
			t.Errorf("outcomes: %s", got)
		}
		if names := meteredNames(t, s); names != "a,b,c,d,lost" {
			t.Errorf("records: %s", names)
		}
	})
}

func TestAnAppendThatIsCancelledInTheQueueDoesNotRun(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, nothing)
		ctx, cancel := context.WithCancel(t.Context())
		_, out := queueUsage(t, s, ctx, "cancelled")
		_, next := queueUsage(t, s, t.Context(), "next")
		cancel()
		if err := <-out; err != context.Canceled { // while the writer is still held
			t.Errorf("AppendUsage: %v", err)
		}
		if err := errors.Join(release(), <-next); err != nil {
			t.Error(err)
		}
		if names := meteredNames(t, s); names != "next" {
			t.Errorf("records: %s", names)
		}
	})
}

func TestAnAppendThatIsCancelledDuringTheCommitIsUnsure(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, nothing)
		ctx, cancel := context.WithCancel(t.Context())
		_, out := queueUsage(t, s, ctx, "a")
		begun, goOn := make(chan struct{}), make(chan struct{})
		blocking := queue(t, s, t.Context(), func(market.Tx) error {
			close(begun)
			<-goOn
			return nil
		})
		released := make(chan error)
		go func() { released <- release() }()
		<-begun
		cancel()
		if err := <-out; market.CodeOf(err) != market.OutcomeUnsure || !errors.Is(err, context.Canceled) {
			t.Errorf("AppendUsage: %v", err)
		}
		close(goOn)
		if err := errors.Join(<-blocking, <-released); err != nil {
			t.Error(err)
		}
		if names := meteredNames(t, s); names != "a" {
			t.Errorf("records: %s", names)
		}
	})
}

// As TestAGroupThatSQLiteUndidRunsAgainWithoutTheOneAtFault.
func TestAnAppendRunsAgainWhenItsGroupWasUndone(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, nothing)
		first, firstDone := queueUsage(t, s, t.Context(), "a", "a")
		fault := queue(t, s, t.Context(), func(mtx market.Tx) error {
			if err := mtx.AppendUsage([]market.UsageRecord{metered("lost"), metered("b")}, make([]market.Appended, 2)); err != nil {
				return err
			}
			return errors.Join(mtx.(*tx).conn.run("ROLLBACK"), errMade)
		})
		second, secondDone := queueUsage(t, s, t.Context(), "b", "c")
		if err := errors.Join(release(), <-firstDone, <-secondDone); err != nil {
			t.Error(err)
		}
		if err := <-fault; !errors.Is(err, errMade) {
			t.Errorf("the one at fault: %v", err)
		}
		if got := isNew(first) + isNew(second); got != "new old new new " {
			t.Errorf("outcomes: %s", got)
		}
		if sorted := meteredNames(t, s); sorted != "a,b,c" && sorted != "b,c,a" { // which of the two came back first is not said
			t.Errorf("records: %s", sorted)
		}
	})
}

func TestAFullDiskUndoesOnlyTheAppendThatDidNotFit(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		appendNamed(t, s, "before")
		release := hold(t, s, func(mtx market.Tx) error { return mtx.(*tx).conn.run("PRAGMA max_page_count = 1") }) // is then the pages there are
		var names []string
		for i := range 5_000 {
			names = append(names, fmt.Sprint("big ", i))
		}
		_, big := queueUsage(t, s, t.Context(), names...)
		small, smallDone := queueUsage(t, s, t.Context(), "small", "before")
		if err := release(); err != nil {
			t.Error(err)
		}
		if err := <-big; err == nil || market.CodeOf(err) != "" || !strings.HasPrefix(err.Error(), "sqlstore: append usage: ") {
			t.Errorf("the big one: %v", err)
		}
		if err := <-smallDone; err != nil || isNew(small) != "new old " {
			t.Errorf("the small one: %v, %s", err, isNew(small))
		}
		if names := meteredNames(t, s); names != "before,small" {
			t.Errorf("records: %s", names)
		}
	})
}

func TestACommitThatFailsIsUnsureForAppendsThatAdded(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		if err := s.writer.conn.run("PRAGMA foreign_keys = ON"); err != nil { // see TestACommitThatFailsIsUnsureForAllThatWrote
			t.Fatal(err)
		}
		release := hold(t, s, nothing)
		_, added := queueUsage(t, s, t.Context(), "a")
		_, repeated := queueUsage(t, s, t.Context(), "a")
		breaks := queue(t, s, t.Context(), func(mtx market.Tx) error {
			c := mtx.(*tx).conn
			return errors.Join(
				c.run("CREATE TABLE parent (id INTEGER PRIMARY KEY)"),
				c.run("CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"),
				c.run("INSERT INTO child VALUES (1)"),
			)
		})
		release()
		if err := <-added; market.CodeOf(err) != market.OutcomeUnsure {
			t.Errorf("one that added: %v", err)
		}
		if err := <-repeated; err == nil || market.CodeOf(err) != "" {
			t.Errorf("one that was told of what was never committed: %v", err)
		}
		if err := <-breaks; market.CodeOf(err) != market.OutcomeUnsure {
			t.Errorf("the one that broke it: %v", err)
		}
		// The series' id is another's now.
		if got := appendNamed(t, s, "b", "a"); got != "new new " {
			t.Errorf("outcomes: %s", got)
		}
		if names := meteredNames(t, s); names != "b,a" {
			t.Errorf("records: %s", names)
		}
	})
}

func TestAGroupEndsWithManyRecords(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, nothing)
		names := make([]string, maxRows)
		_, many := queueUsage(t, s, t.Context(), names...)
		goOn := make(chan struct{})
		next := queue(t, s, t.Context(), func(market.Tx) error {
			<-goOn
			return nil
		})
		released := make(chan error, 1)
		go func() { released <- release() }()
		select { // while the next one is still at it
		case err := <-many:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("many records wait for who came after them")
		}
		close(goOn)
		if err := errors.Join(<-released, <-next); err != nil {
			t.Error(err)
		}
	})
}

func TestABatchIsTheCallersAgainWhenAppendUsageReturns(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		// The race detector sees who else reads or writes; without it, records that were changed while they were read would show up below.
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				batch, out := make([]market.UsageRecord, 30), make([]market.Appended, 30)
				for round := range 40 {
					for i := range batch {
						batch[i] = metered(fmt.Sprintf("%d.%d.%d", g, round, i))
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(round*g)*10*time.Microsecond)
					err := s.AppendUsage(ctx, batch, out)
					cancel()
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("AppendUsage: %v", err)
					}
					clear(batch)
					clear(out)
				}
			})
		}
		wg.Wait()
		meteredNames(t, s)
	})
}

func TestSeriesThatWereForgottenAreFoundAgain(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		appendNamed(t, s, "a", "b")
		known := s.writer.appender.known
		if known.ids[metered("a").Series] == 0 {
			t.Error("a series is not remembered")
		}
		many := map[market.Series]int64{}
		for i := range maxSeries {
			many[market.Series{Buyer: fmt.Sprint(i)}] = int64(i + 1_000)
		}
		known.add(many)
		if n := len(known.ids); n > maxSeries || known.ids[metered("a").Series] != 0 {
			t.Errorf("%d series are remembered", n)
		}
		if got := appendNamed(t, s, "a", "c", "b"); got != "old new old " {
			t.Errorf("outcomes: %s", got)
		}
		if names := meteredNames(t, s); names != "a,b,c" {
			t.Errorf("records: %s", names)
		}
	})
}

func TestBareUsageLoopDoesTheWholeWork(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/souk.db"
	rate, err := BareUsageLoop(t.Context(), path, 1000, 300, usageOf)
	if err != nil || rate <= 0 {
		t.Fatalf("%f, %v", rate, err)
	}
	want := map[market.Series]bool{}
	for i := range 1000 {
		var r market.UsageRecord
		usageOf(i, &r)
		want[r.Series] = true
	}
	s, err := Open(t.Context(), Config{Path: path, Vault: bareVault()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(tx market.Tx) error {
		n, err := tx.CountUsage(market.UsageFilter{})
		if n != 980 { // every 50th is a repeat
			t.Errorf("%d records", n)
		}
		list, err2 := tx.Usage(market.UsageFilter{})
		for _, r := range list {
			if !want[r.Series] || r.Series.Buyer == "" {
				t.Errorf("a record of %+v", r.Series)
			}
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := BareUsageLoop(t.Context(), path, 10, 0, usageOf); err == nil {
		t.Error("no rows a transaction")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := BareUsageLoop(ctx, t.TempDir()+"/souk.db", 10, 5, usageOf); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
