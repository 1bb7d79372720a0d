package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice"
	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/process"
	"github.com/souk-market/souk/test/site"
)

// The inspector, over the calls of a filled world.
func TestRequests(t *testing.T) {
	t.Parallel()
	tab, souk, world := filled(t)
	t.Run("denied", func(t *testing.T) { deniedExplained(t, tab, souk, world) })
	t.Run("signature", func(t *testing.T) { signatureCompared(t, tab, souk, world) })
	t.Run("retries", func(t *testing.T) { retriesGrouped(t, tab, souk, world) })
	t.Run("live", func(t *testing.T) { liveRow(t, tab, souk) })
	t.Run("filter", func(t *testing.T) { filtered(t, tab, souk, world) })
	t.Run("local time", func(t *testing.T) { localTime(t, tab, souk) })
	t.Run("replay", func(t *testing.T) { replayed(t, tab, souk, world) })
	t.Run("replay edited", func(t *testing.T) { replayedEdited(t, tab, souk, world) })
}

func deniedExplained(t *testing.T, tab context.Context, souk *process.Souk, world *site.Site) {
	run(t, tab, chromedp.Navigate(souk.Control+"/requests"), shown("#rows tr"), click(`//tr[.//*[contains(., "night-batch")]]//th//a[normalize-space()="ResolveCustomer"]`), shown("#why"))
	if where := ask(t, tab, location()); where != souk.Control+"/requests/"+world.Forbidden {
		t.Errorf("the row leads to %s", where)
	}
	says(t, tab, "AccessDeniedException", "how to mend it", "Denied", "arn:aws:iam::111122223333:policy/NightBatch", "NoCustomersAtNight", "arn:aws:iam::111122223333:user/night-batch",
		site.NightBatch.AccessKeyID, "explicit deny")
	run(t, tab, chromedp.Navigate(souk.Control+"/requests/"+world.Denied), shown("#why"))
	says(t, tab, "AccessDeniedException", "seller-denied", "no identity-based policy allows")
}

// pair is a row of two texts side by side.
type pair struct {
	Souk, Client string
	Differs      bool
}

func signatureCompared(t *testing.T, tab context.Context, souk *process.Souk, world *site.Site) {
	run(t, tab, chromedp.Navigate(souk.Control+"/requests/"+world.Tampered), shown("table.diff"))
	rows := ask(t, tab, chromedp.Evaluate[[]pair](`[...document.querySelector("table.diff").querySelectorAll("tbody tr")].map((row) => ({
		Souk: row.cells[1].textContent, Client: row.cells[2].textContent, Differs: row.cells[0].textContent.includes("differs"),
	}))`))
	host := strings.TrimPrefix(souk.Endpoint, "http://")
	want := pair{"host:metering.internal.example", "host:" + host, true}
	differing := 0
	found := false
	for _, row := range rows {
		found = found || row == want
		if row.Differs {
			differing++
		} else if row.Souk != row.Client {
			t.Errorf("not marked, and differs: %+v", row)
		}
	}
	if !found || differing != 1 || len(rows) < 8 {
		t.Errorf("%d of %d rows differ, and %+v is there: %t; rows: %+v", differing, len(rows), want, found, rows)
	}
	says(t, tab, "InvalidSignatureException", "Souk computed", "The client", "String to sign", "A proxy forwarded the request under another Host")
	sides := ask(t, tab, chromedp.Evaluate[bool](`(() => {
		const [, souk, client] = [...document.querySelector("table.diff tbody tr").cells].map((cell) => cell.getBoundingClientRect());
		return souk.right <= client.left + 1 && Math.abs(souk.top - client.top) < 1;
	})()`))
	if !sides {
		t.Error("the canonical requests do not stand side by side")
	}
	run(t, tab, chromedp.Navigate(souk.Control+"/requests/"+world.Secret), shown("table.diff"))
	says(t, tab, "No line differs", "Most likely the secret is not that of access key "+souk.Key("seller").AccessKeyID)
}

func retriesGrouped(t *testing.T, tab context.Context, souk *process.Souk, world *site.Site) {
	run(t, tab, chromedp.Navigate(souk.Control+"/requests/"+world.Retried), shown("#attempts"))
	attempts := ask(t, tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll("ol.attempts li")].map((item) => item.innerText)`))
	if len(attempts) != 2 || !strings.Contains(attempts[0]+attempts[1], "this one") {
		t.Errorf("attempts: %q", attempts)
	}
	run(t, tab, click(`//ol[contains(@class, "attempts")]//a`), visible(`//h2[contains(., "Why it was refused")]`))
	says(t, tab, "ThrottlingException", "Fault: refused")
}

func liveRow(t *testing.T, tab context.Context, souk *process.Souk) {
	run(t, tab, chromedp.Navigate(souk.Control+"/requests"), shown("#pause"))
	until(t, tab, `document.getElementById("following").textContent.startsWith("Following")`)
	mark(t, tab)
	before := ask(t, tab, chromedp.Evaluate[string](`document.querySelector("#rows a").getAttribute("href")`))
	out, err := site.Entitlement(souk, souk.Key("seller")).GetEntitlements(tab, &marketplaceentitlementservice.GetEntitlementsInput{ProductCode: aws.String(souk.Product("concurrent-agreements").ProductCode)})
	if err != nil {
		t.Fatal(err)
	}
	id, err := site.RequestID(out.ResultMetadata)
	if err != nil {
		t.Fatal(err)
	}
	until(t, tab, fmt.Sprintf(`document.querySelector("#rows tr:first-child th a").getAttribute("href") === %q`, "/requests/"+id))
	marked(t, tab)
	if before == "/requests/"+id {
		t.Error("the row was there before its request")
	}
	text := ask(t, tab, chromedp.Text(chromedp.CSS("#rows tr:first-child")))
	for _, want := range []string{"GetEntitlements", "Answered", "seller", "Sample Seller", "Sample Vault"} {
		if !strings.Contains(text, want) {
			t.Errorf("the row does not say %q: %s", want, text)
		}
	}
	accessible(t, tab, "with a live row")
}

func filtered(t *testing.T, tab context.Context, souk *process.Souk, world *site.Site) {
	run(t, tab, chromedp.Navigate(souk.Control+"/requests"), shown("#rows tr"),
		chromedp.SetValue(chromedp.CSS("#operation"), "ResolveCustomer"), chromedp.SetValue(chromedp.CSS("#outcome"), "error"), click(`//button[normalize-space()="Show"]`), shown(".chips"))
	rows := ask(t, tab, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#rows > tr")].map((row) => row.innerText)`))
	if len(rows) < 5 {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(row, "ResolveCustomer") || strings.Contains(row, "Answered") && !strings.Contains(row, "Attempt") {
			t.Errorf("the filter lets through: %s", row)
		}
	}
	if where := ask(t, tab, location()); !strings.Contains(where, "operation=ResolveCustomer") || !strings.Contains(where, "outcome=error") {
		t.Errorf("the address %s cannot be shared", where)
	}
}

// localTime: what stands in UTC says its local time to whoever rests the pointer on it.
func localTime(t *testing.T, tab context.Context, souk *process.Souk) {
	timezone(t, tab, "Asia/Tokyo")
	defer timezone(t, tab, "")
	run(t, tab, chromedp.Navigate(souk.Control+"/world/clock"), shown(".clock time"))
	box := ask(t, tab, chromedp.Evaluate[[]float64](`(() => { const r = document.querySelector(".clock time").getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`))
	run(t, tab, chromedp.MouseEvent("mouseMoved", 1, 1), chromedp.MouseEvent("mouseMoved", box[0], box[1]))
	until(t, tab, `document.querySelector(".clock time").title !== ""`)
	title := ask(t, tab, chromedp.Evaluate[string](`document.querySelector(".clock time").title`))
	want := ask(t, tab, chromedp.Evaluate[string](`new Date(document.querySelector(".clock time").dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long", timeZone: "Asia/Tokyo" })`))
	if title != want || !strings.Contains(title, "11:20") { // 14:20 UTC is 23:20 in Tokyo
		t.Errorf("the title says %q, want %q", title, want)
	}
}

func replayed(t *testing.T, tab context.Context, souk *process.Souk, world *site.Site) {
	run(t, tab, chromedp.Navigate(souk.Control+"/requests/"+world.Answered), click(`//button[normalize-space()="Send it again"]`))
	if where := left(t, tab, souk.Control+"/requests/"+world.Answered); !strings.HasPrefix(where, souk.Control+"/requests/") {
		t.Errorf("the replay leads to %s", where)
	}
	says(t, tab, "souk-replay/1", "BatchMeterUsage", "Answered", "arn:aws:iam::111122223333:user/seller", `"Success"`)
}

// replayedEdited mends the call that came too late: with a token that is good.
func replayedEdited(t *testing.T, tab context.Context, souk *process.Souk, world *site.Site) {
	fresh, err := souk.Buy(tab, souk.Product("concurrent-agreements").ProductCode)
	if err != nil {
		t.Fatal(err)
	}
	page := souk.Control + "/requests/" + world.Expired
	run(t, tab, chromedp.Navigate(page), shown("#why"))
	says(t, tab, "ExpiredTokenException", "The registration token was resolved too late")
	mayRefuse(tab, page+"/replay") // the token is masked in it
	run(t, tab, click(`//button[normalize-space()="Send it again"]`), shown("#replay-problem"))
	run(t, tab, chromedp.SetValue(chromedp.CSS("#replay-body"), fmt.Sprintf(`{"RegistrationToken": %q}`, fresh.RegistrationToken)), click(`//button[normalize-space()="Send it again"]`))
	left(t, tab, page+"/replay")
	says(t, tab, "souk-replay/1", "ResolveCustomer", "Answered", fresh.LicenseARN)
	if text := ask(t, tab, mainText()); strings.Contains(text, fresh.RegistrationToken) {
		t.Error("the page shows the token")
	}
}
