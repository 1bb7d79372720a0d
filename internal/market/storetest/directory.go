package storetest

import (
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

var directoryTests = []test{
	{"an empty store has an empty directory", func(t *testing.T, s market.Store) {
		mustState(t, read(t, s, market.Tx.Directory), account.State{})
		if _, ok := find(t, s, func(tx market.Tx) (account.Account, bool, error) { return tx.Account("111122223333") }); ok {
			t.Fatal("an account that was never put is there")
		}
	}},
	{"whatever is put can be got back equal and sorted by bytes", func(t *testing.T, s market.Store) {
		want := oddDirectory()
		update(t, s, func(tx market.Tx) error { return putDirectory(tx, want) })
		sortDirectory(&want)
		got := read(t, s, market.Tx.Directory)
		mustEqual(t, got.Accounts, want.Accounts)
		mustEqual(t, got.Policies, want.Policies)
		mustEqual(t, got.Users, want.Users)
		mustEqual(t, got.Roles, want.Roles)
		mustEqual(t, got.Keys, want.Keys)
		for _, a := range want.Accounts {
			mustFind(t, s, a, func(tx market.Tx) (account.Account, bool, error) { return tx.Account(a.ID) })
		}
	}},
	{"put replaces by key", func(t *testing.T, s market.Store) {
		const id = "111122223333"
		old := account.State{
			Accounts: []account.Account{{ID: id, Name: "old", Seller: true}},
			Policies: []account.Policy{{Account: id, Name: "p", Document: "{}"}},
			Users:    []account.User{{Identity: account.Identity{Account: id, Name: "same", Boundary: "old", Attached: []string{"x"}}}},
			Roles:    []account.Role{{Identity: account.Identity{Account: id, Name: "same", Boundary: "old", Inline: []account.Inline{{Name: "i"}}}, Workload: account.ECSTask, WorkloadRegion: "eu-west-1"}},
			Keys:     []account.AccessKey{{ID: "AKIA", Secret: "old", Account: id, User: "same", Note: "note", CreatedAt: at(0)}},
		}
		replaced := account.State{
			Accounts: []account.Account{{ID: id, Name: "new", Buyer: true, Suspended: true}},
			Policies: []account.Policy{{Account: id, Name: "p", Document: `{"new":1}`}},
			Users:    []account.User{{Identity: account.Identity{Account: id, Name: "same", Boundary: "new", Inline: []account.Inline{{Name: "i"}}}}},
			Roles:    []account.Role{{Identity: account.Identity{Account: id, Name: "same", Attached: []string{"y", "z"}}, Workload: account.AgentCore}},
			Keys:     []account.AccessKey{{ID: "AKIA", Secret: "new", Account: "444455556666", Inactive: true, Name: "name"}},
		}
		update(t, s, func(tx market.Tx) error { return putDirectory(tx, old) })
		update(t, s, func(tx market.Tx) error { return putDirectory(tx, replaced) })
		mustEqual(t, read(t, s, market.Tx.Directory), replaced)
	}},
	{"a nil list is not an empty one", func(t *testing.T, s market.Store) {
		u := account.User{Identity: account.Identity{Account: "1", Name: "u", Inline: []account.Inline{}, Attached: nil}}
		r := account.Role{Identity: account.Identity{Account: "1", Name: "r", Inline: nil, Attached: []string{}}}
		update(t, s, func(tx market.Tx) error {
			if err := tx.PutUser(u); err != nil {
				return err
			}
			return tx.PutRole(r)
		})
		got := read(t, s, market.Tx.Directory)
		mustEqual(t, got.Users, []account.User{u})
		mustEqual(t, got.Roles, []account.Role{r})
	}},
	{"times are kept to the millisecond in UTC", func(t *testing.T, s market.Store) {
		for _, tt := range instants() {
			update(t, s, func(tx market.Tx) error { return tx.PutAccessKey(account.AccessKey{ID: "k", CreatedAt: tt.put}) })
			mustEqual(t, read(t, s, market.Tx.Directory).Keys, []account.AccessKey{{ID: "k", CreatedAt: tt.want}})
		}
	}},
}

// putDirectory puts everything in st.
func putDirectory(tx market.Tx, st account.State) error {
	for _, step := range []func() error{
		func() error { return each(st.Accounts, tx.PutAccount) },
		func() error { return each(st.Policies, tx.PutPolicy) },
		func() error { return each(st.Users, tx.PutUser) },
		func() error { return each(st.Roles, tx.PutRole) },
		func() error { return each(st.Keys, tx.PutAccessKey) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func each[T any](list []T, put func(T) error) error {
	for _, v := range list {
		if err := put(v); err != nil {
			return err
		}
	}
	return nil
}

// oddDirectory has every odd string in every place that holds text.
func oddDirectory() (st account.State) {
	for i, o := range odd() {
		st.Accounts = append(st.Accounts, account.Account{ID: o, Name: o, Seller: i%2 == 0, Buyer: i%3 == 0, Suspended: i%5 == 0})
		st.Policies = append(st.Policies, account.Policy{Account: o, Name: "n", Document: o}, account.Policy{Account: "a", Name: "-" + o, Document: o})
		id := account.Identity{Account: "a", Name: o, Inline: []account.Inline{{Name: o, Document: o}, {}}, Attached: []string{o, "", o}, Boundary: o}
		st.Users = append(st.Users, account.User{Identity: id})
		id.Account, id.Name = o, "r"
		st.Roles = append(st.Roles, account.Role{Identity: id, Workload: account.Workload(o), WorkloadRegion: o})
		st.Keys = append(st.Keys, account.AccessKey{
			ID: o, Secret: o, Account: o, User: o, Inactive: i%2 == 1, Name: o, Note: o, CreatedAt: at(time.Duration(i) * time.Millisecond),
		})
	}
	return st
}

// sortDirectory orders st as Tx.Directory does. A zero byte sorts before all that can follow an account.
func sortDirectory(st *account.State) {
	st.Accounts = byKey(st.Accounts, func(a account.Account) string { return a.ID })
	st.Policies = byKey(st.Policies, func(p account.Policy) string { return p.Account + "\x00" + p.Name })
	st.Users = byKey(st.Users, func(u account.User) string { return u.Account + "\x00" + u.Name })
	st.Roles = byKey(st.Roles, func(r account.Role) string { return r.Account + "\x00" + r.Name })
	st.Keys = byKey(st.Keys, func(k account.AccessKey) string { return k.ID })
}
