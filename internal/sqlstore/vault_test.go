package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/vault"
)

// kept is what a store keeps secrets of.
type kept struct {
	Access  []account.AccessKey
	Token   []keyring.Key
	Signing []market.SigningKey
}

// someSecrets are two of each kind. Every secret begins with "hush", so that it is easily found.
func someSecrets() kept {
	return kept{
		Access:  []account.AccessKey{{ID: "AKIA1", Secret: "hush access 1", Account: "1"}, {ID: "AKIA2", Secret: "hush access 2", Account: "2"}},
		Token:   []keyring.Key{{ID: keyring.ID{1}, Secret: [32]byte([]byte("hush token 1, of 32 bytes in all"))}, {ID: keyring.ID{2}, Secret: [32]byte([]byte("hush token 2, of 32 bytes in all"))}},
		Signing: []market.SigningKey{{Version: 1, Private: []byte("hush signing 1")}, {Version: 2, Private: []byte("hush signing 2")}},
	}
}

func (k *kept) putInto(t testing.TB, s market.Store) {
	t.Helper()
	err := s.Update(context.Background(), func(tx market.Tx) (err error) {
		for _, key := range k.Access {
			err = errors.Join(err, tx.PutAccessKey(key))
		}
		for _, key := range k.Token {
			err = errors.Join(err, tx.PutTokenKey(key))
		}
		for _, key := range k.Signing {
			err = errors.Join(err, tx.PutSigningKey(key))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keptIn reads a store's secrets, and answers one error a kind.
func keptIn(t testing.TB, s market.Store) (k kept, errs [3]error) {
	t.Helper()
	for i, read := range []func(market.Tx) error{
		func(tx market.Tx) error {
			d, err := tx.Directory()
			k.Access = d.Keys
			return err
		},
		func(tx market.Tx) (err error) { k.Token, err = tx.TokenKeys(); return err },
		func(tx market.Tx) (err error) { k.Signing, err = tx.SigningKeys(); return err },
	} {
		errs[i] = s.View(context.Background(), read)
	}
	return k, errs
}

func (k *kept) mustBeIn(t testing.TB, s market.Store) {
	t.Helper()
	got, errs := keptIn(t, s)
	if errs != [3]error{} {
		t.Fatal(errs)
	}
	if diff := cmp.Diff(*k, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

// database is a store with a way around it.
type database struct {
	market.Store
	raw    func(query string, args ...any) *sql.Rows
	reopen func(v *vault.Vault) (market.Store, error) // closes it first
}

func (d *database) change(query string, args ...any) { d.raw(query, args...).Close() }

// everywhere runs a test on a file and on PostgreSQL.
func everywhere(t *testing.T, test func(t *testing.T, d *database)) {
	rawOf := func(t *testing.T, db func() *sql.DB) func(string, ...any) *sql.Rows {
		return func(query string, args ...any) *sql.Rows {
			t.Helper()
			rows, err := db().QueryContext(context.Background(), query, args...)
			if err != nil {
				t.Fatal(err)
			}
			for !strings.HasPrefix(query, "SELECT") && rows.Next() { // SQLite runs a statement row by row
			}
			return rows
		}
	}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		s := open(t, filepath.Join(t.TempDir(), "souk.db"))
		path := pathOf(t, s)
		db, err := sql.Open("sqlite", dsn(path, "_busy_timeout=5000"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		db.SetMaxIdleConns(0) // a connection that stays would be in the way of what wants the file for itself
		test(t, &database{s, rawOf(t, func() *sql.DB { return db }), func(v *vault.Vault) (market.Store, error) {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), Config{Path: path, Vault: v})
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { s.Close() })
			return s, nil
		}})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := emptyDatabase(t)
		s := openPostgres(t, url)
		test(t, &database{s, rawOf(t, func() *sql.DB { return s.conns.db }), func(v *vault.Vault) (market.Store, error) {
			next, err := OpenPostgres(t.Context(), PostgresConfig{URL: url, Vault: v})
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { next.Close() })
			return next, nil
		}})
	})
}

// dump is all that stands in all tables.
func (d *database) dump(t *testing.T) []byte {
	t.Helper()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if _, ok := d.Store.(*Postgres); ok {
		tables = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
	}
	var names []string
	rows := d.raw(tables)
	for rows.Next() {
		names = append(names, "")
		if err := rows.Scan(&names[len(names)-1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, name := range names {
		rows := d.raw(`SELECT * FROM ` + name)
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(to...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s: %s\n", name, values)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// exposed is the first of the words that stands somewhere in b, in one form or another; "" if none does.
func exposed(b []byte, words ...string) string {
	for _, w := range words {
		inBase64 := base64.StdEncoding.EncodeToString([]byte(w))
		for _, form := range []string{w, hex.EncodeToString([]byte(w)), fmt.Sprintf("%X", w), inBase64[:len(w)*4/3/4*4]} {
			if bytes.Contains(b, []byte(form)) {
				return form
			}
		}
	}
	return ""
}

func TestNoSecretStandsInATable(t *testing.T) {
	everywhere(t, func(t *testing.T, d *database) {
		secrets := someSecrets()
		secrets.putInto(t, d)
		secrets.mustBeIn(t, d)
		dump := d.dump(t)
		if exposed(dump, "AKIA1") == "" || exposed(dump, "proof") == "" {
			t.Fatalf("that is no dump:\n%s", dump)
		}
		if found := exposed(dump, "hush"); found != "" {
			t.Errorf("%q stands in\n%s", found, dump)
		}
		again, err := d.reopen(testVault())
		if err != nil {
			t.Fatal(err)
		}
		secrets.mustBeIn(t, again)
	})
}

// meddled is a way to change a secret behind the store's back, and the row that cannot be read afterwards.
type meddled struct {
	query string
	args  []any
	row   string
	kind  int // of keptIn's errors
	want  error
}

func TestASecretThatSomebodyChangedDoesNotOpen(t *testing.T) {
	everywhere(t, func(t *testing.T, d *database) {
		secrets := someSecrets()
		secrets.putInto(t, d)
		sealed := map[string][]byte{}
		for _, c := range sealedColumns() {
			rows := d.raw(`SELECT ` + c.key + `, ` + c.column + ` FROM ` + c.table)
			for rows.Next() {
				var key any
				var value []byte
				if err := rows.Scan(&key, &value); err != nil {
					t.Fatal(err)
				}
				sealed[c.of(key)] = value
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				t.Fatal(err)
			}
		}
		const access, token, signing = "access_key.secret/AKIA1", "token_key.secret/01000000", "signing_key.private/1"
		setAccess := `UPDATE access_key SET secret = $1 WHERE id = 'AKIA1'`
		setToken := `UPDATE token_key SET secret = $1 WHERE created_at IS NULL AND id < $2`
		setSigning := `UPDATE signing_key SET private = $1 WHERE version = 1`
		second := []byte{2}
		altered := func(place string) []byte {
			b := bytes.Clone(sealed[place])
			if len(b) == 0 {
				t.Fatalf("there is no %s among %d", place, len(sealed))
			}
			b[len(b)-1] ^= 1
			return b
		}
		foreign := vault.New(vault.Key{9})
		for name, m := range map[string]meddled{
			"access, altered":            {setAccess, []any{altered(access)}, access, 0, vault.ErrAltered},
			"access, of another row":     {setAccess, []any{sealed["access_key.secret/AKIA2"]}, access, 0, vault.ErrAltered},
			"access, of another table":   {setAccess, []any{sealed[signing]}, access, 0, vault.ErrAltered},
			"access, in clear":           {setAccess, []any{[]byte("my own secret, which I know")}, access, 0, vault.ErrClear},
			"access, under another key":  {setAccess, []any{foreign.Seal(access, []byte("x"))}, access, 0, vault.ErrKey},
			"token, altered":             {setToken, []any{altered(token), second}, token, 1, vault.ErrAltered},
			"token, of another row":      {setToken, []any{sealed["token_key.secret/02000000"], second}, token, 1, vault.ErrAltered},
			"token, in clear":            {setToken, []any{make([]byte, 32), second}, token, 1, vault.ErrClear},
			"token, under another key":   {setToken, []any{foreign.Seal(token, make([]byte, 32)), second}, token, 1, vault.ErrKey},
			"signing, altered":           {setSigning, []any{altered(signing)}, signing, 2, vault.ErrAltered},
			"signing, of another row":    {setSigning, []any{sealed["signing_key.private/2"]}, signing, 2, vault.ErrAltered},
			"signing, in clear":          {setSigning, []any{[]byte("0\x82 a key in DER")}, signing, 2, vault.ErrClear},
			"signing, under another key": {setSigning, []any{foreign.Seal(signing, []byte("x"))}, signing, 2, vault.ErrKey},
		} {
			d.change(m.query, m.args...)
			_, errs := keptIn(t, d)
			for kind, err := range errs {
				if kind != m.kind && err != nil {
					t.Errorf("%s: and %v", name, err)
				}
			}
			if err := errs[m.kind]; !errors.Is(err, m.want) || !strings.Contains(err.Error(), " "+m.row+": ") {
				t.Errorf("%s: %v; want %v, and %s", name, err, m.want, m.row)
			}
			secrets.putInto(t, d) // put replaces what nobody can open
			secrets.mustBeIn(t, d)
		}
	})
}

func TestAnotherKeyIsRefusedAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, d *database) {
		secrets := someSecrets()
		secrets.putInto(t, d)
		before := d.dump(t)
		if _, err := d.reopen(vault.New(vault.Key{9})); !errors.Is(err, ErrWrongKey) {
			t.Errorf("under another key: %v", err)
		}
		if _, err := d.reopen(nil); !errors.Is(err, errNoVault) {
			t.Errorf("without a key: %v", err)
		}
		if after := d.dump(t); !bytes.Equal(before, after) {
			t.Errorf("the store was changed:\n%s\nis now\n%s", before, after)
		}
		again, err := d.reopen(testVault())
		if err != nil {
			t.Fatal(err)
		}
		secrets.mustBeIn(t, again)
	})
}

// A new store, empty as it is, belongs to the key that it was made under.
func TestANewStoreHasItsKeyFromTheStart(t *testing.T) {
	everywhere(t, func(t *testing.T, d *database) {
		if _, err := d.reopen(vault.New(vault.Key{9})); !errors.Is(err, ErrWrongKey) {
			t.Errorf("under another key: %v", err)
		}
	})
}

func TestWithoutAKeyNothingIsMade(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made")
	if _, err := Open(t.Context(), Config{Path: filepath.Join(dir, "souk.db"), Create: true}); !errors.Is(err, errNoVault) {
		t.Errorf("Open: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made")
	}
	for range 2 { // in memory each has a key of its own
		s, err := Open(t.Context(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		secrets := someSecrets()
		secrets.putInto(t, s)
		secrets.mustBeIn(t, s)
	}
}

// Sealed once more, the secrets of a store whose proof was lost would be lost themselves.
func TestAStoreWithoutProofIsLeftAsItIs(t *testing.T) {
	everywhere(t, func(t *testing.T, d *database) {
		secrets := someSecrets()
		secrets.putInto(t, d)
		var proof []byte
		rows := d.raw(`SELECT sealed FROM vault`)
		for rows.Next() {
			if err := rows.Scan(&proof); err != nil {
				t.Fatal(err)
			}
		}
		rows.Close()
		d.change(`DELETE FROM vault`)
		before := d.dump(t)
		for _, v := range []*vault.Vault{testVault(), vault.New(vault.Key{9})} {
			if _, err := d.reopen(v); !errors.Is(err, errNoProof) {
				t.Errorf("without proof: %v", err)
			}
		}
		if after := d.dump(t); !bytes.Equal(before, after) {
			t.Errorf("the store was changed:\n%s\nis now\n%s", before, after)
		}
		d.change(`INSERT INTO vault VALUES ('proof', $1)`, append(bytes.Clone(proof), 0))
		if _, err := d.reopen(testVault()); !errors.Is(err, vault.ErrAltered) {
			t.Errorf("with a proof that was altered: %v", err)
		}
		d.change(`UPDATE vault SET sealed = $1`, proof)
		again, err := d.reopen(testVault())
		if err != nil {
			t.Fatal(err)
		}
		secrets.mustBeIn(t, again)
	})
}

// Who has lost the key can go on without the secrets, as docs/operate.md says.
func TestAStoreWhoseKeyIsLostGoesOnUnderAnother(t *testing.T) {
	everywhere(t, func(t *testing.T, d *database) {
		secrets := someSecrets()
		secrets.putInto(t, d)
		if err := d.Update(t.Context(), func(tx market.Tx) error { return tx.PutSetting("s", "v") }); err != nil {
			t.Fatal(err)
		}
		for _, c := range sealedColumns() {
			d.change(`DELETE FROM ` + c.table)
		}
		d.change(`DELETE FROM vault`)
		again, err := d.reopen(vault.New(vault.Key{9}))
		if err != nil {
			t.Fatal(err)
		}
		(&kept{}).mustBeIn(t, again)
		secrets.putInto(t, again)
		secrets.mustBeIn(t, again)
		err = again.View(t.Context(), func(tx market.Tx) error {
			if v, ok, err := tx.Setting("s"); v != "v" || !ok {
				t.Errorf("setting is %q, %v, %v", v, ok, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A secret that is refused is not repeated.
func TestTheTextOfASecretStandsInNoError(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		for _, bad := range []string{"hush\xff", "hush\x00"} {
			err := s.Update(t.Context(), func(tx market.Tx) error { return tx.PutAccessKey(account.AccessKey{ID: "k", Secret: bad}) })
			if err == nil || strings.Contains(err.Error(), "hush") {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}
