package sqlstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/market/storetest"
)

// What is backed up while the store is served, and put in place elsewhere, is the store.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a?b", "souk.db") // no URL by itself
	s := open(t, path)
	storetest.Fill(t, s, 2_000)
	want := storetest.Everything(t, s)
	to := filepath.Join(dir, "it's a copy.db")
	if err := Backup(t.Context(), path, to); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("the file: %v, %v", info, err)
	}
	if there, err := os.ReadDir(dir); err != nil || len(there) != 2 {
		t.Errorf("beside the store and its copy there are %v, %v", there, err)
	}
	put(t, s, "after", "the backup") // the store goes on
	if diff := cmp.Diff(want, storetest.Everything(t, restore(t, to))); diff != "" {
		t.Fatalf("restored (-want +got):\n%s", diff)
	}
	before, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), path, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a file that is there: %v", err)
	}
	if after, err := os.ReadFile(to); err != nil || !cmp.Equal(before, after) {
		t.Errorf("the file that was there is another one: %v", err)
	}
}

// restore puts a copy in the place of a store, and opens it.
func restore(t *testing.T, from string) *Store {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "souk.db")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Config{Vault: testVault(), Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A backup under load has each Update whole or not at all, and all that had been answered when it began.
func TestBackupWhileWriting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "souk.db")
	s := open(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	answered, ended := make(chan int64), make(chan struct{})
	go func() {
		defer close(ended)
		for n := int64(1); ; n++ {
			err := s.Update(context.Background(), func(tx market.Tx) error {
				for range 2 { // two events an Update
					if err := tx.AppendEvent(market.Event{AgreementID: "g"}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Errorf("Update: %v", err)
			}
			select {
			case answered <- n * 2:
			case <-ctx.Done():
				return
			default:
			}
		}
	}()
	for i := range 5 {
		least := <-answered
		to := filepath.Join(t.TempDir(), "copy.db")
		if err := Backup(t.Context(), path, to); err != nil {
			t.Fatal(err)
		}
		var v market.Versions
		if err := restore(t, to).View(t.Context(), func(tx market.Tx) (err error) {
			v, err = tx.Versions()
			return err
		}); err != nil || v.Event < least || v.Event%2 != 0 {
			t.Errorf("copy %d has %d events, at least %d had been answered; %v", i, v.Event, least, err)
		}
	}
	cancel()
	<-ended
}

// After a failure, and after a ctx that ended, there is no file.
func TestBackupThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "store", "souk.db")
	storetest.Fill(t, open(t, path), 100)
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	strange := filepath.Join(dir, "strange.db")
	if err := os.WriteFile(strange, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		path string
		want error
	}{
		"no store":           {t.Context(), filepath.Join(dir, "none.db"), ErrNotInitialized},
		"an empty file":      {t.Context(), empty, ErrNotInitialized},
		"a file of no store": {t.Context(), strange, nil},
		"too late":           {late, path, context.DeadlineExceeded},
	} {
		err := Backup(tt.ctx, tt.path, filepath.Join(out, "copy.db"))
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}
