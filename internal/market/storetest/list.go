package storetest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

var listTests = []test{
	{"client tokens are listed by account, then token, in pages of any size", func(t *testing.T, s market.Store) {
		var all []market.ClientToken
		for i, o := range odd() {
			all = append(all,
				market.ClientToken{Account: "-", Token: o, Fingerprint: [32]byte{byte(i), 31: 0xff}, RecordID: market.RecordID{byte(i)}, ForgetAt: at(0)},
				market.ClientToken{Account: o, Token: "a token", Fingerprint: [32]byte{31: byte(i)}, RecordID: market.RecordID{15: byte(i)}})
		}
		all = append(all, market.ClientToken{})
		update(t, s, func(tx market.Tx) error { return each(shuffled(all), tx.PutClientToken) })
		mustPage(t, s, byKey(all, func(c market.ClientToken) string { return c.Account + "\x00" + c.Token }), market.Tx.ClientTokens)
	}},
	{"registrations are listed by product, account and resource, in pages of any size", func(t *testing.T, s market.Store) {
		var all []market.Registration
		for i, o := range odd() {
			all = append(all,
				market.Registration{ProductCode: o, Account: "-", Resource: "r", Workload: o, Region: o, At: at(time.Duration(i) * time.Millisecond)},
				market.Registration{ProductCode: "-", Account: o, Resource: "r"},
				market.Registration{ProductCode: "-", Account: "--", Resource: o})
		}
		all = append(all, market.Registration{})
		update(t, s, func(tx market.Tx) error { return each(shuffled(all), tx.PutRegistration) })
		all = byKey(all, func(r market.Registration) string { return r.ProductCode + "\x00" + r.Account + "\x00" + r.Resource })
		mustPage(t, s, all, market.Tx.RegistrationsAfter)
		mustList(t, read(t, s, func(tx market.Tx) ([]market.Registration, error) { return tx.Registrations("") }), all)
	}},
	{"notes of redemption are listed by id, in pages of any size", func(t *testing.T, s market.Store) {
		var all []market.RedeemedToken
		for i, id := range []string{"", "\x00", "\x00\xff", "One", "one", "one\x00", "\x80", "\xff\xff\xff\xff\xff\xff\xff\xff"} {
			r := market.RedeemedToken{ID: []byte(id)}
			if i%2 == 0 {
				r.ForgetAt = at(time.Duration(i) * time.Hour)
			}
			all = append(all, r)
		}
		for _, r := range shuffled(all) {
			redeem(t, s, string(r.ID), r.ForgetAt)
		}
		redeem(t, s, "one", at(time.Minute)) // was redeemed already: its note stays as it is
		mustPage(t, s, byKey(all, func(r market.RedeemedToken) string { return string(r.ID) }), market.Tx.RedeemedTokens)
		update(t, s, func(tx market.Tx) error { _, err := tx.ForgetTokens(at(time.Hour)); return err })
		left := slices.DeleteFunc(all, func(r market.RedeemedToken) bool { return r.ForgetAt.Before(at(time.Hour)) })
		mustPage(t, s, byKey(left, func(r market.RedeemedToken) string { return string(r.ID) }), market.Tx.RedeemedTokens)
	}},
	{"settings are listed by name, and a dropped one is gone", func(t *testing.T, s market.Store) {
		before := read(t, s, market.Tx.Settings) // the store may have some of its own
		all := slices.Clone(before)
		for _, o := range odd() {
			all = append(all, market.Setting{Name: o, Value: "value of " + o})
			update(t, s, func(tx market.Tx) error { return tx.PutSetting(o, "value of "+o) })
		}
		mustList(t, read(t, s, market.Tx.Settings), byKey(all, func(s market.Setting) string { return s.Name }))
		for i, o := range odd() {
			update(t, s, func(tx market.Tx) error { return tx.DropSetting(o) })
			if _, ok := find(t, s, setting(o)); ok {
				t.Fatalf("%.20q is there after it was dropped", o)
			}
			if got, want := len(read(t, s, market.Tx.Settings)), len(all)-1-i; got != want {
				t.Fatalf("%d settings are left, want %d", got, want)
			}
		}
		update(t, s, func(tx market.Tx) error { return tx.DropSetting("never there") })
		mustList(t, read(t, s, market.Tx.Settings), before)
	}},
}

// shuffled is a list in another order, always the same one.
func shuffled[T any](list []T) (other []T) {
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(list)) {
		other = append(other, list[i])
	}
	return other
}

// mustPage reads a list whole, and in pages of several sizes.
func mustPage[T any](t *testing.T, s market.Store, want []T, list func(tx market.Tx, after *T, limit int) ([]T, error)) {
	t.Helper()
	for _, size := range []int{0, 1, 2, 7, len(want), len(want) + 1} {
		var got []T
		for after := (*T)(nil); ; {
			rows := read(t, s, func(tx market.Tx) ([]T, error) { return list(tx, after, size) })
			if size > 0 && len(rows) > size {
				t.Fatalf("a page of %d has %d", size, len(rows))
			}
			if len(rows) == 0 {
				break
			}
			if got = append(got, rows...); len(got) > len(want) {
				t.Fatalf("pages of %d are more than the whole", size)
			}
			after = &rows[len(rows)-1]
		}
		mustList(t, got, want)
	}
}
