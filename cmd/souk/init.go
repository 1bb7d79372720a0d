package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/internal/sqlstore"
)

// initCmd is `souk init`.
type initCmd struct {
	Data string `required:"" env:"SOUK_DATA" type:"path" placeholder:"DIR" help:"The directory to make the store in. It is created with access for its owner only."`
	JSON bool   `help:"Print the result as JSON."`
}

func (initCmd) Help() string {
	return `Makes an empty, durable store for 'souk serve'. A store that exists already is left as it is, and that is an error: nothing is ever
created, or overwritten, by accident.`
}

func (c *initCmd) Run(a *app) error {
	path := filepath.Join(c.Data, "souk.db")
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists already", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	store, err := sqlstore.Open(a.ctx, sqlstore.Config{Path: path, Create: true})
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(a.stdout).Encode(map[string]string{"store": path})
	}
	_, err = fmt.Fprintf(a.stdout, "made %s\nhint: start it with 'souk serve --data %s', then fill it with 'souk apply -f world.yaml'\n", path, c.Data)
	return err
}
