package market_test

import (
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

func TestRegions(t *testing.T) {
	tables := map[string]market.Regions{"aws": market.AWSRegions(), "all": market.AllRegions(), "list": market.OnlyRegions("eu-west-1", "moon-1")}
	operations := []string{"ResolveCustomer", "BatchMeterUsage", "RegisterUsage", "GetEntitlements"}
	workloads := []account.Workload{"", account.EC2Instance, account.ECSTask, account.EKSPod, account.AgentCore}
	// Of each Region, a 1 for each operation that exists there, and one for MeterUsage by each workload.
	for _, tt := range []struct{ table, region, operations, workloads string }{
		{"aws", "us-east-1", "1111", "11111"},
		{"aws", "eu-west-1", "1110", "11110"},
		{"aws", "il-central-1", "1100", "11000"},
		{"aws", "cn-northwest-1", "1101", "00000"},
		{"aws", "eusc-de-east-1", "1101", "00000"},
		{"aws", "us-isob-east-1", "1100", "00000"},
		{"aws", "us-gov-west-1", "0000", "11000"},
		{"aws", "cn-north-1", "0000", "00000"},
		{"aws", "moon-1", "0000", "00000"},
		{"all", "moon-1", "1111", "11111"},
		{"list", "moon-1", "1111", "11111"},
		{"list", "eu-west-1", "1111", "11111"},
		{"list", "us-east-1", "0000", "00000"},
	} {
		got, metering := "", ""
		for _, op := range operations {
			got += digit(tables[tt.table].Has(op, tt.region))
		}
		for _, w := range workloads {
			metering += digit(tables[tt.table].HasMeterUsage(w, tt.region))
		}
		if got != tt.operations || metering != tt.workloads {
			t.Errorf("%s, %s: operations %s, workloads %s; want %s and %s", tt.table, tt.region, got, metering, tt.operations, tt.workloads)
		}
	}
	aws := market.AWSRegions()
	for name, want := range map[string]int{"ResolveCustomer": 31, "BatchMeterUsage": 31, "MeterUsage": 30, "RegisterUsage": 17, "GetEntitlements": 3} {
		if got := len(aws.Operations[name]); got != want {
			t.Errorf("%s is in %d Regions, want %d", name, got, want)
		}
	}
}

func digit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
