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
	metering "github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/aws/smithy-go"
)

func startGo(t *testing.T, _ program, endpoint string) *client {
	return &client{
		version: "AWS SDK for Go v2, marketplacemetering " + moduleVersion("github.com/aws/aws-sdk-go-v2/service/marketplacemetering") + " (" + runtime.Version() + ")",
		do: func(ctx context.Context, c call) ([]reply, error) {
			sdk, err := newGo(ctx, endpoint, c.Env)
			if err != nil {
				return nil, err
			}
			results := make([]reply, len(c.Tokens))
			var wg sync.WaitGroup
			for i, token := range c.Tokens {
				one := func() { results[i] = resolveGo(ctx, sdk, token) }
				if c.Concurrent {
					wg.Go(one)
				} else {
					one()
				}
			}
			wg.Wait()
			return results, nil
		},
	}
}

// moduleVersion is the version of a module in go.mod. The build information of test binaries leaves them out.
func moduleVersion(path string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		return "of go.mod"
	}
	return strings.TrimSpace(string(out))
}

// environment is held while the process's environment is that of one call.
var environment sync.Mutex

// newGo makes a client as a program does whose environment has the endpoint and env.
func newGo(ctx context.Context, endpoint string, env map[string]string, options ...func(*metering.Options)) (*metering.Client, error) {
	environment.Lock()
	defer environment.Unlock()
	os.Setenv(endpointVariable, endpoint)
	defer os.Unsetenv(endpointVariable)
	for name, value := range env {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return metering.NewFromConfig(cfg, options...), nil
}

func resolveGo(ctx context.Context, sdk *metering.Client, token *string) reply {
	out, err := sdk.ResolveCustomer(ctx, &metering.ResolveCustomerInput{RegistrationToken: token})
	if err != nil {
		return reply{Error: failureOf(err), Attempts: attemptsOf(err)}
	}
	r := reply{OK: true, Output: map[string]string{}}
	for name, value := range map[string]*string{
		"CustomerAWSAccountId": out.CustomerAWSAccountId, "CustomerIdentifier": out.CustomerIdentifier,
		"LicenseArn": out.LicenseArn, "ProductCode": out.ProductCode,
	} {
		if value != nil {
			r.Output[name] = *value
		}
	}
	if all, ok := retry.GetAttemptResults(out.ResultMetadata); ok {
		r.Attempts = len(all.Results)
	}
	r.RequestID, _ = awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	return r
}

// failureOf takes an error apart as programs do, with errors.As.
func failureOf(err error) *failure {
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
	for _, modeled := range []any{
		new(*types.DisabledApiException), new(*types.ExpiredTokenException), new(*types.InternalServiceErrorException),
		new(*types.InvalidTokenException), new(*types.ThrottlingException),
	} {
		if errors.As(err, modeled) {
			f.Type = reflect.TypeOf(modeled).Elem().Elem().Name()
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
