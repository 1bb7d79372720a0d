package browser

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/smithy-go"
	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/site"
)

// codeOf is the error code of an SDK's error; "" for none.
func codeOf(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode()
}

// A fault is armed with its form, fires at the SDK's call, and is seen to have fired while the page stands.
func TestFaultFires(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	call := func() error {
		_, err := site.Entitlement(souk, souk.Key("seller")).GetEntitlements(tab, &marketplaceentitlementservice.GetEntitlementsInput{ProductCode: aws.String(souk.Product("concurrent-agreements").ProductCode)},
			func(o *marketplaceentitlementservice.Options) { o.RetryMaxAttempts = 1 })
		return err
	}
	run(t, tab, chromedp.Navigate(souk.Control+"/world/faults"), click(`//label[contains(., "Refused")]//input`), chromedp.Clear(chromedp.CSS("#code")),
		chromedp.SendKeys(chromedp.CSS("#code"), "ThrottlingException"), chromedp.SetValue(chromedp.CSS("#operation"), "GetEntitlements"), chromedp.SetValue(chromedp.CSS("#times"), "1"),
		click(`//button[normalize-space()="Arm the fault"]`), visible(`//*[@role="status" and contains(., "The fault is armed")]`))
	mark(t, tab)
	const fired = `document.querySelector("[data-live$=fired]").textContent`
	if n := evaluate(t, tab, fired); n != "0" {
		t.Errorf("it has fired %s times before any call", n)
	}
	if err := call(); codeOf(err) != "ThrottlingException" {
		t.Fatalf("the call is answered with %v", err)
	}
	until(t, tab, fired+` === "1"`)
	until(t, tab, `document.querySelector("[data-live$=state]").textContent === "Spent"`)
	marked(t, tab)
	if err := call(); err != nil {
		t.Errorf("it fired more often than once: %v", err)
	}
	run(t, tab, chromedp.Navigate(souk.Control+"/requests"), click(`//tr[contains(., "Fault: refused")]//th//a`), shown("#why"))
	says(t, tab, "ThrottlingException", "Fault rule", "Fault: refused")
}

// Five hours later a token is too old: the SDK is told so, and the page of the request says why.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	bought, err := souk.Buy(tab, souk.Product("legacy").ProductCode)
	if err != nil {
		t.Fatal(err)
	}
	client := site.Metering(souk, souk.Key("seller"), nil)
	resolve := func() error {
		_, err := client.ResolveCustomer(tab, &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String(bought.RegistrationToken)})
		return err
	}
	if err := resolve(); err != nil {
		t.Fatalf("a fresh token: %v", err)
	}
	run(t, tab, chromedp.Navigate(souk.Control+"/world/clock"), click(`//button[normalize-space()="Freeze"]`), visible(`//*[contains(@class, "badge") and .="Frozen"]`))
	now, err := time.Parse(time.RFC3339, evaluate(t, tab, `document.querySelector(".clock time").dateTime`))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		now = now.Add(time.Hour)
		run(t, tab, click(`//button[normalize-space()="+1 hour"]`), visible(fmt.Sprintf(`//section[contains(@class, "clock")]//time[@datetime=%q]`, now.Format(time.RFC3339))))
	}
	says(t, tab, "The clock was moved.", "What happened since")
	if err := resolve(); codeOf(err) != "ExpiredTokenException" {
		t.Fatalf("the call is answered with %v", err)
	}
	run(t, tab, chromedp.Navigate(souk.Control+"/requests"), click(`//tr[contains(., "ExpiredTokenException")]//th//a`), shown("#why"))
	says(t, tab, "ExpiredTokenException", "resolved too late", "by the market’s clock", "By the market’s clock")
}

// A key's secret is shown once, on a page that can be used with it at once, and which the checker finds nothing wrong with.
func TestAccessKeyShownOnce(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	page := souk.Control + "/world/accounts/111122223333"
	run(t, tab, chromedp.Navigate(page), chromedp.SendKeys(chromedp.CSS("#key-name"), "ci"), click(`//button[normalize-space()="Make the key"]`), visible(`//h1[.="New credentials"]`))
	accessible(t, tab, "key, light")
	scheme(t, tab, "dark")
	accessible(t, tab, "key, dark")
	text := evaluate(t, tab, `document.querySelector("pre").textContent`)
	secret := ""
	for line := range strings.SplitSeq(text, "\n") {
		if after, ok := strings.CutPrefix(line, "export AWS_SECRET_ACCESS_KEY="); ok {
			secret = strings.Trim(after, "'")
		}
	}
	if len(secret) < 20 {
		t.Fatalf("no secret on the page: %s", text)
	}
	run(t, tab, click(`//a[normalize-space()="I have copied them"]`), visible(`//h2[.="Access keys"]`))
	says(t, tab, "ci")
	if text := ask(t, tab, mainText()); strings.Contains(text, secret) {
		t.Error("the secret is shown again")
	}
}
