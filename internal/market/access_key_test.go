package market_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	f := open(t)
	k, err := f.CreateAccessKey(ctx, op, account.AccessKey{Account: seller, Name: "ci", Note: "of CI", ID: "AKIAIGNORED", Secret: "ignored", Inactive: true})
	if err != nil || !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(k.ID) || len(k.Secret) != 40 || k.Inactive || !k.CreatedAt.Equal(f.now) {
		t.Fatalf("%+v, %v", k, err)
	}
	other, err := f.CreateAccessKey(ctx, op, account.AccessKey{Account: seller})
	if err != nil || other.ID == k.ID || other.Secret == k.Secret {
		t.Errorf("%+v, %v", other, err)
	}
	for _, inactive := range []bool{true, true, false} {
		if got, err := f.SwitchAccessKey(ctx, op, k.ID, inactive); err != nil || got.Inactive != inactive || got.Secret != "" || got.Name != "ci" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	dir, err := f.DirectoryState(ctx, op)
	if err != nil || len(dir.Keys) != 2 {
		t.Fatalf("%+v, %v", dir.Keys, err)
	}
	for _, had := range dir.Keys {
		if had.ID == k.ID && had != k {
			t.Errorf("kept as %+v, was %+v", had, k)
		}
	}
	create := func(c market.Caller, of account.AccessKey) error { _, err := f.CreateAccessKey(ctx, c, of); return err }
	_, strange := f.SwitchAccessKey(ctx, caller(seller), k.ID, true)
	_, none := f.SwitchAccessKey(ctx, op, "AKIANONE", true)
	for _, tc := range []struct {
		err  error
		want market.Code
	}{
		{create(caller(seller), account.AccessKey{Account: seller}), market.Forbidden}, {strange, market.Forbidden}, {none, market.NotFound},
		{create(op, account.AccessKey{Account: "123"}), market.NotFound}, {create(op, account.AccessKey{Account: seller, User: "x"}), market.NotFound},
		{create(op, account.AccessKey{Account: seller, Name: strings.Repeat("ä", 101)}), market.Invalid},
		{create(op, account.AccessKey{Account: seller, Note: "a\x00"}), market.Invalid}, {create(op, account.AccessKey{Account: seller, Note: "\xff"}), market.Invalid},
	} {
		if market.CodeOf(tc.err) != tc.want {
			t.Errorf("%v, want %s", tc.err, tc.want)
		}
	}
	f.sound(t)
}
