package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sigv4"
	"github.com/souk-market/souk/internal/world"
)

//go:embed sample.yaml
var sampleWorld []byte

// sampleSeller is the account that unknown keys stand for in relaxed mode, and whose key the built-in registration page signs with.
const sampleSeller = "111122223333"

// applySample fills an empty marketplace with the sample one. What somebody changed since stays as it is.
func applySample(ctx context.Context, s *market.Service) error {
	accounts, err := s.Accounts(ctx, market.Operator())
	if err != nil || len(accounts) > 0 {
		return err
	}
	f, err := world.Parse(sampleWorld)
	if err != nil {
		return fmt.Errorf("sample world: %w", err)
	}
	if _, err := s.ApplyWorld(ctx, market.Operator(), f.World); err != nil {
		return fmt.Errorf("sample world: %w", err)
	}
	return nil
}

// info is what a client of this node wants to know. Secrets of keys are told in dev only.
func info(ctx context.Context, n *node, cfg *nodeConfig) admin.Info {
	out := admin.Info{Endpoint: n.Endpoint, Control: n.Control, Region: cfg.Region, Version: version(), Mode: cfg.Mode, Keys: []admin.KeyInfo{}, Products: []admin.ProductInfo{}}
	dir, err := n.service.DirectoryState(ctx, market.Operator())
	if err == nil && cfg.Mode == "dev" {
		for _, k := range dir.Keys {
			if !k.Inactive {
				out.Keys = append(out.Keys, admin.KeyInfo{Name: k.Name, Account: k.Account, AccessKeyID: k.ID, SecretAccessKey: k.Secret, Note: k.Note})
			}
		}
	}
	products, err := n.service.Products(ctx, market.Operator())
	if err != nil {
		return out
	}
	for _, p := range products {
		pi := admin.ProductInfo{ProductCode: p.Code, ProductID: p.ID, Kind: p.Kind, RegistrationURL: n.service.RegistrationURL(p), Title: p.Title, Dimensions: []admin.DimensionInfo{}}
		for _, d := range p.Dimensions {
			pi.Dimensions = append(pi.Dimensions, admin.DimensionInfo{Key: d.Key, Kind: d.Kind})
		}
		out.Products = append(out.Products, pi)
	}
	return out
}

// relaxed is who an unknown access key stands for: twelve digits are that account, anything else the sample seller.
func relaxed(d *account.Directory, keyID string) *account.Principal {
	id := sampleSeller
	if account.ValidID(keyID) {
		id = keyID
	}
	p, _ := d.Root(id)
	return p
}

// sampleSellerKey is the key that the built-in registration page signs with: it knows that and the endpoint, like any seller's site, and
// nothing else of this Souk. Without a key named "seller" the page has none, and says what AWS answers to that.
func sampleSellerKey(ctx context.Context, s *market.Service) (sigv4.Key, error) {
	dir, err := s.DirectoryState(ctx, market.Operator())
	for _, k := range dir.Keys {
		if k.Name == "seller" && !k.Inactive {
			return sigv4.Key{AccessKeyID: k.ID, Secret: k.Secret}, err
		}
	}
	return sigv4.Key{}, err
}

const clockSetting = "clock"

// restoreClock brings a moved clock back after a restart. Where the clock cannot be moved, a store whose clock was is refused: by the wall clock,
// everything in it would lie in the future.
func (n *node) restoreClock(ctx context.Context, simulation bool) error {
	text, ok, err := n.service.Setting(ctx, market.Operator(), clockSetting)
	if err != nil || !ok {
		return err
	}
	var s clock.State
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return fmt.Errorf("restore clock: %w", err)
	}
	if !simulation && (s.Frozen || s.Offset != clock.Offset{}) {
		return fmt.Errorf("the clock of this store was moved (it showed %s): start it with --simulation", s.Now.UTC().Format(time.RFC3339))
	}
	n.clock.Adopt(s)
	return nil
}

func (n *node) saveClock(ctx context.Context) error {
	n.saving.Lock()
	defer n.saving.Unlock()
	b, err := json.Marshal(n.clock.State())
	if err != nil {
		return fmt.Errorf("save clock: %w", err)
	}
	// The clock is moved by now, whether or not whoever moved it still waits.
	return n.service.PutSetting(context.WithoutCancel(ctx), market.Operator(), clockSetting, string(b))
}

// putBack takes up what a snapshot that was restored has beside the market: the clock as it was then. A running one keeps its distance from the wall's. Faults,
// which no snapshot has, end: they were made for what is gone.
//
// Whoever moves the clock meanwhile has their move kept before this looks, or looks at the clock after: the store and the clock agree.
func (n *node) putBack(ctx context.Context) error {
	n.saving.Lock()
	defer n.saving.Unlock()
	n.faults.Clear()
	text, ok, err := n.service.Setting(ctx, market.Operator(), clockSetting)
	if err != nil {
		return err
	}
	var s clock.State
	if ok {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return fmt.Errorf("put the clock back: %w", err)
		}
	}
	n.clock.Adopt(s)
	return nil
}
