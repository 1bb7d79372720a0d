package sqlstore

import (
	"github.com/souk-market/souk/internal/market"
)

const (
	agreementColumns = `id, product_code, offer_id, seller, buyer, status, intent, preceding_id, free_trial, license_arn,
		accepted_at, start_at, end_at, term_months, auto_renew, suspended_at, entitlements, phase, due_at`

	selectAgreements         = `SELECT ` + agreementColumns + ` FROM agreement`
	selectAgreement          = selectAgreements + ` WHERE id = $1`
	selectAgreementByLicense = selectAgreements + ` WHERE license_arn = $1`
	selectNextDue            = selectAgreements + ` WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT 1`

	putAgreement = `INSERT INTO agreement (` + agreementColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
		ON CONFLICT (id) DO UPDATE SET product_code = excluded.product_code, offer_id = excluded.offer_id, seller = excluded.seller,
			buyer = excluded.buyer, status = excluded.status, intent = excluded.intent, preceding_id = excluded.preceding_id,
			free_trial = excluded.free_trial, license_arn = excluded.license_arn, accepted_at = excluded.accepted_at,
			start_at = excluded.start_at, end_at = excluded.end_at, term_months = excluded.term_months, auto_renew = excluded.auto_renew,
			suspended_at = excluded.suspended_at, entitlements = excluded.entitlements, phase = excluded.phase, due_at = excluded.due_at`
)

func scanAgreement(a *market.Agreement) []any {
	return []any{
		&a.ID, &a.ProductCode, &a.OfferID, &a.Seller, &a.Buyer, &a.Status, &a.Intent, &a.PrecedingID, &a.FreeTrial, &a.LicenseARN,
		timeColumn{&a.AcceptedAt}, timeColumn{&a.StartAt}, timeColumn{&a.EndAt}, &a.TermMonths, &a.AutoRenew, timeColumn{&a.SuspendedAt},
		jsonColumn[market.Entitlement]{&a.Entitlements}, &a.Phase, timeColumn{&a.DueAt},
	}
}

func (t *tx) Agreement(id string) (market.Agreement, bool, error) {
	return get(t, "get agreement", selectAgreement, scanAgreement, id)
}

func (t *tx) AgreementByLicense(licenseARN string) (market.Agreement, bool, error) {
	return get(t, "get agreement by license", selectAgreementByLicense, scanAgreement, licenseARN)
}

// Agreements lists none when there is no agreement of the id After: there is no place in the list to go on from. An AfterID that
// is nobody's has one.
func (t *tx) Agreements(f market.AgreementFilter) ([]market.Agreement, error) {
	const op = "list agreements"
	var w where
	w.text("product_code = ?", f.ProductCode)
	w.text("buyer = ?", f.Buyer)
	w.text("status = ?", string(f.Status))
	if !f.EndsAfter.IsZero() {
		w.and("(end_at IS NULL OR end_at > ?)", millis(f.EndsAfter))
	}
	if f.PrecedingID != "" {
		w.and("preceding_id = ?", f.PrecedingID)
		w.and("preceding_id <> ''") // the condition of the index
	}
	order := "accepted_at NULLS FIRST, id"
	switch {
	case f.ByID:
		w.text("id > ?", f.AfterID)
		order = "id"
	case f.After != "":
		last, ok, err := get(t, op, selectAgreement, scanAgreement, f.After)
		if err != nil || !ok {
			return nil, err
		}
		if last.AcceptedAt.IsZero() { // NULL: those come first
			w.and("(accepted_at IS NOT NULL OR id > ?)", last.ID)
		} else {
			w.and("(accepted_at, id) > (?, ?)", millis(last.AcceptedAt), last.ID)
		}
	}
	return list(t, op, selectAgreements+w.clause()+" ORDER BY "+order+w.limit(f.Limit), scanAgreement, w.args...)
}

func (t *tx) PutAgreement(a market.Agreement) error {
	const op = "put agreement"
	entitlements, err := entitlementsText(a.Entitlements)
	if err != nil {
		return t.fail(op, err)
	}
	return t.put(op, putAgreement, a.ID, a.ProductCode, a.OfferID, a.Seller, a.Buyer, string(a.Status), string(a.Intent), a.PrecedingID,
		a.FreeTrial, a.LicenseARN, millis(a.AcceptedAt), millis(a.StartAt), millis(a.EndAt), a.TermMonths, a.AutoRenew,
		millis(a.SuspendedAt), entitlements, string(a.Phase), millis(a.DueAt))
}

func (t *tx) NextDue() (market.Agreement, bool, error) {
	return get(t, "get next due agreement", selectNextDue, scanAgreement)
}
