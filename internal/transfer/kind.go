package transfer

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

// How many rows go across in one Update of the target. Usage records go in together; of everything else, each row is a statement or two, which an Update on
// PostgreSQL has ten seconds for, however far away that is.
const (
	usageBatch = 5000
	rowBatch   = 200
)

const usageKind = "usage records"

// kind is a kind of rows, and how they go across.
type kind struct {
	name string // in the plural
	// count is how many there are; -1 where that is not known before they are read.
	count func(market.Tx) (int64, error)
	// pages are the rows after a place (nil: all), in an order that does not change. No page is empty.
	pages func(tx market.Tx, after json.RawMessage) iter.Seq2[page, error]
	// public is a sum of the rows without what is secret in them, of kinds that are short; nil for the others.
	public func(market.Tx) (sum, error)
}

// page is some rows of a kind.
type page struct {
	rows int64
	last json.RawMessage // the place after which the next page begins
	put  func(market.Tx) error
	add  func(*sum)
}

// kinds are everything that is in a store, in the order in which it is copied.
func kinds() []kind {
	return []kind{
		directory("accounts", func(s *account.State) []account.Account { return s.Accounts }, market.Tx.PutAccount, nil),
		directory("policies", func(s *account.State) []account.Policy { return s.Policies }, market.Tx.PutPolicy, nil),
		directory("users", func(s *account.State) []account.User { return s.Users }, market.Tx.PutUser, nil),
		directory("roles", func(s *account.State) []account.Role { return s.Roles }, market.Tx.PutRole, nil),
		directory("access keys", func(s *account.State) []account.AccessKey { return s.Keys }, market.Tx.PutAccessKey,
			func(k *account.AccessKey) { k.Secret = "" }),
		listed("token keys", market.Tx.TokenKeys, market.Tx.PutTokenKey, func(k *keyring.Key) { k.Secret = [32]byte{} }),
		listed("signing keys", market.Tx.SigningKeys, market.Tx.PutSigningKey, func(k *market.SigningKey) { k.Private = nil }),
		listed("products", market.Tx.Products, market.Tx.PutProduct, nil),
		listed("offers", func(tx market.Tx) ([]market.Offer, error) { return tx.Offers("") }, market.Tx.PutOffer, nil),
		listed("customers", market.Tx.Customers, market.Tx.PutCustomer, nil),
		listed("settings", settings, func(tx market.Tx, s market.Setting) error { return tx.PutSetting(s.Name, s.Value) }, nil),
		table[market.Agreement, string]{name: "agreements", list: agreements, key: agreementKey, put: each(market.Tx.PutAgreement)}.kind(),
		table[market.Event, int64]{name: "events", list: events, key: eventKey, put: putEvents, count: lastEvent}.kind(),
		table[market.Registration, key3]{name: "registrations", list: registrations, key: registrationKey, put: each(market.Tx.PutRegistration)}.kind(),
		table[market.ClientToken, key2]{name: "client tokens", list: clientTokens, key: clientTokenKey, put: each(market.Tx.PutClientToken)}.kind(),
		table[market.RedeemedToken, []byte]{name: "redeemed tokens", list: redeemed, key: redeemedKey, put: each(putRedeemed)}.kind(),
		table[market.UsageRecord, int64]{name: usageKind, list: usage, key: usageKey, put: putUsage, count: countUsage, batch: usageBatch, own: ownUsage}.kind(),
	}
}

// listed is a kind of which there is only a list of all. A place in it is how many rows come before. hide, if not nil, takes the secrets out of a row.
func listed[T any](name string, list func(market.Tx) ([]T, error), put func(market.Tx, T) error, hide func(*T)) kind {
	return kind{
		name: name,
		count: func(tx market.Tx) (int64, error) {
			rows, err := list(tx)
			return int64(len(rows)), err
		},
		pages: func(tx market.Tx, after json.RawMessage) iter.Seq2[page, error] {
			return func(yield func(page, error) bool) {
				var at int
				rows, err := list(tx)
				if err == nil && after != nil {
					err = json.Unmarshal(after, &at)
				}
				if err == nil && (at < 0 || at > len(rows)) {
					err = fmt.Errorf("there is no place %d among %d", at, len(rows))
				}
				if err != nil {
					yield(page{}, err)
					return
				}
				for at < len(rows) {
					part := rows[at:min(at+rowBatch, len(rows))]
					at += len(part)
					if !yield(newPage(part, at, each(put), nil)) {
						return
					}
				}
			}
		},
		public: func(tx market.Tx) (s sum, err error) {
			rows, err := list(tx)
			for i := range rows {
				if hide != nil {
					hide(&rows[i])
				}
				addRow(&s, &rows[i])
			}
			return s, err
		},
	}
}

// directory is a kind that Tx.Directory lists.
func directory[T any](name string, part func(*account.State) []T, put func(market.Tx, T) error, hide func(*T)) kind {
	return listed(name, func(tx market.Tx) ([]T, error) {
		s, err := tx.Directory()
		return part(&s), err
	}, put, hide)
}

// table is a kind of which there may be too many to hold. A place in it is the key of a row.
type table[T, K any] struct {
	name  string
	batch int // 0: rowBatch
	list  func(tx market.Tx, after *K, limit int) ([]T, error)
	key   func(*T) K
	put   func(market.Tx, []T) error
	count func(market.Tx) (int64, error) // nil: nobody knows
	own   func(*T)                       // takes out of a row what is each store's own; nil: nothing is
}

func (t table[T, K]) kind() kind {
	if t.batch == 0 {
		t.batch = rowBatch
	}
	if t.count == nil {
		t.count = func(market.Tx) (int64, error) { return -1, nil }
	}
	return kind{name: t.name, count: t.count, pages: t.pages}
}

func (t table[T, K]) pages(tx market.Tx, after json.RawMessage) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		var last *K
		if after != nil {
			last = new(K)
			if err := json.Unmarshal(after, last); err != nil {
				yield(page{}, err)
				return
			}
		}
		for {
			rows, err := t.list(tx, last, t.batch)
			if err != nil {
				yield(page{}, err)
				return
			}
			if len(rows) == 0 {
				return
			}
			next := t.key(&rows[len(rows)-1])
			last = &next
			if !yield(newPage(rows, next, t.put, t.own)) {
				return
			}
		}
	}
}

func newPage[T, K any](rows []T, last K, put func(market.Tx, []T) error, own func(*T)) (page, error) {
	place, err := json.Marshal(last)
	return page{
		rows: int64(len(rows)), last: place,
		put: func(tx market.Tx) error { return put(tx, rows) },
		add: func(s *sum) {
			var row T
			for i := range rows {
				if row = rows[i]; own != nil {
					own(&row)
				}
				addRow(s, &row)
			}
		},
	}, err
}

// each puts rows one by one.
func each[T any](put func(market.Tx, T) error) func(market.Tx, []T) error {
	return func(tx market.Tx, rows []T) error {
		for _, row := range rows {
			if err := put(tx, row); err != nil {
				return err
			}
		}
		return nil
	}
}

// settings are those of the house. Some are the store's own: what its schema is, and the marker.
func settings(tx market.Tx) (house []market.Setting, err error) {
	all, err := tx.Settings()
	for _, s := range all {
		if s.Name != markerSetting && !strings.HasPrefix(s.Name, "schema.") {
			house = append(house, s)
		}
	}
	return house, err
}
