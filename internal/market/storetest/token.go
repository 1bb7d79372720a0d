package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
)

var tokenTests = []test{
	{"keys can be got back equal, by creation, then id", func(t *testing.T, s market.Store) {
		mustList(t, read(t, s, market.Tx.TokenKeys), nil)
		key := func(id byte, created time.Time) keyring.Key {
			k := keyring.Key{ID: keyring.ID{id, 0, 0xff}, CreatedAt: created, Retired: id%2 == 0}
			for i := range k.Secret {
				k.Secret[i] = byte(i) * id
			}
			return k
		}
		want := []keyring.Key{key(9, time.Time{}), key(8, time.UnixMilli(0).UTC()), key(0, at(0)), key(2, at(0)), key(0x80, at(0)), key(0xff, at(0)), key(1, at(time.Hour))}
		update(t, s, func(tx market.Tx) error {
			for i := range want {
				if err := tx.PutTokenKey(want[(i*3+4)%len(want)]); err != nil {
					return err
				}
			}
			return nil
		})
		mustEqual(t, read(t, s, market.Tx.TokenKeys), want)

		want[3].Retired = false
		want[3].Secret = [32]byte{}
		update(t, s, func(tx market.Tx) error { return tx.PutTokenKey(want[3]) })
		mustEqual(t, read(t, s, market.Tx.TokenKeys), want)
	}},
	{"a token is redeemed first once", func(t *testing.T, s market.Store) {
		for _, id := range []string{"one", "One", "one\x00", "\x00\xff", "two"} { // any bytes
			if !redeem(t, s, id, at(0)) {
				t.Errorf("%q is not redeemed first", id)
			}
			if redeem(t, s, id, at(time.Hour)) {
				t.Errorf("%q is redeemed first twice", id)
			}
		}
	}},
	{"within one Update too", func(t *testing.T, s market.Store) {
		var first, second bool
		update(t, s, func(tx market.Tx) (err error) {
			if first, err = tx.RedeemToken([]byte("id"), at(0)); err != nil {
				return err
			}
			second, err = tx.RedeemToken([]byte("id"), at(0))
			return err
		})
		if !first || second {
			t.Errorf("first %v, second %v", first, second)
		}
	}},
	{"of 64 at once exactly one redeems a token first", func(t *testing.T, s market.Store) {
		for round := range 5 {
			var firsts atomic.Int32
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					if redeem(t, s, fmt.Sprint("token ", round), at(0)) {
						firsts.Add(1)
					}
				})
			}
			wg.Wait()
			if n := firsts.Load(); n != 1 {
				t.Errorf("%d of 64 were first", n)
			}
		}
	}},
	{"a redemption that was undone was none", func(t *testing.T, s market.Store) {
		if err := s.Update(t.Context(), func(tx market.Tx) error {
			if _, err := tx.RedeemToken([]byte("id"), at(0)); err != nil {
				return err
			}
			return errMade
		}); err != errMade {
			t.Fatal(err)
		}
		if !redeem(t, s, "id", at(0)) {
			t.Error("the token counts as redeemed")
		}
	}},
	{"notes are forgotten after their time and not before", func(t *testing.T, s market.Store) {
		forget := func(now time.Time) (n int) {
			update(t, s, func(tx market.Tx) (err error) {
				n, err = tx.ForgetTokens(now)
				return err
			})
			return n
		}
		redeem(t, s, "soon", at(0))
		redeem(t, s, "later", at(time.Hour))
		if n := forget(at(-time.Millisecond)); n != 0 {
			t.Errorf("%d forgotten before their time", n)
		}
		if redeem(t, s, "soon", at(0)) {
			t.Error("a note went before its time")
		}
		if n := forget(at(2 * time.Millisecond)); n != 1 {
			t.Errorf("%d forgotten, want 1", n)
		}
		if n := forget(at(2 * time.Millisecond)); n != 0 {
			t.Errorf("%d forgotten again", n)
		}
		if redeem(t, s, "later", at(time.Hour)) {
			t.Error("a note went with another")
		}
		if !redeem(t, s, "soon", at(0)) {
			t.Error("a note is still there after it was forgotten")
		}
	}},
}

func redeem(t testing.TB, s market.Store, id string, forget time.Time) (first bool) {
	t.Helper()
	err := s.Update(t.Context(), func(tx market.Tx) (err error) {
		first, err = tx.RedeemToken([]byte(id), forget)
		return err
	})
	if err != nil {
		t.Errorf("redeem %q: %v", id, err)
	}
	return first
}

var settingTests = []test{
	{"whatever is put can be got back equal", func(t *testing.T, s market.Store) {
		for _, o := range odd() {
			if _, ok := find(t, s, setting(o)); ok {
				t.Fatalf("%.20q is there before it was put", o)
			}
			update(t, s, func(tx market.Tx) error { return tx.PutSetting(o, "value of "+o) })
			mustFind(t, s, "value of "+o, setting(o))
		}
		for _, o := range odd() { // none has touched another
			mustFind(t, s, "value of "+o, setting(o))
		}
	}},
	{"put replaces", func(t *testing.T, s market.Store) {
		for _, v := range odd() {
			update(t, s, func(tx market.Tx) error { return tx.PutSetting("name", v) })
			mustFind(t, s, v, setting("name"))
		}
	}},
}

func setting(name string) func(market.Tx) (string, bool, error) {
	return func(tx market.Tx) (string, bool, error) { return tx.Setting(name) }
}
