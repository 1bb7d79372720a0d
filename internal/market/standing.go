package market

import (
	"context"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
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
// the marks and the numbers.
//
// A batch is of as many buyers as it has records, and seldom of any that was met just before: what costs is memory that is not in the CPU's cache. So what a
// record needs stands together.
type standing struct {
	product *productEntry
	buyer   string
	open    span // of one of the agreements
	// byCode and byLicense mark that there is usage that was metered that way.
	byCode, byLicense atomic.Bool
	numbers           atomic.Pointer[seriesNumber]
	identifier        string // CustomerIdentifier
	agreements        []Agreement
}

// span is when usage of an agreement is taken, for the usual one: active, not suspended, not ended. In nanoseconds since 1970; zero where that does not hold.
type span struct{ from, until int64 }

func spanOf(a *Agreement) span {
	switch {
	case a.Status != Active, !a.SuspendedAt.IsZero(), !inSpans(a.StartAt), !a.EndAt.IsZero() && a.EndAt.Before(a.StartAt):
		return span{}
	}
	s := span{a.StartAt.UnixNano(), math.MaxInt64}
	if !a.EndAt.IsZero() && a.EndAt.Unix() < lastOfSpans {
		s.until = a.EndAt.Add(FinalHourLength).UnixNano()
	}
	return s
}

// lastOfSpans is before the end of what nanoseconds in 64 bits can say: 2262. Whatever ends later does not end, to a span.
const lastOfSpans = 9_200_000_000

func inSpans(at time.Time) bool { return at.Unix() >= 0 && at.Unix() <= lastOfSpans }

// takes is TakesUsage and covers in one. False says nothing.
func (s span) takes(now, at time.Time) bool {
	if s.until == 0 || !inSpans(now) || !inSpans(at) {
		return false
	}
	n, t := now.UnixNano(), at.UnixNano()
	return n >= s.from && n < s.until && t >= s.from-s.from%int64(time.Second) && t <= s.until
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

// seriesNumber is where the store keeps its number of a Series that a standing's usage is of. They are a list, the latest first; each fills a cache line.
type seriesNumber struct {
	next      *seriesNumber
	agreement *Agreement // one of the standing's; nil: by product code
	number    atomic.Int64
	region    string
	dimension string
}

// maxNumbers bounds the list: to go through a longer one costs more than what the store does without.
const maxNumbers = 16

// number is the place for a Series' number; nil: there is none.
func (st *standing) number(region, dimension string, a *Agreement) *atomic.Int64 {
	var made *seriesNumber
	for {
		first, length := st.numbers.Load(), 0
		for n := first; n != nil; n = n.next {
			if n.agreement == a && n.dimension == dimension && n.region == region {
				return &n.number
			}
			length++
		}
		if length >= maxNumbers {
			return nil
		}
		if made == nil {
			made = &seriesNumber{agreement: a, region: region, dimension: dimension}
		}
		made.next = first
		if st.numbers.CompareAndSwap(first, made) {
			return &made.number
		}
	}
}

type standingKey struct{ product, buyer string }

// memory is what was read. Its zero value is empty.
type memory struct {
	mu        sync.RWMutex
	changes   uint64 // grows with everything forgotten: what was read before it is not kept
	products  map[string]*productEntry
	customers map[string]string // account by CustomerIdentifier
	licenses  map[string]standingKey
	standings map[string]map[uint64]*standing // by product code, and the buyer's account as a number
	stood     int                             // how many standings there are
	regions   map[string]string               // those that calls came for, each in memory of its own
}

// maxRegions is more than AWS has.
const maxRegions = 128

// region is a Region's name in memory of its own: what is kept must not hold on to a request's. "" where calls came for more of them than there are.
func (s *Service) region(name string) string {
	m := &s.memory
	m.mu.RLock()
	own, ok := m.regions[name]
	m.mu.RUnlock()
	if ok {
		return own
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.regions == nil {
		m.regions = map[string]string{}
	}
	if len(m.regions) >= maxRegions {
		return ""
	}
	own = strings.Clone(name)
	m.regions[own] = own
	return own
}

// standing finds how a buyer stands with a product; nil if that is not known. The caller holds mu.
func (m *memory) standing(productCode, buyer string) *standing {
	return standingIn(m.standings[productCode], buyer)
}

func standingIn[T string | []byte](of map[uint64]*standing, buyer T) *standing {
	number, ok := buyerNumber(buyer)
	if !ok {
		return nil
	}
	return of[number]
}

// buyerNumber reads an account.
func buyerNumber[T string | []byte](account T) (number uint64, ok bool) {
	if len(account) != 12 {
		return 0, false
	}
	for _, c := range []byte(account) {
		if c < '0' || c > '9' {
			return 0, false
		}
		number = number*10 + uint64(c-'0')
	}
	return number, true
}

// keepStanding is keep for standings.
func (m *memory) keepStanding(since uint64, st *standing) {
	number, ok := buyerNumber(st.buyer)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changes != since || !ok {
		return
	}
	if m.stood >= maxRemembered {
		m.standings, m.stood = nil, 0
	}
	if m.standings == nil {
		m.standings = make(map[string]map[uint64]*standing)
	}
	of := m.standings[st.product.Code]
	if of == nil {
		of = make(map[uint64]*standing)
		m.standings[st.product.Code] = of
	}
	if of[number] == nil {
		m.stood++
	}
	of[number] = st
}

// forget drops how a buyer stands with a product: its agreements were changed.
func (s *Service) forget(productCode, buyer string) {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	number, _ := buyerNumber(buyer)
	if of := m.standings[productCode]; of[number] != nil { // its licenses lead to the key still, and so to what is read next
		delete(of, number)
		m.stood--
	}
}

// forgetAll drops everything: a product, a customer, or anything at all was changed.
func (s *Service) forgetAll() {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes++
	m.products, m.customers, m.licenses, m.standings, m.stood = nil, nil, nil, nil, 0
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
	m.mu.RLock()
	st, since := m.standing(productCode, buyer), m.changes
	m.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	err := s.store.View(ctx, func(tx Tx) (err error) {
		st, err = readStanding(tx, standingKey{productCode, buyer})
		return err
	})
	if err == nil && st != nil && len(st.agreements) > 0 { // the others a stranger could make up without end
		m.keepStanding(since, st)
	}
	return st, err
}

// standingsFor finds in memory how the buyers of records, who are named by their accounts, stand with a product; nil where that is not known.
func (s *Service) standingsFor(productCode string, records []UsageInput, found []*standing) []*standing {
	m := &s.memory
	m.mu.RLock()
	defer m.mu.RUnlock()
	of := m.standings[productCode]
	for i := range records {
		found = append(found, standingIn(of, records[i].CustomerAWSAccountID))
	}
	return found
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
	for i := range st.agreements {
		if s := spanOf(&st.agreements[i]); s != (span{}) {
			st.open = s
		}
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
	st, since := m.standing(key.product, key.buyer), m.changes
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
