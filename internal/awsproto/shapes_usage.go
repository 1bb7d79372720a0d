package awsproto

// maxRecords is how many records one call of BatchMeterUsage may have (service model, UsageRecordList).
const maxRecords = 25

// BatchMeterUsageInput is the request of BatchMeterUsage. It may be used again for the next request, and then allocates nothing
// in the usual case.
//
// https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_BatchMeterUsage.html
type BatchMeterUsageInput struct {
	ProductCode     []byte        // nil if absent; aliases the body
	UsageRecords    []UsageRecord // of more than 25 only 26 are kept
	HasUsageRecords bool
}

// Decode reads the members that d has. Nothing of an earlier request is left.
func (in *BatchMeterUsageInput) Decode(d *Decoder) {
	in.ProductCode, in.UsageRecords, in.HasUsageRecords = nil, in.UsageRecords[:0], false
	for name := range d.Members {
		switch string(name) {
		case "UsageRecords":
			in.UsageRecords = in.UsageRecords[:0]
			if in.HasUsageRecords = !d.Null(); !in.HasUsageRecords {
				break
			}
			for range d.Elements {
				in.UsageRecords = lengthen(in.UsageRecords, maxRecords+1)
				in.UsageRecords[len(in.UsageRecords)-1].Decode(d)
			}
		case "ProductCode":
			in.ProductCode = d.Bytes()
		}
	}
}

// Reset forgets the request, its body included, and lets go of memory that only an unusual one needs. It is for an input that is kept
// for later; Decode does not need it.
func (in *BatchMeterUsageInput) Reset() {
	records := in.UsageRecords[:cap(in.UsageRecords)]
	for i := range records {
		records[i] = UsageRecord{UsageAllocations: resetAllocations(records[i].UsageAllocations)}
	}
	*in = BatchMeterUsageInput{UsageRecords: records[:0]}
}

// Validate checks the constraints of the model but for those of allocations and tags that AWS answers with exceptions of their own, see
// UsageAllocation.
func (in *BatchMeterUsageInput) Validate() *Fault {
	var v Violations
	at := At("usageRecords")
	v.NotNull(at, in.HasUsageRecords)
	v.Size(at, len(in.UsageRecords), 0, maxRecords)
	for i := range in.UsageRecords[:min(len(in.UsageRecords), maxRecords)] {
		element := at.Element(i)
		in.UsageRecords[i].validate(&v, &element)
	}
	v.productCode(in.ProductCode)
	return v.Fault()
}

// productCode checks a ProductCode of the metering service, if there is one. It may be empty.
func (v *Violations) productCode(code []byte) {
	if code != nil {
		at := At("productCode")
		v.Pattern(at, code, patternProductCode, validProductCode(code))
		v.Length(at, code, 0, 255)
	}
}

// BatchMeterUsageOutput is the answer of BatchMeterUsage.
type BatchMeterUsageOutput struct {
	Results            []UsageRecordResult
	UnprocessedRecords []UsageRecord
}

// UsageRecordResult is what became of one record.
type UsageRecordResult struct {
	UsageRecord      *UsageRecord // nil is left out
	MeteringRecordID [36]byte     // the text of a UUID, in place, so that 25 of them are no 25 allocations; zero is left out
	Status           string
}

// Encode writes both lists, empty or not, as live answers have them.
func (out *BatchMeterUsageOutput) Encode(e *Encoder) {
	e.BeginStruct()
	e.member("Results")
	e.BeginList()
	for i := range out.Results {
		out.Results[i].encode(e)
	}
	e.EndList()
	e.member("UnprocessedRecords")
	e.BeginList()
	for i := range out.UnprocessedRecords {
		out.UnprocessedRecords[i].Encode(e)
	}
	e.EndList()
	e.EndStruct()
}

func (r *UsageRecordResult) encode(e *Encoder) {
	e.BeginStruct()
	if r.UsageRecord != nil {
		e.member("UsageRecord")
		r.UsageRecord.Encode(e)
	}
	if r.MeteringRecordID[0] != 0 {
		e.member("MeteringRecordId")
		e.Text(r.MeteringRecordID[:])
	}
	e.some("Status", r.Status)
	e.EndStruct()
}

// lengthen makes list longer by one, up to most; from there on its last element is used again, so that a body cannot ask for more memory than what
// would be looked at. The new element holds what it was last used for, for its slices' sake.
func lengthen[T any](list []T, most int) []T {
	switch n := len(list); {
	case n == most:
		return list
	case n < cap(list):
		return list[:n+1]
	}
	var zero T
	return append(list, zero)
}
