package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/admin"
)

// mayCmd is `souk may`.
type mayCmd struct {
	remote
	Principal string   `arg:"" help:"Who: the ARN of a user, a role or a role's session, or an account's number for its root user."`
	Action    string   `arg:"" help:"What, such as aws-marketplace:ResolveCustomer; the service can be left out if it is that."`
	Resource  string   `default:"*" help:"On what. The marketplace's own calls ask about *."`
	Context   []string `sep:"none" placeholder:"KEY=VALUE" help:"A condition key of the call, such as aws:SourceIp=203.0.113.7. A key that is given twice has two values."`
}

func (mayCmd) Help() string {
	return `Asks the policies as a call would be decided about now, and says which statement decides. The exit status is 1 for what is denied.

    souk may arn:aws:iam::111122223333:user/app BatchMeterUsage
    souk may 111122223333 aws-marketplace:MeterUsage --context aws:SourceIp=203.0.113.7`
}

func (c *mayCmd) Run(a *app) error {
	q := admin.Question{Principal: c.Principal, Action: c.Action, Resource: c.Resource}
	if !strings.Contains(q.Action, ":") {
		q.Action = "aws-marketplace:" + q.Action
	}
	for _, pair := range c.Context {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return errors.New("--context: it is KEY=VALUE")
		}
		if q.Context == nil {
			q.Context = map[string][]string{}
		}
		q.Context[key] = append(q.Context[key], value)
	}
	client, err := c.client(a)
	if err != nil {
		return err
	}
	v, err := client.May(a.ctx, q)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(a.stdout, v)
	} else {
		printVerdict(a, v)
	}
	if err == nil && !v.Allowed {
		err = failed{exitFailed}
	}
	return err
}

func printVerdict(a *app, v admin.Verdict) {
	word := map[bool]string{true: "yes", false: "no"}[v.Allowed]
	why := v.Why
	if v.Suspended {
		why = "its account is suspended; its policies say: " + why
	}
	fmt.Fprintf(a.stdout, "%s: %s\n", word, cell(why))
	if v.Message != "" {
		fmt.Fprintln(a.stdout, cell(v.Message))
	}
}
