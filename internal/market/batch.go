package market

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The rules of time for usage records.
const (
	// DefaultUsageWindow: records are not accepted 24 hours or more after the event (API page of BatchMeterUsage, since July 2026).
	DefaultUsageWindow = 24 * time.Hour
	// OlderUsageWindow is what the SDKs' own documentation still says.
	OlderUsageWindow = 6 * time.Hour
	// monthGrace is how long into a month records of the one before are taken.
	monthGrace = 6 * time.Hour
	// futureTolerance is how far a caller's clock may be ahead of the market's. AWS documents none; ours.
	futureTolerance = 5 * time.Minute
)

// UsageInput is one record of BatchMeterUsage as it was sent. Of the ids, nil means that it was not sent; the bytes are only read during the call.
type UsageInput struct {
	Timestamp            time.Time
	Dimension            []byte
	Quantity             int64
	CustomerIdentifier   []byte
	CustomerAWSAccountID []byte
	LicenseARN           []byte
	Allocations          []Allocation
}

// Allocation is a part of a record's quantity, under tags.
type Allocation struct {
	Quantity int64
	Tags     []Tag
}

// Tag is a vendor's tag.
type Tag struct{ Key, Value []byte }

// UsageStatus is what became of a record; AWS's own names.
type UsageStatus string

const (
	UsageSuccess       UsageStatus = "Success"
	UsageNotSubscribed UsageStatus = "CustomerNotSubscribed"
	UsageDuplicate     UsageStatus = "DuplicateRecord"
)

// UsageResult is the outcome of one record.
type UsageResult struct {
	Status UsageStatus
	ID     RecordID // of the record that is kept; zero where none is
}

// BatchInput is a call of BatchMeterUsage.
type BatchInput struct {
	ProductCode []byte // empty: not sent
	Records     []UsageInput
	// Unprocessed is how many of the records, from the end, are not to be processed: a fault rule's doing.
	Unprocessed int
}

// BatchOutput is the outcome of a call. It belongs to the caller, who may pass it again to have its room used.
type BatchOutput struct {
	Results []UsageResult // of the records that were processed: all but the last BatchInput.Unprocessed
	// What the call was about, for its request record: the product, and the buyer and license where all records agree on one.
	ProductCode, Buyer, LicenseARN string
	// Notes say why records were not taken, Warning what AWS would do that the seller may not want.
	Note, Warning string
}

// BatchMeterUsage takes the usage records of a seller's customers.
//
// Either the whole call fails and nothing is kept, or each record has a status of its own. Of several things that are wrong, the first record's first
// is told, in this order: Region; product code; then of each record the customer's id, the license, the product, the dimension, the time, the
// allocations. AWS documents no order.
//
// Errors: DisabledAPI, InvalidProduct, InvalidCustomer, InvalidLicense, InvalidDimension, TimestampOutOfBounds, InvalidAllocations, InvalidTag.
func (s *Service) BatchMeterUsage(ctx context.Context, c Caller, in *BatchInput, out *BatchOutput) error {
	*out = BatchOutput{Results: out.Results[:0]}
	now := s.enter(c.Now)
	defer s.leave()
	if !s.regions.Has("BatchMeterUsage", c.Region) {
		return errDisabled
	}
	if err := s.settled(ctx, now); err != nil {
		return asMarket("batch meter usage", err)
	}
	b := batches.Get().(*batch)
	b.begin(s, c, now)
	if err := b.judge(ctx, in, out); err != nil {
		b.end()
		return asMarket("batch meter usage", err)
	}
	if err := b.append(ctx, in, out); err != nil {
		return asMarket("batch meter usage", err) // b is not used again: the store may still be reading it
	}
	b.end()
	return nil
}

// batch is one call under way. Batches are pooled.
type batch struct {
	s       *Service
	caller  Caller
	now     time.Time
	region  string        // the caller's, as memory has it; "": it does not
	product *productEntry // the one product that the call is for, as soon as it is known

	records  []UsageRecord
	from     []int // which result a record is for
	standing []*standing
	found    []*standing // of each record of the request, as far as memory has it
	kept     []Appended
	random   []byte
}

var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) begin(s *Service, c Caller, now time.Time) {
	b.s, b.caller, b.now, b.region = s, c, now, s.region(c.Region)
}

// end forgets everything but the room that it took.
func (b *batch) end() {
	clear(b.records)
	clear(b.standing)
	clear(b.found)
	clear(b.kept)
	*b = batch{records: b.records[:0], from: b.from[:0], standing: b.standing[:0], found: b.found[:0], kept: b.kept[:0], random: b.random[:0]}
	batches.Put(b)
}

// judge applies the rules to all records, and gathers those that are to be kept.
func (b *batch) judge(ctx context.Context, in *BatchInput, out *BatchOutput) (err error) {
	if len(in.ProductCode) > 0 {
		if b.product, err = b.s.productByCode(ctx, in.ProductCode); err != nil {
			return err
		}
		if err := b.owned(b.product); err != nil {
			return err
		}
		out.ProductCode = b.product.Code
		b.found = b.s.standingsFor(b.product.Code, in.Records, b.found[:0])
	}
	if err := oneKindOfCustomer(in.Records); err != nil {
		return err
	}
	process := len(in.Records) - min(in.Unprocessed, len(in.Records))
	for i := range in.Records {
		r := &in.Records[i]
		st, a, err := b.find(ctx, i, r)
		if err != nil {
			return inRecord(i, err)
		}
		b.about(out, i, st, a)
		d := b.product.dimension(r.Dimension)
		if d == nil || d.Kind != Metered {
			return inRecord(i, badDimension(b.product, r.Dimension, d))
		}
		if err := b.s.inWindow(r.Timestamp, b.now, b.s.window); err != nil {
			return inRecord(i, err)
		}
		subscribed, err := b.subscribed(st, a, r.Timestamp, out)
		if err != nil {
			return inRecord(i, err)
		}
		if err := checkAllocations(r.Quantity, r.Allocations); err != nil {
			return inRecord(i, err)
		}
		if i >= process {
			continue
		}
		out.Results = append(out.Results, UsageResult{Status: UsageNotSubscribed})
		if subscribed {
			b.add(i, st, a, d, r, len(in.ProductCode) > 0 && a != nil, out)
		}
	}
	if b.product != nil {
		out.ProductCode = b.product.Code
	}
	return nil
}

// owned refuses products that the caller's account did not publish, like those that do not exist.
func (b *batch) owned(p *productEntry) error {
	switch {
	case p == nil:
		return &Error{Code: InvalidProduct, Message: msgProduct, Reason: "there is no product of that code"}
	case p.Seller != b.caller.Account:
		return &Error{Code: InvalidProduct, Message: msgProduct,
			Reason: "product " + p.Code + " was published by account " + p.Seller + ", the call comes from account " + b.caller.Account}
	}
	return nil
}

// Texts of errors are ours: none was ever seen live. They follow the model's own descriptions.
const (
	msgProduct  = "The product code passed does not match the product code used for publishing the product."
	msgCustomer = "You have metered usage for a CustomerIdentifier or CustomerAWSAccountId that does not exist, or not exactly one of the two was given."
	msgLicense  = "Ensure the LicenseArn is valid, matches the customer, and usage is within the license activation period."
)

// oneKindOfCustomer holds a request to one of the two ids that customers are known by, and each record to having it.
func oneKindOfCustomer(list []UsageInput) error {
	first := 0
	for i := range list {
		r := &list[i]
		identifier, account := len(r.CustomerIdentifier) > 0, len(r.CustomerAWSAccountID) > 0
		kind := 1
		switch {
		case identifier && account:
			return inRecord(i, &Error{Code: InvalidCustomer, Message: msgCustomer, Reason: "it has both CustomerIdentifier and CustomerAWSAccountId"})
		case !identifier && !account:
			return inRecord(i, &Error{Code: InvalidCustomer, Message: msgCustomer, Reason: "it has neither CustomerIdentifier nor CustomerAWSAccountId"})
		case account:
			kind = 2
		}
		if first == 0 {
			first = kind
		} else if kind != first {
			return inRecord(i, &Error{Code: InvalidCustomer, Message: msgCustomer,
				Reason: "it and the first record know their customers by different ids; one request uses either CustomerIdentifier or CustomerAWSAccountId"})
		}
	}
	return nil
}

// find finds out whose usage a record is: how the buyer stands with the call's product, and the license's agreement if it names one.
func (b *batch) find(ctx context.Context, i int, r *UsageInput) (st *standing, a *Agreement, err error) {
	if r.LicenseARN != nil {
		return b.findLicense(ctx, r)
	}
	switch {
	case b.product == nil:
		return nil, nil, &Error{Code: InvalidProduct, Message: msgProduct, Reason: "neither the request has a ProductCode nor the record a LicenseArn"}
	case b.product.Kind == ConcurrentAgreements:
		return nil, nil, &Error{Code: InvalidLicense, Message: msgLicense,
			Reason: "product " + b.product.Code + " is of the concurrent-agreements kind: its records need a LicenseArn and a CustomerAWSAccountId"}
	}
	if len(r.CustomerIdentifier) == 0 {
		if i < len(b.found) && b.found[i] != nil {
			return b.found[i], nil, nil
		}
		st, err = b.s.standingOf(ctx, b.product.Code, string(r.CustomerAWSAccountID))
		return st, nil, err
	}
	account, ok, err := b.s.customerAccount(ctx, r.CustomerIdentifier)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, &Error{Code: InvalidCustomer, Message: msgCustomer, Reason: "there is no customer " + quoteShort(r.CustomerIdentifier)}
	}
	st, err = b.s.standingOf(ctx, b.product.Code, account)
	return st, nil, err
}

func (b *batch) findLicense(ctx context.Context, r *UsageInput) (*standing, *Agreement, error) {
	refused := func(format string, args ...any) (*standing, *Agreement, error) {
		return nil, nil, &Error{Code: InvalidLicense, Message: msgLicense, Reason: fmt.Sprintf(format, args...)}
	}
	if len(r.CustomerIdentifier) > 0 {
		return nil, nil, &Error{Code: InvalidCustomer, Message: msgCustomer, Reason: "a record with a LicenseArn knows its customer by CustomerAWSAccountId"}
	}
	st, a, err := b.s.licensee(ctx, r.LicenseARN)
	switch {
	case err != nil:
		return nil, nil, err
	case a == nil:
		return refused("there is no such license")
	case a.Seller != b.caller.Account:
		return refused("the license is of a product of account %s, the call comes from account %s", a.Seller, b.caller.Account)
	case a.Buyer != string(r.CustomerAWSAccountID):
		return refused("the license is account %s's, not that of %s", a.Buyer, quoteShort(r.CustomerAWSAccountID))
	case b.product == nil:
		b.product = st.product
	case b.product.Code != a.ProductCode:
		return refused("the license is for product %s, the call for product %s: one product a call", a.ProductCode, b.product.Code)
	}
	return st, a, nil
}

// subscribed says whether a record of that time is taken now. An error means that the record's time is none at which there was an agreement.
func (b *batch) subscribed(st *standing, license *Agreement, at time.Time, out *BatchOutput) (bool, error) {
	if b.s.directory.Suspended(st.buyer) {
		out.note("account " + st.buyer + " is suspended")
		return false, nil
	}
	if license != nil {
		switch {
		case !b.now.Before(license.StartAt) && !license.TakesUsage(b.now):
			out.note(endedNote(license, b.now))
			return false, nil
		case b.now.Before(license.StartAt), !covers(license, at):
			return false, &Error{Code: InvalidLicense, Message: msgLicense,
				Reason: "the license is active from " + stamp(license.StartAt) + ", the record is of " + stamp(at)}
		}
		return true, nil
	}
	if st.open.takes(b.now, at) {
		return true, nil
	}
	// By product code, a customer is a customer: which of its agreements of the product it is does not matter, as long as one takes usage now
	// and there was one at the record's time.
	taken, then := false, false
	var last *Agreement
	for i := range st.agreements {
		a := &st.agreements[i]
		last = a
		taken = taken || a.TakesUsage(b.now)
		then = then || covers(a, at)
	}
	switch {
	case last == nil:
		out.note("account " + st.buyer + " never bought product " + st.product.Code)
		return false, nil
	case !taken:
		out.note(endedNote(last, b.now))
		return false, nil
	case !then:
		return false, &Error{Code: TimestampOutOfBounds, Message: msgTimestamp,
			Reason: "the record is of " + stamp(at) + ", before the customer's subscription, the last of which started " + stamp(last.StartAt)}
	}
	return true, nil
}

// endedNote says why nothing is taken, or nobody entitled, by an agreement.
func endedNote(a *Agreement, now time.Time) string {
	switch {
	case !a.SuspendedAt.IsZero():
		return "agreement " + a.ID + " is suspended"
	case a.StartAt.After(now) && a.Status == Active:
		return "agreement " + a.ID + " has not started: it does " + stamp(a.StartAt)
	case a.EndAt.Before(a.StartAt):
		return "agreement " + a.ID + " was cancelled before it started"
	case now.Before(a.EndAt.Add(FinalHourLength)):
		return "agreement " + a.ID + " ended " + stamp(a.EndAt) + "; its final hour is for the last usage records only"
	}
	return "agreement " + a.ID + " ended " + stamp(a.EndAt) + ", and its final hour is over"
}

// covers reports whether usage at that time can be an agreement's: from its start, to the second since clients send no more, to the end of
// its final hour.
func covers(a *Agreement, at time.Time) bool {
	if !a.EndAt.IsZero() && a.EndAt.Before(a.StartAt) { // it was cancelled before it began
		return false
	}
	return !at.Before(a.StartAt.Truncate(time.Second)) && (a.EndAt.IsZero() || !at.After(a.EndAt.Add(FinalHourLength)))
}

// note keeps the first reason why a record was not taken.
func (out *BatchOutput) note(text string) {
	if out.Note == "" {
		out.Note = text
	}
}

// warn keeps the first warning, but for one that money hangs on.
func (out *BatchOutput) warn(text string, loud bool) {
	if out.Warning == "" || loud && !strings.HasPrefix(out.Warning, billedTwice) {
		out.Warning = text
	}
}

// billedTwice is how the loud warning begins.
const billedTwice = "BILLED TWICE"

// about narrows what the call is about to what all records have in common.
func (b *batch) about(out *BatchOutput, i int, st *standing, a *Agreement) {
	license := ""
	if a != nil {
		license = a.LicenseARN
	}
	if i == 0 {
		out.Buyer, out.LicenseARN = st.buyer, license
		return
	}
	if out.Buyer != st.buyer {
		out.Buyer = ""
	}
	if out.LicenseARN != license {
		out.LicenseARN = ""
	}
}

// add puts a record among those to be kept. Its strings are those in memory, so that nothing of the request is held on to.
func (b *batch) add(result int, st *standing, a *Agreement, d *Dimension, r *UsageInput, twofold bool, out *BatchOutput) {
	u := UsageRecord{
		Series:    Series{Region: b.caller.Region, ProductCode: b.product.Code, Buyer: st.buyer, Dimension: d.Key},
		Timestamp: r.Timestamp, Quantity: r.Quantity, SubmittedAt: b.now,
	}
	if a != nil {
		u.Series.LicenseARN = a.LicenseARN
	}
	if b.region != "" {
		u.Number = st.number(b.region, d.Key, a)
	}
	if r.Allocations != nil {
		u.Allocations = packAllocations(r.Allocations, nil)
	}
	if twofold {
		out.warn("ProductCode and LicenseArn stand in one request: the records with a LicenseArn are metered by license; leave ProductCode out", false)
	}
	b.records = append(b.records, u)
	b.from = append(b.from, len(out.Results)-1)
	b.standing = append(b.standing, st)
}

// append has the store keep the records, and settles the results.
func (b *batch) append(ctx context.Context, in *BatchInput, out *BatchOutput) error {
	n := len(b.records)
	if n == 0 {
		return nil
	}
	b.random = slices.Grow(b.random[:0], 8*n)[:8*n]
	if _, err := io.ReadFull(b.s.rand, b.random); err != nil {
		return err
	}
	for i := range b.records {
		random, r := [8]byte(b.random[8*i:]), &b.records[i]
		if buyer := in.Records[b.from[i]].CustomerAWSAccountID; len(buyer) > 0 {
			r.ID = recordIDOf(random, r, buyer)
		} else {
			r.ID = recordID(random, r)
		}
	}
	b.kept = slices.Grow(b.kept[:0], n)[:n]
	if err := b.s.store.AppendUsage(ctx, b.records, b.kept); err != nil {
		return err
	}
	for i := range b.kept {
		k, r := &b.kept[i], &b.records[i]
		res := UsageResult{Status: UsageDuplicate, ID: k.ID}
		if k.Inserted || k.Quantity == r.Quantity && slices.Equal(k.Allocations, r.Allocations) {
			res.Status = UsageSuccess
		}
		out.Results[b.from[i]] = res
		b.twoWays(ctx, b.standing[i], r, out)
	}
	return nil
}

// twoWays warns of usage that a customer is billed for twice: metered by product code and by license in one hour.
func (b *batch) twoWays(ctx context.Context, st *standing, r *UsageRecord, out *BatchOutput) {
	this, other := &st.byCode, &st.byLicense
	byLicense := r.Series.LicenseARN != ""
	if byLicense {
		this, other = other, this
	}
	if !this.Load() {
		this.Store(true)
	}
	if !other.Load() || strings.HasPrefix(out.Warning, billedTwice) {
		return
	}
	both := false
	if err := b.s.store.View(ctx, func(tx Tx) (err error) {
		both, err = tx.MeteredIn(r.Series.ProductCode, r.Series.Buyer, r.Hour(), !byLicense)
		return err
	}); err != nil || !both { // the records are kept; a warning that cannot be made is no reason to say otherwise
		return
	}
	out.warn(billedTwice+": account "+r.Series.Buyer+" was metered for product "+r.Series.ProductCode+" both by ProductCode and by LicenseArn in the hour of "+
		stamp(time.Unix(r.Hour()*3600, 0))+"; AWS keeps and bills both. Stop metering by ProductCode before you start by LicenseArn", true)
}

// inRecord names the record that made a call fail, from 1, where callers are told nothing: AWS's errors do not say.
func inRecord(i int, err error) error {
	if e, ok := err.(*Error); ok {
		named := *e
		named.Reason = "record " + strconv.Itoa(i+1)
		if e.Reason != "" {
			named.Reason += ": " + e.Reason
		}
		return &named
	}
	return err
}
