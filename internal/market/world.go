package market

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"time"

	"github.com/souk-market/souk/internal/account"
)

// The service model's pattern, and at least one character: an empty code could name nothing.
var (
	productCodePattern = regexp.MustCompile(`^[-a-zA-Z0-9/=:_.@]{1,255}$`)
	productIDPattern   = regexp.MustCompile(`^[-a-zA-Z0-9]{1,64}$`)
	licensePattern     = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:[A-Za-z0-9][A-Za-z0-9_/.-]{0,62}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,1000}[A-Za-z0-9:_/+=,@.-]{0,23}$`) // 1,023 in two steps: RE2 repeats at most 1,000 times
	accessKeyPattern   = regexp.MustCompile(`^[A-Za-z0-9_]{16,128}$`)
	identityPattern    = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
)

// ApplyWorld adds and changes what w declares, all of it or nothing. Applying the same world again changes nothing.
//
// What w leaves empty is filled in: product and offer ids, secrets of access keys that exist already (or new ones), a public offer for
// a product that has none. If anything is wrong the error is Invalid and its Problems name every finding by its place
// in w ("products[1].seller").
func (s *Service) ApplyWorld(ctx context.Context, c Caller, w World) (Changes, error) {
	if err := operatorOnly(c); err != nil {
		return Changes{}, err
	}
	now := s.now().UTC().Truncate(time.Millisecond)
	var changes Changes
	err := s.change(ctx, func(tx Tx) error {
		a := &applier{tx: tx, rand: s.rand, now: now}
		if err := a.world(w); err != nil {
			return err
		}
		if len(a.problems) > 0 {
			return &Error{Code: Invalid, Message: plural(len(a.problems)) + "; nothing was changed", Problems: a.problems}
		}
		changes = a.changes
		return nil
	})
	if err != nil {
		return Changes{}, asMarket("apply world", err)
	}
	return changes, nil
}

func plural(problems int) string {
	if problems == 1 {
		return "the world has 1 problem"
	}
	return fmt.Sprintf("the world has %d problems", problems)
}

// applier carries one application of a world through its parts. Findings are gathered; only the store's failures stop it.
type applier struct {
	tx       Tx
	rand     io.Reader
	now      time.Time
	problems []Problem
	changes  Changes
	accounts map[string]account.Account
}

func (a *applier) problem(path, format string, args ...any) {
	a.problems = append(a.problems, Problem{Path: path, Reason: fmt.Sprintf(format, args...)})
}

// put counts a write, and leaves it out when it would change nothing.
func put[T any](a *applier, old T, existed bool, v T, write func(T) error) error {
	switch {
	case !existed:
		a.changes.Created++
	case reflect.DeepEqual(old, v):
		a.changes.Unchanged++
		return nil
	default:
		a.changes.Updated++
	}
	return write(v)
}

func (a *applier) world(w World) error {
	had, err := a.tx.Directory()
	if err != nil {
		return err
	}
	if err := a.directory(w.Directory, had); err != nil {
		return err
	}
	for i, p := range w.Products {
		if err := a.product(fmt.Sprintf("products[%d]", i), p); err != nil {
			return err
		}
	}
	for i, o := range w.Offers {
		if err := a.offer(fmt.Sprintf("offers[%d]", i), o); err != nil {
			return err
		}
	}
	for _, p := range w.Products {
		if err := a.publicOffer(p.Code); err != nil {
			return err
		}
	}
	taken := map[string]bool{}
	for i, g := range w.Agreements {
		if err := a.agreement(fmt.Sprintf("agreements[%d]", i), g, taken); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) product(path string, p Product) error {
	old, existed, err := a.tx.Product(p.Code)
	if err != nil {
		return err
	}
	n := len(a.problems)
	if !productCodePattern.MatchString(p.Code) {
		a.problem(path+".code", "must be 1 to 255 characters of [-a-zA-Z0-9/=:_.@]")
	}
	if acct, ok := a.accounts[p.Seller]; !ok {
		a.problem(path+".seller", "account %q does not exist", p.Seller)
	} else if !acct.Seller {
		a.problem(path+".seller", "account %s is not a seller", p.Seller)
	}
	if p.Kind != Legacy && p.Kind != ConcurrentAgreements {
		a.problem(path+".kind", "must be %q or %q", Legacy, ConcurrentAgreements)
	}
	if reason := validProductSettings(p); reason != "" {
		a.problem(path, "%s", reason)
	}
	a.dimensions(path, p.Dimensions)
	if existed {
		agreements, err := a.tx.Agreements(AgreementFilter{ProductCode: p.Code, Limit: 1})
		if err != nil {
			return err
		}
		if len(agreements) > 0 && (old.Seller != p.Seller || old.Kind != p.Kind) {
			a.problem(path, "product %s has agreements: its seller and its kind cannot change any more", p.Code)
		}
		p.CreatedAt = old.CreatedAt
		if p.ID == "" {
			p.ID = old.ID
		}
	} else {
		p.CreatedAt = a.now
		if p.ID == "" {
			if p.ID, err = newProductID(a.rand); err != nil {
				return err
			}
		}
	}
	if !productIDPattern.MatchString(p.ID) {
		a.problem(path+".id", "must be 1 to 64 characters of [-a-zA-Z0-9]")
	}
	all, err := a.tx.Products()
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID == p.ID && other.Code != p.Code {
			a.problem(path+".id", "%q is the id of product %s already", p.ID, other.Code)
		}
	}
	if len(a.problems) > n {
		return nil
	}
	return put(a, old, existed, p, a.tx.PutProduct)
}

func (a *applier) dimensions(path string, list []Dimension) {
	seen := map[string]bool{}
	for i, d := range list {
		at := fmt.Sprintf("%s.dimensions[%d]", path, i)
		if d.Key == "" || len([]rune(d.Key)) > 255 {
			a.problem(at+".key", "must have 1 to 255 characters")
		}
		if seen[d.Key] {
			a.problem(at+".key", "%q stands twice", d.Key)
		}
		seen[d.Key] = true
		if d.Kind != Metered && d.Kind != Entitled {
			a.problem(at+".kind", "must be %q or %q", Metered, Entitled)
		}
	}
}

func (a *applier) offer(path string, o Offer) error {
	n := len(a.problems)
	if _, ok, err := a.tx.Product(o.ProductCode); err != nil {
		return err
	} else if !ok {
		a.problem(path+".product", "product %q does not exist", o.ProductCode)
	}
	switch o.Kind {
	case PublicOffer:
		if o.TrialDays != 0 {
			a.problem(path+".trial_days", "only a free trial has a length")
		}
	case FreeTrialOffer:
		if o.TrialDays < 7 || o.TrialDays > 90 { // guide, "SaaS free trials"
			a.problem(path+".trial_days", "must be from 7 to 90")
		}
	default:
		a.problem(path+".kind", "must be %q or %q", PublicOffer, FreeTrialOffer)
	}
	if o.ID == "" { // the same terms again are the same offer
		offers, err := a.tx.Offers(o.ProductCode)
		if err != nil {
			return err
		}
		for _, have := range offers {
			if have.Kind == o.Kind && have.Name == o.Name {
				o.ID = have.ID
			}
		}
	}
	if o.ID == "" {
		var err error
		if o.ID, err = newOfferID(a.rand); err != nil {
			return err
		}
	} else if !productIDPattern.MatchString(o.ID) {
		a.problem(path+".id", "must be 1 to 64 characters of [-a-zA-Z0-9]")
	}
	old, existed, err := a.tx.Offer(o.ID)
	if err != nil {
		return err
	}
	o.CreatedAt = a.now
	if existed {
		o.CreatedAt = old.CreatedAt
		if old.ProductCode != o.ProductCode {
			a.problem(path+".id", "%q is an offer of product %s already", o.ID, old.ProductCode)
		}
	}
	if len(a.problems) > n {
		return nil
	}
	return put(a, old, existed, o, a.tx.PutOffer)
}

// publicOffer makes sure that a product can be bought.
func (a *applier) publicOffer(code string) error {
	if _, ok, err := a.tx.Product(code); err != nil || !ok {
		return err
	}
	offers, err := a.tx.Offers(code)
	if err != nil {
		return err
	}
	for _, o := range offers {
		if o.Kind == PublicOffer {
			return nil
		}
	}
	o := Offer{ProductCode: code, Kind: PublicOffer, CreatedAt: a.now}
	if o.ID, err = newOfferID(a.rand); err != nil {
		return err
	}
	return put(a, Offer{}, false, o, a.tx.PutOffer)
}

// agreement applies one agreement. taken holds the ids that earlier entries of the file stand for, so that two entries
// without an id for one buyer and product mean two agreements.
func (a *applier) agreement(path string, g Agreement, taken map[string]bool) error {
	n := len(a.problems)
	product, ok, err := a.tx.Product(g.ProductCode)
	if err != nil {
		return err
	}
	if !ok {
		a.problem(path+".product", "product %q does not exist", g.ProductCode)
	}
	if buyer, ok := a.accounts[g.Buyer]; !ok {
		a.problem(path+".buyer", "account %q does not exist", g.Buyer)
	} else if !buyer.Buyer {
		a.problem(path+".buyer", "account %s is not a buyer", g.Buyer)
	}
	if g.Status == "" {
		g.Status = Active
	}
	switch g.Status {
	case Active, Cancelled, Expired, Terminated, Replaced, Renewed:
	default:
		a.problem(path+".status", "%q is not a status of an agreement", g.Status)
	}
	if g.LicenseARN != "" && !licensePattern.MatchString(g.LicenseARN) {
		a.problem(path+".license_arn", "is not an ARN of the documented pattern")
	}
	if g.ID != "" && !productIDPattern.MatchString(g.ID) {
		a.problem(path+".id", "must be 1 to 64 characters of [-a-zA-Z0-9]")
	}
	if len(a.problems) > n {
		return nil
	}
	had, err := a.tx.Agreements(AgreementFilter{ProductCode: g.ProductCode, Buyer: g.Buyer})
	if err != nil {
		return err
	}
	if g.ID == "" {
		for _, h := range had {
			if !taken[h.ID] && h.Status == g.Status && (g.LicenseARN == "" || g.LicenseARN == h.LicenseARN) && (g.OfferID == "" || g.OfferID == h.OfferID) {
				taken[h.ID] = true
				a.changes.Unchanged++
				return nil
			}
		}
	}
	offer, err := a.offerOf(path, product, g)
	if err != nil || len(a.problems) > n {
		return err
	}
	return a.putAgreement(path, g, product, offer, had, taken)
}

// offerOf is the offer that an agreement of the file was made on.
func (a *applier) offerOf(path string, product Product, g Agreement) (Offer, error) {
	if g.OfferID == "" && g.ID != "" {
		if old, ok, err := a.tx.Agreement(g.ID); err != nil {
			return Offer{}, err
		} else if ok {
			o, _, err := a.tx.Offer(old.OfferID)
			return o, err
		}
	}
	offers, err := a.tx.Offers(product.Code)
	if err != nil {
		return Offer{}, err
	}
	for _, o := range offers {
		if g.OfferID == o.ID || g.OfferID == "" && o.Kind == PublicOffer && !g.FreeTrial || g.OfferID == "" && o.Kind == FreeTrialOffer && g.FreeTrial {
			return o, nil
		}
	}
	if g.OfferID != "" {
		a.problem(path+".offer", "product %s has no offer %q", product.Code, g.OfferID)
	} else {
		a.problem(path+".free_trial", "product %s has no free trial", product.Code)
	}
	return Offer{}, nil
}

func (a *applier) putAgreement(path string, g Agreement, product Product, offer Offer, had []Agreement, taken map[string]bool) error {
	if _, err := customerOf(a.tx, a.rand, g.Buyer, a.now); err != nil {
		return err
	}
	v, err := newAgreement(a.rand, product, offer, g.Buyer, a.now)
	if err != nil {
		return err
	}
	var old Agreement
	existed := false
	if g.ID != "" {
		if old, existed, err = a.tx.Agreement(g.ID); err != nil {
			return err
		}
		if existed && (old.ProductCode != g.ProductCode || old.Buyer != g.Buyer) {
			a.problem(path+".id", "agreement %s is of buyer %s and product %s", g.ID, old.Buyer, old.ProductCode)
			return nil
		}
		if existed {
			v = old
		}
		v.ID = g.ID
	}
	v.Status, v.OfferID = g.Status, offer.ID
	if g.LicenseARN != "" {
		v.LicenseARN = g.LicenseARN
	}
	other, clash, err := a.tx.AgreementByLicense(v.LicenseARN)
	if err != nil {
		return err
	}
	if clash && other.ID != v.ID {
		a.problem(path+".license_arn", "is the license of agreement %s already", other.ID)
		return nil
	}
	for _, h := range had {
		if product.Kind == Legacy && v.Status == Active && h.Status == Active && h.ID != v.ID {
			a.problem(path, "account %s has active agreement %s already, and product %s is of the legacy kind: one a buyer", g.Buyer, h.ID, product.Code)
			return nil
		}
	}
	taken[v.ID] = true
	return put(a, old, existed, v, a.tx.PutAgreement)
}

// World is all that is declared: what ApplyWorld would need to make this marketplace again.
func (s *Service) World(ctx context.Context, c Caller) (w World, err error) {
	if err := operatorOnly(c); err != nil {
		return World{}, err
	}
	err = s.store.View(ctx, func(tx Tx) (err error) {
		if w.Directory, err = tx.Directory(); err != nil {
			return err
		}
		if w.Products, err = tx.Products(); err != nil {
			return err
		}
		if w.Offers, err = tx.Offers(""); err != nil {
			return err
		}
		w.Agreements, err = tx.Agreements(AgreementFilter{})
		return err
	})
	return w, asMarket("read world", err)
}
