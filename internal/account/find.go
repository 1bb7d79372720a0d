package account

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Find finds who is meant by a name, as they would be found if they signed, and what identity they have; nil if there is nobody. A name is the ARN of a
// user, a role, or a session of a role, or an account's number or root ARN for its root user.
//
// It compiles no more of a directory than the account has to do with it, so that what decides here is what decides about calls.
func Find(dir State, name string) (*Principal, Identity, error) {
	arn, session := name, ""
	if rest, ok := strings.CutPrefix(name, "arn:aws:sts::"); ok {
		accountID, rest, _ := strings.Cut(rest, ":assumed-role/")
		var role string
		role, session, _ = strings.Cut(rest, "/")
		if !validSessionName(session) {
			return nil, Identity{}, nil
		}
		arn = Role{Identity: Identity{Account: accountID, Name: role}}.ARN()
	}
	accountID := arn
	if rest, ok := strings.CutPrefix(arn, "arn:aws:iam::"); ok {
		accountID, _, _ = strings.Cut(rest, ":")
	}
	at := slices.IndexFunc(dir.Accounts, func(a Account) bool { return a.ID == accountID })
	if at < 0 {
		return nil, Identity{}, nil
	}
	a := dir.Accounts[at]
	part := State{Accounts: []Account{a}}
	for _, p := range dir.Policies {
		if p.Account == a.ID {
			part.Policies = append(part.Policies, p)
		}
	}
	const key = "found"
	var identity Identity
	role := false
	if at := slices.IndexFunc(dir.Users, func(u User) bool { return u.ARN() == arn }); at >= 0 {
		part.Users, identity = dir.Users[at:at+1], dir.Users[at].Identity
	} else if at := slices.IndexFunc(dir.Roles, func(r Role) bool { return r.ARN() == arn }); at >= 0 {
		part.Roles, identity, role = dir.Roles[at:at+1], dir.Roles[at].Identity, true
	} else if arn != a.ID && arn != "arn:aws:iam::"+a.ID+":root" {
		return nil, Identity{}, nil
	}
	if !role {
		part.Keys = []AccessKey{{ID: key, Account: a.ID, User: identity.Name}}
	}
	c, err := compile(part)
	if err != nil {
		return nil, Identity{}, fmt.Errorf("account: compile %s: %w", arn, err)
	}
	if !role {
		return c.keys[key].principal, identity, nil
	}
	p := *c.roles[arn]
	if session != "" {
		p.ARN, p.UserID, p.Session = name, p.UserID+":"+session, session
	}
	return &p, identity, nil
}

// Conditions are the condition keys that a call of the principal brings along by itself, in lower case. Where it comes from and what with (aws:SourceIp,
// aws:UserAgent, aws:SecureTransport, aws:RequestedRegion) only the call knows.
func (p *Principal) Conditions(now time.Time) map[string][]string {
	arn := p.ARN
	if p.Kind == AssumedRole { // a session is compared as its role
		arn = Role{Identity: Identity{Account: p.Account, Name: p.Name}}.ARN()
	}
	values := map[string][]string{
		"aws:principalarn": {arn}, "aws:principalaccount": {p.Account}, "aws:principaltype": {p.Kind.String()}, "aws:userid": {p.UserID},
		"aws:currenttime": {now.UTC().Format(time.RFC3339)}, "aws:epochtime": {strconv.FormatInt(now.Unix(), 10)},
	}
	if p.Kind == IAMUser {
		values["aws:username"] = []string{p.Name}
	}
	return values
}
