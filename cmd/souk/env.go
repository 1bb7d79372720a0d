package main

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/admin"
)

// envCmd is `souk env`.
type envCmd struct {
	remote
	Key   string `placeholder:"NAME" help:"Name of the sample key: seller (if left out), seller-denied, other-seller, buyer."`
	Shell string `default:"auto" enum:"auto,sh,fish,powershell" placeholder:"SHELL" help:"Write for sh (bash and zsh too), fish or powershell. It is guessed if left out."`
	Unset bool   `help:"Remove all of these variables again, instead of setting them."`
}

func (envCmd) Help() string {
	return `Prints what a shell must run so that every AWS SDK and the AWS CLI use this Souk for AWS Marketplace Metering and its Entitlement Service, with
one of its sample keys. It also unsets what would get in the way: a session token, a profile, a variable that makes SDKs ignore endpoints.

In sh, bash and zsh, in fish, and in PowerShell:

    eval "$(souk env)"
    souk env | source
    souk env | Out-String | Invoke-Expression

To call as somebody else, and to be done with it:

    eval "$(souk env --key seller-denied)"
    eval "$(souk env --unset)"

A Souk that 'souk serve' runs tells no keys; then it is the endpoint and the Region only. With --json: the variables as one object, null for those
that are to be unset.`
}

// inTheWay is what overrules keys or endpoints from the environment: a session token belongs to other keys; SDKs for JavaScript and others
// prefer a profile to keys; the last makes SDKs ignore AWS_ENDPOINT_URL_… (SDKs and Tools Reference, "Service-specific endpoints").
var inTheWay = [...]string{"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", ignoreVariable}

// SDKs make the name of a service's variable of its service id, "Marketplace Metering" and "Marketplace Entitlement Service": in capitals, with
// underscores for blanks (SDKs and Tools Reference, "Service-specific endpoints").
const (
	meteringVariable    = "AWS_ENDPOINT_URL_MARKETPLACE_METERING"
	entitlementVariable = "AWS_ENDPOINT_URL_MARKETPLACE_ENTITLEMENT_SERVICE"
	ignoreVariable      = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
)

func (c *envCmd) Run(a *app) error {
	if c.Unset {
		return printVariables(a, unsetAll(), c.Shell, c.JSON)
	}
	client, err := c.client(a)
	if err != nil {
		return err
	}
	info, err := client.Info(a.ctx)
	if err != nil {
		return err
	}
	vars := []variable{
		{meteringVariable, &info.Endpoint},
		{entitlementVariable, &info.Endpoint},
		{"AWS_REGION", &info.Region},
		{"AWS_DEFAULT_REGION", &info.Region}, // boto3, and with it the AWS CLI 1, knows only this one
	}
	key, err := c.pick(info.Keys)
	if err != nil {
		return err
	}
	if key == nil {
		fmt.Fprintln(a.stderr, "hint: this Souk tells no keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY yourself")
		return printVariables(a, append(vars, variable{name: ignoreVariable}), c.Shell, c.JSON)
	}
	vars = append(vars, variable{"AWS_ACCESS_KEY_ID", &key.AccessKeyID}, variable{"AWS_SECRET_ACCESS_KEY", &key.SecretAccessKey})
	for _, name := range inTheWay {
		vars = append(vars, variable{name: name})
	}
	return printVariables(a, vars, c.Shell, c.JSON)
}

// unsetAll is everything that this command sets. What was in the way before stays away: its values are not known.
func unsetAll() []variable {
	return []variable{{name: meteringVariable}, {name: entitlementVariable}, {name: "AWS_REGION"}, {name: "AWS_DEFAULT_REGION"}, {name: "AWS_ACCESS_KEY_ID"},
		{name: "AWS_SECRET_ACCESS_KEY"}, {name: "AWS_SESSION_TOKEN"}}
}

// pick finds the key that was asked for. It is nil if none was, and there is none.
func (c *envCmd) pick(keys []admin.KeyInfo) (*admin.KeyInfo, error) {
	want := c.Key
	if want == "" {
		want = "seller"
	}
	var names []string
	for i, k := range keys {
		if k.Name == want {
			return &keys[i], nil
		}
		if k.Name != "" {
			names = append(names, k.Name)
		}
	}
	switch {
	case len(names) > 0:
		return nil, fmt.Errorf("there is no key named %q\nhint: there are %s", want, oneLine(strings.Join(names, ", ")))
	case c.Key != "":
		return nil, fmt.Errorf("there is no key named %q: this Souk tells none", want)
	}
	return nil, nil
}
