package sdk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	mpentitlement "github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice"
	entitlementtypes "github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice/types"
	mpmetering "github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	meteringtypes "github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

func startGo(t *testing.T, _ program, endpoint string) *client {
	return &client{
		version: "AWS SDK for Go v2, marketplacemetering " + moduleVersion("marketplacemetering") +
			", marketplaceentitlementservice " + moduleVersion("marketplaceentitlementservice") + " (" + runtime.Version() + ")",
		do: func(ctx context.Context, c call) ([]reply, error) {
			sdk, err := newGo(ctx, endpoint, c.Env)
			if err != nil {
				return nil, err
			}
			results, errs := make([]reply, len(c.Calls)), make([]error, len(c.Calls))
			var wg sync.WaitGroup
			for i, one := range c.Calls {
				run := func() { results[i], errs[i] = sdk.call(ctx, one) }
				if c.Concurrent {
					wg.Go(run)
				} else {
					run()
				}
			}
			wg.Wait()
			return results, errors.Join(errs...)
		},
	}
}

// moduleVersion is the version of a service's module in go.mod. The build information of test binaries leaves them out.
func moduleVersion(service string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/aws/aws-sdk-go-v2/service/"+service).Output()
	if err != nil {
		return "of go.mod"
	}
	return strings.TrimSpace(string(out))
}

// goSDK is the clients of the Go SDK.
type goSDK struct {
	metering    *mpmetering.Client
	entitlement *mpentitlement.Client
}

// environment is held while the process's environment is that of one call.
var environment sync.Mutex

// newGo makes clients as a program does whose environment has the endpoints and env.
func newGo(ctx context.Context, endpoint string, env map[string]string, options ...func(*mpmetering.Options)) (*goSDK, error) {
	environment.Lock()
	defer environment.Unlock()
	for _, name := range endpointVariables {
		os.Setenv(name, endpoint)
		defer os.Unsetenv(name)
	}
	for name, value := range env {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return &goSDK{mpmetering.NewFromConfig(cfg, options...), mpentitlement.NewFromConfig(cfg)}, nil
}

// call makes one call. An error means that it could not even be written down.
func (g *goSDK) call(ctx context.Context, c apiCall) (reply, error) {
	switch c.Operation {
	case "ResolveCustomer":
		return callGo(ctx, c, g.metering.ResolveCustomer)
	case "BatchMeterUsage":
		return callGo(ctx, c, g.metering.BatchMeterUsage)
	case "MeterUsage":
		return callGo(ctx, c, g.metering.MeterUsage)
	case "RegisterUsage":
		return callGo(ctx, c, g.metering.RegisterUsage)
	case "GetEntitlements":
		if c.Pages {
			return callGo(ctx, c, g.allEntitlements)
		}
		return callGo(ctx, c, g.entitlement.GetEntitlements)
	}
	return reply{}, fmt.Errorf("the Go SDK has no operation %s", c.Operation)
}

// allEntitlements runs the SDK's paginator to its end.
func (g *goSDK) allEntitlements(ctx context.Context, in *mpentitlement.GetEntitlementsInput, _ ...func(*mpentitlement.Options)) (*mpentitlement.GetEntitlementsOutput, error) {
	all := new(mpentitlement.GetEntitlementsOutput)
	pages := mpentitlement.NewGetEntitlementsPaginator(g.entitlement, in, func(o *mpentitlement.GetEntitlementsPaginatorOptions) { o.Limit = *in.MaxResults })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all.Entitlements = append(all.Entitlements, page.Entitlements...)
	}
	return all, nil
}

func callGo[I, O, P any](ctx context.Context, c apiCall, operation func(context.Context, *I, ...func(*P)) (*O, error)) (reply, error) {
	in := new(I)
	if err := fill(reflect.ValueOf(in).Elem(), c.Input); err != nil {
		return reply{}, err
	}
	out, err := operation(ctx, in)
	if err != nil {
		return reply{Error: failureOf(c.Service, err), Attempts: attemptsOf(err)}, nil
	}
	v := reflect.ValueOf(out).Elem()
	r := reply{OK: true, Output: tree(read(v)).(members)}
	meta := v.FieldByName("ResultMetadata").Interface().(middleware.Metadata)
	if all, ok := retry.GetAttemptResults(meta); ok {
		r.Attempts = len(all.Results)
	}
	r.RequestID, _ = awsmiddleware.GetRequestIDMetadata(meta)
	return r, nil
}

// goErrors are the errors of the services' models, as pointers to what errors.As looks for.
var goErrors = map[string][]any{
	metering: {
		new(*meteringtypes.CustomerNotEntitledException), new(*meteringtypes.DisabledApiException), new(*meteringtypes.DuplicateRequestException),
		new(*meteringtypes.ExpiredTokenException), new(*meteringtypes.IdempotencyConflictException), new(*meteringtypes.InternalServiceErrorException),
		new(*meteringtypes.InvalidCustomerIdentifierException), new(*meteringtypes.InvalidEndpointRegionException), new(*meteringtypes.InvalidLicenseException),
		new(*meteringtypes.InvalidProductCodeException), new(*meteringtypes.InvalidPublicKeyVersionException), new(*meteringtypes.InvalidRegionException),
		new(*meteringtypes.InvalidTagException), new(*meteringtypes.InvalidTokenException), new(*meteringtypes.InvalidUsageAllocationsException),
		new(*meteringtypes.InvalidUsageDimensionException), new(*meteringtypes.PlatformNotSupportedException), new(*meteringtypes.ThrottlingException),
		new(*meteringtypes.TimestampOutOfBoundsException),
	},
	entitlement: {
		new(*entitlementtypes.InternalServiceErrorException), new(*entitlementtypes.InvalidParameterException), new(*entitlementtypes.ThrottlingException),
	},
}

// failureOf takes an error apart as programs do, with errors.As.
func failureOf(service string, err error) *failure {
	f := &failure{Message: err.Error(), Type: fmt.Sprintf("%T", err)}
	if response := (*awshttp.ResponseError)(nil); errors.As(err, &response) {
		f.Status, f.RequestID = response.HTTPStatusCode(), response.ServiceRequestID()
	}
	if params := (smithy.InvalidParamsError{}); errors.As(err, &params) {
		f.Type = fmt.Sprintf("%T", params)
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return f
	}
	f.Code, f.Message, f.Type = api.ErrorCode(), api.ErrorMessage(), fmt.Sprintf("%T", api)
	for _, modeled := range goErrors[service] {
		target := reflect.New(reflect.TypeOf(modeled).Elem()) // errors.As writes to it, and clients run at the same time
		if errors.As(err, target.Interface()) {
			f.Type = target.Type().Elem().Elem().Name()
		}
	}
	return f
}

func attemptsOf(err error) int {
	if all := (*retry.MaxAttemptsError)(nil); errors.As(err, &all) {
		return all.Attempt
	}
	return 0
}
