package market

import (
	"fmt"
	"slices"
)

// sold is what there was of a product before a world changes it: what its agreements go by must still fit afterwards.
type sold struct {
	code       string
	agreements []Agreement
	termed     map[string]bool // of offers that have agreements: whether they were contracts
}

// whatIsSold looks at the products that a world declares, or offers of.
func (a *applier) whatIsSold(w World) (list []sold, err error) {
	var codes []string
	for _, p := range w.Products {
		codes = append(codes, p.Code)
	}
	for _, o := range w.Offers {
		codes = append(codes, o.ProductCode)
	}
	slices.Sort(codes)
	for _, code := range slices.Compact(codes) {
		product, ok, err := a.tx.Product(code)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		s := sold{code: code, termed: map[string]bool{}}
		if s.agreements, err = a.tx.Agreements(AgreementFilter{ProductCode: code}); err != nil {
			return nil, err
		}
		for i := range s.agreements {
			id := s.agreements[i].OfferID
			if _, seen := s.termed[id]; seen {
				continue
			}
			o, ok, err := a.tx.Offer(id)
			if err != nil {
				return nil, err
			}
			if ok {
				s.termed[id] = product.termed(o)
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// stillFits holds a product and its offers to what its agreements say: the dimensions that they entitle to, and whether they are contracts. And offers
// that the world does not declare have to go with the dimensions that it does.
func (a *applier) stillFits(w World, s sold) error {
	product, ok, err := a.tx.Product(s.code)
	if err != nil || !ok {
		return err
	}
	path := "products"
	if i := slices.IndexFunc(w.Products, func(p Product) bool { return p.Code == s.code }); i >= 0 {
		path = fmt.Sprintf("products[%d].dimensions", i)
	}
	found := map[string]bool{} // one finding for each thing that does not fit
	for i := range s.agreements {
		g := &s.agreements[i]
		_, wrong := product.normal(g.Entitlements)
		for _, p := range wrong {
			if !found[p.Path] {
				a.problem(path, "agreement %s would not fit any more: %s", g.ID, p.Reason)
			}
			found[p.Path] = true
		}
	}
	offers, err := a.tx.Offers(s.code)
	if err != nil {
		return err
	}
	for _, o := range offers {
		at := slices.IndexFunc(w.Offers, func(d Offer) bool {
			return d.ProductCode == s.code && (d.ID == o.ID || d.ID == "" && d.Kind == o.Kind && d.Name == o.Name)
		})
		if was, bought := s.termed[o.ID]; bought && was != product.termed(o) {
			where := path
			if at >= 0 {
				where = fmt.Sprintf("offers[%d].pricing", at)
			}
			a.problem(where, "offer %s has agreements: whether it is a contract cannot change any more; give it a pricing that says so", o.ID)
		}
		if at >= 0 {
			continue // it was looked at itself
		}
		for _, f := range product.flaws(o) {
			a.problem(path, "offer %s would not fit any more: %s", o.ID, f.Reason)
		}
	}
	return nil
}
