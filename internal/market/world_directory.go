package market

import (
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/iam"
)

// directory applies accounts, policies, users, roles and access keys, in that order, each checked against what there
// was and what the file added so far.
func (a *applier) directory(w, had account.State) error {
	a.accounts = make(map[string]account.Account, len(had.Accounts)+len(w.Accounts))
	for _, acct := range had.Accounts {
		a.accounts[acct.ID] = acct
	}
	for i, acct := range w.Accounts {
		if !account.ValidID(acct.ID) {
			a.problem(fmt.Sprintf("accounts[%d].id", i), "must be twelve digits")
			continue
		}
		old, existed := a.accounts[acct.ID]
		if err := put(a, old, existed, acct, a.tx.PutAccount); err != nil {
			return err
		}
		a.accounts[acct.ID] = acct
	}
	managed := map[string]bool{}
	for _, p := range had.Policies {
		managed[p.ARN()] = true
	}
	for i, p := range w.Policies {
		path := fmt.Sprintf("policies[%d]", i)
		if !a.owner(path, p.Account, p.Name) || !a.document(path+".document", p.Document) {
			continue
		}
		at := slices.IndexFunc(had.Policies, func(h account.Policy) bool { return h.ARN() == p.ARN() })
		if err := put(a, elem(had.Policies, at), at >= 0, p, a.tx.PutPolicy); err != nil {
			return err
		}
		managed[p.ARN()] = true
	}
	users := map[string]bool{}
	for _, u := range had.Users {
		users[u.ARN()] = true
	}
	for i, u := range w.Users {
		if !a.identity(fmt.Sprintf("users[%d]", i), u.Identity, managed) {
			continue
		}
		at := slices.IndexFunc(had.Users, func(h account.User) bool { return h.ARN() == u.ARN() })
		if err := put(a, elem(had.Users, at), at >= 0, u, a.tx.PutUser); err != nil {
			return err
		}
		users[u.ARN()] = true
	}
	for i, r := range w.Roles {
		path := fmt.Sprintf("roles[%d]", i)
		if !a.identity(path, r.Identity, managed) || !a.workload(path, r.Workload) {
			continue
		}
		at := slices.IndexFunc(had.Roles, func(h account.Role) bool { return h.ARN() == r.ARN() })
		if err := put(a, elem(had.Roles, at), at >= 0, r, a.tx.PutRole); err != nil {
			return err
		}
	}
	for i, k := range w.Keys {
		if err := a.accessKey(fmt.Sprintf("access_keys[%d]", i), k, had.Keys, users); err != nil {
			return err
		}
	}
	return nil
}

func elem[T any](list []T, at int) (v T) {
	if at >= 0 {
		v = list[at]
	}
	return v
}

func (a *applier) owner(path, accountID, name string) bool {
	n := len(a.problems)
	if _, ok := a.accounts[accountID]; !ok {
		a.problem(path+".account", "account %q does not exist", accountID)
	}
	if !identityPattern.MatchString(name) {
		a.problem(path+".name", "must be 1 to 128 characters of [A-Za-z0-9_+=,.@-]")
	}
	return len(a.problems) == n
}

func (a *applier) document(path, doc string) bool {
	if _, err := iam.Parse([]byte(doc)); err != nil {
		a.problem(path, "%v", err)
		return false
	}
	return true
}

func (a *applier) identity(path string, id account.Identity, managed map[string]bool) bool {
	n := len(a.problems)
	a.owner(path, id.Account, id.Name)
	for i, in := range id.Inline {
		at := fmt.Sprintf("%s.policies[%d]", path, i)
		if !identityPattern.MatchString(in.Name) {
			a.problem(at+".name", "must be 1 to 128 characters of [A-Za-z0-9_+=,.@-]")
		}
		a.document(at+".document", in.Document)
	}
	for i, name := range id.Attached {
		a.reference(fmt.Sprintf("%s.attached[%d]", path, i), id.Account, name, managed)
	}
	if id.Boundary != "" {
		a.reference(path+".boundary", id.Account, id.Boundary, managed)
	}
	return len(a.problems) == n
}

func (a *applier) workload(path string, w account.Workload) bool {
	switch w {
	case "", account.ECSTask, account.EKSPod, account.EC2Instance, account.AgentCore:
		return true
	}
	a.problem(path+".workload", "must be %q, %q, %q or %q", account.ECSTask, account.EKSPod, account.EC2Instance, account.AgentCore)
	return false
}

func (a *applier) reference(path, accountID, name string, managed map[string]bool) {
	arn := name
	if !strings.HasPrefix(name, "arn:") {
		arn = account.Policy{Account: accountID, Name: name}.ARN()
	}
	if managed[arn] && strings.HasPrefix(arn, "arn:aws:iam::"+accountID+":") {
		return
	}
	if _, _, ok := iam.Managed(name); !ok {
		a.problem(path, "policy %q does not exist in account %s, nor as an AWS managed policy known here (%s)", name, accountID, strings.Join(iam.ManagedNames(), ", "))
	}
}

func (a *applier) accessKey(path string, k account.AccessKey, had []account.AccessKey, users map[string]bool) error {
	n := len(a.problems)
	if !accessKeyPattern.MatchString(k.ID) {
		a.problem(path+".id", "must be 16 to 128 characters of [A-Za-z0-9_]")
	} else if strings.HasPrefix(k.ID, "ASIA") {
		a.problem(path+".id", "begins with ASIA, which is for temporary keys")
	}
	if _, ok := a.accounts[k.Account]; !ok {
		a.problem(path+".account", "account %q does not exist", k.Account)
	} else if u := (account.User{Identity: account.Identity{Account: k.Account, Name: k.User}}); k.User != "" && !users[u.ARN()] {
		a.problem(path+".user", "user %q does not exist in account %s", k.User, k.Account)
	}
	at := slices.IndexFunc(had, func(h account.AccessKey) bool { return h.ID == k.ID })
	old := elem(had, at)
	created := a.now
	if at >= 0 {
		if old.Account != k.Account || old.User != k.User {
			a.problem(path+".id", "key %s belongs to another user already", k.ID)
		}
		created = old.CreatedAt
		if k.Secret == "" {
			k.Secret = old.Secret
		}
	}
	k.CreatedAt = a.instant(path+".created_at", k.CreatedAt, created)
	if k.Secret == "" {
		secret, err := newSecret(a.rand)
		if err != nil {
			return err
		}
		k.Secret = secret
	}
	if len(k.Secret) < 16 || len(k.Secret) > 128 {
		a.problem(path+".secret", "must have 16 to 128 characters")
	}
	if len(a.problems) > n {
		return nil
	}
	return put(a, old, at >= 0, k, a.tx.PutAccessKey)
}

// buyer checks that an account is there to buy.
func (a *applier) buyer(path, accountID string) {
	if acct, ok := a.accounts[accountID]; !ok {
		a.problem(path, "account %q does not exist", accountID)
	} else if !acct.Buyer {
		a.problem(path, "account %s is not a buyer", accountID)
	}
}

// customer gives a buyer the identifier by which sellers know it. It stays ever after: sellers keep it.
func (a *applier) customer(path string, c Customer) error {
	n := len(a.problems)
	a.buyer(path+".account", c.Account)
	if !customerPattern.MatchString(c.Identifier) {
		a.problem(path+".identifier", "must be 1 to 255 printable characters of ASCII")
	}
	old, existed, err := a.tx.Customer(c.Account)
	if err != nil {
		return err
	}
	created := a.now
	if existed {
		created = old.CreatedAt
		if old.Identifier != c.Identifier {
			a.problem(path+".identifier", "the CustomerIdentifier of account %s is %q, which cannot change", c.Account, old.Identifier)
		}
	}
	other, taken, err := a.tx.CustomerByIdentifier(c.Identifier)
	if err != nil {
		return err
	}
	if taken && other.Account != c.Account {
		a.problem(path+".identifier", "%q is the CustomerIdentifier of account %s already", c.Identifier, other.Account)
	}
	c.CreatedAt = a.instant(path+".created_at", c.CreatedAt, created)
	if len(a.problems) > n {
		return nil
	}
	return put(a, old, existed, c, a.tx.PutCustomer)
}

// standing finds accounts that are to be no seller or buyer any more and have published or bought: what World would tell of them,
// ApplyWorld would not take.
func (a *applier) standing(list []account.Account) error {
	products, err := a.tx.Products()
	if err != nil {
		return err
	}
	for i, acct := range list {
		path := fmt.Sprintf("accounts[%d]", i)
		at := slices.IndexFunc(products, func(p Product) bool { return p.Seller == acct.ID })
		if !acct.Seller && at >= 0 {
			a.problem(path+".seller", "account %s has published product %s and stays a seller", acct.ID, products[at].Code)
		}
		if _, ok, err := a.tx.Customer(acct.ID); err != nil {
			return err
		} else if ok && !acct.Buyer {
			a.problem(path+".buyer", "account %s is a customer and stays a buyer; it can be suspended", acct.ID)
		}
	}
	return nil
}

// newSecret has 40 characters, as AWS's.
func newSecret(rand io.Reader) (string, error) {
	var b [30]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("market: draw secret: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b[:]), nil
}
