package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/fault"
)

// worldTools are what the section "World" acts with, beside the market.
type worldTools struct {
	clock       *clock.Clock // nil where it is not to be moved
	faults      *fault.Set   // nil where there are to be none
	saveClock   func(context.Context) error
	credentials *account.Credentials // nil: no sessions are issued here
	editing     sync.Mutex           // from reading a part of the directory to writing it changed
}

// worldNav is the navigation within the section. What this Souk does not offer is not in it.
type worldNav struct {
	At            string // "accounts", "policies", "evaluate", "clock", "faults" or "snapshots"
	Clock, Faults bool
}

func (c *Console) worldNav(at string) worldNav {
	return worldNav{At: at, Clock: c.tools.clock != nil, Faults: c.tools.faults != nil}
}

// registerWorld puts the pages of the section on mux.
func (c *Console) registerWorld(mux *http.ServeMux) {
	c.handle(mux, "/world", methods{"GET": c.world})
	c.handle(mux, "/world/accounts/{id}", methods{"GET": c.worldAccount})
	c.handle(mux, "/world/accounts/{id}/keys", methods{"POST": c.createKey})
	c.handle(mux, "/world/accounts/{id}/keys/{key}/inactive", methods{"POST": c.deactivateKey})
	c.handle(mux, "/world/accounts/{id}/keys/{key}/active", methods{"POST": c.activateKey})
	c.handle(mux, "/world/accounts/{id}/sessions", methods{"POST": c.issueSession})
	c.handle(mux, "/world/policies", methods{"GET": c.policies})
	c.handle(mux, "/world/policy", methods{"GET": c.policy, "POST": c.savePolicy})
	c.handle(mux, "/world/evaluate", methods{"GET": c.evaluate, "POST": c.evaluate})
	c.handle(mux, "/world/clock", methods{"GET": c.clockPage, "POST": c.changeClock})
	c.handle(mux, snapshotsPath, methods{"GET": c.snapshots, "POST": c.takeSnapshot})
	c.handle(mux, snapshotsPath+"/restore", methods{"GET": c.confirmRestore, "POST": c.restoreSnapshot})
	c.handle(mux, snapshotsPath+"/drop", methods{"POST": c.dropSnapshot})
	c.handle(mux, "/world/faults", methods{"GET": c.faults, "POST": c.addFault})
	c.handle(mux, "/world/faults/clear", methods{"POST": c.clearFaults})
	c.handle(mux, "/world/faults/{id}/remove", methods{"POST": c.removeFault})
	c.handle(mux, "/world/faults/{id}/arm", methods{"POST": c.armFault})
}

// notSimulated answers for what is not there because this Souk is not one to play with.
func notSimulated(what string) error {
	return &httpError{http.StatusNotFound, "This Souk does not offer control of " + what + ": it was started without --simulation."}
}

// worldPage is the overview: who there is.
type worldPage struct {
	Nav      worldNav
	Accounts []accountRow
	Total    string
	First    bool
	Next     string // address of the next page; "" if there is none
}

// accountRow is an account in short.
type accountRow struct {
	Path, ID, Name           string
	Seller, Buyer, Suspended bool
	Users, Roles, Keys       int
}

// pageOfAccounts is how many accounts a page lists.
const pageOfAccounts = 50

// world is the overview.
func (c *Console) world(w http.ResponseWriter, r *http.Request) error {
	dir, err := c.service.DirectoryState(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	after := r.URL.Query().Get("after")
	page := worldPage{Nav: c.worldNav("accounts"), First: after == "", Total: plural(len(dir.Accounts), "account", "accounts")}
	at, found := slices.BinarySearchFunc(dir.Accounts, after, func(a account.Account, id string) int { return strings.Compare(a.ID, id) })
	if found {
		at++
	}
	shown := dir.Accounts[at:]
	if len(shown) > pageOfAccounts {
		shown = shown[:pageOfAccounts]
		page.Next = "/world?after=" + url.QueryEscape(shown[pageOfAccounts-1].ID)
	}
	rows := make(map[string]*accountRow, len(shown))
	page.Accounts = make([]accountRow, len(shown))
	for i, a := range shown {
		page.Accounts[i] = rowOfAccount(a)
		rows[a.ID] = &page.Accounts[i]
	}
	for _, u := range dir.Users {
		if row := rows[u.Account]; row != nil {
			row.Users++
		}
	}
	for _, role := range dir.Roles {
		if row := rows[role.Account]; row != nil {
			row.Roles++
		}
	}
	for _, k := range dir.Keys {
		if row := rows[k.Account]; row != nil {
			row.Keys++
		}
	}
	return c.render(w, response{status: http.StatusOK, page: "world", title: "World", section: "world", style: "world.css", body: page})
}

func rowOfAccount(a account.Account) accountRow {
	return accountRow{Path: worldAccountPath(a.ID), ID: a.ID, Name: plain(a.Name), Seller: a.Seller, Buyer: a.Buyer, Suspended: a.Suspended}
}

func worldAccountPath(id string) string { return "/world/accounts/" + url.PathEscape(id) }
