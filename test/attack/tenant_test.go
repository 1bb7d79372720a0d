package attack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	notProduct = "internal/market/batch.go:owned"
	notLicense = "internal/market/batch.go:findLicense"
	notListed  = "internal/market/entitlement.go:judgeFilter"
)

// What nobody has, in the form of what somebody has.
const (
	noProduct = "nobodysproduct00000000001"
	noLicense = "arn:aws:license-manager::294406891311:license:l-00000000000000000000000000000000"
)

type members = map[string]any

func batch(product string, records ...members) members {
	in := members{"UsageRecords": append([]members{}, records...)}
	if product != "" {
		in["ProductCode"] = product
	}
	return in
}

// record is one of usage. how names the customer.
func record(at time.Time, dimension string, quantity int, how members) members {
	r := members{"Timestamp": at.Unix(), "Dimension": dimension, "Quantity": quantity}
	for k, v := range how {
		r[k] = v
	}
	return r
}

func byAccount(account string) members { return members{"CustomerAWSAccountId": account} }

func byLicense(account, license string) members {
	return members{"CustomerAWSAccountId": account, "LicenseArn": license}
}

// tenants: a seller with good credentials and every permission, in its own account. What is another's must be as if it did not exist, to the letter of the answer.
func tenants(t *testing.T, s *siege) {
	vault, legacy := s.dev.buy(t, victimVault, buyerAccount), s.dev.buy(t, victimLegacy, buyerAccount)
	mine := s.dev.buy(t, rivalVault, buyerAccount)
	s.dev.buy(t, rivalLegacy, buyerAccount)
	at := time.Now() // of all records, so that they are of one hour
	for _, c := range []struct {
		name, guard string
		operation   string
		theirs      members // what the rival asks for and the victim has
		nobodys     members // what the rival asks for and nobody has; nil: the rival's own thing is the only neighbour
		honest      members // what the rival has
		owner       members // what the victim asks for; nil: theirs
		code        string
	}{
		{"entitlements of another's product", notListed, "GetEntitlements", members{"ProductCode": victimVault}, members{"ProductCode": noProduct}, members{"ProductCode": rivalVault}, nil, badParameter},
		{"entitlements of another's license under one's own product", "internal/market/entitlement.go:namedEntitlements", "GetEntitlements",
			members{"ProductCode": rivalVault, "Filter": members{"LICENSE_ARN": []string{vault.LicenseARN}}},
			members{"ProductCode": rivalVault, "Filter": members{"LICENSE_ARN": []string{noLicense}}},
			members{"ProductCode": rivalVault, "Filter": members{"LICENSE_ARN": []string{mine.LicenseARN}}},
			members{"ProductCode": victimVault, "Filter": members{"LICENSE_ARN": []string{vault.LicenseARN}}}, ""},
		{"usage of another's product", notProduct, "BatchMeterUsage",
			batch(victimLegacy, record(at, "queries", 7, byAccount(buyerAccount))), batch(noProduct, record(at, "queries", 7, byAccount(buyerAccount))),
			batch(rivalLegacy, record(at, "queries", 7, byAccount(buyerAccount))), nil, "InvalidProductCodeException"},
		{"usage of another's product, without records", notProduct, "BatchMeterUsage", batch(victimLegacy), batch(noProduct), batch(rivalLegacy), nil, "InvalidProductCodeException"},
		{"usage of another's license", notLicense, "BatchMeterUsage",
			batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, vault.LicenseARN))), batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, noLicense))),
			batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, mine.LicenseARN))), nil, "InvalidLicenseException"},
		{"usage of another's license under one's own product code", notLicense, "BatchMeterUsage",
			batch(rivalVault, record(at, "gigabytes", 8, byLicense(buyerAccount, vault.LicenseARN))), batch(rivalVault, record(at, "gigabytes", 8, byLicense(buyerAccount, noLicense))),
			batch(rivalVault, record(at, "gigabytes", 7, byLicense(buyerAccount, mine.LicenseARN))), batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, vault.LicenseARN))), "InvalidLicenseException"},
		{"one's own license first, another's behind it", notLicense, "BatchMeterUsage",
			batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, mine.LicenseARN)), record(at, "gigabytes", 9, byLicense(buyerAccount, vault.LicenseARN))),
			batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, mine.LicenseARN)), record(at, "gigabytes", 9, byLicense(buyerAccount, noLicense))),
			batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, mine.LicenseARN))), batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, vault.LicenseARN))), "InvalidLicenseException"},
		{"one's own license for another customer", notLicense, "BatchMeterUsage",
			batch("", record(at, "gigabytes", 7, byLicense(bystanderAccount, mine.LicenseARN))), batch("", record(at, "gigabytes", 7, byLicense(bystanderAccount, noLicense))),
			batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, mine.LicenseARN))), batch("", record(at, "gigabytes", 7, byLicense(buyerAccount, vault.LicenseARN))), "InvalidLicenseException"},
		{"another's token", owner, "ResolveCustomer", members{"RegistrationToken": vault.RegistrationToken}, members{"RegistrationToken": flip(vault.RegistrationToken, 30)},
			members{"RegistrationToken": mine.RegistrationToken}, nil, badToken},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := ledger(t, s.dev, "")
			got := call(s.dev, rival, c.operation, c.theirs).sign().send(t, s.dev)
			if c.code == "" { // a list, from which what is another's is left out
				accepted(t, got)
				if string(got.body) != "{}" {
					t.Errorf("another's is listed: %s\nguard: %s", got, c.guard)
				}
			} else {
				refused(t, c.guard, got, http.StatusBadRequest, c.code, "")
			}
			if none := call(s.dev, rival, c.operation, c.nobodys).sign().send(t, s.dev); string(none.body) != string(got.body) || none.status != got.status {
				t.Errorf("the answers tell what exists:\nanother's: %s\nnobody's:  %s\nguard: %s", got, none, c.guard)
			}
			// Other families meter nothing of these products.
			if after := ledger(t, s.dev, ""); !slices.Equal(before, after) {
				t.Errorf("a refused request has left usage: %v, before it %v\nguard: %s", after, before, c.guard)
			}
			accepted(t, call(s.dev, rival, c.operation, c.honest).sign().send(t, s.dev))
			if c.owner == nil {
				c.owner = c.theirs
			}
			accepted(t, call(s.dev, victim, c.operation, c.owner).sign().send(t, s.dev))
		})
	}
	t.Run("one customer of two sellers", func(t *testing.T) { sharedCustomer(t, s, at, legacy.CustomerIdentifier) })
	t.Run("workloads", func(t *testing.T) { workloads(t, s) })
	t.Run("recorded usage sent again", func(t *testing.T) { resentUsage(t, s) })
	t.Run("request records", func(t *testing.T) { requestRecords(t, s) })
}

// entry is a record of usage as the operator sees it.
type entry struct {
	RecordID    string `json:"record_id"`
	ProductCode string `json:"product_code"`
	Buyer       string `json:"buyer"`
	Dimension   string `json:"dimension"`
	Quantity    int64  `json:"quantity"`
	Resource    string `json:"resource"`
}

// ledger is the usage of the products that this family meters, or of one.
func ledger(t *testing.T, s *souk, product string) (list []entry) {
	t.Helper()
	products := []string{victimLegacy, victimVault, rivalLegacy, rivalVault}
	if product != "" {
		products = []string{product}
	}
	for _, p := range products {
		var out struct{ Records []entry }
		s.do(t, http.MethodGet, "/api/v1/usage?limit=500&product="+url.QueryEscape(p), nil, &out)
		list = append(list, out.Records...)
	}
	return list
}

// sharedCustomer: the same buyer, dimension and hour at two sellers is two records, and neither seller learns of the other's.
func sharedCustomer(t *testing.T, s *siege, at time.Time, identifier string) {
	const guard = "internal/market/types.go:Series"
	meter := func(k key, product string, quantity int) (out struct {
		Results []struct{ MeteringRecordId, Status string }
	}) {
		got := call(s.dev, k, "BatchMeterUsage", batch(product, record(at, "users", quantity, members{"CustomerIdentifier": identifier}))).sign().send(t, s.dev)
		accepted(t, got)
		if err := json.Unmarshal(got.body, &out); err != nil || len(out.Results) != 1 {
			t.Fatalf("%v: %s", err, got)
		}
		return out
	}
	theirs, mine := meter(victim, victimLegacy, 11).Results[0], meter(rival, rivalLegacy, 12).Results[0]
	if theirs.Status != "Success" || mine.Status != "Success" || theirs.MeteringRecordId == mine.MeteringRecordId {
		t.Errorf("%+v and %+v\nguard: %s", theirs, mine, guard)
	}
	if again := meter(rival, rivalLegacy, 11).Results[0]; again.Status != "DuplicateRecord" || again.MeteringRecordId != mine.MeteringRecordId {
		t.Errorf("%+v, want a duplicate of %s\nguard: %s", again, mine.MeteringRecordId, guard)
	}
}

// workloads meter what their own account bought, whoever they say that they are.
func workloads(t *testing.T, s *siege) {
	task, stranger := s.dev.session(t, buyerTask, "task-1", "1h"), s.dev.session(t, bystanderTask, "task-1", "1h")
	at := time.Now()
	ask := func(k key, product, clientToken string, quantity int) answer {
		return call(s.dev, k, "MeterUsage", members{"ProductCode": product, "Timestamp": at.Unix(), "UsageDimension": "queries", "UsageQuantity": quantity,
			"ClientToken": clientToken}).sign().send(t, s.dev)
	}
	accepted(t, ask(task, victimLegacy, "one", 3))
	const notEntitled = "internal/market/meter.go:judgeMeterUsage"
	refused(t, notEntitled, ask(stranger, victimLegacy, "one", 3), http.StatusBadRequest, "CustomerNotEntitledException", "")
	refused(t, notEntitled, ask(victim, victimLegacy, "two", 3), http.StatusBadRequest, "CustomerNotEntitledException", "")
	refused(t, notEntitled, ask(rival, victimLegacy, "two", 3), http.StatusBadRequest, "CustomerNotEntitledException", "")
	refused(t, notEntitled, ask(buyer, victimLegacy, "two", 3), http.StatusBadRequest, "CustomerNotEntitledException", "")

	// A member that the operation does not have names nobody.
	f := call(s.dev, stranger, "MeterUsage", members{"ProductCode": victimLegacy, "Timestamp": at.Unix(), "UsageDimension": "queries", "UsageQuantity": 3,
		"CustomerAWSAccountId": buyerAccount, "CustomerIdentifier": "x"})
	refused(t, notEntitled, f.sign().send(t, s.dev), http.StatusBadRequest, "CustomerNotEntitledException", "")

	// Client tokens are each account's own: another's conflicts with nothing, and answers nothing.
	s.dev.buy(t, victimLegacy, bystanderAccount)
	mine, theirs := ask(stranger, victimLegacy, "one", 4), ask(task, victimLegacy, "one", 3)
	accepted(t, mine)
	accepted(t, theirs)
	if string(mine.body) == string(theirs.body) {
		t.Errorf("two accounts have one record: %s\nguard: internal/market/meter.go:keepMetered (client tokens)", mine)
	}
	refused(t, "internal/market/meter.go:keepMetered (client tokens)", ask(task, victimLegacy, "one", 4), http.StatusConflict, "IdempotencyConflictException", "")

	// A role and a session of the same names in two accounts are two tasks.
	var of []string
	for _, e := range ledger(t, s.dev, victimLegacy) {
		if e.Resource != "" {
			of = append(of, e.Buyer)
		}
	}
	slices.Sort(of)
	if want := []string{buyerAccount, bystanderAccount}; !slices.Equal(of, want) {
		t.Errorf("workloads' records are of %v, want %v", of, want)
	}
	register := call(s.dev, rival, "RegisterUsage", members{"ProductCode": victimLegacy, "PublicKeyVersion": 1}).sign().send(t, s.dev)
	refused(t, "internal/market/register.go:RegisterUsage", register, http.StatusBadRequest, "PlatformNotSupportedException", "")
	accepted(t, call(s.dev, task, "RegisterUsage", members{"ProductCode": victimLegacy, "PublicKeyVersion": 1}).sign().send(t, s.dev))
}

// resentUsage: a recorded request is good for 15 minutes, and meters once however often it comes.
func resentUsage(t *testing.T, s *siege) {
	license := s.dev.buy(t, victimVault, bystanderAccount).LicenseARN
	at := time.Now()
	f := call(s.dev, victim, "BatchMeterUsage", batch("", record(at, "gigabytes", 5, byLicense(bystanderAccount, license)))).sign()
	first := f.send(t, s.dev)
	accepted(t, first)
	for range 5 {
		if again := f.send(t, s.dev); string(again.body) != string(first.body) {
			t.Errorf("sent again: %s, at first %s", again, first)
		}
	}
	n := 0
	for _, e := range ledger(t, s.dev, victimVault) {
		if e.Buyer == bystanderAccount {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d records, want 1\nguard: internal/sqlstore/append.go (the unique key of usage)", n)
	}
}

// requestRecords tell everything of everybody. They are on the control listener, behind its credential if it has one, and nowhere else.
func requestRecords(t *testing.T, s *siege) {
	const guard = "internal/admin/guard.go:authorized"
	accepted(t, call(s.lit, victim, "BatchMeterUsage", noUsage).sign().send(t, s.lit))
	paths := []string{"/api/v1/requests", "/api/v1/requests/follow", "/api/v1/world?secrets=true", "/api/v1/usage/export", "/api/v1/token-keys", "/metrics", "/openapi.json", "/", "/subscriptions",
		"/products/" + victimVault, "/nowhere", "/healthz/../api/v1/info", "//healthz", "/api/v1/requests/?x=/healthz"}
	signed := call(s.lit, victim, "BatchMeterUsage", noUsage).sign().get("Authorization")
	for _, path := range paths {
		for name, authorization := range map[string]string{
			"nothing":               "",
			"an empty bearer":       "Bearer ",
			"half of it":            "Bearer " + controlToken[:len(controlToken)/2],
			"more than it":          "Bearer " + controlToken + "x",
			"in capitals":           "Bearer " + strings.ToUpper(controlToken),
			"another scheme":        "Token " + controlToken,
			"no scheme":             controlToken,
			"a good AWS signature":  signed,
			"an AWS secret":         "Bearer " + victim.secret,
			"the name of the basic": basic(controlToken, ""),
			"an empty basic":        basic("", ""),
		} {
			status, answer := knock(t, s.lit, path, authorization)
			if status != http.StatusUnauthorized || strings.Contains(string(answer), victim.id) {
				t.Errorf("%s with %s: %d %.200s\nguard: %s", path, name, status, answer, guard)
			}
		}
	}
	for _, good := range []string{"Bearer " + controlToken, "bearer " + controlToken, basic("anybody", controlToken)} {
		if status, answer := knock(t, s.lit, "/api/v1/requests", good); status != http.StatusOK || !strings.Contains(string(answer), victim.id) {
			t.Errorf("the operator gets %d %.200s", status, answer)
		}
	}
	for _, probe := range []string{"/healthz", "/readyz"} {
		if status, answer := knock(t, s.lit, probe, ""); status != http.StatusOK || strings.Contains(string(answer), victim.id) {
			t.Errorf("%s: %d %s", probe, status, answer)
		}
	}
	// The AWS face has none of it.
	for _, path := range paths {
		f := &forgery{method: http.MethodGet, target: path, lines: []line{{"Host", s.lit.address()}, {"Authorization", "Bearer " + controlToken}}}
		if got := f.send(t, s.lit); got.status != http.StatusNotFound || got.code != unknownOp {
			t.Errorf("the AWS face has %s: %s\nguard: cmd/souk/serve.go:startNode (two listeners)", path, got)
		}
	}
}

func basic(name, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header.Get("Authorization")
}

// knock asks the control listener with some credential, over a connection of its own and with the path as it is.
func knock(t *testing.T, s *souk, path, authorization string) (int, []byte) {
	t.Helper()
	raw := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n", path, s.gate())
	if authorization != "" {
		raw += "Authorization: " + authorization + "\r\n"
	}
	got := exchange(t, s.gate(), []byte(raw+"Connection: close\r\n\r\n"))[0]
	return got.status, got.body
}
