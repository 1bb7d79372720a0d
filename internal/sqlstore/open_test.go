package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/market"
)

func TestOpenRefusesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing", "souk.db")
	if _, err := Open(t.Context(), Config{Vault: testVault(), Path: missing}); !errors.Is(err, ErrNotInitialized) {
		t.Errorf("no file: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(missing)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was made all the same: %v", err)
	}

	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Vault: testVault(), Path: empty}); !errors.Is(err, ErrNotInitialized) {
		t.Errorf("an empty file: %v", err)
	}
	s := open(t, empty) // with Create it becomes a store like any other
	put(t, s, "s", "v")
	if size := pragma(t, s.writer.conn, "page_size"); size != "16384" {
		t.Errorf("its pages have %s bytes", size)
	}

	other := filepath.Join(dir, "other.db")
	if err := os.WriteFile(other, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Vault: testVault(), Path: other, Create: true}); err == nil {
		t.Error("a file of something else was opened")
	}
	if b, err := os.ReadFile(other); err != nil || !strings.HasPrefix(string(b), "not a database") {
		t.Errorf("the file of something else was changed: %.20q, %v", b, err)
	}
}

func TestCreationThatWasCutShortIsBegunAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "souk.db")
	if err := os.WriteFile(path+".new", []byte("half a store"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := Open(t.Context(), Config{Vault: testVault(), Path: path, Create: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put(t, s, "s", "v")
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half store is still there: %v", err)
	}
	if n := strings.Count(log.String(), "store migrated"); n != 1 {
		t.Errorf("log: %s", &log)
	}
}

func TestASecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "souk.db")
	first := open(t, path)
	put(t, first, "s", "v")
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Logf("no symbolic links here: %v", err)
		link = path
	}
	for _, name := range []string{path, link, filepath.Join(dir, "..", filepath.Base(dir), "souk.db")} {
		for _, create := range []bool{false, true} {
			if _, err := Open(t.Context(), Config{Vault: testVault(), Path: name, Create: create}); !errors.Is(err, ErrLocked) {
				t.Errorf("%s, create %v: %v", name, create, err)
			}
		}
	}
	put(t, first, "s", "w") // it is none the worse
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if v := setting(t, open(t, link), "s"); v != "w" {
		t.Errorf("setting is %q", v)
	}
}

func TestFilesAreForNobodyElse(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes are not permissions there")
	}
	dir := filepath.Join(t.TempDir(), "some", "where")
	s := open(t, filepath.Join(dir, "souk.db"))
	put(t, s, "s", "v")
	seen := 0
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
		seen++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 6 { // two directories, souk.db, -wal, -shm, .lock
		t.Errorf("%d files and directories", seen)
	}
}

func TestPathsMayHaveAnyCharacters(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("they may not there")
	}
	dir := t.TempDir()
	for _, name := range []string{"a b.db", "50%.db", "%41.db", "what?.db", "a#b.db", "a&mode=memory.db", "ü.db", `back\slash.db`} {
		path := filepath.Join(dir, name)
		s := open(t, path)
		put(t, s, "s", name)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if v := setting(t, open(t, path), "s"); v != name {
			t.Errorf("%s: setting is %q", name, v)
		}
	}
}

func TestANewerSchemaIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "souk.db")
	s := open(t, path)
	put(t, s, "s", "v")
	raise := func(s *Store, to string) {
		if err := s.writer.conn.run(`UPDATE goose_db_version SET version_id = ` + to + ` WHERE id = (SELECT max(id) FROM goose_db_version)`); err != nil {
			t.Fatal(err)
		}
	}
	raise(s, "999")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, create := range []bool{false, true} {
		_, err := Open(t.Context(), Config{Vault: testVault(), Path: path, Create: create})
		if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "999") {
			t.Errorf("create %v: %v", create, err)
		}
	}
}

func pragma(t *testing.T, c *conn, name string) (v string) {
	t.Helper()
	st, err := c.prepared("PRAGMA " + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.QueryRow().Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestConnectionsAreSetUpAsMeant(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "souk.db"))
	reader, err := s.readers.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.readers.idle <- reader }()
	for _, tt := range []struct {
		conn       *conn
		name, want string
	}{
		{s.writer.conn, "journal_mode", "wal"},
		{s.writer.conn, "synchronous", "2"}, // FULL
		{s.writer.conn, "page_size", "16384"},
		{s.writer.conn, "wal_autocheckpoint", "4000"},
		{s.writer.conn, "busy_timeout", "5000"},
		{s.writer.conn, "foreign_keys", "0"},
		{s.writer.conn, "integrity_check", "ok"},
		{reader, "query_only", "1"},
		{reader, "busy_timeout", "5000"},
	} {
		if got := pragma(t, tt.conn, tt.name); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAgreementsAreListedByIndex(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	for where, index := range map[string]string{
		"":                                 "agreement_accepted",
		"WHERE (accepted_at, id) > (1,'')": "agreement_accepted",
		"WHERE buyer = 'b'":                "agreement_buyer",
		"WHERE product_code = 'p'":         "agreement_product",
		"WHERE product_code = 'p' AND buyer = 'b' AND (accepted_at, id) > (1,'')": "agreement_product_buyer",
	} {
		err := s.View(t.Context(), func(mtx market.Tx) error {
			rows, err := list(mtx.(*tx), "explain", "EXPLAIN QUERY PLAN "+selectAgreements+" "+where+" ORDER BY accepted_at NULLS FIRST, id LIMIT 10",
				func(r *[4]string) []any { return []any{&r[0], &r[1], &r[2], &r[3]} })
			if err != nil {
				return err
			}
			if len(rows) != 1 || !strings.Contains(rows[0][3], "USING INDEX "+index+" ") && !strings.HasSuffix(rows[0][3], "USING INDEX "+index) {
				t.Errorf("%q: %q", where, rows)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestACancelledOpenLeavesNoLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "souk.db")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Config{Vault: testVault(), Path: path, Create: true}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Open: %v", err)
	}
	put(t, open(t, path), "s", "v")
}
