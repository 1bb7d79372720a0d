package sqlstore

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

const (
	agreementColumns = `id, product_code, offer_id, seller, buyer, status, free_trial, license_arn, accepted_at, start_at, end_at`

	selectAgreements         = `SELECT ` + agreementColumns + ` FROM agreement`
	selectAgreement          = selectAgreements + ` WHERE id = $1`
	selectAgreementByLicense = selectAgreements + ` WHERE license_arn = $1`

	putAgreement = `INSERT INTO agreement (` + agreementColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET product_code = excluded.product_code, offer_id = excluded.offer_id, seller = excluded.seller,
			buyer = excluded.buyer, status = excluded.status, free_trial = excluded.free_trial, license_arn = excluded.license_arn,
			accepted_at = excluded.accepted_at, start_at = excluded.start_at, end_at = excluded.end_at`
)

func scanAgreement(a *market.Agreement) []any {
	return []any{
		&a.ID, &a.ProductCode, &a.OfferID, &a.Seller, &a.Buyer, &a.Status, &a.FreeTrial, &a.LicenseARN,
		timeColumn{&a.AcceptedAt}, timeColumn{&a.StartAt}, timeColumn{&a.EndAt},
	}
}

func (t *tx) Agreement(id string) (market.Agreement, bool, error) {
	return get(t, "get agreement", selectAgreement, scanAgreement, id)
}

func (t *tx) AgreementByLicense(licenseARN string) (market.Agreement, bool, error) {
	return get(t, "get agreement by license", selectAgreementByLicense, scanAgreement, licenseARN)
}

// Agreements lists none when there is no agreement of the id After: there is no place in the list to go on from.
func (t *tx) Agreements(f market.AgreementFilter) ([]market.Agreement, error) {
	const op = "list agreements"
	var (
		where []string
		args  []any
	)
	// Each ? in a condition becomes the number of its argument.
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		where = append(where, condition)
	}
	if f.ProductCode != "" {
		add("product_code = ?", f.ProductCode)
	}
	if f.Buyer != "" {
		add("buyer = ?", f.Buyer)
	}
	if f.Status != "" {
		add("status = ?", string(f.Status))
	}
	if f.After != "" {
		last, ok, err := get(t, op, selectAgreement, scanAgreement, f.After)
		if err != nil || !ok {
			return nil, err
		}
		if last.AcceptedAt.IsZero() { // NULL: those come first
			add("(accepted_at IS NOT NULL OR id > ?)", last.ID)
		} else {
			add("(accepted_at, id) > (?, ?)", millis(last.AcceptedAt), last.ID)
		}
	}
	query := selectAgreements
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	query += " ORDER BY accepted_at NULLS FIRST, id"
	if f.Limit > 0 {
		args = append(args, f.Limit)
		query += fmt.Sprintf(" LIMIT $%d", len(args))
	}
	return list(t, op, query, scanAgreement, args...)
}

func (t *tx) PutAgreement(a market.Agreement) error {
	return t.put("put agreement", putAgreement, a.ID, a.ProductCode, a.OfferID, a.Seller, a.Buyer, string(a.Status), a.FreeTrial,
		a.LicenseARN, millis(a.AcceptedAt), millis(a.StartAt), millis(a.EndAt))
}
