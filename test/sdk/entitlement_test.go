package sdk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/test/process"
)

var entitlementCases = []sdkCase{
	{name: "all four types of value", run: entitledOfAllTypes},
	{name: "by CustomerIdentifier", run: entitledByIdentifier},
	{name: "filters", run: entitledByFilter},
	{name: "pages, by the SDK's paginator", run: entitledByPages},
	{name: "pages, by NextToken", run: entitledByToken},
	{name: "nothing: {}", run: entitledToNothing},
	{name: "answer cut, retried", run: entitledAfterCut},
	{name: "every error", run: entitledErrors},
	{name: "ExpiredTokenException: session", run: entitledExpiredSession},
	{name: "cancelled: {}", run: entitledNoMore},
	{name: "InvalidParameterException: page token of yesterday", run: entitledByOldToken},
}

// get is a call of GetEntitlements. filter is keys and their values.
func get(product string, filter ...string) apiCall {
	c := apiCall{Service: entitlement, Operation: "GetEntitlements", Input: members{"ProductCode": product}}
	if len(filter) == 0 {
		return c
	}
	values := map[string][]string{}
	for i := 0; i < len(filter); i += 2 {
		values[filter[i]] = append(values[filter[i]], filter[i+1])
	}
	return c.with("Filter", values)
}

// entitled is an entitlement as GetEntitlements tells it.
func (r *rig) entitled(p process.Purchase, dimension string, value members) members {
	e := members{"ProductCode": p.ProductCode, "Dimension": dimension, "CustomerAWSAccountId": p.CustomerAWSAccountID, "LicenseArn": p.LicenseARN,
		"Value": value, "ExpirationDate": timeText(r.bought().AddDate(1, 0, 0))}
	if p.CustomerIdentifier != "" {
		e["CustomerIdentifier"] = p.CustomerIdentifier
	}
	return e
}

// bought is when the stage's agreements were made. Its day is the 15th: every month has one.
func (r *rig) bought() time.Time { return r.stage.now.Add(-age) }

// vaultEntitlements are what the vault's offer gives, in the order in which they are told.
func (r *rig) vaultEntitlements(p process.Purchase) []members {
	return []members{
		r.entitled(p, "seats", members{"IntegerValue": 10}), r.entitled(p, "sso", members{"BooleanValue": true}),
		r.entitled(p, "storage", members{"DoubleValue": 1.5}), r.entitled(p, "tier", members{"StringValue": "gold"}),
	}
}

// expectSpoken checks in which protocol the requests of an exchange came.
func (r *rig) expectSpoken(x exchange) {
	r.t.Helper()
	for _, q := range x.wire {
		if q.Protocol != r.lang.protocol || q.Operation != "GetEntitlements" {
			r.t.Errorf("%s was called in %s, want GetEntitlements in %s", q.Operation, q.Protocol, r.lang.protocol)
		}
		if cbor := strings.HasSuffix(q.Target, "/service/AWSMPEntitlementService/operation/GetEntitlements"); cbor != (r.lang.protocol == "rpcv2Cbor") {
			r.t.Errorf("it was sent to %s", q.Target)
		}
	}
}

// expectEntitled checks the answer of one call that finds everything on one page.
func (r *rig) expectEntitled(x exchange, want ...members) {
	r.t.Helper()
	r.expectSpoken(x)
	r.expectAttempts(x, 1)
	r.expectOutput(x, members{"Entitlements": want})
}

func entitledOfAllTypes(t *testing.T, r *rig) {
	r.expectEntitled(r.call(r.as("seller"), get(vaultProduct, "LICENSE_ARN", r.stage.vault.LicenseARN)), r.vaultEntitlements(r.stage.vault)...)
}

func entitledByIdentifier(t *testing.T, r *rig) {
	p := r.purchase(contractProduct, exampleCorp, members{"seats": 2147483647, "projects": 0})
	expires := timeText(r.stage.now.AddDate(1, 0, 0))
	want := []members{
		change(r.entitled(p, "projects", members{"IntegerValue": 0}), "ExpirationDate", expires),
		change(r.entitled(p, "seats", members{"IntegerValue": 2147483647}), "ExpirationDate", expires),
	}
	if p.CustomerIdentifier == "" {
		t.Fatal("the purchase has no CustomerIdentifier")
	}
	r.expectEntitled(r.call(r.as("seller"), get(contractProduct, "CUSTOMER_IDENTIFIER", p.CustomerIdentifier)), want...)
	r.expectEntitled(r.call(r.as("seller"), get(contractProduct, "CUSTOMER_IDENTIFIER", p.CustomerIdentifier, "DIMENSION", "projects")), want[:1]...)
}

// entitledByFilter: values of one key widen, keys narrow.
func entitledByFilter(t *testing.T, r *rig) {
	vault, bulk := r.vaultEntitlements(r.stage.vault), r.vaultEntitlements(r.stage.bulk)
	if r.stage.bulk.AgreementID < r.stage.vault.AgreementID {
		vault, bulk = bulk, vault
	}
	both := slices.Concat(vault, bulk)
	for _, c := range []struct {
		name   string
		filter []string
		want   []members
	}{
		{"account", []string{"CUSTOMER_AWS_ACCOUNT_ID", anyCompany}, both},
		{"either account", []string{"CUSTOMER_AWS_ACCOUNT_ID", holdsNothing, "CUSTOMER_AWS_ACCOUNT_ID", anyCompany}, both},
		{"account and dimension", []string{"CUSTOMER_AWS_ACCOUNT_ID", anyCompany, "DIMENSION", "sso"}, []members{vault[1], bulk[1]}},
		{"license and either dimension", []string{"LICENSE_ARN", vault[0]["LicenseArn"].(string), "DIMENSION", "tier", "DIMENSION", "seats"},
			[]members{vault[0], vault[3]}},
		{"account, license, dimension", []string{"CUSTOMER_AWS_ACCOUNT_ID", anyCompany, "LICENSE_ARN", bulk[0]["LicenseArn"].(string), "DIMENSION", "storage"},
			[]members{bulk[2]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := r.at(t)
			r.expectEntitled(r.call(r.as("seller"), get(vaultProduct, c.filter...)), c.want...)
		})
	}
}

// many buys the vault six times more, and is the entitlements to it.
func (r *rig) many() []members {
	r.t.Helper()
	if r.stage.many == nil {
		for range 6 {
			r.stage.many = append(r.stage.many, r.purchase(vaultProduct, holdsMany, nil))
		}
		slices.SortFunc(r.stage.many, func(a, b process.Purchase) int { return strings.Compare(a.AgreementID, b.AgreementID) })
	}
	var list []members
	for _, p := range r.stage.many {
		for _, e := range r.vaultEntitlements(p) {
			list = append(list, change(e, "ExpirationDate", timeText(r.stage.now.AddDate(1, 0, 0))))
		}
	}
	return list
}

func entitledByPages(t *testing.T, r *rig) {
	want := r.many()
	c := get(vaultProduct, "CUSTOMER_AWS_ACCOUNT_ID", holdsMany).with("MaxResults", 7)
	c.Pages = true
	x := r.call(r.as("seller"), c)
	r.expectSpoken(x)
	if n := len(x.wire); n != 4 { // 24 by sevens
		t.Errorf("%d requests on the wire, want 4", n)
	}
	r.expectOutput(x, members{"Entitlements": want})

	// Without a filter: all that there is of the product.
	all := get(vaultProduct).with("MaxResults", 25)
	all.Pages = true
	x = r.call(r.as("seller"), all)
	r.expectSpoken(x)
	list, _ := r.output(x, 0)["Entitlements"].([]any)
	if len(list) != 32 || len(x.wire) != 2 {
		t.Errorf("%d entitlements came in %d pages, want 32 in 2", len(list), len(x.wire))
	}
}

// entitledByToken goes through the pages by hand, and changes their size on the way.
func entitledByToken(t *testing.T, r *rig) {
	want := r.many()
	c := get(vaultProduct, "CUSTOMER_AWS_ACCOUNT_ID", holdsMany)
	var got []any
	for page, size := range []int{1, 10, 25} {
		out := r.output(r.call(r.as("seller"), c.with("MaxResults", size)), 0)
		list, _ := out["Entitlements"].([]any)
		got = append(got, list...)
		token, _ := out["NextToken"].(string)
		if last := page == 2; (token == "") != last {
			t.Fatalf("page %d has %d entitlements and the token %q", page, len(list), token)
		}
		c = c.with("NextToken", token)
	}
	if diff := cmp.Diff(tree(want), any(got)); diff != "" {
		t.Errorf("entitlements (-want +got):\n%s", diff)
	}
}

// entitledToNothing: the answer is a structure without members, not an empty list.
func entitledToNothing(t *testing.T, r *rig) {
	for _, c := range []apiCall{
		get(vaultProduct, "CUSTOMER_AWS_ACCOUNT_ID", holdsNothing), get(usageProduct), get(vaultProduct, "LICENSE_ARN", r.stage.others.LicenseARN),
	} {
		r.expectNothing(r.call(r.as("seller"), c))
	}
}

func (r *rig) expectNothing(x exchange) {
	r.t.Helper()
	r.expectSpoken(x)
	empty := "{}"
	if r.lang.protocol == "rpcv2Cbor" {
		empty = "bfff" // hexadecimal, as the record shows what is no text: a map of unknown length, and its end
	}
	if got := x.wire[0].Response; got != empty && !(empty != "{}" && got == "a0") {
		r.t.Errorf("the body of the answer is %s, want %s", got, empty)
	}
	if list, ok := r.output(x, 0)["Entitlements"]; ok && (!r.lang.cli || len(list.([]any)) > 0) { // the CLI's paginator makes a list of nothing
		r.t.Errorf("the answer has Entitlements: %v", list)
	}
}

func entitledAfterCut(t *testing.T, r *rig) {
	r.fault("GetEntitlements", map[string]any{"lose": true, "times": 1})
	x := r.call(r.as("seller"), get(vaultProduct, "LICENSE_ARN", r.stage.vault.LicenseARN))
	r.expectSpoken(x)
	r.expectLost(x)
	r.expectOutput(x, members{"Entitlements": r.vaultEntitlements(r.stage.vault)})
}

const (
	filterAlone = "Invalid filter combination provided. Please provide the CUSTOMER_IDENTIFIER along with DIMENSION." // live (boto3 issue 3520)
	filterPair  = "Invalid filter combination provided. CUSTOMER_IDENTIFIER and CUSTOMER_AWS_ACCOUNT_ID cannot be used together."
	filterNot   = "Invalid filter provided. CUSTOMER_IDENTIFIER is not supported for this product; use CUSTOMER_AWS_ACCOUNT_ID or LICENSE_ARN."
	badToken    = "The NextToken is invalid."
	badProduct  = "The product code is invalid."
)

func entitledErrors(t *testing.T, r *rig) {
	r.many()
	first := r.output(r.call(r.as("seller"), get(vaultProduct, "CUSTOMER_AWS_ACCOUNT_ID", holdsMany).with("MaxResults", 1)), 0)
	token, _ := first["NextToken"].(string)
	if token == "" {
		t.Fatalf("there is no next page: %v", first)
	}
	forged := []byte(token)
	if i := len(forged) / 2; forged[i] == 'A' {
		forged[i] = 'B'
	} else {
		forged[i] = 'A'
	}
	filter := func(pairs ...string) func(r *rig, c *apiCall) {
		return func(_ *rig, c *apiCall) { *c = get(vaultProduct, pairs...) }
	}
	good := func(r *rig) apiCall { return get(vaultProduct, "CUSTOMER_AWS_ACCOUNT_ID", holdsMany) }
	r.expectErrors(as("seller"), good, []errorCase{
		{code: "InvalidParameterException", name: "both customer ids", text: filterPair, call: filter("CUSTOMER_IDENTIFIER", "ci", "CUSTOMER_AWS_ACCOUNT_ID", anyCompany)},
		{code: "InvalidParameterException", name: "dimension alone", text: filterAlone, call: filter("DIMENSION", "seats")},
		{code: "InvalidParameterException", name: "identifier of concurrent agreements", text: filterNot, call: filter("CUSTOMER_IDENTIFIER", "ci")},
		{code: "InvalidParameterException", name: "forged token", text: badToken, call: withMember("NextToken", string(forged)), reason: "does not open"},
		{code: "InvalidParameterException", name: "token of nothing", text: badToken, call: withMember("NextToken", "made-up"), reason: "not in base64url"},
		{code: "InvalidParameterException", name: "token of another query", text: badToken, call: func(_ *rig, c *apiCall) {
			*c = get(vaultProduct, "CUSTOMER_AWS_ACCOUNT_ID", anyCompany).with("NextToken", token)
		}, reason: "of another query"},
		{code: "InvalidParameterException", name: "unknown product", text: badProduct, call: withMember("ProductCode", "no-such-product"), reason: "no product of that code"},
		{code: "InvalidParameterException", name: "another seller's product", text: badProduct, call: withMember("ProductCode", othersProduct), reason: "published by account 444455556666"},
		{code: "InvalidParameterException", name: "the caller is another seller", text: badProduct, env: as("other-seller"), reason: "published by account 111122223333"},
		{code: "InternalServiceErrorException", status: 500, fault: map[string]any{"refuse": "InternalServiceErrorException"}},
		{code: "ThrottlingException", fault: map[string]any{"refuse": "ThrottlingException"}},
		{code: "ServiceUnavailable", status: 503, fault: map[string]any{"refuse": "ServiceUnavailable"}, text: "The service is unavailable at the moment. Retry your request."},
		{code: "ValidationException", name: "26 results", call: withMember("MaxResults", 26),
			text: "1 validation error detected: Value '26' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 25"},
		{code: "ValidationException", name: "unknown filter", text: "1 validation error detected: Value at 'filter' failed to satisfy constraint: " +
			"Map keys must satisfy constraint: [Member must satisfy enum value set: [CUSTOMER_IDENTIFIER, DIMENSION, CUSTOMER_AWS_ACCOUNT_ID, LICENSE_ARN]]",
			call: filter("COLOUR", "blue")},
		{code: "RequestEntityTooLargeException", status: 413, text: "request body must not have more than 1048576 bytes", call: withMember("NextToken", strings.Repeat("A", 1<<20))},
		{code: "AccessDeniedException", env: as("seller-denied"), text: denied("arn:aws:iam::111122223333:user/seller-denied", "GetEntitlements")},
		{code: "UnrecognizedClientException", env: unknownCaller},
		{code: "InvalidSignatureException", name: "wrong secret", text: signatureMismatch, env: func(r *rig) map[string]string {
			return with(r.as("seller"), "AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
		}},
		{code: "InvalidSignatureException", name: "a Region without it", text: "Credential should be scoped to a valid region. ", env: of("seller", "eu-west-1"),
			reason: "does not exist in the Region"},
	})
}

func entitledExpiredSession(t *testing.T, r *rig) {
	env, _ := r.session("1s")
	living, _ := r.session("1h")
	time.Sleep(1100 * time.Millisecond) // sessions live on the wall clock, to the second
	c := get(vaultProduct, "LICENSE_ARN", r.stage.vault.LicenseARN)
	x := r.call(env, c)
	r.expectSpoken(x)
	r.expectError(x, want{code: "ExpiredTokenException", message: "The security token included in the request is expired"})
	r.expectEntitled(r.call(living, c), r.vaultEntitlements(r.stage.vault)...)
}

func entitledNoMore(t *testing.T, r *rig) {
	p := r.purchase(vaultProduct, anyCompany, members{"seats": 3})
	c := get(vaultProduct, "LICENSE_ARN", p.LicenseARN).with("MaxResults", 1)
	out := r.output(r.call(r.as("seller"), c), 0)
	if list, _ := out["Entitlements"].([]any); len(list) != 1 {
		t.Errorf("the answer is %v", out)
	}
	r.agreement(p, "cancel") // its final hour is for usage alone
	r.expectNothing(r.call(r.as("seller"), c))
}

// entitledByOldToken: page tokens live a day of market time.
func entitledByOldToken(t *testing.T, r *rig) {
	r.many()
	c := get(vaultProduct, "CUSTOMER_AWS_ACCOUNT_ID", holdsMany).with("MaxResults", 1)
	out := r.output(r.call(r.as("seller"), c), 0)
	r.pass(25 * time.Hour)
	x := r.call(r.as("seller"), c.with("NextToken", out["NextToken"]))
	r.expectError(x, want{code: "InvalidParameterException", message: badToken})
	if reason := x.wire[0].Reason; !strings.Contains(reason, "has expired") {
		t.Errorf("the request record's reason is %q", reason)
	}
}
