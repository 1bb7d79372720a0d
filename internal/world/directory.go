package world

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/account"
)

// seen knows the line in which each name of a kind stands first.
type seen map[string]int

// note finds a name that stood before. what says of what it is the name.
func (s seen) note(r *reader, at *place, what, name string) {
	if line, ok := s[name]; ok {
		r.problem(at, "%s %s stands twice in this file, first in line %d", what, quoteShort(name), line)
		return
	}
	s[name] = at.lineNumber()
}

// names are the names that a file may give only once.
type names struct {
	accounts, policies, users, roles, keys           seen
	productCodes, productIDs, agreements, licenseARN seen
	customers, identifiers                           seen
	offers                                           map[string]offerAt
	dimensions                                       map[string]dimensions // by product code
}

func newNames() *names {
	return &names{
		accounts: seen{}, policies: seen{}, users: seen{}, roles: seen{}, keys: seen{},
		productCodes: seen{}, productIDs: seen{}, agreements: seen{}, licenseARN: seen{},
		customers: seen{}, identifiers: seen{}, offers: map[string]offerAt{},
		dimensions: map[string]dimensions{},
	}
}

// world reads the whole file.
func (r *reader) world(root *yaml.Node) {
	m, ok := r.mapping(nil, root, "version", "accounts", "policies", "users", "roles", "products", "customers", "agreements")
	if !ok {
		return
	}
	if v, ok := m.number("version"); ok && v != 1 {
		r.problem(m.place("version"), "must be 1, the only version there is, not %d", v)
	}
	n := newNames()
	m.list("accounts", func(at *place, node *yaml.Node) { r.account(n, at, node) })
	m.list("policies", func(at *place, node *yaml.Node) { r.policy(n, at, node) })
	m.list("users", func(at *place, node *yaml.Node) { r.user(n, at, node) })
	m.list("roles", func(at *place, node *yaml.Node) { r.role(n, at, node) })
	m.list("products", func(at *place, node *yaml.Node) { r.product(n, at, node) })
	m.list("customers", func(at *place, node *yaml.Node) { r.customer(n, at, node) })
	m.list("agreements", func(at *place, node *yaml.Node) { r.agreement(n, at, node) })
}

func (r *reader) account(n *names, at *place, node *yaml.Node) {
	m, ok := r.mapping(at, node, "id", "name", "seller", "buyer", "suspended", "access_keys")
	if !ok {
		return
	}
	a := account.Account{
		ID: m.must("id", accountID), Name: m.may("name"),
		Seller: m.flag("seller", false), Buyer: m.flag("buyer", false), Suspended: m.flag("suspended", false),
	}
	if a.ID != "" {
		n.accounts.note(r, m.place("id"), "account", a.ID)
	}
	r.file.World.Directory.Accounts = append(r.file.World.Directory.Accounts, a)
	r.accessKeys(n, &m, a.ID, "")
}

func (r *reader) policy(n *names, at *place, node *yaml.Node) {
	m, ok := r.mapping(at, node, "account", "name", "document")
	if !ok {
		return
	}
	p := account.Policy{Account: m.must("account", accountID), Name: m.must("name", identity), Document: m.document("document")}
	if p.Account != "" && p.Name != "" {
		n.policies.note(r, m.place("name"), "policy", p.ARN())
	}
	r.file.World.Directory.Policies = append(r.file.World.Directory.Policies, p)
}

func (r *reader) user(n *names, at *place, node *yaml.Node) {
	m, ok := r.mapping(at, node, "account", "name", "policies", "attached", "boundary", "access_keys")
	if !ok {
		return
	}
	u := account.User{Identity: r.identity(&m)}
	if u.Account != "" && u.Name != "" {
		n.users.note(r, m.place("name"), "user", u.ARN())
	}
	r.file.World.Directory.Users = append(r.file.World.Directory.Users, u)
	r.accessKeys(n, &m, u.Account, u.Name)
}

func (r *reader) role(n *names, at *place, node *yaml.Node) {
	m, ok := r.mapping(at, node, "account", "name", "policies", "attached", "boundary", "workload", "workload_region")
	if !ok {
		return
	}
	role := account.Role{
		Identity:       r.identity(&m),
		Workload:       account.Workload(m.may("workload", oneOf(account.ECSTask, account.EKSPod, account.EC2Instance, account.AgentCore))),
		WorkloadRegion: m.may("workload_region", regionName),
	}
	if _, given := m.get("workload_region"); given && role.Workload == "" {
		r.problem(m.place("workload_region"), "only a role with a workload runs in a Region")
	}
	if role.Account != "" && role.Name != "" {
		n.roles.note(r, m.place("name"), "role", role.ARN())
	}
	r.file.World.Directory.Roles = append(r.file.World.Directory.Roles, role)
}

// identity reads what users and roles have in common.
func (r *reader) identity(m *mapping) account.Identity {
	id := account.Identity{Account: m.must("account", accountID), Name: m.must("name", identity), Boundary: m.may("boundary")}
	inline := seen{}
	m.list("policies", func(at *place, node *yaml.Node) {
		p, ok := r.mapping(at, node, "name", "document")
		if !ok {
			return
		}
		in := account.Inline{Name: p.must("name", identity), Document: p.document("document")}
		if in.Name != "" {
			inline.note(r, p.place("name"), "inline policy", in.Name)
		}
		id.Inline = append(id.Inline, in)
	})
	attached := seen{}
	m.list("attached", func(at *place, node *yaml.Node) {
		name, ok := r.text(at, node)
		switch {
		case !ok:
		case name == "":
			r.problem(at, "must name a policy, or be its ARN")
		default:
			attached.note(r, at, "attached policy", name)
			id.Attached = append(id.Attached, name)
		}
	})
	return id
}

// accessKeys reads the keys of a user, or of an account's root if user is "".
func (r *reader) accessKeys(n *names, owner *mapping, accountID, user string) {
	owner.list("access_keys", func(at *place, node *yaml.Node) {
		m, ok := r.mapping(at, node, "id", "secret", "active", "name", "note", "created_at")
		if !ok {
			return
		}
		k := account.AccessKey{
			ID: m.must("id", accessKeyID, notTemporary), Secret: m.may("secret", secret), Account: accountID, User: user,
			Inactive: !m.flag("active", true), Name: m.may("name"), Note: m.may("note"),
			CreatedAt: m.instant("created_at"),
		}
		if k.ID != "" {
			n.keys.note(r, m.place("id"), "access key", k.ID)
		}
		r.file.World.Directory.Keys = append(r.file.World.Directory.Keys, k)
		r.file.keys = append(r.file.keys, fmt.Sprint(at))
	})
}
