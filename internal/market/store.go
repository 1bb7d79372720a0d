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
	// AppendUsage adds usage records, and says in out[i] what became of batch[i]; out is as long as batch. It is an Update of its own, and the one hot
	// write: a store commits the batches of many callers together.
	//
	// Of the records of one identity (Series and Hour), the first that ever came is kept, whoever brought it and in whatever batch: of those in one
	// batch, the one that stands first. The others change nothing, and their Outcome is the one that was kept. So a batch as a whole never fails for what
	// is in it, and can be sent again at will; when AppendUsage returns an error, out means nothing.
	AppendUsage(ctx context.Context, batch []UsageRecord, out []Appended) error
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
	// Versions tell a node that what it keeps in memory is stale.
	Versions() (Versions, error)

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
	// NextDue is the agreement whose DueAt is earliest; of several, the one with the first id. False when nothing ever falls due.
	NextDue() (Agreement, bool, error)
	// AppendEvent adds a line to an agreement's history and gives it the next Seq.
	AppendEvent(Event) error
	Events(EventFilter) ([]Event, error) // by Seq

	// AppendUsage is Store.AppendUsage as a part of this Update.
	AppendUsage(batch []UsageRecord, out []Appended) error
	// Usage lists records by Position. With a Limit, a list of records with large allocations may end before it, though never before the first
	// record: only an empty list is the end.
	Usage(UsageFilter) ([]UsageRecord, error)
	CountUsage(UsageFilter) (int64, error)
	// SumUsage adds up quantities and counts records by the fields given; sums are sorted by those fields, in that order.
	SumUsage(f UsageFilter, by []UsageField) ([]UsageSum, error)
	// UsageBuyers lists the buyers that a product ever had usage of, by id: those after one, and at most limit of them (0: all).
	UsageBuyers(productCode, after string, limit int) ([]string, error)
	// MeteredWays says whether there ever was usage of a buyer and product by product code (Series.LicenseARN == "") and by license. It
	// leaves out records of MeterUsage (those with a Resource).
	MeteredWays(productCode, buyer string) (byCode, byLicense bool, err error)
	// MeteredIn says the same of one hour, for one of the two ways.
	MeteredIn(productCode, buyer string, hour int64, byLicense bool) (bool, error)

	// ClientToken is what became of a MeterUsage call that an account made with an idempotency token.
	ClientToken(account, token string) (ClientToken, bool, error)
	PutClientToken(ClientToken) error
	// ForgetClientTokens drops those whose time is over.
	ForgetClientTokens(now time.Time) (int, error)
	// ClientTokens lists them by account, then token: those that come after one (nil: from the first), and at most limit of them (0: all).
	ClientTokens(after *ClientToken, limit int) ([]ClientToken, error)

	// SigningKeys are the key pairs of RegisterUsage, by Version.
	SigningKeys() ([]SigningKey, error)
	PutSigningKey(SigningKey) error

	// Registration is a workload's first RegisterUsage.
	Registration(productCode, account, resource string) (Registration, bool, error)
	Registrations(productCode string) ([]Registration, error) // by product, account, resource; "" for those of all products
	// RegistrationsAfter lists those of all products, a page at a time, as ClientTokens does.
	RegistrationsAfter(after *Registration, limit int) ([]Registration, error)
	PutRegistration(Registration) error

	TokenKeys() ([]keyring.Key, error) // by creation, then id
	PutTokenKey(keyring.Key) error

	// RedeemToken notes that a single-use token was redeemed, and answers whether this was the first time. The note may be forgotten after
	// forget, when the token has expired anyway.
	RedeemToken(tokenID []byte, forget time.Time) (first bool, err error)
	// ForgetTokens drops the notes whose time is over.
	ForgetTokens(now time.Time) (int, error)
	// RedeemedTokens lists the notes by the token's id, as ClientTokens does.
	RedeemedTokens(after *RedeemedToken, limit int) ([]RedeemedToken, error)

	// Setting keeps small named values of the house (the market clock's offset, the schema's origin).
	Setting(name string) (string, bool, error)
	Settings() ([]Setting, error) // by name
	PutSetting(name, value string) error
	// DropSetting takes a setting away, if it is there.
	DropSetting(name string) error
}

// RedeemedToken notes that a single-use token was redeemed.
type RedeemedToken struct {
	ID       []byte
	ForgetAt time.Time // when the note may go
}

// Setting is a small named value.
type Setting struct {
	Name, Value string
}

// Versions say how far a store has come. Each number grows with every Update that writes what it stands for, and never otherwise.
type Versions struct {
	Directory int64 // accounts, policies, users, roles, access keys
	House     int64 // token keys, signing keys, settings
	Catalog   int64 // products
	Event     int64 // the highest Seq of agreements' history; no agreement changes without a line there
}

// AgreementFilter narrows a list of agreements.
type AgreementFilter struct {
	ProductCode string
	Buyer       string
	Status      Status
	After       string // only agreements after this id, for paging; in list order
	Limit       int    // 0: all
	// ByID lists by id instead, and AfterID takes the place of After: a list that goes on at the same place whatever changes meanwhile.
	ByID    bool
	AfterID string
	// PrecedingID: only those that renew or replace that agreement.
	PrecedingID string
	// EndsAfter: only those that have no end, or end after that time. Zero: all.
	EndsAfter time.Time
}

// EventFilter narrows a list of events.
type EventFilter struct {
	AgreementID string // "": of all
	After       int64  // only events with a greater Seq
	Limit       int    // 0: all
}
