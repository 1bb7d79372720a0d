package market

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/account"
)

const (
	// meterWindow is how far back MeterUsage takes records: "up to six hours in the past" (its API page; not changed when BatchMeterUsage's was).
	meterWindow = 6 * time.Hour
	// clientTokenLife is how long a client token stands for its call, on the market's clock. AWS does not say; ours.
	clientTokenLife = 24 * time.Hour
)

// Texts of errors are ours, after the model's descriptions.
const (
	msgNotEntitled      = "The customer does not have a valid subscription for the product."
	msgInvalidEndpoint  = "The endpoint being called is in an AWS Region different from that of your EC2 instance, ECS task, or EKS pod. The two must match."
	msgDuplicateRequest = "A metering record has already been emitted by the same EC2 instance, ECS task, or EKS pod for the given dimension and hour with a different quantity."
	msgIdempotency      = "The ClientToken is being used for multiple requests."
	msgDryRun           = "Request would have succeeded, but DryRun flag is set." // EC2's, which has the same flag
)

// MeterUsageInput is a call of MeterUsage.
type MeterUsageInput struct {
	ProductCode string
	Timestamp   time.Time
	Dimension   string
	Quantity    int64 // 0 to 2147483647
	Allocations []Allocation
	ClientToken string // "": none was sent
	DryRun      bool
}

// MeterUsage takes one record of a buyer's own workload: of an EC2 instance, an ECS task, an EKS pod, or an AgentCore runtime. Which it is, and which
// one, is in the credentials that signed: the role says the first, its session the second.
//
// But for AgentCore, a workload meters a dimension once an hour: the time is rounded down to the hour, the same again is the same record, and another
// quantity is DuplicateRequest. AgentCore meters at will, and calls are told apart by their client tokens.
//
// The order is: Region, product, the workload's Region, entitlement, dimension, quantity, time, allocations, dry run, client token, identity.
//
// Errors: InvalidProduct, InvalidEndpoint, NotEntitled, InvalidDimension, Invalid, TimestampOutOfBounds, InvalidAllocations, InvalidTag,
// IdempotencyConflict, DuplicateRequest; and DryRun, when all is well and in.DryRun is set.
func (s *Service) MeterUsage(ctx context.Context, c Caller, in *MeterUsageInput) (RecordID, error) {
	now := s.enter(c.Now)
	defer s.leave()
	now = now.UTC().Truncate(time.Millisecond)
	r, err := s.judgeMeterUsage(ctx, c, in, now)
	if err != nil {
		return RecordID{}, asMarket("meter usage", err)
	}
	if in.DryRun {
		return RecordID{}, &Error{Code: DryRun, Message: msgDryRun}
	}
	if r.Series.Resource, err = s.meteringResource(c, in.ClientToken); err != nil {
		return RecordID{}, asMarket("meter usage", err)
	}
	if r.ID, err = newRecordID(s.rand, &r); err != nil {
		return RecordID{}, asMarket("meter usage", err)
	}
	id, err := s.keepMetered(ctx, c, in, &r, now)
	return id, asMarket("meter usage", err)
}

// judgeMeterUsage applies all rules that do not depend on what was metered before, and makes the record, but for its resource and id.
func (s *Service) judgeMeterUsage(ctx context.Context, c Caller, in *MeterUsageInput, now time.Time) (r UsageRecord, err error) {
	if !s.regions.HasMeterUsage(c.Workload, c.Region) {
		// MeterUsage has no DisabledApiException in its model. Of its errors this one is about Regions.
		return r, &Error{Code: InvalidEndpoint, Message: msgInvalidEndpoint, Reason: "MeterUsage does not exist in " + c.Region + " for this workload"}
	}
	if err := s.settled(ctx, now); err != nil {
		return r, err
	}
	st, err := s.standingOf(ctx, in.ProductCode, c.Account)
	if err != nil {
		return r, err
	}
	if st == nil {
		return r, &Error{Code: InvalidProduct, Message: msgProduct, Reason: "there is no product of that code"}
	}
	if c.WorkloadRegion != "" && c.WorkloadRegion != c.Region {
		return r, &Error{Code: InvalidEndpoint, Message: msgInvalidEndpoint,
			Reason: "the workload runs in " + c.WorkloadRegion + ", the call is signed for " + c.Region}
	}
	if c.Workload == "" || c.Session == "" {
		return r, &Error{Code: NotEntitled, Message: msgNotEntitled,
			Reason: c.ARN + " is not the session of a workload's role: MeterUsage is for EC2 instances, ECS tasks, EKS pods and AgentCore runtimes; give the role a workload"}
	}
	preview := st.product.Seller == c.Account // "preview mode": the seller tries its product out before it is published
	if !preview && !st.any(func(a *Agreement) bool { return a.TakesUsage(now) }) {
		return r, notEntitled(st, now)
	}
	d := st.product.dimensions[in.Dimension]
	if d == nil || d.Kind != Metered {
		return r, badDimension(st.product, []byte(in.Dimension), d)
	}
	if in.Quantity < 0 || in.Quantity > maxQuantity {
		return r, fail(Invalid, "the quantity must be from 0 to 2147483647")
	}
	if err := s.inWindow(in.Timestamp, now, meterWindow); err != nil {
		return r, err
	}
	r = UsageRecord{
		Series:    Series{Region: c.Region, ProductCode: st.product.Code, Buyer: c.Account, Dimension: d.Key},
		Timestamp: in.Timestamp.UTC().Truncate(time.Millisecond), Quantity: in.Quantity, SubmittedAt: now,
	}
	last := r.Timestamp // the latest that the record's time can stand for
	if c.Workload != account.AgentCore {
		r.Timestamp = r.Timestamp.Truncate(time.Hour)
		last = r.Timestamp.Add(time.Hour - time.Millisecond)
	}
	// It may be another agreement than the one that takes usage now: one that was renewed an hour ago, and more.
	if !preview && !st.any(func(a *Agreement) bool { return covers(a, r.Timestamp) || covers(a, last) }) {
		return r, &Error{Code: TimestampOutOfBounds, Message: msgTimestamp, Reason: "the record is of " + stamp(in.Timestamp) + ", when there was no subscription"}
	}
	if err := checkAllocations(in.Quantity, in.Allocations); err != nil {
		return r, err
	}
	r.Allocations = packAllocations(in.Allocations, nil)
	return r, nil
}

// any reports whether one of the buyer's agreements is such.
func (st *standing) any(such func(*Agreement) bool) bool {
	for i := range st.agreements {
		if such(&st.agreements[i]) {
			return true
		}
	}
	return false
}

// notEntitled says why a buyer's own workload may not use a product.
func notEntitled(st *standing, now time.Time) error {
	e := &Error{Code: NotEntitled, Message: msgNotEntitled, Reason: "account " + st.buyer + " never bought product " + st.product.Code}
	if n := len(st.agreements); n > 0 {
		e.Reason = endedNote(&st.agreements[n-1], now)
	}
	return e
}

// meteringResource is what a MeterUsage record's identity has beside product, buyer and dimension: the workload, and of AgentCore the call. A session's
// name has no "#" in it (STS), so no two pairs make the same resource.
func (s *Service) meteringResource(c Caller, token string) (string, error) {
	switch {
	case c.Workload != account.AgentCore:
		return c.Session, nil
	case token == "": // every SDK sends one: this call is like no other
		var random [16]byte
		if _, err := io.ReadFull(s.rand, random[:]); err != nil {
			return "", err
		}
		token = hex.EncodeToString(random[:])
	}
	return c.Session + "#" + storable(token), nil
}

// storable is a client token as it can be kept: a hash of one that is longer than the service model has it, or has a character that no store keeps.
func storable(token string) string {
	if len(token) <= 64 && strings.IndexByte(token, 0) < 0 {
		return token
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// keepMetered keeps the record, unless its client token or its identity is known, and answers the id of the one that is kept.
//
// Of two calls with one token, one sees the other's token or neither's: all is one Update.
func (s *Service) keepMetered(ctx context.Context, c Caller, in *MeterUsageInput, r *UsageRecord, now time.Time) (id RecordID, err error) {
	token := ClientToken{Account: c.Account, Fingerprint: meteringFingerprint(in, r), ForgetAt: now.Add(clientTokenLife)}
	if in.ClientToken != "" {
		token.Token = c.Region + "/" + storable(in.ClientToken) // each Region is a service of its own
	}
	err = s.store.Update(ctx, func(tx Tx) error {
		if token.Token != "" {
			if _, err := tx.ForgetClientTokens(now); err != nil {
				return err
			}
			known, ok, err := tx.ClientToken(c.Account, token.Token)
			if err != nil {
				return err
			}
			if ok = ok && now.Before(known.ForgetAt); ok && known.Fingerprint != token.Fingerprint {
				return &Error{Code: IdempotencyConflict, Message: msgIdempotency, Reason: "the token was used for record " + known.RecordID.String() + ", with other parameters"}
			}
			if ok {
				id = known.RecordID
				return nil
			}
		}
		var out [1]Appended
		if err := tx.AppendUsage([]UsageRecord{*r}, out[:]); err != nil {
			return err
		}
		kept := &out[0]
		if !kept.Inserted && (kept.Quantity != r.Quantity || !slices.Equal(kept.Allocations, r.Allocations)) {
			return &Error{Code: DuplicateRequest, Message: msgDuplicateRequest, Reason: "record " + kept.ID.String() + " is there already, of " + stamp(kept.Timestamp)}
		}
		id = kept.ID
		if token.Token == "" {
			return nil
		}
		token.RecordID = id
		return tx.PutClientToken(token)
	})
	if err != nil {
		return RecordID{}, err
	}
	return id, nil
}

// meteringFingerprint is a hash of all that a call says: the same call again has the same. Allocations are in their canonical order, and the time is as
// it was sent.
func meteringFingerprint(in *MeterUsageInput, r *UsageRecord) [32]byte {
	b := make([]byte, 0, 128+len(r.Allocations))
	for _, text := range [...]string{in.ProductCode, in.Dimension, r.Series.Resource} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(in.Timestamp.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(in.Quantity))
	return sha256.Sum256(append(b, r.Allocations...))
}
