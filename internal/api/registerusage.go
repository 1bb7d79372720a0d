package api

import (
	"context"
	"math"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

func registerUsage(ctx context.Context, q *call) *awsproto.Fault {
	var in awsproto.RegisterUsageInput
	d := q.codec.Decoder(q.rec.Body)
	in.Decode(&d)
	if f := d.Finish(); f != nil {
		return f
	}
	if f := in.Validate(); f != nil {
		return f
	}
	ask := market.RegisterUsageInput{
		ProductCode: string(in.ProductCode), PublicKeyVersion: int(min(in.PublicKeyVersion, math.MaxInt32)),
		Nonce: string(in.Nonce), HasNonce: in.Nonce != nil,
	}
	q.rec.ProductCode, q.rec.Buyer = ask.ProductCode, q.caller.Account
	if f, done := q.misbehave(ctx, ask.ProductCode); done {
		return f
	}
	reg, err := q.s.Service.RegisterUsage(ctx, q.caller, &ask)
	if err != nil {
		return q.fail(err)
	}
	e := q.codec.Encoder(q.rec.Response[:0])
	out := awsproto.RegisterUsageOutput{PublicKeyRotationTimestamp: reg.RotatedAt, Signature: reg.Signature}
	out.Encode(&e)
	q.out = e.Bytes()
	return nil
}
