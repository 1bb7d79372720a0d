package sqlstore

import (
	"errors"

	"github.com/souk-market/souk/internal/account"
)

const (
	accountColumns  = `id, name, seller, buyer, suspended`
	identityColumns = `account, name, inline, attached, boundary`

	selectAccount  = `SELECT ` + accountColumns + ` FROM account WHERE id = $1`
	selectAccounts = `SELECT ` + accountColumns + ` FROM account ORDER BY id`
	selectPolicies = `SELECT account, name, document FROM policy ORDER BY account, name`
	selectUsers    = `SELECT ` + identityColumns + ` FROM identity WHERE kind = 'user' ORDER BY account, name`
	selectRoles    = `SELECT ` + identityColumns + `, workload, workload_region FROM identity WHERE kind = 'role' ORDER BY account, name`
	selectKeys     = `SELECT secret, id, account, user_name, inactive, name, note, created_at FROM access_key ORDER BY id`

	putAccount = `INSERT INTO account (` + accountColumns + `) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, seller = excluded.seller, buyer = excluded.buyer, suspended = excluded.suspended`
	putPolicy = `INSERT INTO policy (account, name, document) VALUES ($1, $2, $3)
		ON CONFLICT (account, name) DO UPDATE SET document = excluded.document`
	putIdentity = `INSERT INTO identity (kind, ` + identityColumns + `, workload, workload_region) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (kind, account, name) DO UPDATE SET inline = excluded.inline, attached = excluded.attached, boundary = excluded.boundary,
			workload = excluded.workload, workload_region = excluded.workload_region`
	putKey = `INSERT INTO access_key (id, secret, account, user_name, inactive, name, note, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, account = excluded.account, user_name = excluded.user_name,
			inactive = excluded.inactive, name = excluded.name, note = excluded.note, created_at = excluded.created_at`

	userKind, roleKind = "user", "role"
)

func scanAccount(a *account.Account) []any {
	return []any{&a.ID, &a.Name, &a.Seller, &a.Buyer, &a.Suspended}
}

func scanPolicy(p *account.Policy) []any { return []any{&p.Account, &p.Name, &p.Document} }

func scanIdentity(i *account.Identity) []any {
	return []any{&i.Account, &i.Name, jsonColumn[account.Inline]{&i.Inline}, jsonColumn[string]{&i.Attached}, &i.Boundary}
}

func scanUser(u *account.User) []any { return scanIdentity(&u.Identity) }
func scanRole(r *account.Role) []any {
	return append(scanIdentity(&r.Identity), &r.Workload, &r.WorkloadRegion)
}

func scanKey(k *account.AccessKey) []any {
	return []any{&k.ID, &k.Account, &k.User, &k.Inactive, &k.Name, &k.Note, timeColumn{&k.CreatedAt}}
}

func (t *tx) Directory() (s account.State, err error) {
	const op = "read directory"
	if s.Accounts, err = list(t, op, selectAccounts, scanAccount); err != nil {
		return account.State{}, err
	}
	if s.Policies, err = list(t, op, selectPolicies, scanPolicy); err != nil {
		return account.State{}, err
	}
	if s.Users, err = list(t, op, selectUsers, scanUser); err != nil {
		return account.State{}, err
	}
	if s.Roles, err = list(t, op, selectRoles, scanRole); err != nil {
		return account.State{}, err
	}
	keys, err := list(t, op, selectKeys, scanSealed(scanKey))
	if err != nil {
		return account.State{}, err
	}
	for _, k := range keys {
		secret, err := t.unseal(op, accessKeySecret, k.row.ID, k.secret)
		if err != nil {
			return account.State{}, err
		}
		k.row.Secret = string(secret)
		s.Keys = append(s.Keys, k.row)
	}
	return s, nil
}

func (t *tx) Account(id string) (account.Account, bool, error) {
	return get(t, "get account", selectAccount, scanAccount, id)
}

func (t *tx) PutAccount(a account.Account) error {
	return t.putDirectory("put account", putAccount, a.ID, a.Name, a.Seller, a.Buyer, a.Suspended)
}

func (t *tx) PutPolicy(p account.Policy) error {
	return t.putDirectory("put policy", putPolicy, p.Account, p.Name, p.Document)
}

func (t *tx) PutUser(u account.User) error {
	return t.putIdentity("put user", userKind, u.Identity, "", "")
}

func (t *tx) PutRole(r account.Role) error {
	return t.putIdentity("put role", roleKind, r.Identity, r.Workload, r.WorkloadRegion)
}

func (t *tx) putIdentity(op, kind string, i account.Identity, workload account.Workload, region string) error {
	for _, p := range i.Inline {
		if err := checkText(p.Name, p.Document); err != nil {
			return t.fail(op, err)
		}
	}
	if err := checkText(i.Attached...); err != nil {
		return t.fail(op, err)
	}
	inline, err := jsonText(i.Inline)
	if err != nil {
		return t.fail(op, err)
	}
	attached, err := jsonText(i.Attached)
	if err != nil {
		return t.fail(op, err)
	}
	return t.putDirectory(op, putIdentity, kind, i.Account, i.Name, inline, attached, i.Boundary, string(workload), region)
}

func (t *tx) PutAccessKey(k account.AccessKey) error {
	const op = "put access key"
	if checkText(k.Secret) != nil {
		return t.fail(op, errors.New("its secret is no text that can be kept"))
	}
	secret := t.seal(accessKeySecret, k.ID, []byte(k.Secret))
	return t.putDirectory(op, putKey, k.ID, secret, k.Account, k.User, k.Inactive, k.Name, k.Note, millis(k.CreatedAt))
}

// putDirectory is put, and moves the directory's version on.
func (t *tx) putDirectory(op, query string, args ...any) error {
	if err := t.put(op, query, args...); err != nil {
		return err
	}
	return t.bump(op, directoryCounter)
}
