package market

import (
	"context"
	"net/url"
	"time"

	"github.com/souk-market/souk/internal/account"
)

// Products lists what is for sale, by code: all of it to the operator, what they sell themselves to sellers, what they may buy to buyers.
func (s *Service) Products(ctx context.Context, c Caller) (list []Product, err error) {
	if err := mayRead(c, anyRight); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		if list, err = tx.Products(); err != nil {
			return err
		}
		list, err = productsFor(tx, c, list)
		return err
	})
	return list, asMarket("list products", err)
}

// Product finds a product and its offers.
func (s *Service) Product(ctx context.Context, c Caller, code string) (p Product, offers []Offer, err error) {
	if err := mayRead(c, anyRight); err != nil {
		return Product{}, nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		var ok bool
		if p, ok, err = tx.Product(code); err != nil {
			return err
		}
		if ok {
			if offers, err = tx.Offers(code); err != nil {
				return err
			}
			offers, ok = seesProduct(c, p, offers)
		}
		if !ok {
			p, offers = Product{}, nil
			return fail(NotFound, "product %q does not exist", code)
		}
		p = forBuyers(c, p)
		return nil
	})
	return p, offers, asMarket("find product", err)
}

// ProductChange is what can be changed of a product in place. Nil means as it is.
type ProductChange struct {
	RegistrationURL *string        // "" goes back to the built-in page
	TokenLife       *time.Duration // 0 goes back to the market's default
	TokenReuse      *TokenReuse    // "" goes back to the market's default
}

// ChangeProduct changes a product. It holds for the next token and the next form.
func (s *Service) ChangeProduct(ctx context.Context, c Caller, code string, change ProductChange) (p Product, err error) {
	if err := operatorOnly(c); err != nil {
		return Product{}, err
	}
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		var ok bool
		if p, ok, err = tx.Product(code); err != nil {
			return err
		}
		if !ok {
			return fail(NotFound, "product %q does not exist", code)
		}
		if change.RegistrationURL != nil {
			p.RegistrationURL = *change.RegistrationURL
		}
		if change.TokenLife != nil {
			p.TokenLife = *change.TokenLife
		}
		if change.TokenReuse != nil {
			p.TokenReuse = *change.TokenReuse
		}
		if reason := validProductSettings(p); reason != "" {
			return fail(Invalid, "%s", reason)
		}
		return tx.PutProduct(p)
	})
	if err == nil || CodeOf(err) == OutcomeUnsure {
		s.forgetAll()
	}
	return p, asMarket("change product", err)
}

func validProductSettings(p Product) string {
	if p.RegistrationURL != "" {
		u, err := url.Parse(p.RegistrationURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || len(p.RegistrationURL) > 2048 {
			return "registration URL must be an absolute http or https URL of at most 2048 characters"
		}
	}
	if p.TokenLife != 0 && (p.TokenLife < time.Second || p.TokenLife > MaxTokenLife || p.TokenLife%time.Second != 0) {
		return "token life must be whole seconds, from 1s to " + MaxTokenLife.String()
	}
	switch p.TokenReuse {
	case "", ReuseReplay, ReuseSingle:
		return ""
	}
	return `token reuse must be "replay" or "single"`
}

// Accounts lists who there is, by id. Whoever is not the operator has their own account there.
func (s *Service) Accounts(ctx context.Context, c Caller) ([]account.Account, error) {
	dir, err := s.DirectoryState(ctx, c)
	return dir.Accounts, err
}

// Account is one account, as this node knows it: it is not looked up in the store. False if there is none of that id. Whoever is not the operator
// knows, beside their own, those that they have to do with, and of those the name.
func (s *Service) Account(ctx context.Context, c Caller, id string) (account.Account, bool, error) {
	if err := mayRead(c, anyRight); err != nil {
		return account.Account{}, false, err
	}
	a, ok := s.directory.Account(id)
	if !ok || c.Operator || id == c.Account {
		return a, ok, nil
	}
	err := s.store.View(ctx, func(tx Tx) (err error) {
		ok, err = knowsAccount(tx, c, id)
		return err
	})
	if err != nil || !ok {
		return account.Account{}, false, asMarket("find account", err)
	}
	return account.Account{ID: a.ID, Name: a.Name, Seller: a.Seller, Buyer: a.Buyer}, true, nil
}

// DirectoryState is everything about accounts, identities and keys, secrets of access keys included. Whoever is not the operator gets their own
// account, what of it they may read, and no secrets.
func (s *Service) DirectoryState(ctx context.Context, c Caller) (dir account.State, err error) {
	if err := mayRead(c, anyRight); err != nil {
		return account.State{}, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		dir, err = tx.Directory()
		dir = directoryFor(c, dir)
		return err
	})
	return dir, asMarket("read directory", err)
}

// Agreements lists agreements in the order in which they were accepted, with the status that they have now.
func (s *Service) Agreements(ctx context.Context, c Caller, f AgreementFilter) (list []Agreement, err error) {
	if err := mayRead(c, ReadAgreements|ReadSubscriptions|ReadUsage); err != nil {
		return nil, err
	}
	now := s.enter(time.Time{})
	defer s.leave()
	if err := s.settled(ctx, now); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		list, err = agreementsFor(tx, c, f, now)
		return err
	})
	return list, asMarket("list agreements", err)
}

// agreementsAt filters by the status that agreements have at an instant, which the store cannot know.
func agreementsAt(tx Tx, f AgreementFilter, now time.Time) ([]Agreement, error) {
	var list []Agreement
	page := f
	page.Status = ""
	if f.Status != "" {
		page.Limit = 1000
	}
	for {
		part, err := tx.Agreements(page)
		if err != nil {
			return nil, err
		}
		for _, a := range part {
			a.Status = a.StatusAt(now)
			if f.Status != "" && a.Status != f.Status {
				continue
			}
			list = append(list, a)
			if f.Limit > 0 && len(list) == f.Limit {
				return list, nil
			}
		}
		if f.Status == "" || len(part) < page.Limit {
			return list, nil
		}
		page.After = part[len(part)-1].ID
	}
}

// Agreement finds an agreement and the customer that its buyer is.
func (s *Service) Agreement(ctx context.Context, c Caller, id string) (a Agreement, customer Customer, err error) {
	if err := mayRead(c, ReadAgreements|ReadSubscriptions); err != nil {
		return Agreement{}, Customer{}, err
	}
	now := s.enter(time.Time{})
	defer s.leave()
	if err := s.settled(ctx, now); err != nil {
		return Agreement{}, Customer{}, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		var ok bool
		if a, ok, err = tx.Agreement(id); err != nil {
			return err
		}
		if !ok || !seesAgreement(c, &a) {
			a = Agreement{}
			return fail(NotFound, "agreement %q does not exist", id)
		}
		a.Status = a.StatusAt(now)
		customer, _, err = tx.Customer(a.Buyer)
		return err
	})
	return a, customer, asMarket("find agreement", err)
}

// Customers lists the buyers that have a CustomerIdentifier, by account.
func (s *Service) Customers(ctx context.Context, c Caller) (list []Customer, err error) {
	if err := operatorOnly(c); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.Customers()
		return err
	})
	return list, asMarket("list customers", err)
}
