package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/account"
)

// worldAccountPage is what the page of one account shows.
type worldAccountPage struct {
	Nav worldNav
	accountRow
	Notice   string
	UserList listed[identityRow]
	RoleList listed[identityRow]
	Policies listed[policyLink] // customer managed ones
	KeyList  listed[keyRow]
	Owners   []string // users, to make a key for; the root user is not among them
	Key      keyForm
	Session  sessionForm
	ReadOnly bool // who looks may not act
	Sessions bool // sessions can be issued, and there is a role to issue them of
}

// listed is the beginning of a list.
type listed[T any] struct {
	Items []T
	More  int // how many are left out
}

// maxListed keeps a page small whatever an account holds.
const maxListed = 100

func (l *listed[T]) add(v T) {
	if len(l.Items) == maxListed {
		l.More++
		return
	}
	l.Items = append(l.Items, v)
}

// identityRow is a user or a role.
type identityRow struct {
	Name, ARN string
	Evaluate  string // address of the evaluator that asks about it
	Policies  []policyLink
	Boundary  *policyLink
	Workload  string // of a role; "" for none in particular
	Region    string // of the workload
}

// policyLink leads to the page of a policy.
type policyLink struct{ Name, Path, Kind string }

// keyRow is an access key. Its secret is not on any page but the one that made it.
type keyRow struct {
	ID, Owner, Name, Note string
	Created               moment
	Active                bool
	Toggle                string // where the button posts that makes it inactive, or active again
}

var worldAccountNotices = map[string]string{
	"inactive": "The access key is inactive: calls signed with it are refused from now on.",
	"active":   "The access key is active again.",
}

func (c *Console) worldAccount(w http.ResponseWriter, r *http.Request) error {
	return c.showWorldAccount(w, r, http.StatusOK, keyForm{}, sessionForm{})
}

// showWorldAccount shows an account, with its forms as they were sent.
func (c *Console) showWorldAccount(w http.ResponseWriter, r *http.Request, status int, key keyForm, session sessionForm) error {
	dir, err := c.service.DirectoryState(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	a, ok := accountIn(dir, r.PathValue("id"))
	if !ok {
		return noAccount(r.PathValue("id"))
	}
	page := worldAccountPage{
		Nav: c.worldNav("accounts"), accountRow: rowOfAccount(a), Key: key, Session: session.orUsual(), Notice: worldAccountNotices[r.URL.Query().Get("notice")],
	}
	for _, u := range dir.Users {
		if u.Account == a.ID {
			page.UserList.add(rowOfIdentity(u.ARN(), u.Identity))
			if len(page.Owners) < maxListed {
				page.Owners = append(page.Owners, u.Name)
			}
		}
	}
	for _, role := range dir.Roles {
		if role.Account == a.ID {
			row := rowOfIdentity(role.ARN(), role.Identity)
			row.Workload, row.Region = plain(string(role.Workload)), plain(role.WorkloadRegion)
			page.RoleList.add(row)
		}
	}
	page.ReadOnly = !callerIn(r.Context()).Operator
	page.Sessions = c.tools.credentials != nil && (len(page.RoleList.Items) > 0 || session.Problem != "")
	for _, p := range dir.Policies {
		if p.Account == a.ID {
			page.Policies.add(policyLink{Name: plain(p.Name), Path: policyPath(p.ARN(), "")})
		}
	}
	for _, k := range dir.Keys {
		if k.Account == a.ID {
			page.KeyList.add(rowOfKey(k))
		}
	}
	title := "Account " + a.ID
	if page.Name != "" {
		title = page.Name
	}
	return c.render(w, response{status: status, page: "world_account", title: title, section: "world", style: "world.css", body: page})
}

func accountIn(dir account.State, id string) (account.Account, bool) {
	at := slices.IndexFunc(dir.Accounts, func(a account.Account) bool { return a.ID == id })
	if at < 0 {
		return account.Account{}, false
	}
	return dir.Accounts[at], true
}

func noAccount(id string) error {
	return &httpError{http.StatusNotFound, "Account “" + plain(id) + "” does not exist."}
}

func rowOfIdentity(arn string, id account.Identity) identityRow {
	row := identityRow{Name: plain(id.Name), ARN: plain(arn), Evaluate: "/world/evaluate?principal=" + url.QueryEscape(arn)}
	for _, in := range id.Inline {
		row.Policies = append(row.Policies, policyLink{Name: plain(in.Name), Path: policyPath(arn, in.Name), Kind: "inline"})
	}
	for _, name := range id.Attached {
		row.Policies = append(row.Policies, attachedLink(id.Account, name))
	}
	if id.Boundary != "" {
		link := attachedLink(id.Account, id.Boundary)
		row.Boundary = &link
	}
	return row
}

// attachedLink leads to a managed policy, which identities name as people write it: by ARN, or by the name of one of the account's or of AWS's.
func attachedLink(accountID, name string) policyLink {
	link := policyLink{Name: plain(name), Path: "/world/policy?" + url.Values{"of": {name}, "in": {accountID}}.Encode(), Kind: "attached"}
	if _, short, ok := strings.Cut(name, ":policy/"); ok {
		link.Name = plain(short)
	}
	return link
}

func rowOfKey(k account.AccessKey) keyRow {
	row := keyRow{
		ID: k.ID, Owner: plain(k.User), Name: plain(k.Name), Note: plain(k.Note), Created: momentOf(k.CreatedAt), Active: !k.Inactive,
		Toggle: worldAccountPath(k.Account) + "/keys/" + url.PathEscape(k.ID) + "/active",
	}
	if row.Active {
		row.Toggle = worldAccountPath(k.Account) + "/keys/" + url.PathEscape(k.ID) + "/inactive"
	}
	return row
}
