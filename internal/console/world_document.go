package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/iam"
)

// document is a policy, with where it lives.
type document struct {
	of, inline string // its address
	name       string
	account    string // "" for AWS's
	text       string
	write      func(text string) account.State // the directory's part that has to be applied for another text; nil for AWS's, which cannot be changed
}

// documentIn finds a policy by its address. in is an account that a name which is no ARN belongs to.
func documentIn(dir account.State, of, inline, in string) (document, bool) {
	if inline != "" {
		return inlineIn(dir, of, inline)
	}
	for _, p := range dir.Policies {
		if p.ARN() == of || p.Account == in && p.Name == of {
			write := func(text string) account.State {
				p.Document = text
				return account.State{Policies: []account.Policy{p}}
			}
			return document{of: p.ARN(), name: p.Name, account: p.Account, text: p.Document, write: write}, true
		}
	}
	attached, text, ok := iam.Managed(of)
	if !ok {
		return document{}, false
	}
	return document{of: attached.Name, name: strings.TrimPrefix(attached.Name, "arn:aws:iam::aws:policy/"), text: string(text)}, true
}

func inlineIn(dir account.State, of, inline string) (document, bool) {
	find := func(id account.Identity, state func(account.Identity) account.State) (document, bool) {
		at := slices.IndexFunc(id.Inline, func(in account.Inline) bool { return in.Name == inline })
		if at < 0 {
			return document{}, false
		}
		write := func(text string) account.State {
			id.Inline = slices.Clone(id.Inline)
			id.Inline[at].Document = text
			return state(id)
		}
		return document{of: of, inline: inline, name: inline, account: id.Account, text: id.Inline[at].Document, write: write}, true
	}
	for _, u := range dir.Users {
		if u.ARN() == of {
			return find(u.Identity, func(id account.Identity) account.State {
				return account.State{Users: []account.User{{Identity: id}}}
			})
		}
	}
	for _, role := range dir.Roles {
		if role.ARN() == of {
			return find(role.Identity, func(id account.Identity) account.State {
				role.Identity = id
				return account.State{Roles: []account.Role{role}}
			})
		}
	}
	return document{}, false
}

// pretty lays a JSON document out; what is none stays as it is.
func pretty(doc []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(doc), "", "  "); err != nil {
		return string(doc)
	}
	return b.String()
}

// digest tells one document from another.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// statements is how many a document has, in words.
func statements(doc string) string {
	p, err := iam.Parse([]byte(doc))
	if err != nil { // unreachable: none is stored that does not parse
		return fmt.Sprint(err)
	}
	return strconv.Itoa(p.Statements())
}
