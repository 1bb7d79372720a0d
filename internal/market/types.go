package market

import (
	"time"

	"github.com/souk-market/souk/internal/account"
)

// Caller is who acts. Faces make it; Service checks it.
type Caller struct {
	Account string // the account whose credentials signed
	ARN     string // the principal, for records
	Region  string // the Region of the signature's scope
	// Now is the market's time of the call, where the face has read it already; the zero time has Service read it.
	Now time.Time
	// Operator is set by the control listener and the wiring: the house itself, which may do everything there.
	Operator bool
}

// Operator is the house itself.
func Operator() Caller { return Caller{ARN: "souk:operator", Operator: true} }

// ProductKind says how agreements of a product work.
type ProductKind string

const (
	// Legacy products have one agreement a buyer and are resolved to a CustomerIdentifier.
	Legacy ProductKind = "legacy"
	// ConcurrentAgreements products (mandatory at AWS for those created since 2026-06-01) have any number, told apart by LicenseArn.
	ConcurrentAgreements ProductKind = "concurrent-agreements"
)

// TokenReuse says what a second redemption of a token does.
type TokenReuse string

const (
	// ReuseReplay gives the same answer until the token expires (the onboarding page's rule, and the default).
	ReuseReplay TokenReuse = "replay"
	// ReuseSingle refuses the second redemption with ExpiredTokenException (the API page's wording).
	ReuseSingle TokenReuse = "single"
)

// DimensionKind says what a dimension counts.
type DimensionKind string

const (
	Metered  DimensionKind = "metered"  // usage, reported by BatchMeterUsage
	Entitled DimensionKind = "entitled" // bought up front, read by GetEntitlements
)

// Product is a SaaS listing.
type Product struct {
	Code        string // 25 characters of base36 when minted here
	ID          string // prod-…
	Seller      string // account that published it
	Title       string
	Description string
	Kind        ProductKind
	// RegistrationURL is where buyers' browsers post the token; "" means the built-in registration page, where this Souk has one.
	RegistrationURL string
	TokenLife       time.Duration // 0: the market's default
	TokenReuse      TokenReuse    // "": the market's default
	Dimensions      []Dimension
	CreatedAt       time.Time
}

// Dimension is something a product charges for.
type Dimension struct {
	Key  string        `json:"key"`
	Kind DimensionKind `json:"kind"`
	Name string        `json:"name,omitempty"`
	Unit string        `json:"unit,omitempty"`
}

// OfferKind says on what footing an offer is made.
type OfferKind string

const (
	PublicOffer    OfferKind = "public"
	FreeTrialOffer OfferKind = "free-trial"
)

// Offer is a set of terms to buy a product on.
type Offer struct {
	ID          string // offer-…
	ProductCode string
	Kind        OfferKind
	Name        string
	TrialDays   int // free trials only: 7 to 90
	CreatedAt   time.Time
}

// Customer is a buyer as sellers know it.
type Customer struct {
	Account    string
	Identifier string // CustomerIdentifier: opaque, mixed case
	CreatedAt  time.Time
}

// Status of an agreement; AWS's own names.
type Status string

const (
	Active     Status = "ACTIVE"
	Cancelled  Status = "CANCELLED"
	Expired    Status = "EXPIRED"
	Terminated Status = "TERMINATED"
	Replaced   Status = "REPLACED"
	Renewed    Status = "RENEWED"
)

// Agreement is an accepted offer. Its license is minted with it.
type Agreement struct {
	ID          string // agmt-…
	ProductCode string
	OfferID     string
	Seller      string // account
	Buyer       string // account
	Status      Status
	FreeTrial   bool
	LicenseARN  string
	AcceptedAt  time.Time
	StartAt     time.Time
	EndAt       time.Time // zero: no end
}

// StatusAt is the agreement's status at an instant: an active one whose end has come is expired.
func (a Agreement) StatusAt(now time.Time) Status {
	if a.Status == Active && !a.EndAt.IsZero() && !a.EndAt.After(now) {
		return Expired
	}
	return a.Status
}

// World is everything that a world file declares. Applying it adds and changes; it removes nothing. Times that are zero, and all that
// ApplyWorld says to fill in, may be left out.
type World struct {
	Directory account.State
	Products  []Product
	Offers    []Offer
	// Customers gives buyers their CustomerIdentifiers. A buyer that needs one and is not among them gets a new one.
	Customers []Customer
	// Agreements without an ID: an existing agreement of the buyer and product that is as declared stands for one, or it is made.
	Agreements []Agreement
}

// Changes counts what applying a world did.
type Changes struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
}
