package market

import (
	"context"
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/account"
)

// Bounds of what people write about a key, in characters.
const maxKeyName, maxKeyNote = 100, 500

// CreateAccessKey makes a long-lived access key of a user, or of the root user where of.User is empty, and answers it with its secret. Of what is given,
// account, user, name and note are taken.
//
// Errors: Forbidden, Invalid, NotFound for the account and the user.
func (s *Service) CreateAccessKey(ctx context.Context, c Caller, of account.AccessKey) (account.AccessKey, error) {
	if err := operatorOnly(c); err != nil {
		return account.AccessKey{}, err
	}
	for _, text := range []struct {
		what, is string
		most     int
	}{{"name", of.Name, maxKeyName}, {"note", of.Note, maxKeyNote}} {
		if !utf8.ValidString(text.is) || strings.IndexByte(text.is, 0) >= 0 || utf8.RuneCountInString(text.is) > text.most {
			return account.AccessKey{}, fail(Invalid, "the %s of a key is text of at most %d characters", text.what, text.most)
		}
	}
	k := account.AccessKey{Account: of.Account, User: of.User, Name: of.Name, Note: of.Note, CreatedAt: s.now().UTC().Truncate(time.Millisecond)}
	var err error
	if k.ID, k.Secret, err = newAccessKey(s.rand); err != nil {
		return account.AccessKey{}, asMarket("create access key", err)
	}
	err = s.change(ctx, func(tx Tx) error {
		dir, err := tx.Directory()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(dir.Accounts, func(a account.Account) bool { return a.ID == k.Account }) {
			return fail(NotFound, "account %q does not exist", k.Account)
		}
		if k.User != "" && !slices.ContainsFunc(dir.Users, func(u account.User) bool { return u.Account == k.Account && u.Name == k.User }) {
			return fail(NotFound, "account %s has no user %q", k.Account, k.User)
		}
		return tx.PutAccessKey(k)
	})
	if err != nil {
		return account.AccessKey{}, asMarket("create access key", err)
	}
	return k, nil
}

// SwitchAccessKey makes an access key inactive, which nobody can sign with, or active again, and answers it without its secret.
//
// Errors: Forbidden, NotFound.
func (s *Service) SwitchAccessKey(ctx context.Context, c Caller, id string, inactive bool) (k account.AccessKey, err error) {
	if err := operatorOnly(c); err != nil {
		return account.AccessKey{}, err
	}
	err = s.change(ctx, func(tx Tx) error {
		dir, err := tx.Directory()
		if err != nil {
			return err
		}
		at := slices.IndexFunc(dir.Keys, func(k account.AccessKey) bool { return k.ID == id })
		if at < 0 {
			return fail(NotFound, "access key %q does not exist", id)
		}
		k = dir.Keys[at]
		if k.Inactive == inactive {
			return nil
		}
		k.Inactive = inactive
		return tx.PutAccessKey(k)
	})
	if err != nil {
		return account.AccessKey{}, asMarket("switch access key", err)
	}
	k.Secret = ""
	return k, nil
}

// newAccessKey has the form of AWS's: a secret of 40 characters, and an id of 20.
func newAccessKey(rand io.Reader) (id, secret string, err error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	var b [46]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", "", err
	}
	name := []byte("AKIA")
	for _, c := range b[30:] {
		name = append(name, letters[c%32])
	}
	return string(name), base64.StdEncoding.EncodeToString(b[:30]), nil
}
