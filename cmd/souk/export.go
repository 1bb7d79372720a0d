package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/world"
)

// exportCmd is `souk export`.
type exportCmd struct {
	remote
	Secrets bool   `help:"With the secrets of access keys. The file is then as secret as they are."`
	Output  string `short:"o" type:"path" placeholder:"FILE" help:"Write to this file, for its owner only to read, in place of the standard output."`
}

func (exportCmd) Help() string {
	return `Prints the marketplace as a world file, which 'souk apply' takes: accounts, users, roles, policies, access keys, products, offers, agreements.
Secrets of access keys are left out unless --secrets asks for them; applying a file without them keeps those that there are.

    souk export > world.yaml
    souk export --secrets -o backup.yaml

With --json it is the same file in JSON, which 'souk apply' takes as well. Usage, the history of agreements, registration tokens and the keys that
sign and seal are not in it: it is no backup of a marketplace at work. Where the clock was moved ahead, move that of the other Souk first
('souk clock set'): an agreement that has ended here has not yet ended there.`
}

func (c *exportCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	done := a.working("exporting")
	text, err := client.World(a.ctx, admin.WorldOptions{Secrets: c.Secrets})
	done()
	if err != nil {
		return err
	}
	if c.JSON {
		f, err := world.Parse(text)
		if err != nil {
			return fmt.Errorf("read the export: %w", err)
		}
		if text, err = world.Marshal(f.World, world.Options{Secrets: c.Secrets, JSON: true}); err != nil {
			return err
		}
	}
	if c.Output == "" || c.Output == "-" {
		_, err = a.stdout.Write(text)
		return err
	}
	return writeFile(c.Output, text)
}

// writeFile replaces a file whole, or not at all. What is no file (a pipe, a terminal) is written to.
func writeFile(name string, text []byte) error { return writeStream(name, bytes.NewReader(text)) }

// writeStream is writeFile for what is too long to hold.
func writeStream(name string, text io.Reader) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, text)
		return errors.Join(err, f.Close())
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = io.Copy(f, text); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
