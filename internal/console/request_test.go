package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/reqlog"
)

func TestRequestThatWentWell(t *testing.T) {
	s := newInspected(t, nil)
	token := s.token(legacy, alice)
	id := s.call(goodKey, "ResolveCustomer", `{"RegistrationToken":"`+token+`"}`, nil, nil)
	p := s.get("/requests/"+id).is(t, http.StatusOK, "ResolveCustomer", "Answered", goodKey.AccessKeyID, "arn:aws:iam::"+seller+":user/good", "Regionus-east-1", "Serviceaws-marketplace", "x-amz-target",
		"Allowed", "Sid TheOne", `statement 0 (Sid "TheOne") of policy "P"`, "Harbour Software", "Log Search", "Acme Corporation", "POST / HTTP/1.1", "X-Amz-Target: AWSMPMeteringService.ResolveCustomer",
		"HTTP/1.1 200 OK", "X-Amzn-Requestid: "+id, `"CustomerAWSAccountId": "`+alice+`"`, "aws meteringmarketplace resolve-customer", "Secrets are masked")
	if strings.Contains(p.body, token[:20]) || !strings.Contains(p.text(), "Signature=…") {
		t.Error("a secret is on the page")
	}
	for _, path := range []string{"/products/" + legacy, "/subscriptions?buyer=" + alice, "/agreements/agmt-"} {
		if !strings.Contains(p.body, `href="`+path) {
			t.Errorf("no link leads to %s", path)
		}
	}
	if strings.Contains(p.body, "how to mend") || strings.Contains(p.body, `action="/requests/`) {
		t.Error("there is something to mend, or to send again, where there is nothing")
	}
	for as, want := range map[string]string{"curl": "--aws-sigv4", "go": "package main", "python": "import boto3", "javascript": "new ResolveCustomerCommand", "nonsense": "aws meteringmarketplace"} {
		s.get("/requests/"+id+"?as="+as).is(t, http.StatusOK, want)
	}
}

func TestRequestThatIsNotKept(t *testing.T) {
	s := newInspected(t, nil)
	s.get("/requests/0b7e1f3c-3e0b-4a53-9d5b-2a6f2f1c9d11").is(t, http.StatusNotFound, "here any more", "keeps the newest requests in memory only")
	s.get("/requests/"+url.PathEscape(nasty(""))).is(t, http.StatusNotFound, `There is no request <script>alert("x")`)
	s.post("/requests/nothing/replay", url.Values{}).is(t, http.StatusNotFound, "--simulation")
	s.post("/requests/nothing/compare", url.Values{}).is(t, http.StatusNotFound, "here any more")
}

func TestRefusedRequestIsExplained(t *testing.T) {
	s := newInspected(t, nil)
	id := s.call(deniedKey, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, nil)
	s.get("/requests/"+id).is(t, http.StatusOK, "Why it was refused, and how to mend it", "no policy of the caller allows the action", "souk apply -f world.yaml", "Denied", "aws-marketplace:GetEntitlements")
	id = s.call(goodKey, "ResolveCustomer", `{"RegistrationToken":"nothing"}`, nil, nil)
	s.get("/requests/"+id).is(t, http.StatusOK, "altered or cut short", "the token does not open", "Registration token is invalid", "souk buy --product CODE")
	if err := s.service.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	rule, err := s.faults.Add(fault.Rule{Refuse: "ThrottlingException"})
	if err != nil {
		t.Fatal(err)
	}
	id = s.call(goodKey, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, nil)
	s.get("/requests/"+id).is(t, http.StatusOK, "A fault rule made this refusal up", "souk fault remove "+rule.ID, "ThrottlingException", "HTTP/1.1 400 Bad Request")
}

func TestSignatureThatDoesNotMatch(t *testing.T) {
	s := newInspected(t, nil)
	wrong := goodKey
	wrong.Secret = "other"
	id := s.call(wrong, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, nil)
	at := "/requests/" + id
	s.get(at).is(t, http.StatusOK, "The signature, line by line", "Souk computed", "No line differs", "secret is not that of access key "+goodKey.AccessKeyID, "String to sign", "The policies were not asked")
	canonical := s.kept(id).Canonical
	s.post(at+"/compare", url.Values{"canonical": {strings.Replace(canonical, "POST", "GET", 1)}}).is(t, http.StatusOK, "differsPOSTGET", "Lines that differ are marked")
	s.post(at+"/compare", url.Values{"canonical": {nasty("") + strings.Repeat("<b>\n", 3000)}}).is(t, http.StatusOK, "Lines that differ")
	for _, n := range []int{20 << 10, 70 << 10} {
		s.post(at+"/compare", url.Values{"canonical": {strings.Repeat("x", n)}}).is(t, http.StatusRequestEntityTooLarge)
	}
	id = s.call(goodKey, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, func(r *http.Request) { r.Header.Set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer") })
	s.get("/requests/"+id).is(t, http.StatusOK, "InvalidSignatureException")
	good := s.call(goodKey, "GetEntitlements", `{"ProductCode":"`+team+`"}`, nil, nil)
	s.post("/requests/"+good+"/compare", url.Values{"canonical": {"x"}}).is(t, http.StatusConflict, "nothing to compare")
}

func TestAttemptsOfOneCall(t *testing.T) {
	s := newInspected(t, nil)
	if _, err := s.faults.Add(fault.Rule{Attempt: 1, Refuse: "InternalServiceErrorException"}); err != nil {
		t.Fatal(err)
	}
	attempt := func(n int, call string) string {
		return s.call(goodKey, "GetEntitlements", `{"ProductCode":"`+team+`"}`, map[string]string{"Amz-Sdk-Invocation-Id": call, "Amz-Sdk-Request": fmt.Sprintf("attempt=%d; max=3", n)}, nil)
	}
	first, second, alone := attempt(1, "call-1"), attempt(2, "call-1"), attempt(2, "call-2")
	p := s.get("/requests/"+first).is(t, http.StatusOK, "Attempts at this call", "Attempt 1", "Attempt 2")
	if !strings.Contains(p.body, `href="/requests/`+second+`"`) || strings.Contains(p.body, alone) {
		t.Error("not just the other attempt is linked")
	}
	if strings.Contains(s.get("/requests/"+alone).body, "Attempts at this call") {
		t.Error("one attempt is told as several")
	}
}

// hostile fills a record with text that tries everything, wherever a stranger can put text.
func hostile(r *reqlog.Record, id, body string) {
	n := nasty("")
	r.ID, r.Time, r.MarketTime, r.Status, r.Method, r.Proto, r.Host, r.Remote = id, time.Now(), time.Now().Add(time.Hour), 400, n, n, n, n
	r.Target, r.Protocol, r.Service, r.Operation = "/?"+n, n, "AWSMPMeteringService", n
	r.Header = http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=" + n + "/" + n + "/" + n + "/x/y, SignedHeaders=" + n}, n: {n}, "Amz-Sdk-Invocation-Id": {"x"}, "X-Forwarded-Host": {n}}
	r.AccessKeyID, r.Principal, r.Account, r.Region, r.ProductCode, r.Buyer, r.LicenseARN = n, n, n, n, n, n, n
	r.ErrorCode, r.ErrorMessage, r.Reason, r.FaultID, r.FaultEffect, r.Warning = n, n, n, n, n, n
	r.Authz = reqlog.Authz{Decided: true, Effect: n, Policy: n, Sid: n, Why: n}
	r.Canonical, r.StringToSign = "POST\n/\n"+n+"\nhost:"+n+"\n\nhost;x\nhash", n
	r.Body, r.Response = append(r.Body, body...), append(r.Response, body...)
}

func TestRequestPageIsEscapedAndSound(t *testing.T) {
	s := newInspected(t, func(*http.Request) (*http.Response, error) { return nil, http.ErrServerClosed })
	for i, body := range []string{nasty(""), `{"a":"` + strings.NewReplacer(`"`, `\"`, "\a", "").Replace(nasty("")) + `"}`} {
		for try := range 2 {
			r := s.log.Begin()
			hostile(r, fmt.Sprintf("id-%d-%d", i, try), body)
			s.log.Commit(r)
		}
		for _, as := range []string{"cli", "curl", "go", "python", "javascript"} {
			p := s.get(fmt.Sprintf("/requests/id-%d-0?as=%s", i, as)).is(t, http.StatusOK, "‹U+202E›")
			if m := regexp.MustCompile(`<script>|<img|" onmouseover|' onmouseover|<b>alert`).FindString(p.body); m != "" {
				t.Errorf("text became markup: %s", m)
			}
			if at := regexp.MustCompile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]").FindStringIndex(p.body); at != nil {
				t.Errorf("a steering character stands as it is: %q", p.body[max(0, at[0]-80):at[1]])
			}
			unique(t, "request", p)
			labelled(t, "request", p)
			if len(p.body) > 100<<10 {
				t.Errorf("the page has %d bytes", len(p.body))
			}
		}
	}
}

func TestLargeRequestsMakeSmallPages(t *testing.T) {
	s := newInspected(t, nil)
	for name, body := range map[string]string{"records": `{"UsageRecords":[` + strings.Repeat(`{"Dimension":"gb","Quantity":1},`, 4000) + `{}]}`, "text": strings.Repeat("é\"", 40<<10)} {
		r := s.log.Begin()
		r.ID, r.Status, r.Principal, r.Service, r.Operation, r.Method = name, 200, "p", "AWSMPMeteringService", "BatchMeterUsage", "POST"
		r.Body, r.Response = append(r.Body, body...), append(r.Response, body...)
		r.Header = http.Header{}
		for i := range 300 {
			r.Header.Set(fmt.Sprintf("X-Header-%03d", i), strings.Repeat("v", 40))
		}
		s.log.Commit(r)
		p := s.get("/requests/"+name).is(t, http.StatusOK, "more are not shown here", "200 more headers are not shown", "too large to be repeated")
		if len(p.body) > 100<<10 {
			t.Errorf("%s: the page has %d bytes", name, len(p.body))
		}
	}
}

func TestCutAndForeignRequests(t *testing.T) {
	s := newInspected(t, nil)
	for id, fill := range map[string]func(*reqlog.Record){
		"cut": func(r *reqlog.Record) {
			r.Status, r.FaultID, r.FaultEffect, r.Operation = 0, "f-9", "cut", "ResolveCustomer"
		},
		"nothing": func(r *reqlog.Record) {
			r.Status, r.Method, r.Target, r.ErrorCode = 404, "GET", "/favicon.ico", "UnknownOperationException"
		},
		"cbor": func(r *reqlog.Record) {
			r.Status, r.Protocol, r.Service, r.Operation, r.ProductCode = 200, "rpcv2Cbor", "AWSMPEntitlementService", "GetEntitlements", team
			r.Body, r.Response = append(r.Body, "\xa1\xff"...), append(r.Response, "\xa0\xff"...)
		},
	} {
		r := s.log.Begin()
		r.ID = id
		fill(r)
		s.log.Commit(r)
	}
	s.get("/requests/cut").is(t, http.StatusOK, "the connection was closed", "A fault rule closed the connection", "souk fault remove f-9")
	s.get("/requests/nothing").is(t, http.StatusOK, "GET /favicon.ico", "names no operation that there is", "none: the request is not signed")
	s.get("/requests/cbor?as=curl").is(t, http.StatusOK, "shown in hexadecimal", "Smithy-Protocol: rpc-v2-cbor", "Content-Type: application/cbor", "AWSMPEntitlementService.GetEntitlements", `{"ProductCode": "`+team+`"}`)
}
