package market_test

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/market"
)

func TestMay(t *testing.T) {
	t.Parallel()
	f := open(t)
	const (
		home = `{"Version":"2012-10-17","Statement":[{"Sid":"Home","Effect":"Allow","Action":"aws-marketplace:MeterUsage","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}]}`
		deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"aws-marketplace:*","Resource":"*","Condition":{"StringEquals":{"aws:username":"app"}}},{"Effect":"Deny","Action":"aws-marketplace:BatchMeterUsage","Resource":"*"}]}`
		app  = "arn:aws:iam::" + seller + ":user/app"
		role = "arn:aws:iam::" + seller + ":role/Meter"
		run  = "arn:aws:sts::" + seller + ":assumed-role/Meter/task"
	)
	w := market.World{Directory: account.State{
		Users: []account.User{{Identity: account.Identity{Account: seller, Name: "app", Inline: []account.Inline{{Name: "D", Document: deny}}}}},
		Roles: []account.Role{{Identity: account.Identity{Account: seller, Name: "Meter", Inline: []account.Inline{{Name: "H", Document: home}}}}},
	}}
	if _, err := f.ApplyWorld(ctx, op, w); err != nil {
		t.Fatal(err)
	}
	at := func(ip string) map[string][]string { return map[string][]string{"AWS:SourceIp": {ip}} }
	for _, tc := range []struct {
		who, action string
		with        map[string][]string
		allowed     bool
		says        string // Why, and Message
	}{
		{app, "ResolveCustomer", nil, true, "allowed by statement 0"},
		{app, "BatchMeterUsage", nil, false, "explicitly denied by"},
		{role, "MeterUsage", nil, false, "is not authorized to perform: aws-marketplace:MeterUsage"},
		{role, "MeterUsage", at("203.0.113.7"), true, `(Sid "Home")`},
		{run, "MeterUsage", at("203.0.113.7"), true, `(Sid "Home")`},
		{run, "MeterUsage", at("198.51.100.1"), false, run + " is not authorized"},
		{seller, "MeterUsage", nil, true, "root user needs no policy"},
		{"999999999999", "MeterUsage", nil, false, "root user needs no policy"}, // suspended
	} {
		v, err := f.May(ctx, op, market.Question{Principal: tc.who, Action: "aws-marketplace:" + tc.action, Context: tc.with})
		if says := v.Decision.Why() + "\n" + v.Message; err != nil || v.Allowed != tc.allowed || !strings.Contains(says, tc.says) || v.Suspended != (tc.who[0] == '9') {
			t.Errorf("%s %s %v: %+v, %v", tc.who, tc.action, tc.with, v, err)
		}
	}
	for _, tc := range []struct {
		c    market.Caller
		q    market.Question
		want market.Code
	}{
		{caller(seller), market.Question{Principal: app, Action: "a:b"}, market.Forbidden},
		{op, market.Question{Principal: app + "s", Action: "a:b"}, market.NotFound},
		{op, market.Question{Principal: "arn:aws:sts::" + seller + ":assumed-role/Meter/x y", Action: "a:b"}, market.NotFound},
		{op, market.Question{Principal: "", Action: "a:b"}, market.NotFound},
		{op, market.Question{Principal: app, Action: "b"}, market.Invalid},
		{op, market.Question{Principal: app, Action: "a:" + strings.Repeat("b", 3000)}, market.Invalid},
	} {
		if _, err := f.May(ctx, tc.c, tc.q); market.CodeOf(err) != tc.want {
			t.Errorf("%+v: %v, want %s", tc.q, err, tc.want)
		}
	}
}
