package sqlstore

import (
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/keyring"
)

const (
	selectTokenKeys = `SELECT secret, id, created_at, retired FROM token_key ORDER BY created_at NULLS FIRST, id`
	selectSetting   = `SELECT value FROM setting WHERE name = $1`

	putTokenKey = `INSERT INTO token_key (id, secret, created_at, retired) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at, retired = excluded.retired`
	putRedeemed  = `INSERT INTO redeemed_token (id, forget_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`
	dropRedeemed = `DELETE FROM redeemed_token WHERE forget_at IS NULL OR forget_at < $1`
	putSetting   = `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)

func scanTokenKey(k *keyring.Key) []any {
	return []any{idColumn{&k.ID}, timeColumn{&k.CreatedAt}, &k.Retired}
}

func (t *tx) TokenKeys() ([]keyring.Key, error) {
	const op = "list token keys"
	rows, err := list(t, op, selectTokenKeys, scanSealed(scanTokenKey))
	if err != nil {
		return nil, err
	}
	var keys []keyring.Key
	for _, k := range rows {
		secret, err := t.unseal(op, tokenKeySecret, k.row.ID[:], k.secret)
		if err != nil {
			return nil, err
		}
		if err := scanBytes(k.row.Secret[:], secret); err != nil {
			return nil, t.fail(op, fmt.Errorf("%s: %w", tokenKeySecret.of(k.row.ID[:]), err))
		}
		keys = append(keys, k.row)
	}
	return keys, nil
}

func (t *tx) PutTokenKey(k keyring.Key) error {
	return t.putHouse("put token key", putTokenKey, k.ID[:], t.seal(tokenKeySecret, k.ID[:], k.Secret[:]), millis(k.CreatedAt), k.Retired)
}

func (t *tx) RedeemToken(tokenID []byte, forget time.Time) (first bool, err error) {
	n, err := t.writeQuietly("redeem token", putRedeemed, tokenID, millis(forget))
	return n == 1, err
}

// ForgetTokens compares strictly: both times were rounded down, and a note must not go before its time.
func (t *tx) ForgetTokens(now time.Time) (int, error) {
	return t.writeQuietly("forget tokens", dropRedeemed, millis(now))
}

func (t *tx) Setting(name string) (string, bool, error) {
	return get(t, "get setting", selectSetting, func(v *string) []any { return []any{v} }, name)
}

func (t *tx) PutSetting(name, value string) error {
	return t.putHouse("put setting", putSetting, name, value)
}
