package api

import (
	"context"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// signingName is the service in the scope of every signature for the marketplace's services.
const signingName = "aws-marketplace"

// operation is one operation of a service.
type operation struct {
	service string
	name    string
	action  string // in policies
	codes   []string
	run     func(context.Context, *call) *awsproto.Fault
}

// operations is the table of all that there is. codes are the errors that AWS's API reference lists for the operation, beside
// the common ones.
var operations = []*operation{
	{
		service: awsproto.ServiceMetering, name: "ResolveCustomer", action: "aws-marketplace:ResolveCustomer", run: resolveCustomer,
		codes: []string{"DisabledApiException", "ExpiredTokenException", "InternalServiceErrorException", "InvalidTokenException", "ThrottlingException"},
	},
}

// findOperation looks through the table: five comparisons cost less than hashing two names.
func findOperation(service, name string) *operation {
	for _, op := range operations {
		if op.name == name && op.service == service {
			return op
		}
	}
	return nil
}

func resolveCustomer(ctx context.Context, q *call) *awsproto.Fault {
	in := awsproto.ResolveCustomerInput{RegistrationToken: q.token}
	if in.RegistrationToken == nil {
		d := q.codec.Decoder(q.rec.Body)
		in.Decode(&d)
		if f := d.Finish(); f != nil {
			return f
		}
		if f := in.Validate(); f != nil {
			return f
		}
	}
	if q.s.Faults != nil && !q.s.Faults.Empty() {
		about, _ := q.s.Service.Peek(in.RegistrationToken)
		if f, done := q.misbehave(ctx, about.ProductCode); done {
			return f
		}
	}
	res, err := q.s.Service.ResolveCustomer(ctx, q.caller, in.RegistrationToken)
	q.about(res)
	if err != nil {
		return q.fail(err)
	}
	out := awsproto.ResolveCustomerOutput{
		CustomerAWSAccountID: res.CustomerAWSAccountID, CustomerIdentifier: res.CustomerIdentifier,
		LicenseARN: res.LicenseARN, ProductCode: res.ProductCode,
	}
	e := q.codec.Encoder(q.rec.Response[:0])
	out.Encode(&e)
	q.out = e.Bytes()
	return nil
}

// about notes in the record what the call was about.
func (q *call) about(r market.Resolution) {
	q.rec.ProductCode, q.rec.Buyer, q.rec.LicenseARN = r.ProductCode, r.CustomerAWSAccountID, r.LicenseARN
}
