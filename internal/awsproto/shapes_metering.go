package awsproto

// ResolveCustomerInput is the request of ResolveCustomer.
//
// https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_ResolveCustomer.html
type ResolveCustomerInput struct {
	RegistrationToken []byte // a secret; nil if absent; aliases the body
}

// Decode reads the members that d has.
func (in *ResolveCustomerInput) Decode(d *Decoder) {
	for name := range d.Members {
		switch string(name) {
		case "RegistrationToken":
			in.RegistrationToken = d.Bytes()
		}
	}
}

// Validate checks the constraints of the model: RegistrationToken is required and matches [\s\S]+, so it has any length but
// none. Only an absent or an empty one ever fails, which is why the token never stands in the text.
func (in *ResolveCustomerInput) Validate() *Fault {
	var v Violations
	if at := At("registrationToken"); in.RegistrationToken == nil {
		v.NotNull(at, false)
	} else {
		v.Pattern(at, in.RegistrationToken, `[\s\S]+`, len(in.RegistrationToken) > 0)
	}
	return v.Fault()
}

// ResolveCustomerOutput is the answer of ResolveCustomer.
type ResolveCustomerOutput struct {
	CustomerAWSAccountID string
	CustomerIdentifier   string // empty for products of the concurrent-agreements kind
	LicenseARN           string
	ProductCode          string
}

// Encode writes every member, empty or not, although the model requires none: AWS's own sample code reads CustomerIdentifier
// and LicenseArn without asking whether they are there.
func (out *ResolveCustomerOutput) Encode(e *Encoder) {
	e.BeginStruct()
	e.Member("CustomerAWSAccountId")
	e.String(out.CustomerAWSAccountID)
	e.Member("CustomerIdentifier")
	e.String(out.CustomerIdentifier)
	e.Member("LicenseArn")
	e.String(out.LicenseARN)
	e.Member("ProductCode")
	e.String(out.ProductCode)
	e.EndStruct()
}
