package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
)

// step is a change of a store in several parts, which are there all, or none is.
type step struct {
	number int
	err    error // what it was answered
	done   bool  // it was made
}

func (s *step) part(p string) string { return fmt.Sprintf("%d%s", s.number, p) }

// errChanged is what an fn answers who has changed things, and changed its mind.
var errChanged = errors.New("changed its mind")

// make makes the change: in turn as an Update, as a batch of usage, and as an Update that adds usage. Now and then an Update does not want it after all.
func (s *step) make(store *Store) {
	ctx := context.Background()
	usage := []market.UsageRecord{metered(s.part("c")), metered(s.part("d"))}
	settings := func(tx market.Tx) error {
		if err := tx.PutSetting(s.part("a"), strings.Repeat("v", 9000)); err != nil {
			return err
		}
		return tx.PutSetting(s.part("b"), "v")
	}
	switch s.number % 3 {
	case 0:
		s.err = store.Update(ctx, settings)
	case 1:
		s.err = store.AppendUsage(ctx, usage, make([]market.Appended, len(usage)))
	default:
		s.err = store.Update(ctx, func(tx market.Tx) error {
			if err := settings(tx); err != nil {
				return err
			}
			if err := tx.AppendUsage(usage, make([]market.Appended, len(usage))); err != nil || s.number%4 != 1 {
				return err
			}
			return errChanged
		})
	}
	s.done = true
}

// parts are those that it has.
func (s *step) parts() []string {
	return [][]string{{"a", "b"}, {"c", "d"}, {"a", "b", "c", "d"}}[s.number%3]
}

// state is what of the steps is there.
func state(store *Store, steps int) (there map[string]bool, err error) {
	err = store.View(context.Background(), func(tx market.Tx) error {
		there = map[string]bool{}
		for n := range steps {
			s := step{number: n}
			for _, p := range []string{"a", "b"} {
				_, ok, err := tx.Setting(s.part(p))
				if err != nil {
					return err
				}
				there[s.part(p)] = ok
			}
		}
		list, err := tx.Usage(market.UsageFilter{})
		for _, r := range list {
			if there[r.Series.Buyer] {
				return fmt.Errorf("record %s is there twice", r.Series.Buyer)
			}
			there[r.Series.Buyer] = true
		}
		return err
	})
	return there, err
}

// judge says what is wrong with a step in that state.
func (s *step) judge(there map[string]bool) string {
	n := 0
	for _, p := range s.parts() {
		if there[s.part(p)] {
			n++
		}
	}
	switch {
	case n != 0 && n != len(s.parts()):
		return fmt.Sprintf("%d of %d parts of step %d are there (its answer: %v)", n, len(s.parts()), s.number, s.err)
	case n == 0 && s.done && s.err == nil:
		return fmt.Sprintf("step %d was acknowledged, and is lost", s.number)
	case n > 0 && s.err != nil && market.CodeOf(s.err) != market.OutcomeUnsure:
		return fmt.Sprintf("step %d is there, and was refused: %v", s.number, s.err)
	}
	return ""
}

// judgeAll judges steps by what a store shows.
func judgeAll(store *Store, steps []step) (findings []string) {
	there, err := state(store, len(steps))
	if err != nil {
		return []string{err.Error()}
	}
	for i := range steps {
		if text := steps[i].judge(there); text != "" {
			findings = append(findings, text)
		}
	}
	return findings
}

// integrity is what SQLite finds wrong with its own file.
func integrity(store *Store) (result string, err error) {
	err = store.readers.db.QueryRow("PRAGMA integrity_check").Scan(&result)
	return result, err
}

// tune has a store checkpoint after so many pages, and makes its cache too small for what a step touches: so it reads in the middle of a transaction,
// and writes before its end. Either may fail on a disk that does; then the store does without.
func tune(s *Store, checkpoint int) {
	_ = s.writer.conn.run(fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", checkpoint))
	_ = s.writer.conn.run("PRAGMA cache_size = 3")
}

// emptyStore is a store without anything in it, to be copied.
func emptyStore(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "souk.db")
	s, err := Open(context.Background(), Config{Vault: testVault(), Path: path, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// layOut writes a store's files into a directory of their own, by suffix, and answers the path of the store.
func layOut(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for suffix, b := range files {
		if err := os.WriteFile(filepath.Join(dir, "souk.db"+suffix), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "souk.db")
}
