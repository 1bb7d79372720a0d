package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

// clearStore makes a store of the schema before there were vaults, as a long life and a crash leave it: of several pages, with rows that were replaced, and a log
// that was not written back. "hush" begins every secret that it has and had.
func clearStore(t *testing.T) (path string, secrets kept) {
	t.Helper()
	made := storeOf(t, 2, "")
	db, err := sql.Open("sqlite", dsn(made, "_journal_mode=WAL&_pragma=wal_autocheckpoint(0)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	dice := rand.New(rand.NewPCG(1, 2))
	order := dice.Perm(600)
	for round, word := range []string{"hush old", "hush"} {
		for _, i := range order {
			id := fmt.Sprintf("AKIA%04d", i)
			exec(`INSERT INTO access_key VALUES ($1, $2, 'a', 'u', 0, '', $3, NULL) ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, note = excluded.note`,
				id, fmt.Sprintf("%s access %04d", word, i), strings.Repeat("n", dice.IntN(100)))
			if i < 100 {
				exec(`INSERT INTO token_key VALUES ($1, $2, 0, NULL) ON CONFLICT (id) DO UPDATE SET secret = excluded.secret`,
					[]byte{0, 0, 0, byte(i)}, fmt.Appendf(nil, "%-32s", fmt.Sprintf("%s token %04d", word, i)))
			}
			if i > 0 && i < 60 {
				exec(`INSERT INTO signing_key VALUES ($1, $2, NULL) ON CONFLICT (version) DO UPDATE SET private = excluded.private`,
					i, fmt.Appendf(nil, "%s signing %04d%s", word, i, strings.Repeat("\x01", dice.IntN(1500))))
			}
		}
		if round == 0 {
			exec("PRAGMA wal_checkpoint(TRUNCATE)") // the file has the old ones, the log the new ones
		}
	}
	for i := range 600 {
		secrets.Access = append(secrets.Access, account.AccessKey{ID: fmt.Sprintf("AKIA%04d", i), Secret: fmt.Sprintf("hush access %04d", i), Account: "a", User: "u"})
	}
	rows, err := db.QueryContext(t.Context(), `SELECT note FROM access_key ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; rows.Next(); i++ {
		if err := rows.Scan(&secrets.Access[i].Note); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		secrets.Token = append(secrets.Token, keyring.Key{ID: keyring.ID{3: byte(i)}, Secret: [32]byte(fmt.Appendf(nil, "%-32s", fmt.Sprintf("hush token %04d", i)))})
	}
	rows, err = db.QueryContext(t.Context(), `SELECT version, private FROM signing_key ORDER BY version`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var k market.SigningKey
		if err := rows.Scan(&k.Version, &k.Private); err != nil {
			t.Fatal(err)
		}
		secrets.Signing = append(secrets.Signing, k)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	return copyStore(t, made), secrets // before Close writes the log back
}

// copyStore copies a store's files to another directory, as a crash would leave them at this moment.
func copyStore(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "souk.db")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		b, err := os.ReadFile(path + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(to+suffix, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// everyFile is the files of a store's directory, by name.
func everyFile(t *testing.T, path string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(path), f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name()] = b
	}
	return files
}

func mustNotBeIn(t *testing.T, when, path string, words ...string) {
	t.Helper()
	for name, b := range everyFile(t, path) {
		if found := exposed(b, words...); found != "" {
			t.Errorf("%s: %q stands in %s, %d times", when, found, name, bytes.Count(b, []byte(found)))
		}
	}
}

func TestAStoreFromBeforeIsSealedWhole(t *testing.T) {
	t.Parallel()
	path, secrets := clearStore(t)
	for name, b := range everyFile(t, path) { // there is something to be found, in the file and in the log
		if n := bytes.Count(b, []byte("hush")); n < 700 {
			t.Fatalf("%s has %d secrets in clear", name, n)
		}
	}
	if n := len(everyFile(t, path)); n != 2 {
		t.Fatalf("%d files", n)
	}
	var log bytes.Buffer
	s, err := Open(t.Context(), Config{Path: path, Vault: testVault(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	mustNotBeIn(t, "opened", path, "hush")
	secrets.mustBeIn(t, s)
	if mode := pragma(t, s.writer.conn, "journal_mode"); mode != "wal" {
		t.Errorf("the journal's mode is %s", mode)
	}
	if check := pragma(t, s.writer.conn, "integrity_check"); check != "ok" {
		t.Error(check)
	}
	if !strings.Contains(log.String(), `msg="secrets sealed" secrets=759 key=`+testVault().ID()) {
		t.Errorf("log: %s", &log)
	}
	secrets.putInto(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustNotBeIn(t, "closed", path, "hush")
	if _, err := Open(t.Context(), Config{Path: path, Vault: vault.New(vault.Key{9})}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("under another key: %v", err)
	}
	secrets.mustBeIn(t, open(t, path))
}

// However far sealing gets: what is left is a store that is all in clear, and is sealed when it is opened again; or one that is all sealed.
func TestSealingThatIsCutShort(t *testing.T) {
	t.Parallel()
	from, secrets := clearStore(t)
	stop := errors.New("that is far enough")
	for steps := range 4 {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			path := copyStore(t, from)
			db, err := sql.Open("sqlite", dsn(path, writerOptions))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			if err := (&Store{log: slog.New(slog.DiscardHandler)}).migrate(t.Context(), db, false); err != nil {
				t.Fatal(err)
			}
			c, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := journal(t.Context(), c, "DELETE"); err != nil {
				t.Fatal(err)
			}
			cut := ""
			s := sealing{
				claim: `INSERT INTO vault (name, sealed) VALUES ('proof', $1)`, next: testVault(),
				open: func(_ string, value []byte) ([]byte, error) { return value, nil },
			}
			after := func(ctx context.Context, tx *sql.Tx, column sealedColumn) error {
				if column == sealedColumns()[min(steps, 2)] {
					if _, err := tx.ExecContext(ctx, "PRAGMA cache_spill = 1"); err != nil { // some pages go to the file before the commit
						return err
					}
					if err := rewrite(ctx, tx, column); err != nil {
						return err
					}
					cut = copyStore(t, path)
					if steps < 3 {
						return stop
					}
					return nil
				}
				return rewrite(ctx, tx, column)
			}
			n, err := s.transact(t.Context(), c, nil, after)
			if steps < 3 && (n != 0 || !errors.Is(err, stop)) || steps == 3 && (n != 759 || err != nil) {
				t.Fatalf("%d, %v", n, err)
			}
			for name, path := range map[string]string{"the process goes on": copyStore(t, path), "the process is killed": cut} {
				s, err := Open(t.Context(), Config{Path: path, Vault: testVault()})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				secrets.mustBeIn(t, s)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				mustNotBeIn(t, name, path, "hush")
			}
		})
	}
}

func TestRekey(t *testing.T) {
	t.Parallel()
	path, secrets := clearStore(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Path: path, Vault: testVault()}
	old := fmt.Sprintf("\x81%s", mustHex(t, testVault().ID())) // how every value begins
	if n := bytes.Count(everyFile(t, path)["souk.db"], []byte(old)); n < 760 {
		t.Fatalf("%d values are sealed under the old key", n)
	}
	next := vault.New(vault.Key{7})
	n, err := Rekey(t.Context(), cfg, next)
	if n != 759 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	mustNotBeIn(t, "under another key", path, old)
	if _, err := Rekey(t.Context(), cfg, next); !errors.Is(err, ErrWrongKey) {
		t.Errorf("once more: %v", err)
	}
	if _, err := Open(t.Context(), cfg); !errors.Is(err, ErrWrongKey) {
		t.Errorf("under the old key: %v", err)
	}
	cfg.Vault = next
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	secrets.mustBeIn(t, s)
	if _, err := Rekey(t.Context(), cfg, testVault()); !errors.Is(err, ErrLocked) {
		t.Errorf("while it is open: %v", err)
	}
	// One value that does not open, and all stay as they are.
	if err := s.writer.conn.run(`UPDATE signing_key SET private = x'00' WHERE version = 59`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := Rekey(t.Context(), cfg, testVault()); n != 0 || !errors.Is(err, vault.ErrClear) || !strings.Contains(err.Error(), "signing_key.private/59: ") {
		t.Errorf("with a value that does not open: %d, %v", n, err)
	}
	if s, err = Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, errs := keptIn(t, s); errs[0] != nil || errs[1] != nil || len(got.Access) != 600 || len(got.Token) != 100 {
		t.Errorf("%d and %d keys are left: %v", len(got.Access), len(got.Token), errs)
	}
}

// mustHex is the bytes of an id.
func mustHex(t *testing.T, id string) (b []byte) {
	t.Helper()
	if _, err := fmt.Sscanf(id, "%x", &b); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return b
}
