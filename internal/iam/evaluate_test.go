package iam

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	pageLogic    = "Policy evaluation logic"
	pageBoundary = "Permissions boundaries for IAM entities"
	pageAction   = "IAM JSON policy elements: Action"
	pageNot      = "IAM JSON policy elements: NotAction"
	pageResource = "IAM JSON policy elements: Resource"
	pageNotRes   = "IAM JSON policy elements: NotResource"
	pageDenied   = "Troubleshoot access denied error messages"
)

func TestActionAndResource(t *testing.T) {
	const topic = "arn:aws:sns:us-east-1:111122223333:topic"
	for _, c := range []struct {
		page      string
		statement string // what stands beside Effect
		action    string
		resource  string
		want      bool
	}{
		{pageAction, `"Action":"*","Resource":"*"`, "a:b", "*", true},
		{pageAction, `"Action":"*:*","Resource":"*"`, "a:b", "*", true},
		{pageAction, `"Action":"aws-marketplace:ResolveCustomer","Resource":"*"`, "aws-marketplace:ResolveCustomer", "*", true},
		{pageAction, `"Action":"AWS-marketplace:resolveCUSTOMER","Resource":"*"`, "aws-marketplace:ResolveCustomer", "*", true},
		{pageAction, `"Action":"aws-marketplace:Resolve","Resource":"*"`, "aws-marketplace:ResolveCustomer", "*", false},
		{pageAction, `"Action":["aws-marketplace:*Usage","aws-marketplace:Get?ntitlements"],"Resource":"*"`, "aws-marketplace:GetEntitlements", "*", true},
		{pageAction, `"Action":["aws-marketplace:*Usage"],"Resource":"*"`, "aws-marketplace:BatchMeterUsage", "*", true},
		{pageAction, `"Action":["aws-marketplace:*Usage"],"Resource":"*"`, "aws-marketplace:ResolveCustomer", "*", false},
		{pageAction, `"Action":"meteringmarketplace:*","Resource":"*"`, "aws-marketplace:ResolveCustomer", "*", false},
		{pageNot, `"NotAction":"iam:*","Resource":"*"`, "aws-marketplace:ResolveCustomer", "*", true},
		{pageNot, `"NotAction":["iam:*","AWS-MARKETPLACE:*"],"Resource":"*"`, "aws-marketplace:ResolveCustomer", "*", false},

		// An action without resources is asked for "*", which only "*" covers.
		{pageResource, `"Action":"*","Resource":"arn:aws:sns:*:*:*"`, "a:b", "*", false},
		{pageResource, `"Action":"*","Resource":["arn:aws:sns:*:*:*","*"]`, "a:b", "*", true},
		{pageResource, `"Action":"*","Resource":"arn:aws:sns:us-east-1:111122223333:topic"`, "a:b", topic, true},
		{pageResource, `"Action":"*","Resource":"arn:aws:sns:us-east-1:111122223333:Topic"`, "a:b", topic, false},
		{pageResource, `"Action":"*","Resource":"arn:aws:sns:*:111122223333:t?pic"`, "a:b", topic, true},
		{pageResource, `"Action":"*","Resource":"arn:aws:sns:us-east-1:*"`, "a:b", topic, true}, // the last star goes on past the colon
		{pageResource, `"Action":"*","Resource":"arn:aws:sns"`, "a:b", topic, true},             // the rest is stars
		{pageResource, `"Action":"*","Resource":"arn:aws:sqs"`, "a:b", topic, false},
		{pageResource, `"Action":"*","Resource":"arn:aws*:sns:*:*:*"`, "a:b", topic, true},
		{pageNotRes, `"Action":"*","NotResource":"arn:aws:sns:*:*:*"`, "a:b", topic, false},
		{pageNotRes, `"Action":"*","NotResource":"arn:aws:sns:*:*:*"`, "a:b", "*", true},
		{pageNotRes, `"Action":"*","NotResource":["arn:aws:sqs:*:*:*"]`, "a:b", topic, true},
		{pageNotRes, `"Action":"*","NotResource":"*"`, "a:b", topic, false},

		{pageVariables, `"Action":"*","Resource":"arn:aws:sns:us-east-1:111122223333:${k}"`, "a:b", topic, true},
		{pageVariables, `"Action":"*","Resource":"arn:aws:sns:*:*:${k}"`, "a:b", topic, true},
		{pageVariables, `"Action":"*","Resource":"arn:aws:sns:*:*:${missing}"`, "a:b", topic, false},
		{pageVariables, `"Action":"*","Resource":"arn:aws:sns:*:*:${missing, 'topic'}"`, "a:b", topic, true},
		{pageVariables, `"Action":"*","Resource":["arn:aws:sns:*:*:${missing}","*"]`, "a:b", topic, true},
		{pageVariables, `"Action":"*","Resource":"arn:aws:sns:*:*:${star}"`, "a:b", topic, false}, // a value is no pattern
		{pageVariables, `"Action":"*","NotResource":"arn:aws:sns:*:*:${missing}"`, "a:b", topic, false},
	} {
		g := grantsOf(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow",`+c.statement+`}}`)
		r := &Request{Action: c.action, Resource: c.resource, Context: contextOf(keys{"k": {"topic"}, "star": {"*"}})}
		if got := Evaluate(g, r).Allowed; got != c.want {
			t.Errorf("%s for %s on %s: %v (%s)", c.statement, c.action, c.resource, got, c.page)
		}
	}
}

func TestEvaluationLogic(t *testing.T) {
	const action, arn = "aws-marketplace:ResolveCustomer", "arn:aws:iam::111122223333:user/ann"
	parse := func(name, effect, action string) Attached {
		doc := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"other:*","Resource":"*"},
			{"Sid":"Main","Effect":%q,"Action":%q,"Resource":"*"}]}`, effect, action)
		return Attached{Name: name, Policy: mustParse(t, doc)}
	}
	allow := func(name string) Attached { return parse(name, "Allow", "aws-marketplace:*") }
	deny := func(name string) Attached { return parse(name, "Deny", "aws-marketplace:Resolve*") }
	silent := func(name string) Attached { return parse(name, "Allow", "aws-marketplace:MeterUsage") }
	list := func(a ...Attached) []Attached { return a }
	ref := func(a Attached) *Attached { return &a }

	const (
		noIdentity = "User: " + arn + " is not authorized to perform: " + action + " because no identity-based policy allows the " + action + " action"
		noBoundary = "User: " + arn + " is not authorized to perform: " + action + " because no permissions boundary allows the " + action + " action"
		noSession  = "User: " + arn + " is not authorized to perform: " + action + " because no session policy allows the " + action + " action"
		inIdentity = "User: " + arn + " is not authorized to perform: " + action + " with an explicit deny in an identity-based policy"
		inBoundary = "User: " + arn + " is not authorized to perform: " + action + " with an explicit deny in a permissions boundary"
		inSession  = "User: " + arn + " is not authorized to perform: " + action + " with an explicit deny in a session policy"
	)
	allowedBy := func(name string) Decision {
		return Decision{Allowed: true, Effect: Allow, Kind: Identity, Policy: name, Sid: "Main", Statement: 1}
	}
	deniedBy := func(k Kind, name string) Decision {
		return Decision{Effect: Deny, Kind: k, Policy: name, Sid: "Main", Statement: 1}
	}
	implicit := func(k Kind) Decision { return Decision{Kind: k, Statement: -1} }
	root := Decision{Allowed: true, Effect: Allow, Kind: Root, Statement: -1}

	for _, c := range []struct {
		name, page string
		grants     Grants
		want       Decision
		why        string
		message    string
	}{
		{"nothing", pageLogic, Grants{}, implicit(Identity), "no identity-based policy allows the action", noIdentity},
		{"nothing that fits", pageLogic, Grants{Identity: list(silent("S"))}, implicit(Identity), "no identity-based policy allows the action", noIdentity},
		{"allow", pageLogic, Grants{Identity: list(silent("S"), allow("A"))}, allowedBy("A"), `allowed by statement 1 (Sid "Main") of policy "A"`, ""},
		{"the first that allows", pageLogic, Grants{Identity: list(allow("A"), allow("B"))}, allowedBy("A"), `allowed by statement 1 (Sid "Main") of policy "A"`, ""},
		{"deny wins", pageLogic, Grants{Identity: list(allow("A"), deny("D"))}, deniedBy(Identity, "D"),
			`explicitly denied by statement 1 (Sid "Main") of identity-based policy "D"`, inIdentity},
		{"deny wins from the front", pageLogic, Grants{Identity: list(deny("D"), allow("A"))}, deniedBy(Identity, "D"),
			`explicitly denied by statement 1 (Sid "Main") of identity-based policy "D"`, inIdentity},
		{"no policy behind a name", pageLogic, Grants{Identity: list(Attached{Name: "A"})}, implicit(Identity), "no identity-based policy allows the action", noIdentity},

		{"boundary allows", pageBoundary, Grants{Identity: list(allow("A")), Boundary: ref(allow("B"))}, allowedBy("A"), `allowed by statement 1 (Sid "Main") of policy "A"`, ""},
		{"boundary is silent", pageBoundary, Grants{Identity: list(allow("A")), Boundary: ref(silent("B"))}, implicit(Boundary), "no permissions boundary allows the action", noBoundary},
		{"boundary denies", pageBoundary, Grants{Identity: list(allow("A")), Boundary: ref(deny("B"))}, deniedBy(Boundary, "B"),
			`explicitly denied by statement 1 (Sid "Main") of permissions boundary "B"`, inBoundary},
		{"boundary grants nothing", pageBoundary, Grants{Boundary: ref(allow("B"))}, implicit(Identity), "no identity-based policy allows the action", noIdentity},
		{"boundary denies what nobody allows", pageBoundary, Grants{Boundary: ref(deny("B"))}, deniedBy(Boundary, "B"),
			`explicitly denied by statement 1 (Sid "Main") of permissions boundary "B"`, inBoundary},
		{"boundary without a policy", pageBoundary, Grants{Identity: list(allow("A")), Boundary: &Attached{Name: "B"}}, implicit(Boundary), "no permissions boundary allows the action", noBoundary},

		{"session allows", pageLogic, Grants{Identity: list(allow("A")), Session: list(silent("S"), allow("T"))}, allowedBy("A"), `allowed by statement 1 (Sid "Main") of policy "A"`, ""},
		{"session is silent", pageLogic, Grants{Identity: list(allow("A")), Session: list(silent("S"))}, implicit(Session), "no session policy allows the action", noSession},
		{"session denies", pageLogic, Grants{Identity: list(allow("A")), Boundary: ref(silent("B")), Session: list(allow("S"), deny("T"))}, deniedBy(Session, "T"),
			`explicitly denied by statement 1 (Sid "Main") of session policy "T"`, inSession},
		{"session grants nothing", pageLogic, Grants{Session: list(allow("S"))}, implicit(Identity), "no identity-based policy allows the action", noIdentity},
		{"boundary is named before session", pageLogic, Grants{Identity: list(allow("A")), Boundary: ref(silent("B")), Session: list(silent("S"))}, implicit(Boundary), "no permissions boundary allows the action", noBoundary},

		{"root", pageLogic, Grants{Root: true}, root, "allowed: the account's root user needs no policy", ""},
		{"root has no boundary", pageBoundary, Grants{Root: true, Identity: list(deny("D")), Boundary: ref(deny("B"))}, root, "allowed: the account's root user needs no policy", ""},
		{"root in a session", pageLogic, Grants{Root: true, Session: list(silent("S"))}, implicit(Session), "no session policy allows the action", noSession},
		{"root denied by a session", pageLogic, Grants{Root: true, Session: list(deny("S"))}, deniedBy(Session, "S"),
			`explicitly denied by statement 1 (Sid "Main") of session policy "S"`, inSession},
	} {
		got := Evaluate(&c.grants, &Request{Action: action, Resource: "*"})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (%s): -want +got\n%s", c.name, c.page, diff)
		}
		if why := got.Why(); why != c.why {
			t.Errorf("%s: why %q, want %q", c.name, why, c.why)
		}
		if message := got.DeniedMessage(arn, action); message != c.message {
			t.Errorf("%s (%s):\n got %q\nwant %q", c.name, pageDenied, message, c.message)
		}
	}
}

func TestWhyWithoutSid(t *testing.T) {
	d := Evaluate(grantsOf(t, allowMarketplace), &Request{Action: "aws-marketplace:MeterUsage", Resource: "*"})
	if want := `allowed by statement 0 of policy "P"`; d.Why() != want {
		t.Errorf("got %q, want %q", d.Why(), want)
	}
}

// TestContextIsAskedLazily: values may be dear to make, and only what a statement needs is to be made.
func TestContextIsAskedLazily(t *testing.T) {
	g := grantsOf(t, `{"Statement":[
		{"Effect":"Deny","Action":"other:*","Resource":"*","Condition":{"Bool":{"a":"true"}}},
		{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"B":"1"},"Null":{"c":"true"}}},
		{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"d":"true"}}}]}`)
	var asked []string
	d := Evaluate(g, &Request{Action: "x:y", Resource: "*", Context: func(key string) ([]string, bool) {
		asked = append(asked, key)
		return []string{"1"}, key == "b"
	}})
	if !d.Allowed || strings.Join(asked, " ") != "b c" {
		t.Errorf("%s; asked for %q, want b and c", d.Why(), asked)
	}
}
