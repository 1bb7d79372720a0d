package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/souk-market/souk/internal/sqlstore"
	"github.com/souk-market/souk/internal/vault"
)

// storeKey says under which key the secrets of a store are sealed. Every command that opens one has it.
type storeKey struct {
	// Not of kong's type "path", which makes a variable that is set to nothing the working directory.
	StoreKeyFile string `env:"SOUK_STORE_KEY_FILE" placeholder:"FILE" help:"A file that holds the key under which the store's secrets are sealed (SOUK_STORE_KEY gives it directly). Without either it is souk.key in the directory of --data."`
}

// storeKeyVariable holds the key itself.
const storeKeyVariable = "SOUK_STORE_KEY"

// keyFile is where a store's key is if nobody says where.
func (f *storeFlags) keyFile() string { return filepath.Join(f.Data, "souk.key") }

// ownKey reports whether the key is in the store's directory, since nobody says where it is.
func (f *storeFlags) ownKey(getenv func(string) string) bool {
	return f.Data != "" && f.StoreKeyFile == "" && getenv(storeKeyVariable) == ""
}

// vault is what the store's secrets are sealed in; nil for a store in memory, which makes its own.
func (f *storeFlags) vault(getenv func(string) string) (*vault.Vault, error) {
	switch text := getenv(storeKeyVariable); {
	case !f.given():
		return nil, nil
	case f.StoreKeyFile != "":
		return readStoreKey(f.StoreKeyFile)
	case text != "":
		return parseStoreKey(storeKeyVariable, text)
	case f.Data == "":
		return nil, fmt.Errorf("which key are the secrets of %s sealed under? --store-key-file FILE, or %s\n"+
			"hint: 'souk store-key make FILE' makes one for a new store; all nodes have the same", f, storeKeyVariable)
	}
	v, err := readStoreKey(f.keyFile())
	if !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	if _, err := os.Lstat(f.file()); errors.Is(err, fs.ErrNotExist) {
		return nil, sqlstore.ErrNotInitialized
	}
	return nil, fmt.Errorf("the key of the store is missing: there is no %s\n"+
		"hint: name it with --store-key-file or %s; a store from before secrets were sealed gets one by 'souk store-key make %s'", f.keyFile(), storeKeyVariable, f.keyFile())
}

// makeKey makes the key of a store that is about to be made, if nobody has one for it, and answers the file; "" if it is not needed. It is durable before
// the store is there.
func (f *storeFlags) makeKey(getenv func(string) string) (file string, err error) {
	if !f.ownKey(getenv) {
		return "", nil
	}
	for _, name := range []string{f.file(), f.keyFile()} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return "", err
	}
	_, err = makeStoreKey(f.keyFile())
	return f.keyFile(), err
}

// makeStoreKey makes a key in a new file, for the user alone.
func makeStoreKey(name string) (v *vault.Vault, err error) {
	key, err := vault.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(f, key.Text()+"\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(name))
	}
	return vault.New(key), nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// maxKeyFile is more than any key takes, in bytes.
const maxKeyFile = 4096

// readStoreKey reads a key from a file that is nobody else's to read.
func readStoreKey(name string) (*vault.Vault, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s holds the key of the store, and others than its owner can get at it: its mode is %04o\nhint: chmod 600 %s", name, mode, name)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	return parseStoreKey(name, string(text))
}

func parseStoreKey(from, text string) (*vault.Vault, error) {
	key, err := vault.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return vault.New(key), nil
}

// storeKeyCmds is `souk store-key`.
type storeKeyCmds struct {
	Make   storeKeyMakeCmd   `cmd:"" help:"Make a key."`
	Rotate storeKeyRotateCmd `cmd:"" help:"Seal a store's secrets under another key."`
}

func (storeKeyCmds) Help() string {
	return `The secrets in a store (of access keys, of token keys, of signing keys) are sealed under a key that is not in it: 32 bytes in Base64, in a file or in
SOUK_STORE_KEY. 'souk init --data' makes one beside the store. Keep a copy of it where no copy of the store is: without it the secrets are lost, and
with it whoever has the store has them.`
}

// storeKeyMakeCmd is `souk store-key make`.
type storeKeyMakeCmd struct {
	File string `arg:"" type:"path" placeholder:"FILE" help:"The file to make. It must not exist."`
	JSON bool   `help:"Print the result as JSON."`
}

func (storeKeyMakeCmd) Help() string {
	return `Makes a key in a new file that only its owner can read.

    souk store-key make /etc/souk/store.key
    souk init --store postgres://souk@db/souk --store-key-file /etc/souk/store.key`
}

func (c *storeKeyMakeCmd) Run(a *app) error {
	v, err := makeStoreKey(c.File)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(a.stdout).Encode(map[string]string{"store_key_file": c.File, "key": v.ID()})
	}
	_, err = fmt.Fprintf(a.stdout, "made %s, key %s\nhint: keep a copy of it, apart from those of the store\n", c.File, v.ID())
	return err
}

// storeKeyRotateCmd is `souk store-key rotate`.
type storeKeyRotateCmd struct {
	storeFlags
	NewKeyFile string `required:"" type:"path" placeholder:"FILE" help:"A file that holds the key to seal under from now on."`
	JSON       bool   `help:"Print the result as JSON."`
}

func (storeKeyRotateCmd) Help() string {
	return `Seals all secrets of a store anew, under another key: all, or after an error none. No Souk may have the store open; stop all nodes of a shared one.

    souk store-key make new.key
    souk store-key rotate --data /var/lib/souk --new-key-file new.key
    mv new.key /var/lib/souk/souk.key

Copies of the store from before are under the old key still.`
}

func (c *storeKeyRotateCmd) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	next, err := readStoreKey(c.NewKeyFile)
	if err != nil {
		return err
	}
	have, err := c.vault(a.getenv)
	if err != nil {
		return c.explain(err)
	}
	if have.ID() == next.ID() {
		return fmt.Errorf("%s holds the key that there is", c.NewKeyFile)
	}
	n, err := c.rekey(a, have, next)
	switch {
	case errors.Is(err, sqlstore.ErrInUse):
		return fmt.Errorf("%w\nhint: stop all nodes; they could not read what is sealed under another key", err)
	case err != nil:
		return c.explain(err)
	}
	if c.JSON {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"secrets": n, "key": next.ID()})
	}
	hint := "start Souk with --store-key-file " + c.NewKeyFile
	if c.ownKey(a.getenv) {
		hint += fmt.Sprintf(", or first: mv %s %s", c.NewKeyFile, c.keyFile())
	}
	_, err = fmt.Fprintf(a.stdout, "sealed %s under the key %s\nhint: %s\n", counted(n, "secret"), next.ID(), hint)
	return err
}

func (c *storeKeyRotateCmd) rekey(a *app, have, next *vault.Vault) (int, error) {
	if c.Store != "" {
		return sqlstore.RekeyPostgres(a.ctx, sqlstore.PostgresConfig{URL: c.Store, Vault: have}, next)
	}
	return sqlstore.Rekey(a.ctx, sqlstore.Config{Path: c.file(), Vault: have}, next)
}
