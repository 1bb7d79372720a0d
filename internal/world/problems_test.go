package world

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

func problems(err error) []string {
	var e *market.Error
	if !errors.As(err, &e) {
		return []string{fmt.Sprint(err)}
	}
	var out []string
	for _, p := range e.Problems {
		out = append(out, p.String())
	}
	return out
}

func problemText(err error) string { return strings.Join(problems(err), "\n") }

func firstProblem(t *testing.T, src string) string {
	t.Helper()
	_, err := Parse([]byte(src))
	if market.CodeOf(err) != market.Invalid {
		t.Fatalf("Parse answered %v, want an error with the code Invalid", err)
	}
	return problems(err)[0]
}

const product = "products:\n- code: c\n  seller: 111122223333\n  kind: legacy\n"

const entitled = product + "  dimensions:\n  - {key: i, kind: entitled}\n  - {key: d, kind: entitled, type: double}\n  - {key: b, kind: entitled, type: boolean}\n" +
	"  - {key: s, kind: entitled, type: string}\n  - {key: m, kind: metered}\n  - {key: a b, kind: entitled}\n" +
	"agreements:\n- buyer: 111122223333\n  product: c\n  entitlements: "

func TestProblems(t *testing.T) {
	tests := map[string]struct{ src, want string }{
		"empty":            {"", `line 1: file: is empty`},
		"comments only":    {"# nothing\n", `line 1: file: is empty`},
		"null":             {"---\n", `line 1: file: must be a mapping, not ""`},
		"list":             {"- a\n", `line 1: file: must be a mapping, not a list`},
		"text":             {"a\n", `line 1: file: must be a mapping, not "a"`},
		"two documents":    {"version: 1\n---\nversion: 1\n", `line 2: file: holds a second document; a world is one`},
		"not UTF-8":        {"version: 1\naccounts: \"\xff\"\n", `line 2: file: is not UTF-8 text`},
		"control char":     {"version: 1\n#\naccounts: \x01\n", `line 3: file: is not YAML: control characters are not allowed`},
		"bad indent":       {"version: 1\naccounts:\n  - id: 1\n   name: x\n", `line 4: file: is not YAML: did not find expected '-' indicator`},
		"bad indent later": {"version: 1\naccounts:\n  - id: 1\n   name: x\nusers:\n  - name: y\n  - name: z\n", `line 4: file: is not YAML: did not find expected '-' indicator`},
		"value after quote": {"version: 1\naccounts: 'x' y\nusers: []\n",
			`line 2: file: is not YAML: did not find expected key`},
		"bracket":   {"version: 1\naccounts: [1, 2\nusers: 3\n", `line 2: file: is not YAML: did not find expected ',' or ']'`},
		"bare star": {"version: 1\nusers: *\n", `line 2: file: is not YAML: did not find expected alphabetic or numeric character (a "*" or "&" that is text wants quotes)`},
		"no anchor": {"version: 1\nusers: *who\n", `line 2: file: is not YAML: alias *who stands for an anchor that does not stand before it`},

		"version":         {"version: 2\n", `line 1: version: must be 1, the only version there is, not 2`},
		"version text":    {"version: one\n", `line 1: version: must be a whole number, not "one"`},
		"unknown key":     {"version: 1\nprodcuts: []\n", `line 2: prodcuts: is not a key here; did you mean "products"?`},
		"strange key":     {"version: 1\n\"a b\": []\n", `line 2: ["a b"]: is not a key here; these are: version, accounts, policies, users, roles, products, customers, agreements`},
		"duplicate key":   {"version: 1\nusers: []\nusers: []\n", `line 3: users: this key stands twice here, first in line 2`},
		"key no text":     {"[a]: 1\n", `line 1: ["?"]: a key must be text, not a list`},
		"not a list":      {"accounts: {}\n", `line 1: accounts: must be a list, not a mapping`},
		"not a mapping":   {"accounts:\n- 111122223333\n", `line 2: accounts[0]: must be a mapping, not "111122223333"`},
		"tagged list":     {"accounts: !set []\n", `line 1: accounts: must be a list, not a list tagged !set`},
		"tagged text":     {"accounts:\n- id: !secret x\n", `line 2: accounts[0].id: has the tag !secret, which means nothing here`},
		"binary":          {"accounts:\n- id: !!binary /w==\n", `line 2: accounts[0].id: has the tag !!binary, which means nothing here`},
		"merge of a text": {"accounts:\n- <<: x\n  id: 111122223333\n", `line 2: accounts[0].<<: must be a mapping to merge, or a list of them, not "x"`},

		"account id":        {"accounts:\n- id: 1111\n", `line 2: accounts[0].id: must be twelve digits, not "1111"`},
		"account id gone":   {"accounts:\n- name: x\n", `line 2: accounts[0].id: is missing`},
		"account id null":   {"accounts:\n- name: x\n  id:\n", `line 3: accounts[0].id: is missing`},
		"account id list":   {"accounts:\n- id: [1]\n", `line 2: accounts[0].id: must be text, not a list`},
		"account twice":     {"accounts:\n- id: 111122223333\n- name: x\n  id: 111122223333\n", `line 4: accounts[1].id: account "111122223333" stands twice in this file, first in line 2`},
		"flag yes":          {"accounts:\n- id: 111122223333\n  seller: yes\n", `line 3: accounts[0].seller: must be true or false, not "yes"`},
		"flag quoted":       {"accounts:\n- id: 111122223333\n  seller: \"true\"\n", `line 3: accounts[0].seller: must be true or false without quotes, not "true"`},
		"text bool":         {"accounts:\n- id: 111122223333\n  name: true\n", `line 3: accounts[0].name: must be text; "true" wants quotes to be text`},
		"account key twice": {"accounts:\n- id: 111122223333\n  id: 111122223333\n", `line 3: accounts[0].id: this key stands twice here, first in line 2`},

		"policy name":         {"policies:\n- account: 111122223333\n  name: a b\n  document: '{}'\n", `line 3: policies[0].name: must be 1 to 128 characters of [A-Za-z0-9_+=,.@-], not "a b"`},
		"policy without":      {"policies:\n- account: 111122223333\n  name: a\n", `line 2: policies[0].document: is missing`},
		"policy list":         {"policies:\n- account: 111122223333\n  name: a\n  document: []\n", `line 4: policies[0].document: must be a policy document, as a mapping or as text that holds JSON, not a list`},
		"user without":        {"users:\n- name: a\n", `line 2: users[0].account: is missing`},
		"user twice":          {"users:\n- {account: 111122223333, name: a}\n- {account: 222222222222, name: a}\n- {account: 111122223333, name: a}\n", `line 4: users[2].name: user "arn:aws:iam::111122223333:user/a" stands twice in this file, first in line 2`},
		"attached number":     {"users:\n- account: 111122223333\n  name: a\n  attached:\n  - x\n  - [y]\n", `line 6: users[0].attached[1]: must be text, not a list`},
		"attached twice":      {"users:\n- account: 111122223333\n  name: a\n  attached: [x, y, x]\n", `line 4: users[0].attached[2]: attached policy "x" stands twice in this file, first in line 4`},
		"attached empty":      {"users:\n- account: 111122223333\n  name: a\n  attached: ['']\n", `line 4: users[0].attached[0]: must name a policy, or be its ARN`},
		"role with keys":      {"roles:\n- account: 111122223333\n  name: a\n  access_keys: []\n", `line 4: roles[0].access_keys: is not a key here; these are: account, name, policies, attached, boundary, workload, workload_region`},
		"role twice":          {"roles:\n- {account: 111122223333, name: a}\n- {account: 111122223333, name: a}\n", `line 3: roles[1].name: role "arn:aws:iam::111122223333:role/a" stands twice in this file, first in line 2`},
		"inline twice":        {"roles:\n- account: 111122223333\n  name: a\n  policies:\n  - name: p\n    document: &d {Version: 2012-10-17, Statement: {Effect: Allow, Action: '*', Resource: '*'}}\n  - name: p\n    document: *d\n", `line 7: roles[0].policies[1].name: inline policy "p" stands twice in this file, first in line 5`},
		"key id":              {"users:\n- account: 111122223333\n  name: a\n  access_keys:\n  - id: short\n", `line 5: users[0].access_keys[0].id: must be 16 to 128 characters of [A-Za-z0-9_], not "short"`},
		"key temporary":       {"users:\n- account: 111122223333\n  name: a\n  access_keys:\n  - id: ASIA0000000000000000\n", `line 5: users[0].access_keys[0].id: begins with ASIA, which is for temporary keys`},
		"key secret":          {"users:\n- account: 111122223333\n  name: a\n  access_keys:\n  - id: AKIA0000000000000000\n    secret: tooshort\n", `line 6: users[0].access_keys[0].secret: must have 16 to 128 characters, not 8`},
		"key across owners":   {"accounts:\n- id: 111122223333\n  access_keys: [{id: AKIA0000000000000000}]\nusers:\n- account: 111122223333\n  name: a\n  access_keys:\n  - id: AKIA0000000000000000\n", `line 8: users[0].access_keys[0].id: access key "AKIA0000000000000000" stands twice in this file, first in line 3`},
		"policy twice":        {"policies:\n- &p {account: 111122223333, name: a, document: {Version: 2012-10-17, Statement: {Effect: Allow, Action: '*', Resource: '*'}}}\n- *p\n", `line 3: policies[1].name: policy "arn:aws:iam::111122223333:policy/a" stands twice in this file, first in line 2`},
		"product code":        {"products:\n- code: a b\n  seller: 111122223333\n  kind: legacy\n", `line 2: products[0].code: must be 1 to 255 characters of [-a-zA-Z0-9/=:_.@], not "a b"`},
		"product code step":   {"products:\n- code: ..\n  seller: 111122223333\n  kind: legacy\n", `line 2: products[0].code: must not be ".."`},
		"product kind":        {"products:\n- code: c\n  seller: 111122223333\n  kind: legcy\n", `line 4: products[0].kind: must be "legacy" or "concurrent-agreements", not "legcy"`},
		"product kind gone":   {"products:\n- code: c\n  seller: 111122223333\n", `line 2: products[0].kind: is missing`},
		"product id":          {product + "  id: prod_1\n", `line 5: products[0].id: must be 1 to 64 characters of [-a-zA-Z0-9], not "prod_1"`},
		"product twice":       {product + "- code: c\n  seller: 111122223333\n  kind: legacy\n", `line 5: products[1].code: product "c" stands twice in this file, first in line 2`},
		"product id twice":    {product + "  id: p\n- code: d\n  seller: 111122223333\n  kind: legacy\n  id: p\n", `line 9: products[1].id: product id "p" stands twice in this file, first in line 5`},
		"url":                 {product + "  registration_url: example.com/x\n", `line 5: products[0].registration_url: must be an absolute http or https URL of at most 2048 characters, not "example.com/x"`},
		"life":                {product + "  token_life: 4 hours\n", `line 5: products[0].token_life: must be a duration such as 4h or 90m, not "4 hours"`},
		"life short":          {product + "  token_life: 1ms\n", `line 5: products[0].token_life: must be whole seconds, from 1s to 168h, not 1ms`},
		"life long":           {product + "  token_life: 169h\n", `line 5: products[0].token_life: must be whole seconds, from 1s to 168h, not 169h`},
		"reuse":               {product + "  token_reuse: Single\n", `line 5: products[0].token_reuse: must be "replay" or "single", not "Single"`},
		"dimension key":       {product + "  dimensions:\n  - kind: metered\n    key: ''\n", `line 7: products[0].dimensions[0].key: must have 1 to 255 characters, not 0`},
		"dimension twice":     {product + "  dimensions:\n  - {kind: metered, key: a}\n  - {kind: entitled, key: a}\n", `line 7: products[0].dimensions[1].key: dimension "a" stands twice in this file, first in line 6`},
		"dimension kind":      {product + "  dimensions:\n  - {kind: counted, key: a}\n", `line 6: products[0].dimensions[0].kind: must be "metered" or "entitled", not "counted"`},
		"offer kind":          {product + "  offers:\n  - kind: secret\n", `line 6: products[0].offers[0].kind: must be "public", "private" or "free-trial", not "secret"`},
		"offer days":          {product + "  offers:\n  - kind: free-trial\n    trial_days: 6\n", `line 7: products[0].offers[0].trial_days: must be from 7 to 90, not 6`},
		"offer days many":     {product + "  offers:\n  - kind: free-trial\n    trial_days: 91\n", `line 7: products[0].offers[0].trial_days: must be from 7 to 90, not 91`},
		"offer days text":     {product + "  offers:\n  - kind: free-trial\n    trial_days: '14'\n", `line 7: products[0].offers[0].trial_days: must be a whole number, not "14"`},
		"offer days gone":     {product + "  offers:\n  - kind: free-trial\n", `line 6: products[0].offers[0].trial_days: is missing: a free trial lasts from 7 to 90 days`},
		"offer days public":   {product + "  offers:\n  - kind: public\n    trial_days: 14\n", `line 7: products[0].offers[0].trial_days: only a free trial has a length`},
		"offer twice":         {product + "  offers:\n  - {kind: public, id: o}\n  - {kind: public, id: o}\n", `line 7: products[0].offers[1].id: offer "o" stands twice in this file, first in line 6`},
		"offer same terms":    {product + "  offers:\n  - {kind: public}\n  - {kind: public}\n", `line 7: products[0].offers[1]: is the same offer as the one in line 6, of the same kind and name; two offers want ids or names of their own`},
		"agreement without":   {"agreements:\n- buyer: 111122223333\n", `line 2: agreements[0].product: is missing`},
		"agreement status":    {"agreements:\n- buyer: 111122223333\n  product: c\n  status: active\n", `line 4: agreements[0].status: must be "ACTIVE", "CANCELLED", "EXPIRED", "TERMINATED", "REPLACED" or "RENEWED", not "active"`},
		"agreement license":   {"agreements:\n- buyer: 111122223333\n  product: c\n  license_arn: x\n", `line 4: agreements[0].license_arn: must be an ARN such as arn:aws:license-manager::294406891311:license:l-…, not "x"`},
		"agreement twice":     {"agreements:\n- {buyer: 111122223333, product: c, id: a}\n- {buyer: 111122223333, product: c, id: a}\n", `line 3: agreements[1].id: agreement "a" stands twice in this file, first in line 2`},
		"license twice":       {"agreements:\n- {buyer: 111122223333, product: c, license_arn: 'arn:aws:a:::b'}\n- {buyer: 111122223333, product: c, license_arn: 'arn:aws:a:::b'}\n", `line 3: agreements[1].license_arn: license "arn:aws:a:::b" stands twice in this file, first in line 2`},
		"offer of another":    {product + "  offers: [{kind: public, id: o}]\nagreements:\n- buyer: 111122223333\n  product: d\n  offer: o\n", `line 9: agreements[0].offer: is an offer of product "c", in line 5`},
		"offer not a trial":   {product + "  offers: [{kind: public, id: o}]\nagreements:\n- buyer: 111122223333\n  product: c\n  offer: o\n  free_trial: true\n", `line 10: agreements[0].free_trial: offer "o" is a public one, in line 5, and not a free trial`},
		"customer without":    {"customers:\n- account: 111122223333\n", `line 2: customers[0].identifier: is missing`},
		"customer unprinted":  {"customers:\n- account: 111122223333\n  identifier: \"a\\tb\"\n", `line 3: customers[0].identifier: must be 1 to 255 printable characters of ASCII, not "a\tb"`},
		"customer long":       {"customers:\n- account: 111122223333\n  identifier: " + strings.Repeat("x", 256) + "\n", `line 3: customers[0].identifier: must be 1 to 255 printable characters of ASCII, not "` + strings.Repeat("x", 60) + `…"`},
		"customer twice":      {"customers:\n- {account: 111122223333, identifier: a}\n- {account: 111122223333, identifier: b}\n", `line 3: customers[1].account: customer "111122223333" stands twice in this file, first in line 2`},
		"identifier twice":    {"customers:\n- {account: 111122223333, identifier: a}\n- {account: 222222222222, identifier: a}\n", `line 3: customers[1].identifier: CustomerIdentifier "a" stands twice in this file, first in line 2`},
		"created when":        {product + "  created_at: yesterday\n", `line 5: products[0].created_at: must be an instant such as 2026-11-23T12:00:00Z (RFC 3339), not "yesterday"`},
		"a day only":          {"agreements:\n- {buyer: 111122223333, product: c, end_at: 2026-11-23}\n", `line 2: agreements[0].end_at: must be an instant such as 2026-11-23T12:00:00Z (RFC 3339), not "2026-11-23"`},
		"before the years":    {"agreements:\n- {buyer: 111122223333, product: c, accepted_at: 1970-01-01T00:59:59+01:00}\n", `line 2: agreements[0].accepted_at: must be in the years 1970 to 9999, not "1970-01-01T00:59:59+01:00"`},
		"after the years":     {"agreements:\n- {buyer: 111122223333, product: c, end_at: 9999-12-31T23:59:59-01:00}\n", `line 2: agreements[0].end_at: must be in the years 1970 to 9999, not "9999-12-31T23:59:59-01:00"`},
		"ends before":         {"agreements:\n- buyer: 111122223333\n  product: c\n  end_at: 2026-11-23T12:00:00Z\n  start_at: 2026-11-23T12:00:00.001Z\n", `line 4: agreements[0].end_at: is before start_at, in line 5`},
		"offer private":       {product + "  offers:\n  - kind: private\n", `line 6: products[0].offers[0].buyers: is missing: which accounts may accept the offer, which is private?`},
		"offer buyers":        {product + "  offers:\n  - kind: public\n    buyers: [111122223333]\n", `line 7: products[0].offers[0].buyers: only a private offer is for some buyers`},
		"offer buyer":         {product + "  offers:\n  - kind: private\n    buyers:\n    - 1\n", `line 8: products[0].offers[0].buyers[0]: must be twelve digits, not "1"`},
		"offer buyer twice":   {product + "  offers:\n  - kind: private\n    buyers:\n    - 111122223333\n    - 111122223333\n", `line 9: products[0].offers[0].buyers[1]: buyer "111122223333" stands twice in this file, first in line 8`},
		"offer pricing":       {product + "  offers:\n  - kind: public\n    pricing: free\n", `line 7: products[0].offers[0].pricing: must be "usage", "contract" or "contract-with-consumption", not "free"`},
		"offer days private":  {product + "  offers:\n  - {kind: private, buyers: [111122223333], trial_days: 14}\n", `line 6: products[0].offers[0].trial_days: only a free trial has a length`},
		"offer term":          {product + "  offers:\n  - kind: public\n    term_months: 61\n", `line 7: products[0].offers[0].term_months: must be from 1 to 60, not 61`},
		"offer term none":     {product + "  offers:\n  - kind: public\n    term_months: 0\n", `line 7: products[0].offers[0].term_months: must be from 1 to 60, not 0`},
		"offer term trial":    {product + "  offers:\n  - kind: free-trial\n    trial_days: 7\n    term_months: 1\n", `line 8: products[0].offers[0].term_months: a free trial lasts trial_days, not months`},
		"dimension type":      {product + "  dimensions:\n  - {kind: entitled, key: a, type: text}\n", `line 6: products[0].dimensions[0].type: must be "integer", "double", "boolean" or "string", not "text"`},
		"dimension metered":   {product + "  dimensions:\n  - kind: metered\n    key: a\n    type: integer\n", `line 8: products[0].dimensions[0].type: only an entitled dimension has one: usage is always an integer`},
		"entitlement list":    {entitled + "[a]\n", `line 15: agreements[0].entitlements: must be a mapping from dimensions to their values, not a list`},
		"entitlement gone":    {entitled + "\n    z: 1\n", `line 16: agreements[0].entitlements.z: the product has no dimension "z"`},
		"entitlement used":    {entitled + "\n    m: 1\n", `line 16: agreements[0].entitlements.m: dimension "m" is metered: nobody is entitled to it`},
		"entitlement twice":   {entitled + "\n    i: 1\n    i: 2\n", `line 17: agreements[0].entitlements.i: this key stands twice here, first in line 16`},
		"entitlement -1":      {entitled + "\n    i: -1\n", `line 16: agreements[0].entitlements.i: must be a whole number from 0 to 2147483647, not "-1"`},
		"entitlement 2^31":    {entitled + "\n    i: 2147483648\n", `line 16: agreements[0].entitlements.i: must be a whole number from 0 to 2147483647, not "2147483648"`},
		"entitlement 1.0":     {entitled + "\n    i: 1.0\n", `line 16: agreements[0].entitlements.i: must be a whole number from 0 to 2147483647, not "1.0"`},
		"entitlement .nan":    {entitled + "\n    d: .nan\n", `line 16: agreements[0].entitlements.d: must be a number, not ".nan"`},
		"entitlement 1e999":   {entitled + "\n    d: 1e999\n", `line 16: agreements[0].entitlements.d: must be a number, not "1e999"`},
		"entitlement yes":     {entitled + "\n    b: yes\n", `line 16: agreements[0].entitlements.b: must be true or false, not "yes"`},
		"entitlement true":    {entitled + "\n    s: true\n", `line 16: agreements[0].entitlements.s: must be text; "true" wants quotes to be text`},
		"entitlement empty":   {entitled + "\n    s: ''\n", `line 16: agreements[0].entitlements.s: must have 1 to 1024 characters, not 0`},
		"entitlement deep":    {entitled + "\n    \"a b\": {}\n", `line 16: agreements[0].entitlements["a b"]: must be a value, not a mapping`},
		"agreement term":      {"agreements:\n- {buyer: 111122223333, product: c, term_months: 1.5}\n", `line 2: agreements[0].term_months: must be a whole number, not "1.5"`},
		"agreement intent":    {"agreements:\n- {buyer: 111122223333, product: c, intent: renew}\n", `line 2: agreements[0].intent: must be "NEW", "RENEW" or "REPLACE", not "renew"`},
		"follows nothing":     {"agreements:\n- {buyer: 111122223333, product: c, intent: RENEW}\n", `line 2: agreements[0].preceding: is missing: which agreement is it that this one follows?`},
		"follows what":        {"agreements:\n- {buyer: 111122223333, product: c, preceding: a}\n", `line 2: agreements[0].preceding: only an agreement with the intent "RENEW" or "REPLACE" follows another`},
		"follows itself":      {"agreements:\n- {buyer: 111122223333, product: c, id: a, intent: RENEW, preceding: a}\n", `line 2: agreements[0].preceding: is the agreement itself`},
		"suspended perhaps":   {"agreements:\n- {buyer: 111122223333, product: c, suspended: perhaps}\n", `line 2: agreements[0].suspended: must be true, false, or the instant since which it is, such as 2026-11-23T12:00:00Z, not "perhaps"`},
		"private no trial":    {product + "  offers: [{kind: private, id: o, buyers: [111122223333]}]\nagreements:\n- buyer: 111122223333\n  product: c\n  offer: o\n  free_trial: true\n", `line 10: agreements[0].free_trial: offer "o" is a private one, in line 5, and not a free trial`},
		"region, no workload": {"roles:\n- account: 111122223333\n  name: a\n  workload_region: us-east-1\n", `line 4: roles[0].workload_region: only a role with a workload runs in a Region`},
		"no region":           {"roles:\n- account: 111122223333\n  name: a\n  workload: ecs-task\n  workload_region: US\n", `line 5: roles[0].workload_region: must be the name of a Region, such as us-east-1`},
		"workload":            {"roles:\n- account: 111122223333\n  name: a\n  workload: lambda\n", `line 4: roles[0].workload: must be "ecs-task", "eks-pod", "ec2-instance" or "agentcore-runtime", not "lambda"`},
		"value on next line":  {"products:\n- code: c\n  seller: 111122223333\n  kind:\n    legcy\n", `line 5: products[0].kind: must be "legacy" or "concurrent-agreements", not "legcy"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := firstProblem(t, tt.src); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What iam finds in a document is found in the file.
func TestDocumentProblems(t *testing.T) {
	const head = "users:\n- account: 111122223333\n  name: a\n  policies:\n  - name: p\n    document:"
	tests := map[string]struct{ src, place string }{
		"mapping":         {head + "\n      Version: 2012-10-17\n      Statement:\n      - Effect: Allow\n        Action: '*'\n        Resource: '*'\n      - Effect: Perhaps\n        Action: '*'\n        Resource: '*'\n", "line 12: users[0].policies[0].document.Statement[1].Effect: "},
		"one statement":   {head + "\n      Version: 2012-10-17\n      Statement:\n        Action: '*'\n        Effect: Perhaps\n        Resource: '*'\n", "line 10: users[0].policies[0].document.Statement.Effect: "},
		"strange key":     {head + "\n      Version: 2012-10-17\n      Statement:\n        Action: '*'\n        Effect: Allow\n        Resource: '*'\n        Condition:\n          NumericEquals:\n            aws:x.y: 1\n            aws:z:\n            - w\n", "line 16: users[0].policies[0].document.Statement.Condition.NumericEquals[\"aws:z\"][0]: "},
		"literal block":   {head + " |\n      {\"Version\": \"2012-10-17\",\n       \"Statement\": {\"Action\": \"*\",\n         \"Effect\": \"Perhaps\", \"Resource\": \"*\"}}\n", "line 9: users[0].policies[0].document.Statement.Effect: "},
		"one line":        {head + " '{\"Version\": \"2012-10-17\", \"Statement\": {\"Action\": \"*\", \"Effect\": \"Perhaps\", \"Resource\": \"*\"}}'\n", "line 6: users[0].policies[0].document.Statement.Effect: "},
		"no JSON":         {head + " hello\n", "line 6: users[0].policies[0].document: "},
		"duplicate":       {head + "\n      Version: 2012-10-17\n      Version: 2012-10-17\n", "line 8: users[0].policies[0].document.Version: this key stands"},
		"tag":             {head + "\n      Version: !!binary aGk=\n", "line 7: users[0].policies[0].document.Version: has the tag !!binary"},
		"missing element": {head + "\n      Version: 2012-10-17\n", "line 6: users[0].policies[0].document"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := firstProblem(t, tt.src)
			if !strings.HasPrefix(got, tt.place) || len(got) < len(tt.place)+5 {
				t.Errorf("\n got %s\nwant %s…", got, tt.place)
			}
		})
	}
}

// Every finding is told, in the order of the lines.
func TestAllProblems(t *testing.T) {
	_, err := Parse([]byte(`version: 3
products:
  - code: c
    seller: 1
    kind: legcy
    color: red
accounts:
  - id: 2
    seller: maybe
`))
	want := []string{
		`line 1: version: must be 1, the only version there is, not 3`,
		`line 4: products[0].seller: must be twelve digits, not "1"`,
		`line 5: products[0].kind: must be "legacy" or "concurrent-agreements", not "legcy"`,
		`line 6: products[0].color: is not a key here; these are: code, id, seller, title, description, kind, registration_url, token_life, token_reuse, dimensions, offers, created_at`,
		`line 8: accounts[0].id: must be twelve digits, not "2"`,
		`line 9: accounts[0].seller: must be true or false, not "maybe"`,
	}
	if diff := cmp.Diff(want, problems(err)); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
	if got, want := err.Error(), "market: the world file has 6 problems; nothing was changed"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

// A finding in what an alias stands for has the line of the alias.
func TestAliasedProblems(t *testing.T) {
	_, err := Parse([]byte("accounts:\n- &a {id: 1,\n   id: 2}\n- *a\n"))
	want := []string{
		`line 2: accounts[0].id: must be twelve digits, not "1"`,
		`line 3: accounts[0].id: this key stands twice here, first in line 2`,
		`line 4: accounts[1].id: this key stands twice here, first in line 2`,
		`line 4: accounts[1].id: must be twelve digits, not "1"`,
	}
	if diff := cmp.Diff(want, problems(err)); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
}

func TestLocate(t *testing.T) {
	f := mustParse(t, string(full(t)))
	in := []market.Problem{
		{Path: "products[1].seller", Reason: "a"},
		{Path: "products[1]", Reason: "b"},
		{Path: "products[1].title", Reason: "not in the file"},
		{Path: "users[0].policies[0].document", Reason: "c"},
		{Path: "users[0].attached[1]", Reason: "d"},
		{Path: "access_keys[0].id", Reason: "of an account"},
		{Path: "access_keys[2].id", Reason: "of a user"},
		{Path: "access_keys[1].user", Reason: "implied"},
		{Path: "offers[1].kind", Reason: "e"},
		{Path: "offers[2].product", Reason: "implied"},
		{Path: "offers[9].kind", Reason: "nowhere"},
		{Path: "customers[0].created_at", Reason: "g"},
		{Path: "agreements[1].status", Reason: "f"},
		{Path: "agreements[1].status", Line: 7, Reason: "known already"},
		{Path: "agreement agmt-1", Reason: "no path"},
		{Path: "", Reason: "no path"},
	}
	want := []string{
		"line 86: products[1].seller: a",
		"line 85: products[1]: b",
		"line 85: products[1].title: not in the file",
		"line 45: users[0].policies[0].document: c",
		"line 48: users[0].attached[1]: d",
		"line 9: accounts[0].access_keys[0].id: of an account",
		"line 55: users[0].access_keys[1].id: of a user",
		"line 51: users[0].access_keys[0].user: implied",
		"line 83: products[0].offers[1].kind: e",
		"line 97: products[1].offers[0].product: implied",
		"offers[9].kind: nowhere",
		"line 110: customers[0].created_at: g",
		"line 126: agreements[1].status: f",
		"line 7: agreements[1].status: known already",
		"agreement agmt-1: no path",
		": no path",
	}
	before := fmt.Sprint(in)
	var got []string
	for _, p := range f.Locate(in) {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("located differs (-want +got):\n%s", diff)
	}
	if fmt.Sprint(in) != before {
		t.Error("Locate changed the list that it was handed")
	}
}

// Hostile files cost little.
func TestBounds(t *testing.T) {
	bomb := "policies:\n- account: 111122223333\n  name: p\n  document:\n    a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		refs := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", ")
		bomb += fmt.Sprintf("    a%d: &a%d [%s]\n", i, i, refs)
	}
	var wide strings.Builder
	wide.WriteString("accounts:\n- &x {" + strings.Repeat("name: x, ", 100) + "}\n")
	for range 100_000 {
		wide.WriteString("- {<<: *x}\n")
	}
	tests := map[string]struct{ src, want string }{
		"alias bomb":     {bomb, "the file's aliases make it too large"},
		"bomb of text":   {"policies:\n- {account: 111122223333, name: p, document: {a: &a \"" + strings.Repeat("x", 1<<20) + "\", b: [" + strings.Repeat("*a, ", 1000) + "]}}\n", "the file's aliases make it too large"},
		"merge bomb":     {"accounts:\n- &a {" + manyKeys(20_000) + "}\n- {<<: [" + strings.Repeat("*a, ", 20_000) + "]}\n", "has more problems than these"},
		"cycle":          {"policies:\n- account: 111122223333\n  name: p\n  document: &d {a: *d}\n", "anchor &d contains itself"},
		"merge cycle":    {"accounts:\n- &a {id: 111122223333, <<: *a}\n", "anchor &a contains itself"},
		"list cycle":     {"accounts: &a\n- *a\n", "anchor &a contains itself"},
		"deep":           {"policies:\n- account: 111122223333\n  name: p\n  document: {a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}\n", "is nested too deeply: at most 64 levels"},
		"deeper":         {strings.Repeat("[", 1<<20), "exceeded max depth"},
		"many problems":  {"accounts:\n" + strings.Repeat("- {}\n", 500_000), "has more problems than these; reading stopped here"},
		"unknown merges": {wide.String(), "has more problems than these; reading stopped here"},
		"too large":      {strings.Repeat("#", MaxSize+1), "has 4194305 bytes; at most 4194304 are read"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse([]byte(tt.src))
			if got := problemText(err); !strings.Contains(got, tt.want) {
				t.Errorf("problems %.400q do not tell of %q", got, tt.want)
			}
			if n := len(problems(err)); n > MaxProblems+1 {
				t.Errorf("%d problems, at most %d wanted", n, MaxProblems+1)
			}
			t.Logf("%d bytes took %v", len(tt.src), time.Since(start))
		})
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: 1, ", i)
	}
	return b.String()
}
