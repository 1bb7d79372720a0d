package iam

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
)

// FuzzParse: Parse does not panic, gives either a policy or a SyntaxError that points into the document, accepts only
// what is JSON, and what it accepts can be evaluated.
func FuzzParse(f *testing.F) {
	for _, doc := range []string{
		allowMarketplace, fromOffice, statementWith(`"Sid":"x"`), resourceOf(`"arn:aws:s3:::a/${aws:username, 'x'}/${*}?*"`),
		conditionWith(`"ForAllValues:StringLike":{"k":["${aws:x}*","\ud83d\ude00"]},"Null":{"k":false}`),
		conditionWith(`"ArnNotLike":{"k":"${x}"},"BinaryEquals":{"k":"QQ=="},"DateLessThanIfExists":{"k":[0,"2026-01-31T12:00:00.5-01:00"]}`),
		conditionWith(`"NumericLessThan":{"k":[-1.5e3]},"NotIpAddress":{"k":"::ffff:1.2.3.4/100"},"Bool":{"k":"TRUE"}`),
		`{"Statement":[{},[],null,1e5,"\u0000"]}`, `[[[[`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(doc), "aws-marketplace:ResolveCustomer", "203.0.113.7")
	}
	f.Fuzz(func(t *testing.T, doc []byte, action, value string) {
		p, err := Parse(doc)
		if err != nil {
			var e *SyntaxError
			if p != nil || !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Reason == "" {
				t.Fatalf("Parse = %v, %#v", p, err)
			}
			return
		}
		if !json.Valid(doc) || !utf8.Valid(doc) {
			t.Fatal("Parse accepts what is not JSON")
		}
		if p.Statements() < 1 {
			t.Fatal("a policy without statements")
		}
		for _, values := range [][]string{nil, {}, {value}, {value, ""}} {
			r := &Request{Action: action, Resource: "*", Context: func(string) ([]string, bool) { return values, values != nil }}
			for _, g := range []*Grants{
				{Identity: []Attached{{Name: "P", Policy: p}}, Boundary: &Attached{Name: "P", Policy: p}},
				{Root: true, Session: []Attached{{Name: "P", Policy: p}}},
			} {
				d := Evaluate(g, r)
				if d.Allowed != (d.Effect == Allow) || d.Why() == "" || (d.DeniedMessage("arn", action) == "") != d.Allowed || d.Statement >= p.Statements() {
					t.Fatalf("Evaluate = %#v", d)
				}
			}
		}
	})
}
