package market

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
)

// Documented and chosen bounds.
const (
	// DefaultTokenLife is the onboarding page's: "every token lives 4 hours" (behaviour: docs/divergences.md, ResolveCustomer).
	DefaultTokenLife = 4 * time.Hour
	// MaxTokenLife bounds what a product may ask for, and so how long a sealing key has to be kept.
	MaxTokenLife = 7 * 24 * time.Hour
	// keyRotation is how long a sealing key mints before the next one takes over.
	keyRotation = 24 * time.Hour
)

// Config is what a Service is made of. Store, Directory and Ring are required.
type Config struct {
	Store     Store
	Directory *account.Directory
	Ring      *keyring.Ring
	Now       func() time.Time // the market's clock; nil: Wall
	Wall      func() time.Time // the wall clock; nil: time.Now
	Rand      io.Reader
	Log       *slog.Logger
	Regions   Regions
	// TokenLife and TokenReuse hold for products that say nothing themselves; zero values are the defaults.
	TokenLife  time.Duration
	TokenReuse TokenReuse
	// UsageWindow is how far back BatchMeterUsage takes records: 0 or DefaultUsageWindow, or OlderUsageWindow.
	UsageWindow time.Duration
	// Shared says that other nodes use the store too: CatchUp must be called when they have changed something, and every now and then.
	Shared bool
	// BuiltinRegistrationURL is where this Souk's own registration page is; "" if it has none.
	BuiltinRegistrationURL string
	// OnRestore is called after a snapshot was restored, before anybody looks: whoever keeps something in memory that belongs to the store, such as its
	// clock, takes it up from there. It must not call what waits for a Restore; Setting and PutSetting do not. nil: nothing.
	OnRestore func(ctx context.Context) error
}

// Service is the marketplace. It is safe for concurrent use.
type Service struct {
	store     Store
	directory *account.Directory
	ring      *keyring.Ring
	now       func() time.Time
	wall      func() time.Time
	rand      io.Reader
	log       *slog.Logger
	regions   Regions
	life      time.Duration
	reuse     TokenReuse
	builtin   string
	window    time.Duration // of BatchMeterUsage
	memory    memory
	due       due     // when the next thing happens to an agreement by itself
	signers   signers // of RegisterUsage
	follower  follower
	minted    mintLog

	refreshing sync.Mutex // one refresh at a time, so that an older state never replaces a newer one

	restoring    sync.RWMutex // written to by Restore; read by enter
	restored     atomic.Bool  // ever
	snapshotting sync.Mutex   // one that takes a snapshot at a time
	onRestore    func(context.Context) error
}

// Open makes a Service over a store, brings the directory and the ring up from it, and makes the first sealing key if there is none.
func Open(ctx context.Context, cfg Config) (*Service, error) {
	s := &Service{
		store: cfg.Store, directory: cfg.Directory, ring: cfg.Ring, now: cfg.Now, wall: cfg.Wall, rand: cfg.Rand, log: cfg.Log,
		regions: cfg.Regions, life: cfg.TokenLife, reuse: cfg.TokenReuse, builtin: cfg.BuiltinRegistrationURL, window: cfg.UsageWindow,
		onRestore: cfg.OnRestore,
	}
	s.due.settling = make(chan struct{}, 1)
	if s.wall == nil {
		s.wall = time.Now
	}
	if s.now == nil {
		s.now = s.wall
	}
	if s.life == 0 {
		s.life = DefaultTokenLife
	}
	if s.reuse == "" {
		s.reuse = ReuseReplay
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.window == 0 {
		s.window = DefaultUsageWindow
	}
	if s.window != DefaultUsageWindow && s.window != OlderUsageWindow {
		return nil, fmt.Errorf("market: open: usage window %s must be %s or %s", s.window, DefaultUsageWindow, OlderUsageWindow)
	}
	if s.life < time.Second || s.life > MaxTokenLife {
		return nil, fmt.Errorf("market: open: token life %s must be from 1s to %s", s.life, MaxTokenLife)
	}
	if s.reuse != ReuseReplay && s.reuse != ReuseSingle {
		return nil, fmt.Errorf("market: open: token reuse %q must be %q or %q", s.reuse, ReuseReplay, ReuseSingle)
	}
	if _, err := s.CatchUp(ctx); err != nil { // before the versions move, so that nothing is missed
		return nil, fmt.Errorf("market: open: %w", err)
	}
	if err := s.refresh(ctx); err != nil { // an empty store has versions of 0, like this node
		return nil, fmt.Errorf("market: open: %w", err)
	}
	if cfg.Shared {
		s.ring.Unknown = s.unknownKey
	}
	if _, ok := s.ring.Active(); !ok {
		if _, err := s.RotateTokenKey(ctx, Operator()); err != nil {
			return nil, fmt.Errorf("market: open: %w", err)
		}
	}
	return s, nil
}

// refresh brings the directory and the ring up from the store.
func (s *Service) refresh(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	var state account.State
	var keys []keyring.Key
	err := s.store.View(ctx, func(tx Tx) (err error) {
		state, keys, err = stateOf(tx)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.directory.Replace(state); err != nil {
		return err
	}
	return s.ring.Replace(keys)
}

// refreshTimeout bounds a refresh after a change. It does not depend on the caller, who may have left.
const refreshTimeout = 10 * time.Second

// change runs an Update of the directory or the ring, and brings both up to date afterwards: whenever the Update may have taken
// effect, and also when the caller has hung up meanwhile, or a key that was made inactive would go on opening doors here.
func (s *Service) change(ctx context.Context, fn func(Tx) error) error {
	err := s.store.Update(ctx, fn)
	if err != nil && CodeOf(err) != OutcomeUnsure {
		return err
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	if fresh := s.refresh(detached); fresh != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "a change is in the store, and this node could not take it up", slog.String("error", fresh.Error()))
		if err == nil {
			err = fresh
		}
	}
	return err
}

// Now is the market's time.
func (s *Service) Now() time.Time { return s.now() }

// operatorOnly refuses what only the house may do.
func operatorOnly(c Caller) error {
	if !c.Operator {
		return fail(Forbidden, "only an operator may do this")
	}
	return nil
}

// Resolution is what a registration token stands for.
type Resolution struct {
	CustomerAWSAccountID string // twelve digits
	CustomerIdentifier   string // "" for concurrent-agreements products
	LicenseARN           string
	ProductCode          string
}

var (
	errDisabled = &Error{Code: DisabledAPI, Message: "This API is disabled in this Region."}
	errToken    = &Error{Code: InvalidToken, Message: "Registration token is invalid", Reason: "the token does not open: altered, cut short, of another Souk, or sealed under a retired key"}
)

// ResolveCustomer turns a registration token into the customer that it stands for. The caller's account must have published the product.
//
// Errors: DisabledAPI, InvalidToken, ExpiredToken. The order is: Region, seal, owner, life, reuse; so a stranger does not even learn that a
// token was real. With a replayable token it reads nothing from the store.
func (s *Service) ResolveCustomer(ctx context.Context, c Caller, token []byte) (Resolution, error) {
	now := c.Now
	if now.IsZero() {
		now = s.now()
	}
	if !s.regions.Has("ResolveCustomer", c.Region) {
		return Resolution{}, errDisabled
	}
	var g grant
	if err := openToken(s.ring, token, &g); err != nil {
		return Resolution{}, errToken
	}
	res := Resolution{CustomerAWSAccountID: g.buyer, CustomerIdentifier: g.customer, LicenseARN: g.licenseARN, ProductCode: g.productCode}
	if g.seller != c.Account {
		return res, &Error{Code: InvalidToken, Message: errToken.Message,
			Reason: "the product was published by account " + g.seller + ", the call comes from account " + c.Account}
	}
	if !now.Before(g.expiresAt()) {
		return res, &Error{Code: ExpiredToken, Message: "Registration token has expired",
			Reason: "minted " + stamp(g.issuedAt) + ", expired " + stamp(g.expiresAt()) + ", now " + stamp(now)}
	}
	if g.singleUse {
		now = s.enter(now)
		defer s.leave()
		return res, s.redeem(ctx, g.tokenID, g.expiresAt(), now)
	}
	return res, nil
}

func (s *Service) redeem(ctx context.Context, tokenID [8]byte, expires, now time.Time) error {
	var first bool
	err := s.store.Update(ctx, func(tx Tx) (err error) {
		if _, err = tx.ForgetTokens(now); err != nil { // those that have expired are refused for that
			return err
		}
		first, err = tx.RedeemToken(tokenID[:], expires)
		return err
	})
	if err != nil {
		return fmt.Errorf("market: redeem token: %w", err)
	}
	if !first {
		return &Error{Code: ExpiredToken, Message: "Registration token has expired", Reason: "the token is for single use and was redeemed before"}
	}
	return nil
}

// Peek says what a token is about, without judging it: for fault rules and request records. It answers false for one that does not open.
func (s *Service) Peek(token []byte) (Resolution, bool) {
	var g grant
	if openToken(s.ring, token, &g) != nil {
		return Resolution{}, false
	}
	return Resolution{CustomerAWSAccountID: g.buyer, CustomerIdentifier: g.customer, LicenseARN: g.licenseARN, ProductCode: g.productCode}, true
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Setting reads a small named value of the house.
func (s *Service) Setting(ctx context.Context, c Caller, name string) (value string, ok bool, err error) {
	if err := operatorOnly(c); err != nil {
		return "", false, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		value, ok, err = tx.Setting(name)
		return err
	})
	return value, ok, err
}

// PutSetting writes one.
func (s *Service) PutSetting(ctx context.Context, c Caller, name, value string) error {
	if err := operatorOnly(c); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx Tx) error { return tx.PutSetting(name, value) })
}

// TokenKeys lists the sealing keys, oldest first. Their secrets are zeroed.
func (s *Service) TokenKeys(ctx context.Context, c Caller) (keys []keyring.Key, err error) {
	if err := operatorOnly(c); err != nil {
		return nil, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		keys, err = tx.TokenKeys()
		return err
	})
	for i := range keys {
		keys[i].Secret = [32]byte{}
	}
	return keys, err
}

// RotateTokenKey makes a new sealing key. The old ones go on opening, until they can have no living token any more.
func (s *Service) RotateTokenKey(ctx context.Context, c Caller) (keyring.Key, error) {
	if err := operatorOnly(c); err != nil {
		return keyring.Key{}, err
	}
	return s.rotate(ctx, 0)
}

// rotate makes a new sealing key, unless the newest one is younger than atLeast: another caller was faster then.
func (s *Service) rotate(ctx context.Context, atLeast time.Duration) (keyring.Key, error) {
	now := s.wall().UTC().Truncate(time.Millisecond)
	k, err := keyring.NewKey(s.rand, now)
	if err != nil {
		return keyring.Key{}, err
	}
	made := false
	err = s.change(ctx, func(tx Tx) error {
		made, k.CreatedAt = false, now
		keys, err := tx.TokenKeys()
		if err != nil {
			return err
		}
		if n := len(keys); n > 0 {
			newest := keys[n-1].CreatedAt
			if age := now.Sub(newest); age >= 0 && age < atLeast && !keys[n-1].Retired {
				return nil
			}
			if !now.After(newest) { // the wall clock was stepped back: the new key seals all the same
				k.CreatedAt = newest.Add(time.Millisecond)
			}
		}
		for i, old := range keys { // a key stops minting when its successor comes; its last token dies MaxTokenLife later
			if !old.Retired && i+1 < len(keys) && now.Sub(keys[i+1].CreatedAt) > MaxTokenLife {
				old.Retired = true
				if err := tx.PutTokenKey(old); err != nil {
					return err
				}
			}
		}
		made = true
		return tx.PutTokenKey(k)
	})
	if err != nil {
		return keyring.Key{}, asMarket("rotate token key", err)
	}
	if made {
		s.log.LogAttrs(ctx, slog.LevelInfo, "token key rotated", slog.String("key", k.ID.String()))
	}
	k.Secret = [32]byte{}
	return k, nil
}

// RetireTokenKey makes a sealing key open nothing any more. The one that seals cannot be retired: rotate first.
func (s *Service) RetireTokenKey(ctx context.Context, c Caller, id string) error {
	if err := operatorOnly(c); err != nil {
		return err
	}
	return asMarket("retire token key", s.change(ctx, func(tx Tx) error {
		keys, err := tx.TokenKeys()
		if err != nil {
			return err
		}
		sealing := -1
		for i, k := range keys {
			if !k.Retired {
				sealing = i // the newest of those that are left
			}
		}
		for i, k := range keys {
			if k.ID.String() != id {
				continue
			}
			if i == sealing {
				return fail(Conflict, "token key %s is the one that seals: rotate first", id)
			}
			k.Retired = true
			return tx.PutTokenKey(k)
		}
		return fail(NotFound, "token key %s does not exist", strconv.Quote(id))
	}))
}

// rotateIfOld gives the ring a fresh key when the active one has sealed long enough. Of many callers that find so at once, one makes it.
func (s *Service) rotateIfOld(ctx context.Context) error {
	if active, ok := s.ring.Active(); ok && s.wall().Sub(active.CreatedAt) < keyRotation {
		return nil
	}
	_, err := s.rotate(ctx, keyRotation)
	return err
}

// Ready reports whether the store answers.
func (s *Service) Ready(ctx context.Context) error {
	return s.store.View(ctx, func(tx Tx) error {
		_, err := tx.Versions()
		return err
	})
}

// asMarket keeps market errors as they are and names the act in all others.
func asMarket(act string, err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("market: %s: %w", act, err)
}
