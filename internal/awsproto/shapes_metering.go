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

// FastRegistrationToken reads the body that SDKs send for ResolveCustomer, in AWS JSON: one member, its value Base64 and nothing else. It is for the
// hot path: where it answers true, Valid, Decode and Validate would have found no fault, and the same token, which a test and a fuzz target
// hold it to. Where it answers false, nothing is known.
func FastRegistrationToken(body []byte) (token []byte, ok bool) {
	const head = `{"RegistrationToken":`
	if len(body) < len(head)+4 || string(body[:len(head)]) != head {
		return nil, false
	}
	rest := body[len(head):]
	if rest[0] == ' ' { // botocore
		rest = rest[1:]
	}
	n := len(rest)
	if n < 4 || rest[0] != '"' || rest[n-2] != '"' || rest[n-1] != '}' {
		return nil, false
	}
	token = rest[1 : n-2]
	for _, c := range token {
		if !base64Char[c] {
			return nil, false
		}
	}
	return token, true
}

// base64Char is the standard alphabet of Base64, with its padding.
var base64Char = func() (is [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=" {
		is[c] = true
	}
	return is
}()

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
	if !e.cbor && len(e.buf) == e.start { // the hot path: the same, without looking at each name
		b := append(e.buf, `{"CustomerAWSAccountId":`...)
		b = appendJSONString(b, out.CustomerAWSAccountID)
		b = append(b, `,"CustomerIdentifier":`...)
		b = appendJSONString(b, out.CustomerIdentifier)
		b = append(b, `,"LicenseArn":`...)
		b = appendJSONString(b, out.LicenseARN)
		b = append(b, `,"ProductCode":`...)
		b = appendJSONString(b, out.ProductCode)
		e.buf = append(b, '}')
		return
	}
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
