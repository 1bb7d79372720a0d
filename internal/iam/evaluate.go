package iam

// Evaluate decides. The order is that of "How AWS enforcement code logic evaluates requests to allow or deny access":
//
//  1. An explicit deny in any policy, of whichever kind, ends it.
//  2. Then an identity policy must allow, unless the principal is the account's root user.
//  3. Then the permissions boundary must allow, if there is one.
//  4. Then a session policy must allow, if there are any.
//
// What is not allowed by all of them is denied implicitly, and the decision names the first kind that did not allow.
// An allowing decision names the identity statement; of several that apply, the first.
func Evaluate(g *Grants, r *Request) Decision {
	identity, limit, session := verdict{effect: Allow, statement: -1}, verdict{effect: Allow}, verdict{effect: Allow}
	if !g.Root {
		if identity = weigh(g.Identity, r); identity.effect == Deny {
			return identity.decision(Identity)
		}
		if g.Boundary != nil {
			limit = verdict{statement: -1}
			if limit.add(g.Boundary, r); limit.effect == Deny {
				return limit.decision(Boundary)
			}
		}
	}
	if len(g.Session) > 0 {
		if session = weigh(g.Session, r); session.effect == Deny {
			return session.decision(Session)
		}
	}
	switch {
	case identity.effect != Allow:
		return identity.decision(Identity)
	case limit.effect != Allow:
		return limit.decision(Boundary)
	case session.effect != Allow:
		return session.decision(Session)
	case g.Root:
		return identity.decision(Root)
	default:
		return identity.decision(Identity)
	}
}

// verdict is what policies of one kind say together, and which statement of which of them says it.
type verdict struct {
	effect    Effect
	from      *Attached
	statement int
}

func weigh(policies []Attached, r *Request) verdict {
	v := verdict{statement: -1}
	for i := range policies {
		if v.add(&policies[i], r); v.effect == Deny {
			break
		}
	}
	return v
}

// add takes one more policy into account. Once something allows, only statements that deny are still of interest.
func (v *verdict) add(a *Attached, r *Request) {
	p := a.Policy
	if p == nil || v.effect == Allow && !p.denies {
		return
	}
	for i := range p.statements {
		st := &p.statements[i]
		if v.effect == Allow && !st.deny || !st.applies(r) {
			continue
		}
		v.from, v.statement = a, i
		if st.deny {
			v.effect = Deny
			return
		}
		v.effect = Allow
		if !p.denies {
			return
		}
	}
}

func (v *verdict) decision(k Kind) Decision {
	d := Decision{Allowed: v.effect == Allow, Effect: v.effect, Kind: k, Statement: v.statement}
	if v.from != nil {
		d.Policy, d.Sid = v.from.Name, v.from.Policy.statements[v.statement].sid
	}
	return d
}
