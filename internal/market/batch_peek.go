package market

import "context"

// ProductOfLicense is the code of the product that a license is of; "" for a license that there is not, and when the store cannot say. Nothing is
// judged: it is for fault rules, which go by products, before a call is acted on.
func (s *Service) ProductOfLicense(ctx context.Context, licenseARN []byte) string {
	_, a, err := s.licensee(ctx, licenseARN)
	if err != nil || a == nil {
		return ""
	}
	return a.ProductCode
}
