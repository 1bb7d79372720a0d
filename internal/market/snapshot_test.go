package market_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/clock"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sqlstore"
)

// played is a market to play with: its clock goes with its snapshots.
type played struct {
	*market.Service
	clock *clock.Clock
	ring  *keyring.Ring
	dir   *account.Directory
}

func openPlayed(t *testing.T, over func(market.Store) market.Store) *played {
	t.Helper()
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	p := &played{clock: clock.New(nil), ring: new(keyring.Ring), dir: new(account.Directory)}
	p.Service, err = market.Open(ctx, market.Config{
		Store: over(store), Directory: p.dir, Ring: p.ring, Rand: rand.Reader, Regions: market.AWSRegions(), Now: p.clock.Now, OnRestore: p.putBack,
	})
	if err != nil {
		t.Fatal(err)
	}
	w := world()
	w.Products[0].Dimensions = []market.Dimension{{Key: "calls", Kind: market.Metered}, {Key: "bytes", Kind: market.Metered}}
	w.Products[1].Dimensions = []market.Dimension{{Key: "gb", Kind: market.Metered}}
	if _, err := p.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *played) putBack(ctx context.Context) error {
	var s clock.State
	if text, ok, err := p.Setting(ctx, op, "clock"); err != nil {
		return err
	} else if ok {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return err
		}
	}
	p.clock.Adopt(s)
	return nil
}

// advance moves the clock as a face does.
func (p *played) advance(d time.Duration) error {
	if _, err := p.clock.Advance(d); err != nil {
		return err
	}
	text, err := json.Marshal(p.clock.State())
	if err == nil {
		err = p.PutSetting(ctx, op, "clock", string(text))
	}
	if err == nil {
		_, err = p.Settle(ctx, op)
	}
	return err
}

func (p *played) buy(t *testing.T, code, who string) market.Purchase {
	t.Helper()
	bought, err := p.Buy(ctx, op, market.PurchaseInput{ProductCode: code, Buyer: who})
	if err != nil {
		t.Fatal(err)
	}
	return bought
}

func (p *played) meter(c market.Caller, code, who, dimension string, ago time.Duration, license string) (market.BatchOutput, error) {
	u := market.UsageInput{Timestamp: p.clock.Now().Add(-ago), Dimension: []byte(dimension), Quantity: 7, CustomerAWSAccountID: []byte(who)}
	if license != "" {
		u.LicenseARN = []byte(license)
	}
	in := market.BatchInput{Records: []market.UsageInput{u}}
	if license == "" {
		in.ProductCode = []byte(code)
	}
	var out market.BatchOutput
	err := p.BatchMeterUsage(ctx, c, &in, &out)
	return out, err
}

// told is all that can be seen of the market, but for the sealing keys.
func (p *played) told(t *testing.T) string {
	t.Helper()
	w, err := p.World(ctx, op)
	if err != nil {
		t.Fatal(err)
	}
	usage, err := p.Usage(ctx, op, market.UsageFilter{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := p.Events(ctx, op, market.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent([]any{w, usage, events}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func itself(s market.Store) market.Store { return s }

func TestRestore(t *testing.T) {
	t.Parallel()
	p := openPlayed(t, itself)
	kept := p.buy(t, legacy, buyer)
	if _, err := p.meter(caller(seller), legacy, buyer, "calls", 0, ""); err != nil {
		t.Fatal(err)
	}
	before := p.told(t)
	info, err := p.Snapshot(ctx, op, "base")
	if err != nil || info.Name != "base" || info.Bytes == 0 || time.Since(info.TakenAt) > time.Minute {
		t.Fatalf("Snapshot = %+v, %v", info, err)
	}
	for round := range 3 {
		// Series get ids that others have after the restore, and everything that can be changed is.
		order := []string{"bytes", "calls"}
		if _, err := p.meter(caller(seller), legacy, buyer, order[round%2], 0, ""); err != nil {
			t.Fatal(err)
		}
		lost := p.buy(t, concurrent, second)
		if _, err := p.meter(caller(seller), concurrent, second, "gb", 0, lost.Agreement.LicenseARN); err != nil {
			t.Fatal(err)
		}
		if _, err := p.RotateSigningKey(ctx, op); err != nil {
			t.Fatal(err)
		}
		if err := p.advance(3000 * time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := p.End(ctx, op, kept.Agreement.ID, market.Cancelled); err != nil {
			t.Fatal(err)
		}
		w := market.World{Directory: account.State{
			Accounts: []account.Account{{ID: "121212121212", Name: "New", Seller: true}, {ID: seller, Name: "Seller", Seller: true, Suspended: true}},
			Keys:     []account.AccessKey{{ID: "AKIANEWNEWNEWNEWNEW1", Secret: strings.Repeat("s", 40), Account: "121212121212"}},
		}}
		if _, err := p.ApplyWorld(ctx, op, w); err != nil {
			t.Fatal(err)
		}

		if err := p.Restore(ctx, op, "base"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, p.told(t)); diff != "" {
			t.Fatalf("round %d: not as it was (-want +got):\n%s", round, diff)
		}
		if off := time.Until(p.clock.Now()); off.Abs() > time.Minute {
			t.Errorf("the clock is %s off", off)
		}
		if p.dir.Suspended(seller) {
			t.Error("the directory still has the account suspended")
		}
		if _, ok := p.dir.Account("121212121212"); ok {
			t.Error("the directory still has the new account")
		}
		if res, err := p.ResolveCustomer(ctx, caller(seller), []byte(kept.Token)); err != nil || res.CustomerAWSAccountID != buyer {
			t.Errorf("a token from before: %+v, %v", res, err)
		}
		if _, err := p.ResolveCustomer(ctx, caller(seller), []byte(lost.Token)); market.CodeOf(err) != market.InvalidToken {
			t.Errorf("a token of what never was: %v", err)
		}
		if _, err := p.meter(caller(seller), concurrent, second, "gb", 0, lost.Agreement.LicenseARN); market.CodeOf(err) != market.InvalidLicense {
			t.Errorf("a license of what never was: %v", err)
		}
		if keys, err := p.PublicKeys(ctx); err != nil || len(keys) != 1 {
			t.Errorf("%d signing keys, %v", len(keys), err)
		}
	}
	problems, err := p.Check(ctx, op)
	if err != nil || len(problems) > 0 {
		t.Errorf("check: %v %v", problems, err)
	}
}

// A call that looked at the clock before a restore, and acts after it, has nothing happen that is not due.
func TestRestoreOvertakesTime(t *testing.T) {
	t.Parallel()
	p := openPlayed(t, itself)
	_, offers, err := p.Product(ctx, op, legacy)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range offers {
		if o.Kind != market.FreeTrialOffer {
			continue
		}
		if _, err := p.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer, OfferID: o.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if due, ok, err := p.NextDue(ctx, op); err != nil || !ok || time.Until(due) < 13*24*time.Hour {
		t.Fatalf("NextDue = %s, %t, %v", due, ok, err)
	}
	if _, err := p.Snapshot(ctx, op, "trial"); err != nil {
		t.Fatal(err)
	}
	if err := p.advance(365 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	late := caller(seller)
	late.Now = p.clock.Now()
	if _, _, err := p.NextDue(ctx, caller(seller)); market.CodeOf(err) != market.Forbidden {
		t.Errorf("NextDue for a seller: %v", err)
	}
	if err := p.Restore(ctx, op, "trial"); err != nil {
		t.Fatal(err)
	}
	out, err := p.meter(late, legacy, buyer, "calls", 0, "")
	if err != nil || out.Results[0].Status != market.UsageSuccess {
		t.Errorf("metered: %+v, %v", out, err)
	}
	usage, err := p.Usage(ctx, op, market.UsageFilter{})
	if err != nil || len(usage) != 1 || time.Until(usage[0].SubmittedAt) > time.Minute {
		t.Errorf("usage: %+v, %v", usage, err)
	}
	if list, err := p.Agreements(ctx, op, market.AgreementFilter{}); err != nil || len(list) != 1 || list[0].Status != market.Active {
		t.Errorf("agreements: %+v, %v", list, err)
	}
}

func TestRestoreStart(t *testing.T) {
	t.Parallel()
	p := openPlayed(t, itself)
	before := p.told(t)
	if err := p.SnapshotStart(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		lost := p.buy(t, legacy, buyer)
		if err := p.Restore(ctx, op, market.StartSnapshot); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, p.told(t)); diff != "" {
			t.Fatalf("not as it was (-want +got):\n%s", diff)
		}
		if _, err := p.ResolveCustomer(ctx, caller(seller), []byte(lost.Token)); market.CodeOf(err) != market.InvalidToken {
			t.Errorf("a token of what never was: %v", err)
		}
		if res, err := p.ResolveCustomer(ctx, caller(seller), []byte(p.buy(t, legacy, second).Token)); err != nil || res.CustomerAWSAccountID != second {
			t.Errorf("a new token: %+v, %v", res, err)
		}
	}
}
