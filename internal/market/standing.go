package market

import (
	"context"
	"sync"
	"sync/atomic"
)

// What the hot operations ask of the store again and again is kept in memory: products, who a CustomerIdentifier is, and how buyers stand with
// products. It is read through: what is not there is read from the store, and every change on this node forgets what it touched, after it was
// committed and before the change's caller is answered. So an act that begins after a change was acknowledged sees the change.

// maxRemembered bounds each of the maps below. When one is full all are emptied: they fill again by themselves.
const maxRemembered = 100_000

// productEntry is a product as the hot operations want it. It is never changed.
type productEntry struct {
	Product
	dimensions map[string]*Dimension
}

// dimension is the product's dimension of that key; nil if there is none. Keys are compared byte by byte.
func (p *productEntry) dimension(key []byte) *Dimension { return p.dimensions[string(key)] }

// standing is how a buyer stands with a product: all agreements that there ever were, in the order in which they were accepted. It is never changed but for
// the marks.
type standing struct {
	product    *productEntry
	buyer      string
	identifier string // CustomerIdentifier
	agreements []Agreement
	// byCode and byLicense mark that there is usage that was metered that way.
	byCode, byLicense atomic.Bool
}

// license is the agreement of that license; nil if it is not among them.
func (st *standing) license(arn []byte) *Agreement {
	for i := range st.agreements {
		if st.agreements[i].LicenseARN == string(arn) {
			return &st.agreements[i]
		}
	}
	return nil
}

type standingKey struct{ product, buyer string }

// memory is what was read. Its zero value is empty.
type memory struct {
	mu        sync.RWMutex
	changes   uint64 // grows with everything forgotten: what was read before it is not kept
	products  map[string]*productEntry
	customers map[string]string // account by CustomerIdentifier
	licenses  map[string]standingKey
	standings map[standingKey]*standing
}

// forget drops how a buyer stands with a product: its agreements were changed.
func (s *Service) forget(productCode, buyer string) {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	delete(m.standings, standingKey{productCode, buyer}) // its licenses lead to the key still, and so to what is read next
}

// forgetAll drops everything: a product, a customer, or anything at all was changed.
func (s *Service) forgetAll() {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	m.products, m.customers, m.licenses, m.standings = nil, nil, nil, nil
}

// keep puts what was read when changes were at since into a map, unless something was changed meanwhile.
func keep[K comparable, V any](m *memory, since uint64, where *map[K]V, key K, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changes != since {
		return
	}
	if *where == nil || len(*where) >= maxRemembered {
		*where = make(map[K]V)
	}
	(*where)[key] = v
}

// productByCode is nil, nil for a product that does not exist.
func (s *Service) productByCode(ctx context.Context, code []byte) (*productEntry, error) {
	m := &s.memory
	m.mu.RLock()
	p, since := m.products[string(code)], m.changes
	m.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	err := s.store.View(ctx, func(tx Tx) (err error) {
		p, err = readProduct(tx, string(code))
		return err
	})
	if err == nil && p != nil {
		keep(m, since, &m.products, p.Code, p)
	}
	return p, err
}

func readProduct(tx Tx, code string) (*productEntry, error) {
	product, ok, err := tx.Product(code)
	if err != nil || !ok {
		return nil, err
	}
	p := &productEntry{Product: product, dimensions: make(map[string]*Dimension, len(product.Dimensions))}
	for i := range p.Dimensions {
		p.dimensions[p.Dimensions[i].Key] = &p.Dimensions[i]
	}
	return p, nil
}

// customerAccount is the account of a CustomerIdentifier.
func (s *Service) customerAccount(ctx context.Context, identifier []byte) (account string, ok bool, err error) {
	m := &s.memory
	m.mu.RLock()
	account, ok = m.customers[string(identifier)]
	since := m.changes
	m.mu.RUnlock()
	if ok {
		return account, true, nil
	}
	err = s.store.View(ctx, func(tx Tx) error {
		c, found, err := tx.CustomerByIdentifier(string(identifier))
		account, ok = c.Account, found
		return err
	})
	if err == nil && ok {
		keep(m, since, &m.customers, string(identifier), account)
	}
	return account, ok && err == nil, err
}

// standingOf is how a buyer stands with a product; nil, nil if that does not exist. A buyer who never bought stands without agreements, and so
// does one who does not exist.
func (s *Service) standingOf(ctx context.Context, productCode, buyer string) (*standing, error) {
	m := &s.memory
	key := standingKey{productCode, buyer}
	m.mu.RLock()
	st, since := m.standings[key], m.changes
	m.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	err := s.store.View(ctx, func(tx Tx) (err error) {
		st, err = readStanding(tx, key)
		return err
	})
	if err == nil && st != nil && len(st.agreements) > 0 { // the others a stranger could make up without end
		keep(m, since, &m.standings, standingKey{st.product.Code, st.buyer}, st)
	}
	return st, err
}

// standingFor is standingOf for a buyer who is named by bytes: found in memory, it makes no string of them.
func (s *Service) standingFor(ctx context.Context, productCode string, buyer []byte) (*standing, error) {
	m := &s.memory
	m.mu.RLock()
	st := m.standings[standingKey{productCode, string(buyer)}]
	m.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	return s.standingOf(ctx, productCode, string(buyer))
}

func readStanding(tx Tx, key standingKey) (*standing, error) {
	product, err := readProduct(tx, key.product)
	if err != nil || product == nil {
		return nil, err
	}
	st := &standing{product: product, buyer: key.buyer}
	c, _, err := tx.Customer(key.buyer)
	if err != nil {
		return nil, err
	}
	st.identifier = c.Identifier
	if st.agreements, err = tx.Agreements(AgreementFilter{ProductCode: key.product, Buyer: key.buyer}); err != nil {
		return nil, err
	}
	byCode, byLicense, err := tx.MeteredWays(key.product, key.buyer)
	st.byCode.Store(byCode)
	st.byLicense.Store(byLicense)
	return st, err
}

// licensee is how the holder of a license stands with its product, and the license's agreement; nil, nil, nil if there is no such license.
func (s *Service) licensee(ctx context.Context, arn []byte) (*standing, *Agreement, error) {
	m := &s.memory
	m.mu.RLock()
	key, known := m.licenses[string(arn)]
	st, since := m.standings[key], m.changes
	m.mu.RUnlock()
	if !known {
		var a Agreement
		err := s.store.View(ctx, func(tx Tx) (err error) {
			a, known, err = tx.AgreementByLicense(string(arn))
			return err
		})
		if err != nil || !known {
			return nil, nil, err
		}
		key = standingKey{a.ProductCode, a.Buyer}
		keep(m, since, &m.licenses, a.LicenseARN, key)
	}
	if st == nil {
		var err error
		if st, err = s.standingOf(ctx, key.product, key.buyer); err != nil || st == nil {
			return nil, nil, err
		}
	}
	if a := st.license(arn); a != nil {
		return st, a, nil
	}
	return nil, nil, nil
}
