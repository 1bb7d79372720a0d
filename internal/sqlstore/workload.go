package sqlstore

import (
	"time"

	"github.com/souk-market/souk/internal/market"
)

const (
	clientTokenColumns  = `account, token, fingerprint, record_id, forget_at`
	registrationColumns = `product_code, account, resource, workload, region, at`

	selectClientToken    = `SELECT ` + clientTokenColumns + ` FROM client_token WHERE account = $1 AND token = $2`
	selectSigningKeys    = `SELECT private, version, created_at FROM signing_key ORDER BY version`
	selectRegistration   = `SELECT ` + registrationColumns + ` FROM registration WHERE product_code = $1 AND account = $2 AND resource = $3`
	selectRegistrations  = `SELECT ` + registrationColumns + ` FROM registration`
	orderOfRegistrations = ` ORDER BY product_code, account, resource`

	putClientToken = `INSERT INTO client_token (` + clientTokenColumns + `) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, token) DO UPDATE SET fingerprint = excluded.fingerprint, record_id = excluded.record_id,
			forget_at = excluded.forget_at`
	dropClientTokens = `DELETE FROM client_token WHERE forget_at IS NULL OR forget_at < $1`
	putSigningKey    = `INSERT INTO signing_key (version, private, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (version) DO UPDATE SET private = excluded.private, created_at = excluded.created_at`
	putRegistration = `INSERT INTO registration (` + registrationColumns + `) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (product_code, account, resource) DO UPDATE SET workload = excluded.workload, region = excluded.region, at = excluded.at`
)

func scanClientToken(c *market.ClientToken) []any {
	return []any{&c.Account, &c.Token, hashColumn{&c.Fingerprint}, recordIDColumn{&c.RecordID}, timeColumn{&c.ForgetAt}}
}

func scanSigningKey(k *market.SigningKey) []any {
	return []any{&k.Version, timeColumn{&k.CreatedAt}}
}

func scanRegistration(r *market.Registration) []any {
	return []any{&r.ProductCode, &r.Account, &r.Resource, &r.Workload, &r.Region, timeColumn{&r.At}}
}

func (t *tx) ClientToken(account, token string) (market.ClientToken, bool, error) {
	return get(t, "get client token", selectClientToken, scanClientToken, account, token)
}

func (t *tx) PutClientToken(c market.ClientToken) error {
	_, err := t.writeQuietly("put client token", putClientToken, c.Account, c.Token, c.Fingerprint[:], c.RecordID[:], millis(c.ForgetAt))
	return err
}

// ForgetClientTokens compares strictly, as ForgetTokens does.
func (t *tx) ForgetClientTokens(now time.Time) (int, error) {
	return t.writeQuietly("forget client tokens", dropClientTokens, millis(now))
}

func (t *tx) SigningKeys() ([]market.SigningKey, error) {
	const op = "list signing keys"
	rows, err := list(t, op, selectSigningKeys, scanSealed(scanSigningKey))
	if err != nil {
		return nil, err
	}
	var keys []market.SigningKey
	for _, k := range rows {
		if k.row.Private, err = t.unseal(op, signingKeyPrivate, k.row.Version, k.secret); err != nil {
			return nil, err
		}
		keys = append(keys, k.row)
	}
	return keys, nil
}

func (t *tx) PutSigningKey(k market.SigningKey) error {
	return t.putHouse("put signing key", putSigningKey, k.Version, t.seal(signingKeyPrivate, k.Version, k.Private), millis(k.CreatedAt))
}

func (t *tx) Registration(productCode, account, resource string) (market.Registration, bool, error) {
	return get(t, "get registration", selectRegistration, scanRegistration, productCode, account, resource)
}

func (t *tx) Registrations(productCode string) ([]market.Registration, error) {
	var w where
	w.text("product_code = ?", productCode)
	return list(t, "list registrations", selectRegistrations+w.clause()+orderOfRegistrations, scanRegistration, w.args...)
}

func (t *tx) PutRegistration(r market.Registration) error {
	_, err := t.writeQuietly("put registration", putRegistration, r.ProductCode, r.Account, r.Resource, r.Workload, r.Region, millis(r.At))
	return err
}
