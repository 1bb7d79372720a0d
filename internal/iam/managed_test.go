package iam

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestManagedPolicies holds the policies to what the "AWS Managed Policy Reference Guide" says that they allow.
func TestManagedPolicies(t *testing.T) {
	actions := []string{
		"aws-marketplace:BatchMeterUsage", "aws-marketplace:GetEntitlements", "aws-marketplace:MeterUsage",
		"aws-marketplace:RegisterUsage", "aws-marketplace:ResolveCustomer", "sts:GetCallerIdentity",
	}
	want := map[string][]string{
		"AWSMarketplaceFullAccess":            actions[:5],
		"AWSMarketplaceGetEntitlements":       {"aws-marketplace:GetEntitlements"},
		"AWSMarketplaceMeteringFullAccess":    {"aws-marketplace:MeterUsage"}, // not ResolveCustomer, not BatchMeterUsage
		"AWSMarketplaceMeteringRegisterUsage": {"aws-marketplace:RegisterUsage"},
		"AdministratorAccess":                 actions,
	}
	names := ManagedNames()
	if !slices.IsSorted(names) || len(names) != len(want) {
		t.Errorf("ManagedNames() = %q", names)
	}
	for _, name := range names {
		arn := "arn:aws:iam::aws:policy/" + name
		a, doc, ok := Managed(name)
		if !ok {
			t.Fatalf("Managed(%q) does not know its own name", name)
		}
		b, _, ok := Managed(arn)
		if !ok || a.Name != arn || b.Name != arn {
			t.Errorf("Managed(%q) is called %q and %q", name, a.Name, b.Name)
		}
		if p := mustParse(t, string(doc)); p.Statements() != a.Policy.Statements() {
			t.Errorf("%s: the document has %d statements, the policy %d", name, p.Statements(), a.Policy.Statements())
		}
		var allowed []string
		for _, action := range actions {
			if Evaluate(&Grants{Identity: []Attached{*a}}, &Request{Action: action, Resource: "*"}).Allowed {
				allowed = append(allowed, action)
			}
		}
		if diff := cmp.Diff(want[name], allowed); diff != "" {
			t.Errorf("%s allows: -want +got\n%s", name, diff)
		}
	}
}

func TestManagedKnowsNoOthers(t *testing.T) {
	for _, name := range []string{
		"", ".", "/", "ReadOnlyAccess", "administratoraccess", "../managed/AdministratorAccess", "AdministratorAccess.json",
		"arn:aws:iam::111122223333:policy/AdministratorAccess", "arn:aws:iam::aws:policy/", "arn:aws:iam::aws:policy/job-function/Billing",
	} {
		if a, _, ok := Managed(name); ok {
			t.Errorf("Managed(%q) = %q", name, a.Name)
		}
	}
}

// TestManagedIsTheCallersOwn: what one caller does to its copy, another does not see.
func TestManagedIsTheCallersOwn(t *testing.T) {
	a, doc, _ := Managed("AdministratorAccess")
	a.Name, doc[0] = "mine", '!'
	if b, again, _ := Managed("AdministratorAccess"); b.Name == "mine" || again[0] == '!' {
		t.Error("two callers share a managed policy")
	}
}
