package awsproto

// GetEntitlementsInput is the request of GetEntitlements. Byte slices are nil if absent, and alias the body. It may be used again for the
// next request, and then allocates nothing in the usual case.
//
// https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-entitlements_GetEntitlements.html
type GetEntitlementsInput struct {
	ProductCode   []byte
	Filter        EntitlementFilter
	HasFilter     bool // an empty filter is one
	NextToken     []byte
	MaxResults    int64
	HasMaxResults bool
}

// EntitlementFilter is a map of the model, with its keys as members.
type EntitlementFilter struct {
	CustomerIdentifier   FilterValues // CUSTOMER_IDENTIFIER
	Dimension            FilterValues // DIMENSION
	CustomerAWSAccountID FilterValues // CUSTOMER_AWS_ACCOUNT_ID
	LicenseARN           FilterValues // LICENSE_ARN

	// unknown is whether there is a key that the model does not have, unknownEmpty whether there is one without values.
	unknown, unknownEmpty bool
}

// FilterValues are the values of a key, if the filter has it. Once Validate has found no fault there is at least one, and none is nil.
type FilterValues struct {
	Values [][]byte // they alias the body
	Has    bool
}

// The keys, an enum of the model.
const (
	filterCustomer  = "CUSTOMER_IDENTIFIER"
	filterDimension = "DIMENSION"
	filterAccount   = "CUSTOMER_AWS_ACCOUNT_ID"
	filterLicense   = "LICENSE_ARN"
)

// Decode reads the members that d has. Nothing of an earlier request is left.
func (in *GetEntitlementsInput) Decode(d *Decoder) {
	in.Filter.empty()
	*in = GetEntitlementsInput{Filter: in.Filter}
	for name := range d.Members {
		switch string(name) {
		case "ProductCode":
			in.ProductCode = d.Bytes()
		case "Filter":
			in.Filter.empty()
			if in.HasFilter = !d.Null(); in.HasFilter {
				in.Filter.decode(d)
			}
		case "NextToken":
			in.NextToken = d.Bytes()
		case "MaxResults":
			in.MaxResults, in.HasMaxResults = d.Int()
		}
	}
}

func (f *EntitlementFilter) decode(d *Decoder) {
	for name := range d.Members {
		switch string(name) {
		case filterCustomer:
			f.CustomerIdentifier.decode(d)
		case filterDimension:
			f.Dimension.decode(d)
		case filterAccount:
			f.CustomerAWSAccountID.decode(d)
		case filterLicense:
			f.LicenseARN.decode(d)
		default:
			f.decodeUnknown(d)
		}
	}
}

func (l *FilterValues) decode(d *Decoder) {
	l.Values, l.Has = l.Values[:0], true
	if d.Null() { // not absent, for the answer to a filter that lost its value would be everybody's entitlements: none, and so too few
		return
	}
	for range d.Elements {
		l.Values = append(l.Values, d.Bytes())
	}
}

// decodeUnknown reads values as those of the other keys, so that they have to be of the same types. Which unknown key they are of is not kept, so a
// null later on does not take them back.
func (f *EntitlementFilter) decodeUnknown(d *Decoder) {
	n := 0
	if !d.Null() {
		for range d.Elements {
			d.Bytes()
			n++
		}
	}
	f.unknown, f.unknownEmpty = true, f.unknownEmpty || n == 0
}

// empty takes everything out and keeps the memory.
func (f *EntitlementFilter) empty() {
	*f = EntitlementFilter{
		CustomerIdentifier:   FilterValues{Values: f.CustomerIdentifier.Values[:0]},
		Dimension:            FilterValues{Values: f.Dimension.Values[:0]},
		CustomerAWSAccountID: FilterValues{Values: f.CustomerAWSAccountID.Values[:0]},
		LicenseARN:           FilterValues{Values: f.LicenseARN.Values[:0]},
	}
}

// Reset forgets the request, its body included, and lets go of memory that only an unusual one needs. It is for an input that is kept for
// later; Decode does not need it.
func (in *GetEntitlementsInput) Reset() {
	const usual = 64
	in.Filter.empty()
	*in = GetEntitlementsInput{Filter: in.Filter}
	f := &in.Filter
	for _, l := range [...]*FilterValues{&f.CustomerIdentifier, &f.Dimension, &f.CustomerAWSAccountID, &f.LicenseARN} {
		if clear(l.Values[:cap(l.Values)]); cap(l.Values) > usual {
			l.Values = nil
		}
	}
}

// Validate checks the constraints of the model.
func (in *GetEntitlementsInput) Validate() *Fault {
	var v Violations
	if at := At("productCode"); in.ProductCode == nil {
		v.NotNull(at, false)
	} else {
		v.Length(at, in.ProductCode, 1, 255)
	}
	if in.HasFilter {
		in.Filter.validate(&v)
	}
	if in.NextToken != nil {
		v.Pattern(At("nextToken"), in.NextToken, patternNoSpace, validNoSpace(in.NextToken))
	}
	if in.HasMaxResults {
		v.Range(At("maxResults"), in.MaxResults, 1, 25)
	}
	return v.Fault()
}

func (f *EntitlementFilter) validate(v *Violations) {
	at := At("filter")
	entries := [...]struct {
		key    string
		values *FilterValues
	}{
		{filterCustomer, &f.CustomerIdentifier}, {filterDimension, &f.Dimension},
		{filterAccount, &f.CustomerAWSAccountID}, {filterLicense, &f.LicenseARN},
	}
	if f.unknown {
		v.MapKeys(at, "Member must satisfy enum value set: ["+filterCustomer+", "+filterDimension+", "+filterAccount+", "+filterLicense+"]")
	}
	empty := f.unknownEmpty
	for _, e := range entries {
		empty = empty || e.values.Has && len(e.values.Values) == 0
	}
	if empty {
		v.MapValues(at, "Member must have length greater than or equal to 1")
	}
	for _, e := range entries {
		for i, value := range e.values.Values {
			if value == nil && !v.full() {
				list := at.Entry(e.key)
				v.NotNull(list.Element(i), false)
			}
		}
	}
}
