package market

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/account"
)

// The service model's pattern, and at least one character: an empty code could name nothing.
var (
	productCodePattern = regexp.MustCompile(`^[-a-zA-Z0-9/=:_.@]{1,255}$`)
	productIDPattern   = regexp.MustCompile(`^[-a-zA-Z0-9]{1,64}$`)
	licensePattern     = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:[A-Za-z0-9][A-Za-z0-9_/.-]{0,62}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,1000}[A-Za-z0-9:_/+=,@.-]{0,23}$`) // 1,023 in two steps: RE2 repeats at most 1,000 times
	accessKeyPattern   = regexp.MustCompile(`^[A-Za-z0-9_]{16,128}$`)
	customerPattern    = regexp.MustCompile(`^[ -~]{1,255}$`) // ASCII, because a registration token has 255 bytes for it
	identityPattern    = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
)

// ApplyWorld adds and changes what w declares, all of it or nothing. Applying the same world again changes nothing. Applied where there is
// nothing yet, what World tells makes a marketplace of which World tells the same.
//
// What w leaves empty is filled in: product and offer ids, secrets of access keys that exist already (or new ones), a public offer for
// a product that has none, CustomerIdentifiers, and times: those that there are, or the present. If anything is wrong the error is Invalid
// and its Problems name every finding by its place in w ("products[1].seller").
//
// Some things stay as they are once made, and a world that declares them otherwise has a problem: a customer's identifier, the offer of
// an agreement, seller and kind of a product and the kind of an offer that have agreements.
func (s *Service) ApplyWorld(ctx context.Context, c Caller, w World) (Changes, error) {
	if err := operatorOnly(c); err != nil {
		return Changes{}, err
	}
	now := s.enter(time.Time{}).UTC().Truncate(time.Millisecond)
	defer s.leave()
	var changes Changes
	err := s.edit(ctx, now, s.change, func(e *editor) error {
		a := &applier{tx: e.tx, edit: e, rand: s.rand, now: now}
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
	s.forgetAll() // not only agreements may be others
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	if err := s.settled(detached, now); err != nil { // whoever looks next does it, then
		s.log.LogAttrs(ctx, slog.LevelError, "a world was applied, and what is due in it could not be run", slog.String("error", err.Error()))
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
	edit     *editor
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

// The years whose instants a world can declare: the store counts from 1970, and 9999 is the last that RFC 3339 can write.
const firstYear, lastYear = 1970, 9999

// instant is a time that a world gives, in the form that the store keeps; otherwise where it gives none.
func (a *applier) instant(path string, given, otherwise time.Time) time.Time {
	if given.IsZero() {
		return otherwise
	}
	given = given.UTC().Truncate(time.Millisecond)
	if y := given.Year(); y < firstYear || y > lastYear {
		a.problem(path, "must be in the years %d to %d", firstYear, lastYear)
	}
	return given
}

func (a *applier) world(w World) error {
	had, err := a.tx.Directory()
	if err != nil {
		return err
	}
	if err := a.directory(w.Directory, had); err != nil {
		return err
	}
	sold, err := a.whatIsSold(w)
	if err != nil {
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
	for _, product := range sold {
		if err := a.stillFits(w, product); err != nil {
			return err
		}
	}
	for _, p := range w.Products {
		if err := a.publicOffer(p.Code); err != nil {
			return err
		}
	}
	for _, o := range w.Offers { // one that was public may be none now
		if err := a.publicOffer(o.ProductCode); err != nil {
			return err
		}
	}
	for i, c := range w.Customers {
		if err := a.customer(fmt.Sprintf("customers[%d]", i), c); err != nil {
			return err
		}
	}
	if err := a.agreements(w.Agreements); err != nil {
		return err
	}
	return a.standing(w.Directory.Accounts)
}

func (a *applier) product(path string, p Product) error {
	old, existed, err := a.tx.Product(p.Code)
	if err != nil {
		return err
	}
	n := len(a.problems)
	switch {
	case !productCodePattern.MatchString(p.Code):
		a.problem(path+".code", "must be 1 to 255 characters of [-a-zA-Z0-9/=:_.@]")
	case p.Code == "." || p.Code == "..": // no URL can name them: a path loses such steps
		a.problem(path+".code", "must not be %q", p.Code)
	case !tokenFits(p.Code, ""):
		a.problem(path+".code", tooLong, maxTokenChars)
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
	created := a.now
	if existed {
		created = old.CreatedAt
		agreements, err := a.tx.Agreements(AgreementFilter{ProductCode: p.Code, Limit: 1})
		if err != nil {
			return err
		}
		if len(agreements) > 0 && (old.Seller != p.Seller || old.Kind != p.Kind) {
			a.problem(path, "product %s has agreements: its seller and its kind cannot change any more", p.Code)
		}
		if err := a.keepsMetered(path, &old, &p); err != nil {
			return err
		}
		if p.ID == "" {
			p.ID = old.ID
		}
	} else if p.ID == "" {
		if p.ID, err = newProductID(a.rand); err != nil {
			return err
		}
	}
	p.CreatedAt = a.instant(path+".created_at", p.CreatedAt, created)
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

// keepsMetered refuses to drop a metered dimension, or to make it another kind, once there is usage of it.
func (a *applier) keepsMetered(path string, old, p *Product) error {
	for _, d := range old.Dimensions {
		if d.Kind != Metered || slices.ContainsFunc(p.Dimensions, func(now Dimension) bool { return now.Key == d.Key && now.Kind == Metered }) {
			continue
		}
		n, err := a.tx.CountUsage(UsageFilter{ProductCode: p.Code, Dimension: d.Key})
		if err != nil {
			return err
		}
		if n > 0 {
			a.problem(path+".dimensions", "dimension %q has usage: it cannot go, nor be anything but metered", d.Key)
		}
	}
	return nil
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
		if reason := d.Price.Flaw(); reason != "" {
			a.problem(at+".price", "%s", reason)
		}
		switch d.Type {
		case "":
		case Integer, Double, Boolean, Text:
			if d.Kind == Metered {
				a.problem(at+".type", "only an entitled dimension has one: usage is always an integer")
			}
		default:
			a.problem(at+".type", "must be %q, %q, %q or %q", Integer, Double, Boolean, Text)
		}
	}
}

func (a *applier) offer(path string, o Offer) error {
	n := len(a.problems)
	product, ok, err := a.tx.Product(o.ProductCode)
	if err != nil {
		return err
	} else if !ok {
		a.problem(path+".product", "product %q does not exist", o.ProductCode)
	}
	switch o.Kind {
	case PublicOffer, PrivateOffer:
		if o.TrialDays != 0 {
			a.problem(path+".trial_days", "only a free trial has a length")
		}
	case FreeTrialOffer:
		if o.TrialDays < 7 || o.TrialDays > 90 { // guide, "SaaS free trials"
			a.problem(path+".trial_days", "must be from 7 to 90")
		}
	default:
		a.problem(path+".kind", "must be %q, %q or %q", PublicOffer, PrivateOffer, FreeTrialOffer)
	}
	if ok {
		for _, p := range product.flaws(o) {
			a.problem(path+p.Path, "%s", p.Reason)
		}
		o.Entitlements, _ = product.normal(o.Entitlements)
	}
	if len(o.Prices) == 0 {
		o.Prices = nil
	}
	for i, buyer := range o.Buyers {
		a.buyer(fmt.Sprintf("%s.buyers[%d]", path, i), buyer)
		if slices.Contains(o.Buyers[:i], buyer) {
			a.problem(fmt.Sprintf("%s.buyers[%d]", path, i), "account %s stands twice", buyer)
		}
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
	created := a.now
	if existed {
		created = old.CreatedAt
		if old.ProductCode != o.ProductCode {
			a.problem(path+".id", "%q is an offer of product %s already", o.ID, old.ProductCode)
		} else if old.Kind != o.Kind {
			if bought, err := a.bought(old); err != nil {
				return err
			} else if bought {
				a.problem(path+".kind", "offer %s has agreements: its kind cannot change any more", o.ID)
			}
		}
	}
	o.CreatedAt = a.instant(path+".created_at", o.CreatedAt, created)
	if len(a.problems) > n {
		return nil
	}
	return put(a, old, existed, o, a.tx.PutOffer)
}

// bought reports whether an offer has agreements.
func (a *applier) bought(o Offer) (bool, error) {
	list, err := a.tx.Agreements(AgreementFilter{ProductCode: o.ProductCode})
	return slices.ContainsFunc(list, func(g Agreement) bool { return g.OfferID == o.ID }), err
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

// World is all that is declared: what ApplyWorld needs to make this marketplace again. Agreements have the status of the present.
func (s *Service) World(ctx context.Context, c Caller) (w World, err error) {
	if err := operatorOnly(c); err != nil {
		return World{}, err
	}
	now := s.enter(time.Time{})
	defer s.leave()
	if err := s.settled(ctx, now); err != nil {
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
		if w.Customers, err = tx.Customers(); err != nil {
			return err
		}
		w.Agreements, err = tx.Agreements(AgreementFilter{})
		return err
	})
	products := make(map[string]*Product, len(w.Products))
	for i := range w.Products {
		products[w.Products[i].Code] = &w.Products[i]
	}
	for i := range w.Agreements { // a product may have put its dimensions into another order since
		if p := products[w.Agreements[i].ProductCode]; p != nil {
			w.Agreements[i].Entitlements, _ = p.normal(w.Agreements[i].Entitlements)
		}
	}
	return w, asMarket("read world", err)
}
