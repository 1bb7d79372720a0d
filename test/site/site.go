// Package site is a Souk with a life behind it, for those who look at its pages: the browser tests, and the command that takes screenshots.
//
// All that can be the same each time is: the clock stands still, and the same buyers buy and use the same. Ids are minted, and what goes by
// the wall's clock is of today.
package site

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/souk-market/souk/test/process"
)

//go:embed world.yaml
var world []byte

// NightBatch is the key of a user whom a policy denies ResolveCustomer in so many words.
var NightBatch = process.Key{Name: "night-batch", Account: "111122223333", AccessKeyID: "AKIASOUKNIGHT22EXAMP", SecretAccessKey: "souk+sample/nights/NOT+A+SECRET/EXAMPLE5"}

// Snapshot is the name of the one that is taken.
const Snapshot = "before-the-troubles"

// Site is what a filled Souk has that pages are about.
type Site struct {
	souk *process.Souk

	Legacy, Vault string // product codes

	Agreement string // with usage and tokens in its history
	Contract  string // amended, and renews itself
	Trial     string // free for a month, of a product that has other offers
	Ending    string // in its final hour
	Ended     string

	// Ids of requests.
	Answered  string // a batch of usage, all taken
	Denied    string // no policy allows it
	Forbidden string // a statement denies it
	Tampered  string // a proxy changed what was signed
	Secret    string // signed with a wrong secret
	Expired   string // a token that lived too long
	Retried   string // the second attempt, after a fault refused the first
}

// Args start a Souk to be filled: its past is made in a moment, faster than AWS's quotas allow.
func Args() []string { return []string{"dev", "--quotas", "off"} }

// Fill gives a fresh `souk dev` its past: a day and a half of it, which end at 14:20 on the twelfth of the month that follows.
func Fill(ctx context.Context, souk *process.Souk) (*Site, error) {
	s := &Site{souk: souk, Legacy: souk.Product("legacy").ProductCode, Vault: souk.Product("concurrent-agreements").ProductCode}
	now := time.Now().UTC()
	if err := s.begin(ctx, time.Date(now.Year(), now.Month()+1, 11, 0, 20, 0, 0, time.UTC)); err != nil {
		return nil, fmt.Errorf("site: begin: %w", err)
	}
	buyers, err := s.subscribe(ctx)
	if err != nil {
		return nil, fmt.Errorf("site: subscribe: %w", err)
	}
	if err := s.use(ctx, buyers); err != nil {
		return nil, fmt.Errorf("site: use: %w", err)
	}
	if err := s.contracts(ctx); err != nil {
		return nil, fmt.Errorf("site: contracts: %w", err)
	}
	if err := souk.Call(ctx, http.MethodPut, "/api/v1/snapshots/"+Snapshot, nil, nil); err != nil {
		return nil, err
	}
	if err := s.troubles(ctx, buyers); err != nil {
		return nil, fmt.Errorf("site: troubles: %w", err)
	}
	return s, nil
}

// begin stops the clock at the beginning, and declares who there is.
func (s *Site) begin(ctx context.Context, at time.Time) error {
	if err := s.souk.Call(ctx, http.MethodPut, "/api/v1/world", world, nil); err != nil {
		return err
	}
	if err := s.souk.Call(ctx, http.MethodPost, "/api/v1/clock/freeze", nil, nil); err != nil {
		return err
	}
	return s.souk.Call(ctx, http.MethodPost, "/api/v1/clock/set", map[string]string{"to": at.Format(time.RFC3339)}, nil)
}

// pass lets market time pass.
func (s *Site) pass(ctx context.Context, d time.Duration) error {
	return s.souk.Call(ctx, http.MethodPost, "/api/v1/clock/advance", map[string]string{"by": d.String()}, nil)
}

// now is the market's time.
func (s *Site) now(ctx context.Context) (time.Time, error) {
	var state struct{ Now time.Time }
	err := s.souk.Call(ctx, http.MethodGet, "/api/v1/clock", nil, &state)
	return state.Now, err
}

// buy makes a purchase.
func (s *Site) buy(ctx context.Context, product, buyer string, more map[string]any) (p process.Purchase, err error) {
	in := map[string]any{"product_code": product, "buyer": buyer}
	for name, value := range more {
		in[name] = value
	}
	err = s.souk.Call(ctx, http.MethodPost, "/api/v1/purchases", in, &p)
	return p, err
}
