package iam

import "testing"

// noContext stands for a request without condition keys that must not be asked for any.
func noContext(string) ([]string, bool) { return nil, false }

func contextOf(pairs map[string][]string) func(string) ([]string, bool) {
	return func(key string) ([]string, bool) {
		v, ok := pairs[key]
		return v, ok
	}
}

func mustParse(tb testing.TB, doc string) *Policy {
	tb.Helper()
	p, err := Parse([]byte(doc))
	if err != nil {
		tb.Fatalf("Parse(%s): %v", doc, err)
	}
	return p
}

func grantsOf(tb testing.TB, docs ...string) *Grants {
	tb.Helper()
	g := &Grants{}
	for _, doc := range docs {
		g.Identity = append(g.Identity, Attached{Name: "P", Policy: mustParse(tb, doc)})
	}
	return g
}

const (
	allowMarketplace = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"aws-marketplace:*","Resource":"*"}}`
	fromOffice       = `{"Version":"2012-10-17","Statement":[
		{"Sid":"Office","Effect":"Allow","Action":["aws-marketplace:ResolveCustomer","aws-marketplace:BatchMeterUsage"],"Resource":"*",
		 "Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]},
		  "DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},
		  "ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/metering-*"},
		  "NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}},
		{"Sid":"NoRoot","Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalType":"Account"}}}]}`
)

func officeRequest() *Request {
	ip, now := []string{"203.0.113.7"}, []string{"2026-11-23T20:00:00Z"}
	role, age, kind := []string{"arn:aws:iam::111122223333:role/metering-1"}, []string{"12"}, []string{"AssumedRole"}
	return &Request{Action: "aws-marketplace:ResolveCustomer", Resource: "*", Context: func(key string) ([]string, bool) {
		switch key {
		case "aws:sourceip":
			return ip, true
		case "aws:currenttime":
			return now, true
		case "aws:principalarn":
			return role, true
		case "aws:multifactorauthage":
			return age, true
		case "aws:principaltype":
			return kind, true
		}
		return nil, false
	}}
}

func TestEvaluateDoesNotAllocate(t *testing.T) {
	request := &Request{Action: "aws-marketplace:ResolveCustomer", Resource: "*", Context: noContext}
	for _, c := range []struct {
		name string
		g    *Grants
		r    *Request
	}{
		{"prefix", grantsOf(t, allowMarketplace), request},
		{"other case", grantsOf(t, allowMarketplace), &Request{Action: "AWS-Marketplace:resolvecustomer", Resource: "*"}},
		{"conditions", grantsOf(t, fromOffice), officeRequest()},
	} {
		if d := Evaluate(c.g, c.r); !d.Allowed {
			t.Fatalf("%s: %s", c.name, d.Why())
		}
		if n := testing.AllocsPerRun(100, func() { Evaluate(c.g, c.r) }); n != 0 {
			t.Errorf("%s: Evaluate allocates %v times", c.name, n)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	request := &Request{Action: "aws-marketplace:ResolveCustomer", Resource: "*", Context: noContext}
	bounded := grantsOf(b, allowMarketplace)
	bounded.Boundary = &Attached{Name: "B", Policy: mustParse(b, allowMarketplace)}
	for _, c := range []struct {
		name string
		g    *Grants
		r    *Request
	}{
		{"prefix", grantsOf(b, allowMarketplace), request},
		{"other-case", grantsOf(b, allowMarketplace), &Request{Action: "AWS-Marketplace:resolvecustomer", Resource: "*"}},
		{"literals", grantsOf(b, `{"Statement":{"Effect":"Allow","Resource":"*","Action":
			["aws-marketplace:GetEntitlements","aws-marketplace:BatchMeterUsage","aws-marketplace:ResolveCustomer"]}}`), request},
		{"denied", grantsOf(b, `{"Statement":{"Effect":"Allow","Resource":"*","Action":"aws-marketplace:MeterUsage"}}`), request},
		{"boundary", bounded, request},
		{"conditions", grantsOf(b, fromOffice), officeRequest()},
		{"variable", grantsOf(b, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*","Action":"*",
			"Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalAccount}:user/*"}}}}`),
			&Request{Action: "a:b", Resource: "*", Context: contextOf(map[string][]string{
				"aws:principalarn":     {"arn:aws:iam::111122223333:user/x"},
				"aws:principalaccount": {"111122223333"},
			})}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Evaluate(c.g, c.r)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse([]byte(fromOffice)); err != nil {
			b.Fatal(err)
		}
	}
}
