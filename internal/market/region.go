package market

import (
	"slices"

	"github.com/souk-market/souk/internal/account"
)

// Regions says in which Regions an operation exists.
type Regions struct {
	// Operations maps an operation to its Regions. An operation that is not in it exists everywhere.
	Operations map[string][]string
	// MeterUsage has the Regions of MeterUsage for workloads whose Regions are not those in Operations.
	MeterUsage map[account.Workload][]string
}

// commercialRegions are the 28 that have the SaaS operations, and MeterUsage for EC2 instances (API reference, "Supported AWS Regions").
var commercialRegions = []string{
	"eu-north-1", "me-south-1", "ap-south-1", "eu-west-3", "ap-southeast-3", "us-east-2", "af-south-1", "eu-west-1",
	"me-central-1", "eu-central-1", "sa-east-1", "ap-east-1", "ap-south-2", "us-east-1", "ap-northeast-2",
	"ap-northeast-3", "eu-west-2", "ap-southeast-4", "eu-south-1", "ap-northeast-1", "us-west-2", "us-west-1",
	"ap-southeast-1", "ap-southeast-2", "il-central-1", "ca-central-1", "eu-south-2", "eu-central-2",
}

// containerRegions have RegisterUsage, and MeterUsage for tasks and pods (same page).
var containerRegions = []string{
	"eu-north-1", "ap-south-1", "eu-west-3", "us-east-2", "eu-west-1", "eu-central-1", "sa-east-1", "ap-east-1", "us-east-1",
	"ap-northeast-2", "eu-west-2", "ap-northeast-1", "us-west-2", "us-west-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
}

// regionalOperations are all operations of both services.
var regionalOperations = []string{"ResolveCustomer", "BatchMeterUsage", "MeterUsage", "RegisterUsage", "GetEntitlements"}

// AWSRegions is the documented table. To it, ResolveCustomer and BatchMeterUsage have China's Region and the two that only the SDKs' endpoint tables
// know (us-isob-east-1 and eusc-de-east-1), GetEntitlements those of its endpoints. GovCloud has MeterUsage for EC2 instances, and nothing else.
func AWSRegions() Regions {
	with := func(list []string, more ...string) []string { return append(slices.Clone(list), more...) }
	return Regions{
		Operations: map[string][]string{
			"ResolveCustomer": with(commercialRegions, "cn-northwest-1", "us-isob-east-1", "eusc-de-east-1"),
			"BatchMeterUsage": with(commercialRegions, "cn-northwest-1", "us-isob-east-1", "eusc-de-east-1"),
			"MeterUsage":      with(commercialRegions, "us-gov-east-1", "us-gov-west-1"),
			"RegisterUsage":   with(containerRegions),
			"GetEntitlements": {"us-east-1", "cn-northwest-1", "eusc-de-east-1"},
		},
		MeterUsage: map[account.Workload][]string{
			account.ECSTask:   with(containerRegions),
			account.EKSPod:    with(containerRegions),
			account.AgentCore: {"us-east-1"},
		},
	}
}

// OnlyRegions puts every operation into the Regions given, GetEntitlements too.
func OnlyRegions(names ...string) Regions {
	r := Regions{Operations: make(map[string][]string, len(regionalOperations))}
	for _, operation := range regionalOperations {
		r.Operations[operation] = slices.Clone(names)
	}
	return r
}

// AllRegions knows no limit.
func AllRegions() Regions { return Regions{} }

// Has reports whether the operation exists in the Region.
func (r Regions) Has(operation, region string) bool {
	list, ok := r.Operations[operation]
	return !ok || slices.Contains(list, region)
}

// HasMeterUsage reports whether MeterUsage exists in the Region for a workload; "" is a caller who runs nowhere in particular.
func (r Regions) HasMeterUsage(workload account.Workload, region string) bool {
	if list, ok := r.MeterUsage[workload]; ok {
		return slices.Contains(list, region)
	}
	return r.Has("MeterUsage", region)
}
