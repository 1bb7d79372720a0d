package console

import (
	"context"

	"github.com/souk-market/souk/internal/account"
)

// accountNames are what accounts are called, by id.
type accountNames map[string]string

func (c *Console) accountNames(ctx context.Context) (accountNames, error) {
	list, err := c.service.Accounts(ctx, callerIn(ctx))
	return namesOf(list), err
}

func namesOf(list []account.Account) accountNames {
	names := make(accountNames, len(list))
	for _, a := range list {
		names[a.ID] = plain(a.Name)
	}
	return names
}

// of is an account's name; its id if it has none.
func (n accountNames) of(id string) string {
	if name := n[id]; name != "" {
		return name
	}
	return id
}

// buyer is an account that can be chosen to buy as.
type buyer struct {
	ID           string
	Name         string
	Chosen       bool
	Subscription string // path of the one active subscription that a legacy product allows; "" if there is none
}

// buyersOf are the accounts that may buy.
func buyersOf(list []account.Account) []buyer {
	var buyers []buyer
	for _, a := range list {
		if a.Buyer && !a.Suspended {
			name := plain(a.Name)
			if name == "" {
				name = "Account " + a.ID
			}
			buyers = append(buyers, buyer{ID: a.ID, Name: name})
		}
	}
	return buyers
}
