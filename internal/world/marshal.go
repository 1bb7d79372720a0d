package world

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// Options of Marshal.
type Options struct {
	// Secrets puts the secrets of access keys into the file. Without it the file can be shown around, and applying it keeps the secrets
	// that there are.
	Secrets bool
	// JSON writes the file as JSON, in one line, for programs. Parse reads that too.
	JSON bool
}

const header = `# A marketplace as one file, written by souk export. To make it so again: souk apply -f FILE
# Applying adds and changes what stands here, and removes nothing.
`

const (
	withSecrets    = "# It holds the secrets of access keys: keep it as they are kept.\n"
	withoutSecrets = "# Secrets of access keys are left out: keys that exist keep theirs, others get new ones.\n"
)

// Marshal writes w as a world file that Parse reads back to the same world. The order is that of w, with offers under their products and
// keys under their owners.
//
// It fails for a world that no file declares: an offer of a product or a key of a user that w does not have, text that is not UTF-8, instants
// outside of the years 1970 to 9999.
func Marshal(w market.World, opt Options) ([]byte, error) {
	m := &marshaler{secrets: opt.Secrets, keys: map[owner][]account.AccessKey{}, offers: map[string][]market.Offer{}}
	for _, k := range w.Directory.Keys {
		o := owner{k.Account, k.User}
		m.keys[o] = append(m.keys[o], k)
	}
	for _, o := range w.Offers {
		m.offers[o.ProductCode] = append(m.offers[o.ProductCode], o)
	}
	sections := []section{
		{"accounts", listOf(w.Directory.Accounts, m.account)},
		{"policies", listOf(w.Directory.Policies, m.policy)},
		{"users", listOf(w.Directory.Users, m.user)},
		{"roles", listOf(w.Directory.Roles, m.role)},
		{"products", listOf(w.Products, m.product)},
		{"customers", listOf(w.Customers, m.customer)},
		{"agreements", listOf(w.Agreements, m.agreement)},
	}
	for o, left := range m.keys {
		return nil, fmt.Errorf("world: marshal: the owner of access key %s, %s, is not in the world", left[0].ID, o)
	}
	for code, left := range m.offers {
		return nil, fmt.Errorf("world: marshal: product %s of offer %s is not in the world", code, left[0].ID)
	}
	if opt.JSON {
		return writeJSON(sections)
	}
	head := header
	switch {
	case len(w.Directory.Keys) == 0:
	case opt.Secrets:
		head += withSecrets
	default:
		head += withoutSecrets
	}
	return writeYAML(head, sections)
}

// owner has access keys: a user, or the root of an account if user is "".
type owner struct{ account, user string }

func (o owner) String() string {
	if o.user == "" {
		return "account " + o.account
	}
	return account.User{Identity: account.Identity{Account: o.account, Name: o.user}}.ARN()
}

// marshaler makes nodes of a world's parts. Keys and offers are taken out of its maps as their owners come by.
type marshaler struct {
	secrets bool
	keys    map[owner][]account.AccessKey
	offers  map[string][]market.Offer
}

func (m *marshaler) account(a account.Account) *yaml.Node {
	return object().text("id", a.ID).textIf("name", a.Name).flagIf("seller", a.Seller).flagIf("buyer", a.Buyer).
		flagIf("suspended", a.Suspended).list("access_keys", m.accessKeys(owner{a.ID, ""})).node()
}

func (m *marshaler) policy(p account.Policy) *yaml.Node {
	return object().text("account", p.Account).text("name", p.Name).put("document", documentNode(p.Document)).node()
}

func (m *marshaler) user(u account.User) *yaml.Node {
	return identityOf(u.Identity).list("access_keys", m.accessKeys(owner{u.Account, u.Name})).node()
}

func (m *marshaler) role(r account.Role) *yaml.Node {
	return identityOf(r.Identity).textIf("workload", string(r.Workload)).textIf("workload_region", r.WorkloadRegion).node()
}

func identityOf(id account.Identity) *objectNode {
	inline := listOf(id.Inline, func(in account.Inline) *yaml.Node {
		return object().text("name", in.Name).put("document", documentNode(in.Document)).node()
	})
	return object().text("account", id.Account).text("name", id.Name).list("policies", inline).
		list("attached", listOf(id.Attached, textNode)).textIf("boundary", id.Boundary)
}

func (m *marshaler) accessKeys(o owner) []*yaml.Node {
	list := listOf(m.keys[o], func(k account.AccessKey) *yaml.Node {
		n := object().text("id", k.ID)
		if m.secrets {
			n.textIf("secret", k.Secret)
		}
		if k.Inactive {
			n.put("active", plainNode("!!bool", "false"))
		}
		return n.textIf("name", k.Name).textIf("note", k.Note).instantIf("created_at", k.CreatedAt).node()
	})
	delete(m.keys, o)
	return list
}

func (m *marshaler) product(p market.Product) *yaml.Node {
	n := object().text("code", p.Code).textIf("id", p.ID).text("seller", p.Seller).textIf("title", p.Title).
		textIf("description", p.Description).text("kind", string(p.Kind)).textIf("registration_url", p.RegistrationURL)
	if p.TokenLife != 0 {
		n.text("token_life", duration(p.TokenLife))
	}
	n.textIf("token_reuse", string(p.TokenReuse))
	n.list("dimensions", listOf(p.Dimensions, func(d market.Dimension) *yaml.Node {
		return object().text("key", d.Key).text("kind", string(d.Kind)).textIf("name", d.Name).textIf("unit", d.Unit).textIf("type", string(d.Type)).
			priceIf(d.Price).node()
	}))
	n.list("offers", listOf(m.offers[p.Code], func(o market.Offer) *yaml.Node {
		return object().textIf("id", o.ID).text("kind", string(o.Kind)).textIf("name", o.Name).textIf("pricing", string(o.Pricing)).
			list("buyers", listOf(o.Buyers, textNode)).numberIf("trial_days", o.TrialDays).numberIf("term_months", o.TermMonths).
			entitlementsIf(o.Entitlements).pricesIf(p.Dimensions, o.Prices).instantIf("created_at", o.CreatedAt).node()
	}))
	delete(m.offers, p.Code)
	return n.instantIf("created_at", p.CreatedAt).node()
}

func (m *marshaler) customer(c market.Customer) *yaml.Node {
	return object().text("account", c.Account).text("identifier", c.Identifier).instantIf("created_at", c.CreatedAt).node()
}

func (m *marshaler) agreement(g market.Agreement) *yaml.Node {
	n := object().textIf("id", g.ID).text("product", g.ProductCode).text("buyer", g.Buyer).textIf("offer", g.OfferID).
		flagIf("free_trial", g.FreeTrial).textIf("status", string(g.Status))
	if g.Intent != market.IntentNew {
		n.textIf("intent", string(g.Intent))
	}
	n.textIf("preceding", g.PrecedingID).textIf("license_arn", g.LicenseARN).
		instantIf("accepted_at", g.AcceptedAt).instantIf("start_at", g.StartAt).instantIf("end_at", g.EndAt).
		numberIf("term_months", g.TermMonths).flagIf("auto_renew", g.AutoRenew)
	if g.SuspendedAt.Equal(market.SuspendedNow()) {
		n.flagIf("suspended", true)
	} else {
		n.instantIf("suspended", g.SuspendedAt)
	}
	return n.entitlementsIf(g.Entitlements).node()
}
