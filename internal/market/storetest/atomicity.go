package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

var errMade = errors.New("an error that fn made")

// writes are all methods of Tx that change something.
var writes = []struct {
	name string
	run  func(market.Tx) error
}{
	{"PutAccount", func(tx market.Tx) error { return tx.PutAccount(account.Account{ID: "a"}) }},
	{"PutPolicy", func(tx market.Tx) error { return tx.PutPolicy(account.Policy{Account: "a", Name: "p"}) }},
	{"PutUser", func(tx market.Tx) error { return tx.PutUser(account.User{Identity: account.Identity{Name: "u"}}) }},
	{"PutRole", func(tx market.Tx) error { return tx.PutRole(account.Role{Identity: account.Identity{Name: "r"}}) }},
	{"PutAccessKey", func(tx market.Tx) error { return tx.PutAccessKey(account.AccessKey{ID: "k"}) }},
	{"PutProduct", func(tx market.Tx) error { return tx.PutProduct(market.Product{Code: "p"}) }},
	{"PutOffer", func(tx market.Tx) error { return tx.PutOffer(market.Offer{ID: "o"}) }},
	{"PutCustomer", func(tx market.Tx) error { return tx.PutCustomer(market.Customer{Account: "c", Identifier: "i"}) }},
	{"PutAgreement", func(tx market.Tx) error { return tx.PutAgreement(market.Agreement{ID: "g"}) }},
	{"AppendEvent", func(tx market.Tx) error { return tx.AppendEvent(market.Event{AgreementID: "g"}) }},
	{"AppendUsage", func(tx market.Tx) error {
		return tx.AppendUsage([]market.UsageRecord{record(1, at(0))}, make([]market.Appended, 1))
	}},
	{"PutClientToken", func(tx market.Tx) error {
		return tx.PutClientToken(market.ClientToken{Account: "a", Token: "t", ForgetAt: at(time.Hour)})
	}},
	{"ForgetClientTokens", func(tx market.Tx) error { _, err := tx.ForgetClientTokens(at(0)); return err }},
	{"PutSigningKey", func(tx market.Tx) error { return tx.PutSigningKey(market.SigningKey{Version: 1, Private: []byte("k")}) }},
	{"PutRegistration", func(tx market.Tx) error { return tx.PutRegistration(market.Registration{ProductCode: "p"}) }},
	{"PutTokenKey", func(tx market.Tx) error { return tx.PutTokenKey(keyring.Key{ID: keyring.ID{1}}) }},
	{"RedeemToken", func(tx market.Tx) error { _, err := tx.RedeemToken([]byte("new"), at(0)); return err }},
	{"ForgetTokens", func(tx market.Tx) error { _, err := tx.ForgetTokens(at(0)); return err }},
	{"DropSetting", func(tx market.Tx) error { return tx.DropSetting("s") }},
	{"PutSetting", func(tx market.Tx) error { return tx.PutSetting("s", "v") }},
}

var atomicityTests = []test{
	{"an error of fn comes back as it is and leaves nothing", func(t *testing.T, s market.Store) {
		before := dump(t, s)
		err := s.Update(t.Context(), func(tx market.Tx) error {
			for _, w := range writes {
				if err := w.run(tx); err != nil {
					return fmt.Errorf("%s: %w", w.name, err)
				}
			}
			return errMade
		})
		if err != errMade {
			t.Fatalf("Update answered %v", err)
		}
		mustEqual(t, dump(t, s), before)
		if !redeem(t, s, "new", at(0)) {
			t.Error("a redemption is left")
		}
		if _, ok := clientToken(t, s, "a", "t"); ok {
			t.Error("a client token is left")
		}
		if err := s.View(t.Context(), func(market.Tx) error { return errMade }); err != errMade {
			t.Errorf("View answered %v", err)
		}
		refusal := &market.Error{Code: market.Conflict, Message: "no"}
		err = s.Update(t.Context(), func(market.Tx) error { return fmt.Errorf("wrapped: %w", refusal) })
		if got := (*market.Error)(nil); !errors.As(err, &got) || got != refusal {
			t.Errorf("Update answered %v", err)
		}
	}},
	{"everything of an Update is there when it returns", func(t *testing.T, s market.Store) {
		update(t, s, func(tx market.Tx) error {
			for _, w := range writes {
				if err := w.run(tx); err != nil {
					return fmt.Errorf("%s: %w", w.name, err)
				}
			}
			return nil
		})
		d := dump(t, s)
		if n := len(d.Directory.Accounts) + len(d.Directory.Policies) + len(d.Directory.Users) + len(d.Directory.Roles) + len(d.Directory.Keys); n != 5 {
			t.Errorf("%d of 5 writes to the directory", n)
		}
		if n := len(d.Products) + len(d.Offers) + len(d.Customers) + len(d.Agreements) + len(d.TokenKeys); n != 5 {
			t.Errorf("%d of 5 other rows", n)
		}
		if n := len(d.Events) + len(d.Usage) + len(d.SigningKeys) + len(d.Registrations); n != 4 {
			t.Errorf("%d of 4 rows of metering", n)
		}
		if _, ok := clientToken(t, s, "a", "t"); !ok {
			t.Error("the client token is not there")
		}
		mustFind(t, s, "v", setting("s"))
	}},
	{"an Update sees what it wrote itself", func(t *testing.T, s market.Store) {
		var got string
		update(t, s, func(tx market.Tx) (err error) {
			for _, v := range []string{"1", "2"} {
				if err := tx.PutSetting("s", v); err != nil {
					return err
				}
			}
			got, _, err = tx.Setting("s")
			return err
		})
		if got != "2" {
			t.Errorf("read %q", got)
		}
	}},
	{"a write in a View is an error and leaves nothing", func(t *testing.T, s market.Store) {
		before := dump(t, s)
		for _, w := range writes {
			var inside error
			err := s.View(t.Context(), func(tx market.Tx) error {
				inside = w.run(tx)
				return inside
			})
			if inside == nil || err == nil {
				t.Errorf("%s in a View: %v", w.name, inside)
			}
		}
		mustEqual(t, dump(t, s), before)
		update(t, s, func(tx market.Tx) error { return tx.PutSetting("s", "v") }) // and nothing is stuck
	}},
	{"a panic of fn reaches the caller and leaves nothing", func(t *testing.T, s market.Store) {
		before := dump(t, s)
		for name, do := range map[string]func(context.Context, func(market.Tx) error) error{"Update": s.Update, "View": s.View} {
			func() {
				defer func() {
					if p := recover(); p != errMade {
						t.Errorf("%s: recovered %v", name, p)
					}
				}()
				err := do(t.Context(), func(tx market.Tx) error {
					defer func() { // a second panic on the way up takes the place of the first
						recover()
						panic(errMade)
					}()
					if name == "Update" {
						if err := tx.PutSetting("s", "v"); err != nil {
							return err
						}
					}
					panic("first")
				})
				t.Errorf("%s went on with %v", name, err)
			}()
		}
		mustEqual(t, dump(t, s), before)
		update(t, s, func(tx market.Tx) error { return tx.PutSetting("s", "v") })
		mustFind(t, s, "v", setting("s"))
	}},
	{"fn that ends its goroutine leaves nothing", func(t *testing.T, s market.Store) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Update(context.Background(), func(tx market.Tx) error {
				if err := tx.PutSetting("s", "v"); err != nil {
					return err
				}
				runtime.Goexit() // as testing.T.FailNow within fn does
				return nil
			})
		}()
		<-done
		if _, ok := find(t, s, setting("s")); ok {
			t.Error("its write is left")
		}
		update(t, s, func(tx market.Tx) error { return tx.PutSetting("t", "v") })
	}},
}

// contents is everything in a store.
type contents struct {
	Versions      market.Versions
	Directory     account.State
	Products      []market.Product
	Offers        []market.Offer
	Customers     []market.Customer
	Agreements    []market.Agreement
	Events        []market.Event
	Usage         []market.UsageRecord
	SigningKeys   []market.SigningKey
	Registrations []market.Registration
	TokenKeys     []keyring.Key
	ClientTokens  []market.ClientToken
	Redeemed      []market.RedeemedToken
	Settings      []market.Setting
}

func dump(t testing.TB, s market.Store) contents {
	t.Helper()
	return read(t, s, func(tx market.Tx) (c contents, err error) {
		err = errors.Join(
			into(&c.Versions, tx.Versions), into(&c.Directory, tx.Directory), into(&c.Products, tx.Products),
			into(&c.Offers, func() ([]market.Offer, error) { return tx.Offers("") }), into(&c.Customers, tx.Customers),
			into(&c.Agreements, func() ([]market.Agreement, error) { return tx.Agreements(market.AgreementFilter{}) }),
			into(&c.Events, func() ([]market.Event, error) { return tx.Events(market.EventFilter{}) }),
			into(&c.Usage, func() ([]market.UsageRecord, error) { return tx.Usage(market.UsageFilter{}) }),
			into(&c.SigningKeys, tx.SigningKeys),
			into(&c.Registrations, func() ([]market.Registration, error) { return tx.Registrations("") }),
			into(&c.TokenKeys, tx.TokenKeys),
			into(&c.ClientTokens, func() ([]market.ClientToken, error) { return tx.ClientTokens(nil, 0) }),
			into(&c.Redeemed, func() ([]market.RedeemedToken, error) { return tx.RedeemedTokens(nil, 0) }),
			into(&c.Settings, tx.Settings),
		)
		return c, err
	})
}

func into[T any](to *T, from func() (T, error)) (err error) {
	*to, err = from()
	return err
}
