package sdk

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	mpmetering "github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// signer signs in place of the SDK's own, as mpmetering.HTTPSignerV4.
type signer func(r *http.Request, sign signature) error

// signature is what the SDK wants signed, and with what.
type signature struct {
	creds           aws.Credentials
	payloadHash     string
	service, region string
	at              time.Time
}

func (s signer) SignHTTP(_ context.Context, creds aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time, _ ...func(*v4.SignerOptions)) error {
	return s(r, signature{creds, payloadHash, service, region, at})
}

func (s signature) sign(r *http.Request) error {
	return v4.NewSigner().SignHTTP(context.Background(), s.creds, r, s.payloadHash, s.service, s.region, s.at)
}

// signing is an option of the Go SDK: change is made to what is signed, before it is.
func signing(change func(r *http.Request, s *signature)) func(*mpmetering.Options) {
	return func(o *mpmetering.Options) {
		o.HTTPSignerV4 = signer(func(r *http.Request, s signature) error {
			change(r, &s)
			return s.sign(r)
		})
	}
}

// signed is an option of the Go SDK: change is made to a request that is signed.
func signed(change func(r *http.Request)) func(*mpmetering.Options) {
	return func(o *mpmetering.Options) {
		o.HTTPSignerV4 = signer(func(r *http.Request, s signature) error {
			if err := s.sign(r); err != nil {
				return err
			}
			change(r)
			return nil
		})
	}
}

// authorization is signed, for the header with the claim.
func authorization(change func(string) string) func(*mpmetering.Options) {
	return signed(func(r *http.Request) { r.Header.Set("Authorization", change(r.Header.Get("Authorization"))) })
}

// replacing is authorization, with one text replaced by another.
func replacing(old, new string) func(*mpmetering.Options) {
	return authorization(func(a string) string { return strings.Replace(a, old, new, 1) })
}

// built is an option of the Go SDK: change is made to the request before its length and hash are taken.
func built(change func(r *smithyhttp.Request) (*smithyhttp.Request, error)) func(*mpmetering.Options) {
	return mpmetering.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc("SoukTestChange",
			func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
				r, err := change(in.Request.(*smithyhttp.Request))
				if err != nil {
					return middleware.BuildOutput{}, middleware.Metadata{}, err
				}
				in.Request = r
				return next.HandleBuild(ctx, in)
			}), middleware.Before)
	})
}

// header is built, for one header; "" removes it.
func header(name, value string) func(*mpmetering.Options) {
	return built(func(r *smithyhttp.Request) (*smithyhttp.Request, error) {
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
		return r, nil
	})
}

// body is built, for the body.
func body(text string) func(*mpmetering.Options) {
	return built(func(r *smithyhttp.Request) (*smithyhttp.Request, error) { return r.SetStream(strings.NewReader(text)) })
}
