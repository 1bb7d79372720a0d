package market

import (
	"context"
	"fmt"

	"github.com/souk-market/souk/internal/account"
)

// Check re-derives every invariant of the stored state and lists what does not hold. An empty list is a sound store.
func (s *Service) Check(ctx context.Context, c Caller) ([]Problem, error) {
	if err := operatorOnly(c); err != nil {
		return nil, err
	}
	return CheckStore(ctx, s.store)
}

// CheckStore is Check without a Service: for a store whose directory may not even compile.
func CheckStore(ctx context.Context, store Store) (problems []Problem, err error) {
	err = store.View(ctx, func(tx Tx) (err error) {
		problems, err = CheckTx(tx)
		return err
	})
	return problems, asMarket("check", err)
}

// CheckTx checks the state that one transaction sees.
func CheckTx(tx Tx) ([]Problem, error) {
	k := &checker{tx: tx}
	err := k.run()
	return k.problems, err
}

type checker struct {
	tx       Tx
	problems []Problem
	accounts map[string]account.Account
	products map[string]Product
	offers   map[string]Offer
	known    map[string]*Agreement
}

func (k *checker) problem(path, format string, args ...any) {
	k.problems = append(k.problems, Problem{Path: path, Reason: fmt.Sprintf(format, args...)})
}

func (k *checker) run() error {
	for _, step := range []func() error{k.directory, k.catalog, k.customers, k.agreements, k.events, k.usage, k.keys} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (k *checker) directory() error {
	dir, err := k.tx.Directory()
	if err != nil {
		return err
	}
	k.accounts = make(map[string]account.Account, len(dir.Accounts))
	for _, a := range dir.Accounts {
		k.accounts[a.ID] = a
		if !account.ValidID(a.ID) {
			k.problem("account "+a.ID, "its id is not twelve digits")
		}
	}
	// Compiling finds policies that do not parse, attachments and keys that lead nowhere.
	if err := new(account.Directory).Replace(dir); err != nil {
		k.problem("directory", "%v", err)
	}
	for _, u := range dir.Users {
		k.mustExist("user "+u.ARN(), u.Account)
	}
	for _, r := range dir.Roles {
		k.mustExist("role "+r.ARN(), r.Account)
	}
	return nil
}

func (k *checker) mustExist(path, accountID string) {
	if _, ok := k.accounts[accountID]; !ok {
		k.problem(path, "account %q does not exist", accountID)
	}
}

func (k *checker) catalog() error {
	products, err := k.tx.Products()
	if err != nil {
		return err
	}
	k.products = make(map[string]Product, len(products))
	ids := map[string]string{}
	for _, p := range products {
		k.products[p.Code] = p
		path := "product " + p.Code
		k.mustExist(path, p.Seller)
		if other, ok := ids[p.ID]; ok {
			k.problem(path, "shares its id %s with product %s", p.ID, other)
		}
		ids[p.ID] = p.Code
		if reason := validProductSettings(p); reason != "" {
			k.problem(path, "%s", reason)
		}
		for _, d := range p.Dimensions {
			if reason := d.Price.Flaw(); reason != "" {
				k.problem(path, "the price of dimension %q %s", d.Key, reason)
			}
		}
	}
	offers, err := k.tx.Offers("")
	if err != nil {
		return err
	}
	k.offers = make(map[string]Offer, len(offers))
	for _, o := range offers {
		k.offers[o.ID] = o
		p, ok := k.products[o.ProductCode]
		if !ok {
			k.problem("offer "+o.ID, "product %q does not exist", o.ProductCode)
			continue
		}
		for _, f := range p.flaws(o) {
			k.problem("offer "+o.ID+f.Path, "%s", f.Reason)
		}
		for _, buyer := range o.Buyers {
			k.mustExist("offer "+o.ID, buyer)
		}
	}
	return nil
}

func (k *checker) customers() error {
	list, err := k.tx.Customers()
	if err != nil {
		return err
	}
	seen := map[string]string{}
	for _, c := range list {
		k.mustExist("customer "+c.Account, c.Account)
		if c.Identifier == "" {
			k.problem("customer "+c.Account, "has no CustomerIdentifier")
		}
		if other, ok := seen[c.Identifier]; ok {
			k.problem("customer "+c.Account, "shares its CustomerIdentifier with account %s", other)
		}
		seen[c.Identifier] = c.Account
	}
	return nil
}

func (k *checker) keys() error {
	keys, err := k.tx.TokenKeys()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, key := range keys {
		if seen[key.ID.String()] {
			k.problem("token key "+key.ID.String(), "stands twice")
		}
		seen[key.ID.String()] = true
	}
	return nil
}
