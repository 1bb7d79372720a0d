package admin

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
)

// monthForm is how a month is written.
const monthForm = "2006-01"

// Bill is what a month of a product comes to so far, in USD. Amounts have at least two digits behind their point, and are exact.
type Bill struct {
	ProductCode string        `json:"product_code"`
	Month       string        `json:"month"`     // such as "2026-11"
	Currency    string        `json:"currency"`  // "USD"
	ClosesAt    time.Time     `json:"closes_at"` // when the last record of it is taken
	Dimensions  []BilledUsage `json:"dimensions"`
	Usage       market.Amount `json:"usage"`     // of all buyers, like the other sums here
	Contracts   market.Amount `json:"contracts"` // up front, of those that started in the month
	Total       market.Amount `json:"total"`
	Unpriced    bool          `json:"unpriced"` // something has no price: it is not in the sums
	Count       int           `json:"count"`    // of buyers, in all
	Buyers      []BuyerBill   `json:"buyers"`
	Next        string        `json:"next,omitempty"` // what to ask for with BillQuery.After; "" at the end
}

// BilledUsage is the usage of a dimension, of all buyers together.
type BilledUsage struct {
	Dimension string        `json:"dimension"`
	Quantity  int64         `json:"quantity"`
	Records   int64         `json:"records"`
	Buyers    int           `json:"buyers"`
	Amount    market.Amount `json:"amount"`
	Unpriced  bool          `json:"unpriced"`
}

// BuyerBill is a buyer's part of it.
type BuyerBill struct {
	Buyer     string           `json:"buyer"` // account
	Lines     []BillLine       `json:"lines"`
	Contracts []ContractCharge `json:"contracts"`
	Total     market.Amount    `json:"total"`
	Unpriced  bool             `json:"unpriced"`
}

// BillLine is what a buyer used of a dimension on one offer.
type BillLine struct {
	Dimension string        `json:"dimension"`
	OfferID   string        `json:"offer_id,omitempty"` // "" where no agreement was found
	Price     market.Price  `json:"price,omitempty"`    // of one unit; "": nobody has said
	Quantity  int64         `json:"quantity"`
	Records   int64         `json:"records"`
	Amount    market.Amount `json:"amount"`
}

// ContractCharge is what a contract charged up front.
type ContractCharge struct {
	AgreementID string        `json:"agreement_id"`
	OfferID     string        `json:"offer_id"`
	StartAt     time.Time     `json:"start_at"`
	Amount      market.Amount `json:"amount"`
	Unpriced    bool          `json:"unpriced"`
}

// BillQuery says which bill, and which part of its buyers.
type BillQuery struct {
	Product string // code
	Month   string // such as "2026-11"; "" for the present one
	Buyer   string // account; "" for all
	After   string // Bill.Next
	Limit   int    // from 1 to 1000; 0: 100
}

func (a *API) getBill(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := number(q, "limit", defaultLimit, 1, maxLimit)
	if err != nil {
		return err
	}
	in := market.BillQuery{ProductCode: q.Get("product"), Buyer: q.Get("buyer")}
	if in.ProductCode == "" {
		return refuse(http.StatusBadRequest, CodeBadRequest, `query parameter "product" is missing: whose bill?`)
	}
	if text := q.Get("month"); text != "" {
		if in.Month, err = time.Parse(monthForm, text); err != nil || in.Month.Year() < 1970 {
			return refuse(http.StatusBadRequest, CodeBadRequest, `query parameter "month" must be a month such as "2026-11"`)
		}
	}
	unhurried(w)
	b, err := a.service.Bill(r.Context(), market.Operator(), in)
	if err != nil {
		return err
	}
	out := Bill{
		ProductCode: b.ProductCode, Month: b.Month.Format(monthForm), Currency: "USD", ClosesAt: b.ClosesAt.UTC(), Usage: b.Usage, Contracts: b.Contracts,
		Total: b.Total, Unpriced: b.Unpriced, Count: len(b.Buyers), Dimensions: make([]BilledUsage, len(b.Dimensions)), Buyers: []BuyerBill{},
	}
	for i, d := range b.Dimensions {
		out.Dimensions[i] = BilledUsage(d)
	}
	at, there := slices.BinarySearchFunc(b.Buyers, q.Get("after"), func(of market.BuyerBill, id string) int { return strings.Compare(of.Buyer, id) })
	if there {
		at++
	}
	part := b.Buyers[at:]
	if len(part) > limit {
		part = part[:limit]
		out.Next = part[limit-1].Buyer
	}
	for _, of := range part {
		out.Buyers = append(out.Buyers, buyerBill(of))
	}
	return answer(w, http.StatusOK, out)
}

func buyerBill(b market.BuyerBill) BuyerBill {
	out := BuyerBill{Buyer: b.Buyer, Total: b.Total, Unpriced: b.Unpriced, Lines: []BillLine{}, Contracts: []ContractCharge{}}
	for _, line := range b.Lines {
		out.Lines = append(out.Lines, BillLine(line))
	}
	for _, c := range b.Contracts {
		out.Contracts = append(out.Contracts, ContractCharge{AgreementID: c.AgreementID, OfferID: c.OfferID, StartAt: c.At.UTC(), Amount: c.Amount, Unpriced: c.Unpriced})
	}
	return out
}

// Bill adds up a month of a product, and answers a part of its buyers.
func (c *Client) Bill(ctx context.Context, q BillQuery) (out Bill, err error) {
	v := url.Values{}
	set(v, "product", q.Product)
	set(v, "month", q.Month)
	set(v, "buyer", q.Buyer)
	set(v, "after", q.After)
	setNumber(v, "limit", q.Limit)
	err = c.do(ctx, call{method: http.MethodGet, path: "/api/v1/bill", query: v, out: &out})
	return out, err
}
