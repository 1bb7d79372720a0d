package admin

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/market"
)

// CheckReport is what came of deriving every rule of the stored state again.
type CheckReport struct {
	Problems []market.Problem `json:"problems"` // what does not hold; nothing if the store is sound
	Checked  Checked          `json:"checked"`
}

// Checked is how much there was to check.
type Checked struct {
	Accounts     int   `json:"accounts"`
	Products     int   `json:"products"`
	Customers    int   `json:"customers"`
	Agreements   int   `json:"agreements"`
	UsageRecords int64 `json:"usage_records"`
}

// check re-derives every invariant of the store. It reads all of it.
func (a *API) check(w http.ResponseWriter, r *http.Request) error {
	unhurried(w)
	problems, err := a.service.Check(r.Context(), market.Operator())
	if err != nil {
		return err
	}
	checked, err := a.checked(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, CheckReport{Problems: listOf(problems), Checked: checked})
}

func (a *API) checked(ctx context.Context) (out Checked, err error) {
	operator := market.Operator()
	accounts, err := a.service.Accounts(ctx, operator)
	if err != nil {
		return out, err
	}
	products, err := a.service.Products(ctx, operator)
	if err != nil {
		return out, err
	}
	customers, err := a.service.Customers(ctx, operator)
	if err != nil {
		return out, err
	}
	out = Checked{Accounts: len(accounts), Products: len(products), Customers: len(customers)}
	for f := (market.AgreementFilter{ByID: true, Limit: maxLimit}); ; {
		list, err := a.service.Agreements(ctx, operator, f)
		if err != nil {
			return out, err
		}
		out.Agreements += len(list)
		if len(list) < f.Limit {
			break
		}
		f.AfterID = list[len(list)-1].ID
	}
	out.UsageRecords, err = a.service.CountUsage(ctx, operator, market.UsageFilter{})
	return out, err
}
