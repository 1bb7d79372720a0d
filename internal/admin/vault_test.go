package admin

import (
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

const (
	vault        = "vault"
	vaultBuyer   = "444455556666"
	vaultSeller  = "111122223333"
	secondBuyer  = "888899990000"
	privateOffer = "offer-private"
)

// addVault puts a product for sale that has everything: dimensions of each type, metered ones, a private offer.
func (s *site) addVault(t *testing.T) {
	t.Helper()
	whole := func(n int64) market.Value { return market.Value{Type: market.Integer, Integer: n} }
	_, err := s.service.ApplyWorld(t.Context(), market.Operator(), market.World{
		Directory: account.State{Accounts: []account.Account{{ID: secondBuyer, Name: "Second", Buyer: true}}},
		Products: []market.Product{{
			Code: vault, ID: "prod-vault", Seller: vaultSeller, Title: "Vault", Kind: market.ConcurrentAgreements,
			Dimensions: []market.Dimension{
				{Key: "seats", Kind: market.Entitled}, {Key: "storage", Kind: market.Entitled, Type: market.Double},
				{Key: "sso", Kind: market.Entitled, Type: market.Boolean}, {Key: "tier", Kind: market.Entitled, Type: market.Text},
				{Key: "calls", Kind: market.Metered}, {Key: "traffic", Kind: market.Metered},
			},
		}},
		Offers: []market.Offer{
			{ID: "offer-vault", ProductCode: vault, Kind: market.PublicOffer, TermMonths: 6, Entitlements: []market.Entitlement{{Dimension: "seats", Value: whole(3)}}},
			{ID: privateOffer, ProductCode: vault, Kind: market.PrivateOffer, Buyers: []string{secondBuyer}, Entitlements: []market.Entitlement{{Dimension: "seats", Value: whole(100)}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// buyVault buys it for the first buyer.
func (s *site) buyVault(t *testing.T) Purchase {
	t.Helper()
	p, err := s.client.Buy(t.Context(), PurchaseInput{ProductCode: vault, Buyer: vaultBuyer})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// meter has the seller meter a quantity by a license.
func (s *site) meter(t *testing.T, license, dimension string, at time.Time, quantity int64, parts ...market.Allocation) {
	t.Helper()
	var out market.BatchOutput
	err := s.service.BatchMeterUsage(t.Context(), market.Caller{Account: vaultSeller, Region: "us-east-1"}, &market.BatchInput{Records: []market.UsageInput{{
		Timestamp: at, Dimension: []byte(dimension), Quantity: quantity, CustomerAWSAccountID: []byte(vaultBuyer), LicenseARN: []byte(license), Allocations: parts,
	}}}, &out)
	if err != nil || len(out.Results) != 1 || out.Results[0].Status != market.UsageSuccess {
		t.Fatalf("BatchMeterUsage = %+v, %v", out, err)
	}
}
