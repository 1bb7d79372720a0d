package site

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/smithy-go"

	"github.com/souk-market/souk/test/process"
)

// Metering is the official SDK's client, signing with the key. Through is the way to Souk; nil is the direct one.
func Metering(souk *process.Souk, key process.Key, through http.RoundTripper) *marketplacemetering.Client {
	return marketplacemetering.New(marketplacemetering.Options{
		Region: souk.Region, BaseEndpoint: aws.String(souk.Endpoint), HTTPClient: &http.Client{Transport: through},
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.Backoff = retry.NewExponentialJitterBackoff(1) }),
	})
}

// Entitlement is the same for the Entitlement Service.
func Entitlement(souk *process.Souk, key process.Key) *marketplaceentitlementservice.Client {
	return marketplaceentitlementservice.New(marketplaceentitlementservice.Options{
		Region: souk.Region, BaseEndpoint: aws.String(souk.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})
}

// Proxy is a reverse proxy of the careless kind: it sends requests on under a host of its own, and notes which one it was.
type Proxy struct{ Host string }

// RoundTrip implements http.RoundTripper.
func (p Proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	on := r.Clone(r.Context())
	on.Header.Set("X-Forwarded-Host", r.URL.Host)
	on.Header.Set("Via", "1.1 "+p.Host)
	on.Host = p.Host
	return http.DefaultTransport.RoundTrip(on)
}

// refusal is the id of a request that has to have been refused with the code.
func refusal(err error, code string) (string, error) {
	var api smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &api) || api.ErrorCode() != code || !errors.As(err, &response) {
		return "", fmt.Errorf("site: want a refusal with %s, got: %v", code, err)
	}
	return response.ServiceRequestID(), nil
}

// resolve is one call of ResolveCustomer that has to be refused with the code; it returns the request's id.
func resolve(ctx context.Context, client *marketplacemetering.Client, token, code string) (string, error) {
	_, err := client.ResolveCustomer(ctx, &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String(token)})
	return refusal(err, code)
}
