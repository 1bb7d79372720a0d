package sqlstore

import (
	"github.com/souk-market/souk/internal/market"
)

const (
	productColumns = `code, id, seller, title, description, kind, registration_url, token_life, token_reuse, dimensions, created_at`
	offerColumns   = `id, product_code, kind, name, pricing, buyers, trial_days, term_months, entitlements, created_at, prices`

	selectProduct         = `SELECT ` + productColumns + ` FROM product WHERE code = $1`
	selectProducts        = `SELECT ` + productColumns + ` FROM product ORDER BY code`
	selectOffer           = `SELECT ` + offerColumns + ` FROM offer WHERE id = $1`
	selectOffers          = `SELECT ` + offerColumns + ` FROM offer ORDER BY id`
	selectOffersOf        = `SELECT ` + offerColumns + ` FROM offer WHERE product_code = $1 ORDER BY id`
	selectCustomer        = `SELECT account, identifier, created_at FROM customer WHERE account = $1`
	selectCustomerByIdent = `SELECT account, identifier, created_at FROM customer WHERE identifier = $1`
	selectCustomers       = `SELECT account, identifier, created_at FROM customer ORDER BY account`

	putProduct = `INSERT INTO product (` + productColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (code) DO UPDATE SET id = excluded.id, seller = excluded.seller, title = excluded.title, description = excluded.description,
			kind = excluded.kind, registration_url = excluded.registration_url, token_life = excluded.token_life,
			token_reuse = excluded.token_reuse, dimensions = excluded.dimensions, created_at = excluded.created_at`
	putOffer = `INSERT INTO offer (` + offerColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET product_code = excluded.product_code, kind = excluded.kind, name = excluded.name,
			pricing = excluded.pricing, buyers = excluded.buyers, trial_days = excluded.trial_days, term_months = excluded.term_months,
			entitlements = excluded.entitlements, created_at = excluded.created_at, prices = excluded.prices`
	putCustomer = `INSERT INTO customer (account, identifier, created_at) VALUES ($1, $2, $3)
		ON CONFLICT (account) DO UPDATE SET identifier = excluded.identifier, created_at = excluded.created_at`
)

func scanProduct(p *market.Product) []any {
	return []any{
		&p.Code, &p.ID, &p.Seller, &p.Title, &p.Description, &p.Kind, &p.RegistrationURL,
		&p.TokenLife, &p.TokenReuse, jsonColumn[market.Dimension]{&p.Dimensions}, timeColumn{&p.CreatedAt},
	}
}

func scanOffer(o *market.Offer) []any {
	return []any{
		&o.ID, &o.ProductCode, &o.Kind, &o.Name, &o.Pricing, jsonColumn[string]{&o.Buyers}, &o.TrialDays, &o.TermMonths,
		jsonColumn[market.Entitlement]{&o.Entitlements}, timeColumn{&o.CreatedAt}, pricesColumn{&o.Prices},
	}
}

func scanCustomer(c *market.Customer) []any {
	return []any{&c.Account, &c.Identifier, timeColumn{&c.CreatedAt}}
}

func (t *tx) Product(code string) (market.Product, bool, error) {
	return get(t, "get product", selectProduct, scanProduct, code)
}

func (t *tx) Products() ([]market.Product, error) {
	return list(t, "list products", selectProducts, scanProduct)
}

func (t *tx) PutProduct(p market.Product) error {
	const op = "put product"
	for _, d := range p.Dimensions {
		if err := checkText(d.Key, string(d.Kind), d.Name, d.Unit, string(d.Type), string(d.Price)); err != nil {
			return t.fail(op, err)
		}
	}
	dimensions, err := jsonText(p.Dimensions)
	if err != nil {
		return t.fail(op, err)
	}
	err = t.put(op, putProduct, p.Code, p.ID, p.Seller, p.Title, p.Description, string(p.Kind), p.RegistrationURL,
		int64(p.TokenLife), string(p.TokenReuse), dimensions, millis(p.CreatedAt))
	if err != nil {
		return err
	}
	return t.bump(op, catalogCounter)
}

func (t *tx) Offer(id string) (market.Offer, bool, error) {
	return get(t, "get offer", selectOffer, scanOffer, id)
}

func (t *tx) Offers(productCode string) ([]market.Offer, error) {
	const op = "list offers"
	if productCode == "" {
		return list(t, op, selectOffers, scanOffer)
	}
	return list(t, op, selectOffersOf, scanOffer, productCode)
}

func (t *tx) PutOffer(o market.Offer) error {
	const op = "put offer"
	if err := checkText(o.Buyers...); err != nil {
		return t.fail(op, err)
	}
	buyers, err := jsonText(o.Buyers)
	if err != nil {
		return t.fail(op, err)
	}
	entitlements, err := entitlementsText(o.Entitlements)
	if err != nil {
		return t.fail(op, err)
	}
	prices, err := pricesText(o.Prices)
	if err != nil {
		return t.fail(op, err)
	}
	return t.put(op, putOffer, o.ID, o.ProductCode, string(o.Kind), o.Name, string(o.Pricing), buyers, o.TrialDays, o.TermMonths,
		entitlements, millis(o.CreatedAt), prices)
}

func (t *tx) Customer(accountID string) (market.Customer, bool, error) {
	return get(t, "get customer", selectCustomer, scanCustomer, accountID)
}

func (t *tx) CustomerByIdentifier(identifier string) (market.Customer, bool, error) {
	return get(t, "get customer by identifier", selectCustomerByIdent, scanCustomer, identifier)
}

func (t *tx) Customers() ([]market.Customer, error) {
	return list(t, "list customers", selectCustomers, scanCustomer)
}

func (t *tx) PutCustomer(c market.Customer) error {
	return t.put("put customer", putCustomer, c.Account, c.Identifier, millis(c.CreatedAt))
}
