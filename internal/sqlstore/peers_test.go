package sqlstore

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// Whoever has a store open is seen by others, and nobody sees themselves.
func TestPeers(t *testing.T) {
	url := emptyDatabase(t)
	alone := openPostgres(t, AloneURL(url, "copy 1"))
	see := func(who string, none bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // sessions end a moment after they are closed
			n, err := alone.Peers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if (n == 0) == none {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d sessions of others", who, n)
			}
		}
	}
	put := func(s *Postgres) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx market.Tx) error { return tx.PutSetting("s", "v") }); err != nil {
			t.Fatal(err)
		}
	}
	put(alone) // which has sessions now
	see("alone", true)
	for _, other := range []string{url, AloneURL(url, "copy 2"), url + "&application_name=souk-node-7"} {
		s := openPostgres(t, other)
		put(s)
		see(other, false)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		see(other, true)
	}
	put(openPostgres(t, emptyDatabase(t)))
	see("a node of another database", true)
}

func TestAloneURL(t *testing.T) {
	got := AloneURL("postgres://souk:p%40ss@a,b:5433/db?sslmode=disable&application_name=x", "copy 1")
	for _, part := range []string{"postgres://souk:p%40ss@a,b:5433/db?", "sslmode=disable", "application_name=souk+copy+1", "idle_in_transaction_session_timeout=0"} {
		if !strings.Contains(got, part) {
			t.Errorf("%s has no %s", got, part)
		}
	}
	if got := AloneURL("postgres://%zz", "x"); got != "postgres://%zz" {
		t.Errorf("what is no URL becomes %q", got)
	}
}
