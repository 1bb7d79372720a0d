package market

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
)

// Store keeps a marketplace. It holds no rules: those are in Service.
//
// The contract, which internal/market/storetest decides:
//
//   - View and Update run fn against one consistent state. A View never sees half of an Update.
//   - Update is atomic, and serializable with every other Update: of two that run at once, one sees the other's effect whole.
//   - When Update returns nil, the effect survives power loss. When it returns an error, the effect is absent,
//     unless the error carries the Code OutcomeUnsure.
//   - fn may run more than once (a serialization failure, a group of commits that is undone for another's sake). It therefore has
//     no effect but on its Tx and on results that it overwrites, and it does not keep the Tx.
//   - An error that fn returns comes back as it is, and nothing is kept of what fn did.
//   - fn of a View does not write: a write there is an error.
//   - Strings are compared and sorted by bytes, never by a locale and never without regard to case.
//   - Times are kept to the millisecond, in UTC, and are never taken from the database's clock. The zero time stays the zero time.
//   - A cancelled ctx makes View and Update return its error; an Update that was already handed to the disk may still take effect, and then
//     says OutcomeUnsure.
//   - After Close, everything fails with the Code Unavailable.
type Store interface {
	View(ctx context.Context, fn func(Tx) error) error
	Update(ctx context.Context, fn func(Tx) error) error
	Close() error
}

// Tx reads and writes one state. Its methods are small and typed and decide nothing.
//
// Get methods answer false, nil for what is not there. List methods are sorted by the key named in their comment, by bytes.
// Put methods insert or replace by that key. Whatever is put can be got back equal.
type Tx interface {
	// Directory is everything about who there is: accounts by ID; policies, users, roles by account, then name; keys by ID.
	Directory() (account.State, error)
	Account(id string) (account.Account, bool, error)
	PutAccount(account.Account) error
	PutPolicy(account.Policy) error
	PutUser(account.User) error
	PutRole(account.Role) error
	PutAccessKey(account.AccessKey) error
	// DirectoryVersion grows with every write to the directory, so that a node can tell that its copy is stale.
	DirectoryVersion() (int64, error)

	Product(code string) (Product, bool, error)
	Products() ([]Product, error) // by code
	PutProduct(Product) error

	Offer(id string) (Offer, bool, error)
	Offers(productCode string) ([]Offer, error) // by id; "" for those of all products
	PutOffer(Offer) error

	Customer(accountID string) (Customer, bool, error)
	CustomerByIdentifier(identifier string) (Customer, bool, error)
	Customers() ([]Customer, error) // by account
	PutCustomer(Customer) error

	Agreement(id string) (Agreement, bool, error)
	AgreementByLicense(licenseARN string) (Agreement, bool, error)
	// Agreements in the order in which they were accepted, then by id. Empty fields of the filter match all.
	Agreements(AgreementFilter) ([]Agreement, error)
	PutAgreement(Agreement) error

	TokenKeys() ([]keyring.Key, error) // by creation, then id
	PutTokenKey(keyring.Key) error

	// RedeemToken notes that a single-use token was redeemed, and answers whether this was the first time. The note may be forgotten after
	// forget, when the token has expired anyway.
	RedeemToken(tokenID []byte, forget time.Time) (first bool, err error)
	// ForgetTokens drops the notes whose time is over.
	ForgetTokens(now time.Time) (int, error)

	// Setting keeps small named values of the house (the market clock's offset, the schema's origin).
	Setting(name string) (string, bool, error)
	PutSetting(name, value string) error
}

// AgreementFilter narrows a list of agreements.
type AgreementFilter struct {
	ProductCode string
	Buyer       string
	Status      Status
	After       string // only agreements after this id, for paging; in list order
	Limit       int    // 0: all
}
