package api

import (
	"context"

	"github.com/souk-market/souk/internal/awsproto"
)

// signingName is the service in the scope of every signature for the marketplace's services.
const signingName = "aws-marketplace"

// operation is one operation of a service.
type operation struct {
	service string
	name    string
	action  string // in policies
	codes   []string
	run     func(context.Context, *call) *awsproto.Fault
	denial  func(*call) string // the code of a denial; nil: AccessDeniedException
}

// operations is the table of all that there is. codes are the errors that the published service models (and AWS's API reference with them) list for the
// operation, beside the common ones: of the modeled errors, it answers with no others.
var operations = []*operation{
	{
		service: awsproto.ServiceMetering, name: "BatchMeterUsage", action: "aws-marketplace:BatchMeterUsage", run: batchMeterUsage,
		codes: []string{
			"DisabledApiException", "InternalServiceErrorException", "InvalidCustomerIdentifierException", "InvalidLicenseException",
			"InvalidProductCodeException", "InvalidTagException", "InvalidUsageAllocationsException", "InvalidUsageDimensionException",
			"ThrottlingException", "TimestampOutOfBoundsException",
		},
	},
	{
		service: awsproto.ServiceEntitlement, name: "GetEntitlements", action: "aws-marketplace:GetEntitlements", run: getEntitlements,
		codes: []string{"InternalServiceErrorException", "InvalidParameterException", "ThrottlingException"},
	},
	{
		service: awsproto.ServiceMetering, name: "MeterUsage", action: "aws-marketplace:MeterUsage", run: meterUsage, denial: meterDenial,
		codes: []string{
			"CustomerNotEntitledException", "DuplicateRequestException", "IdempotencyConflictException", "InternalServiceErrorException",
			"InvalidEndpointRegionException", "InvalidProductCodeException", "InvalidTagException", "InvalidUsageAllocationsException",
			"InvalidUsageDimensionException", "ThrottlingException", "TimestampOutOfBoundsException",
		},
	},
	{
		service: awsproto.ServiceMetering, name: "RegisterUsage", action: "aws-marketplace:RegisterUsage", run: registerUsage,
		codes: []string{
			"CustomerNotEntitledException", "DisabledApiException", "InternalServiceErrorException", "InvalidProductCodeException",
			"InvalidPublicKeyVersionException", "InvalidRegionException", "PlatformNotSupportedException", "ThrottlingException",
		},
	},
	{
		service: awsproto.ServiceMetering, name: "ResolveCustomer", action: "aws-marketplace:ResolveCustomer", run: resolveCustomer,
		codes: []string{"DisabledApiException", "ExpiredTokenException", "InternalServiceErrorException", "InvalidTokenException", "ThrottlingException"},
	},
}

// findOperation looks through the table: five comparisons cost less than hashing two names.
func findOperation(service, name string) *operation {
	for _, op := range operations {
		if op.name == name && op.service == service {
			return op
		}
	}
	return nil
}
