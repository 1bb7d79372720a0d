package main

import "fmt"

// tokenKeyCmds is `souk token-key`.
type tokenKeyCmds struct {
	List   tokenKeyListCmd   `cmd:"" default:"withargs" help:"List the keys, oldest first."`
	Rotate tokenKeyRotateCmd `cmd:"" help:"Make a new key, which seals from now on."`
	Retire tokenKeyRetireCmd `cmd:"" help:"Make a key open nothing any more. There is no way back."`
}

func (tokenKeyCmds) Help() string {
	return `Registration tokens and session tokens are sealed under a key that never leaves the store. The newest key seals; all open that are not
retired. To change keys without an outage: rotate, wait until the last token of the old key has expired, then retire the old one.

    souk token-key
    souk token-key rotate
    souk token-key retire 9c3ad210`
}

// tokenKeyListCmd is `souk token-key list`.
type tokenKeyListCmd struct{ remote }

func (tokenKeyListCmd) Help() string {
	return `A table of all keys, oldest first, without their secrets. With --json: {"token_keys": [...]}.

    souk token-key list`
}

func (c *tokenKeyListCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	keys, err := client.TokenKeys(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, map[string]any{"token_keys": keys})
	}
	rows := [][]string{{"KEY", "CREATED", "STATE"}}
	for _, k := range keys {
		state := "opens"
		switch {
		case k.Retired:
			state = "retired"
		case k.Active:
			state = "seals and opens"
		}
		rows = append(rows, []string{cell(k.ID), stamp(k.CreatedAt), state})
	}
	return table(a.stdout, rows)
}

// tokenKeyRotateCmd is `souk token-key rotate`.
type tokenKeyRotateCmd struct{ remote }

func (tokenKeyRotateCmd) Help() string {
	return `Makes a new key and prints its id. Tokens that were sealed before go on opening, until their key is retired.

    souk token-key rotate`
}

func (c *tokenKeyRotateCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	k, err := client.RotateTokenKey(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, k)
	}
	_, err = fmt.Fprintln(a.stdout, cell(k.ID))
	return err
}

// tokenKeyRetireCmd is `souk token-key retire`.
type tokenKeyRetireCmd struct {
	remote
	ID string `arg:"" help:"The key's id, as 'souk token-key list' shows it."`
}

func (tokenKeyRetireCmd) Help() string {
	return `After this, tokens and sessions that were sealed under the key are invalid, at once and for good. The key that seals cannot be
retired: rotate first.

    souk token-key retire 9c3ad210`
}

func (c *tokenKeyRetireCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	if err := client.RetireTokenKey(a.ctx, c.ID); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, map[string]any{"id": c.ID, "retired": true})
	}
	_, err = fmt.Fprintf(a.stdout, "retired %s\n", cell(c.ID))
	return err
}
