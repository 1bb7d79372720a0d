package account

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/souk-market/souk/internal/iam"
)

// Kind says what sort of principal signed.
type Kind uint8

const (
	RootUser Kind = iota
	IAMUser
	AssumedRole
)

func (k Kind) String() string {
	switch k {
	case IAMUser:
		return "User"
	case AssumedRole:
		return "AssumedRole"
	default:
		return "Account"
	}
}

// Principal is somebody who can sign a request, with all that a decision about them needs.
type Principal struct {
	Kind      Kind
	Account   string
	ARN       string   // as it stands in messages: user, root, or assumed-role with its session
	Name      string   // user or role name; "" for root
	UserID    string   // aws:userid
	Workload  Workload // of a role
	Session   string   // of a role: its role session name
	Suspended bool     // the account is suspended
	Grants    iam.Grants

	WorkloadRegion string // of a role: see Role
}

// Directory finds principals by access key. It is safe for concurrent use.
type Directory struct {
	compiled atomic.Pointer[compiled]
}

type compiled struct {
	keys     map[string]*keyEntry
	roles    map[string]*Principal // by role ARN
	accounts map[string]*Account
	roots    map[string]*Principal // by account

	suspended map[string]struct{} // accounts
}

type keyEntry struct {
	key       AccessKey
	principal *Principal
}

// Replace compiles s and makes it what the directory answers from, all at once. It fails, and changes nothing, if a
// policy does not parse or something names what is not there.
func (d *Directory) Replace(s State) error {
	c, err := compile(s)
	if err != nil {
		return fmt.Errorf("account: compile directory: %w", err)
	}
	d.compiled.Store(c)
	return nil
}

// Account finds an account.
func (d *Directory) Account(id string) (Account, bool) {
	c := d.compiled.Load()
	if c == nil {
		return Account{}, false
	}
	a, ok := c.accounts[id]
	if !ok {
		return Account{}, false
	}
	return *a, true
}

// Suspended reports whether an account is suspended. One that does not exist is not.
func (d *Directory) Suspended(id string) bool {
	c := d.compiled.Load()
	if c == nil || len(c.suspended) == 0 { // as a rule; then the id need not be looked at
		return false
	}
	_, ok := c.suspended[id]
	return ok
}

// Root is the root user of an account, which may do everything in it.
func (d *Directory) Root(accountID string) (*Principal, bool) {
	c := d.compiled.Load()
	if c == nil {
		return nil, false
	}
	p, ok := c.roots[accountID]
	return p, ok
}

// Role finds a role by its ARN.
func (d *Directory) Role(arn string) (*Principal, bool) {
	c := d.compiled.Load()
	if c == nil {
		return nil, false
	}
	p, ok := c.roles[arn]
	return p, ok
}

// key finds an active access key.
func (d *Directory) key(id string) (*keyEntry, bool) {
	c := d.compiled.Load()
	if c == nil {
		return nil, false
	}
	e, ok := c.keys[id]
	if !ok || e.key.Inactive {
		return nil, false
	}
	return e, true
}

func compile(s State) (*compiled, error) {
	c := &compiled{
		keys:     make(map[string]*keyEntry, len(s.Keys)),
		roles:    make(map[string]*Principal, len(s.Roles)),
		accounts: make(map[string]*Account, len(s.Accounts)),
		roots:    make(map[string]*Principal, len(s.Accounts)),

		suspended: map[string]struct{}{},
	}
	var errs []error
	for i := range s.Accounts {
		a := s.Accounts[i]
		c.accounts[a.ID] = &a
		if a.Suspended {
			c.suspended[a.ID] = struct{}{}
		}
		c.roots[a.ID] = &Principal{
			Kind: RootUser, Account: a.ID, ARN: "arn:aws:iam::" + a.ID + ":root", UserID: a.ID,
			Suspended: a.Suspended, Grants: iam.Grants{Root: true},
		}
	}
	managed := make(map[string]iam.Attached, len(s.Policies))
	for _, p := range s.Policies {
		doc, err := iam.Parse([]byte(p.Document))
		if err != nil {
			errs = append(errs, fmt.Errorf("policy %s: %w", p.ARN(), err))
			continue
		}
		managed[p.ARN()] = iam.Attached{Name: p.ARN(), Policy: doc}
	}
	users := make(map[string]*Principal, len(s.Users))
	for _, u := range s.Users {
		g, err := grants(u.Identity, managed)
		if err != nil {
			errs = append(errs, fmt.Errorf("user %s: %w", u.ARN(), err))
			continue
		}
		users[u.ARN()] = &Principal{
			Kind: IAMUser, Account: u.Account, ARN: u.ARN(), Name: u.Name, UserID: uniqueID("AIDA", u.ARN()),
			Suspended: suspended(c, u.Account), Grants: g,
		}
	}
	for _, r := range s.Roles {
		g, err := grants(r.Identity, managed)
		if err != nil {
			errs = append(errs, fmt.Errorf("role %s: %w", r.ARN(), err))
			continue
		}
		c.roles[r.ARN()] = &Principal{
			Kind: AssumedRole, Account: r.Account, ARN: r.ARN(), Name: r.Name, UserID: uniqueID("AROA", r.ARN()),
			Suspended: suspended(c, r.Account), Grants: g, Workload: r.Workload, WorkloadRegion: r.WorkloadRegion,
		}
	}
	for _, k := range s.Keys {
		p := c.roots[k.Account]
		if k.User != "" {
			p = users[User{Identity{Account: k.Account, Name: k.User}}.ARN()]
		}
		if p == nil {
			errs = append(errs, fmt.Errorf("access key %s: its owner does not exist", k.ID))
			continue
		}
		c.keys[k.ID] = &keyEntry{key: k, principal: p}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

func suspended(c *compiled, accountID string) bool {
	a, ok := c.accounts[accountID]
	return !ok || a.Suspended
}

func grants(id Identity, managed map[string]iam.Attached) (iam.Grants, error) {
	var g iam.Grants
	for _, in := range id.Inline {
		doc, err := iam.Parse([]byte(in.Document))
		if err != nil {
			return g, fmt.Errorf("inline policy %q: %w", in.Name, err)
		}
		g.Identity = append(g.Identity, iam.Attached{Name: in.Name, Policy: doc})
	}
	for _, name := range id.Attached {
		a, ok := managedPolicy(id.Account, name, managed)
		if !ok {
			return g, fmt.Errorf("attached policy %q does not exist", name)
		}
		g.Identity = append(g.Identity, a)
	}
	if id.Boundary != "" {
		a, ok := managedPolicy(id.Account, id.Boundary, managed)
		if !ok {
			return g, fmt.Errorf("permissions boundary %q does not exist", id.Boundary)
		}
		g.Boundary = &a
	}
	return g, nil
}

// managedPolicy resolves a name the way people write it: an ARN, a customer managed policy of the account, one of AWS's.
// A policy of another account cannot be attached, as in IAM.
func managedPolicy(accountID, name string, managed map[string]iam.Attached) (iam.Attached, bool) {
	arn := name
	if !strings.HasPrefix(name, "arn:") {
		arn = Policy{Account: accountID, Name: name}.ARN()
	}
	if a, ok := managed[arn]; ok && strings.HasPrefix(arn, "arn:aws:iam::"+accountID+":") {
		return a, true
	}
	if a, _, ok := iam.Managed(name); ok {
		return *a, true
	}
	return iam.Attached{}, false
}
