package api

import (
	"context"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

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
	if q.faulty() {
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
