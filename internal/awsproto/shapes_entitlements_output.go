package awsproto

import "time"

// GetEntitlementsOutput is the answer of GetEntitlements.
type GetEntitlementsOutput struct {
	Entitlements []Entitlement
	NextToken    string // "" is left out
}

// Entitlement is one entitlement of a customer. Empty strings are left out.
//
// https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-entitlements_Entitlement.html
type Entitlement struct {
	ProductCode          string
	Dimension            string
	CustomerIdentifier   string
	CustomerAWSAccountID string
	Value                EntitlementValue
	ExpirationDate       time.Time // zero is left out
	LicenseARN           string
}

// EntitlementValue is one of four members: the one that Type names is written, empty or not, and no other.
type EntitlementValue struct {
	Type         ValueType
	IntegerValue int64
	DoubleValue  float64
	BooleanValue bool
	StringValue  string
}

// ValueType names a member of EntitlementValue.
type ValueType uint8

const (
	NoValue ValueType = iota // the whole value is left out
	IntegerValue
	DoubleValue
	BooleanValue
	StringValue
)

// Encode leaves out a list without elements, as the live service does: the answer is then {}.
func (out *GetEntitlementsOutput) Encode(e *Encoder) {
	e.BeginStruct()
	if len(out.Entitlements) > 0 {
		e.member("Entitlements")
		e.BeginList()
		for i := range out.Entitlements {
			out.Entitlements[i].encode(e)
		}
		e.EndList()
	}
	e.some("NextToken", out.NextToken)
	e.EndStruct()
}

func (t *Entitlement) encode(e *Encoder) {
	e.BeginStruct()
	e.some("ProductCode", t.ProductCode)
	e.some("Dimension", t.Dimension)
	e.some("CustomerIdentifier", t.CustomerIdentifier)
	e.some("CustomerAWSAccountId", t.CustomerAWSAccountID)
	if t.Value.Type != NoValue {
		e.member("Value")
		t.Value.encode(e)
	}
	if !t.ExpirationDate.IsZero() {
		e.member("ExpirationDate")
		e.Timestamp(t.ExpirationDate)
	}
	e.some("LicenseArn", t.LicenseARN)
	e.EndStruct()
}

func (v *EntitlementValue) encode(e *Encoder) {
	e.BeginStruct()
	switch v.Type {
	case IntegerValue:
		e.member("IntegerValue")
		e.Int(v.IntegerValue)
	case DoubleValue:
		e.member("DoubleValue")
		e.Double(v.DoubleValue)
	case BooleanValue:
		e.member("BooleanValue")
		e.Bool(v.BooleanValue)
	case StringValue:
		e.member("StringValue")
		e.String(v.StringValue)
	}
	e.EndStruct()
}
