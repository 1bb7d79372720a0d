package sqlstore

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/souk-market/souk/internal/pgtest"
	"github.com/souk-market/souk/internal/vault"
)

// Of several nodes that open a new database at once, one makes it, and its key holds for all.
func TestNodesThatStartTogetherAgreeOnAKey(t *testing.T) {
	t.Parallel()
	_, url := pgtest.Shared(t).Database(t, "")
	var wg sync.WaitGroup
	var opened [6]*Postgres
	var errs [6]error
	for i := range opened {
		wg.Go(func() {
			opened[i], errs[i] = OpenPostgres(t.Context(), PostgresConfig{URL: url, Create: true, Vault: vault.New(vault.Key{byte(i % 2)})})
		})
	}
	wg.Wait()
	var in [2]int
	for i, s := range opened {
		switch {
		case s != nil:
			in[i%2]++
			defer s.Close()
		case !errors.Is(errs[i], ErrWrongKey):
			t.Errorf("node %d: %v", i, errs[i])
		}
	}
	slices.Sort(in[:])
	if in != [2]int{0, 3} {
		t.Errorf("of the nodes with either key %v came in: %v", in, errs)
	}
}

// Two nodes find a store in clear at the same moment. The second waits for the first, and takes its key or goes.
func TestOneOfTwoNodesSeals(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]*vault.Vault{"of one key": testVault(), "of two keys": vault.New(vault.Key{9})} {
		url := emptyDatabase(t)
		s := openPostgres(t, url)
		if _, err := s.conns.db.ExecContext(t.Context(), `DELETE FROM vault`); err != nil {
			t.Fatal(err)
		}
		other, err := s.conns.db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Rollback()
		if _, err := other.ExecContext(t.Context(), `INSERT INTO vault VALUES ('proof', $1)`, first.Seal(proofPlace, nil)); err != nil {
			t.Fatal(err)
		}
		second := make(chan error)
		go func() {
			s, err := OpenPostgres(t.Context(), PostgresConfig{URL: url, Vault: testVault()})
			if err == nil {
				err = s.Close()
			}
			second <- err
		}()
		for waiting := 0; waiting == 0; {
			const query = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
			if err := s.conns.db.QueryRowContext(t.Context(), query).Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-second:
				t.Fatalf("%s: the second did not wait: %v", name, err)
			default:
			}
		}
		if err := other.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := <-second; name == "of one key" && err != nil || name == "of two keys" && !errors.Is(err, ErrWrongKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRekeyPostgres(t *testing.T) {
	t.Parallel()
	url, secrets := emptyDatabase(t), someSecrets()
	s := openPostgres(t, url)
	secrets.putInto(t, s)
	cfg := PostgresConfig{URL: url, Vault: testVault()}
	next := vault.New(vault.Key{7})
	if _, err := RekeyPostgres(t.Context(), cfg, next); !errors.Is(err, ErrInUse) {
		t.Errorf("while a node has it open: %v", err)
	}
	secrets.mustBeIn(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := RekeyPostgres(t.Context(), cfg, next); n != 6 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if _, err := RekeyPostgres(t.Context(), cfg, next); !errors.Is(err, ErrWrongKey) {
		t.Errorf("once more: %v", err)
	}
	cfg.Vault = next
	s, err := OpenPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	secrets.mustBeIn(t, s)
}
