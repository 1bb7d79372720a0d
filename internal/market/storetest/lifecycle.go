package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

var lifecycleTests = []test{
	{"a ctx that is done runs nothing and is the error", func(t *testing.T, s market.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, do := range map[string]func(context.Context, func(market.Tx) error) error{"Update": s.Update, "View": s.View} {
			err := do(ctx, func(market.Tx) error {
				t.Errorf("%s ran", name)
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		}
		late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		if err := s.View(late, func(market.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("View past its deadline: %v", err)
		}
	}},
	{"a ctx that ends within fn undoes it", func(t *testing.T, s market.Store) {
		for name, fn := range map[string]func(market.Tx, context.CancelFunc) error{
			"before a write": func(tx market.Tx, cancel context.CancelFunc) error { cancel(); return tx.PutSetting("s", "v") },
			"after a write": func(tx market.Tx, cancel context.CancelFunc) error {
				err := tx.PutSetting("s", "v")
				cancel()
				return err
			},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			err := s.Update(ctx, func(tx market.Tx) error { return fn(tx, cancel) })
			cancel()
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: Update answered %v", name, err)
			}
			if _, ok := find(t, s, setting("s")); ok && market.CodeOf(err) != market.OutcomeUnsure {
				t.Errorf("%s: its write is left, and the error is %v", name, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := s.View(ctx, func(tx market.Tx) error {
			cancel()
			_, err := tx.Products()
			return err
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("View answered %v", err)
		}
		update(t, s, func(tx market.Tx) error { return tx.PutSetting("s", "v") })
	}},
	{"after Close everything fails with the code Unavailable", func(t *testing.T, s market.Store) {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		ran := func(market.Tx) error { t.Error("fn ran"); return nil }
		if err := s.View(t.Context(), ran); market.CodeOf(err) != market.Unavailable {
			t.Errorf("View: %v", err)
		}
		if err := s.Update(t.Context(), ran); market.CodeOf(err) != market.Unavailable {
			t.Errorf("Update: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	}},
	{"Close waits for an Update that has begun", func(t *testing.T, s market.Store) {
		closeWaits(t, s, s.Update, func(tx market.Tx) error { return tx.PutSetting("s", "v") })
	}},
	{"Close waits for a View that has begun", func(t *testing.T, s market.Store) {
		closeWaits(t, s, s.View, func(tx market.Tx) error { _, err := tx.Products(); return err })
	}},
}

// closeWaits closes s while do runs, which must come to a good end all the same.
func closeWaits(t *testing.T, s market.Store, do func(context.Context, func(market.Tx) error) error, fn func(market.Tx) error) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	done, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		done <- do(context.Background(), func(tx market.Tx) error {
			select {
			case <-begun: // it runs again
			default:
				close(begun)
				<-goOn
			}
			return fn(tx)
		})
	}()
	<-begun
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		t.Errorf("Close returned %v while something ran", err)
		closed <- err
	case <-time.After(20 * time.Millisecond):
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Errorf("what had begun: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
}

var persistenceTests = []struct {
	name string
	run  func(t *testing.T, s market.Store, reopen func() market.Store)
}{
	{"everything is there after Close and Open", func(t *testing.T, s market.Store, reopen func() market.Store) {
		dir := oddDirectory()
		update(t, s, func(tx market.Tx) error {
			if err := putDirectory(tx, dir); err != nil {
				return err
			}
			if _, err := tx.RedeemToken([]byte("token"), at(0)); err != nil {
				return err
			}
			return errors.Join(
				tx.PutProduct(market.Product{Code: "c", ID: "prod-1", Dimensions: []market.Dimension{{Key: "k", Kind: market.Metered}}, CreatedAt: at(0)}),
				tx.PutOffer(market.Offer{ID: "o", ProductCode: "c", Kind: market.FreeTrialOffer, TrialDays: 7}),
				tx.PutCustomer(market.Customer{Account: "a", Identifier: "i"}),
				tx.PutAgreement(market.Agreement{ID: "g", ProductCode: "c", LicenseARN: "l", AcceptedAt: at(0)}),
				tx.PutTokenKey(keyring.Key{ID: keyring.ID{1}, Secret: [32]byte{2}, CreatedAt: at(0)}),
				tx.PutSetting("name", "value"),
				tx.AppendEvent(market.Event{AgreementID: "g", At: at(0), Kind: market.EventAccepted}),
				tx.AppendUsage([]market.UsageRecord{record(1, at(0)), record(2, at(time.Hour))}, make([]market.Appended, 2)),
				tx.PutClientToken(market.ClientToken{Account: "a", Token: "t", RecordID: market.RecordID{1}}),
				tx.PutSigningKey(market.SigningKey{Version: 1, Private: []byte("k"), CreatedAt: at(0)}),
				tx.PutRegistration(market.Registration{ProductCode: "c", Account: "a", Resource: "r", At: at(0)}),
			)
		})
		mustEqual(t, appendUsage(t, s, record(3, at(time.Hour)), record(4, at(2*time.Hour)))[0].ID, record(2, at(0)).ID)
		want := dump(t, s)
		s = reopen()
		mustEqual(t, dump(t, s), want)
		mustFind(t, s, "value", setting("name"))
		if redeem(t, s, "token", at(0)) {
			t.Error("a token that was redeemed is redeemed first again")
		}
		if _, ok := clientToken(t, s, "a", "t"); !ok {
			t.Error("a client token is not there")
		}
		if o := appendUsage(t, s, record(5, at(2*time.Hour)), record(6, at(3*time.Hour))); o[0].ID != record(4, at(0)).ID || !o[1].Inserted {
			t.Errorf("usage that was there is added again, or what is new is not: %+v", o)
		}
		update(t, s, func(tx market.Tx) error { return tx.AppendEvent(market.Event{AgreementID: "g"}) })
		if list := events(t, s, market.EventFilter{After: 1}); len(list) != 1 || list[0].Seq != 2 {
			t.Errorf("events: %+v", list)
		}
		before := read(t, s, market.Tx.Versions)
		update(t, s, func(tx market.Tx) error { return tx.PutAccount(account.Account{ID: "new"}) })
		if v := read(t, s, market.Tx.Versions); v.Directory <= before.Directory {
			t.Errorf("the versions went from %+v to %+v", before, v)
		}
	}},
	{"nothing is there of what was undone", func(t *testing.T, s market.Store, reopen func() market.Store) {
		if err := s.Update(t.Context(), func(tx market.Tx) error {
			if err := tx.PutSetting("name", "value"); err != nil {
				return err
			}
			if err := tx.AppendUsage([]market.UsageRecord{record(1, at(0))}, make([]market.Appended, 1)); err != nil {
				return err
			}
			return errMade
		}); err != errMade {
			t.Fatal(err)
		}
		s = reopen()
		if _, ok := find(t, s, setting("name")); ok {
			t.Error("a setting that was undone came back")
		}
		mustList(t, usage(t, s, market.UsageFilter{}), nil)
	}},
}
