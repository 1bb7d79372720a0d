package browser

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/site"
)

const (
	markup   = `"'><script>window.pwned=1</script><img src=x onerror="window.pwned=2">`
	reversed = "safe\u202egpj.exe" // which a browser would show as "safeexe.jpg"
)

const hostileWorld = `
version: 1
accounts:
  - {id: "300000000009", name: %[1]q, buyer: true}
products:
  - code: hostile00000000000000001
    seller: "111122223333"
    title: %[1]q
    description: %[2]q
    kind: legacy
    dimensions: [{key: calls, kind: metered, name: %[1]q, unit: %[2]q}]
    offers: [{kind: public, name: %[1]q}]
`

// Text that people and programs put in stays text: markup is read, not run, and what turns the writing direction is spelled out.
func TestHostileText(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	if err := souk.Call(tab, http.MethodPut, "/api/v1/world", fmt.Appendf(nil, hostileWorld, markup, reversed), nil); err != nil {
		t.Fatal(err)
	}
	bought, err := souk.Buy(tab, "hostile00000000000000001")
	if err != nil {
		t.Fatal(err)
	}
	agent := func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("agent", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			in.Request.(*smithyhttp.Request).Header.Set("User-Agent", markup)
			return next.HandleFinalize(ctx, in)
		}), middleware.Before)
	}
	_, err = site.Metering(souk, souk.Key("seller"), nil).ResolveCustomer(tab, &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String(reversed + markup)},
		marketplacemetering.WithAPIOptions(agent))
	if codeOf(err) != "InvalidTokenException" {
		t.Fatalf("the call is answered with %v", err)
	}
	request, err := http.NewRequestWithContext(tab, http.MethodPost, souk.Endpoint+"/", strings.NewReader("{"+markup+reversed))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSMPMeteringService."+markup)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	hostile := func(texts ...string) {
		t.Helper()
		run(t, tab, shown("main h1"))
		says(t, tab, texts...)
		if ask(t, tab, chromedp.Evaluate[bool](`window.pwned !== undefined || document.querySelector("main script, main img, main [onerror]") !== null`)) {
			t.Error("the markup was taken for markup")
		}
		if text := ask(t, tab, mainText()); strings.ContainsRune(text, '\u202e') {
			t.Error("the page has a character that turns the writing direction")
		}
	}
	const spelled = "safe‹U+202E›gpj.exe"
	run(t, tab, chromedp.Navigate(souk.Control+"/"))
	hostile(markup, spelled)
	run(t, tab, chromedp.Navigate(souk.Control+"/products/hostile00000000000000001"))
	hostile(markup, spelled)
	run(t, tab, chromedp.Navigate(souk.Control+"/subscriptions/"+bought.AgreementID))
	hostile(markup)
	run(t, tab, chromedp.Navigate(souk.Control+"/agreements/"+bought.AgreementID))
	hostile(markup)
	run(t, tab, chromedp.Navigate(souk.Control+"/requests"))
	hostile()
	run(t, tab, click(`//tr[contains(., "InvalidTokenException")]//th//a`), shown("#why"))
	hostile(`window.pwned=1`)
	mayRefuse(tab, souk.Control+"/products/"+"%3Cscript%3Ewindow.pwned=1%3C%2Fscript%3E")
	run(t, tab, chromedp.Navigate(souk.Control+"/products/%3Cscript%3Ewindow.pwned=1%3C%2Fscript%3E"))
	hostile("Error 404")
}
