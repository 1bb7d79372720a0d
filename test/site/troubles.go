package site

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
)

// troubles are the calls that developers come to look at: one of each that is refused, and one that succeeds when it is tried again.
func (s *Site) troubles(ctx context.Context, buyers []buyer) (err error) {
	seller := s.souk.Key("seller")
	if s.Expired, err = resolve(ctx, Metering(s.souk, seller, nil), buyers[0].RegistrationToken, "ExpiredTokenException"); err != nil {
		return err
	}
	fresh, err := s.buy(ctx, s.Vault, "300000000006", nil)
	if err != nil {
		return err
	}
	token := fresh.RegistrationToken
	if _, err = resolve(ctx, Metering(s.souk, s.souk.Key("other-seller"), nil), token, "InvalidTokenException"); err != nil {
		return err
	}
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	_, err = s.meter(ctx, Metering(s.souk, seller, nil), []types.UsageRecord{buyers[3].record(now, "bandwidth", 3)})
	if _, err = refusal(err, "InvalidUsageDimensionException"); err != nil {
		return err
	}
	rule := map[string]any{"operation": "ResolveCustomer", "attempt": 1, "refuse": "ThrottlingException", "times": 1}
	if err := s.souk.Call(ctx, http.MethodPost, "/api/v1/faults", rule, nil); err != nil {
		return err
	}
	out, err := Metering(s.souk, seller, nil).ResolveCustomer(ctx, &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String(token)})
	if err != nil {
		return err
	}
	if s.Retried, err = RequestID(out.ResultMetadata); err != nil {
		return err
	}
	rule = map[string]any{"operation": "BatchMeterUsage", "every_n": 5, "lose": true}
	if err := s.souk.Call(ctx, http.MethodPost, "/api/v1/faults", rule, nil); err != nil {
		return err
	}
	forged := seller
	forged.SecretAccessKey = "not+the/secret/of+this+key/NOT+A+SECRET/0"
	if s.Secret, err = resolve(ctx, Metering(s.souk, forged, nil), token, "InvalidSignatureException"); err != nil {
		return err
	}
	if s.Tampered, err = resolve(ctx, Metering(s.souk, seller, Proxy{Host: "metering.internal.example"}), token, "InvalidSignatureException"); err != nil {
		return err
	}
	if s.Denied, err = resolve(ctx, Metering(s.souk, s.souk.Key("seller-denied"), nil), token, "AccessDeniedException"); err != nil {
		return err
	}
	s.Forbidden, err = resolve(ctx, Metering(s.souk, NightBatch, nil), token, "AccessDeniedException")
	return err
}
