package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/souk-market/souk/internal/sqlstore"
)

// initCmd is `souk init`.
type initCmd struct {
	storeFlags
	JSON bool `help:"Print the result as JSON."`
}

func (initCmd) Help() string {
	return `Makes an empty, durable store for 'souk serve'. A store that exists already is left as it is, and that is an error: nothing is ever
created, or overwritten, by accident.

Secrets in the store are sealed under a key that is not in it. Without --store-key-file and SOUK_STORE_KEY, one is made in the directory: souk.key. For a
database it must be given.

    souk init --data /var/lib/souk

    souk store-key make /etc/souk/store.key
    souk init --store postgres://souk@db/souk --store-key-file /etc/souk/store.key`
}

func (c *initCmd) Run(a *app) error {
	if err := c.storeFlags.check(); err != nil {
		return err
	}
	if c.Data != "" {
		if _, err := os.Lstat(c.file()); err == nil {
			return fmt.Errorf("%s exists already", c.file())
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	} else if store, err := c.open(a.ctx, a.getenv, false, nil); err == nil {
		return errors.Join(fmt.Errorf("%s has a store already", &c.storeFlags), store.Close())
	} else if !errors.Is(err, sqlstore.ErrNotInitialized) {
		return err
	}
	key, err := c.makeKey(a.getenv)
	if err != nil {
		return err
	}
	store, err := c.open(a.ctx, a.getenv, true, nil)
	if err != nil {
		return c.explain(err)
	}
	if err := store.Close(); err != nil {
		return err
	}
	if c.JSON {
		result := map[string]string{"store": c.storeFlags.String()}
		if key != "" {
			result["store_key_file"] = key
		}
		return json.NewEncoder(a.stdout).Encode(result)
	}
	if key != "" {
		fmt.Fprintf(a.stdout, "made %s, the key that the secrets in the store are sealed under\n"+
			"hint: keep a copy of it apart from the store and its copies: without it the secrets are lost, and with it whoever has the store has them\n", key)
	}
	_, err = fmt.Fprintf(a.stdout, "made %s\nhint: start it with 'souk serve %s', then fill it with 'souk apply -f world.yaml'\n", &c.storeFlags, c.flags())
	return err
}
