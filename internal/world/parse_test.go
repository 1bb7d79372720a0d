package world

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

const resolveJSON = `{"Version":"2012-10-17","Statement":[{"Sid":"Resolve","Effect":"Allow","Action":"aws-marketplace:ResolveCustomer",` +
	`"Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":[111122223333,"012345678901"]},"Bool":{"aws:SecureTransport":true}}}]}`

const textJSON = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"aws-marketplace:*\", \"Resource\": \"*\"}\n}\n"

// fullWorld is what testdata/full.yaml declares.
func fullWorld() market.World {
	const seller, buyer, both = "111122223333", "012345678901", "444455556666"
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	month := func(n int) time.Time { return time.Date(2026, time.Month(n), 31, 0, 0, 0, 0, time.UTC) }
	return market.World{
		Directory: account.State{
			Accounts: []account.Account{
				{ID: seller, Name: "Sample Seller", Seller: true},
				{ID: buyer, Name: "Sample Buyer: with, punctuation", Buyer: true},
				{ID: both, Seller: true, Buyer: true, Suspended: true},
			},
			Policies: []account.Policy{
				{Account: seller, Name: "Resolve", Document: resolveJSON},
				{Account: seller, Name: "AsJSON", Document: textJSON},
			},
			Users: []account.User{
				{Identity: account.Identity{
					Account: seller, Name: "website", Inline: []account.Inline{{Name: "Inline", Document: resolveJSON}},
					Attached: []string{"Resolve", "AWSMarketplaceMeteringFullAccess"}, Boundary: "AsJSON",
				}},
				{Identity: account.Identity{Account: seller, Name: "nobody"}},
			},
			Roles: []account.Role{
				{Identity: account.Identity{Account: seller, Name: "job", Attached: []string{"arn:aws:iam::111122223333:policy/Resolve"}}, Workload: account.ECSTask},
			},
			Keys: []account.AccessKey{
				{ID: "AKIAROOTEXAMPLE00001", Secret: "rootSecretOfTheSampleSeller0000000000000", Account: seller, CreatedAt: day(1)},
				{ID: "AKIAWEBSITEEXAMPLE01", Secret: "websiteSecret000000000000000000000000000", Account: seller, User: "website", Name: "seller", Note: "may call everything"},
				{ID: "AKIAWEBSITEEXAMPLE02", Account: seller, User: "website", Inactive: true},
			},
		},
		Products: []market.Product{
			{
				Code: "4xqb3v1eaqlrl0mvi1pb8wb1x", ID: "prod-abcdefghijklm", Seller: seller, Title: "Sample Analytics",
				Description: "Two lines\nof it.\n", Kind: market.Legacy, RegistrationURL: "https://example.com/register?from=aws",
				TokenLife: 90 * time.Minute, TokenReuse: market.ReuseSingle,
				Dimensions: []market.Dimension{
					{Key: "users", Kind: market.Metered, Name: "Users", Unit: "Users"},
					{Key: "2024", Kind: market.Entitled},
				},
				CreatedAt: day(2),
			},
			{Code: "own/code:1", Seller: both, Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{
				{Key: "seats", Kind: market.Entitled, Type: market.Integer}, {Key: "storage", Kind: market.Entitled, Type: market.Double},
				{Key: "sso", Kind: market.Entitled, Type: market.Boolean}, {Key: "tier", Kind: market.Entitled, Type: market.Text},
				{Key: "requests", Kind: market.Metered},
			}},
		},
		Offers: []market.Offer{
			{ID: "offer-abcdefghijklm", ProductCode: "4xqb3v1eaqlrl0mvi1pb8wb1x", Kind: market.PublicOffer, Name: "Standard", CreatedAt: day(2).Add(time.Millisecond)},
			{ProductCode: "4xqb3v1eaqlrl0mvi1pb8wb1x", Kind: market.FreeTrialOffer, Name: "Two weeks", TrialDays: 14},
			{ID: "offer-nopqrstuvwxyz", ProductCode: "own/code:1", Kind: market.PublicOffer},
			{
				ID: "offer-private", ProductCode: "own/code:1", Kind: market.PrivateOffer, Name: "For one", Pricing: market.ConsumptionPricing, Buyers: []string{buyer},
				TermMonths: 6, Entitlements: []market.Entitlement{
					{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: 5}}, {Dimension: "storage", Value: market.Value{Type: market.Double, Double: 2}},
					{Dimension: "sso", Value: market.Value{Type: market.Boolean}}, {Dimension: "tier", Value: market.Value{Type: market.Text, Text: "007"}},
				},
			},
			{ID: "offer-usage", ProductCode: "own/code:1", Kind: market.PublicOffer, Name: "By use", Pricing: market.UsagePricing},
		},
		Customers: []market.Customer{{Account: buyer, Identifier: "0123456789", CreatedAt: day(3)}, {Account: both, Identifier: "X01EXAMPLEX"}},
		Agreements: []market.Agreement{
			{
				ID: "agmt-0123456789abcdefghijklmno", ProductCode: "4xqb3v1eaqlrl0mvi1pb8wb1x", Buyer: buyer,
				OfferID: "offer-abcdefghijklm", Status: market.Active,
				LicenseARN: "arn:aws:license-manager::294406891311:license:l-0123456789abcdef0123456789abcdef",
				AcceptedAt: day(3), StartAt: day(3).Add(12*time.Hour + time.Second/2), EndAt: day(3).AddDate(100, 0, 0),
			},
			{ProductCode: "4xqb3v1eaqlrl0mvi1pb8wb1x", Buyer: buyer, FreeTrial: true, Status: market.Expired},
			{
				ID: "agmt-first", ProductCode: "own/code:1", Buyer: buyer, OfferID: "offer-private", Status: market.Renewed,
				LicenseARN: "arn:aws:license-manager::294406891311:license:l-first", AcceptedAt: month(1), StartAt: month(1), EndAt: month(7), TermMonths: 6,
				Entitlements: []market.Entitlement{
					{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: 10}}, {Dimension: "storage", Value: market.Value{Type: market.Double, Double: 1.5}},
					{Dimension: "sso", Value: market.Value{Type: market.Boolean, Boolean: true}}, {Dimension: "tier", Value: market.Value{Type: market.Text, Text: "gold"}},
				},
			},
			{
				ID: "agmt-second", ProductCode: "own/code:1", Buyer: buyer, OfferID: "offer-private", Status: market.Active, Intent: market.IntentRenew, PrecedingID: "agmt-first",
				LicenseARN: "arn:aws:license-manager::294406891311:license:l-second", AcceptedAt: month(7), StartAt: month(7), EndAt: month(7).AddDate(7000, 0, 0), TermMonths: 60,
				AutoRenew: true, SuspendedAt: month(7).AddDate(0, 0, 1),
				Entitlements: []market.Entitlement{
					{Dimension: "tier", Value: market.Value{Type: market.Text, Text: "10"}}, {Dimension: "seats", Value: market.Value{Type: market.Integer}},
				},
			},
			{
				ID: "agmt-later", ProductCode: "own/code:1", Buyer: buyer, OfferID: "offer-usage", StartAt: time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC),
				SuspendedAt: market.SuspendedNow(),
			},
		},
	}
}

func full(t testing.TB) []byte {
	t.Helper()
	src, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func mustParse(t testing.TB, src string) *File {
	t.Helper()
	f, err := Parse([]byte(src))
	if err != nil {
		t.Fatalf("Parse: %v\n%s", problemText(err), src)
	}
	return f
}

func TestParseFull(t *testing.T) {
	if diff := cmp.Diff(fullWorld(), mustParse(t, string(full(t))).World); diff != "" {
		t.Errorf("world differs (-want +got):\n%s", diff)
	}
}

func TestParseJSON(t *testing.T) {
	src := `{
	"version": 1,
	"accounts": [{"id": "111122223333", "name": "S\/ell \ud83d\ude00 \ud83d er \\ud83d \u00e9 \u002f \ud83d\u0041` + "\u2028\u0085\x7f\ufeff" + `", "seller": true, "buyer": null}],
	"policies": [{"account": "111122223333", "name": "P", "document": {"Version": "2012-10-17",
		"Statement": [{"Effect": "Allow", "Action": ["aws-marketplace:*"], "Resource": "*"}]}}]
}`
	if !json.Valid([]byte(src)) {
		t.Fatal("the test's JSON is none")
	}
	want := market.World{Directory: account.State{
		Accounts: []account.Account{{ID: "111122223333", Name: "S/ell 😀 \uFFFD er \\ud83d é / \uFFFDA\u2028\u0085\x7f\ufeff", Seller: true}},
		Policies: []account.Policy{{
			Account: "111122223333", Name: "P",
			Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["aws-marketplace:*"],"Resource":"*"}]}`,
		}},
	}}
	if diff := cmp.Diff(want, mustParse(t, src).World); diff != "" {
		t.Errorf("world differs (-want +got):\n%s", diff)
	}
	broken := strings.Replace(src, `"seller": true`, `"seller": 1`, 1)
	if got, want := firstProblem(t, broken), `line 3: accounts[0].seller: must be true or false, not "1"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMergeKeys(t *testing.T) {
	f := mustParse(t, `
accounts:
  - &base {id: 111122223333, name: Base, seller: true}
  - {<<: *base, id: 222222222222}
  - <<: [{name: First}, *base]
    id: 333333333333
`)
	want := []account.Account{
		{ID: "111122223333", Name: "Base", Seller: true},
		{ID: "222222222222", Name: "Base", Seller: true},
		{ID: "333333333333", Name: "First", Seller: true},
	}
	if diff := cmp.Diff(want, f.World.Directory.Accounts); diff != "" {
		t.Errorf("accounts differ (-want +got):\n%s", diff)
	}
}

// Scalars of a policy are taken as they stand: what only YAML reads as a number or a date is text.
func TestDocumentScalars(t *testing.T) {
	f := mustParse(t, `
policies:
  - account: 111122223333
    name: P
    document:
      Version: 2012-10-17
      Statement:
        Effect: Allow
        Action: ["*"]
        Resource: '*'
        Condition:
          StringEquals: {aws:username: [012, 0x1F, 1_000, 1.50, 1e3, yes, "true", <&>]}
          Bool: {aws:SecureTransport: TRUE}
`)
	want := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["*"],"Resource":"*","Condition":{` +
		`"StringEquals":{"aws:username":["012","0x1F","1_000",1.50,1e3,"yes","true","<&>"]},"Bool":{"aws:SecureTransport":true}}}}`
	if got := f.World.Directory.Policies[0].Document; got != want {
		t.Errorf("document\n got %s\nwant %s", got, want)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1s", time.Minute: "1m", 90 * time.Minute: "1h30m", 4 * time.Hour: "4h", 10 * time.Minute: "10m", 20 * time.Hour: "20h",
		time.Hour + time.Second: "1h0m1s", 168 * time.Hour: "168h",
	} {
		got := duration(d)
		if back, err := time.ParseDuration(got); got != want || err != nil || back != d {
			t.Errorf("duration(%v) = %q, which reads as %v (%v); want %q", d, got, back, err, want)
		}
	}
}

// Values of a product that the file does not have are what they look like; the market knows what they have to be.
func TestEntitlementsOfAnotherProduct(t *testing.T) {
	f := mustParse(t, "agreements:\n- buyer: 111122223333\n  product: elsewhere\n  entitlements: {a: 10, b: 1.5, c: true, d: gold, e: \"10\", f: 1e3}\n")
	want := []market.Entitlement{
		{Dimension: "a", Value: market.Value{Type: market.Integer, Integer: 10}}, {Dimension: "b", Value: market.Value{Type: market.Double, Double: 1.5}},
		{Dimension: "c", Value: market.Value{Type: market.Boolean, Boolean: true}}, {Dimension: "d", Value: market.Value{Type: market.Text, Text: "gold"}},
		{Dimension: "e", Value: market.Value{Type: market.Text, Text: "10"}}, {Dimension: "f", Value: market.Value{Type: market.Double, Double: 1000}},
	}
	if diff := cmp.Diff(want, f.World.Agreements[0].Entitlements); diff != "" {
		t.Errorf("entitlements differ (-want +got):\n%s", diff)
	}
}
