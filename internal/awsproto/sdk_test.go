package awsproto_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"

	"github.com/souk-market/souk/internal/awsproto"
)

// The official SDK reads what this package writes, and the other way round.
func TestOfficialSDK(t *testing.T) {
	const token = "MFxWGdn81kSnZ1cl8rY/LjOYhgc1+é\n\"=="
	var fault *awsproto.Fault // what to answer, if not a result
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, service, operation, f := awsproto.Route(r)
		if f != nil || service != awsproto.ServiceMetering || operation != "ResolveCustomer" {
			t.Errorf("routed to %s, %s, %v", service, operation, f)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var in awsproto.ResolveCustomerInput
		d := c.Decoder(body)
		in.Decode(&d)
		if f := d.Finish(); f != nil || string(in.RegistrationToken) != token {
			t.Errorf("%s: token %q, fault %v", body, in.RegistrationToken, f)
		}
		if fault != nil {
			awsproto.WriteFault(w, c, "req-1", fault)
			return
		}
		out := awsproto.ResolveCustomerOutput{CustomerAWSAccountID: "111122223333", LicenseARN: "arn:aws:license-manager::294406891311:license:l-9d01", ProductCode: "pc"}
		e := c.Encoder(nil)
		out.Encode(&e)
		awsproto.WriteResult(w, c, "req-1", e.Bytes())
	}))
	defer srv.Close()
	client := marketplacemetering.New(marketplacemetering.Options{
		BaseEndpoint: aws.String(srv.URL + "/base"), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	resolve := func() (*marketplacemetering.ResolveCustomerOutput, error) {
		return client.ResolveCustomer(context.Background(), &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String(token)})
	}

	out, err := resolve()
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.CustomerAWSAccountId) != "111122223333" || out.CustomerIdentifier == nil || *out.CustomerIdentifier != "" ||
		aws.ToString(out.LicenseArn) != "arn:aws:license-manager::294406891311:license:l-9d01" || aws.ToString(out.ProductCode) != "pc" {
		t.Errorf("got %+v", out)
	}

	fault = &awsproto.Fault{Status: 400, Code: "InvalidTokenException", Message: "Registration token is \xff \"invalid\"", Namespace: awsproto.NamespaceMetering}
	var invalid *types.InvalidTokenException
	if _, err := resolve(); !errors.As(err, &invalid) || invalid.ErrorMessage() != "Registration token is \ufffd \"invalid\"" {
		t.Errorf("got %v", err)
	}

	fault = awsproto.Serialization("STRING_VALUE cannot be converted to Integer")
	var api interface{ ErrorCode() string } // an error that the model does not have
	if _, err := resolve(); !errors.As(err, &api) || api.ErrorCode() != "SerializationException" {
		t.Errorf("got %v", err)
	}
}
