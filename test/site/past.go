package site

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/aws/smithy-go/middleware"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"github.com/souk-market/souk/test/process"
)

// buyer is one of the product that is paid by use.
type buyer struct {
	process.Purchase
	customer string // as ResolveCustomer answered
	size     int32  // how much it uses
}

// hours is how long usage is reported.
const hours = 36

// subscribe has everybody buy what is paid by use, and the seller resolve them.
func (s *Site) subscribe(ctx context.Context) ([]buyer, error) {
	client := Metering(s.souk, s.souk.Key("seller"), nil)
	var list []buyer
	for i, id := range []string{"222233334444", "300000000001", "300000000002", "300000000003", "300000000004", "300000000005", "300000000006", "777788889999"} {
		var more map[string]any
		if i == 7 {
			more = map[string]any{"free_trial": true}
		}
		p, err := s.buy(ctx, s.Legacy, id, more)
		if err != nil {
			return nil, err
		}
		out, err := client.ResolveCustomer(ctx, &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String(p.RegistrationToken)})
		if err != nil {
			return nil, err
		}
		list = append(list, buyer{p, aws.ToString(out.CustomerIdentifier), []int32{12, 40, 5, 90, 22, 60, 9, 31}[i]})
	}
	s.Agreement = list[0].AgreementID
	return list, nil
}

// silent says whether nobody reported the hour of a buyer: one stopped for good, one had a gap, one was forgotten until it was nearly too late.
func silent(i, hour int) bool {
	return i == 4 && hour >= 27 || i == 2 && 18 <= hour && hour < 22 || i == 6 && (hour == 3 || hour == 25) || i == 5 && hour == 9
}

// quantity is what a buyer uses in an hour: a day that swells towards its afternoon.
func (b buyer) quantity(hour int) int32 {
	day := [24]int32{1, 1, 1, 1, 2, 2, 3, 5, 8, 11, 13, 14, 13, 14, 15, 14, 12, 9, 7, 5, 4, 3, 2, 1}
	return b.size * day[hour%24] * int32(90+(hour*37+int(b.size)*13)%21) / 100
}

// use has an application report everybody's usage, hour by hour.
func (s *Site) use(ctx context.Context, buyers []buyer) error {
	client := Metering(s.souk, s.souk.Key("seller"), nil)
	start, err := s.now(ctx)
	if err != nil {
		return err
	}
	for hour := range hours {
		if err := s.pass(ctx, time.Hour); err != nil {
			return err
		}
		at := start.Add(time.Duration(hour)*time.Hour + 30*time.Minute)
		var records []types.UsageRecord
		for i, b := range buyers {
			if silent(i, hour) {
				continue
			}
			records = append(records, b.record(at, "queries", b.quantity(hour)))
			if hour%24 == 7 {
				records = append(records, b.record(at, "admin_users", 1+b.size/8))
			}
		}
		if hour == 31 { // what was forgotten, 22 hours later
			records = append(records, buyers[5].record(start.Add(9*time.Hour+30*time.Minute), "queries", 512))
		}
		if s.Answered, err = s.meter(ctx, client, records); err != nil {
			return err
		}
	}
	late := start.Add((hours-8)*time.Hour + 30*time.Minute) // an hour that was reported, with another quantity
	_, err = s.meter(ctx, client, []types.UsageRecord{buyers[1].record(late, "queries", 7)})
	return err
}

func (b buyer) record(at time.Time, dimension string, quantity int32) types.UsageRecord {
	return types.UsageRecord{CustomerIdentifier: aws.String(b.customer), Dimension: aws.String(dimension), Timestamp: aws.Time(at), Quantity: aws.Int32(quantity)}
}

// meter sends a batch, and returns the request's id.
func (s *Site) meter(ctx context.Context, client *marketplacemetering.Client, records []types.UsageRecord) (string, error) {
	out, err := client.BatchMeterUsage(ctx, &marketplacemetering.BatchMeterUsageInput{ProductCode: aws.String(s.Legacy), UsageRecords: records})
	if err != nil {
		return "", err
	}
	return RequestID(out.ResultMetadata)
}

// RequestID is the id of the request that was answered.
func RequestID(m middleware.Metadata) (string, error) {
	id, ok := awsmiddleware.GetRequestIDMetadata(m)
	if !ok {
		return "", fmt.Errorf("site: the answer has no request id")
	}
	return id, nil
}

// contracts has buyers take what is bought up front: amended, renewing itself, cancelled, over.
func (s *Site) contracts(ctx context.Context) error {
	ended, err := s.buy(ctx, s.Vault, "300000000004", nil)
	if err != nil {
		return err
	}
	s.Ended = ended.AgreementID
	if err := s.agreement(ctx, s.Ended, "expire", nil); err != nil {
		return err
	}
	amended, err := s.buy(ctx, s.Vault, "222233334444", map[string]any{"entitlements": map[string]any{"seats": 25}, "auto_renew": true})
	if err != nil {
		return err
	}
	s.Contract = amended.AgreementID
	if err := s.agreement(ctx, amended.AgreementID, "amend", map[string]any{"entitlements": map[string]any{"seats": 40}}); err != nil {
		return err
	}
	if _, err := s.buy(ctx, s.Vault, "777788889999", map[string]any{"offer_id": "offer-soukvaultcon4"}); err != nil {
		return err
	}
	trial, err := s.buy(ctx, s.Vault, "300000000001", map[string]any{"free_trial": true})
	if err != nil {
		return err
	}
	s.Trial = trial.AgreementID
	ending, err := s.buy(ctx, s.Vault, "300000000005", nil)
	if err != nil {
		return err
	}
	if err := s.pass(ctx, 98*time.Minute); err != nil { // the final hour of what ended is over then
		return err
	}
	s.Ending = ending.AgreementID
	if err := s.agreement(ctx, s.Ending, "cancel", nil); err != nil {
		return err
	}
	if err := s.pass(ctx, 22*time.Minute); err != nil {
		return err
	}
	_, err = Entitlement(s.souk, s.souk.Key("seller")).GetEntitlements(ctx, &marketplaceentitlementservice.GetEntitlementsInput{ProductCode: aws.String(s.Vault)})
	return err
}

// agreement does something to an agreement: amend, cancel, ….
func (s *Site) agreement(ctx context.Context, id, what string, in any) error {
	return s.souk.Call(ctx, http.MethodPost, "/api/v1/agreements/"+id+"/"+what, in, nil)
}
