package api

import (
	"context"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// batchRoom is where a call of BatchMeterUsage is taken apart. It is used by one call after the other; what it holds of a call's body is forgotten at
// its end.
type batchRoom struct {
	in          awsproto.BatchMeterUsageInput
	ask         market.BatchInput
	got         market.BatchOutput
	results     []awsproto.UsageRecordResult
	allocations allocationRoom
}

func batchMeterUsage(ctx context.Context, q *call) *awsproto.Fault {
	b := q.room.forBatch()
	defer b.reset()
	d := q.codec.Decoder(q.rec.Body)
	b.in.Decode(&d)
	if f := d.Finish(); f != nil {
		return f
	}
	if f := b.in.Validate(); f != nil {
		return f
	}
	if q.faulty() {
		if f, done := q.misbehave(ctx, b.productCode(ctx, q.s.Service)); done {
			return f
		}
	}
	b.prepare(q.leave)
	err := q.s.Service.BatchMeterUsage(ctx, q.caller, &b.ask, &b.got)
	q.rec.ProductCode, q.rec.Buyer, q.rec.LicenseARN = b.got.ProductCode, b.got.Buyer, b.got.LicenseARN
	if err != nil {
		return q.fail(err)
	}
	q.addReason(b.got.Note)
	q.rec.Warning = b.got.Warning
	e := q.codec.Encoder(q.rec.Response[:0])
	out := b.answer()
	out.Encode(&e)
	q.out = e.Bytes()
	return nil
}

// productCode is what the call is about, for fault rules: the request's product, or that of the first record's license.
func (b *batchRoom) productCode(ctx context.Context, s *market.Service) string {
	if len(b.in.ProductCode) > 0 || len(b.in.UsageRecords) == 0 {
		return string(b.in.ProductCode)
	}
	return s.ProductOfLicense(ctx, b.in.UsageRecords[0].LicenseARN)
}

// prepare puts the request as the market wants it. The last records that a fault rule wants left come along: a batch that AWS refuses as a whole it
// refuses before it processes any of it.
func (b *batchRoom) prepare(leave int) {
	b.ask.ProductCode, b.ask.Unprocessed = b.in.ProductCode, leave
	for i := range b.in.UsageRecords {
		b.allocations.expect(b.in.UsageRecords[i].UsageAllocations)
	}
	b.allocations.grow()
	for i := range b.in.UsageRecords {
		r := &b.in.UsageRecords[i]
		b.ask.Records = append(b.ask.Records, market.UsageInput{
			Timestamp: r.Timestamp, Dimension: r.Dimension, Quantity: r.Quantity, CustomerIdentifier: r.CustomerIdentifier,
			CustomerAWSAccountID: r.CustomerAWSAccountID, LicenseARN: r.LicenseARN,
			Allocations: b.allocations.take(r.UsageAllocations),
		})
	}
}

// answer echoes the records as they were sent: first those that were processed, each with what became of it, and then the others.
func (b *batchRoom) answer() awsproto.BatchMeterUsageOutput {
	for i := range b.got.Results {
		res := &b.got.Results[i]
		out := awsproto.UsageRecordResult{UsageRecord: &b.in.UsageRecords[i], Status: string(res.Status)}
		if res.ID != (market.RecordID{}) {
			out.MeteringRecordID = uuidText(res.ID)
		}
		b.results = append(b.results, out)
	}
	return awsproto.BatchMeterUsageOutput{Results: b.results, UnprocessedRecords: b.in.UsageRecords[len(b.got.Results):]}
}

// maxRecordRoom is for how many records room is kept: the 25 that a call may have, and what slices grow to beyond.
const maxRecordRoom = 64

func (b *batchRoom) reset() {
	b.in.Reset()
	b.ask = market.BatchInput{Records: emptied(b.ask.Records, maxRecordRoom)}
	b.got = market.BatchOutput{Results: emptied(b.got.Results, maxRecordRoom)}
	b.results = emptied(b.results, maxRecordRoom)
	b.allocations.reset()
}
