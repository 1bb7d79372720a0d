package sqlstore

import "github.com/souk-market/souk/internal/market"

// Lists of what is otherwise only found by its key, a page at a time: for those who move a store, or take it apart.
const (
	selectClientTokens = `SELECT ` + clientTokenColumns + ` FROM client_token`
	selectRedeemed     = `SELECT id, forget_at FROM redeemed_token`
	selectSettings     = `SELECT name, value FROM setting ORDER BY name`

	dropSetting = `DELETE FROM setting WHERE name = $1`
)

func (t *tx) ClientTokens(after *market.ClientToken, limit int) ([]market.ClientToken, error) {
	var w where
	if after != nil {
		w.and("(account, token) > (?, ?)", after.Account, after.Token)
	}
	return list(t, "list client tokens", selectClientTokens+w.clause()+" ORDER BY account, token"+w.limit(limit), scanClientToken, w.args...)
}

func (t *tx) RegistrationsAfter(after *market.Registration, limit int) ([]market.Registration, error) {
	var w where
	if after != nil {
		w.and("(product_code, account, resource) > (?, ?, ?)", after.ProductCode, after.Account, after.Resource)
	}
	return list(t, "list registrations", selectRegistrations+w.clause()+orderOfRegistrations+w.limit(limit), scanRegistration, w.args...)
}

func scanRedeemed(r *market.RedeemedToken) []any {
	return []any{bytesColumn{&r.ID}, timeColumn{&r.ForgetAt}}
}

func (t *tx) RedeemedTokens(after *market.RedeemedToken, limit int) ([]market.RedeemedToken, error) {
	var w where
	if after != nil {
		w.and("id > ?", append([]byte{}, after.ID...)) // of no bytes, not NULL
	}
	return list(t, "list redeemed tokens", selectRedeemed+w.clause()+" ORDER BY id"+w.limit(limit), scanRedeemed, w.args...)
}

func scanSetting(s *market.Setting) []any { return []any{&s.Name, &s.Value} }

func (t *tx) Settings() ([]market.Setting, error) {
	return list(t, "list settings", selectSettings, scanSetting)
}

func (t *tx) DropSetting(name string) error {
	return t.putHouse("drop setting", dropSetting, name)
}
