package console

import (
	"cmp"
	"slices"

	"github.com/souk-market/souk/internal/market"
)

// priceLine is what one dimension costs, in words.
type priceLine struct {
	Name   string
	Amount string // how much of it; "" for what is billed by use
	Price  string // of one unit
	Sum    string // "" for what is billed by use
	List   string // the list price in place of which Price stands; "" if it is that
}

// overview is what an offer comes to for a buyer, before it is accepted and afterwards.
type overview struct {
	Offer  string
	Trial  bool
	Months string // how long the contract lasts, in words; "" if it is none
	Lines  []priceLine
	Total  string // of what is paid up front; "" where nothing is
	Usage  []priceLine
}

// overviewOf adds up an offer at quantities.
func overviewOf(p market.Product, o market.Offer, quantities []market.Entitlement, months int) *overview {
	out := &overview{Offer: offerName(o), Trial: o.Kind == market.FreeTrialOffer}
	pricing := p.PricingOf(o)
	if pricing != market.UsagePricing && !out.Trial {
		out.Months = plural(cmp.Or(months, o.TermMonths, market.DefaultTermMonths), "month", "months")
		sum, all := p.Sum(o, quantities)
		out.Total = billed(sum, !all)
	}
	for _, d := range p.Dimensions {
		line := priceLine{Name: dimensionName(d), Price: priceWords(d, o.PriceOf(d))}
		if own, ok := o.Prices[d.Key]; ok && own != d.Price {
			line.List = priceWords(d, d.Price)
		}
		if d.Kind == market.Metered {
			if pricing != market.ContractPricing {
				out.Usage = append(out.Usage, line)
			}
			continue
		}
		i := slices.IndexFunc(quantities, func(e market.Entitlement) bool { return e.Dimension == d.Key })
		if i < 0 {
			continue
		}
		line.Amount = entitledTo(p, quantities[i:i+1])[0].Amount
		line.Sum = billed(o.PriceOf(d).TimesValue(quantities[i].Value), o.PriceOf(d) == "")
		out.Lines = append(out.Lines, line)
	}
	return out
}

// boughtOn is what an offer gives to whoever asks for some quantities: those, and of the other dimensions what it says.
func boughtOn(p market.Product, o market.Offer, asked []market.Entitlement) (list []market.Entitlement) {
	if p.PricingOf(o) == market.UsagePricing {
		return nil
	}
	for _, d := range p.Dimensions {
		if d.Kind != market.Entitled {
			continue
		}
		e := market.Entitlement{Dimension: d.Key, Value: offered(o, d)}
		if i := slices.IndexFunc(asked, func(a market.Entitlement) bool { return a.Dimension == d.Key }); i >= 0 {
			e = asked[i]
		}
		list = append(list, e)
	}
	return list
}

func dimensionName(d market.Dimension) string {
	return cmp.Or(plain(d.Name), plain(d.Key))
}

// priceWords is the price of one unit of a dimension.
func priceWords(d market.Dimension, p market.Price) string {
	switch {
	case p == "":
		return noPrice
	case p.Amount().IsZero():
		return "free"
	case d.Unit == "" || d.Type == market.Boolean || d.Type == market.Text:
		return p.Amount().String()
	}
	return p.Amount().String() + " / " + plain(d.Unit)
}

// ownPrices are an offer's own prices, where they are not those of the listing.
func ownPrices(p market.Product, o market.Offer) (list []priceLine) {
	for _, d := range p.Dimensions {
		if own, ok := o.Prices[d.Key]; ok && own != d.Price {
			list = append(list, priceLine{Name: dimensionName(d), Price: priceWords(d, own), List: priceWords(d, d.Price)})
		}
	}
	return list
}

// offerName is what an offer is called.
func offerName(o market.Offer) string {
	if o.Name != "" {
		return plain(o.Name)
	}
	switch o.Kind {
	case market.PrivateOffer:
		return "Private offer"
	case market.FreeTrialOffer:
		return "Free trial"
	}
	return "Public offer"
}
