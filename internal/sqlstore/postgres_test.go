package sqlstore

import (
	"os"
	"sync"
	"testing"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/market/storetest"
	"github.com/souk-market/souk/internal/pgtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	pgtest.Release()
	os.Exit(code)
}

// template is a database with the schema, and nothing in it.
var template struct {
	once sync.Once
	name string
}

// emptyDatabase is the URL of a new database that has the schema.
func emptyDatabase(t testing.TB) (url string) {
	t.Helper()
	server := pgtest.Shared(t)
	template.once.Do(func() {
		name, url := server.Database(t, "")
		s, err := OpenPostgres(t.Context(), PostgresConfig{Vault: testVault(), URL: url, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		template.name = name
	})
	if template.name == "" {
		t.Fatal("there is no template")
	}
	_, url = server.Database(t, template.name)
	return url
}

// openPostgres opens a store that is closed with the test.
func openPostgres(t testing.TB, url string) *Postgres {
	t.Helper()
	s, err := OpenPostgres(t.Context(), PostgresConfig{Vault: testVault(), URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestPostgres(t *testing.T) {
	urls := map[market.Store]string{}
	storetest.Run(t,
		func(t testing.TB) market.Store {
			url := emptyDatabase(t)
			s := openPostgres(t, url)
			urls[s] = url
			return s
		},
		func(t testing.TB, s market.Store) market.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return openPostgres(t, urls[s])
		})
}
