package market

import (
	"slices"
	"strings"
	"time"
)

// position is where a page of entitlements ends: after a dimension of an agreement, or after all of it. The zero position is before everything.
type position struct {
	agreement string
	dimension string
	whole     bool
}

// entitlementPage is a page of entitlements that is being filled.
type entitlementPage struct {
	product    *productEntry
	now        time.Time
	limit      int
	dimensions filter
	licenses   filter
	after      position // where the page before ended

	items []EntitlementItem // from base on, they are the page's
	base  int
	more  bool     // there are entitlements after last, or there may be
	last  position // where this page ends
}

// wants reports whether an agreement entitles its buyer now, is one of those that are asked for, and does not stand before the page.
func (p *entitlementPage) wants(a *Agreement) bool {
	return len(a.Entitlements) > 0 && a.Live(p.now) && p.licenses.has(a.LicenseARN) &&
		(a.ID > p.after.agreement || a.ID == p.after.agreement && !p.after.whole)
}

// add adds what an agreement entitles to. It answers true when that does not fit on the page. Agreements are added by id.
func (p *entitlementPage) add(a *Agreement, identifier string) (full bool) {
	if p.product.Kind == ConcurrentAgreements {
		identifier = ""
	}
	var room [64]uint16
	for _, i := range byDimension(a.Entitlements, room[:0]) {
		e := &a.Entitlements[i]
		if a.ID == p.after.agreement && e.Dimension <= p.after.dimension || !p.dimensions.has(e.Dimension) {
			continue
		}
		if len(p.items)-p.base == p.limit {
			p.more = true
			return true
		}
		p.items = append(p.items, EntitlementItem{
			ProductCode: p.product.Code, Dimension: e.Dimension, CustomerIdentifier: identifier, CustomerAWSAccountID: a.Buyer,
			LicenseARN: a.LicenseARN, Value: e.Value, ExpiresAt: a.EndAt,
		})
		p.last = position{agreement: a.ID, dimension: e.Dimension}
	}
	return false
}

// byDimension is the order of entitlements by their dimensions' keys. An agreement keeps them in the product's order, which may change.
func byDimension(list []Entitlement, order []uint16) []uint16 {
	sorted := true
	for i := range list {
		order = append(order, uint16(i)) // a product's dimensions are far fewer than 65536: an agreement's entitlements are one each
		sorted = sorted && (i == 0 || list[i-1].Dimension < list[i].Dimension)
	}
	if !sorted {
		slices.SortFunc(order, func(a, b uint16) int { return strings.Compare(list[a].Dimension, list[b].Dimension) })
	}
	return order
}

// filter is a list of values, any of which will do. The zero filter lets everything through.
type filter struct {
	list []string
	set  map[string]struct{} // of a long list
}

func newFilter(list []string) filter {
	f := filter{list: list}
	if len(list) > 16 {
		f.set = make(map[string]struct{}, len(list))
		for _, v := range list {
			f.set[v] = struct{}{}
		}
	}
	return f
}

func (f filter) has(v string) bool {
	switch {
	case f.list == nil:
		return true
	case f.set == nil:
		return slices.Contains(f.list, v)
	}
	_, ok := f.set[v]
	return ok
}
