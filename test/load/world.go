package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

const (
	region    = "us-east-1"
	accessKey = "AKIALOADTESTSELLER00"
	secret    = "load/test/seller/NOT+A+SECRET/EXAMPLE000"
	seller    = "111122223333"

	resolved = "loadtest0product0resolve0" // the product whose tokens are resolved
	metered  = "loadtest0product0metered0" // the one whose usage is metered
	entitled = "loadtest0product0entitled" // the one that entitles

	// customers is how many buyers report usage, in each of dimensions.
	customers = 10_000
	// holders is how many buyers have entitlements, and entitlements how many each.
	holders      = 256
	entitlements = 25
)

var dimensions = [...]string{"requests", "gigabytes"}

// customer is the account of a buyer who reports usage; holder that of one who has entitlements.
func customer(i int) string { return fmt.Sprintf("5%011d", i) }
func holder(i int) string   { return fmt.Sprintf("6%011d", i) }

// sellerWorld is what a seller has: an account, a user with the policy that AWS recommends to SaaS sellers, a product for each thing that is measured.
func sellerWorld() string {
	var w strings.Builder
	fmt.Fprintf(&w, `
accounts:
  - {id: "%s", name: Seller, seller: true}
  - {id: "777788889999", name: Buyer, buyer: true}
users:
  - account: "%[1]s"
    name: app
    policies:
      - name: Recommended
        document:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Action: ["aws-marketplace:ResolveCustomer", "aws-marketplace:BatchMeterUsage", "aws-marketplace:GetEntitlements"]
              Resource: "*"
    access_keys: [{id: %s, secret: %s}]
products:
  - {code: %s, seller: "%[1]s", title: Resolved, kind: legacy, token_life: 24h, dimensions: [{key: d, kind: metered}]}
`, seller, accessKey, secret, resolved)
	fmt.Fprintf(&w, "  - {code: %s, seller: %q, title: Metered, kind: legacy, dimensions: [", metered, seller)
	for _, d := range dimensions {
		fmt.Fprintf(&w, "{key: %s, kind: metered}, ", d)
	}
	fmt.Fprintf(&w, "]}\n  - {code: %s, seller: %q, title: Entitled, kind: concurrent-agreements, dimensions: [", entitled, seller)
	for i := range entitlements {
		fmt.Fprintf(&w, "{key: dimension_%02d, kind: entitled, type: integer}, ", i)
	}
	w.WriteString("]}\n")
	return w.String()
}

// buyers adds accounts with an agreement each.
func buyers(product string, n int, account func(int) string, more string) string {
	var w strings.Builder
	w.WriteString("accounts:\n")
	for i := range n {
		fmt.Fprintf(&w, "  - {id: %q, name: Buyer, buyer: true}\n", account(i))
	}
	w.WriteString("agreements:\n")
	for i := range n {
		fmt.Fprintf(&w, "  - {product: %s, buyer: %q%s}\n", product, account(i), more)
	}
	return w.String()
}

// apply puts a world into the server.
func (s *soukServer) apply(ctx context.Context, world string) error {
	return s.process.Call(ctx, http.MethodPut, "/api/v1/world", []byte(world), nil)
}

// addCustomers makes the buyers who report usage; it takes a few seconds.
func (s *soukServer) addCustomers(ctx context.Context) error {
	return s.apply(ctx, buyers(metered, customers, customer, ""))
}

// addHolders makes the buyers who have entitlements.
func (s *soukServer) addHolders(ctx context.Context) error {
	var more strings.Builder
	more.WriteString(", entitlements: {")
	for i := range entitlements {
		fmt.Fprintf(&more, "dimension_%02d: %d, ", i, 1000+i)
	}
	more.WriteString("}")
	return s.apply(ctx, buyers(entitled, holders, holder, more.String()))
}
