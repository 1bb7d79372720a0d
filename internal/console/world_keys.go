package console

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// keyForm asks for an access key.
type keyForm struct {
	User    string // "" for the root user
	Name    string
	Note    string
	Problem string
}

// sessionForm asks for temporary credentials of a role.
type sessionForm struct {
	Role    string // its name
	Name    string
	Life    string // as of sessionLives
	Problem string
}

// sessionLives are how long a session can be asked to live. AWS's bounds are 15 minutes and 12 hours (STS API reference, AssumeRole).
var sessionLives = map[string]time.Duration{"15m": 15 * time.Minute, "1h": time.Hour, "12h": 12 * time.Hour}

func (f sessionForm) orUsual() sessionForm {
	if f.Name == "" && f.Problem == "" {
		f.Name = "console"
	}
	if f.Life == "" {
		f.Life = "1h"
	}
	return f
}

// Bounds of what people write about a key, in characters.
const maxKeyName, maxKeyNote = 100, 500

// credentialsPage shows credentials, once.
type credentialsPage struct {
	Nav           worldNav
	Account       accountRow
	Owner         string
	ID, Secret    string
	Token         string // of a session
	Expires       moment // of a session
	EvaluatorPath string
}

// showCredentials answers with a secret. It is the one time that it can be seen, so nobody on the way keeps the page.
func (c *Console) showCredentials(w http.ResponseWriter, page credentialsPage) error {
	page.Nav = c.worldNav("accounts")
	return c.render(w, response{
		status: http.StatusCreated, page: "world_key", title: "New credentials", section: "world", style: "world.css", once: true, body: page,
	})
}

// createKey makes an access key of a user, or of the root user, and shows it.
func (c *Console) createKey(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	dir, err := c.service.DirectoryState(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	a, ok := accountIn(dir, r.PathValue("id"))
	if !ok {
		return noAccount(r.PathValue("id"))
	}
	form := keyForm{User: r.PostForm.Get("user"), Name: strings.TrimSpace(r.PostForm.Get("name")), Note: strings.TrimSpace(r.PostForm.Get("note"))}
	owner := "arn:aws:iam::" + a.ID + ":root"
	if form.User != "" {
		u := account.User{Identity: account.Identity{Account: a.ID, Name: form.User}}
		owner = u.ARN()
		if !slices.ContainsFunc(dir.Users, func(have account.User) bool { return have.ARN() == owner }) {
			form.Problem = "This account has no user “" + plain(form.User) + "”."
		}
	}
	switch {
	case !utf8.ValidString(form.Name) || !utf8.ValidString(form.Note):
		form.Problem, form.Name, form.Note = "Name and note must be text.", "", ""
	case utf8.RuneCountInString(form.Name) > maxKeyName:
		form.Problem = fmt.Sprintf("The name must have at most %d characters.", maxKeyName)
	case utf8.RuneCountInString(form.Note) > maxKeyNote:
		form.Problem = fmt.Sprintf("The note must have at most %d characters.", maxKeyNote)
	}
	if form.Problem != "" {
		return c.showWorldAccount(w, r, http.StatusUnprocessableEntity, form, sessionForm{})
	}
	k, err := c.service.CreateAccessKey(r.Context(), callerIn(r.Context()), account.AccessKey{Account: a.ID, User: form.User, Name: form.Name, Note: form.Note})
	if err != nil {
		return err
	}
	return c.showCredentials(w, credentialsPage{
		Account: rowOfAccount(a), Owner: plain(owner), ID: k.ID, Secret: k.Secret, EvaluatorPath: evaluatePath(question{Principal: owner}),
	})
}

// applyDirectory adds and changes a part of who there is.
func (c *Console) applyDirectory(r *http.Request, s account.State) error {
	_, err := c.service.ApplyWorld(r.Context(), callerIn(r.Context()), market.World{Directory: s})
	return err
}

func (c *Console) deactivateKey(w http.ResponseWriter, r *http.Request) error {
	return c.switchKey(w, r, true)
}

func (c *Console) activateKey(w http.ResponseWriter, r *http.Request) error {
	return c.switchKey(w, r, false)
}

// switchKey makes an access key inactive, or active again.
func (c *Console) switchKey(w http.ResponseWriter, r *http.Request, inactive bool) error {
	c.tools.editing.Lock()
	defer c.tools.editing.Unlock()
	dir, err := c.service.DirectoryState(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	id := r.PathValue("key")
	at := slices.IndexFunc(dir.Keys, func(k account.AccessKey) bool { return k.ID == id && k.Account == r.PathValue("id") })
	if at < 0 {
		return &httpError{http.StatusNotFound, "Access key “" + plain(id) + "” does not exist in this account."}
	}
	k := dir.Keys[at]
	notice := map[bool]string{true: "inactive", false: "active"}[inactive]
	if k.Inactive == inactive {
		return &httpError{http.StatusConflict, "Access key " + plain(id) + " is " + notice + " already. Load the account’s page again to see how things stand."}
	}
	if _, err := c.service.SwitchAccessKey(r.Context(), callerIn(r.Context()), id, inactive); err != nil {
		return err
	}
	http.Redirect(w, r, worldAccountPath(k.Account)+"?notice="+notice+"#keys", http.StatusSeeOther)
	return nil
}

var sessionName = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{2,64}$`)

// issueSession makes temporary credentials of a role, and shows them.
func (c *Console) issueSession(w http.ResponseWriter, r *http.Request) error {
	if c.tools.credentials == nil {
		return noPage(w, r)
	}
	if err := parseForm(r); err != nil {
		return err
	}
	dir, err := c.service.DirectoryState(r.Context(), callerIn(r.Context()))
	if err != nil {
		return err
	}
	a, ok := accountIn(dir, r.PathValue("id"))
	if !ok {
		return noAccount(r.PathValue("id"))
	}
	form := sessionForm{Role: r.PostForm.Get("role"), Name: r.PostForm.Get("name"), Life: r.PostForm.Get("life")}
	role := account.Role{Identity: account.Identity{Account: a.ID, Name: form.Role}}.ARN()
	life, known := sessionLives[form.Life]
	switch _, ok := c.tools.credentials.Directory.Role(role); {
	case !ok:
		form.Problem = "This account has no role “" + plain(form.Role) + "”."
	case !sessionName.MatchString(form.Name):
		form.Problem = "The session’s name must be 2 to 64 characters of A–Z, a–z, 0–9 and _+=,.@-"
	case !known:
		form.Problem = "Choose how long the session lives."
	}
	if form.Problem != "" {
		return c.showWorldAccount(w, r, http.StatusUnprocessableEntity, keyForm{}, form)
	}
	s, err := c.tools.credentials.IssueSession(account.SessionInput{RoleARN: role, Name: form.Name, Life: life})
	if err != nil {
		return err
	}
	return c.showCredentials(w, credentialsPage{
		Account: rowOfAccount(a), Owner: plain(s.PrincipalARN), ID: s.AccessKeyID, Secret: s.Secret, Token: s.Token, Expires: momentOf(s.ExpiresAt),
		EvaluatorPath: evaluatePath(question{Principal: s.PrincipalARN}),
	})
}
