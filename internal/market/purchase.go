package market

import (
	"context"
	"io"
	"slices"
	"time"
)

// PurchaseInput says who buys what.
type PurchaseInput struct {
	ProductCode string
	Buyer       string // account; "" for the first buyer there is
	OfferID     string // "": the product's public offer, or its free trial
	FreeTrial   bool
	// Entitlements are what is bought of the product's entitled dimensions; a dimension left out has what the offer says.
	Entitlements []Entitlement
	StartAt      time.Time // zero: now. A later time makes the agreement future-dated
	TermMonths   int       // contracts; 0: the offer's
	AutoRenew    bool
}

// Purchase is what a buyer has after buying: an agreement, and a token to take to the seller.
type Purchase struct {
	Agreement      Agreement
	Product        Product
	Customer       Customer
	Token          string
	TokenExpiresAt time.Time
	// Existing is set when a legacy product was bought that the buyer already has: the agreement is the one there was.
	Existing bool
}

// CustomerIdentifier is what ResolveCustomer will answer for the purchase.
func (p *Purchase) CustomerIdentifier() string {
	if p.Product.Kind == ConcurrentAgreements {
		return ""
	}
	return p.Customer.Identifier
}

// Buy accepts an offer and mints a token.
//
// A contract, with or without consumption, lasts its term and entitles; what is paid by use has neither end nor entitlements, and does not renew
// itself. A purchase that is to start later is made now, and starts by itself. Buying a legacy product that the buyer has at present answers the
// agreement that there is.
//
// Errors: NotFound for a product, buyer or offer that does not exist; Conflict for a suspended buyer, a free trial taken before, and a legacy
// product of which the buyer has another agreement at that time; Invalid for a start in the past, and for quantities or a term that the offer does
// not have; Forbidden, also for a private offer that is not for the buyer.
func (s *Service) Buy(ctx context.Context, c Caller, in PurchaseInput) (Purchase, error) {
	if err := operatorOnly(c); err != nil {
		return Purchase{}, err
	}
	now := s.enter(time.Time{}).UTC().Truncate(time.Millisecond)
	defer s.leave()
	var p Purchase
	err := s.edit(ctx, now, s.store.Update, func(e *editor) (err error) {
		p, err = e.buy(in)
		return err
	})
	if err != nil {
		return Purchase{}, asMarket("buy", err)
	}
	return p, s.mint(ctx, &p, now)
}

func (e *editor) buy(in PurchaseInput) (Purchase, error) {
	product, ok, err := e.tx.Product(in.ProductCode)
	if err != nil {
		return Purchase{}, err
	}
	if !ok {
		return Purchase{}, fail(NotFound, "product %q does not exist", in.ProductCode)
	}
	offer, err := pickOffer(e.tx, product, in)
	if err != nil {
		return Purchase{}, err
	}
	buyer, err := pickBuyer(e.tx, in.Buyer, &offer)
	if err != nil {
		return Purchase{}, err
	}
	start := in.StartAt.UTC().Truncate(time.Millisecond)
	switch {
	case in.StartAt.IsZero():
		start = e.now
	case start.Before(e.now):
		return Purchase{}, fail(Invalid, "a purchase starts now, %s, or later, not %s", stamp(e.now), stamp(start))
	}
	customer, err := customerOf(e.tx, e.rand, buyer, e.now)
	if err != nil {
		return Purchase{}, err
	}
	p := Purchase{Product: product, Customer: customer}
	had, err := e.tx.Agreements(AgreementFilter{ProductCode: product.Code, Buyer: buyer})
	if err != nil {
		return Purchase{}, err
	}
	for _, a := range had {
		if product.Kind == Legacy && a.Status == Active && !a.StartAt.After(e.now) && !start.After(e.now) {
			if p.Agreement, err = another(a, in, &offer); err != nil {
				return Purchase{}, err
			}
			p.Existing = true
			return p, nil
		}
	}
	if offer.Kind == FreeTrialOffer && slices.ContainsFunc(had, func(a Agreement) bool { return a.FreeTrial }) {
		return Purchase{}, fail(Conflict, "account %s has had its free trial of product %s; there is one per product and account", buyer, product.Code)
	}
	t := terms{
		product: &product, offer: offer, buyer: buyer, acceptedAt: e.now, startAt: start, intent: IntentNew,
		asked: in.Entitlements, months: in.TermMonths, autoRenew: in.AutoRenew,
	}
	if p.Agreement, err = t.agreement(e.rand); err != nil {
		return Purchase{}, err
	}
	return p, e.addWhereRoom(&product, &p.Agreement)
}

// another answers the agreement that the buyer of a legacy product has, unless something else was asked for.
func another(a Agreement, in PurchaseInput, offer *Offer) (Agreement, error) {
	switch {
	case offer.Kind == FreeTrialOffer && !a.FreeTrial:
		return a, fail(Conflict, "account %s already has an active agreement for product %s; a free trial comes first or not at all", a.Buyer, a.ProductCode)
	case len(in.Entitlements) > 0 || in.TermMonths != 0 || in.AutoRenew:
		return a, fail(Conflict, "account %s already has agreement %s for product %s: amend, renew or replace it", a.Buyer, a.ID, a.ProductCode)
	}
	return a, nil
}

// pickBuyer finds who accepts an offer: the account named, or else the first that may.
func pickBuyer(tx Tx, id string, offer *Offer) (string, error) {
	if id == "" {
		dir, err := tx.Directory()
		if err != nil {
			return "", err
		}
		for _, a := range dir.Accounts {
			if a.Buyer && !a.Suspended && forBuyer(offer, a.ID) == nil {
				return a.ID, nil
			}
		}
		return "", fail(NotFound, "there is no buyer account")
	}
	a, ok, err := tx.Account(id)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", fail(NotFound, "account %q does not exist", id)
	case a.Suspended:
		return "", fail(Conflict, "account %s is suspended and cannot buy", id)
	case !a.Buyer:
		return "", fail(Conflict, "account %s is not a buyer", id)
	}
	return id, forBuyer(offer, id)
}

// forBuyer refuses a private offer to those whom it was not made to.
func forBuyer(o *Offer, buyer string) error {
	if o.Kind == PrivateOffer && !slices.Contains(o.Buyers, buyer) {
		return fail(Forbidden, "offer %s is private, and not for account %s", o.ID, buyer)
	}
	return nil
}

// pickOffer finds the offer named, or else the product's public one, or its free trial. A private offer has to be named.
func pickOffer(tx Tx, product Product, in PurchaseInput) (Offer, error) {
	offers, err := tx.Offers(product.Code)
	if err != nil {
		return Offer{}, err
	}
	want := PublicOffer
	if in.FreeTrial {
		want = FreeTrialOffer
	}
	for _, o := range offers {
		if in.OfferID == o.ID && in.FreeTrial && o.Kind != FreeTrialOffer {
			return Offer{}, fail(Invalid, "offer %s is not a free trial", o.ID)
		}
		if in.OfferID == o.ID || in.OfferID == "" && o.Kind == want {
			return o, nil
		}
	}
	if in.OfferID != "" {
		return Offer{}, fail(NotFound, "offer %q does not exist for product %s", in.OfferID, product.Code)
	}
	return Offer{}, fail(NotFound, "product %s has no %s offer", product.Code, want)
}

// customerOf gives the buyer its CustomerIdentifier: made once, and the same for all products ever after.
func customerOf(tx Tx, rand io.Reader, buyer string, now time.Time) (Customer, error) {
	c, ok, err := tx.Customer(buyer)
	if err != nil || ok {
		return c, err
	}
	c = Customer{Account: buyer, CreatedAt: now}
	if c.Identifier, err = newCustomerIdentifier(rand); err != nil {
		return Customer{}, err
	}
	return c, tx.PutCustomer(c)
}

// SetUpAccount mints a new token for an agreement: what the button "Set up your account" does at every click.
//
// Errors: NotFound; Conflict when the agreement is not active or its buyer is suspended.
func (s *Service) SetUpAccount(ctx context.Context, c Caller, agreementID string) (Purchase, error) {
	if err := operatorOnly(c); err != nil {
		return Purchase{}, err
	}
	now := s.enter(time.Time{}).UTC().Truncate(time.Millisecond)
	defer s.leave()
	if err := s.settled(ctx, now); err != nil {
		return Purchase{}, err
	}
	p := Purchase{Existing: true}
	err := s.store.View(ctx, func(tx Tx) (err error) {
		var ok bool
		if p.Agreement, ok, err = tx.Agreement(agreementID); err != nil {
			return err
		} else if !ok {
			return fail(NotFound, "agreement %q does not exist", agreementID)
		}
		if status := p.Agreement.StatusAt(now); status != Active {
			return fail(Conflict, "agreement %s is %s; only an active one can be set up", agreementID, status)
		}
		if buyer, ok, err := tx.Account(p.Agreement.Buyer); err != nil {
			return err
		} else if !ok || buyer.Suspended {
			return fail(Conflict, "account %s is suspended and cannot set up anything", p.Agreement.Buyer)
		}
		if p.Product, _, err = tx.Product(p.Agreement.ProductCode); err != nil {
			return err
		}
		p.Customer, _, err = tx.Customer(p.Agreement.Buyer)
		return err
	})
	if err != nil {
		return Purchase{}, asMarket("set up account", err)
	}
	return p, s.mint(ctx, &p, now)
}

// mint gives p its token.
func (s *Service) mint(ctx context.Context, p *Purchase, now time.Time) error {
	if err := s.rotateIfOld(ctx); err != nil {
		return err
	}
	g := grant{
		issuedAt: now, life: p.Product.TokenLife, seller: p.Agreement.Seller, buyer: p.Agreement.Buyer,
		concurrent: p.Product.Kind == ConcurrentAgreements, customer: p.CustomerIdentifier(),
		productCode: p.Product.Code, licenseARN: p.Agreement.LicenseARN,
	}
	reuse := p.Product.TokenReuse
	if reuse == "" {
		reuse = s.reuse
	}
	g.singleUse = reuse == ReuseSingle
	if g.life == 0 {
		g.life = s.life
	}
	if _, err := io.ReadFull(s.rand, g.tokenID[:]); err != nil {
		return asMarket("mint token", err)
	}
	token, err := sealToken(s.ring, s.rand, &g)
	if err != nil {
		return asMarket("mint token", err)
	}
	p.Token, p.TokenExpiresAt = token, g.expiresAt()
	s.minted.note(Minted{AgreementID: p.Agreement.ID, At: now, ExpiresAt: p.TokenExpiresAt, SingleUse: g.singleUse})
	return nil
}

// RegistrationURL is where the buyer's browser is to post: the product's own, or the built-in page. "" if there is neither.
func (s *Service) RegistrationURL(p Product) string {
	if p.RegistrationURL != "" {
		return p.RegistrationURL
	}
	return s.builtin
}
