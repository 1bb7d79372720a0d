package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-market/souk/internal/market"
)

// productPage is what the page of one product shows.
type productPage struct {
	productCard
	ID         string
	Legacy     bool
	Dimensions []dimension
	Offers     []offer
	Quantities []quantity // of what is bought up front
	Buyers     []buyer
	FewBuyers  bool // few enough to show all at once
	ManyBuyers bool // too many for a list to open: their id is asked for
	BuyAs      string
	Problem    string
	Review     *overview // what was asked for comes to this; nil: nobody asked
	ReadOnly   bool      // who looks may not act
	// Registration is about where buyers are sent.
	Registration registrationSetting
	Selling      *sellerTools // nil for whoever cannot act for the seller
}

type dimension struct{ Key, Name, Unit, Kind, Price string }

type offer struct {
	ID     string
	Name   string
	Terms  string
	Own    []priceLine // its own prices, where they are not the listing's
	Total  string      // what is paid up front for the quantities that it gives; "" where nothing is
	Chosen bool
}

// registrationSetting is the form that changes a product's registration URL.
type registrationSetting struct {
	Action  string
	Value   string // as it stands in the field: as is, whatever it holds
	Now     string // where buyers are sent now; "" for nowhere
	Builtin bool   // Now is the page that Souk brings along
	Problem string
	Changed bool
}

// fewBuyers is up to how many buyers are shown as buttons rather than as a list to open.
const fewBuyers = 6

// chosen is what a form held when it was sent, so that it can be shown again as it was.
type chosen struct {
	buyer, offer string
	quantities   url.Values
	problem      string
	review       *overview
	url          *string
	urlProblem   string
}

// product is the page of one product.
func (c *Console) product(w http.ResponseWriter, r *http.Request) error {
	code := r.PathValue("code")
	if code == "" {
		http.Redirect(w, r, "/", http.StatusFound)
		return nil
	}
	return c.showProduct(w, r, http.StatusOK, code, chosen{})
}

func (c *Console) showProduct(w http.ResponseWriter, r *http.Request, status int, code string, was chosen) error {
	ctx := r.Context()
	p, offers, err := c.service.Product(ctx, callerIn(ctx), code)
	if err != nil {
		return err
	}
	accounts, err := c.service.Accounts(ctx, callerIn(ctx))
	if err != nil {
		return err
	}
	names := namesOf(accounts)
	c.addNames(ctx, names, market.Agreement{Seller: p.Seller, Buyer: p.Seller})
	page := productPage{
		productCard: card(p, names), ID: p.ID, Legacy: p.Kind == market.Legacy, Problem: was.problem, Review: was.review,
		Offers: offersOf(p, offers, was.offer), Quantities: quantitiesOf(p, offers, was.quantities), Buyers: buyersOf(accounts), Registration: c.registrationOf(p),
	}
	page.ReadOnly = !callerIn(ctx).Operator
	page.FewBuyers, page.ManyBuyers, page.BuyAs = len(page.Buyers) <= fewBuyers, len(page.Buyers) > fewChoices, was.buyer
	for _, d := range p.Dimensions {
		page.Dimensions = append(page.Dimensions, dimension{plain(d.Key), plain(d.Name), plain(d.Unit), dimensionWords(d.Kind), priceWords(d, d.Price)})
	}
	if page.Legacy {
		if err := c.markSubscribed(ctx, code, page.Buyers); err != nil {
			return err
		}
	}
	choose(page.Buyers, was.buyer)
	page.Registration.Changed = r.URL.Query().Get("changed") == "registration-url"
	page.Registration.Problem = was.urlProblem
	page.Selling = sellerToolsOf(ctx, r.URL.Query(), p, offers)
	if was.url != nil {
		page.Registration.Value = *was.url
	}
	return c.render(w, response{status: status, page: "product", title: page.Title, section: "products", style: "storefront.css", body: page})
}

// offersOf lists offers, the public one first and chosen unless another was.
func offersOf(p market.Product, list []market.Offer, was string) []offer {
	var out []offer
	for _, kind := range []market.OfferKind{market.PublicOffer, market.PrivateOffer, market.FreeTrialOffer} {
		for _, o := range list {
			if o.Kind != kind {
				continue
			}
			out = append(out, offer{
				ID: o.ID, Name: offerName(o), Terms: offerTerms(p, o), Own: ownPrices(p, o), Chosen: o.ID == was,
				Total: overviewOf(p, o, boughtOn(p, o, nil), 0).Total,
			})
		}
	}
	for _, o := range out {
		if o.Chosen {
			return out
		}
	}
	if len(out) > 0 {
		out[0].Chosen = true
	}
	return out
}

// offerTerms are an offer's, in few words.
func offerTerms(p market.Product, o market.Offer) string {
	terms := "The price on the listing"
	switch {
	case o.Kind == market.FreeTrialOffer:
		return plural(o.TrialDays, "day", "days") + " free, once per account"
	case p.PricingOf(o) != market.UsagePricing:
		terms = "For " + plural(cmp.Or(o.TermMonths, market.DefaultTermMonths), "month", "months")
	}
	for i, e := range entitledTo(p, o.Entitlements) {
		terms += map[bool]string{true: ": ", false: ", "}[i == 0] + e.Name + " " + e.Amount
	}
	if o.Kind == market.PrivateOffer {
		terms += ", for " + plural(len(o.Buyers), "account", "accounts") + " only"
	}
	return terms
}

// choose marks the buyer that was chosen before; else the first who has not subscribed; else the first.
func choose(buyers []buyer, was string) {
	pick := -1
	for i, b := range buyers {
		if b.ID == was {
			pick = i
			break
		}
		if pick < 0 && b.Subscription == "" {
			pick = i
		}
	}
	if len(buyers) > 0 {
		buyers[max(pick, 0)].Chosen = true
	}
}

// markSubscribed notes which buyers have an active subscription.
func (c *Console) markSubscribed(ctx context.Context, code string, buyers []buyer) error {
	if len(buyers) > fewBuyers { // the list to open has no room for it; subscribing says it
		return nil
	}
	for i := range buyers {
		had, err := c.service.Agreements(ctx, callerIn(ctx), market.AgreementFilter{ProductCode: code, Buyer: buyers[i].ID, Status: market.Active, Limit: 1})
		if err != nil {
			return err
		}
		if len(had) > 0 {
			buyers[i].Subscription = subscriptionPath(had[0].ID)
		}
	}
	return nil
}

// subscribe accepts an offer for a buyer and leads to the subscription.
func (c *Console) subscribe(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	ctx, code := r.Context(), r.PathValue("code")
	was := chosen{buyer: r.PostForm.Get("buyer"), offer: r.PostForm.Get("offer"), quantities: r.PostForm}
	if was.buyer == "" || was.offer == "" {
		was.problem = "Choose a buyer and an offer."
		return c.showProduct(w, r, http.StatusUnprocessableEntity, code, was)
	}
	product, offers, err := c.service.Product(ctx, callerIn(ctx), code)
	if err != nil {
		return err
	}
	in := market.PurchaseInput{ProductCode: code, Buyer: was.buyer, OfferID: was.offer}
	for _, o := range offers {
		if o.ID != was.offer {
			continue
		}
		if in.Entitlements, was.problem = askedFor(product, o, r.PostForm); was.problem != "" {
			return c.showProduct(w, r, http.StatusUnprocessableEntity, code, was)
		}
		if r.PostForm.Get("review") != "" {
			was.review = overviewOf(product, o, boughtOn(product, o, in.Entitlements), 0)
			return c.showProduct(w, r, http.StatusOK, code, was)
		}
	}
	p, err := c.service.Buy(ctx, callerIn(ctx), in)
	if err != nil {
		return c.showProblem(w, r, code, err, was)
	}
	notice := "?notice=subscribed"
	if p.Existing {
		notice = "?notice=existing"
	}
	http.Redirect(w, r, subscriptionPath(p.Agreement.ID)+notice, http.StatusSeeOther)
	return nil
}

// showProblem shows the product's page again with what the market refused. If there is no such product, or the failure is none of
// the market's, it is the error page's.
func (c *Console) showProblem(w http.ResponseWriter, r *http.Request, code string, err error, was chosen) error {
	var e *market.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case market.Conflict, market.Invalid, market.NotFound, market.Forbidden:
	default:
		return err
	}
	if was.url != nil {
		was.urlProblem = sentence(e.Message)
	} else {
		was.problem = sentence(e.Message)
	}
	return c.showProduct(w, r, statuses[e.Code], code, was)
}

// registrationOf is the state of a product's registration URL.
func (c *Console) registrationOf(p market.Product) registrationSetting {
	return registrationSetting{
		Action: productPath(p.Code) + "/registration-url", Value: p.RegistrationURL,
		Now: plain(c.service.RegistrationURL(p)), Builtin: p.RegistrationURL == "",
	}
}

// changeRegistrationURL changes where a product's buyers are sent, from the next click on.
func (c *Console) changeRegistrationURL(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	code, target := r.PathValue("code"), strings.TrimSpace(r.PostForm.Get("url"))
	if _, err := c.service.ChangeProduct(r.Context(), callerIn(r.Context()), code, market.ProductChange{RegistrationURL: &target}); err != nil {
		return c.showProblem(w, r, code, err, chosen{url: &target})
	}
	http.Redirect(w, r, productPath(code)+"?changed=registration-url#registration", http.StatusSeeOther)
	return nil
}
