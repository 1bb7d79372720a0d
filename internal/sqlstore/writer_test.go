package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/souk-market/souk/internal/market"
)

var errMade = errors.New("an error that fn made")

// hold occupies the writer until the function that it answers is called, which waits for the Update's outcome.
func hold(t *testing.T, s *Store, fn func(market.Tx) error) (release func() error) {
	t.Helper()
	begun, goOn, out := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		out <- s.Update(context.Background(), func(tx market.Tx) error {
			select {
			case <-begun: // it runs again
			default:
				close(begun)
				<-goOn
			}
			return fn(tx)
		})
	}()
	<-begun
	return func() error {
		close(goOn)
		return <-out
	}
}

// queue sends an Update behind those that wait, and answers where its outcome comes.
func queue(t *testing.T, s *Store, ctx context.Context, fn func(market.Tx) error) <-chan error {
	t.Helper()
	before := len(s.writer.queue)
	out := make(chan error, 1)
	go func() { out <- s.Update(ctx, fn) }()
	for len(s.writer.queue) == before {
		time.Sleep(time.Millisecond)
	}
	return out
}

func nothing(market.Tx) error { return nil }

func TestAllThatWaitShareOneCommit(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, nothing)
		var waiting []<-chan error
		for i := range 20 {
			waiting = append(waiting, queue(t, s, t.Context(), func(tx market.Tx) error { return tx.PutSetting(fmt.Sprint(i), "v") }))
		}
		// The last of the group looks whether the first has been answered, which would be before the commit.
		looked := queue(t, s, t.Context(), func(tx market.Tx) error {
			time.Sleep(5 * time.Millisecond)
			select {
			case err := <-waiting[0]:
				t.Errorf("an Update was answered (%v) before its group was committed", err)
			default:
			}
			_, ok, err := tx.Setting("0")
			if !ok {
				t.Error("the last of the group does not see the first")
			}
			return err
		})
		if err := release(); err != nil {
			t.Error(err)
		}
		for _, out := range append(waiting, looked) {
			if err := <-out; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAnUpdateThatIsCancelledInTheQueueDoesNotRun(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, func(tx market.Tx) error { return tx.PutSetting("held", "v") })
		ctx, cancel := context.WithCancel(t.Context())
		var ran atomic.Bool
		out := queue(t, s, ctx, func(tx market.Tx) error {
			ran.Store(true)
			return tx.PutSetting("cancelled", "v")
		})
		next := queue(t, s, t.Context(), func(tx market.Tx) error { return tx.PutSetting("next", "v") })
		cancel()
		if err := <-out; err != context.Canceled { // while the writer is still held
			t.Errorf("Update: %v", err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
		if err := <-next; err != nil {
			t.Error(err)
		}
		if got := [3]string{setting(t, s, "held"), setting(t, s, "cancelled"), setting(t, s, "next")}; got != [3]string{"v", "absent", "v"} || ran.Load() {
			t.Errorf("settings %q, ran: %v", got, ran.Load())
		}
	})
}

func TestAnUpdateThatIsCancelledDuringTheCommitIsUnsure(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, nothing)
		ctx, cancel := context.WithCancel(t.Context())
		out := queue(t, s, ctx, func(tx market.Tx) error { return tx.PutSetting("s", "v") })
		// This one comes after it in the group and keeps the commit from happening.
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
			t.Errorf("Update: %v", err)
		}
		close(goOn)
		if err := errors.Join(<-blocking, <-released); err != nil {
			t.Error(err)
		}
		if v := setting(t, s, "s"); v != "v" {
			t.Errorf("setting is %q", v)
		}
	})
}

// SQLite undoes a whole transaction when the disk is full. The statement itself does it here.
func TestAGroupThatSQLiteUndidRunsAgainWithoutTheOneAtFault(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		var runs [3]int
		release := hold(t, s, func(tx market.Tx) error {
			runs[0]++
			return tx.PutSetting("first", "v")
		})
		fault := queue(t, s, t.Context(), func(mtx market.Tx) error {
			runs[1]++
			if err := mtx.PutSetting("fault", "v"); err != nil {
				return err
			}
			return errors.Join(mtx.(*tx).conn.run("ROLLBACK"), errMade)
		})
		refused := queue(t, s, t.Context(), func(tx market.Tx) error {
			runs[2]++
			return errMade
		})
		if err := release(); err != nil {
			t.Errorf("the one before it: %v", err)
		}
		if err := <-fault; !errors.Is(err, errMade) {
			t.Errorf("the one at fault: %v", err)
		}
		if err := <-refused; err != errMade {
			t.Errorf("the one after it: %v", err)
		}
		if runs != [3]int{2, 1, 1} {
			t.Errorf("runs: %v", runs)
		}
		if a, b := setting(t, s, "first"), setting(t, s, "fault"); a != "v" || b != "absent" {
			t.Errorf("settings: %q, %q", a, b)
		}
	})
}

func TestAFullDiskUndoesOnlyWhatDidNotFit(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		put(t, s, "before", "v")
		release := hold(t, s, func(mtx market.Tx) error {
			return mtx.(*tx).conn.run("PRAGMA max_page_count = 1") // is then the pages there are
		})
		huge := strings.Repeat("x", 1500)
		big := queue(t, s, t.Context(), func(tx market.Tx) error {
			for i := range 5000 {
				if err := tx.PutSetting(fmt.Sprint("big ", i), huge); err != nil {
					return err
				}
			}
			return nil
		})
		small := queue(t, s, t.Context(), func(tx market.Tx) error { return tx.PutSetting("small", "v") })
		if err := release(); err != nil {
			t.Error(err)
		}
		if err := <-big; err == nil {
			t.Error("the big one fitted")
		}
		if err := <-small; err != nil {
			t.Errorf("the small one: %v", err)
		}
		if got := [3]string{setting(t, s, "before"), setting(t, s, "small"), setting(t, s, "big 0")}; got != [3]string{"v", "v", "absent"} {
			t.Errorf("settings: %q", got)
		}
	})
}

func TestACommitThatFailsIsUnsureForAllThatWrote(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		// A deferred foreign key is the one check that SQLite makes at COMMIT; it has to be on before the transaction.
		if err := s.writer.conn.run("PRAGMA foreign_keys = ON"); err != nil {
			t.Fatal(err)
		}
		release := hold(t, s, func(tx market.Tx) error { return tx.PutSetting("first", "v") })
		refused := queue(t, s, t.Context(), func(market.Tx) error { return errMade })
		breaks := queue(t, s, t.Context(), func(mtx market.Tx) error {
			c := mtx.(*tx).conn
			return errors.Join(
				c.run("CREATE TABLE parent (id INTEGER PRIMARY KEY)"),
				c.run("CREATE TABLE child (parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"),
				c.run("INSERT INTO child VALUES (1)"),
			)
		})
		if err := release(); market.CodeOf(err) != market.OutcomeUnsure {
			t.Errorf("one that wrote: %v", err)
		}
		if err := <-breaks; market.CodeOf(err) != market.OutcomeUnsure {
			t.Errorf("the one that broke it: %v", err)
		}
		if err := <-refused; err == nil || errors.Is(err, errMade) || market.CodeOf(err) != "" {
			t.Errorf("one that read what was never committed: %v", err)
		}
		if v := setting(t, s, "first"); v != "absent" {
			t.Errorf("setting is %q", v)
		}
		put(t, s, "next", "v") // and it goes on
	})
}

func TestCloseDrainsTheQueue(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		release := hold(t, s, nothing)
		var waiting []<-chan error
		for range 2 * maxGroup / 3 {
			waiting = append(waiting, queue(t, s, t.Context(), func(tx market.Tx) error { return tx.PutSetting("s", "v") }))
		}
		closed := make(chan error)
		go func() { closed <- s.Close() }()
		cancelled, cancel := context.WithCancel(t.Context()) // so that the View does not wait in the queue
		cancel()
		for err := error(nil); market.CodeOf(err) != market.Unavailable; { // until Close has begun
			err = s.View(cancelled, nothing)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
		for _, out := range waiting {
			if err := <-out; err != nil {
				t.Error(err)
			}
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails when a goroutine of the bubble is left
		for _, path := range []string{"", filepath.Join(t.TempDir(), "souk.db")} {
			s, err := Open(t.Context(), Config{Vault: testVault(), Path: path, Create: true})
			if err != nil {
				t.Fatal(err)
			}
			put(t, s, "s", "v")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestMoreViewsAtOnceThanThereAreReaders(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "souk.db"))
	put(t, s, "s", "v")
	var wg sync.WaitGroup
	for range 10 * cap(s.readers.idle) {
		wg.Go(func() {
			defer func() { recover() }()
			for i := range 5 {
				s.View(t.Context(), func(tx market.Tx) error {
					if _, ok, err := tx.Setting("s"); !ok || err != nil {
						t.Errorf("setting: %v, %v", ok, err)
					}
					if i == 4 {
						panic("the reader must come back from this")
					}
					return nil
				})
			}
		})
	}
	wg.Wait()
	if n := len(s.readers.idle) + len(s.readers.slots); n != cap(s.readers.idle) {
		t.Errorf("%d of %d readers came back", n, cap(s.readers.idle))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var taken []*conn
	for range cap(s.readers.idle) {
		c, err := s.readers.take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, c)
	}
	if err := s.View(ctx, nothing); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("View without a reader: %v", err)
	}
	for _, c := range taken {
		s.readers.idle <- c
	}
}
