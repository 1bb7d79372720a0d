package iam

import (
	"embed"
	"fmt"
	"strings"
)

// managedFS holds the documents of the AWS managed policies that concern the services here, one a file, as the "AWS
// Managed Policy Reference Guide" prints them. Of AWSMarketplaceFullAccess it holds the part about aws-marketplace; the
// rest of that policy is about EC2, CloudFormation, Systems Manager and others, none of which can be asked here.
//
//go:embed managed/*.json
var managedFS embed.FS

const managedARN = "arn:aws:iam::aws:policy/"

// Managed finds an AWS managed policy by its name, or by its ARN, arn:aws:iam::aws:policy/NAME, and gives it under that
// ARN with its document. What it returns belongs to the caller.
//
// Despite its name, AWSMarketplaceMeteringFullAccess allows MeterUsage and nothing else: with it alone ResolveCustomer
// and BatchMeterUsage are denied, on AWS as here.
func Managed(name string) (policy *Attached, document []byte, ok bool) {
	name = strings.TrimPrefix(name, managedARN)
	document, err := managedFS.ReadFile("managed/" + name + ".json")
	if err != nil {
		return nil, nil, false
	}
	p, err := Parse(document)
	if err != nil {
		panic(fmt.Sprintf("iam: managed policy %s: %v", name, err)) // unreachable unless a file of this package is broken
	}
	return &Attached{Name: managedARN + name, Policy: p}, document, true
}

// ManagedNames lists the names that Managed knows, sorted.
func ManagedNames() []string {
	files, err := managedFS.ReadDir("managed")
	if err != nil {
		panic(fmt.Sprintf("iam: managed policies: %v", err)) // unreachable: the directory is embedded
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".json")
	}
	return names
}
