package main

import (
	"fmt"
	"strconv"

	"github.com/souk-market/souk/internal/admin"
)

// signingKeyCmds is `souk signing-key`.
type signingKeyCmds struct {
	List   signingKeyListCmd   `cmd:"" default:"withargs" help:"List the keys, oldest first."`
	Rotate signingKeyRotateCmd `cmd:"" help:"Make a new key version."`
	PEM    signingKeyPEMCmd    `cmd:"" name:"pem" help:"Print a public key, to verify signatures with."`
}

func (signingKeyCmds) Help() string {
	return `RegisterUsage answers with a token that is signed with one of these keys (PS256: RSA of 2048 bits, SHA-256). The caller says with which
version; a container can verify with the public key that the token is no forgery. The public keys are also at /.well-known/jwks.json and
/.well-known/souk/register-usage/v1.pem of the endpoint.

    souk signing-key
    souk signing-key pem > souk.pem
    souk signing-key rotate`
}

// signingKeyListCmd is `souk signing-key list`.
type signingKeyListCmd struct{ remote }

func (signingKeyListCmd) Help() string {
	return `A table of all versions, oldest first. With --json: {"signing_keys": [...]}, each with its public key.

    souk signing-key list`
}

func (c *signingKeyListCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	keys, err := client.SigningKeys(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, map[string]any{"signing_keys": keys})
	}
	rows := [][]string{{"VERSION", "CREATED", "ROTATED"}}
	for _, k := range keys {
		rows = append(rows, []string{strconv.Itoa(k.Version), stamp(k.CreatedAt), stamp(k.RotatedAt)})
	}
	return table(a.stdout, rows)
}

// signingKeyRotateCmd is `souk signing-key rotate`.
type signingKeyRotateCmd struct{ remote }

func (signingKeyRotateCmd) Help() string {
	return `Makes a new key and prints its version. Callers who ask for an older version get signatures of that still, and are told in their answers when it was
rotated (PublicKeyRotationTimestamp).

    souk signing-key rotate`
}

func (c *signingKeyRotateCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	k, err := client.RotateSigningKey(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, k)
	}
	_, err = fmt.Fprintln(a.stdout, k.Version)
	return err
}

// signingKeyPEMCmd is `souk signing-key pem`.
type signingKeyPEMCmd struct {
	remote
	Version int `placeholder:"N" help:"Which version. The newest, if left out."`
}

func (signingKeyPEMCmd) Help() string {
	return `Prints a public key in PEM (PKIX, "BEGIN PUBLIC KEY"), as OpenSSL and libraries for JWT take it.

    souk signing-key pem --version 1 > souk.pem`
}

func (c *signingKeyPEMCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	keys, err := client.SigningKeys(a.ctx)
	if err != nil {
		return err
	}
	var key *admin.SigningKey
	for i := range keys {
		if c.Version == 0 || keys[i].Version == c.Version {
			key = &keys[i]
		}
	}
	switch {
	case key == nil:
		return fmt.Errorf("there is no version %d\nhint: souk signing-key list", c.Version)
	case c.JSON:
		return printJSON(a.stdout, key)
	}
	_, err = fmt.Fprint(a.stdout, clean(key.PEM))
	return err
}
