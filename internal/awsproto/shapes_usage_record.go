package awsproto

import (
	"math"
	"time"
)

// maxQuantity is the most that any quantity can be, and the model's maximum.
const maxQuantity = math.MaxInt32

// UsageRecord is one record of BatchMeterUsage, as it comes and as it is echoed. What is nil, or not had, was not sent; an empty string was.
//
// https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_UsageRecord.html
type UsageRecord struct {
	Timestamp            time.Time // to the millisecond, UTC; any number at all passes Validate
	HasTimestamp         bool
	CustomerIdentifier   []byte // this and the other byte slices alias the body
	Dimension            []byte
	Quantity             int64
	HasQuantity          bool
	UsageAllocations     []UsageAllocation // of more than 2500 only 2501 are kept
	HasUsageAllocations  bool
	CustomerAWSAccountID []byte
	LicenseARN           []byte
}

// Decode reads the members that d has. Nothing of an earlier record is left.
func (r *UsageRecord) Decode(d *Decoder) {
	*r = UsageRecord{UsageAllocations: r.UsageAllocations[:0]}
	for name := range d.Members {
		switch string(name) {
		case "Timestamp":
			r.Timestamp, r.HasTimestamp = d.Timestamp()
		case "CustomerIdentifier":
			r.CustomerIdentifier = d.Bytes()
		case "Dimension":
			r.Dimension = d.Bytes()
		case "Quantity":
			r.Quantity, r.HasQuantity = d.Int()
		case "UsageAllocations":
			r.UsageAllocations, r.HasUsageAllocations = decodeAllocations(d, r.UsageAllocations)
		case "CustomerAWSAccountId":
			r.CustomerAWSAccountID = d.Bytes()
		case "LicenseArn":
			r.LicenseARN = d.Bytes()
		}
	}
}

func (r *UsageRecord) validate(v *Violations, at *Path) {
	v.NotNull(at.Member("timestamp"), r.HasTimestamp)
	if r.CustomerIdentifier != nil {
		v.Length(at.Member("customerIdentifier"), r.CustomerIdentifier, 0, 255)
	}
	v.dimension(at.Member("dimension"), r.Dimension)
	if r.HasQuantity {
		v.Range(at.Member("quantity"), r.Quantity, 0, maxQuantity)
	}
	if r.HasUsageAllocations {
		list := at.Member("usageAllocations")
		v.allocations(&list, r.UsageAllocations)
	}
	if id := r.CustomerAWSAccountID; id != nil {
		member := at.Member("customerAWSAccountId")
		v.Pattern(member, id, patternAccountID, validAccountID(id))
		v.Length(member, id, 1, 255)
	}
	if arn := r.LicenseARN; arn != nil {
		v.Pattern(at.Member("licenseArn"), arn, patternLicenseARN, validLicenseARN(arn))
	}
}

// dimension checks a UsageDimension, which is required wherever there is one.
func (v *Violations) dimension(at Path, name []byte) {
	if name == nil {
		v.NotNull(at, false)
		return
	}
	v.Pattern(at, name, patternAny, len(name) > 0)
	v.Length(at, name, 1, 255)
}

// Encode writes what was sent and nothing else.
func (r *UsageRecord) Encode(e *Encoder) {
	e.BeginStruct()
	if r.HasTimestamp {
		e.member("Timestamp")
		e.Timestamp(r.Timestamp)
	}
	e.sent("CustomerIdentifier", r.CustomerIdentifier)
	e.sent("Dimension", r.Dimension)
	if r.HasQuantity {
		e.member("Quantity")
		e.Int(r.Quantity)
	}
	if r.HasUsageAllocations {
		e.member("UsageAllocations")
		encodeAllocations(e, r.UsageAllocations)
	}
	e.sent("CustomerAWSAccountId", r.CustomerAWSAccountID)
	e.sent("LicenseArn", r.LicenseARN)
	e.EndStruct()
}
