package console

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
)

// principalOf finds who is meant, as they would be found if they signed; nil if there is nobody. It asks a directory of its own, which
// holds no more than the account has to do with it, so that what decides here is what decides about calls.
func principalOf(ctx context.Context, dir account.State, name string) (*account.Principal, account.Identity, error) {
	arn, session := name, ""
	if rest, ok := strings.CutPrefix(name, "arn:aws:sts::"); ok {
		accountID, rest, _ := strings.Cut(rest, ":assumed-role/")
		var role string
		role, session, _ = strings.Cut(rest, "/")
		if !sessionName.MatchString(session) {
			return nil, account.Identity{}, nil
		}
		arn = account.Role{Identity: account.Identity{Account: accountID, Name: role}}.ARN()
	}
	accountID := arn
	if rest, ok := strings.CutPrefix(arn, "arn:aws:iam::"); ok {
		accountID, _, _ = strings.Cut(rest, ":")
	}
	a, ok := accountIn(dir, accountID)
	if !ok {
		return nil, account.Identity{}, nil
	}
	const key = "evaluator"
	part := account.State{Accounts: []account.Account{a}}
	for _, p := range dir.Policies {
		if p.Account == a.ID {
			part.Policies = append(part.Policies, p)
		}
	}
	var identity account.Identity
	root := arn == a.ID || arn == "arn:aws:iam::"+a.ID+":root"
	if at := slices.IndexFunc(dir.Users, func(u account.User) bool { return u.ARN() == arn }); at >= 0 {
		part.Users, identity = dir.Users[at:at+1], dir.Users[at].Identity
	} else if at := slices.IndexFunc(dir.Roles, func(r account.Role) bool { return r.ARN() == arn }); at >= 0 {
		part.Roles, identity = dir.Roles[at:at+1], dir.Roles[at].Identity
	} else if !root {
		return nil, account.Identity{}, nil
	}
	if len(part.Roles) == 0 {
		part.Keys = []account.AccessKey{{ID: key, Account: a.ID, User: identity.Name}}
	}
	var directory account.Directory
	if err := directory.Replace(part); err != nil {
		return nil, account.Identity{}, fmt.Errorf("console: compile %s for the evaluator: %w", arn, err)
	}
	if len(part.Roles) == 0 {
		_, p, err := (&account.Credentials{Directory: &directory}).Lookup(ctx, key, "")
		return p, identity, err
	}
	role, _ := directory.Role(arn)
	p := *role
	if session != "" {
		p.ARN, p.UserID, p.Session = name, p.UserID+":"+session, session
	}
	return &p, identity, nil
}

// usualConditions are the keys that a call of the principal brings along by itself. Where it comes from and what with (aws:SourceIp,
// aws:UserAgent, aws:SecureTransport, aws:RequestedRegion) only the call knows: those have to be given.
func usualConditions(p *account.Principal, now time.Time) map[string][]string {
	arn := p.ARN
	if p.Kind == account.AssumedRole { // a session is compared as its role
		arn = account.Role{Identity: account.Identity{Account: p.Account, Name: p.Name}}.ARN()
	}
	values := map[string][]string{
		"aws:principalarn": {arn}, "aws:principalaccount": {p.Account}, "aws:principaltype": {p.Kind.String()}, "aws:userid": {p.UserID},
		"aws:currenttime": {now.UTC().Format(time.RFC3339)}, "aws:epochtime": {strconv.FormatInt(now.Unix(), 10)},
	}
	if p.Kind == account.IAMUser {
		values["aws:username"] = []string{p.Name}
	}
	return values
}

// conditionsOf reads lines of "key = value". A key that stands several times has several values.
func conditionsOf(text string) (values map[string][]string, problem string) {
	values = map[string][]string{}
	lines := strings.Split(text, "\n")
	if len(lines) > maxConditions {
		return nil, fmt.Sprintf("At most %d lines are read.", maxConditions)
	}
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok || key == "" {
			return nil, fmt.Sprintf("Line %d is not of the form “key = value”.", i+1)
		}
		values[key] = append(values[key], strings.TrimSpace(value))
	}
	return values, ""
}
