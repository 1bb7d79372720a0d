package api

import (
	"context"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// meterRoom is where a call of MeterUsage is taken apart.
type meterRoom struct {
	in          awsproto.MeterUsageInput
	allocations allocationRoom
}

func (m *meterRoom) reset() {
	m.in.Reset()
	m.allocations.reset()
}

func meterUsage(ctx context.Context, q *call) *awsproto.Fault {
	m := q.room.forMeter()
	defer m.reset()
	d := q.codec.Decoder(q.rec.Body)
	m.in.Decode(&d)
	if f := d.Finish(); f != nil {
		return f
	}
	if f := m.in.Validate(); f != nil {
		return f
	}
	ask := market.MeterUsageInput{
		ProductCode: string(m.in.ProductCode), Timestamp: m.in.Timestamp, Dimension: string(m.in.UsageDimension), Quantity: m.in.UsageQuantity,
		ClientToken: string(m.in.ClientToken), DryRun: m.in.DryRun,
	}
	q.rec.ProductCode, q.rec.Buyer = ask.ProductCode, q.caller.Account
	if f, done := q.misbehave(ctx, ask.ProductCode); done {
		return f
	}
	m.allocations.expect(m.in.UsageAllocations)
	m.allocations.grow()
	ask.Allocations = m.allocations.take(m.in.UsageAllocations)
	id, err := q.s.Service.MeterUsage(ctx, q.caller, &ask)
	if err != nil {
		return q.fail(err)
	}
	e := q.codec.Encoder(q.rec.Response[:0])
	out := awsproto.MeterUsageOutput{MeteringRecordID: id.String()}
	out.Encode(&e)
	q.out = e.Bytes()
	return nil
}

// meterDenial is what a denial of MeterUsage is called: a call with DryRun asks for just that, and is told in a word of its own (API page, "DryRun").
func meterDenial(q *call) string {
	m := q.room.forMeter()
	defer m.reset()
	d := q.codec.Decoder(q.rec.Body)
	m.in.Decode(&d)
	if d.Finish() == nil && m.in.DryRun {
		return "UnauthorizedException"
	}
	return "AccessDeniedException"
}
