package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/market"
)

var clientTokenTests = []test{
	{"client tokens are found by account and token, and put replaces", func(t *testing.T, s market.Store) {
		var all []market.ClientToken
		for i, o := range odd() {
			all = append(all,
				market.ClientToken{Account: "a", Token: o, Fingerprint: [32]byte{byte(i), 31: 0xff}, RecordID: market.RecordID{byte(i)}, ForgetAt: at(0)},
				market.ClientToken{Account: o, Token: "a token", Fingerprint: [32]byte{31: byte(i)}, RecordID: market.RecordID{15: byte(i)}})
		}
		if _, ok := clientToken(t, s, "a", "a"); ok {
			t.Error("a token that was never put is there")
		}
		update(t, s, func(tx market.Tx) error { return each(all, tx.PutClientToken) })
		for _, c := range all {
			mustFind(t, s, c, func(tx market.Tx) (market.ClientToken, bool, error) { return tx.ClientToken(c.Account, c.Token) })
		}
		c := all[0]
		c.Fingerprint, c.RecordID, c.ForgetAt = [32]byte{}, market.RecordID{}, at(time.Hour)
		update(t, s, func(tx market.Tx) error { return tx.PutClientToken(c) })
		mustFind(t, s, c, func(tx market.Tx) (market.ClientToken, bool, error) { return tx.ClientToken(c.Account, c.Token) })
	}},
	{"client tokens are forgotten after their time and not before", func(t *testing.T, s market.Store) {
		forget := func(now time.Time) (n int) {
			update(t, s, func(tx market.Tx) (err error) {
				n, err = tx.ForgetClientTokens(now)
				return err
			})
			return n
		}
		update(t, s, func(tx market.Tx) error {
			return errors.Join(
				tx.PutClientToken(market.ClientToken{Account: "a", Token: "soon", ForgetAt: at(0)}),
				tx.PutClientToken(market.ClientToken{Account: "a", Token: "later", ForgetAt: at(time.Hour)}),
			)
		})
		if n := forget(at(-time.Millisecond)); n != 0 {
			t.Errorf("%d forgotten before their time", n)
		}
		if _, ok := clientToken(t, s, "a", "soon"); !ok {
			t.Error("a token went before its time")
		}
		if n := forget(at(2 * time.Millisecond)); n != 1 {
			t.Errorf("%d forgotten, want 1", n)
		}
		_, soon := clientToken(t, s, "a", "soon")
		_, later := clientToken(t, s, "a", "later")
		if soon || !later {
			t.Errorf("there: soon %v, later %v", soon, later)
		}
	}},
	{"times are kept to the millisecond in UTC", func(t *testing.T, s market.Store) {
		for _, tt := range instants() {
			update(t, s, func(tx market.Tx) error {
				return tx.PutClientToken(market.ClientToken{Account: "a", Token: "t", ForgetAt: tt.put})
			})
			mustFind(t, s, market.ClientToken{Account: "a", Token: "t", ForgetAt: tt.want},
				func(tx market.Tx) (market.ClientToken, bool, error) { return tx.ClientToken("a", "t") })
		}
	}},
}

func clientToken(t testing.TB, s market.Store, account, token string) (market.ClientToken, bool) {
	t.Helper()
	return find(t, s, func(tx market.Tx) (market.ClientToken, bool, error) { return tx.ClientToken(account, token) })
}

var workloadTests = []test{
	{"signing keys come back equal, by version, and put replaces", func(t *testing.T, s market.Store) {
		mustList(t, read(t, s, market.Tx.SigningKeys), nil)
		want := []market.SigningKey{
			{Version: 1, Private: []byte{0, 1, 0xff}, CreatedAt: at(0)},
			{Version: 2, Private: make([]byte, 5000), CreatedAt: at(-time.Hour)},
			{Version: 10, Private: []byte("x")},
		}
		update(t, s, func(tx market.Tx) error {
			return each([]market.SigningKey{want[2], want[0], want[1]}, tx.PutSigningKey)
		})
		mustEqual(t, read(t, s, market.Tx.SigningKeys), want)
		for _, tt := range instants() {
			want[1] = market.SigningKey{Version: 2, Private: []byte("new"), CreatedAt: tt.put}
			update(t, s, func(tx market.Tx) error { return tx.PutSigningKey(want[1]) })
			want[1].CreatedAt = tt.want
			mustEqual(t, read(t, s, market.Tx.SigningKeys), want)
		}
	}},
	{"registrations come back equal, of one product or of all, and put replaces", func(t *testing.T, s market.Store) {
		list := func(product string) []market.Registration {
			t.Helper()
			return read(t, s, func(tx market.Tx) ([]market.Registration, error) { return tx.Registrations(product) })
		}
		mustList(t, list(""), nil)
		if _, ok := find(t, s, func(tx market.Tx) (market.Registration, bool, error) { return tx.Registration("p", "a", "r") }); ok {
			t.Error("a registration that was never put is there")
		}
		var want []market.Registration
		for i, o := range odd() {
			want = append(want,
				market.Registration{ProductCode: o, Account: "a", Resource: "r", Workload: o, Region: o, At: at(time.Duration(i) * time.Millisecond)},
				market.Registration{ProductCode: "a", Account: "-" + o, Resource: o, Region: "x"},
				market.Registration{ProductCode: "a", Account: "-", Resource: "-" + o})
		}
		update(t, s, func(tx market.Tx) error { return each(want, tx.PutRegistration) })
		// a zero byte sorts before all that can follow
		want = byKey(want, func(r market.Registration) string { return r.ProductCode + "\x00" + r.Account + "\x00" + r.Resource })
		of := map[string][]market.Registration{"": want, "none": nil}
		for _, r := range want {
			mustFind(t, s, r, func(tx market.Tx) (market.Registration, bool, error) {
				return tx.Registration(r.ProductCode, r.Account, r.Resource)
			})
			if r.ProductCode != "" {
				of[r.ProductCode] = append(of[r.ProductCode], r)
			}
		}
		for product, want := range of {
			mustList(t, list(product), want)
		}
		for _, tt := range instants() {
			want[0].Workload, want[0].Region, want[0].At = "new", "new", tt.put
			update(t, s, func(tx market.Tx) error { return tx.PutRegistration(want[0]) })
			want[0].At = tt.want
			mustEqual(t, list(""), want)
		}
	}},
}
