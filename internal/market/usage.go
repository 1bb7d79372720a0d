package market

import (
	"encoding/hex"
	"sync/atomic"
	"time"
)

// Series is what usage records are of, hour by hour: AWS's identity of a record, but for its hour. Records of one Series in one hour are the same
// record.
//
// Region is part of it: AWS deduplicates per Region that a record is submitted to. LicenseARN is "" for what was metered by product code; so one customer
// metered both ways is metered twice, as at AWS. Resource is "" for BatchMeterUsage; for MeterUsage it names the workload (the role's
// session), and for AgentCore the call.
type Series struct {
	Region      string
	ProductCode string
	Buyer       string // account
	LicenseARN  string
	Dimension   string
	Resource    string
}

// RecordID is a MeteringRecordId: a UUID.
type RecordID [16]byte

// String writes the UUID in lower case.
func (id RecordID) String() string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:], id[10:])
	return string(b[:])
}

// maxQuantity is the most that a record, and an integer entitlement, can say: the model's.
const maxQuantity = 1<<31 - 1

// UsageRecord is one metered quantity.
type UsageRecord struct {
	ID          RecordID
	Series      Series
	Timestamp   time.Time // as the caller sent it, to the millisecond, UTC
	Quantity    int64     // 0 to 2147483647
	Allocations []byte    // canonical, see packAllocations; nil: none were sent
	SubmittedAt time.Time // when it was taken, on the market's clock, to the millisecond
	// Position is where it stands among all records: its hour in the high 32 bits, and the store's own number below. It is given back by lists and
	// taken by UsageFilter.After; it is ignored when a record is added.
	Position int64
	// Number is where the store may keep its own number of Series, for the next record of it; nil: nowhere. 0 is no number.
	Number *atomic.Int64
}

// Hour is the hour of the record's timestamp, counted from 1970 in UTC: the last part of its identity.
func (r *UsageRecord) Hour() int64 { return HourOf(r.Timestamp) }

// HourOf counts hours from 1970, in UTC.
func HourOf(t time.Time) int64 {
	s := t.Unix()
	h := s / 3600
	if s%3600 < 0 {
		h--
	}
	return h
}

// Appended is what became of a record that was to be added.
type Appended struct {
	Inserted bool
	// The record of that identity that is kept: the one added, or the one that was there.
	ID          RecordID
	Timestamp   time.Time
	Quantity    int64
	Allocations []byte
}

// UsageFilter narrows a list of usage records. Empty fields match all.
type UsageFilter struct {
	Region      string
	ProductCode string
	Buyer       string
	LicenseARN  string
	Dimension   string
	// BuyerAfter and BuyerThrough are a part of all buyers, in the order of their ids: those after the one, up to the other.
	BuyerAfter   string
	BuyerThrough string
	From, To     time.Time // hours: that of From and later, and before that of To; a To within an hour includes it. Zero: no bound
	After        int64     // only records after this Position
	Limit        int       // 0: all
}

// UsageField is something to add up usage by.
type UsageField string

const (
	ByHour      UsageField = "hour"
	ByDay       UsageField = "day"
	ByRegion    UsageField = "region"
	ByProduct   UsageField = "product"
	ByBuyer     UsageField = "buyer"
	ByLicense   UsageField = "license"
	ByDimension UsageField = "dimension"
)

// UsageSum is one line of a sum. The fields that it was not added up by are empty.
type UsageSum struct {
	At          time.Time // the hour's or the day's start
	Region      string
	ProductCode string
	Buyer       string
	LicenseARN  string
	Dimension   string
	Records     int64
	Quantity    int64
	Lag         time.Duration // the longest that a record was taken after its time; negative if all were of the future
}

// ClientToken remembers a MeterUsage call by its idempotency token, so that the same call again gives the same answer.
type ClientToken struct {
	Account     string
	Token       string
	Fingerprint [32]byte // of the call's parameters
	RecordID    RecordID
	ForgetAt    time.Time
}

// SigningKey is a key pair that RegisterUsage signs with.
type SigningKey struct {
	Version   int    // from 1
	Private   []byte // PKCS #8, DER; a secret
	CreatedAt time.Time
}

// Registration notes that a workload has called RegisterUsage: its entitlement is looked at only that once.
type Registration struct {
	ProductCode string
	Account     string
	Resource    string // the role's session
	Workload    string
	Region      string
	At          time.Time
}
