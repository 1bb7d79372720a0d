package api

import (
	"net/http"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/market"
)

// shape is what is known of an error code: its status, and the text that goes with it when nothing better is known.
type shape struct {
	status  int
	message string
	modeled bool // of the service's own model, not AWS's framework
}

// shapes are the codes that the AWS face can answer with. Texts that are marked live were seen, their sources are in docs/divergences.md; the others
// are ours, after the model's descriptions. Those of modeled errors are the market's own too, which a test holds them to. Statuses of authentication and
// authorization are the 400 that was observed, not the 403 of the newer documentation page; 409 is that of the SDKs' own recorded answers.
var shapes = map[string]shape{
	"CustomerNotEntitledException":       {400, "The customer does not have a valid subscription for the product.", true},
	"DisabledApiException":               {400, "This API is disabled in this Region.", true},
	"DuplicateRequestException":          {400, "A metering record has already been emitted by the same EC2 instance, ECS task, or EKS pod for the given dimension and hour with a different quantity.", true},
	"ExpiredTokenException":              {400, "Registration token has expired", true},
	"IdempotencyConflictException":       {409, "The ClientToken is being used for multiple requests.", true},
	"InternalServiceErrorException":      {500, "An internal error has occurred. Retry your request.", true},
	"InvalidCustomerIdentifierException": {400, "You have metered usage for a CustomerIdentifier or CustomerAWSAccountId that does not exist, or not exactly one of the two was given.", true},
	"InvalidEndpointRegionException":     {400, "The endpoint being called is in an AWS Region different from that of your EC2 instance, ECS task, or EKS pod. The two must match.", true},
	"InvalidLicenseException":            {400, "Ensure the LicenseArn is valid, matches the customer, and usage is within the license activation period.", true},
	"InvalidParameterException":          {400, "One or more parameters in your request was invalid.", true},
	"InvalidProductCodeException":        {400, "The product code passed does not match the product code used for publishing the product.", true},
	"InvalidPublicKeyVersionException":   {400, "Public Key version is invalid.", true},
	"InvalidRegionException":             {400, "RegisterUsage must be called in the same AWS Region the ECS task or EKS pod was launched in.", true},
	"InvalidTagException":                {400, "The tag is invalid, or the number of tags is greater than 5.", true},
	"InvalidTokenException":              {400, "Registration token is invalid", true}, // live
	"InvalidUsageAllocationsException":   {400, "The usage allocation objects are invalid, or the number of allocations is greater than 2500 for a single usage record, or their quantities do not add up.", true},
	"InvalidUsageDimensionException":     {400, "The usage dimension does not match one of the UsageDimensions associated with the product.", true},
	"PlatformNotSupportedException":      {400, "This operation can only be called from within an ECS task or an EKS pod", true}, // live
	"ThrottlingException":                {400, "Rate exceeded", true},                                                           // AWS's usual words
	"TimestampOutOfBoundsException":      {400, "The timestamp value passed in the request is out of allowed range.", true},

	// What MeterUsage answers to DryRun, beside its model. The statuses are ours: no page has them.
	"DryRunOperation":       {400, "Request would have succeeded, but DryRun flag is set.", false}, // EC2's words
	"UnauthorizedException": {400, "You are not authorized to perform this operation.", false},     // ours; the policies' text is live

	"AccessDeniedException":        {400, "You are not authorized to perform this operation.", false}, // ours; the policies' text is live
	"IncompleteSignatureException": {400, "The request signature does not conform to AWS standards.", false},
	"InvalidSignatureException": {400, "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.", false}, // live elsewhere
	"MissingAuthenticationTokenException": {400, "Request is missing Authentication Token", false},                // live elsewhere
	"UnrecognizedClientException":         {400, "The security token included in the request is invalid.", false}, // live elsewhere
	"UnknownOperationException":           {400, "", false},
	"SerializationException":              {400, "", false},
	"ValidationException":                 {400, "The input fails to satisfy the constraints of the operation.", false},
	"MalformedHttpRequestException":       {400, "The request cannot be processed at the HTTP level.", false},
	"RequestAbortedException":             {400, "The request was aborted before an answer could be returned.", false},
	"RequestTimeoutException":             {408, "The request was not received in full in time.", false},
	"RequestEntityTooLargeException":      {413, "The request is too large.", false},
	"ServiceUnavailable":                  {503, "The service is unavailable at the moment. Retry your request.", false},
	"OptInRequired":                       {400, "The AWS access key ID needs a subscription for the service.", false},
	"NotAuthorized":                       {400, "You do not have permission to perform this action.", false},
	"InternalFailure":                     {500, "The request failed because of an internal error.", false},
}

// KnownCode reports whether code is an error that the AWS face can answer with: what a fault rule may refuse with.
func KnownCode(code string) bool {
	_, ok := shapes[code]
	return ok
}

// known is the fault of a known code; message "" takes its usual text.
func known(code, message string) *awsproto.Fault {
	s, ok := shapes[code]
	if !ok {
		s.status = http.StatusInternalServerError
	}
	if message == "" {
		message = s.message
	}
	return &awsproto.Fault{Status: s.status, Code: code, Message: message}
}

func internalFault() *awsproto.Fault { return known("InternalServiceErrorException", "") }

func namespaceOf(code, service string) string {
	if shapes[code].modeled && service != "" {
		return awsproto.Namespace(service)
	}
	return awsproto.NamespaceCoral
}

// domainCodes is the only map from the market's errors to AWS's. What is not in it is internal.
var domainCodes = map[market.Code]string{
	market.InvalidToken:         "InvalidTokenException",
	market.ExpiredToken:         "ExpiredTokenException",
	market.DisabledAPI:          "DisabledApiException",
	market.InvalidCustomer:      "InvalidCustomerIdentifierException",
	market.InvalidLicense:       "InvalidLicenseException",
	market.InvalidProduct:       "InvalidProductCodeException",
	market.InvalidTag:           "InvalidTagException",
	market.InvalidAllocations:   "InvalidUsageAllocationsException",
	market.InvalidDimension:     "InvalidUsageDimensionException",
	market.TimestampOutOfBounds: "TimestampOutOfBoundsException",
	market.NotEntitled:          "CustomerNotEntitledException",
	market.DuplicateRequest:     "DuplicateRequestException",
	market.IdempotencyConflict:  "IdempotencyConflictException",
	market.InvalidEndpoint:      "InvalidEndpointRegionException",
	market.InvalidRegion:        "InvalidRegionException",
	market.InvalidKeyVersion:    "InvalidPublicKeyVersionException",
	market.WrongPlatform:        "PlatformNotSupportedException",
	market.InvalidParameter:     "InvalidParameterException",
	market.DryRun:               "DryRunOperation",
	// An endpoint of one Region takes a signature for another for a bad one.
	market.WrongRegion: "InvalidSignatureException",
	// What the shape lets through and the market does not: no constraint of the model, but of the same kind.
	market.Invalid:     "ValidationException",
	market.Unavailable: "ServiceUnavailable",
}
