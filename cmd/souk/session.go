package main

import (
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/admin"
)

// sessionCmd is `souk session`.
type sessionCmd struct {
	remote
	Role     string        `required:"" placeholder:"ARN" help:"The role to be, such as arn:aws:iam::111122223333:role/SellerApp."`
	Name     string        `default:"souk" help:"The session's name: 2 to 64 characters of [A-Za-z0-9_+=,.@-]. It stands in the principal's ARN."`
	Duration time.Duration `default:"1h" help:"How long the credentials live, by the wall clock: from 1s to 12h."`
	Shell    string        `default:"auto" enum:"auto,sh,fish,powershell" placeholder:"SHELL" help:"Write for sh (bash and zsh too), fish or powershell. It is guessed if left out."`
}

func (sessionCmd) Help() string {
	return `Issues temporary credentials of a role, as AssumeRole does: an access key, its secret, and a session token that must go with them. Nothing
is stored: a session ends when its time is over, when its role goes, or when the key that sealed it is retired.

    eval "$(souk session --role arn:aws:iam::111122223333:role/SellerApp)"
    aws meteringmarketplace resolve-customer --registration-token TOKEN

With --json: access_key_id, secret_access_key, session_token, expiration, arn.`
}

func (c *sessionCmd) Run(a *app) error {
	client, err := c.client(a)
	if err != nil {
		return err
	}
	s, err := client.IssueSession(a.ctx, admin.SessionInput{RoleARN: c.Role, SessionName: c.Name, Duration: c.Duration.String()})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, s)
	}
	vars := []variable{
		{"AWS_ACCESS_KEY_ID", &s.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", &s.Secret}, {"AWS_SESSION_TOKEN", &s.Token},
		{name: "AWS_PROFILE"}, {name: "AWS_DEFAULT_PROFILE"}, // some SDKs prefer a profile to keys
	}
	if err := printVariables(a, vars, c.Shell, false); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s until %s\n", cell(s.PrincipalARN), stamp(s.ExpiresAt))
	return nil
}
