package market_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

// TestUsageDeadlineIsWhenRecordsAreRefused asks the rules themselves, on both sides of the deadline.
func TestUsageDeadlineIsWhenRecordsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct{ at, deadline time.Time }{
		"a day":              {time.Date(2027, 3, 14, 12, 0, 0, 0, time.UTC), time.Date(2027, 3, 15, 12, 0, 0, 0, time.UTC)},
		"the month's end":    {time.Date(2027, 3, 31, 23, 59, 59, 0, time.UTC), time.Date(2027, 4, 1, 6, 0, 0, 0, time.UTC)},
		"a day before that":  {time.Date(2027, 3, 31, 6, 0, 0, 0, time.UTC), time.Date(2027, 4, 1, 6, 0, 0, 0, time.UTC)},
		"earlier still":      {time.Date(2027, 3, 31, 5, 0, 0, 0, time.UTC), time.Date(2027, 4, 1, 5, 0, 0, 0, time.UTC)},
		"the year's end":     {time.Date(2026, 12, 31, 12, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 6, 0, 0, 0, time.UTC)},
		"in another country": {time.Date(2027, 3, 14, 12, 0, 0, 0, time.FixedZone("", 3600)), time.Date(2027, 3, 15, 11, 0, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			m := openMetering(t)
			if got := m.UsageDeadline(tt.at); !got.Equal(tt.deadline) {
				t.Fatalf("the deadline is %s, want %s", got, tt.deadline)
			}
			m.now = tt.deadline
			m.refused(market.TimestampOutOfBounds, "", legacy, m.usage("calls", 1, at(tt.at)))
			m.now = tt.deadline.Add(-time.Second)
			m.want("Success", legacy, m.usage("calls", 1, at(tt.at)))
		})
	}
}

func TestUsageBuyersAndAccountsAreTheOperators(t *testing.T) {
	m := openMetering(t)
	m.want("Success", legacy, m.usage("calls", 1))
	list, err := m.UsageBuyers(ctx, op, legacy, "", 0)
	if err != nil || len(list) != 1 || list[0] != buyer {
		t.Errorf("buyers with usage: %v, %v", list, err)
	}
	if _, err := m.UsageBuyers(ctx, caller(seller), legacy, "", 0); market.CodeOf(err) != market.Forbidden {
		t.Errorf("for a seller: %v", err)
	}
	if a, ok, err := m.Account(t.Context(), op, buyer); err != nil || !ok || a.ID != buyer {
		t.Errorf("an account: %+v, %v, %v", a, ok, err)
	}
	if a, ok, err := m.Account(t.Context(), op, "nobody"); err != nil || ok || a != (account.Account{}) {
		t.Errorf("an account that there is not: %+v, %v, %v", a, ok, err)
	}
	if _, _, err := m.Account(t.Context(), caller(seller), buyer); market.CodeOf(err) != market.Forbidden {
		t.Errorf("for a seller: %v", err)
	}
}

func TestMintedTokensAreRemembered(t *testing.T) {
	f := open(t)
	p, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: legacy, Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	first := market.Minted{AgreementID: p.Agreement.ID, At: f.now, ExpiresAt: p.TokenExpiresAt}
	f.now = f.now.Add(time.Hour)
	if p, err = f.SetUpAccount(ctx, op, p.Agreement.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Buy(ctx, op, market.PurchaseInput{ProductCode: concurrent, Buyer: buyer}); err != nil {
		t.Fatal(err)
	}
	got, err := f.MintedTokens(ctx, op, p.Agreement.ID)
	if diff := cmp.Diff([]market.Minted{first, {AgreementID: p.Agreement.ID, At: f.now, ExpiresAt: p.TokenExpiresAt}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	reader := market.Caller{Account: seller, Rights: market.ReadAgreements}
	if got, err := f.MintedTokens(ctx, reader, p.Agreement.ID); len(got) != 2 || err != nil {
		t.Errorf("for the seller: %v, %v", got, err)
	}
	reader = market.Caller{Account: second, Rights: market.ReadAgreements | market.ReadSubscriptions}
	if got, err := f.MintedTokens(ctx, reader, p.Agreement.ID); got != nil || err != nil {
		t.Errorf("for a stranger: %v, %v", got, err)
	}
	if _, err := f.MintedTokens(ctx, caller(seller), p.Agreement.ID); market.CodeOf(err) != market.Forbidden {
		t.Errorf("without the right: %v", err)
	}
}
