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
	// Workload says on what a role's session runs, and Session which one it is (role and role session name: an instance, a task, a pod).
	// Both are empty for users.
	Workload account.Workload
	Session  string
	// WorkloadRegion is where the workload runs: it meters and registers there and nowhere else. Empty: it does not say.
	WorkloadRegion string
	// Operator is set by the control listener and the wiring: the house itself, which may do everything there.
	Operator bool
	// Rights are what anybody else may read who looks at the console; see scope.go. Faces that only act for their callers leave it zero.
	Rights Rights
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
	// Type is what an entitlement to it is worth; "" is Integer. Metered dimensions have none: usage is always an integer.
	Type ValueType `json:"type,omitempty"`
	// Price is the list price of one unit in USD (of an entitled dimension: for the whole term), a decimal; "" is not said.
	Price Price `json:"price,omitempty"`
}

// Price is an amount of USD as a decimal number: digits, of which up to eight may stand behind a point. "" is none.
type Price string

// ValueType is one of the four kinds of value that an entitlement can have.
type ValueType string

const (
	Integer ValueType = "integer"
	Double  ValueType = "double"
	Boolean ValueType = "boolean"
	Text    ValueType = "string"
)

// Value is what an entitlement is worth. Type says which of the others counts.
type Value struct {
	Type    ValueType `json:"type"`
	Integer int64     `json:"integer,omitempty"` // 0 to 2147483647
	Double  float64   `json:"double,omitempty"`
	Boolean bool      `json:"boolean,omitempty"`
	Text    string    `json:"string,omitempty"`
}

// Entitlement is what an agreement entitles its buyer to, in one dimension.
type Entitlement struct {
	Dimension string `json:"dimension"`
	Value     Value  `json:"value"`
}

// OfferKind says on what footing an offer is made.
type OfferKind string

const (
	PublicOffer    OfferKind = "public"
	PrivateOffer   OfferKind = "private" // for the accounts in Buyers only
	FreeTrialOffer OfferKind = "free-trial"
)

// Pricing is a pricing model of SaaS products.
type Pricing string

const (
	// UsagePricing is pay as you go: metered dimensions, no entitlements, no end.
	UsagePricing Pricing = "usage"
	// ContractPricing is entitlements for a term, and no usage.
	ContractPricing Pricing = "contract"
	// ConsumptionPricing is a contract with usage on top of it ("contract with consumption").
	ConsumptionPricing Pricing = "contract-with-consumption"
)

// Offer is a set of terms to buy a product on.
type Offer struct {
	ID          string // offer-…
	ProductCode string
	Kind        OfferKind
	Name        string
	// Pricing "" goes by the product's dimensions: see Product.PricingOf.
	Pricing    Pricing
	Buyers     []string // private offers only: the accounts that may accept it
	TrialDays  int      // free trials only: 7 to 90
	TermMonths int      // contracts only: how long one lasts; 0 is DefaultTermMonths
	// Entitlements are what a purchase gives where it names no quantities itself. A dimension that is in neither gets 1, true, or, if its values
	// are text, its own key: entitled, as far as can be said.
	Entitlements []Entitlement
	// Prices are this offer's own, by dimension, in place of the list prices.
	Prices    map[string]Price
	CreatedAt time.Time
}

// DefaultTermMonths is how long a contract lasts whose offer does not say.
const DefaultTermMonths = 12

// PricingOf is the pricing model of an offer of the product.
func (p *Product) PricingOf(o Offer) Pricing {
	if o.Pricing != "" {
		return o.Pricing
	}
	var metered, entitled bool
	for _, d := range p.Dimensions {
		metered = metered || d.Kind == Metered
		entitled = entitled || d.Kind == Entitled
	}
	switch {
	case metered && entitled:
		return ConsumptionPricing
	case entitled:
		return ContractPricing
	}
	return UsagePricing
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

// Intent is what an agreement was made for; AWS's own names.
type Intent string

const (
	IntentNew     Intent = "NEW"
	IntentRenew   Intent = "RENEW"
	IntentReplace Intent = "REPLACE"
)

// Phase is how far the runner of what falls due has come with an agreement. No rule goes by it: those go by the times.
type Phase string

const (
	Scheduled  Phase = "scheduled"   // its start is still to come
	Running    Phase = "running"     // it has started
	FinalHour  Phase = "final-hour"  // it has ended, and takes its last records
	ClosedDown Phase = "closed-down" // nothing falls due any more
)

// FinalHourLength is how long after an agreement's end its last usage records are taken ("one hour to send final metering records",
// behaviour: docs/divergences.md, BatchMeterUsage).
const FinalHourLength = time.Hour

// Agreement is an accepted offer. Its license is minted with it, and lives as long as it.
type Agreement struct {
	ID          string // agmt-…
	ProductCode string
	OfferID     string
	Seller      string // account
	Buyer       string // account
	Status      Status
	Intent      Intent
	PrecedingID string // the agreement that this one renews or replaces; "" for a new one
	FreeTrial   bool
	LicenseARN  string
	AcceptedAt  time.Time
	StartAt     time.Time
	EndAt       time.Time // zero: no end. Of one that was ended early, when that was: before StartAt, if it never started
	TermMonths  int       // how long it was made for, and so how long a renewal lasts; 0: not by months
	AutoRenew   bool      // at its end it is renewed by itself
	SuspendedAt time.Time // zero: not suspended. A suspended one neither meters nor entitles
	// Entitlements, in the order of the product's dimensions.
	Entitlements []Entitlement
	Phase        Phase
	// DueAt is when something happens to it by itself: its start, its end, the end of its final hour. Zero: never.
	DueAt time.Time
}

// StatusAt is the agreement's status at an instant: an active one whose end has come is expired.
func (a *Agreement) StatusAt(now time.Time) Status {
	if a.Status == Active && !a.EndAt.IsZero() && !a.EndAt.After(now) {
		return Expired
	}
	return a.Status
}

// Live reports whether the agreement entitles its buyer at an instant: it has started, has not ended, and is not suspended. One that has ended
// does not come to life again when the clock goes back.
func (a *Agreement) Live(now time.Time) bool {
	return a.Status == Active && a.SuspendedAt.IsZero() && !now.Before(a.StartAt) && (a.EndAt.IsZero() || now.Before(a.EndAt))
}

// TakesUsage reports whether usage records of it are taken at an instant: while it is live, and during its final hour. One that ended before it
// started has none.
func (a *Agreement) TakesUsage(now time.Time) bool {
	if !a.SuspendedAt.IsZero() || now.Before(a.StartAt) {
		return false
	}
	if a.EndAt.IsZero() {
		return a.Status == Active
	}
	return !a.EndAt.Before(a.StartAt) && now.Before(a.EndAt.Add(FinalHourLength))
}

// EventKind is what happened to an agreement.
type EventKind string

const (
	EventAccepted   EventKind = "accepted"
	EventStarted    EventKind = "started"
	EventAmended    EventKind = "amended"
	EventRenewed    EventKind = "renewed"
	EventReplaced   EventKind = "replaced"
	EventCancelled  EventKind = "cancelled"
	EventExpired    EventKind = "expired"
	EventTerminated EventKind = "terminated"
	EventSuspended  EventKind = "suspended"
	EventReinstated EventKind = "reinstated"
	EventClosedDown EventKind = "closed-down" // the final hour is over
)

// Event is one line of an agreement's history. Events are only ever added.
type Event struct {
	Seq         int64 // order of happening, from 1; given by the store
	AgreementID string
	At          time.Time // the market's time
	Kind        EventKind
	Detail      string // in plain words; may be ""
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
