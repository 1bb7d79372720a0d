package iam

import "strconv"

// Effect is what the policies say of a request.
type Effect uint8

const (
	NoMatch Effect = iota // nothing allows it: an implicit deny
	Allow
	Deny // a statement denies it: an explicit deny
)

func (e Effect) String() string {
	switch e {
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	default:
		return "NoMatch"
	}
}

// Kind is the kind of policy that decided.
type Kind uint8

const (
	Identity Kind = iota // an identity-based policy, or the want of one
	Boundary             // the permissions boundary
	Session              // a session policy
	Root                 // no policy: the account's root user
)

// String is AWS's name for the kind, as it stands in its messages.
func (k Kind) String() string {
	switch k {
	case Boundary:
		return "permissions boundary"
	case Session:
		return "session policy"
	case Root:
		return "root user"
	default:
		return "identity-based policy"
	}
}

// Decision is the answer of Evaluate, with its reason.
type Decision struct {
	Allowed bool
	// Effect tells an explicit deny from an implicit one.
	Effect Effect
	// Kind is the kind of policy that decided; for an implicit deny, the kind that should have allowed and did not.
	Kind Kind
	// Policy is the name of the policy that decided, and Sid and Statement (counted from 0) its statement. They are "",
	// "" and -1 for an implicit deny and for the root user. Sid is "" also where the statement has none.
	Policy    string
	Sid       string
	Statement int
}

// Why is one plain sentence, in lower case and without a full stop, for people who want to know what decided.
func (d Decision) Why() string {
	switch {
	case d.Kind == Root && d.Allowed:
		return "allowed: the account's root user needs no policy"
	case d.Allowed:
		return "allowed by " + d.source("policy")
	case d.Effect == Deny:
		return "explicitly denied by " + d.source(d.Kind.String())
	default:
		return "no " + d.Kind.String() + " allows the action"
	}
}

func (d Decision) source(what string) string {
	s := "statement " + strconv.Itoa(d.Statement)
	if d.Sid != "" {
		s += " (Sid " + strconv.Quote(d.Sid) + ")"
	}
	return s + " of " + what + " " + strconv.Quote(d.Policy)
}

// DeniedMessage is the text of AccessDeniedException in AWS's present form ("Troubleshoot access denied error
// messages"), without the " on resource: ..." part, which the Marketplace Metering service does not print: seen live for
// RegisterUsage with an implicit deny; the explicit form follows the guide. It is "" if the decision allows.
func (d Decision) DeniedMessage(principalARN, action string) string {
	if d.Allowed {
		return ""
	}
	user := "User: " + principalARN + " is not authorized to perform: " + action
	if d.Effect == Deny {
		article := " with an explicit deny in a "
		if d.Kind == Identity {
			article = " with an explicit deny in an "
		}
		return user + article + d.Kind.String()
	}
	return user + " because no " + d.Kind.String() + " allows the " + action + " action"
}
