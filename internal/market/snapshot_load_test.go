package market_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// While snapshots are restored, calls of all kinds go on. Each is before or after: the market is sound, and what was acknowledged last is there.
func TestRestoreUnderLoad(t *testing.T) {
	t.Parallel()
	p := openPlayed(t, itself)
	p.buy(t, legacy, buyer)
	if _, err := p.Snapshot(ctx, op, "base"); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	forever := func(act func(i int) error) {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := act(i); err != nil && market.CodeOf(err) == "" {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 4 {
		forever(func(i int) error {
			c := caller(seller)
			c.Now = p.clock.Now() // as a face does, long before it calls
			_, err := p.meter(c, legacy, buyer, []string{"calls", "bytes"}[i%2], time.Duration(i%5)*time.Hour, "")
			return err
		})
	}
	forever(func(int) error {
		bought, err := p.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent, Buyer: second})
		if err != nil {
			return err
		}
		_, err = p.meter(caller(seller), concurrent, second, "gb", 0, bought.Agreement.LicenseARN)
		return err
	})
	forever(func(i int) error {
		if i%10 > 0 {
			_, _, err := p.GetEntitlements(ctx, caller(seller), &market.EntitlementsInput{ProductCode: legacy}, nil)
			return err
		}
		return p.advance(200 * 24 * time.Hour)
	})
	for i := range 60 {
		if err := p.Restore(ctx, op, "base"); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			if problems, err := p.Check(ctx, op); err != nil || len(problems) > 0 {
				t.Fatalf("check, round %d: %v %v", i, problems, err)
			}
		}
	}
	close(stop)
	all.Wait()
	if err := p.Restore(ctx, op, "base"); err != nil {
		t.Fatal(err)
	}
	list, err := p.Agreements(ctx, op, market.AgreementFilter{})
	if err != nil || len(list) != 1 || list[0].Status != market.Active {
		t.Errorf("after the last: %+v, %v", list, err)
	}
	if n, err := p.CountUsage(ctx, op, market.UsageFilter{}); err != nil || n != 0 {
		t.Errorf("%d records after the last restore, %v", n, err)
	}
	for i, dimension := range []string{"calls", "bytes"} {
		out, err := p.meter(caller(seller), legacy, buyer, dimension, 0, "")
		if err != nil {
			t.Fatal(err)
		}
		usage, err := p.Usage(ctx, op, market.UsageFilter{Dimension: dimension})
		if err != nil || len(usage) != 1 || usage[0].ID != out.Results[0].ID {
			t.Errorf("%d: %s is kept as %s, %v", i, out.Results[0].ID, fmt.Sprint(usage), err)
		}
	}
	if problems, err := p.Check(ctx, op); err != nil || len(problems) > 0 {
		t.Errorf("check: %v %v", problems, err)
	}
}
