package registration_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/registration"
)

func TestForm(t *testing.T) {
	p := market.Purchase{
		Token: "a+b/c==", Product: market.Product{ID: "prod-x", Code: "code"},
		Agreement: market.Agreement{ID: "agmt-y"},
	}
	want := url.Values{
		"x-amzn-marketplace-token": {"a+b/c=="}, "x-amzn-marketplace-agreement-id": {"agmt-y"}, "x-amzn-marketplace-product-id": {"prod-x"},
	}
	if diff := cmp.Diff(want, registration.Form(p)); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	if got, want := registration.Form(p).Encode(), "x-amzn-marketplace-agreement-id=agmt-y&x-amzn-marketplace-product-id=prod-x&x-amzn-marketplace-token=a%2Bb%2Fc%3D%3D"; got != want {
		t.Errorf("on the wire: %s, want %s", got, want)
	}
	p.Agreement.FreeTrial = true
	want.Set("x-amzn-marketplace-offer-type", "free-trial")
	if diff := cmp.Diff(want, registration.Form(p)); diff != "" {
		t.Errorf("form of a free trial (-want +got):\n%s", diff)
	}
}
