package awsproto_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-market/souk/internal/awsproto"
)

const recordID = "35155d37-56cb-423f-8554-5c4f3e3ff56d"

// shape is an input, as the handler below needs it.
type shape interface {
	Decode(*awsproto.Decoder)
	Validate() *awsproto.Fault
}

// answerUsage reads whatever the metering operations send, and echoes it.
func answerUsage(t *testing.T, operation string, c awsproto.Codec, body []byte) []byte {
	var batch awsproto.BatchMeterUsageInput
	var meter awsproto.MeterUsageInput
	var register awsproto.RegisterUsageInput
	in := map[string]shape{"BatchMeterUsage": &batch, "MeterUsage": &meter, "RegisterUsage": &register}[operation]
	d := c.Decoder(body)
	in.Decode(&d)
	if malformed, mistyped := d.Faults(); malformed != nil || mistyped != nil {
		t.Errorf("%s: %v, %v", body, malformed, mistyped)
	}
	if f := in.Validate(); f != nil {
		t.Errorf("%s: %v", body, f)
	}
	e := c.Encoder(nil)
	switch operation {
	case "BatchMeterUsage":
		out := awsproto.BatchMeterUsageOutput{UnprocessedRecords: batch.UsageRecords[1:]}
		result := awsproto.UsageRecordResult{UsageRecord: &batch.UsageRecords[0], Status: "Success"}
		copy(result.MeteringRecordID[:], recordID)
		out.Results = append(out.Results, result)
		out.Encode(&e)
	case "MeterUsage":
		if len(meter.ClientToken) != 36 || !meter.DryRun || meter.UsageQuantity != 7 || string(meter.UsageDimension) != "d" {
			t.Errorf("%s: %+v", body, meter)
		}
		(&awsproto.MeterUsageOutput{MeteringRecordID: recordID}).Encode(&e)
	case "RegisterUsage":
		if register.PublicKeyVersion != 1 || string(register.Nonce) != "n" {
			t.Errorf("%s: %+v", body, register)
		}
		(&awsproto.RegisterUsageOutput{PublicKeyRotationTimestamp: time.UnixMilli(1893456000500), Signature: "a.b.c"}).Encode(&e)
	}
	return e.Bytes()
}

// The official SDK's metering operations are read, and read what is answered.
func TestOfficialSDKMeters(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, operation, f := awsproto.Route(r)
		body, err := io.ReadAll(r.Body)
		if err != nil || f != nil {
			t.Error(err, f)
			return
		}
		awsproto.WriteResult(w, c, "req-1", answerUsage(t, operation, c, body))
	}))
	defer srv.Close()
	client := marketplacemetering.New(marketplacemetering.Options{
		BaseEndpoint: aws.String(srv.URL), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	ctx := context.Background()
	at := time.UnixMilli(1767323045678).UTC()

	records := []types.UsageRecord{
		{Timestamp: &at, Dimension: aws.String("d"), Quantity: aws.Int32(3), CustomerAWSAccountId: aws.String("111122223333"),
			LicenseArn: aws.String("arn:aws:license-manager::294406891311:license:l-9d01d15f86334a8894365cd7350556ff"),
			UsageAllocations: []types.UsageAllocation{{AllocatedUsageQuantity: aws.Int32(1), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("<&>é")}}},
				{AllocatedUsageQuantity: aws.Int32(2)}}},
		{Timestamp: &at, Dimension: aws.String("d"), CustomerIdentifier: aws.String("")},
	}
	batch, err := client.BatchMeterUsage(ctx, &marketplacemetering.BatchMeterUsageInput{ProductCode: aws.String("pc"), UsageRecords: records})
	if err != nil {
		t.Fatal(err)
	}
	want := []types.UsageRecordResult{{UsageRecord: &records[0], MeteringRecordId: aws.String(recordID), Status: types.UsageRecordResultStatusSuccess}}
	ignore := cmpopts.IgnoreUnexported(types.UsageRecordResult{}, types.UsageRecord{}, types.UsageAllocation{}, types.Tag{})
	if diff := cmp.Diff(want, batch.Results, ignore); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(records[1:], batch.UnprocessedRecords, ignore); diff != "" {
		t.Errorf("unprocessed records (-want +got):\n%s", diff)
	}

	meter, err := client.MeterUsage(ctx, &marketplacemetering.MeterUsageInput{ProductCode: aws.String("pc"), Timestamp: &at, UsageDimension: aws.String("d"), UsageQuantity: aws.Int32(7), DryRun: aws.Bool(true)})
	if err != nil || aws.ToString(meter.MeteringRecordId) != recordID {
		t.Errorf("got %+v, %v", meter, err)
	}

	register, err := client.RegisterUsage(ctx, &marketplacemetering.RegisterUsageInput{ProductCode: aws.String("pc"), PublicKeyVersion: aws.Int32(1), Nonce: aws.String("n")})
	if err != nil || aws.ToString(register.Signature) != "a.b.c" || register.PublicKeyRotationTimestamp == nil || register.PublicKeyRotationTimestamp.UnixMilli() != 1893456000500 {
		t.Errorf("got %+v, %v", register, err)
	}
}
