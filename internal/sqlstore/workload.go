package sqlstore

import (
	"time"

	"github.com/souk-market/souk/internal/market"
)

const (
	clientTokenColumns  = `account, token, fingerprint, record_id, forget_at`
	registrationColumns = `product_code, account, resource, workload, region, at`

	selectClientToken    = `SELECT ` + clientTokenColumns + ` FROM client_token WHERE account = $1 AND token = $2`
	selectSigningKeys    = `SELECT version, private, created_at FROM signing_key ORDER BY version`
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
	return []any{&k.Version, bytesColumn{&k.Private}, timeColumn{&k.CreatedAt}}
}

func scanRegistration(r *market.Registration) []any {
	return []any{&r.ProductCode, &r.Account, &r.Resource, &r.Workload, &r.Region, timeColumn{&r.At}}
}

func (t *tx) ClientToken(account, token string) (market.ClientToken, bool, error) {
	return get(t, "get client token", selectClientToken, scanClientToken, account, token)
}

func (t *tx) PutClientToken(c market.ClientToken) error {
	return t.put("put client token", putClientToken, c.Account, c.Token, c.Fingerprint[:], c.RecordID[:], millis(c.ForgetAt))
}

// ForgetClientTokens compares strictly, as ForgetTokens does.
func (t *tx) ForgetClientTokens(now time.Time) (int, error) {
	return t.write("forget client tokens", dropClientTokens, millis(now))
}

func (t *tx) SigningKeys() ([]market.SigningKey, error) {
	return list(t, "list signing keys", selectSigningKeys, scanSigningKey)
}

func (t *tx) PutSigningKey(k market.SigningKey) error {
	return t.put("put signing key", putSigningKey, k.Version, k.Private, millis(k.CreatedAt))
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
	return t.put("put registration", putRegistration, r.ProductCode, r.Account, r.Resource, r.Workload, r.Region, millis(r.At))
}
