package browser

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/site"
)

// beside opens a second tab, and keeps both awake: a tab that nobody sees asks the server for nothing.
func beside(t *testing.T, tab context.Context) context.Context {
	t.Helper()
	second, cancel := chromedp.NewContext(tab)
	t.Cleanup(cancel)
	second = watched(t, second)
	for _, ctx := range []context.Context{tab, second} {
		if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
			t.Fatal(err)
		}
	}
	return second
}

// From the first start to a customer whom a page of another origin has resolved, metered and looked up. Start ticks each step by itself.
func TestLadder(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	buyer := beside(t, tab)
	run(t, tab, chromedp.Navigate(souk.Control+"/start"), shown("#ladder-text"))
	mark(t, tab)
	says(t, tab, "0 of 4 steps done.", souk.Endpoint, souk.Key("seller").AccessKeyID, "AWS_ENDPOINT_URL_MARKETPLACE_METERING")
	ticked := func(step, text string) {
		t.Helper()
		until(t, tab, `document.querySelector("#step-`+step+`.done [data-badge]")?.textContent === "Done"`)
		until(t, tab, `document.getElementById("ladder-text").textContent === "`+text+`"`)
		green := ask(t, tab, chromedp.Evaluate[bool](`(() => {
			const tick = document.querySelector("#step-`+step+` .tick");
			const probe = document.createElement("i");
			probe.style.color = "var(--good)";
			tick.append(probe);
			const good = getComputedStyle(probe).color;
			probe.remove();
			return getComputedStyle(tick).borderTopColor === good && getComputedStyle(tick.querySelector("svg")).stroke === good;
		})()`))
		if !green {
			t.Errorf("the tick of %s is not green", step)
		}
		marked(t, tab)
	}

	subscribe(t, buyer, souk, "Sample Analytics", "")
	run(t, buyer, click(setUp), shown(".facts"))
	ticked("builtin", "1 of 4 steps done.")

	address, got := sellersSite(t, souk)
	product := souk.Product("legacy")
	run(t, buyer, chromedp.Navigate(souk.Control+"/products/"+url.PathEscape(product.ProductCode)), shown("#registration-url"),
		chromedp.Clear(chromedp.CSS("#registration-url")), chromedp.SendKeys(chromedp.CSS("#registration-url"), address+"/aws/register\r"),
		visible(`//*[@role="status" and contains(., "registration URL was changed")]`))
	agreement := agreementsOf(t, souk)[0]
	run(t, buyer, chromedp.Navigate(souk.Control+"/subscriptions/"+agreement.AgreementID), click(setUp), shown("#welcome"))
	if where := ask(t, buyer, location()); where != address+"/welcome" {
		t.Errorf("landed on %s", where)
	}
	p := <-got
	if p.err != nil {
		t.Fatal(p.err)
	}
	if account := aws.ToString(p.output.CustomerAWSAccountId); account != agreement.Buyer {
		t.Errorf("resolved to %s, want %s", account, agreement.Buyer)
	}
	ticked("own", "2 of 4 steps done.")

	out, err := site.Metering(souk, souk.Key("seller"), nil).BatchMeterUsage(tab, &marketplacemetering.BatchMeterUsageInput{
		ProductCode: p.output.ProductCode,
		UsageRecords: []types.UsageRecord{{CustomerIdentifier: p.output.CustomerIdentifier, Dimension: aws.String("queries"),
			Timestamp: aws.Time(time.Now()), Quantity: aws.Int32(3)}},
	})
	if err != nil || len(out.Results) != 1 || out.Results[0].Status != types.UsageRecordResultStatusSuccess {
		t.Fatalf("%+v %v", out, err)
	}
	ticked("meter", "3 of 4 steps done.")

	vault := souk.Product("concurrent-agreements").ProductCode
	if _, err := site.Entitlement(souk, souk.Key("seller")).GetEntitlements(tab, &marketplaceentitlementservice.GetEntitlementsInput{ProductCode: aws.String(vault)}); err != nil {
		t.Fatal(err)
	}
	ticked("entitled", "4 of 4 steps done.")
	if text := ask(t, tab, chromedp.Text(chromedp.CSS("#step-own [data-seen]"))); !strings.Contains(text, "arn:aws:iam::111122223333:user/seller") {
		t.Errorf("the step says %q, and not who was seen", text)
	}
}
