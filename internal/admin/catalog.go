package admin

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// Account is an AWS account.
type Account struct {
	ID        string `json:"id"` // twelve digits
	Name      string `json:"name"`
	Seller    bool   `json:"seller"`
	Buyer     bool   `json:"buyer"`
	Suspended bool   `json:"suspended"`
}

// Customer is a buyer as sellers know it.
type Customer struct {
	Account            string    `json:"account"`
	CustomerIdentifier string    `json:"customer_identifier"`
	CreatedAt          time.Time `json:"created_at"`
}

// Product is a product with all of its settings.
type Product struct {
	ProductCode string             `json:"product_code"`
	ProductID   string             `json:"product_id"`
	Seller      string             `json:"seller"` // account
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Kind        market.ProductKind `json:"kind"`
	// RegistrationURL is where the buyer's browser posts; "" for nowhere. It is the product's own, or the built-in page.
	RegistrationURL     string             `json:"registration_url"`
	BuiltinRegistration bool               `json:"builtin_registration"`
	TokenLife           string             `json:"token_life"`  // such as "4h0m0s"; "" for the market's default
	TokenReuse          market.TokenReuse  `json:"token_reuse"` // "" for the market's default
	Dimensions          []market.Dimension `json:"dimensions"`
	CreatedAt           time.Time          `json:"created_at"`
	Offers              []Offer            `json:"offers,omitempty"` // of a product that was asked for by its code
}

// Offer is a set of terms to buy a product on.
type Offer struct {
	OfferID      string           `json:"offer_id"`
	Kind         market.OfferKind `json:"kind"`
	Name         string           `json:"name"`
	Pricing      market.Pricing   `json:"pricing"`          // its own, or what the product's dimensions make of it
	Buyers       []string         `json:"buyers,omitempty"` // of private offers: the accounts that may accept it
	TrialDays    int              `json:"trial_days"`       // 0 but for free trials
	TermMonths   int              `json:"term_months"`      // of contracts: how long one lasts; 0 for the others
	Entitlements Entitlements     `json:"entitlements"`     // what a purchase gives that names no quantities itself
	// Prices are this offer's own, by dimension, in place of those of the product's dimensions: USD a unit.
	Prices    map[string]market.Price `json:"prices,omitempty"`
	CreatedAt time.Time               `json:"created_at"`
}

// ProductChange is what to change of a product. A nil member stays as it is.
type ProductChange struct {
	RegistrationURL *string `json:"registration_url,omitempty"` // "" goes back to the built-in page
	TokenLife       *string `json:"token_life,omitempty"`       // such as "4h"; "" goes back to the market's default
	TokenReuse      *string `json:"token_reuse,omitempty"`      // "replay" or "single"; "" goes back to the market's default
}

func (a *API) listAccounts(w http.ResponseWriter, r *http.Request) error {
	list, err := a.service.Accounts(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	out := make([]Account, len(list))
	for i, v := range list {
		out[i] = Account(v)
	}
	return answer(w, http.StatusOK, map[string]any{"accounts": out})
}

func (a *API) listCustomers(w http.ResponseWriter, r *http.Request) error {
	list, err := a.service.Customers(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	out := make([]Customer, len(list))
	for i, v := range list {
		out[i] = Customer{Account: v.Account, CustomerIdentifier: v.Identifier, CreatedAt: v.CreatedAt.UTC()}
	}
	return answer(w, http.StatusOK, map[string]any{"customers": out})
}

func (a *API) product(p market.Product, offers []market.Offer) Product {
	out := Product{
		ProductCode: p.Code, ProductID: p.ID, Seller: p.Seller, Title: p.Title, Description: p.Description, Kind: p.Kind,
		RegistrationURL: a.service.RegistrationURL(p), TokenReuse: p.TokenReuse,
		Dimensions: dimensions(p.Dimensions), CreatedAt: p.CreatedAt.UTC(),
	}
	out.BuiltinRegistration = p.RegistrationURL == "" && out.RegistrationURL != ""
	if p.TokenLife != 0 {
		out.TokenLife = p.TokenLife.String()
	}
	for _, o := range offers {
		out.Offers = append(out.Offers, offer(p, o))
	}
	return out
}

func offer(p market.Product, o market.Offer) Offer {
	out := Offer{
		OfferID: o.ID, Kind: o.Kind, Name: o.Name, Pricing: p.PricingOf(o), Buyers: o.Buyers, TrialDays: o.TrialDays,
		Entitlements: entitlements(o.Entitlements), Prices: o.Prices, CreatedAt: o.CreatedAt.UTC(),
	}
	if out.Pricing != market.UsagePricing && o.Kind != market.FreeTrialOffer {
		out.TermMonths = cmp.Or(o.TermMonths, market.DefaultTermMonths)
	}
	return out
}

// dimensions says of each entitled one what type it has.
func dimensions(list []market.Dimension) []market.Dimension {
	out := listOf(slices.Clone(list))
	for i, d := range out {
		if d.Kind == market.Entitled {
			out[i].Type = d.ValueType()
		}
	}
	return out
}

func (a *API) listProducts(w http.ResponseWriter, r *http.Request) error {
	list, err := a.service.Products(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	out := make([]Product, len(list))
	for i, p := range list {
		out[i] = a.product(p, nil)
	}
	return answer(w, http.StatusOK, map[string]any{"products": out})
}

func (a *API) getProduct(w http.ResponseWriter, r *http.Request) error {
	return a.answerProduct(w, r, r.PathValue("code"))
}

func (a *API) answerProduct(w http.ResponseWriter, r *http.Request, code string) error {
	p, offers, err := a.service.Product(r.Context(), market.Operator(), code)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.product(p, offers))
}

func (a *API) changeProduct(w http.ResponseWriter, r *http.Request) error {
	var in ProductChange
	if err := decode(w, r, &in); err != nil {
		return err
	}
	change := market.ProductChange{RegistrationURL: in.RegistrationURL}
	if in.TokenLife != nil {
		change.TokenLife = new(time.Duration)
		if *in.TokenLife != "" {
			var err error
			if *change.TokenLife, err = span("token_life", *in.TokenLife); err != nil {
				return err
			}
		}
	}
	if in.TokenReuse != nil {
		reuse := market.TokenReuse(*in.TokenReuse)
		change.TokenReuse = &reuse
	}
	p, err := a.service.ChangeProduct(r.Context(), market.Operator(), r.PathValue("code"), change)
	if err != nil {
		return err
	}
	return a.answerProduct(w, r, p.Code)
}
