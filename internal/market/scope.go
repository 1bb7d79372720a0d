package market

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
)

// Rights are what a Caller may read who is not the operator: a person of an account, looking at what is that account's. The zero Rights are none.
type Rights uint8

const (
	// ReadProducts reads the products that the account sells, with their offers. So does each of the next two, which would say nothing without.
	ReadProducts Rights = 1 << iota
	// ReadAgreements reads the agreements on them, what happened to those, and what their buyers are called.
	ReadAgreements
	// ReadUsage reads what was metered of them, and the agreements on one of them that it is charged on.
	ReadUsage
	// ReadSubscriptions reads, as a buyer, what is for sale to the account, and its own agreements.
	ReadSubscriptions
	// ReadIdentities reads the account's users, roles and policies, and ReadKeys its access keys, without their secrets.
	ReadIdentities
	ReadKeys
)

// Has reports whether any of some rights is there.
func (r Rights) Has(any Rights) bool { return r&any != 0 }

// mayRead refuses who has none of some rights. What it lets through is not thereby everything: whoever calls it narrows what is read to the caller's
// account, unless the caller is the operator. What is another account's is then not there, as if it did not exist: no answer tells it from what does not.
func mayRead(c Caller, any Rights) error {
	if c.Operator || c.Account != "" && c.Rights.Has(any) {
		return nil
	}
	return fail(Forbidden, "this needs a permission that was not given")
}

// ownCodes are the codes of the products that the caller's account sells, in their order; of one code only that, if it is such a product's.
func ownCodes(tx Tx, c Caller, code string) (codes []string, err error) {
	if code != "" {
		p, ok, err := tx.Product(code)
		if err != nil || !ok || p.Seller != c.Account {
			return nil, err
		}
		return []string{code}, nil
	}
	list, err := tx.Products()
	for _, p := range list {
		if p.Seller == c.Account {
			codes = append(codes, p.Code)
		}
	}
	return codes, err
}

// seesProduct reports whether the caller sees a product, and which of its offers: a seller all of its own, a buyer those that it may accept.
func seesProduct(c Caller, p Product, offers []Offer) (seen []Offer, ok bool) {
	if c.Operator || c.Rights.Has(ReadProducts|ReadAgreements|ReadUsage) && p.Seller == c.Account {
		return offers, true
	}
	if !c.Rights.Has(ReadSubscriptions) {
		return nil, false
	}
	for _, o := range offers {
		if o.Kind == PrivateOffer && !slices.Contains(o.Buyers, c.Account) {
			continue
		}
		if o.Buyers != nil {
			o.Buyers = []string{c.Account} // who else may is not its business
		}
		seen = append(seen, o)
	}
	return seen, len(seen) > 0
}

// forBuyers is a product as buyers see it: without what is between its seller and the house.
func forBuyers(c Caller, p Product) Product {
	if !c.Operator && p.Seller != c.Account {
		p.TokenLife, p.TokenReuse, p.RegistrationURL = 0, "", ""
	}
	return p
}

// productsFor narrows a list of products.
func productsFor(tx Tx, c Caller, list []Product) (seen []Product, err error) {
	if c.Operator {
		return list, nil
	}
	offers := map[string][]Offer{}
	if c.Rights.Has(ReadSubscriptions) {
		all, err := tx.Offers("")
		if err != nil {
			return nil, err
		}
		for _, o := range all {
			offers[o.ProductCode] = append(offers[o.ProductCode], o)
		}
	}
	for _, p := range list {
		if _, ok := seesProduct(c, p, offers[p.Code]); ok {
			seen = append(seen, forBuyers(c, p))
		}
	}
	return seen, nil
}

// seesAgreement reports whether the caller's account is a party to an agreement, and may read it as that.
func seesAgreement(c Caller, a *Agreement) bool {
	return c.Operator || c.Rights.Has(ReadAgreements) && a.Seller == c.Account || c.Rights.Has(ReadSubscriptions) && a.Buyer == c.Account
}

// agreementsFor lists the agreements that the caller may read. Asked for those of its own account as a buyer, it lists those; otherwise, those on
// the products that it sells.
func agreementsFor(tx Tx, c Caller, f AgreementFilter, now time.Time) ([]Agreement, error) {
	if c.Operator {
		return agreementsAt(tx, f, now)
	}
	if f.After != "" { // the place of another's agreement in the list is no place
		if a, ok, err := tx.Agreement(f.After); err != nil || !ok || !seesAgreement(c, &a) {
			return nil, err
		}
	}
	if c.Rights.Has(ReadSubscriptions) && (f.Buyer == c.Account || f.Buyer == "" && !c.Rights.Has(ReadAgreements)) {
		f.Buyer = c.Account
		return agreementsAt(tx, f, now)
	}
	if !c.Rights.Has(ReadAgreements) && (!c.Rights.Has(ReadUsage) || f.ProductCode == "") {
		return nil, nil
	}
	codes, err := ownCodes(tx, c, f.ProductCode)
	if err != nil {
		return nil, err
	}
	var list []Agreement
	for _, f.ProductCode = range codes {
		part, err := agreementsAt(tx, f, now)
		if err != nil {
			return nil, err
		}
		list = append(list, part...)
	}
	if len(codes) > 1 {
		slices.SortFunc(list, func(a, b Agreement) int {
			if f.ByID {
				return strings.Compare(a.ID, b.ID)
			}
			return cmp.Or(a.AcceptedAt.Compare(b.AcceptedAt), strings.Compare(a.ID, b.ID))
		})
	}
	if f.Limit > 0 && len(list) > f.Limit {
		list = list[:f.Limit]
	}
	return list, nil
}

// directoryFor is the caller's own account, without secrets.
func directoryFor(c Caller, dir account.State) account.State {
	if c.Operator {
		return dir
	}
	own := account.State{}
	for _, a := range dir.Accounts {
		if a.ID == c.Account {
			own.Accounts = append(own.Accounts, a)
		}
	}
	if c.Rights.Has(ReadIdentities) {
		own.Policies = slices.DeleteFunc(slices.Clone(dir.Policies), func(p account.Policy) bool { return p.Account != c.Account })
		own.Users = slices.DeleteFunc(slices.Clone(dir.Users), func(u account.User) bool { return u.Account != c.Account })
		own.Roles = slices.DeleteFunc(slices.Clone(dir.Roles), func(r account.Role) bool { return r.Account != c.Account })
	}
	if c.Rights.Has(ReadKeys) {
		for _, k := range dir.Keys {
			if k.Account == c.Account {
				k.Secret = ""
				own.Keys = append(own.Keys, k)
			}
		}
	}
	return own
}

// anyRight is for what everybody may read of their own account.
const anyRight = ^Rights(0)
