package market

import (
	"context"
	"slices"
	"strings"
	"time"
)

const (
	// maxEntitlements is a page's most, and its usual size (service model, MaxResults).
	maxEntitlements = 25
	// maxNamed is up to how many values of a filter are looked up one by one. AWS's model has no bound; with more, the product's agreements are gone through
	// instead, a bounded number a call.
	maxNamed = 50
)

const (
	msgFilter   = "Invalid filter combination provided. Please provide the CUSTOMER_IDENTIFIER along with DIMENSION." // live (boto3 issue 3520)
	msgBothIDs  = "Invalid filter combination provided. CUSTOMER_IDENTIFIER and CUSTOMER_AWS_ACCOUNT_ID cannot be used together."
	msgNoIDs    = "Invalid filter provided. CUSTOMER_IDENTIFIER is not supported for this product; use CUSTOMER_AWS_ACCOUNT_ID or LICENSE_ARN."
	msgNoSuch   = "The product code is invalid."
	msgPageSize = "MaxResults must be from 1 to 25."
)

// errWrongRegion is what an endpoint of another Region says to such a signature: see sigv4, whose text it is.
var errWrongRegion = &Error{Code: WrongRegion, Message: "Credential should be scoped to a valid region. ", Reason: "GetEntitlements does not exist in the Region that the call is signed for"}

// EntitlementsInput is a call of GetEntitlements. Lists of the filter that are nil do not filter.
type EntitlementsInput struct {
	ProductCode         string
	CustomerIdentifiers []string
	CustomerAccounts    []string
	Dimensions          []string
	Licenses            []string
	MaxResults          int // 1 to 25; 0: 25
	NextToken           string
}

// EntitlementItem is one entitlement as GetEntitlements tells it.
type EntitlementItem struct {
	ProductCode          string
	Dimension            string
	CustomerIdentifier   string // "" for concurrent-agreements products
	CustomerAWSAccountID string
	LicenseARN           string
	Value                Value
	ExpiresAt            time.Time // zero: never. With auto-renewal, when it is renewed
}

// GetEntitlements lists what buyers of a product are entitled to now, page by page; it appends to dst, which may be nil. The caller's account must have
// published the product.
//
// Entitlements come by agreement id, then by dimension key, an order that does not depend on what else there is. So, while agreements come and go, one that
// is there all the time is seen exactly once. nextToken is "" after the last page; a page may be short, or empty, and still carry one.
//
// Errors: WrongRegion, InvalidParameter.
func (s *Service) GetEntitlements(ctx context.Context, c Caller, in *EntitlementsInput, dst []EntitlementItem) (items []EntitlementItem, nextToken string, err error) {
	now := s.enter(c.Now)
	defer s.leave()
	if !s.regions.Has("GetEntitlements", c.Region) {
		return dst, "", errWrongRegion
	}
	if err := s.settled(ctx, now); err != nil {
		return dst, "", asMarket("get entitlements", err)
	}
	product, err := s.productByCode(ctx, []byte(in.ProductCode))
	if err != nil {
		return dst, "", asMarket("get entitlements", err)
	}
	if err := judgeFilter(c, product, in); err != nil {
		return dst, "", err
	}
	p := entitlementPage{
		product: product, now: now, limit: in.MaxResults, dimensions: newFilter(in.Dimensions), licenses: newFilter(in.Licenses),
		items: dst, base: len(dst),
	}
	if p.limit == 0 {
		p.limit = maxEntitlements
	}
	if in.NextToken != "" {
		if p.after, err = s.openPageToken(in.NextToken, c.Account, in, now); err != nil {
			return dst, "", err
		}
	}
	if named := len(in.CustomerIdentifiers) + len(in.CustomerAccounts) + len(in.Licenses); named > 0 && named <= maxNamed {
		err = s.namedEntitlements(ctx, in, &p)
	} else {
		err = s.scanEntitlements(ctx, in, &p)
	}
	if err != nil {
		return dst, "", asMarket("get entitlements", err)
	}
	if p.more {
		nextToken, err = s.sealPageToken(ctx, p.last, c.Account, in, now)
	}
	if err != nil {
		return dst, "", asMarket("get entitlements", err)
	}
	return p.items, nextToken, nil
}

// judgeFilter refuses what cannot be asked for, of a product or at all.
func judgeFilter(c Caller, product *productEntry, in *EntitlementsInput) error {
	refused := func(message, reason string) error {
		return &Error{Code: InvalidParameter, Message: message, Reason: reason}
	}
	switch {
	case product == nil:
		return refused(msgNoSuch, "there is no product of that code")
	case product.Seller != c.Account: // in the same words: a stranger does not learn that the product exists
		return refused(msgNoSuch, "product "+product.Code+" was published by account "+product.Seller+", the call comes from account "+c.Account)
	case in.MaxResults < 0 || in.MaxResults > maxEntitlements:
		return refused(msgPageSize, "")
	case in.CustomerIdentifiers != nil && in.CustomerAccounts != nil:
		return refused(msgBothIDs, "")
	case in.CustomerIdentifiers != nil && product.Kind == ConcurrentAgreements:
		return refused(msgNoIDs, "product "+product.Code+" is of the concurrent-agreements kind")
	case in.Dimensions != nil && in.CustomerIdentifiers == nil && in.CustomerAccounts == nil && in.Licenses == nil:
		return refused(msgFilter, "")
	}
	return nil
}

// holding is an agreement with its buyer's CustomerIdentifier.
type holding struct {
	*Agreement
	identifier string
}

// namedEntitlements goes through the agreements of the customers, or of the licenses, that the filter names. They are in memory, as a rule.
func (s *Service) namedEntitlements(ctx context.Context, in *EntitlementsInput, p *entitlementPage) error {
	var room [16]holding
	list := room[:0]
	add := func(st *standing, a *Agreement) {
		if p.wants(a) {
			list = append(list, holding{a, st.identifier})
		}
	}
	of := func(account string) error {
		st, err := s.standingOf(ctx, p.product.Code, account)
		if err != nil || st == nil || s.suspended(account) {
			return err
		}
		for i := range st.agreements {
			add(st, &st.agreements[i])
		}
		return nil
	}
	switch {
	case in.CustomerAccounts != nil:
		for _, account := range in.CustomerAccounts {
			if err := of(account); err != nil {
				return err
			}
		}
	case in.CustomerIdentifiers != nil:
		for _, identifier := range in.CustomerIdentifiers {
			account, ok, err := s.customerAccount(ctx, []byte(identifier))
			if err == nil && ok {
				err = of(account)
			}
			if err != nil {
				return err
			}
		}
	default:
		for _, license := range in.Licenses {
			st, a, err := s.licensee(ctx, []byte(license))
			if err != nil {
				return err
			}
			if a != nil && a.ProductCode == p.product.Code && !s.suspended(a.Buyer) {
				add(st, a)
			}
		}
	}
	slices.SortFunc(list, func(a, b holding) int { return strings.Compare(a.ID, b.ID) })
	for i := range list {
		if i > 0 && list[i].ID == list[i-1].ID { // a customer or a license that was named twice
			continue
		}
		if p.add(list[i].Agreement, list[i].identifier) {
			return nil
		}
	}
	return nil
}

// suspended reports whether an account, or nobody, is behind an agreement: then it entitles to nothing.
func (s *Service) suspended(account string) bool {
	a, ok := s.directory.Account(account)
	return !ok || a.Suspended
}

// Of a product's agreements, at most maxScanned are looked at in a call, scanStep at a time.
const (
	maxScanned = 500
	scanStep   = 50
)

// scanEntitlements goes through the product's agreements in the store, from where the page before ended.
func (s *Service) scanEntitlements(ctx context.Context, in *EntitlementsInput, p *entitlementPage) error {
	accounts, identifiers := newFilter(in.CustomerAccounts), newFilter(in.CustomerIdentifiers)
	return s.store.View(ctx, func(tx Tx) error {
		p.items, p.more = p.items[:p.base], false // it may run again
		one := func(a *Agreement) (full bool, err error) {
			if !p.wants(a) || !accounts.has(a.Buyer) || s.suspended(a.Buyer) {
				return false, nil
			}
			var c Customer
			if p.product.Kind == Legacy {
				if c, _, err = tx.Customer(a.Buyer); err != nil || !identifiers.has(c.Identifier) {
					return false, err
				}
			}
			return p.add(a, c.Identifier), nil
		}
		if p.after.agreement != "" && !p.after.whole { // of this one, something may be left
			if a, ok, err := tx.Agreement(p.after.agreement); err != nil {
				return err
			} else if ok && a.ProductCode == p.product.Code {
				if full, err := one(&a); full || err != nil {
					return err
				}
			}
		}
		f := AgreementFilter{ProductCode: p.product.Code, ByID: true, AfterID: p.after.agreement, Limit: scanStep}
		for scanned := 0; scanned < maxScanned; scanned += scanStep {
			list, err := tx.Agreements(f)
			if err != nil {
				return err
			}
			for i := range list {
				if full, err := one(&list[i]); full || err != nil {
					return err
				}
			}
			if len(list) < scanStep {
				return nil
			}
			f.AfterID = list[len(list)-1].ID
		}
		p.more, p.last = true, position{agreement: f.AfterID, whole: true}
		return nil
	})
}
