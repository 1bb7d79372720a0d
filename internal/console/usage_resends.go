package console

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

// resends are the refused contradictory resends that the log of requests still has: the same hour again, with another quantity. The store keeps the
// first record, and nothing of the others.
type resends struct {
	Age  age
	Rows []resendRow
}

type resendRow struct {
	At        moment
	Buyer     string
	BuyerID   string
	Dimension string
	Hour      moment
	Quantity  string // as it was sent again
	Request   string // address of the request
	ID        string
}

// resend is one of them, as far as the call says.
type resend struct {
	at        time.Time
	request   string
	buyer     string // account; "" where the call does not say
	named     string // what the call names the buyer by, if not by account
	dimension string
	hour      int64 // -1: unknown
	quantity  int64 // -1: unknown
}

const (
	// resendsRead is how many of the newest calls are looked through, and resendsShown how many of what is found are listed.
	resendsRead  = 200
	resendsShown = 20
	duplicate    = string(market.UsageDuplicate)
	hexDuplicate = "4475706c69636174655265636f7264" // in a body that is no text (CBOR)
)

// resendsOf looks for them in the newest calls about a product.
func (c *Console) resendsOf(ctx context.Context, product string) ([]resend, error) {
	if c.log == nil {
		return nil, nil
	}
	scope, err := c.logScope(ctx)
	if err != nil {
		return nil, err
	}
	var found []resend
	for _, v := range c.log.List(reqlog.Filter{Operation: "BatchMeterUsage", Product: product, Outcome: "ok", Limit: resendsRead, Scope: scope}) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !json.Valid([]byte(v.Response)) && strings.HasPrefix(v.Response, "{") { // a list has the beginning of what is long
			if whole, ok := c.log.GetFor(scope, v.ID); ok {
				v = whole
			}
		}
		found = append(found, batchResends(v)...)
	}
	for _, v := range c.log.List(reqlog.Filter{Operation: "MeterUsage", Product: product, Outcome: "DuplicateRequestException", Limit: resendsRead, Scope: scope}) {
		found = append(found, meterResend(v))
	}
	slices.SortStableFunc(found, func(a, b resend) int { return b.at.Compare(a.at) })
	return found, c.identify(ctx, found)
}

// identify finds the accounts of those who are named by CustomerIdentifier, in calls about several buyers.
func (c *Console) identify(ctx context.Context, list []resend) error {
	if !slices.ContainsFunc(list, func(r resend) bool { return r.buyer == "" && r.named != "" }) {
		return nil // most calls are about one buyer, which the log has
	}
	customers, err := c.service.Customers(ctx, callerIn(ctx))
	if market.CodeOf(err) == market.Forbidden { // who does not know them all has what the call says
		return nil
	}
	if err != nil {
		return err
	}
	accounts := make(map[string]string, len(customers))
	for _, customer := range customers {
		accounts[customer.Identifier] = customer.Account
	}
	for i := range list {
		if list[i].buyer == "" {
			list[i].buyer = accounts[list[i].named]
		}
	}
	return nil
}

// batchResends are the records of a batch that were answered with DuplicateRecord.
func batchResends(v reqlog.View) (found []resend) {
	var answer struct {
		Results []struct {
			Status      string
			UsageRecord struct {
				CustomerAWSAccountId, CustomerIdentifier, Dimension string //nolint:revive // the wire's names
				Quantity                                            int64
				Timestamp                                           float64
			}
		}
	}
	if err := json.Unmarshal([]byte(v.Response), &answer); err != nil {
		if strings.Contains(v.Response, duplicate) || strings.Contains(v.Response, hexDuplicate) {
			found = append(found, resend{at: v.MarketTime, request: v.ID, buyer: v.Buyer, hour: -1, quantity: -1})
		}
		return found
	}
	for _, r := range answer.Results {
		if r.Status != duplicate {
			continue
		}
		u := r.UsageRecord
		found = append(found, resend{
			at: v.MarketTime, request: v.ID, buyer: cmp.Or(u.CustomerAWSAccountId, v.Buyer), named: u.CustomerIdentifier, dimension: u.Dimension,
			hour: market.HourOf(time.Unix(int64(u.Timestamp), 0)), quantity: u.Quantity,
		})
	}
	return found
}

// meterResend is a refused call of MeterUsage, which is made with the buyer's own credentials.
func meterResend(v reqlog.View) resend {
	var ask struct {
		Timestamp      float64
		UsageDimension string
		UsageQuantity  *int64
	}
	out := resend{at: v.MarketTime, request: v.ID, buyer: v.Account, hour: -1, quantity: -1}
	if json.Unmarshal([]byte(v.Body), &ask) == nil && ask.Timestamp > 0 {
		out.hour, out.dimension = market.HourOf(time.Unix(int64(ask.Timestamp), 0)), ask.UsageDimension
		if ask.UsageQuantity != nil {
			out.quantity = *ask.UsageQuantity
		}
	}
	return out
}

// showResends lists the newest.
func (c *Console) showResends(ctx context.Context, list []resend) (out resends) {
	for _, r := range list[:min(len(list), resendsShown)] {
		row := resendRow{At: momentOf(r.at), BuyerID: plain(r.buyer), Dimension: plain(r.dimension), Request: requestPath(r.request), ID: r.request}
		switch {
		case r.buyer != "":
			row.Buyer = c.accountName(ctx, r.buyer)
		case r.named != "":
			row.Buyer = plain(r.named)
		}
		if r.hour >= 0 {
			row.Hour = momentOf(time.Unix(r.hour*3600, 0))
		}
		if r.quantity >= 0 {
			row.Quantity = longNumber(r.quantity)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
