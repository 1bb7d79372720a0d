package browser

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/test/process"
	"github.com/souk-market/souk/test/site"
)

// subscribe buys on the storefront, from its first page on, by what a person sees.
func subscribe(t *testing.T, tab context.Context, souk *process.Souk, title, offer string) {
	t.Helper()
	const button = `//button[normalize-space()="Subscribe"]`
	steps := []step{chromedp.Navigate(souk.Control + "/"), click(fmt.Sprintf(`//a[contains(., %q)]`, title)), visible(button)}
	if offer != "" {
		steps = append(steps, click(fmt.Sprintf(`//label[contains(., %q)]//input`, offer)))
	}
	run(t, tab, append(steps, click(button), visible(setUp))...)
}

const setUp = `//button[normalize-space()="Set up your account"]`

// From the storefront to the built-in registration page, which resolves the token over the network.
func TestBuyAndRegister(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	subscribe(t, tab, souk, "Sample Analytics", "")
	run(t, tab, click(setUp), shown(".facts"))
	where, text := ask(t, tab, location()), ask(t, tab, mainText())
	if where != souk.Control+"/register" {
		t.Errorf("landed on %s", where)
	}
	agreements := agreementsOf(t, souk)
	if len(agreements) != 1 {
		t.Fatalf("%d agreements, want 1", len(agreements))
	}
	for _, want := range []string{"Your account is set up", agreements[0].Buyer, agreements[0].LicenseARN, souk.Product("legacy").ProductCode} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	if n := resolved(t, souk); n != 1 {
		t.Errorf("%d calls of ResolveCustomer on the AWS face, want 1", n)
	}
}

// Without JavaScript the buyer presses the button.
func TestWithoutJavaScript(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	withoutScripts(t, tab)
	subscribe(t, tab, souk, "Sample Vault", "")
	const onward = `//form[@id="registration"]//button`
	run(t, tab, click(setUp), visible(onward), click(onward), shown(".facts"))
	text := ask(t, tab, mainText())
	if !strings.Contains(text, "Your account is set up") {
		t.Errorf("the page says:\n%s", text)
	}
}

// posted is what a seller's page got.
type posted struct {
	method, contentType, origin, site, referer string
	form                                       url.Values
	output                                     *marketplacemetering.ResolveCustomerOutput
	err                                        error
}

// sellersSite is a page of another origin, as a seller writes it: it resolves the token with the official SDK.
func sellersSite(t *testing.T, souk *process.Souk) (address string, got chan posted) {
	t.Helper()
	client := site.Metering(souk, souk.Key("seller"), nil)
	got = make(chan posted, 8)
	mux := http.NewServeMux()
	mux.HandleFunc("/aws/register", func(w http.ResponseWriter, r *http.Request) {
		p := posted{method: r.Method, contentType: r.Header.Get("Content-Type"), origin: r.Header.Get("Origin"), site: r.Header.Get("Sec-Fetch-Site"), referer: r.Header.Get("Referer")}
		if p.err = r.ParseForm(); p.err == nil {
			p.form = r.PostForm
			p.output, p.err = client.ResolveCustomer(r.Context(), &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String(r.PostForm.Get("x-amzn-marketplace-token"))})
		}
		got <- p
		http.Redirect(w, r, "/welcome", http.StatusSeeOther) // the token does not stay in the address
	})
	mux.HandleFunc("/welcome", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Seller</title><h1 id="welcome">Welcome to the seller's own site</h1></html>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1), got
}

// A page of another origin gets the documented form, cross-site, once the product's registration URL points to it: changed live.
func TestSellersOwnPage(t *testing.T) {
	t.Parallel()
	tab, souk := start(t)
	address, got := sellersSite(t, souk)
	code := souk.Product("legacy").ProductCode
	if err := souk.Call(tab, http.MethodPatch, "/api/v1/products/"+url.PathEscape(code), map[string]string{"registration_url": address + "/aws/register"}, nil); err != nil {
		t.Fatal(err)
	}
	subscribe(t, tab, souk, "Sample Analytics", "Two weeks free")
	tokens := map[string]bool{}
	for range 2 { // each click mints a token of its own for the same agreement
		run(t, tab, click(setUp), shown("#welcome"))
		if where := ask(t, tab, location()); where != address+"/welcome" {
			t.Errorf("landed on %s", where)
		}
		p := <-got
		if p.err != nil {
			t.Fatal(p.err)
		}
		if p.method != http.MethodPost || p.contentType != "application/x-www-form-urlencoded" || p.site != "cross-site" || p.origin != souk.Control || p.referer != souk.Control+"/" {
			t.Errorf("%s %s from %q (%s), Referer %q", p.method, p.contentType, p.origin, p.site, p.referer)
		}
		agreement := agreementsOf(t, souk)[0]
		want := url.Values{
			"x-amzn-marketplace-token":        p.form["x-amzn-marketplace-token"],
			"x-amzn-marketplace-agreement-id": {agreement.AgreementID},
			"x-amzn-marketplace-product-id":   {souk.Product("legacy").ProductID},
			"x-amzn-marketplace-offer-type":   {"free-trial"},
		}
		if p.form.Encode() != want.Encode() || len(p.form.Get("x-amzn-marketplace-token")) != 184 {
			t.Errorf("form %v", p.form)
		}
		tokens[p.form.Get("x-amzn-marketplace-token")] = true
		if aws.ToString(p.output.LicenseArn) != agreement.LicenseARN || aws.ToString(p.output.CustomerAWSAccountId) != agreement.Buyer {
			t.Errorf("resolved to %+v", p.output)
		}
		run(t, tab, chromedp.Navigate(souk.Control+"/subscriptions/"+agreement.AgreementID), visible(setUp))
	}
	if len(tokens) != 2 {
		t.Errorf("%d different tokens for two clicks", len(tokens))
	}
}

type agreement struct {
	AgreementID string `json:"agreement_id"`
	Buyer       string `json:"buyer"`
	LicenseARN  string `json:"license_arn"`
}

func agreementsOf(t *testing.T, souk *process.Souk) []agreement {
	t.Helper()
	var out struct {
		Agreements []agreement `json:"agreements"`
	}
	if err := souk.Call(context.Background(), http.MethodGet, "/api/v1/agreements", nil, &out); err != nil {
		t.Fatal(err)
	}
	return out.Agreements
}

// resolved counts the successful calls that the AWS face has recorded.
func resolved(t *testing.T, souk *process.Souk) int {
	t.Helper()
	var out struct {
		Requests []struct{} `json:"requests"`
	}
	if err := souk.Call(context.Background(), http.MethodGet, "/api/v1/requests?operation=ResolveCustomer&outcome=ok", nil, &out); err != nil {
		t.Fatal(err)
	}
	return len(out.Requests)
}
