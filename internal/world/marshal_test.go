package world

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/iam"
	"github.com/souk-market/souk/internal/market"
)

// byOwner brings keys and offers into the order that a file has them in.
func byOwner(w market.World) market.World {
	rank := map[string]int{}
	for _, a := range w.Directory.Accounts {
		rank["account "+a.ID] = len(rank)
	}
	for _, u := range w.Directory.Users {
		rank[u.ARN()] = len(rank)
	}
	for _, p := range w.Products {
		rank["product "+p.Code] = len(rank)
	}
	slices.SortStableFunc(w.Directory.Keys, func(a, b account.AccessKey) int {
		return rank[owner{a.Account, a.User}.String()] - rank[owner{b.Account, b.User}.String()]
	})
	slices.SortStableFunc(w.Offers, func(a, b market.Offer) int {
		return rank["product "+a.ProductCode] - rank["product "+b.ProductCode]
	})
	return w
}

func mustMarshal(t interface{ Fatalf(string, ...any) }, w market.World, opt Options) string {
	out, err := Marshal(w, opt)
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	return string(out)
}

func TestMarshalGolden(t *testing.T) {
	got := mustMarshal(t, fullWorld(), Options{Secrets: true})
	want, err := os.ReadFile("testdata/export.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("file differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(fullWorld(), mustParse(t, got).World); diff != "" {
		t.Errorf("world read back differs (-want +got):\n%s", diff)
	}
}

func TestMarshalWithoutSecrets(t *testing.T) {
	got := mustMarshal(t, fullWorld(), Options{})
	if strings.Contains(got, "secret:") || strings.Contains(got, "websiteSecret") {
		t.Errorf("secrets stand in\n%s", got)
	}
	if diff := cmp.Diff(fullWorld(), mustParse(t, got).World, cmpopts.IgnoreFields(account.AccessKey{}, "Secret")); diff != "" {
		t.Errorf("world read back differs (-want +got):\n%s", diff)
	}
}

func TestMarshalEmpty(t *testing.T) {
	got := mustMarshal(t, market.World{}, Options{})
	if diff := cmp.Diff(market.World{}, mustParse(t, got).World); diff != "" {
		t.Errorf("world read back differs (-want +got):\n%s", diff)
	}
}

// What no file can declare is an error, and not a file that says something else.
func TestMarshalRefuses(t *testing.T) {
	tests := map[string]struct {
		w    market.World
		want string
	}{
		"key of nobody":    {market.World{Directory: account.State{Keys: []account.AccessKey{{ID: "AKIA", Account: "111122223333", User: "u"}}}}, "owner of access key AKIA, arn:aws:iam::111122223333:user/u, is not in the world"},
		"offer of nothing": {market.World{Offers: []market.Offer{{ID: "o", ProductCode: "c"}}}, "product c of offer o is not in the world"},
		"year 10000":       {market.World{Agreements: []market.Agreement{{ID: "g", EndAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}}, "agreements: instant 10000-01-01T00:00:00Z is not in the years 1970 to 9999"},
		"not UTF-8":        {market.World{Products: []market.Product{{Code: "c", Title: "a\xff"}}}, `products: text "a\xff" is not UTF-8`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if out, err := Marshal(tt.w, Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Marshal = %q, %v; want an error with %q", out, err, tt.want)
			}
		})
	}
}

// TestRoundTrip: whatever world there is, its file is read back to it, and written again is the same file.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawWorld(t)
		src := mustMarshal(t, want, Options{Secrets: true})
		f, err := Parse([]byte(src))
		if err != nil {
			t.Fatalf("Parse: %v\n%s", problemText(err), src)
		}
		if diff := cmp.Diff(byOwner(want), f.World); diff != "" {
			t.Fatalf("world read back differs (-want +got):\n%s\n%s", diff, src)
		}
		asJSON := mustMarshal(t, want, Options{Secrets: true, JSON: true})
		if f, err = Parse([]byte(asJSON)); err != nil || !json.Valid([]byte(asJSON)) {
			t.Fatalf("Parse of JSON: %v\n%s", problemText(err), asJSON)
		}
		if diff := cmp.Diff(want, f.World); diff != "" {
			t.Fatalf("world read back from JSON differs (-want +got):\n%s\n%s", diff, asJSON)
		}
		if again := mustMarshal(t, f.World, Options{Secrets: true}); again != src {
			t.Fatalf("file written again differs (-first +second):\n%s", cmp.Diff(src, again))
		}
	})
}

// drawText draws text that YAML could misread.
func drawText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"", "true", "null", "~", "yes", "0123", "1e3", "0x1F", "-", "- a", "a: b", "a #b", "#a", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a`", "'", "\"",
			"{}", "[a]", "<<", "=", "2012-10-17", " a", "a ", "a  b", "a\nb", "a\n", "\na", "a\n\n", "a\n\nb", "  a\nb", "a\n  b\nc", "a \nb", "a\tb", "\ta", "a\r\nb", "---", "...", "a\n---\nb",
			"? a", ": a", ",", "a:", "\u00a0", "\u2028", "\ufeff", "\u0085", "é", "😀", "\x00", "\x7f", "a\u202eb", "# a\nb", "- a\n- b", "\\", "a\\nb", "%YAML 1.2", strings.Repeat("long ", 60) + "x",
		}),
		rapid.String(),
		rapid.StringMatching(`[ -~\n]{0,40}`),
	)
}

func drawWorld(t *rapid.T) market.World {
	var w market.World
	text := func(name string) string { return drawText().Draw(t, name) }
	some := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	instant := func(name string) time.Time { return drawInstant().Draw(t, name) }
	id := func(pattern, name string) string { return rapid.StringMatching(pattern).Draw(t, name) }
	ids := func(pattern, name string, most int) []string {
		return rapid.SliceOfNDistinct(rapid.StringMatching(pattern), 0, most, rapid.ID[string]).Draw(t, name)
	}
	keyIDs := ids(`AKIA[A-Z0-9_]{12,20}`, "keys", 6)
	keys := func(accountID, user string) {
		for range some("keys of one", 2) {
			if len(keyIDs) == 0 {
				return
			}
			w.Directory.Keys = append(w.Directory.Keys, account.AccessKey{
				ID: keyIDs[0], Secret: id(`[!-~]{16,128}`, "secret"), Account: accountID, User: user, Inactive: flag("inactive"), Name: text("key name"), Note: text("note"),
				CreatedAt: instant("key created"),
			})
			keyIDs = keyIDs[1:]
		}
	}
	for _, accountID := range ids(`[0-9]{12}`, "accounts", 3) {
		w.Directory.Accounts = append(w.Directory.Accounts, account.Account{ID: accountID, Name: text("account name"), Seller: flag("seller"), Buyer: flag("buyer"), Suspended: flag("suspended")})
		for _, name := range ids(`[A-Za-z0-9_+=,.@-]{1,12}`, "policies", 2) {
			w.Directory.Policies = append(w.Directory.Policies, account.Policy{Account: accountID, Name: name, Document: drawDocument(t)})
		}
		for _, name := range ids(`[A-Za-z0-9_+=,.@-]{1,12}`, "users", 2) {
			w.Directory.Users = append(w.Directory.Users, account.User{Identity: drawIdentity(t, accountID, name)})
			keys(accountID, name)
		}
		for _, name := range ids(`[A-Za-z0-9_+=,.@-]{1,12}`, "roles", 2) {
			role := account.Role{
				Identity: drawIdentity(t, accountID, name),
				Workload: rapid.SampledFrom([]account.Workload{"", account.ECSTask, account.EKSPod, account.EC2Instance, account.AgentCore}).Draw(t, "workload"),
			}
			if role.Workload != "" {
				role.WorkloadRegion = rapid.SampledFrom([]string{"", "us-east-1", "us-gov-west-1"}).Draw(t, "workload's Region")
			}
			w.Directory.Roles = append(w.Directory.Roles, role)
		}
		keys(accountID, "")
	}
	offerIDs := ids(`[-a-zA-Z0-9]{1,64}`, "offers", 6)
	productIDs := ids(`[-a-zA-Z0-9]{1,64}`, "product ids", 3)
	for i, code := range rapid.SliceOfNDistinct(drawCode(), 0, 3, rapid.ID[string]).Draw(t, "products") {
		p := market.Product{
			Code: code, Seller: id(`[0-9]{12}`, "seller"), Title: text("title"), Description: text("description"),
			Kind:            rapid.SampledFrom([]market.ProductKind{market.Legacy, market.ConcurrentAgreements}).Draw(t, "kind"),
			RegistrationURL: rapid.SampledFrom([]string{"", "http://localhost:8080/", "https://example.com/a?b=c&d=%20#e"}).Draw(t, "url"),
			TokenLife:       time.Duration(some("life", int(market.MaxTokenLife/time.Second))) * time.Second,
			TokenReuse:      rapid.SampledFrom([]market.TokenReuse{"", market.ReuseReplay, market.ReuseSingle}).Draw(t, "reuse"),
			CreatedAt:       instant("product created"),
		}
		if i < len(productIDs) {
			p.ID = productIDs[i]
		}
		for _, key := range rapid.SliceOfNDistinct(drawText().Filter(func(s string) bool { return lengthOf(1, 255)(s) == "" }), 0, 3, rapid.ID[string]).Draw(t, "dimensions") {
			d := market.Dimension{
				Key: key, Kind: rapid.SampledFrom([]market.DimensionKind{market.Metered, market.Entitled}).Draw(t, "dimension"), Name: text("name"), Unit: text("unit"),
			}
			if d.Kind == market.Entitled {
				d.Type = rapid.SampledFrom([]market.ValueType{"", market.Integer, market.Double, market.Boolean, market.Text}).Draw(t, "type")
			}
			p.Dimensions = append(p.Dimensions, d)
		}
		w.Products = append(w.Products, p)
		for range some("offers of one", 2) {
			if len(offerIDs) == 0 {
				break
			}
			o := market.Offer{ID: offerIDs[0], ProductCode: code, Kind: market.PublicOffer, Name: text("offer name"), CreatedAt: instant("offer created")}
			if flag("trial") {
				o.Kind, o.TrialDays = market.FreeTrialOffer, rapid.IntRange(minTrialDays, maxTrialDays).Draw(t, "days")
			} else {
				o.TermMonths = some("term", market.MaxTermMonths)
			}
			if buyers := ids(`[0-9]{12}`, "buyers", 2); o.Kind == market.PublicOffer && len(buyers) > 0 {
				o.Kind, o.Buyers = market.PrivateOffer, buyers
			}
			o.Pricing = rapid.SampledFrom([]market.Pricing{"", market.UsagePricing, market.ContractPricing, market.ConsumptionPricing}).Draw(t, "pricing")
			o.Entitlements = drawEntitlements(t, p.Dimensions)
			w.Offers, offerIDs = append(w.Offers, o), offerIDs[1:]
		}
	}
	identifiers := ids(`[ -~]{1,255}`, "identifiers", 3)
	for i, accountID := range ids(`[0-9]{12}`, "customers", 3) {
		if i < len(identifiers) {
			w.Customers = append(w.Customers, market.Customer{Account: accountID, Identifier: identifiers[i], CreatedAt: instant("customer created")})
		}
	}
	for _, agreementID := range ids(`agmt-[a-z0-9]{5}`, "agreements", 3) {
		w.Agreements = append(w.Agreements, market.Agreement{
			ID: agreementID, ProductCode: drawCode().Draw(t, "code"), Buyer: id(`[0-9]{12}`, "buyer"), FreeTrial: flag("trial"),
			Status:     rapid.SampledFrom([]market.Status{market.Active, market.Cancelled, market.Expired, market.Terminated, market.Replaced, market.Renewed}).Draw(t, "status"),
			LicenseARN: "arn:aws:license-manager::" + market.LicenseIssuer + ":license:l-" + agreementID,
			AcceptedAt: instant("accepted"),
		})
		g := &w.Agreements[len(w.Agreements)-1]
		g.TermMonths, g.AutoRenew = some("term", market.MaxTermMonths), flag("renews")
		if len(w.Products) > 0 && flag("of the file") {
			p := w.Products[some("product", len(w.Products)-1)]
			g.ProductCode, g.Entitlements = p.Code, drawEntitlements(t, p.Dimensions)
		}
		if flag("follows") {
			g.Intent, g.PrecedingID = rapid.SampledFrom([]market.Intent{market.IntentRenew, market.IntentReplace}).Draw(t, "intent"), "before-"+agreementID
		}
		if g.SuspendedAt = instant("suspended"); flag("suspended now") {
			g.SuspendedAt = market.SuspendedNow()
		}
		if flag("started") {
			g.StartAt = instant("start")
			if end := instant("end"); !end.Before(g.StartAt) {
				g.EndAt = end
			}
		}
	}
	return w
}

// drawEntitlements draws values for some dimensions.
func drawEntitlements(t *rapid.T, dimensions []market.Dimension) (list []market.Entitlement) {
	for _, d := range dimensions {
		if d.Kind != market.Entitled || rapid.Bool().Draw(t, "left out") {
			continue
		}
		v := market.Value{Type: d.ValueType()}
		switch v.Type {
		case market.Integer:
			v.Integer = int64(rapid.Int32Min(0).Draw(t, "integer"))
		case market.Double:
			v.Double = rapid.Float64().Filter(func(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }).Draw(t, "double") + 0
		case market.Boolean:
			v.Boolean = rapid.Bool().Draw(t, "boolean")
		default:
			v.Text = drawText().Filter(func(s string) bool { return lengthOf(1, market.MaxText)(s) == "" }).Draw(t, "text")
		}
		list = append(list, market.Entitlement{Dimension: d.Key, Value: v})
	}
	return list
}

func drawCode() *rapid.Generator[string] {
	return rapid.StringMatching(`[-a-zA-Z0-9/=:_.@]{1,40}`).Filter(func(s string) bool { return productCode(s) == "" })
}

// drawInstant draws an instant that a file can tell, or none.
func drawInstant() *rapid.Generator[time.Time] {
	first, last := time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(lastYear, 12, 31, 23, 59, 59, 0, time.UTC)
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(first.Unix(), last.Unix()).Draw(t, "second"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanosecond")).UTC()
	})
}

func drawIdentity(t *rapid.T, accountID, name string) account.Identity {
	id := account.Identity{Account: accountID, Name: name}
	for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9_+=,.@-]{1,12}`), 0, 2, rapid.ID[string]).Draw(t, "inline") {
		id.Inline = append(id.Inline, account.Inline{Name: name, Document: drawDocument(t)})
	}
	if list := rapid.SliceOfNDistinct(drawText().Filter(func(s string) bool { return s != "" }), 0, 2, rapid.ID[string]).Draw(t, "attached"); len(list) > 0 {
		id.Attached = list
	}
	id.Boundary = drawText().Draw(t, "boundary")
	return id
}

// drawDocument draws a policy as its JSON could have been written: compact, so that it becomes a mapping in the file, or not.
func drawDocument(t *rapid.T) string {
	value := func() string {
		return rapid.OneOf(
			rapid.Map(drawText(), func(s string) string { return string(appendString(nil, s)) }),
			rapid.SampledFrom([]string{`111122223333`, `-0`, `1e400`, `1.50`, `true`, `"\u003c"`, `"\/"`, `"\ud83d\ude00"`, `123456789012345678901234567890`, `["a","b"]`, `[true]`}),
		).Draw(t, "value")
	}
	key := rapid.SampledFrom([]string{`"aws:username"`, `"aws:PrincipalTag/a b"`, `"aws:PrincipalTag/<<"`, `"aws:PrincipalTag/a\nb"`}).Draw(t, "key")
	doc := rapid.SampledFrom([]string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["aws-marketplace:*"],"Resource":"*","Condition":{"StringEquals":{` + key + `:` + value() + `}}}]}`,
		`{"Statement":{"Action":"*","Effect":"Deny","Resource":["*"],"Condition":{"StringLike":{` + key + `:` + value() + `}}}}`,
		"{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}\n  ]\n}\n",
	}).Draw(t, "document")
	if _, err := iam.Parse([]byte(doc)); err != nil { // text that iam does not let into a policy
		return `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	}
	return doc
}
