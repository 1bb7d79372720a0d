package market

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/account"
)

const (
	msgPlatform   = "This operation can only be called from within an ECS task or an EKS pod" // live
	msgKeyVersion = "Public Key version is invalid."
	msgRegion     = "RegisterUsage must be called in the same AWS Region the ECS task or EKS pod was launched in."
	maxNonce      = 255 // service model, Nonce
)

// RegisterUsageInput is a call of RegisterUsage.
type RegisterUsageInput struct {
	ProductCode      string
	PublicKeyVersion int // from 1
	Nonce            string
	HasNonce         bool
}

// UsageRegistration is the answer of RegisterUsage.
type UsageRegistration struct {
	Signature string    // a JWT, PS256
	RotatedAt time.Time // when the key version was superseded, to the second; zero: it is the newest
}

// RegisterUsage says that a container runs, and has it charged for. The answer is signed, so that the container can tell that it comes from the marketplace.
//
// Whether the buyer is entitled is asked at a task's or a pod's first call only: what runs goes on running.
//
// The order is: Region, platform, product, the workload's Region, nonce, key version, entitlement.
//
// Errors: DisabledAPI, WrongPlatform, InvalidProduct, InvalidRegion, Invalid, InvalidKeyVersion, NotEntitled.
func (s *Service) RegisterUsage(ctx context.Context, c Caller, in *RegisterUsageInput) (UsageRegistration, error) {
	now := s.enter(c.Now)
	defer s.leave()
	now = now.UTC().Truncate(time.Millisecond)
	st, err := s.judgeRegistration(ctx, c, in, now)
	if err != nil {
		return UsageRegistration{}, asMarket("register usage", err)
	}
	keys, err := s.signingKeys(ctx, now)
	if err != nil {
		return UsageRegistration{}, asMarket("register usage", err)
	}
	at := slices.IndexFunc(keys, func(k SigningKey) bool { return k.Version == in.PublicKeyVersion })
	if at < 0 {
		return UsageRegistration{}, &Error{Code: InvalidKeyVersion, Message: msgKeyVersion}
	}
	if err := s.register(ctx, c, st, now); err != nil {
		return UsageRegistration{}, asMarket("register usage", err)
	}
	// To the second, so that the answer and the signed payload say the same.
	out := UsageRegistration{RotatedAt: rotatedAt(keys, at).Truncate(time.Second)}
	key, err := s.signers.parse(keys[at])
	if err == nil {
		out.Signature, err = signRegistration(s.rand, key, in, out.RotatedAt)
	}
	return out, asMarket("register usage", err)
}

// judgeRegistration applies the rules that need neither keys nor what was registered before.
func (s *Service) judgeRegistration(ctx context.Context, c Caller, in *RegisterUsageInput, now time.Time) (*standing, error) {
	if !s.regions.Has("RegisterUsage", c.Region) {
		return nil, errDisabled
	}
	if c.Session == "" || c.Workload != account.ECSTask && c.Workload != account.EKSPod {
		return nil, &Error{Code: WrongPlatform, Message: msgPlatform, Reason: c.ARN + " is not a session of a role whose workload is an ECS task or an EKS pod"}
	}
	if err := s.settled(ctx, now); err != nil {
		return nil, err
	}
	st, err := s.standingOf(ctx, in.ProductCode, c.Account)
	switch {
	case err != nil:
		return nil, err
	case st == nil:
		return nil, &Error{Code: InvalidProduct, Message: msgProduct, Reason: "there is no product of that code"}
	case c.WorkloadRegion != "" && c.WorkloadRegion != c.Region:
		return nil, &Error{Code: InvalidRegion, Message: msgRegion, Reason: "the workload runs in " + c.WorkloadRegion + ", the call is signed for " + c.Region}
	case utf8.RuneCountInString(in.Nonce) > maxNonce:
		return nil, fail(Invalid, "the nonce must have at most 255 characters")
	}
	return st, nil
}

// register notes a workload's first call, which needs an agreement; the seller's own workloads need none ("preview mode"). Later ones are let through.
func (s *Service) register(ctx context.Context, c Caller, st *standing, now time.Time) error {
	known := func(tx Tx) (ok bool, err error) {
		_, ok, err = tx.Registration(st.product.Code, c.Account, c.Session)
		return ok, err
	}
	var before bool
	if err := s.store.View(ctx, func(tx Tx) (err error) {
		before, err = known(tx)
		return err
	}); err != nil || before {
		return err
	}
	if st.product.Seller != c.Account && !st.any(func(a *Agreement) bool { return a.Live(now) }) {
		return notEntitled(st, now)
	}
	return s.store.Update(ctx, func(tx Tx) error {
		if ok, err := known(tx); ok || err != nil { // the first call's Region and time stay
			return err
		}
		return tx.PutRegistration(Registration{
			ProductCode: st.product.Code, Account: c.Account, Resource: c.Session, Workload: string(c.Workload), Region: c.Region, At: now,
		})
	})
}
