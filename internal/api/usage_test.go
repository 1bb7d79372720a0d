package api

import (
	"testing"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/sigv4"
)

// What is metered and what entitles in the tests.
const (
	meteredCode  = "meteredproduct00000000000" // legacy, pay as you go
	licensedCode = "licensedproduct0000000000" // concurrent agreements, a contract with consumption
	contractCode = "contractproduct0000000000" // legacy, a contract
	foreignCode  = "foreignproduct00000000000" // another seller's
)

var (
	meterKey = key("AKIAMETER00000000000") // the seller's, allowed everything
	buyerKey = key("AKIABUYER00000000000") // the buyer's, a user's, allowed everything
)

func usageWorld() market.World {
	metered := func(keys ...string) (list []market.Dimension) {
		for _, k := range keys {
			list = append(list, market.Dimension{Key: k, Kind: market.Metered})
		}
		return list
	}
	entitled := func(key string, kind market.ValueType) market.Dimension {
		return market.Dimension{Key: key, Kind: market.Entitled, Type: kind}
	}
	role := func(name, action string, w account.Workload, region string) account.Role {
		return account.Role{Identity: account.Identity{Account: buyer, Name: name, Inline: allow(action)}, Workload: w, WorkloadRegion: region}
	}
	const all = "aws-marketplace:*"
	return market.World{
		Directory: account.State{
			Users: []account.User{
				{Identity: account.Identity{Account: seller, Name: "meter", Inline: allow(all)}},
				{Identity: account.Identity{Account: buyer, Name: "person", Inline: allow(all)}},
			},
			Roles: []account.Role{
				role("Task", all, account.ECSTask, ""), role("Pod", all, account.EKSPod, ""), role("Instance", all, account.EC2Instance, ""),
				role("Agent", all, account.AgentCore, ""), role("Plain", all, "", ""), role("Denied", "s3:*", account.ECSTask, ""),
				role("Irish", all, account.ECSTask, "eu-west-1"),
				{Identity: account.Identity{Account: seller, Name: "Preview", Inline: allow(all)}, Workload: account.ECSTask},
			},
			Keys: []account.AccessKey{
				{ID: meterKey.AccessKeyID, Secret: meterKey.Secret, Account: seller, User: "meter"},
				{ID: buyerKey.AccessKeyID, Secret: buyerKey.Secret, Account: buyer, User: "person"},
			},
		},
		Products: []market.Product{
			{Code: meteredCode, Seller: seller, Title: "M", Kind: market.Legacy, Dimensions: metered("calls", "gigabytes")},
			{Code: licensedCode, Seller: seller, Title: "L", Kind: market.ConcurrentAgreements, Dimensions: append(metered("calls"),
				entitled("seats", market.Integer), entitled("ratio", market.Double), entitled("sso", market.Boolean), entitled("tier", market.Text))},
			{Code: contractCode, Seller: seller, Title: "C", Kind: market.Legacy, Dimensions: []market.Dimension{entitled("seats", market.Integer)}},
			{Code: foreignCode, Seller: otherSeller, Title: "F", Kind: market.ConcurrentAgreements, Dimensions: metered("calls")},
		},
	}
}

// trade is a Souk in which the buyer has bought everything, two days ago.
type trade struct {
	*souk
	metered, licensed, second, contract, foreign market.Purchase // second is another agreement of the licensed product
}

func startTrade(t testing.TB, change ...func(*Config, *market.Config)) *trade {
	t.Helper()
	s := &trade{souk: start(t, change...)}
	if _, err := s.Service.ApplyWorld(t.Context(), market.Operator(), usageWorld()); err != nil {
		t.Fatal(err)
	}
	buy := func(code string, e ...market.Entitlement) market.Purchase {
		p, err := s.Service.Buy(t.Context(), market.Operator(), market.PurchaseInput{ProductCode: code, Buyer: buyer, Entitlements: e})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	s.metered, s.contract, s.foreign = buy(meteredCode), buy(contractCode), buy(foreignCode)
	s.licensed = buy(licensedCode,
		market.Entitlement{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: 10}},
		market.Entitlement{Dimension: "ratio", Value: market.Value{Type: market.Double, Double: 1.5}},
		market.Entitlement{Dimension: "sso", Value: market.Value{Type: market.Boolean, Boolean: false}},
		market.Entitlement{Dimension: "tier", Value: market.Value{Type: market.Text, Text: "göld"}},
	)
	s.second = buy(licensedCode)
	s.advance(48 * time.Hour)
	// Where a role's workload runs comes by the directory, whether or not it is kept.
	state := testWorld().Directory
	more := usageWorld().Directory
	state.Users, state.Roles, state.Keys = append(state.Users, more.Users...), append(state.Roles, more.Roles...), append(state.Keys, more.Keys...)
	if err := s.Credentials.Directory.Replace(state); err != nil {
		t.Fatal(err)
	}
	return s
}

// ago is a time of the market's, to the millisecond.
func (s *trade) ago(d time.Duration) time.Time { return s.marketNow().Add(-d) }

func (s *trade) task(name string) sigv4.Key { return s.session(buyer, "Task", name) }
