package market

import "slices"

// Regions says in which Regions an operation exists.
type Regions struct {
	// Operations maps an operation to its Regions. An operation that is not in it exists everywhere.
	Operations map[string][]string
}

// saasRegions is the documented list for ResolveCustomer and BatchMeterUsage (API reference, "Supported AWS Regions"), with
// the two that only the SDKs' endpoint tables know (us-isob-east-1 and eusc-de-east-1) and China's. Not GovCloud.
var saasRegions = []string{
	"eu-north-1", "me-south-1", "ap-south-1", "eu-west-3", "ap-southeast-3", "us-east-2", "af-south-1", "eu-west-1",
	"me-central-1", "eu-central-1", "sa-east-1", "ap-east-1", "ap-south-2", "us-east-1", "ap-northeast-2",
	"ap-northeast-3", "eu-west-2", "ap-southeast-4", "eu-south-1", "ap-northeast-1", "us-west-2", "us-west-1",
	"ap-southeast-1", "ap-southeast-2", "il-central-1", "ca-central-1", "eu-south-2", "eu-central-2",
	"cn-northwest-1", "us-isob-east-1", "eusc-de-east-1",
}

// AWSRegions is the documented table.
func AWSRegions() Regions {
	return Regions{Operations: map[string][]string{"ResolveCustomer": slices.Clone(saasRegions)}}
}

// OnlyRegions puts every operation into the Regions given.
func OnlyRegions(names ...string) Regions {
	return Regions{Operations: map[string][]string{"ResolveCustomer": slices.Clone(names)}}
}

// AllRegions knows no limit.
func AllRegions() Regions { return Regions{} }

// Has reports whether the operation exists in the Region.
func (r Regions) Has(operation, region string) bool {
	list, ok := r.Operations[operation]
	return !ok || slices.Contains(list, region)
}
