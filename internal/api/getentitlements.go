package api

import (
	"context"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// entitlementRoom is where a call of GetEntitlements is taken apart, and its answer put together.
type entitlementRoom struct {
	in    awsproto.GetEntitlementsInput
	items []market.EntitlementItem
	list  []awsproto.Entitlement
}

// maxEntitlementRoom is for how many entitlements room is kept: the 25 that an answer has at most (service model, MaxResults), and what slices grow to
// beyond.
const maxEntitlementRoom = 64

func (r *entitlementRoom) reset() {
	r.in.Reset()
	r.items, r.list = emptied(r.items, maxEntitlementRoom), emptied(r.list, maxEntitlementRoom)
}

func getEntitlements(ctx context.Context, q *call) *awsproto.Fault {
	r := q.room.forEntitlements()
	defer r.reset()
	d := q.codec.Decoder(q.rec.Body)
	r.in.Decode(&d)
	if f := d.Finish(); f != nil {
		return f
	}
	if f := r.in.Validate(); f != nil {
		return f
	}
	ask := market.EntitlementsInput{ // copies: the market keeps what it was asked for in its memory
		ProductCode:         string(r.in.ProductCode),
		CustomerIdentifiers: texts(&r.in.Filter.CustomerIdentifier),
		CustomerAccounts:    texts(&r.in.Filter.CustomerAWSAccountID),
		Dimensions:          texts(&r.in.Filter.Dimension),
		Licenses:            texts(&r.in.Filter.LicenseARN),
		MaxResults:          int(r.in.MaxResults),
		NextToken:           string(r.in.NextToken),
	}
	q.rec.ProductCode = ask.ProductCode
	if f, done := q.misbehave(ctx, ask.ProductCode); done {
		return f
	}
	items, next, err := q.s.Service.GetEntitlements(ctx, q.caller, &ask, r.items[:0])
	if err != nil {
		return q.fail(err)
	}
	r.items = items
	q.aboutEntitlements(items)
	for i := range items {
		r.list = append(r.list, entitlement(&items[i]))
	}
	e := q.codec.Encoder(q.rec.Response[:0])
	out := awsproto.GetEntitlementsOutput{Entitlements: r.list, NextToken: next}
	out.Encode(&e)
	q.out = e.Bytes()
	return nil
}

// texts are the values of a filter; nil if there is no such filter.
func texts(f *awsproto.FilterValues) []string {
	if !f.Has {
		return nil
	}
	list := make([]string, len(f.Values))
	for i, v := range f.Values {
		list[i] = string(v)
	}
	return list
}

func entitlement(i *market.EntitlementItem) awsproto.Entitlement {
	e := awsproto.Entitlement{
		ProductCode: i.ProductCode, Dimension: i.Dimension, CustomerIdentifier: i.CustomerIdentifier, CustomerAWSAccountID: i.CustomerAWSAccountID,
		LicenseARN: i.LicenseARN, ExpirationDate: i.ExpiresAt,
	}
	v := &e.Value
	switch i.Value.Type {
	case market.Integer:
		v.Type, v.IntegerValue = awsproto.IntegerValue, i.Value.Integer
	case market.Double:
		v.Type, v.DoubleValue = awsproto.DoubleValue, i.Value.Double
	case market.Boolean:
		v.Type, v.BooleanValue = awsproto.BooleanValue, i.Value.Boolean
	case market.Text:
		v.Type, v.StringValue = awsproto.StringValue, i.Value.Text
	}
	return e
}

// aboutEntitlements notes in the record whose entitlements they are, where they agree on it.
func (q *call) aboutEntitlements(items []market.EntitlementItem) {
	for i := range items {
		if i == 0 {
			q.rec.Buyer, q.rec.LicenseARN = items[i].CustomerAWSAccountID, items[i].LicenseARN
			continue
		}
		if items[i].CustomerAWSAccountID != q.rec.Buyer {
			q.rec.Buyer = ""
		}
		if items[i].LicenseARN != q.rec.LicenseARN {
			q.rec.LicenseARN = ""
		}
	}
}
