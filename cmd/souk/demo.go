package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/admin"
	"github.com/souk-market/souk/internal/registration"
	"github.com/souk-market/souk/internal/sigv4"
)

// demoCmd is `souk demo`.
type demoCmd struct {
	JSON bool `help:"Print one line of JSON a step, instead of the text for people."`
}

func (demoCmd) Help() string {
	return `The main job in one command: starts a Souk of its own on free ports, buys a product, posts the registration form as the buyer's browser does, resolves the
token as a seller does, and gets it wrong on purpose: the token altered, expired, from another account, without permission. Then the seller meters usage: once,
again, and with another quantity; reads entitlements; the buyer cancels, the final hour takes the last records, and after it they are refused.
Every step goes over real sockets and is checked; the exit status is 0 only if every answer was the right one.`
}

func (c *demoCmd) Run(a *app) error {
	n, err := startNode(a.ctx, nodeConfig{
		nodeFlags: nodeFlags{Listen: "127.0.0.1:0", Control: "127.0.0.1:0", Region: "us-east-1", Regions: "aws", TokenReuse: "replay"},
		Mode:      "dev", Create: true, Sample: true, Simulation: true, Quotas: "aws",
	}, quietly(a.getenv), a.stderr)
	if err != nil {
		return err
	}
	control, err := admin.NewClient(n.Control, "")
	if err == nil {
		d := &demo{ctx: a.ctx, out: a.stdout, json: c.JSON, node: n, info: n.Info(), control: control}
		err = d.run()
		if err == nil && d.wrong > 0 {
			err = fmt.Errorf("%d of %d answers were not the right ones", d.wrong, d.checked)
		}
	}
	if closeErr := n.Close(); err == nil {
		err = closeErr
	}
	return err
}

// quietly keeps the demo's own node from logging its start.
func quietly(getenv func(string) string) func(string) string {
	return func(name string) string {
		if v := getenv(name); v != "" || name != "SOUK_LOG_LEVEL" {
			return v
		}
		return "WARN"
	}
}

// demo walks through the main job and keeps count of what was right.
type demo struct {
	ctx     context.Context
	out     io.Writer
	json    bool
	node    *node
	info    admin.Info
	control *admin.Client

	step, checked, wrong int
}

func (d *demo) run() error {
	product := d.info.Products[len(d.info.Products)-1]
	d.say("A Souk of your own", "AWS face %s, storefront %s/", d.info.Endpoint, d.info.Control)

	buyer := d.buyer()
	p, err := d.control.Buy(d.ctx, admin.PurchaseInput{ProductCode: product.ProductCode, Buyer: buyer})
	if err != nil {
		return err
	}
	d.say("A buyer subscribes", "account %s to %q: agreement %s", buyer, product.Title, p.AgreementID)
	d.detail("license  %s", p.LicenseARN)
	d.detail("token    %s… (%d characters of Base64)", p.RegistrationToken[:24], len(p.RegistrationToken))

	answer, err := d.post(p)
	if err != nil {
		return err
	}
	d.say("The buyer's browser posts the form to the seller's page", "POST %s", p.RegistrationURL)
	d.detail("x-amzn-marketplace-token=%s…", url.QueryEscape(p.RegistrationToken)[:24])
	d.expect("the seller's page resolved it, over the network, and answered", "200", fmt.Sprint(answer.Status))

	d.say("The seller's site calls ResolveCustomer", "signed SigV4, as any AWS SDK does")
	body := d.resolve("seller", p.RegistrationToken, true)
	d.expect("CustomerAWSAccountId", buyer, body["CustomerAWSAccountId"])
	d.expect("CustomerIdentifier", p.CustomerIdentifier, body["CustomerIdentifier"])
	d.expect("LicenseArn", p.LicenseARN, body["LicenseArn"])
	d.expect("ProductCode", product.ProductCode, body["ProductCode"])

	d.say("Again, with the same token", "a token gives the same answer until it expires")
	d.expect("LicenseArn", p.LicenseARN, d.resolve("seller", p.RegistrationToken, false)["LicenseArn"])

	d.say("With one character of the token changed", "")
	d.expectError("seller", tamper(p.RegistrationToken), "InvalidTokenException", "Registration token is invalid")
	d.say("Decoded once too often, so that + became a space", "what a page that decodes the form twice sends")
	withPlus := p
	for !strings.Contains(withPlus.RegistrationToken, "+") { // one in sixteen has none
		if withPlus, err = d.control.SetUpAccount(d.ctx, p.AgreementID); err != nil {
			return err
		}
	}
	twice, err := url.QueryUnescape(withPlus.RegistrationToken)
	if err != nil {
		return err
	}
	d.expectError("seller", twice, "InvalidTokenException", "Registration token is invalid")
	d.say("From the account of another seller", "only the account that published the product can resolve")
	d.expectError("other-seller", p.RegistrationToken, "InvalidTokenException", "Registration token is invalid")
	d.why()
	d.say("From a user without permission", "")
	d.expectError("seller-denied", p.RegistrationToken, "AccessDeniedException",
		"User: arn:aws:iam::111122223333:user/seller-denied is not authorized to perform: aws-marketplace:ResolveCustomer because no identity-based policy allows the aws-marketplace:ResolveCustomer action")
	d.say("Four hours later", "the market's clock is moved; the wall clock, and so every signature, is not")
	if _, err := d.control.AdvanceClock(d.ctx, 4*time.Hour+time.Second); err != nil {
		return err
	}
	d.expectError("seller", p.RegistrationToken, "ExpiredTokenException", "Registration token has expired")
	d.why()
	d.say("The buyer clicks “Set up your account” again", "a new token for the same agreement")
	again, err := d.control.SetUpAccount(d.ctx, p.AgreementID)
	if err != nil {
		return err
	}
	d.expect("LicenseArn", p.LicenseARN, d.resolve("seller", again.RegistrationToken, false)["LicenseArn"])
	if err := d.meter(p, product.ProductCode); err != nil {
		return err
	}
	if d.wrong == 0 && !d.json {
		fmt.Fprintf(d.out, "\n%d answers checked, all right. Next: `souk dev`, and point your own SDK at it.\n", d.checked)
	}
	return nil
}

// buyer is the first account of the sample marketplace that buys.
func (d *demo) buyer() string {
	for _, k := range d.info.Keys {
		if k.Name == "buyer" {
			return k.Account
		}
	}
	return ""
}

// post does what the buyer's browser does.
func (d *demo) post(p admin.Purchase) (registration.Answer, error) {
	form := url.Values{
		registration.FieldToken: {p.RegistrationToken}, registration.FieldAgreementID: {p.AgreementID}, registration.FieldProductID: {p.ProductID},
	}
	return registration.Post(d.ctx, http.DefaultClient, p.RegistrationURL, form)
}

// resolve calls ResolveCustomer with a key of the sample marketplace; show prints the bytes that mattered.
func (d *demo) resolve(keyName, token string, show bool) map[string]string {
	res := d.call(keyName, "AWSMPMeteringService.ResolveCustomer", map[string]string{"RegistrationToken": token})
	if show {
		d.detail("> POST / HTTP/1.1")
		d.detail("> X-Amz-Target: %s", res.request.Header.Get("X-Amz-Target"))
		d.detail("> Authorization: %s…", res.request.Header.Get("Authorization")[:72])
		d.detail("> {\"RegistrationToken\":\"%s…\"}", token[:24])
		d.detail("< HTTP/1.1 %d, x-amzn-RequestId: %s", res.status, res.requestID)
		d.detail("< %s", res.raw)
	}
	body := map[string]string{"status": fmt.Sprint(res.status)}
	var members map[string]any
	if err := json.Unmarshal(res.raw, &members); err != nil {
		body["__type"] = err.Error()
	}
	for name, v := range members {
		body[name] = fmt.Sprint(v)
	}
	return body
}

// reply is the answer to a call of the AWS face.
type reply struct {
	request   *http.Request
	status    int
	requestID string
	raw       []byte // the body; of a call that found nobody, an error in the same form
}

// code is that of an error; "" for a success.
func (r *reply) code() string {
	var e struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal(r.raw, &e); err != nil {
		return err.Error()
	}
	return e.Type
}

// call makes one call of the AWS face in AWS JSON 1.1, signed with a key of the sample marketplace.
func (d *demo) call(keyName, target string, in any) *reply {
	var key sigv4.Key
	for _, k := range d.info.Keys {
		if k.Name == keyName {
			key = sigv4.Key{AccessKeyID: k.AccessKeyID, Secret: k.SecretAccessKey}
		}
	}
	failed := func(err error) *reply {
		raw, _ := json.Marshal(map[string]string{"__type": err.Error()})
		return &reply{request: new(http.Request), raw: raw}
	}
	payload, err := json.Marshal(in)
	if err != nil {
		return failed(err)
	}
	req, err := http.NewRequestWithContext(d.ctx, http.MethodPost, d.info.Endpoint+"/", bytes.NewReader(payload))
	if err != nil {
		return failed(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	sigv4.Sign(req, payload, key, d.info.Region, "aws-marketplace", time.Now())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return failed(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return failed(err)
	}
	return &reply{request: req, status: res.StatusCode, requestID: res.Header.Get("x-amzn-RequestId"), raw: raw}
}

func (d *demo) expectError(keyName, token, code, message string) {
	body := d.resolve(keyName, token, false)
	d.expect("code", code, body["__type"])
	d.expect("message", message, body["message"])
	d.expect("status", "400", body["status"])
}

// why shows what only the inspector is told.
func (d *demo) why() {
	page, err := d.control.Requests(d.ctx, admin.RequestQuery{Limit: 1})
	if err == nil && len(page.Requests) == 1 && page.Requests[0].Reason != "" {
		d.detail("why (in the request record only): %s", page.Requests[0].Reason)
	}
}

func (d *demo) say(title, format string, args ...any) {
	d.step++
	if d.json {
		return
	}
	fmt.Fprintf(d.out, "\n%d. %s\n", d.step, title)
	if format != "" {
		d.detail(format, args...)
	}
}

func (d *demo) detail(format string, args ...any) {
	if !d.json {
		fmt.Fprintf(d.out, "   "+format+"\n", args...)
	}
}

func (d *demo) expect(what, want, got string) {
	d.checked++
	ok := want == got
	if !ok {
		d.wrong++
	}
	if d.json {
		_ = json.NewEncoder(d.out).Encode(map[string]any{"step": d.step, "what": what, "want": want, "got": got, "ok": ok})
		return
	}
	mark := "ok   "
	if !ok {
		mark = "WRONG"
	}
	fmt.Fprintf(d.out, "   %s %s: %q\n", mark, what, got)
	if !ok {
		fmt.Fprintf(d.out, "         want %q\n", want)
	}
}

// tamper changes one character in the middle of a token.
func tamper(token string) string {
	b := []byte(token)
	if b[90] == 'A' {
		b[90] = 'B'
	} else {
		b[90] = 'A'
	}
	return string(b)
}
