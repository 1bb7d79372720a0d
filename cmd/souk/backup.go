package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/souk-market/souk/internal/sqlstore"
)

// backupCmd is `souk backup`.
type backupCmd struct {
	Data string `required:"" env:"SOUK_DATA" type:"path" placeholder:"DIR" help:"The directory that has the store, whether or not a Souk has it open."`
	To   string `required:"" type:"path" placeholder:"FILE" help:"The file to make. It must not exist."`
	JSON bool   `help:"Print the result as JSON."`
}

func (backupCmd) Help() string {
	return `Writes what is in the store (SQLite), at one moment, into a new file that only its owner can read, and checks that the file is sound as a database. The Souk
that has the store open goes on serving. Run it on the same machine, as the user that Souk runs as. The file is there whole, or not at all.

    souk backup --data /var/lib/souk --to /backup/souk-$(date +%F).db

Secrets are sealed in it, as they are in the store: keep a copy of the store's key (souk.key), elsewhere. To restore: stop Souk, put the file in the place of
souk.db without souk.db-wal and souk.db-shm, and run 'souk check --data DIR'. For PostgreSQL there are pg_dump and pg_basebackup: see docs/operate.md.

With --json: {"store", "file", "bytes"}.`
}

func (c *backupCmd) Run(a *app) error {
	from := storeFlags{Data: c.Data}
	done := a.working("backing up")
	err := sqlstore.Backup(a.ctx, from.file(), c.To)
	done()
	switch {
	case a.ctx.Err() != nil:
		return errors.New("interrupted: there is no backup")
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists already", c.To)
	case err != nil:
		return from.explain(err)
	}
	info, err := os.Stat(c.To)
	if err != nil {
		return err
	}
	if c.JSON {
		return printLine(a.stdout, map[string]any{"store": from.String(), "file": c.To, "bytes": info.Size()})
	}
	_, err = fmt.Fprintf(a.stdout, "made %s, %d bytes\nhint: the key of its secrets is not in it: keep a copy of that elsewhere\n", c.To, info.Size())
	return err
}
