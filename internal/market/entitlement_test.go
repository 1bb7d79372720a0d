package market_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// shelf is a market whose agreements a test writes itself.
type shelf struct {
	*fixture
	t *testing.T
}

const third = "444455556666"

func openShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{fixture: open(t), t: t}
	w := world()
	w.Directory.Accounts = append(w.Directory.Accounts, accountOf(third), accountOf("555566667777"))
	w.Directory.Accounts[len(w.Directory.Accounts)-1].Seller = true
	w.Customers = []market.Customer{{Account: buyer, Identifier: "BuyerIdent01"}, {Account: second, Identifier: "SecondIdent1"}, {Account: third, Identifier: "ThirdIdent01"}}
	kinds := []market.Dimension{
		{Key: "seats", Kind: market.Entitled}, {Key: "gb", Kind: market.Entitled, Type: market.Double},
		{Key: "sso", Kind: market.Entitled, Type: market.Boolean}, {Key: "tier", Kind: market.Entitled, Type: market.Text},
	}
	w.Products[0].Dimensions, w.Products[1].Dimensions = kinds, kinds
	if _, err := s.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	return s
}

// held is an agreement that started an hour ago and ends in a year, with these many seats, and whatever else change makes of it.
func (s *shelf) held(number int, product, account string, seats int64, change ...func(*market.Agreement)) market.Agreement {
	a := market.Agreement{
		ID: agreementID(number), ProductCode: product, OfferID: "offer-x", Seller: seller, Buyer: account, Status: market.Active, Intent: market.IntentNew,
		LicenseARN: fmt.Sprintf("arn:aws:license-manager::294406891311:license:l-%032x", number),
		AcceptedAt: s.now.Add(-time.Hour), StartAt: s.now.Add(-time.Hour), EndAt: s.now.AddDate(1, 0, 0),
		Entitlements: []market.Entitlement{{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: seats}}},
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

func agreementID(number int) string { return fmt.Sprintf("agmt-%025d", number) }

func query(product string, change ...func(*market.EntitlementsInput)) *market.EntitlementsInput {
	in := &market.EntitlementsInput{ProductCode: product}
	for _, f := range change {
		f(in)
	}
	return in
}

func accountsOf(list ...string) func(*market.EntitlementsInput) {
	return func(in *market.EntitlementsInput) { in.CustomerAccounts = list }
}

func identifiers(list ...string) func(*market.EntitlementsInput) {
	return func(in *market.EntitlementsInput) { in.CustomerIdentifiers = list }
}

func dimensions(list ...string) func(*market.EntitlementsInput) {
	return func(in *market.EntitlementsInput) { in.Dimensions = list }
}

func licenses(list ...market.Agreement) func(*market.EntitlementsInput) {
	return func(in *market.EntitlementsInput) {
		for _, a := range list {
			in.Licenses = append(in.Licenses, a.LicenseARN)
		}
	}
}

func pageOf(n int) func(*market.EntitlementsInput) {
	return func(in *market.EntitlementsInput) { in.MaxResults = n }
}

// short writes an item as the number of its license and its dimension.
func short(item market.EntitlementItem) string {
	n, _ := strconv.ParseInt(item.LicenseARN[len(item.LicenseARN)-32:], 16, 64)
	return fmt.Sprint(n, " ", item.Dimension)
}

// pages goes through all pages of a query, and answers how many items each had.
func (s *shelf) pages(in *market.EntitlementsInput) (items []market.EntitlementItem, sizes []int) {
	s.t.Helper()
	for page := *in; ; {
		got, next, err := s.GetEntitlements(ctx, caller(seller), &page, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		items, sizes = append(items, got...), append(sizes, len(got))
		if next == "" {
			return items, sizes
		}
		if page.NextToken = next; strings.ContainsAny(next, " \t\n") || len(sizes) > 1000 {
			s.t.Fatalf("page %d, token %q", len(sizes), next)
		}
	}
}

func (s *shelf) shorts(in *market.EntitlementsInput) (list []string) {
	s.t.Helper()
	items, _ := s.pages(in)
	for _, item := range items {
		list = append(list, short(item))
	}
	return list
}

func TestGetEntitlementsItems(t *testing.T) {
	s := openShelf(t)
	all := []market.Entitlement{
		{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: 10}}, {Dimension: "gb", Value: market.Value{Type: market.Double, Double: 1.5}},
		{Dimension: "sso", Value: market.Value{Type: market.Boolean, Boolean: true}}, {Dimension: "tier", Value: market.Value{Type: market.Text, Text: "gold"}},
	}
	a := s.held(1, legacy, buyer, 0, func(a *market.Agreement) { a.Entitlements = all })
	b := s.held(2, concurrent, buyer, 5, func(a *market.Agreement) { a.EndAt, a.AutoRenew = time.Time{}, false })
	s.put(t, a, b)
	base := market.EntitlementItem{ProductCode: legacy, CustomerIdentifier: "BuyerIdent01", CustomerAWSAccountID: buyer, LicenseARN: a.LicenseARN, ExpiresAt: a.EndAt}
	var want []market.EntitlementItem
	for _, i := range []int{1, 0, 2, 3} { // gb, seats, sso, tier
		item := base
		item.Dimension, item.Value = all[i].Dimension, all[i].Value
		want = append(want, item)
	}
	unlike := []market.EntitlementItem{{
		ProductCode: concurrent, Dimension: "seats", CustomerAWSAccountID: buyer, LicenseARN: b.LicenseARN, Value: market.Value{Type: market.Integer, Integer: 5},
	}}
	for name, tt := range map[string]struct {
		in   *market.EntitlementsInput
		want []market.EntitlementItem
	}{
		"all":                      {query(legacy), want},
		"by account":               {query(legacy, accountsOf(buyer)), want},
		"by identifier":            {query(legacy, identifiers("BuyerIdent01")), want},
		"by license":               {query(legacy, licenses(a)), want},
		"concurrent":               {query(concurrent), unlike},
		"concurrent, by account":   {query(concurrent, accountsOf(buyer)), unlike},
		"concurrent, by license":   {query(concurrent, licenses(b)), unlike},
		"license of another's":     {query(concurrent, licenses(a)), nil},
		"license of another buyer": {query(legacy, licenses(a), accountsOf(second)), nil},
	} {
		got, next, err := s.GetEntitlements(ctx, caller(seller), tt.in, nil)
		if err != nil || next != "" {
			t.Fatalf("%s: %q, %v", name, next, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	room := make([]market.EntitlementItem, 1, 10)
	got, _, err := s.GetEntitlements(ctx, caller(seller), query(legacy, accountsOf(buyer)), room)
	if err != nil || len(got) != 5 || &got[0] != &room[0] {
		t.Errorf("%d items, %v; want 4 behind the one that was there, in the room that was given", len(got), err)
	}
}

// Values of one key are alternatives; keys narrow each other. Long lists are asked in another way, and answered alike.
func TestGetEntitlementsFilters(t *testing.T) {
	s := openShelf(t)
	two := func(a *market.Agreement) {
		a.Entitlements = append(a.Entitlements, market.Entitlement{Dimension: "gb", Value: market.Value{Type: market.Double, Double: 2}})
	}
	c1, c2, c3 := s.held(1, concurrent, buyer, 1, two), s.held(2, concurrent, buyer, 2, two), s.held(3, concurrent, second, 3, two)
	s.put(t, c1, c2, c3, s.held(4, legacy, buyer, 4, two), s.held(5, legacy, third, 5, two))
	for name, tt := range map[string]struct {
		in   *market.EntitlementsInput
		want string
	}{
		"one account":                     {query(concurrent, accountsOf(buyer)), "1 gb,1 seats,2 gb,2 seats"},
		"accounts":                        {query(concurrent, accountsOf(second, buyer)), "1 gb,1 seats,2 gb,2 seats,3 gb,3 seats"},
		"an account twice":                {query(concurrent, accountsOf(second, second)), "3 gb,3 seats"},
		"one that has nothing":            {query(concurrent, accountsOf(third)), ""},
		"one that does not exist":         {query(concurrent, accountsOf("000000000000", "x")), ""},
		"licenses":                        {query(concurrent, licenses(c3, c1, c1)), "1 gb,1 seats,3 gb,3 seats"},
		"license and account":             {query(concurrent, licenses(c3, c1), accountsOf(buyer)), "1 gb,1 seats"},
		"license, account and dimension":  {query(concurrent, licenses(c3, c1), accountsOf(buyer), dimensions("gb")), "1 gb"},
		"license and dimensions":          {query(concurrent, licenses(c2), dimensions("tier", "seats")), "2 seats"},
		"account and no such dimension":   {query(concurrent, accountsOf(buyer), dimensions("Seats")), ""},
		"identifiers":                     {query(legacy, identifiers("ThirdIdent01", "BuyerIdent01")), "4 gb,4 seats,5 gb,5 seats"},
		"identifiers are known exactly":   {query(legacy, identifiers("thirdident01")), ""},
		"identifier and dimension":        {query(legacy, identifiers("ThirdIdent01"), dimensions("seats")), "5 seats"},
		"identifier, license of another":  {query(legacy, identifiers("ThirdIdent01"), licenses(c1)), ""},
		"a license that does not exist":   {query(legacy, func(in *market.EntitlementsInput) { in.Licenses = []string{"arn:x"} }), ""},
		"no filter":                       {query(legacy), "4 gb,4 seats,5 gb,5 seats"},
		"a list that nothing is in":       {query(legacy, accountsOf([]string{}...), func(in *market.EntitlementsInput) { in.CustomerAccounts = []string{} }), ""},
		"one account, small pages":        {query(concurrent, accountsOf(buyer), pageOf(1)), "1 gb,1 seats,2 gb,2 seats"},
		"no filter, small pages":          {query(concurrent, pageOf(1)), "1 gb,1 seats,2 gb,2 seats,3 gb,3 seats"},
		"license and account, page of 3":  {query(concurrent, licenses(c1, c2, c3), accountsOf(buyer, second), pageOf(3)), "1 gb,1 seats,2 gb,2 seats,3 gb,3 seats"},
		"dimension in the middle, page 1": {query(concurrent, accountsOf(buyer, second), dimensions("seats"), pageOf(1)), "1 seats,2 seats,3 seats"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(s.shorts(tt.in), ","); got != tt.want {
				t.Errorf("%s; want %s", got, tt.want)
			}
			long := *tt.in
			for _, list := range []*[]string{&long.CustomerAccounts, &long.CustomerIdentifiers, &long.Licenses, &long.Dimensions} {
				if len(*list) == 0 {
					continue
				}
				*list = slices.Clone(*list)
				for i := range 60 {
					*list = append(*list, fmt.Sprint("nobody's ", i))
				}
			}
			if got := strings.Join(s.shorts(&long), ","); got != tt.want {
				t.Errorf("with long lists: %s; want %s", got, tt.want)
			}
		})
	}
}

func TestGetEntitlementsRefusals(t *testing.T) {
	s := openShelf(t)
	s.put(t, s.held(1, legacy, buyer, 1))
	elsewhere := caller(seller)
	elsewhere.Region = "eu-west-1"
	const alone = "Invalid filter combination provided. Please provide the CUSTOMER_IDENTIFIER along with DIMENSION."
	for name, tt := range map[string]struct {
		caller market.Caller
		in     *market.EntitlementsInput
		code   market.Code
		text   string
	}{
		"another Region":                   {elsewhere, query(legacy), market.WrongRegion, "Credential should be scoped to a valid region. "},
		"unknown product":                  {caller(seller), query("x"), market.InvalidParameter, ""},
		"another seller's product":         {caller("555566667777"), query(legacy), market.InvalidParameter, ""},
		"the buyer":                        {caller(buyer), query(legacy, accountsOf(buyer)), market.InvalidParameter, ""},
		"accounts and identifiers":         {caller(seller), query(legacy, accountsOf(buyer), identifiers("BuyerIdent01")), market.InvalidParameter, ""},
		"a dimension alone":                {caller(seller), query(legacy, dimensions("seats")), market.InvalidParameter, alone},
		"identifiers of concurrent":        {caller(seller), query(concurrent, identifiers("BuyerIdent01")), market.InvalidParameter, ""},
		"a page of 26":                     {caller(seller), query(legacy, pageOf(26)), market.InvalidParameter, ""},
		"a page of less than nothing":      {caller(seller), query(legacy, pageOf(-1)), market.InvalidParameter, ""},
		"a token that is none":             {caller(seller), query(legacy, func(in *market.EntitlementsInput) { in.NextToken = "x" }), market.InvalidParameter, ""},
		"a token of a megabyte":            {caller(seller), query(legacy, func(in *market.EntitlementsInput) { in.NextToken = strings.Repeat("A", 1<<20) }), market.InvalidParameter, ""},
		"a token that is a key of nothing": {caller(seller), query(legacy, func(in *market.EntitlementsInput) { in.NextToken = strings.Repeat("A", 200) }), market.InvalidParameter, ""},
	} {
		items, next, err := s.GetEntitlements(ctx, tt.caller, tt.in, nil)
		var message string
		if e, ok := err.(*market.Error); ok {
			message = e.Message
		}
		if market.CodeOf(err) != tt.code || !strings.Contains(message, tt.text) || len(items) > 0 || next != "" {
			t.Errorf("%s: %v, %q, %v; want %s %q", name, items, next, err, tt.code, tt.text)
		}
	}
	_, _, unknown := s.GetEntitlements(ctx, caller(seller), query("x"), nil)
	_, _, foreign := s.GetEntitlements(ctx, caller("555566667777"), query(legacy), nil)
	if a, b := unknown.(*market.Error).Message, foreign.(*market.Error).Message; a != b {
		t.Errorf("a product that does not exist is told from another seller's: %q, %q", a, b)
	}
}

// Only what is live now entitles.
func TestGetEntitlementsLive(t *testing.T) {
	s := openShelf(t)
	start, end := s.now.Add(time.Hour), s.now.Add(3*time.Hour)
	list := []market.Agreement{
		s.held(1, concurrent, buyer, 1, func(a *market.Agreement) { a.StartAt, a.EndAt = start, end }),
		s.held(2, concurrent, buyer, 2, func(a *market.Agreement) { a.SuspendedAt = s.now }),
		s.held(3, concurrent, buyer, 3, func(a *market.Agreement) { a.Entitlements = nil }),
		s.held(4, concurrent, "999999999999", 4), // a suspended account
	}
	s.put(t, list...)
	for _, in := range []*market.EntitlementsInput{query(concurrent), query(concurrent, accountsOf(buyer, "999999999999")), query(concurrent, licenses(list...))} {
		for _, tt := range []struct {
			now  time.Time
			want int
		}{
			{start.Add(-time.Millisecond), 0}, {start, 1}, {end.Add(-time.Millisecond), 1}, {end, 0}, {end.Add(time.Minute), 0},
		} {
			c := caller(seller)
			c.Now = tt.now
			items, next, err := s.GetEntitlements(ctx, c, in, nil)
			if len(items) != tt.want || next != "" || err != nil {
				t.Errorf("at %s: %d entitlements, %q, %v; want %d", tt.now, len(items), next, err, tt.want)
			}
		}
	}
}

func TestGetEntitlementsPages(t *testing.T) {
	s := openShelf(t)
	var list []market.Agreement
	var want []string
	for i := range 60 {
		a := s.held(i, concurrent, buyer, int64(i))
		if i%3 == 0 {
			a.Entitlements = append(a.Entitlements, market.Entitlement{Dimension: "gb", Value: market.Value{Type: market.Double, Double: 1}})
			want = append(want, fmt.Sprint(i, " gb"))
		}
		list, want = append(list, a), append(want, fmt.Sprint(i, " seats"))
	}
	s.put(t, list...)
	for _, size := range []int{0, 1, 2, 7, 24, 25} {
		for name, in := range map[string]*market.EntitlementsInput{"scanned": query(concurrent, pageOf(size)), "by account": query(concurrent, pageOf(size), accountsOf(buyer))} {
			items, sizes := s.pages(in)
			var got []string
			for _, item := range items {
				got = append(got, short(item))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, pages of %d: %s", name, size, diff)
			}
			full := size
			if size == 0 {
				full = 25
			}
			if n := (len(want) + full - 1) / full; len(sizes) != n {
				t.Errorf("%s, pages of %d: sizes %v, want %d pages", name, size, sizes, n)
			}
		}
	}
}

// A call looks at 500 agreements at most: then a page may be empty, and the next goes on.
func TestGetEntitlementsLongScan(t *testing.T) {
	s := openShelf(t)
	ended := func(a *market.Agreement) { a.EndAt = s.now }
	var list []market.Agreement
	for i := range 1203 {
		change := ended
		if i == 499 || i == 1202 {
			change = func(*market.Agreement) {}
		}
		list = append(list, s.held(i, concurrent, buyer, 1, change))
	}
	s.put(t, list...)
	items, sizes := s.pages(query(concurrent))
	if len(items) != 2 || short(items[0]) != "499 seats" || short(items[1]) != "1202 seats" {
		t.Errorf("%v, want those of agreements 499 and 1202", items)
	}
	if diff := cmp.Diff([]int{1, 0, 1}, sizes); diff != "" {
		t.Errorf("sizes of pages: %s", diff)
	}
}

func TestPageTokens(t *testing.T) {
	s := openShelf(t)
	w := world()
	w.Products = w.Products[:1]
	w.Products[0].Code, w.Offers = "anotherproductcode0000000", nil
	if _, err := s.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	tier := func(a *market.Agreement) { a.Entitlements[0].Dimension = "tier" }
	s.put(t, s.held(1, legacy, buyer, 1, tier), s.held(2, legacy, second, 1, tier), s.held(3, legacy, third, 1, tier))
	in := query(legacy, pageOf(1), accountsOf(buyer, second))
	_, next, err := s.GetEntitlements(ctx, caller(seller), in, nil)
	if err != nil || next == "" {
		t.Fatalf("%q, %v; want a token", next, err)
	}
	on := func(change ...func(*market.EntitlementsInput)) *market.EntitlementsInput {
		page := *in
		page.NextToken = next
		for _, f := range change {
			f(&page)
		}
		return &page
	}
	for name, page := range map[string]*market.EntitlementsInput{
		"again": on(), "with larger pages": on(pageOf(25)), "accounts in another order": on(accountsOf(second, buyer)), "an account twice": on(accountsOf(buyer, second, buyer)),
	} {
		items, _, err := s.GetEntitlements(ctx, caller(seller), page, nil)
		if err != nil || len(items) != 1 || short(items[0]) != "2 tier" {
			t.Errorf("%s: %v, %v; want the second agreement's", name, items, err)
		}
	}
	for name, page := range map[string]*market.EntitlementsInput{
		"another product":       on(func(in *market.EntitlementsInput) { in.ProductCode = "anotherproductcode0000000" }),
		"another account":       on(accountsOf(buyer)),
		"no account":            on(func(in *market.EntitlementsInput) { in.CustomerAccounts = nil }),
		"identifiers, the same": on(identifiers(buyer, second), func(in *market.EntitlementsInput) { in.CustomerAccounts = nil }),
		"a dimension more":      on(dimensions("seats")),
		"a line break in it":    on(func(in *market.EntitlementsInput) { in.NextToken = next[:10] + "\n" + next[10:] }),
		"padding":               on(func(in *market.EntitlementsInput) { in.NextToken += "=" }),
		"cut":                   on(func(in *market.EntitlementsInput) { in.NextToken = next[:len(next)-4] }),
	} {
		if _, _, err := s.GetEntitlements(ctx, caller(seller), page, nil); market.CodeOf(err) != market.InvalidParameter {
			t.Errorf("%s: %v, want %s", name, err, market.InvalidParameter)
		}
	}
	for i := range next { // of the last character, not all bits are used
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			page := on(func(in *market.EntitlementsInput) { in.NextToken = next[:i] + string(c) + next[i+1:] })
			if _, _, err := s.GetEntitlements(ctx, caller(seller), page, nil); page.NextToken != next && market.CodeOf(err) != market.InvalidParameter {
				t.Fatalf("character %d is %q: %v, want %s", i, c, err, market.InvalidParameter)
			}
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(next)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(raw) {
		forged := slices.Clone(raw)
		forged[bit/8] ^= 1 << (bit % 8)
		page := on(func(in *market.EntitlementsInput) { in.NextToken = base64.RawURLEncoding.EncodeToString(forged) })
		if _, _, err := s.GetEntitlements(ctx, caller(seller), page, nil); market.CodeOf(err) != market.InvalidParameter {
			t.Fatalf("bit %d flipped: %v, want %s", bit, err, market.InvalidParameter)
		}
	}
	other := openShelf(t)
	if _, _, err := other.GetEntitlements(ctx, caller(seller), on(), nil); market.CodeOf(err) != market.InvalidParameter {
		t.Errorf("of another Souk: %v, want %s", err, market.InvalidParameter)
	}
	// A registration token is sealed under the same keys, for another purpose.
	p, err := s.Buy(ctx, op, market.PurchaseInput{ProductCode: "anotherproductcode0000000", Buyer: buyer})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := base64.StdEncoding.DecodeString(p.Token)
	if err != nil {
		t.Fatal(err)
	}
	page := on(func(in *market.EntitlementsInput) { in.NextToken = base64.RawURLEncoding.EncodeToString(sealed) })
	if _, _, err := s.GetEntitlements(ctx, caller(seller), page, nil); market.CodeOf(err) != market.InvalidParameter {
		t.Errorf("a registration token: %v, want %s", err, market.InvalidParameter)
	}

	s.now = s.now.Add(24*time.Hour - time.Millisecond)
	if items, _, err := s.GetEntitlements(ctx, caller(seller), on(), nil); err != nil || len(items) != 1 {
		t.Errorf("almost a day later: %v, %v", items, err)
	}
	s.now = s.now.Add(time.Millisecond)
	if _, _, err := s.GetEntitlements(ctx, caller(seller), on(), nil); market.CodeOf(err) != market.InvalidParameter {
		t.Errorf("a day later: %v, want %s", err, market.InvalidParameter)
	}
}
