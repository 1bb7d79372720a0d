package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/account"
)

func TestEvaluatorSaysWhatDecides(t *testing.T) {
	people := peopledWorld()
	d := &people.Directory
	d.Users = append(d.Users, account.User{Identity: account.Identity{Account: seller, Name: "bounded", Attached: []string{"AdministratorAccess"}, Boundary: "Home"}},
		account.User{Identity: account.Identity{Account: seller, Name: "own", Inline: []account.Inline{{Name: "Tagged",
			Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/*"}]}`}}}})
	w := newWorld(t, worldConfig{world: people})
	const act = "aws-marketplace:"
	for name, test := range map[string]struct {
		principal, action, resource, context string
		allowed                              bool
		texts                                []string
	}{
		"allowed":         {userARN, act + "ResolveCustomer", "", "", true, []string{`Allowed by statement 0 (Sid "All")`, "Statement 0 of Marketplace", `"Sid": "All"`, "decided applies"}},
		"denied":          {userARN, act + "BatchMeterUsage", "", "", false, []string{"Explicitly denied", "Statement 1 of NotBatch", "with an explicit deny", "NoBatch"}},
		"other action":    {userARN, "ec2:RunInstances", "", "", false, []string{"No identity-based policy allows the action", "is about other actions"}},
		"condition":       {roleARN, act + "MeterUsage", "", "aws:SourceIp = 203.0.113.9", true, []string{"Allowed by statement 0", "Home", "aws:sourceip203.0.113.9"}},
		"condition fails": {roleARN, act + "MeterUsage", "", "aws:SourceIp = 198.51.100.1", false, []string{"its conditions do not hold", "aws:sourceip198.51.100.1"}},
		"condition open":  {roleARN, act + "MeterUsage", "", "", false, []string{"its conditions do not hold", "aws:sourceipnot given"}},
		"session":         {"arn:aws:sts::" + seller + ":assumed-role/Meter/me", act + "GetEntitlements", "", "", true, []string{"AWSMarketplaceGetEntitlements"}},
		"root":            {"arn:aws:iam::" + seller + ":root", act + "RegisterUsage", "", "", true, []string{"the account's root user needs no policy"}},
		"root by number":  {seller, act + "RegisterUsage", "", "", true, []string{"the account's root user needs no policy"}},
		"boundary":        {"arn:aws:iam::" + seller + ":user/bounded", act + "ResolveCustomer", "", "", false, []string{"No permissions boundary allows the action", "Home boundary"}},
		"variable":        {"arn:aws:iam::" + seller + ":user/own", "s3:GetObject", "arn:aws:s3:::own/x", "", true, []string{"Allowed by statement 0"}},
		"other resource":  {"arn:aws:iam::" + seller + ":user/own", "s3:GetObject", "arn:aws:s3:::app/x", "", false, []string{"is about other resources"}},
		"suspended":       {"arn:aws:iam::" + broke + ":user/late", act + "ResolveCustomer", "", "", false, []string{"is suspended", "Allowed by statement 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"principal": {test.principal}, "action": {test.action}, "resource": {test.resource}, "context": {test.context}}
			posted := w.post("/world/evaluate", form).is(t, http.StatusOK, test.texts...)
			if got := strings.Contains(posted.body, `<h2 id="verdict">Allowed</h2>`); got != test.allowed {
				t.Errorf("allowed: %t, want %t; text:\n%s", got, test.allowed, posted.text())
			}
			linked := w.get("/world/evaluate?"+form.Encode()).is(t, http.StatusOK, test.texts...)
			if linked.text() != posted.text() {
				t.Error("the link shows another answer than the form")
			}
		})
	}
}

func TestEvaluatorTellsSeveralValues(t *testing.T) {
	people := peopledWorld()
	people.Directory.Users[0].Inline = []account.Inline{{Name: "Tags", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",
		"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]},"Null":{"aws:TagKeys":"false"}}}]}`}}
	w := newWorld(t, worldConfig{world: people})
	form := url.Values{"principal": {userARN}, "action": {"aws-marketplace:MeterUsage"}, "context": {"aws:TagKeys = a\r\n\r\nAWS:tagkeys=b"}}
	w.post("/world/evaluate", form).is(t, http.StatusOK, "Allowed by statement 0", "aws:tagkeysa, b")
	form.Set("context", form.Get("context")+"\r\naws:TagKeys = c")
	w.post("/world/evaluate", form).is(t, http.StatusOK, "Not allowed", "its conditions do not hold")
}

func TestQuestionsThatMakeNoSense(t *testing.T) {
	w := peopled(t)
	good := url.Values{"principal": {userARN}, "action": {"aws-marketplace:MeterUsage"}}
	for name, test := range map[string]struct {
		field, value, text string
	}{
		"nobody":          {"principal", "", "Say who is to be asked about."},
		"no such user":    {"principal", "arn:aws:iam::" + seller + ":user/nobody", "There is no such principal."},
		"no such account": {"principal", "999999999999", "There is no such principal."},
		"no ARN":          {"principal", "app", "There is no such principal."},
		"no session":      {"principal", "arn:aws:sts::" + seller + ":assumed-role/Meter/", "There is no such principal."},
		"no action":       {"action", "", "An action is a service and an operation"},
		"half an action":  {"action", "MeterUsage", "An action is a service and an operation"},
		"long resource":   {"resource", strings.Repeat("x", 2049), "at most 2048 bytes"},
		"no condition":    {"context", "a = b\nc", "Line 2 is not of the form"},
		"many conditions": {"context", strings.Repeat("a=b\n", 101), "At most 100 lines"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"principal": good["principal"], "action": good["action"]}
			form.Set(test.field, test.value)
			p := w.post("/world/evaluate", form).is(t, http.StatusUnprocessableEntity, test.text)
			if strings.Contains(p.body, `id="verdict"`) || !strings.Contains(p.body, `id="`+test.field+`-problem"`) {
				t.Error("an answer is given, or the problem does not stand at its field")
			}
		})
	}
	if p := w.get("/world/evaluate?principal="+url.QueryEscape(roleARN)).is(t, http.StatusOK); strings.Contains(p.body, `role="alert"`) || !strings.Contains(p.body, `value="`+roleARN+`"`) {
		t.Error("a question that is only begun is answered, or forgotten")
	}
}
