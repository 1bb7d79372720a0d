package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

// storeFlags say which store: a directory of this machine, or a database that any number of nodes share.
type storeFlags struct {
	Data  string `env:"SOUK_DATA" type:"path" xor:"store" placeholder:"DIR" help:"The directory that has the store (SQLite), which one Souk at a time has open."`
	Store string `env:"SOUK_STORE" xor:"store" placeholder:"URL" help:"A PostgreSQL database in place of a directory: postgres://USER:PASSWORD@HOST/DATABASE. Any number of nodes share it."`
	storeKey
}

// given reports whether either was.
func (f *storeFlags) given() bool { return f.Data != "" || f.Store != "" }

// check refuses what cannot be opened.
func (f *storeFlags) check() error {
	switch {
	case !f.given():
		return errors.New("which store? --data DIR, or --store postgres://…")
	case f.Store != "" && !strings.HasPrefix(f.Store, "postgres://") && !strings.HasPrefix(f.Store, "postgresql://"):
		return errors.New("--store: it is a URL that begins with postgres://; a directory goes with --data")
	}
	return nil
}

// file is the store's file in the directory.
func (f *storeFlags) file() string { return filepath.Join(f.Data, "souk.db") }

// String names the store, without secrets.
func (f *storeFlags) String() string {
	if f.Store != "" {
		return sqlstore.RedactURL(f.Store)
	}
	return f.file()
}

// flags is how the store was named on the command line, for hints.
func (f *storeFlags) flags() string {
	if f.Store != "" {
		return "--store " + sqlstore.RedactURL(f.Store)
	}
	return "--data " + f.Data
}

// open opens the store. With create it is made if there is none; makeKey makes its key.
func (f *storeFlags) open(ctx context.Context, getenv func(string) string, create bool, log *slog.Logger) (market.Store, error) {
	v, err := f.vault(getenv)
	if err != nil {
		return nil, err
	}
	if f.Store != "" {
		return postgresOrNone(sqlstore.OpenPostgres(ctx, sqlstore.PostgresConfig{URL: f.Store, Create: create, Vault: v, Log: log}))
	}
	path := ""
	if f.Data != "" {
		path = f.file()
	}
	s, err := sqlstore.Open(ctx, sqlstore.Config{Path: path, Create: create, Vault: v, Log: log})
	if err != nil {
		return nil, err // and not a Store that is a nil pointer
	}
	return s, nil
}

func postgresOrNone(s *sqlstore.Postgres, err error) (market.Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// explain says what to do about an error of open.
func (f *storeFlags) explain(err error) error {
	switch {
	case errors.Is(err, sqlstore.ErrNotInitialized):
		return fmt.Errorf("there is no store in %s\nhint: make one with 'souk init %s'", f, f.flags())
	case errors.Is(err, sqlstore.ErrWrongKey):
		return fmt.Errorf("%w\nhint: name the one that it was made under, with --store-key-file or %s", err, storeKeyVariable)
	}
	return err
}
