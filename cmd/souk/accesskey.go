package main

import (
	"fmt"

	"github.com/souk-market/souk/internal/admin"
)

// accessKeyCmds is `souk access-key`.
type accessKeyCmds struct {
	List     accessKeyListCmd     `cmd:"" default:"withargs" help:"List access keys."`
	Create   accessKeyCreateCmd   `cmd:"" help:"Make one, and print it with its secret."`
	Inactive accessKeyInactiveCmd `cmd:"" help:"Make one inactive: nobody can sign with it."`
	Active   accessKeyActiveCmd   `cmd:"" help:"Make one active again."`
}

func (accessKeyCmds) Help() string {
	return `Long-lived access keys, of users and of root users. Their secrets are shown once, when they are made.

    souk access-key create 111122223333 --user app
    souk access-key inactive AKIAIOSFODNN7EXAMPLE`
}

type accessKeyListCmd struct {
	remote
	Account string `placeholder:"ID" help:"Only this account's."`
}

func (accessKeyListCmd) Help() string {
	return `A table of access keys, without their secrets. With --json: {"access_keys": [...]}.

    souk access-key list --account 111122223333`
}

func (c *accessKeyListCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	keys, err := client.AccessKeys(a.ctx, c.Account)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, map[string]any{"access_keys": keys})
	}
	rows := [][]string{{"KEY", "ACCOUNT", "USER", "STATE", "NAME"}}
	for _, k := range keys {
		user := k.User
		if user == "" {
			user = "(root)"
		}
		state := map[bool]string{true: "inactive", false: "active"}[k.Inactive]
		rows = append(rows, []string{cell(k.AccessKeyID), cell(k.Account), cell(user), state, cell(k.Name)})
	}
	return table(a.stdout, rows)
}

type accessKeyCreateCmd struct {
	remote
	Account string `arg:"" help:"Whose: the account's number."`
	User    string `help:"The user's name. Without it the key is the root user's."`
	Name    string `help:"What to call the key."`
	Note    string `help:"What it is for."`
	Shell   string `default:"auto" enum:"auto,sh,fish,powershell" placeholder:"SHELL" help:"Write for sh (bash and zsh too), fish or powershell. It is guessed if left out."`
}

func (accessKeyCreateCmd) Help() string {
	return `Makes an access key and prints it as variables. This is the only time that its secret is shown.

    eval "$(souk access-key create 111122223333 --user app)"`
}

func (c *accessKeyCreateCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	k, err := client.CreateAccessKey(a.ctx, admin.AccessKeyInput{Account: c.Account, User: c.User, Name: c.Name, Note: c.Note})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, k)
	}
	vars := []variable{
		{"AWS_ACCESS_KEY_ID", &k.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", &k.SecretAccessKey},
		{name: "AWS_SESSION_TOKEN"}, {name: "AWS_PROFILE"}, {name: "AWS_DEFAULT_PROFILE"}, // some SDKs prefer a profile to keys
	}
	return printVariables(a, vars, c.Shell, false)
}

type accessKeyInactiveCmd struct{ accessKeySwitch }

func (accessKeyInactiveCmd) Help() string {
	return `Makes an access key inactive. The next call that it signs is refused.

    souk access-key inactive AKIAIOSFODNN7EXAMPLE`
}

func (c *accessKeyInactiveCmd) Run(a *app) error { return c.run(a, true) }

type accessKeyActiveCmd struct{ accessKeySwitch }

func (accessKeyActiveCmd) Help() string {
	return `Makes an access key active again.

    souk access-key active AKIAIOSFODNN7EXAMPLE`
}

func (c *accessKeyActiveCmd) Run(a *app) error { return c.run(a, false) }

type accessKeySwitch struct {
	remote
	ID string `arg:"" name:"key" help:"The access key's id."`
}

func (c *accessKeySwitch) run(a *app, inactive bool) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	k, err := client.SwitchAccessKey(a.ctx, c.ID, inactive)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, k)
	}
	fmt.Fprintf(a.stdout, "%s is %s\n", cell(k.AccessKeyID), map[bool]string{true: "inactive", false: "active"}[k.Inactive])
	return nil
}
