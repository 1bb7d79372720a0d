package sdk

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// texts of errors that have one only. None of those was ever seen of AWS, but for those of platform and filter; they are what docs/divergences.md says.
var texts = map[string]string{
	"CustomerNotEntitledException": "The customer does not have a valid subscription for the product.",
	"DisabledApiException":         "This API is disabled in this Region.",
	"DuplicateRequestException": "A metering record has already been emitted by the same EC2 instance, ECS task, or EKS pod for the given dimension and hour " +
		"with a different quantity.",
	"IdempotencyConflictException":  "The ClientToken is being used for multiple requests.",
	"InternalServiceErrorException": "An internal error has occurred. Retry your request.",
	"InvalidCustomerIdentifierException": "You have metered usage for a CustomerIdentifier or CustomerAWSAccountId that does not exist, " +
		"or not exactly one of the two was given.",
	"InvalidEndpointRegionException": "The endpoint being called is in an AWS Region different from that of your EC2 instance, ECS task, or EKS pod. " +
		"The two must match.",
	"InvalidLicenseException":          "Ensure the LicenseArn is valid, matches the customer, and usage is within the license activation period.",
	"InvalidProductCodeException":      "The product code passed does not match the product code used for publishing the product.",
	"InvalidPublicKeyVersionException": "Public Key version is invalid.",
	"InvalidRegionException":           "RegisterUsage must be called in the same AWS Region the ECS task or EKS pod was launched in.",
	"InvalidTagException":              "The tag is invalid, or the number of tags is greater than 5.",
	"InvalidUsageAllocationsException": "The usage allocation objects are invalid, or the number of allocations is greater than 2500 for a single usage record, " +
		"or their quantities do not add up.",
	"InvalidUsageDimensionException": "The usage dimension does not match one of the UsageDimensions associated with the product.",
	"PlatformNotSupportedException":  "This operation can only be called from within an ECS task or an EKS pod",
	"ThrottlingException":            "Rate exceeded",
	"TimestampOutOfBoundsException":  "The timestamp value passed in the request is out of allowed range.",
	"UnrecognizedClientException":    "The security token included in the request is invalid.",
	"DryRunOperation":                "Request would have succeeded, but DryRun flag is set.",
}

// errorCase is a call that fails.
type errorCase struct {
	name   string // what is wrong, where the code does not say enough
	code   string
	text   string                          // "": that of texts
	status int                             // 0: 400
	env    func(r *rig) map[string]string  // nil: the table's usual
	call   func(r *rig, c *apiCall)        // what is done to a call that would succeed; nil: nothing
	fault  map[string]any                  // a rule that makes it fail
	reason string                          // a part of the request record's reason
	inGo   string                          // that with the Go SDK, where it is another
	refuse func(l language) (string, bool) // whether the client refuses it by itself, and with what
	cannot func(l language) (string, bool) // whether it cannot be written down in the language, and why
}

// expectErrors makes each call and checks its error.
func (r *rig) expectErrors(env func(r *rig) map[string]string, good func(r *rig) apiCall, list []errorCase) {
	for _, c := range list {
		r.t.Run(strings.TrimSuffix(c.code+": "+c.name, ": "), func(t *testing.T) {
			r := r.at(t)
			if c.cannot != nil {
				if why, ok := c.cannot(r.lang); ok {
					t.Skip(why)
				}
			}
			call := good(r)
			if c.call != nil {
				c.call(r, &call)
			}
			as := env
			if c.env != nil {
				as = c.env
			}
			if c.fault != nil {
				r.fault(call.Operation, c.fault)
			}
			x := r.call(once(as(r)), call)
			if c.refuse != nil {
				if class, ok := c.refuse(r.lang); ok {
					r.expectRefusal(x, class)
					return
				}
			}
			w := want{code: c.code, message: c.text, status: c.status}
			if c.text == "" {
				w.message = texts[c.code]
			}
			r.expectError(x, w)
			reason := c.reason
			if r.lang.name == "Go" && c.inGo != "" {
				reason = c.inGo
			}
			tooLarge := w.status == http.StatusRequestEntityTooLarge // it is not even looked at
			if q := x.wire[0]; q.Operation != call.Operation && !tooLarge || !strings.Contains(q.Reason, reason) {
				t.Errorf("the record of the request is of %s, and its reason is %q, want %q in it", q.Operation, q.Reason, reason)
			}
		})
	}
}

func as(name string) func(r *rig) map[string]string {
	return func(r *rig) map[string]string { return r.as(name) }
}

func of(name, region string) func(r *rig) map[string]string {
	return func(r *rig) map[string]string { return in(r.as(name), region) }
}

// setting does something to the one record of a batch; nil takes a member out.
func setting(pairs ...any) func(r *rig, c *apiCall) {
	return func(_ *rig, c *apiCall) {
		record := c.Input["UsageRecords"].([]members)[0]
		for i := 0; i < len(pairs); i += 2 {
			record = change(record, pairs[i].(string), pairs[i+1])
		}
		*c = c.with("UsageRecords", []members{record})
	}
}

// ago moves the one record of a batch.
func ago(d time.Duration) func(r *rig, c *apiCall) {
	return func(r *rig, c *apiCall) { setting("Timestamp", at(r.stage.now.Add(-d)))(r, c) }
}

// refusedBy says which clients refuse something by themselves. The CLI has no classes.
func refusedBy(classes map[string]string) func(l language) (string, bool) {
	return func(l language) (string, bool) {
		class, ok := classes[l.name]
		return class, ok
	}
}

// byBotocore are the clients that check types and lower bounds, as botocore does.
var byBotocore = refusedBy(map[string]string{"boto3": "ParamValidationError", "AWS CLI": ""})

// onlyGo is what the Go SDK's types leave no room for.
func onlyGo(why string) func(l language) (string, bool) {
	return func(l language) (string, bool) { return why, l.name == "Go" }
}

// byLicense makes a call by license out of one by product code.
func byLicense(pairs ...any) func(r *rig, c *apiCall) {
	return func(r *rig, c *apiCall) {
		*c = r.batch(r.licensed(r.stage.vault, 1))
		setting(pairs...)(r, c)
	}
}

func withMember(name string, value any) func(r *rig, c *apiCall) {
	return func(_ *rig, c *apiCall) { *c = c.with(name, value) }
}

func batchErrors(t *testing.T, r *rig) {
	failing := r.record(10)
	before := len(r.ledger(usageProduct, anyCompany))
	r.expectErrors(as("seller"), func(r *rig) apiCall { return r.usage(failing) }, []errorCase{
		{code: "DisabledApiException", env: of("seller", "us-gov-west-1")},
		{code: "InternalServiceErrorException", status: 500, fault: map[string]any{"refuse": "InternalServiceErrorException"}},
		{code: "ThrottlingException", fault: map[string]any{"refuse": "ThrottlingException"}},

		{code: "InvalidCustomerIdentifierException", name: "nobody's", call: setting("CustomerAWSAccountId", nil, "CustomerIdentifier", "Nobody0Known"), reason: "there is no customer"},
		{code: "InvalidCustomerIdentifierException", name: "both", call: setting("CustomerIdentifier", "Nobody0Known"), reason: "both"},
		{code: "InvalidCustomerIdentifierException", name: "neither", call: setting("CustomerAWSAccountId", nil), reason: "neither"},

		{code: "InvalidLicenseException", name: "unknown", call: byLicense("LicenseArn", "arn:aws:license-manager::294406891311:license:l-00000000000000000000000000000000"),
			reason: "there is no such license"},
		{code: "InvalidLicenseException", name: "another buyer's", call: byLicense("CustomerAWSAccountId", exampleCorp), reason: "the license is account " + anyCompany + "'s"},
		{code: "InvalidLicenseException", name: "another seller's", call: func(r *rig, c *apiCall) { byLicense("LicenseArn", r.stage.others.LicenseARN)(r, c) },
			reason: "the license is of a product of account 444455556666"},
		{code: "InvalidLicenseException", name: "of another product", call: func(r *rig, c *apiCall) {
			byLicense()(r, c)
			withMember("ProductCode", usageProduct)(r, c)
		}, reason: "one product a call"},
		{code: "InvalidLicenseException", name: "not active then", call: func(r *rig, c *apiCall) {
			byLicense("Timestamp", at(r.stage.now.Add(-age-time.Hour)))(r, c)
		}, reason: "the license is active from"},

		{code: "InvalidProductCodeException", name: "unknown", call: withMember("ProductCode", "no-such-product"), reason: "there is no product of that code"},
		{code: "InvalidProductCodeException", name: "another seller's", call: withMember("ProductCode", othersProduct), reason: "was published by account 444455556666"},
		{code: "InvalidProductCodeException", name: "the caller is another seller", env: as("other-seller"), reason: "was published by account 111122223333"},
		{code: "InvalidProductCodeException", name: "none", call: withMember("ProductCode", nil), reason: "neither"},

		{code: "InvalidTagException", name: "a character", call: setting("UsageAllocations", []members{{"AllocatedUsageQuantity": 10, "Tags": tags(`back\slash`, "x")}}), reason: "tag key"},
		{code: "InvalidTagException", name: "six", call: setting("UsageAllocations", []members{{"AllocatedUsageQuantity": 10,
			"Tags": tags("a", "1", "b", "2", "c", "3", "d", "4", "e", "5", "f", "6")}}), reason: "more than 5"},

		{code: "InvalidUsageAllocationsException", name: "sum", call: setting("UsageAllocations", []members{{"AllocatedUsageQuantity": 9}}), reason: "do not add up"},
		{code: "InvalidUsageAllocationsException", name: "equal tags", call: setting("UsageAllocations",
			[]members{{"AllocatedUsageQuantity": 4, "Tags": tags("a", "1")}, {"AllocatedUsageQuantity": 6, "Tags": tags("a", "1")}})},

		{code: "InvalidUsageDimensionException", name: "unknown", call: setting("Dimension", "Users"), reason: `has no dimension "Users"`},
		{code: "InvalidUsageDimensionException", name: "entitled", call: byLicense("Dimension", "seats"), reason: "entitled, not metered"},

		{code: "TimestampOutOfBoundsException", name: "a day ago", call: ago(24 * time.Hour), reason: "or more ago"},
		{code: "TimestampOutOfBoundsException", name: "in the future", call: ago(-6 * time.Minute), reason: "is in the future"},
		{code: "TimestampOutOfBoundsException", name: "before the subscription", call: ago(age + time.Minute), reason: "before the customer's subscription"},
		{code: "TimestampOutOfBoundsException", name: "milliseconds", call: func(r *rig, c *apiCall) {
			setting("Timestamp", epoch(r.stage.now.UnixMilli()))(r, c)
		}, reason: "looks like milliseconds", inGo: overflown, refuse: byBotocore},

		{code: "ValidationException", name: "26 records", text: "1 validation error detected: Value at 'usageRecords' failed to satisfy constraint: " +
			"Member must have length less than or equal to 25", call: func(r *rig, c *apiCall) {
			list := make([]members, 26)
			for i := range list {
				list[i] = failing
			}
			*c = c.with("UsageRecords", list)
		}},
		{code: "ValidationException", name: "quantity too large", text: "1 validation error detected: Value '2147483648' at 'usageRecords.1.member.quantity' " +
			"failed to satisfy constraint: Member must have value less than or equal to 2147483647", call: setting("Quantity", 2147483648),
			cannot: onlyGo("an int32 has no such value")},
		{code: "ValidationException", name: "quantity negative", text: "1 validation error detected: Value '-1' at 'usageRecords.1.member.quantity' " +
			"failed to satisfy constraint: Member must have value greater than or equal to 0", call: setting("Quantity", -1), refuse: byBotocore},
		{code: "ValidationException", name: "account", text: "1 validation error detected: Value '2222-3333-4444' at 'usageRecords.1.member.customerAWSAccountId' " +
			"failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9]+$", call: setting("CustomerAWSAccountId", "2222-3333-4444")},
		{code: "ValidationException", name: "no dimension", text: "1 validation error detected: Value null at 'usageRecords.1.member.dimension' " +
			"failed to satisfy constraint: Member must not be null", call: setting("Dimension", nil),
			refuse: refusedBy(map[string]string{"Go": "smithy.InvalidParamsError", "boto3": "ParamValidationError", "AWS CLI": ""})},

		{code: "AccessDeniedException", env: as("seller-denied"), text: denied("arn:aws:iam::111122223333:user/seller-denied", "BatchMeterUsage")},
		{code: "UnrecognizedClientException", env: unknownCaller},
	})
	if after := len(r.ledger(usageProduct, anyCompany)); after != before {
		t.Errorf("the ledger had %d records before, and has %d", before, after)
	}
}

// overflown is in the reason for a time.Time beyond the year 2262: the Go SDK writes it as one long ago.
const overflown = "or more ago"

// denied is the text of a denial.
func denied(arn, operation string) string {
	action := "aws-marketplace:" + operation
	return "User: " + arn + " is not authorized to perform: " + action + " because no identity-based policy allows the " + action + " action"
}

func unknownCaller(r *rig) map[string]string {
	return with(r.as("seller"), "AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
}
