package awsproto

import "time"

// MeterUsageInput is the request of MeterUsage. Byte slices are nil if absent, and alias the body. It may be used again, as a
// BatchMeterUsageInput.
//
// https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_MeterUsage.html
type MeterUsageInput struct {
	ProductCode         []byte
	Timestamp           time.Time // to the millisecond, UTC; any number at all passes Validate
	HasTimestamp        bool
	UsageDimension      []byte
	UsageQuantity       int64 // 0 if absent, as is documented
	HasUsageQuantity    bool
	DryRun              bool              // false if absent
	UsageAllocations    []UsageAllocation // of more than 2500 only 2501 are kept
	HasUsageAllocations bool
	ClientToken         []byte
}

// Decode reads the members that d has. Nothing of an earlier request is left.
func (in *MeterUsageInput) Decode(d *Decoder) {
	*in = MeterUsageInput{UsageAllocations: in.UsageAllocations[:0]}
	for name := range d.Members {
		switch string(name) {
		case "ProductCode":
			in.ProductCode = d.Bytes()
		case "Timestamp":
			in.Timestamp, in.HasTimestamp = d.Timestamp()
		case "UsageDimension":
			in.UsageDimension = d.Bytes()
		case "UsageQuantity":
			in.UsageQuantity, in.HasUsageQuantity = d.Int()
		case "DryRun":
			in.DryRun, _ = d.Bool()
		case "UsageAllocations":
			in.UsageAllocations, in.HasUsageAllocations = decodeAllocations(d, in.UsageAllocations)
		case "ClientToken":
			in.ClientToken = d.Bytes()
		}
	}
}

// Reset is as that of BatchMeterUsageInput.
func (in *MeterUsageInput) Reset() {
	*in = MeterUsageInput{UsageAllocations: resetAllocations(in.UsageAllocations)}
}

// Validate checks the constraints of the model but for those that UsageAllocation names.
func (in *MeterUsageInput) Validate() *Fault {
	var v Violations
	v.NotNull(At("productCode"), in.ProductCode != nil)
	v.productCode(in.ProductCode)
	v.NotNull(At("timestamp"), in.HasTimestamp)
	v.dimension(At("usageDimension"), in.UsageDimension)
	if in.HasUsageQuantity {
		v.Range(At("usageQuantity"), in.UsageQuantity, 0, maxQuantity)
	}
	if in.HasUsageAllocations {
		at := At("usageAllocations")
		v.allocations(&at, in.UsageAllocations)
	}
	if in.ClientToken != nil {
		v.Length(At("clientToken"), in.ClientToken, 1, 64)
	}
	return v.Fault()
}

// MeterUsageOutput is the answer of MeterUsage.
type MeterUsageOutput struct {
	MeteringRecordID string // "" is left out
}

// Encode writes the answer.
func (out *MeterUsageOutput) Encode(e *Encoder) {
	e.BeginStruct()
	e.some("MeteringRecordId", out.MeteringRecordID)
	e.EndStruct()
}
