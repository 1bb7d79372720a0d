package attack

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	evaluate      = "internal/iam/evaluate.go:Evaluate"
	actions       = "internal/iam/match.go:actionPattern.match"
	conds         = "internal/iam/condition.go"
	variables     = "internal/iam/pattern.go:resolve"
	conditionKeys = "internal/api/condition.go:condition"
)

// allow and deny are statements. more is further JSON, such as a condition.
func allow(action string, more ...string) string {
	return statement("Allow", `"Action":`+action, more...)
}
func deny(action string, more ...string) string {
	return statement("Deny", `"Action":`+action, more...)
}

func statement(effect, what string, more ...string) string {
	return `{"Effect":"` + effect + `",` + what + `,"Resource":"*"` + strings.Join(append([]string{""}, more...), ",") + `}`
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func condition(operator, key, value string) string {
	return `"Condition":{"` + operator + `":{"` + key + `":` + value + `}}`
}

const (
	everything = `"*"`
	resolving  = `"aws-marketplace:ResolveCustomer"`
	agent      = "aws:UserAgent"
)

// policyCase is a user of the victim's account who calls ResolveCustomer. The attack is refused by the policy; the honest neighbour, who differs in one
// thing, is not.
type policyCase struct {
	name, guard string
	policy      string // the user's only one; "": none
	boundary    string
	honest      string           // policy of the neighbour; "": the same
	limit       string           // boundary of the neighbour; "": the same
	attack      func(f *forgery) // before it is signed; nil: nothing
	neighbour   func(f *forgery)
	denial      string // a part of the message
}

func header(name, value string) func(*forgery) {
	return func(f *forgery) { f.set(name, value) }
}

const implicit, explicit = "because no identity-based policy allows", "with an explicit deny in an identity-based policy"

var policyCases = []policyCase{
	{name: "no policy", guard: evaluate, honest: document(allow(resolving)), denial: implicit},
	{name: "a boundary and no policy", guard: evaluate, boundary: document(allow(everything)), honest: document(allow(resolving)), denial: implicit},
	{name: "a policy within a boundary that does not allow", guard: evaluate, policy: document(allow(everything)), boundary: document(allow(`"aws-marketplace:BatchMeterUsage"`)),
		limit: document(allow(resolving)), denial: "because no permissions boundary allows"},
	{name: "a boundary that denies", guard: evaluate, policy: document(allow(everything)), boundary: document(allow(everything), deny(resolving)),
		limit: document(allow(everything)), denial: "with an explicit deny in a permissions boundary"},
	{name: "deny behind allow", guard: evaluate, policy: document(allow(resolving), deny(`"aws-marketplace:*"`)), honest: document(allow(resolving)), denial: explicit},
	{name: "deny before allow", guard: evaluate, policy: document(deny(resolving), allow(everything)), honest: document(allow(everything)), denial: explicit},
	{name: "deny, the action in another case", guard: actions, policy: document(allow(everything), deny(`"AWS-MARKETPLACE:rESOLVEcUSTOMER"`)),
		honest: document(allow(`"AWS-MARKETPLACE:rESOLVEcUSTOMER"`)), denial: explicit},
	{name: "deny, by a prefix in another case", guard: actions, policy: document(allow(everything), deny(`"aws-marketplace:RESOLVE*"`)),
		honest: document(allow(`"aws-marketplace:RESOLVE*"`)), denial: explicit},
	{name: "deny, by question marks", guard: actions, policy: document(allow(everything), deny(`"aws-marketplace:?esolve?ustomer"`)),
		honest: document(allow(`"aws-marketplace:?esolve?ustomer"`)), denial: explicit},
	{name: "a question mark is a character", guard: actions, policy: document(allow(`"aws-marketplace:?ResolveCustomer"`)), honest: document(allow(`"aws-marketplace:?esolveCustomer"`)), denial: implicit},
	{name: "a prefix is not the whole", guard: actions, policy: document(allow(`"aws-marketplace:Resolve"`)), honest: document(allow(`"aws-marketplace:Resolve*"`)), denial: implicit},
	{name: "a suffix is not the whole", guard: actions, policy: document(allow(`"aws-marketplace:Customer"`)), honest: document(allow(`"aws-marketplace:*Customer"`)), denial: implicit},
	{name: "another service whose name goes on", guard: actions, policy: document(allow(`"aws-marketplace-management:*"`)), honest: document(allow(`"aws-marketplace:*"`)), denial: implicit},
	{name: "a service whose name ours goes on", guard: actions, policy: document(allow(`"aws:*"`)), honest: document(allow(`"aws-marketplace:*"`)), denial: implicit},
	{name: "a full-width letter in an action", guard: actions, policy: document(allow(`"aws-marketplace:\uff32esolveCustomer"`)), honest: document(allow(resolving)), denial: implicit},
	{name: "the long s in an action", guard: "internal/iam/match.go:lower", policy: document(allow(`"aws-marketplace:Re\u017folveCustomer"`), allow(`"aws-marketplace:Re\u017folve*"`)), honest: document(allow(resolving)), denial: implicit},
	{name: "all but the action", guard: evaluate, policy: document(statement("Allow", `"NotAction":"aws-marketplace:resolvecustomer"`)),
		honest: document(statement("Allow", `"NotAction":"aws-marketplace:meterusage"`)), denial: implicit},
	{name: "deny all but other actions", guard: evaluate, policy: document(allow(everything), statement("Deny", `"NotAction":["aws-marketplace:MeterUsage","s3:*"]`)),
		honest: document(allow(everything), statement("Deny", `"NotAction":["aws-marketplace:R*","s3:*"]`)), denial: explicit},
	{name: "a resource that is not the one there is", guard: "internal/iam/parse.go:resources", policy: `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:aws-marketplace:*:*:*"}}`,
		honest: `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, denial: implicit},

	{name: "full-width letters", guard: conds, policy: document(allow(resolving, condition("StringEquals", agent, `"trusted"`))),
		attack: header("User-Agent", "\uff54\uff52\uff55\uff53\uff54\uff45\uff44"), neighbour: header("User-Agent", "trusted"), denial: implicit},
	{name: "the Kelvin sign", guard: conds, policy: document(allow(resolving, condition("StringEquals", agent, `"kiosk"`))),
		attack: header("User-Agent", "\u212aiosk"), neighbour: header("User-Agent", "kiosk"), denial: implicit},
	{name: "a letter with a combining accent", guard: conds, policy: document(allow(resolving, condition("StringEquals", agent, `"caf\u00e9"`))),
		attack: header("User-Agent", "cafe\u0301"), neighbour: header("User-Agent", "caf\u00e9"), denial: implicit},
	{name: "full-width letters, ignoring case", guard: conds, policy: document(allow(resolving, condition("StringEqualsIgnoreCase", agent, `"trusted"`))),
		attack: header("User-Agent", "\uff34rusted"), neighbour: header("User-Agent", "TRUSTED"), denial: implicit},
	{name: "dotless i, ignoring case", guard: conds, policy: document(allow(resolving, condition("StringEqualsIgnoreCase", agent, `"wifi"`))),
		attack: header("User-Agent", "w\u0131f\u0131"), neighbour: header("User-Agent", "WIFI"), denial: implicit},
	{name: "octets that are no text", guard: conds, policy: document(allow(resolving, condition("StringEquals", agent, `"trusted"`))),
		attack: header("User-Agent", "trusted\xff"), neighbour: header("User-Agent", "trusted"), denial: implicit},
	{name: "another case", guard: conds, policy: document(allow(resolving, condition("StringEquals", agent, `"trusted"`))),
		attack: header("User-Agent", "Trusted"), neighbour: header("User-Agent", "trusted"), denial: implicit},
	{name: "a star in the request", guard: conds, policy: document(allow(resolving, condition("StringLike", agent, `"trusted-?"`))),
		attack: header("User-Agent", "*"), neighbour: header("User-Agent", "trusted-*"), denial: implicit},
	{name: "a star where stars are text", guard: "internal/iam/operator.go:dialect", policy: document(allow(resolving, condition("StringEquals", agent, `"trusted*"`))),
		attack: header("User-Agent", "trusted-9"), neighbour: header("User-Agent", "trusted*"), denial: implicit},
	{name: "two agents, the trusted one behind", guard: conditionKeys, policy: document(allow(resolving, condition("StringEquals", agent, `"trusted"`))),
		attack: func(f *forgery) { f.add("User-Agent", "evil"); f.add("User-Agent", "trusted") }, neighbour: header("User-Agent", "trusted"), denial: implicit},

	{name: "${*} is a star", guard: "internal/iam/pattern.go:readVariable", policy: document(allow(resolving, condition("StringLike", agent, `"${*}"`))),
		attack: header("User-Agent", "anything"), neighbour: header("User-Agent", "*"), denial: implicit},
	{name: "${?} is a question mark", guard: "internal/iam/pattern.go:readVariable", policy: document(allow(resolving, condition("StringLike", agent, `"a${?}"`))),
		attack: header("User-Agent", "ab"), neighbour: header("User-Agent", "a?"), denial: implicit},
	{name: "a variable whose value is a wildcard", guard: variables, policy: document(allow(resolving, condition("StringLike", "aws:PrincipalAccount", `"${aws:UserAgent}"`))),
		attack: header("User-Agent", "*"), neighbour: header("User-Agent", victimAccount), denial: implicit},
	{name: "a variable whose value is a variable", guard: variables, policy: document(allow(resolving, condition("StringLike", "aws:PrincipalAccount", `"${aws:UserAgent}"`))),
		attack: header("User-Agent", "${aws:PrincipalAccount}"), neighbour: header("User-Agent", victimAccount), denial: implicit},
	{name: "a variable without a value", guard: variables, policy: document(allow(resolving, condition("StringLike", agent, `"${aws:SourceVpc}*"`))),
		attack: header("User-Agent", "anything"), honest: document(allow(resolving, condition("StringLike", agent, `"${aws:SourceVpc, 'any'}*"`))),
		neighbour: header("User-Agent", "anything"), denial: implicit},
	{name: "a variable in a document of 2008", guard: "internal/iam/parse.go:document", policy: `{"Version":"2008-10-17","Statement":` + allow(resolving, condition("StringLike", agent, `"${aws:PrincipalAccount}"`)) + `}`,
		attack: header("User-Agent", victimAccount), neighbour: header("User-Agent", "${aws:PrincipalAccount}"), denial: implicit},

	{name: "an address in X-Forwarded-For", guard: conditionKeys, policy: document(allow(resolving, condition("IpAddress", "aws:SourceIp", `"203.0.113.0/24"`))),
		attack: func(f *forgery) {
			f.set("X-Forwarded-For", "203.0.113.7")
			f.set("X-Real-Ip", "203.0.113.7")
			f.set("Forwarded", "for=203.0.113.7")
		}, honest: document(allow(resolving, condition("IpAddress", "aws:SourceIp", `"127.0.0.0/8"`))), denial: implicit},
	{name: "TLS by X-Forwarded-Proto", guard: conditionKeys, policy: document(allow(resolving, condition("Bool", "aws:SecureTransport", `"true"`))),
		attack: header("X-Forwarded-Proto", "https"), honest: document(allow(resolving, condition("Bool", "aws:SecureTransport", `"false"`))), denial: implicit},
	{name: "another Region", guard: conditionKeys, policy: document(allow(resolving, condition("StringEquals", "aws:RequestedRegion", `"eu-west-1"`))),
		attack: header("X-Amz-Region", "eu-west-1"), neighbour: func(f *forgery) { f.region = "eu-west-1" }, denial: implicit},
	{name: "a key that the request cannot have, by a header of its name", guard: conditionKeys, policy: document(allow(resolving, condition("StringEquals", "aws:SourceVpc", `"vpc-1"`))),
		attack: header("Aws-SourceVpc", "vpc-1"), honest: document(allow(resolving, condition("StringEqualsIfExists", "aws:SourceVpc", `"vpc-1"`))), denial: implicit},
	{name: "deny but from a network, of which the request says nothing", guard: conds, policy: document(allow(resolving), deny(everything, condition("StringNotEquals", "aws:SourceVpc", `"vpc-1"`))),
		honest: document(allow(resolving), deny(everything, condition("StringEquals", "aws:SourceVpc", `"vpc-1"`))), denial: explicit},
	{name: "a value of no values", guard: conds, policy: document(allow(resolving, condition("StringEquals", agent, `[]`))),
		attack: header("User-Agent", ""), honest: document(allow(resolving, condition("StringEquals", agent, `[""]`))), neighbour: header("User-Agent", ""), denial: implicit},
	{name: "all of no values", guard: conds, policy: document(allow(resolving), deny(everything, condition("ForAllValues:StringEquals", "aws:TagKeys", `"x"`))),
		honest: document(allow(resolving, condition("ForAllValues:StringEquals", "aws:TagKeys", `"x"`))), denial: explicit},
}

func policies(t *testing.T, s *siege) {
	token := s.dev.buy(t, victimLegacy, buyerAccount).RegistrationToken
	var file bytes.Buffer
	user := func(i, neighbour int) key {
		return key{id: fmt.Sprintf("AKIAATTACKPOLICY%02d%02d", i, neighbour), secret: "attack/suite/policy/NOT+A+SECRET/0000001"}
	}
	fmt.Fprint(&file, "version: 1\npolicies:\n")
	attached := func(i, neighbour int, policy, boundary string) string {
		text := ""
		if boundary != "" {
			fmt.Fprintf(&file, "  - {account: %q, name: boundary-%d-%d, document: %q}\n", victimAccount, i, neighbour, boundary)
			text = fmt.Sprintf("    boundary: boundary-%d-%d\n", i, neighbour)
		}
		if policy != "" {
			text += fmt.Sprintf("    policies: [{name: It, document: %q}]\n", policy)
		}
		k := user(i, neighbour)
		return fmt.Sprintf("  - account: %q\n    name: user-%d-%d\n%s    access_keys: [{id: %s, secret: %s}]\n", victimAccount, i, neighbour, text, k.id, k.secret)
	}
	users := ""
	for i, c := range policyCases {
		if c.honest == "" {
			c.honest = c.policy
		}
		if c.limit == "" {
			c.limit = c.boundary
		}
		users += attached(i, 0, c.policy, c.boundary) + attached(i, 1, c.honest, c.limit)
	}
	fmt.Fprintf(&file, "  - {account: %q, name: unused, document: %q}\nusers:\n%s", victimAccount, document(allow(everything)), users)
	s.dev.apply(t, file.Bytes())

	for i, c := range policyCases {
		t.Run(c.name, func(t *testing.T) {
			ask := func(k key, change func(*forgery)) answer {
				f := resolve(s.dev, k, token)
				if change != nil {
					change(f)
				}
				return f.sign().send(t, s.dev)
			}
			refused(t, c.guard, ask(user(i, 0), c.attack), http.StatusBadRequest, "AccessDeniedException", c.denial)
			if c.neighbour == nil {
				c.neighbour = c.attack
			}
			accepted(t, ask(user(i, 1), c.neighbour))
		})
	}
	t.Run("suspended account", func(t *testing.T) {
		refused(t, "internal/api/call.go:authorize (Suspended)", call(s.dev, suspended, "BatchMeterUsage", noUsage).sign().send(t, s.dev), http.StatusBadRequest, "AccessDeniedException",
			"user/suspended is not authorized to perform: aws-marketplace:BatchMeterUsage")
		accepted(t, call(s.dev, rival, "BatchMeterUsage", noUsage).sign().send(t, s.dev))
	})
	t.Run("documents", func(t *testing.T) { malformedPolicies(t, s) })
}

// malformedPolicies can be read in two ways, or would be read in another than they look: they are refused when they are written.
func malformedPolicies(t *testing.T, s *siege) {
	const reader, parser, text = "internal/iam/json.go:object", "internal/iam/parse.go", "internal/iam/json.go:checkText"
	long := func(n int) string {
		doc := document(allow(`"s3:"`))
		return strings.Replace(doc, `"s3:"`, `"s3:`+strings.Repeat("x", n-len(doc))+`"`, 1)
	}
	put := func(t *testing.T, doc string) (int, string) {
		t.Helper()
		status, answer := s.dev.ask(t, http.MethodPut, "/api/v1/world", "application/yaml",
			fmt.Appendf(nil, "version: 1\npolicies: [{account: %q, name: Written, document: %s}]\n", victimAccount, encode(doc)))
		return status, string(answer)
	}
	for _, c := range []struct{ name, guard, document, problem string }{
		{"an effect twice", reader, document(`{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}`), "stands twice"},
		{"an effect twice, once escaped", reader, document(`{"Effect":"Deny","\u0045ffect":"Allow","Action":"*","Resource":"*"}`), "stands twice"},
		{"two statements", reader, `{"Statement":[],"Statement":[` + allow(everything) + `]}`, "stands twice"},
		{"an effect in lower case", parser, document(`{"effect":"Deny","Action":"*","Resource":"*"}`), "did you mean Effect?"},
		{"an effect that is not one", parser, document(`{"Effect":"deny","Action":"*","Resource":"*"}`), "Allow"},
		{"the Kelvin sign in a service", parser + ":checkAction", document(allow(`"aws-mar\u212aetplace:*"`)), "is not valid"},
		{"full-width letters as they are", text, document(allow(`"aws-marketplace:` + "\uff32" + `esolveCustomer"`)), "cannot stand in a policy document"},
		{"a byte order mark", text, "\ufeff" + document(allow(everything)), ""},
		{"a control character", text, document(allow(`"aws-marketplace:` + "\x00" + `*"`)), ""},
		{"half of a surrogate pair", "internal/iam/json.go", document(allow(`"aws-marketplace:*"`, condition("StringEquals", agent, `"\ud800"`))), "surrogate"},
		{"Action and NotAction", parser + ":either", document(`{"Effect":"Deny","Action":"s3:*","NotAction":"*","Resource":"*"}`), "cannot stand beside"},
		{"a wildcard within a service", parser + ":checkAction", document(allow(`"aws-*:ResolveCustomer"`)), "is not valid"},
		{"two colons", parser + ":checkAction", document(allow(`"x:aws-marketplace:*"`)), "only one colon"},
		{"an unknown operator", "internal/iam/operator.go:parseOperator", document(deny(everything, condition("stringequals", agent, `"x"`))), "is not a condition operator"},
		{"a variable without an end", "internal/iam/pattern.go:readVariable", document(allow(everything, condition("StringLike", agent, `"${aws:username"`))), "closing brace"},
		{"a principal", parser, document(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`), "principal"},
		{"something behind the end", "internal/iam/json.go:readDocument", document(deny(everything)) + document(allow(everything)), "follows the end"},
		{"depth", "internal/iam/json.go:value", `{"Statement":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, "nested too deeply"},
		{"10,241 characters", text, long(10241), "more than 10240 characters"},
		{"a megabyte", text, document(allow(everything)) + strings.Repeat(" ", 1<<20), "more than 131072"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, answer := put(t, c.document); status != http.StatusUnprocessableEntity || !strings.Contains(answer, c.problem) {
				t.Errorf("want 422 with %q, got %d %.500s\nguard: %s", c.problem, status, answer, c.guard)
			}
		})
	}
	for name, doc := range map[string]string{"plain": document(allow(everything)), "6,145 characters": long(6145), "10,240 characters": long(10240)} {
		if status, answer := put(t, doc); status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}
