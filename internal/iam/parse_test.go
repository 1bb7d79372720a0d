package iam

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	pageSid       = "IAM JSON policy elements: Sid"
	pageEffect    = "IAM JSON policy elements: Effect"
	pageQuotas    = "IAM and AWS STS quotas"
	pageCreate    = "CreatePolicy (IAM API Reference)"
	pageChecks    = "IAM policy validation check reference"
	pageRFC       = "RFC 8259"
	pagePrincipal = "AWS JSON policy elements: Principal"
)

// statementWith puts something beside Effect, Action and Resource.
func statementWith(members string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*",` + members + `}}`
}

func conditionWith(operator string) string { return statementWith(`"Condition":{` + operator + `}`) }

func actionOf(value string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + value + `,"Resource":"*"}}`
}

func resourceOf(value string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":` + value + `}}`
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		page, doc    string
		path, reason string // reason is a part of it
	}{
		// JSON.
		{pageRFC, ``, "", "the document is empty"},
		{pageRFC, " \n", "", "the document is empty"},
		{pageRFC, `{`, "", "the document ends where a name in quotes should stand"},
		{pageRFC, `{"Statement"`, "Statement", "the document ends where a colon should stand"},
		{pageRFC, `{"Statement":`, "Statement", "the document ends where a value should stand"},
		{pageRFC, `{"Statement":x}`, "Statement", "'x' stands where a value should"},
		{pageRFC, `{"Version":"2012-10-17" "Statement":1}`, "", `'"' stands where a comma or a closing brace should`},
		{pageRFC, `{"Version":"2012-10-17",}`, "", "'}' stands where a name in quotes should"},
		{pageRFC, `{"Statement":[1,]}`, "Statement[1]", "']' stands where a value should"},
		{pageRFC, `{"Statement":[1 2]}`, "Statement", "'2' stands where a comma or a closing bracket should"},
		{pageRFC, `{Version:1}`, "", "'V' stands where a name in quotes should"},
		{pageRFC, `{"Version":"2012`, "Version", "a closing quote"},
		{pageRFC, `{"Version":"\x"}`, "Version", "this escape"},
		{pageRFC, `{"Version":"\ud800"}`, "Version", "half a surrogate pair"},
		{pageRFC, `{"Version":"\ud800\u0041"}`, "Version", "half a surrogate pair"},
		{pageRFC, `{"Version":"\udc00\ud800"}`, "Version", "half a surrogate pair"},
		{pageRFC, `{"Version":"\u12g4"}`, "Version", "this escape"},
		{pageRFC, "{\"Version\":\"a\nb\"}", "Version", "must be escaped"},
		{pageRFC, `{"Version":01}`, "", "'1' stands where a comma"},
		{pageRFC, `{"Version":-}`, "Version", "'}' stands where a digit should"},
		{pageRFC, `{"Version":1.}`, "Version", "a digit"},
		{pageRFC, `{"Version":1e+}`, "Version", "a digit"},
		{pageRFC, `{"Version":nul}`, "Version", "a value"},
		{pageRFC, `{} {}`, "", "something follows the end"},
		{pageRFC, `{},`, "", "something follows the end"},
		{pageRFC, strings.Repeat(`[`, 17) + strings.Repeat(`]`, 17), strings.Repeat("[0]", 16), "nested too deeply"},
		{pageGrammar, `{"Version":"2012-10-17","Version":"2012-10-17"}`, "Version", "stands twice"},
		{pageGrammar, `{"Version":"2012-10-17","V\u0065rsion":"2012-10-17"}`, "Version", "stands twice"},
		{pageGrammar, statementWith(`"Effect":"Allow"`), "Statement.Effect", "stands twice"},

		// Text and size.
		{pageRFC, "{\"Version\":\"\xff\"}", "", "not valid UTF-8"},
		{pageRFC, "\ufeff{}", "", "U+FEFF"},
		{pageCreate, `{"Version":"日本"}`, "", "U+65E5"},
		{pageCreate, "{\"Version\":\"\x00\"}", "", "U+0000"},
		{pageQuotas, statementWith(`"Sid":"` + strings.Repeat("x", 10240) + `"`), "", "more than 10240 characters"},
		{pageCreate, strings.Repeat(" ", 131072) + `{}`, "", "has 131074 bytes, more than 131072"},

		// The document.
		{pageGrammar, `[]`, "", "a policy is an object, not a list"},
		{pageGrammar, `"x"`, "", "a policy is an object, not a string"},
		{pageGrammar, `null`, "", "a policy is an object, not null"},
		{pageGrammar, `{}`, "", "has no Statement"},
		{pageGrammar, `{"Statement":[]}`, "Statement", "must contain a statement"},
		{pageGrammar, `{"Statement":["x"]}`, "Statement[0]", "not a string"},
		{pageGrammar, `{"Statement":null}`, "Statement", "not null"},
		{pageVersion, `{"Version":"2013-10-17","Statement":{}}`, "Version", `must be "2012-10-17"`},
		{pageVersion, `{"Version":20121017,"Statement":{}}`, "Version", `must be "2012-10-17"`},
		{pageChecks, `{"Extra":1,"Statement":{}}`, "Extra", "is not an element"},
		{pageChecks, `{"version":"2012-10-17","Statement":{}}`, "version", "did you mean Version?"},
		{pageGrammar, `{"Id":["x"],"Statement":{}}`, "Id", "must be a string, not a list"},

		// Statements.
		{pagePrincipal, statementWith(`"Principal":"*"`), "Statement.Principal", "should not specify a principal"},
		{pagePrincipal, statementWith(`"NotPrincipal":{"AWS":"*"}`), "Statement.NotPrincipal", "should not specify a principal"},
		{pageChecks, statementWith(`"Extra field":1`), `Statement["Extra field"]`, "is not an element"},
		{pageChecks, statementWith(`"condition":{}`), `Statement.condition`, "did you mean Condition?"},
		{pageEffect, `{"Statement":{"Action":"a:b","Resource":"*"}}`, "Statement", "has no Effect"},
		{pageEffect, `{"Statement":{"Effect":"allow","Action":"a:b","Resource":"*"}}`, "Statement.Effect", `must be "Allow" or "Deny"`},
		{pageEffect, `{"Statement":{"Effect":["Allow"],"Action":"a:b","Resource":"*"}}`, "Statement.Effect", `must be "Allow" or "Deny"`},
		{pageSid, statementWith(`"Sid":"a b"`), "Statement.Sid", "A-Z, a-z and 0-9"},
		{pageSid, statementWith(`"Sid":1`), "Statement.Sid", "A-Z, a-z and 0-9"},
		{pageSid, statementWith(`"Sid":"\u00e9"`), "Statement.Sid", "A-Z, a-z and 0-9"},
		{pageSid, `{"Statement":[{"Sid":"x","Effect":"Allow","Action":"a:b","Resource":"*"},{"Sid":"x","Effect":"Deny","Action":"a:b","Resource":"*"}]}`,
			"Statement[1].Sid", "must be unique"},

		// Actions.
		{pageAction, `{"Statement":{"Effect":"Allow","Resource":"*"}}`, "Statement", "must contain actions"},
		{pageAction, actionOf(`[]`), "Statement.Action", "must contain actions"},
		{pageNot, statementWith(`"NotAction":"c:d"`), "Statement.NotAction", "cannot stand beside Action"},
		{pageNot, statementWith(`"NotAction":[]`), "Statement.NotAction", "cannot stand beside Action"},
		{pageAction, actionOf(`{}`), "Statement.Action", "must be a string, not an object"},
		{pageAction, actionOf(`123`), "Statement.Action", "must be a string, not a number"},
		{pageAction, actionOf(`["a:b",[]]`), "Statement.Action[1]", "must be a string, not a list"},
		{pageAction, actionOf(`"ResolveCustomer"`), "Statement.Action", "must be prefaced by a vendor"},
		{pageAction, actionOf(`""`), "Statement.Action", "must be prefaced by a vendor"},
		{pageAction, actionOf(`"Resolve*"`), "Statement.Action", "must be prefaced by a vendor"},
		{pageAction, actionOf(`"s3:List:Bucket"`), "Statement.Action", "only one colon"},
		{pageAction, actionOf(`"a a:b"`), "Statement.Action", `vendor "a a" is not valid`},
		{pageAction, actionOf(`":b"`), "Statement.Action", `vendor "" is not valid`},
		{pageAction, actionOf(`"aws-*:b"`), "Statement.Action", `vendor "aws-*" is not valid`},
		{pageAction, actionOf(`"a:"`), "Statement.Action", "names no action"},

		// Resources.
		{pageResource, `{"Statement":{"Effect":"Allow","Action":"a:b"}}`, "Statement", "must contain resources"},
		{pageResource, resourceOf(`[]`), "Statement.Resource", "must contain resources"},
		{pageNotRes, statementWith(`"NotResource":"*"`), "Statement.NotResource", "cannot stand beside Resource"},
		{pageResource, resourceOf(`["*",{}]`), "Statement.Resource[1]", "must be a string, not an object"},
		{pageResource, resourceOf(`""`), "Statement.Resource", `must be in ARN format or "*"`},
		{pageResource, resourceOf(`"invalid resource"`), "Statement.Resource", `must be in ARN format or "*"`},
		{pageResource, resourceOf(`"aws:s3:::x"`), "Statement.Resource", `must be in ARN format or "*"`},
		{pageResource, resourceOf(`"arn:aws"`), "Statement.Resource", "vendor must be fully qualified"},
		{pageResource, resourceOf(`"arn:aws:*:us-east-1:1:x"`), "Statement.Resource", "cannot contain regexes"},
		{pageResource, resourceOf(`"arn:error:s3:::x"`), "Statement.Resource", `partition "error" is not valid`},
		{pageResource, resourceOf(`"arn:aws::::x"`), "Statement.Resource", "names no service"},
		{pageVariables, resourceOf(`"${aws:x}"`), "Statement.Resource", "only after the fifth colon"},
		{pageVariables, resourceOf(`"arn:aws:iam::${aws:PrincipalAccount}:user/x"`), "Statement.Resource", "only after the fifth colon"},
		{pageVariables, resourceOf(`"arn:aws:s3:::${aws:username"`), "Statement.Resource", "closing brace"},
		{pageVariables, resourceOf(`"arn:aws:s3:::${}"`), "Statement.Resource", "no name"},
		{pageVariables, resourceOf(`"arn:aws:s3:::${a b}"`), "Statement.Resource", "not the name of a policy variable"},
		{pageVariables, resourceOf(`"arn:aws:s3:::${a, b}"`), "Statement.Resource", "single quotes"},
		{pageVariables, resourceOf(`"arn:aws:s3:::${a, 'b}"`), "Statement.Resource", "single quotes"},
		{pageVariables, resourceOf(`"arn:aws:s3:::${a, 'b'x}"`), "Statement.Resource", "single quotes"},
		{pageVariables, resourceOf(`"arn:aws:s3:::${*, 'b'}"`), "Statement.Resource", "not the name of a policy variable"},

		// Conditions.
		{pageCondition, statementWith(`"Condition":[]`), "Statement.Condition", "must be an object, not a list"},
		{pageCondition, conditionWith(`"StringEquals":"x"`), "Statement.Condition.StringEquals", "must be an object of condition keys"},
		{pageOperators, conditionWith(`"x":{"k":"v"}`), "Statement.Condition.x", "is not a condition operator"},
		{pageOperators, conditionWith(`"x":{}`), "Statement.Condition.x", "is not a condition operator"},
		{pageOperators, conditionWith(`"stringequals":{"k":"v"}`), "Statement.Condition.stringequals", "is not a condition operator"},
		{pageOperators, conditionWith(`"StringLessThan":{"k":"v"}`), "Statement.Condition.StringLessThan", "is not a condition operator"},
		{pageOperators, conditionWith(`"LessThan":{"k":"1"}`), "Statement.Condition.LessThan", "is not a condition operator"},
		{pageOperators, conditionWith(`"Numeric":{"k":"1"}`), "Statement.Condition.Numeric", "is not a condition operator"},
		{pageOperators, conditionWith(`"Equals":{"k":"1"}`), "Statement.Condition.Equals", "is not a condition operator"},
		{pageOperators, conditionWith(`"ForAnyValue::StringEquals":{"k":"v"}`), `Statement.Condition["ForAnyValue::StringEquals"]`, "is not a condition operator"},
		{pageOperators, conditionWith(`"IfExistsStringEquals":{"k":"v"}`), "Statement.Condition.IfExistsStringEquals", "is not a condition operator"},
		{pageChecks, conditionWith(`"NullIfExists":{"k":"true"}`), "Statement.Condition.NullIfExists", "neither IfExists"},
		{pageOperators, conditionWith(`"ForAnyValue:Null":{"k":"true"}`), `Statement.Condition["ForAnyValue:Null"]`, "nor a set operator"},
		{pageCondition, conditionWith(`"StringEquals":{"":"v"}`), `Statement.Condition.StringEquals[""]`, "has no name"},
		{pageChecks, conditionWith(`"StringEquals":{"aws:A":"v","AWS:a":"v"}`), `Statement.Condition.StringEquals["AWS:a"]`, "stands twice"},
		{pageGrammar, conditionWith(`"StringEquals":{"k":{}}`), "Statement.Condition.StringEquals.k", "not an object"},
		{pageGrammar, conditionWith(`"StringEquals":{"k":[null]}`), "Statement.Condition.StringEquals.k[0]", "not null"},
		{pageGrammar, conditionWith(`"StringEquals":{"k":[["v"]]}`), "Statement.Condition.StringEquals.k[0]", "not a list"},
		{pageOperators, conditionWith(`"NumericEquals":{"aws:x":"ten"}`), `Statement.Condition.NumericEquals["aws:x"]`, `"ten" is not a number`},
		{pageOperators, conditionWith(`"NumericEquals":{"k":["1","0x10"]}`), "Statement.Condition.NumericEquals.k[1]", "is not a number"},
		{pageOperators, conditionWith(`"NumericEquals":{"k":"Inf"}`), "Statement.Condition.NumericEquals.k", "is not a number"},
		{pageOperators, conditionWith(`"NumericEquals":{"k":"1_000"}`), "Statement.Condition.NumericEquals.k", "is not a number"},
		{pageOperators, conditionWith(`"NumericEquals":{"k":"1e999"}`), "Statement.Condition.NumericEquals.k", "is not a number"},
		{pageOperators, conditionWith(`"NumericEquals":{"k":""}`), "Statement.Condition.NumericEquals.k", "is not a number"},
		{pageOperators, conditionWith(`"NumericEquals":{"k":"1."}`), "Statement.Condition.NumericEquals.k", "is not a number"},
		{pageOperators, conditionWith(`"NumericEquals":{"k":" 1"}`), "Statement.Condition.NumericEquals.k", "is not a number"},
		{pageOperators, conditionWith(`"DateGreaterThan":{"k":"sdfdsf"}`), "Statement.Condition.DateGreaterThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateGreaterThan":{"k":"2026-02-30"}`), "Statement.Condition.DateGreaterThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateGreaterThan":{"k":"2026-13"}`), "Statement.Condition.DateGreaterThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateGreaterThan":{"k":"2026-01-31T12:00:00"}`), "Statement.Condition.DateGreaterThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateGreaterThan":{"k":"2026-01-31T24:00Z"}`), "Statement.Condition.DateGreaterThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateGreaterThan":{"k":"2026-01-31T12:00:00.Z"}`), "Statement.Condition.DateGreaterThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateGreaterThan":{"k":"2026-01-31T12:00:00+1"}`), "Statement.Condition.DateGreaterThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateGreaterThan":{"k":"2016-12-13t2:00:00.593194+1"}`), "Statement.Condition.DateGreaterThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateLessThan":{"k":"9223372036854775808"}`), "Statement.Condition.DateLessThan.k", "is not a date"},
		{pageOperators, conditionWith(`"DateLessThan":{"k":"2026*"}`), "Statement.Condition.DateLessThan.k", "is not a date"},
		{pageOperators, conditionWith(`"Bool":{"k":"yes"}`), "Statement.Condition.Bool.k", "is not true or false"},
		{pageOperators, conditionWith(`"Null":{"k":1}`), "Statement.Condition.Null.k", "is not true or false"},
		{pageOperators, conditionWith(`"BinaryEquals":{"k":"%%"}`), "Statement.Condition.BinaryEquals.k", "is not Base64"},
		{pageOperators, conditionWith(`"BinaryEquals":{"k":"QQ=\n="}`), "Statement.Condition.BinaryEquals.k", "is not Base64"},
		{pageOperators, conditionWith(`"IpAddress":{"aws:SourceIp":"300.0.0.1"}`), `Statement.Condition.IpAddress["aws:SourceIp"]`, "is not an IP address"},
		{pageOperators, conditionWith(`"IpAddress":{"k":"10.0.0.0/33"}`), "Statement.Condition.IpAddress.k", "is not an IP address"},
		{pageOperators, conditionWith(`"IpAddress":{"k":"10.0.0.0/255.0.0.0"}`), "Statement.Condition.IpAddress.k", "is not an IP address"},
		{pageOperators, conditionWith(`"IpAddress":{"k":"10.*"}`), "Statement.Condition.IpAddress.k", "is not an IP address"},
		{pageOperators, conditionWith(`"IpAddress":{"k":"fe80::1%eth0"}`), "Statement.Condition.IpAddress.k", "is not an IP address"},
		{pageOperators, conditionWith(`"ArnLike":{"k":"arn:aws:iam::*"}`), "Statement.Condition.ArnLike.k", "is not an ARN"},
		{pageOperators, conditionWith(`"ArnEquals":{"k":"x"}`), "Statement.Condition.ArnEquals.k", "is not an ARN"},
		{pageVariables, conditionWith(`"NumericEquals":{"k":"${aws:x}"}`), "Statement.Condition.NumericEquals.k", "only in values of string and ARN operators"},
		{pageVariables, conditionWith(`"Bool":{"k":"${aws:x}"}`), "Statement.Condition.Bool.k", "only in values of string and ARN operators"},
		{pageVariables, conditionWith(`"IpAddress":{"k":"${aws:x}"}`), "Statement.Condition.IpAddress.k", "only in values of string and ARN operators"},
		{pageVariables, conditionWith(`"StringEquals":{"k":"${aws:x"}`), "Statement.Condition.StringEquals.k", "closing brace"},
	} {
		p, err := Parse([]byte(c.doc))
		var e *SyntaxError
		if !errors.As(err, &e) || p != nil {
			t.Errorf("Parse(%.200s) = %v, %v; want a SyntaxError (%s)", c.doc, p, err, c.page)
			continue
		}
		if e.Path != c.path || !strings.Contains(e.Reason, c.reason) {
			t.Errorf("Parse(%.200s)\n got %s: %s\nwant %s: %s (%s)", c.doc, e.Path, e.Reason, c.path, c.reason, c.page)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for _, c := range []struct {
		page, doc  string
		statements int
	}{
		{pageGrammar, statementWith(`"Sid":"Main1"`), 1},
		{pageGrammar, `{"Statement":[` + strings.Repeat(`{"Effect":"Deny","NotAction":"a:b","NotResource":"*"},`, 9) + `{"Resource":["*"],"Action":["*"],"Effect":"Allow"}]}`, 10},
		{pageGrammar, " \t\r\n" + allowMarketplace + "\n", 1},
		{pageGrammar, `{"Id":"sdfsdf","Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}}`, 1},
		{pageSid, statementWith(`"Sid":""`), 1},
		{pageSid, `{"Statement":[{"Sid":"","Effect":"Allow","Action":"a:b","Resource":"*"},{"Sid":"","Effect":"Allow","Action":"a:b","Resource":"*"}]}`, 2},
		{pageRFC, `{"Statement":{"Effect":"\u0041llow","Action":"a:b","Resource":"*","Condition":{"StringEquals":{"k":"\ud83d\ude00\/\n"}}}}`, 1},
		{pageCreate, `{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringEquals":{"k":"é"}}}}`, 1},
		{pageQuotas, strings.Repeat(" ", 100_000) + allowMarketplace, 1}, // white space does not count
		{pageAction, actionOf(`["*","a:*","A-b.1:?x*"]`), 1},
		{pageResource, resourceOf(`["*","arn:aws:s3:::x/*","arn:aws-cn:s3:::x","arn:aws-us-gov:s3:::x","arn:aws:fdsasf","arn:aws:iam::1:user/${aws:username}"]`), 1},
		{pageCondition, conditionWith(``), 1},
		{pageCondition, conditionWith(`"DateGreaterThan":{}`), 1},
		{pageCondition, conditionWith(`"DateGreaterThan":{"a":[]}`), 1},
		{pageOperators, conditionWith(`"DateLessThanEquals":{"a":["2016-12-13T21:20:37.593194+00:00","2019-07","-292275054",0]}`), 1},
		{pageOperators, conditionWith(`"NumericEquals":{"a":["-0.5E+3",1e-2,"007"]}`), 1},
	} {
		p, err := Parse([]byte(c.doc))
		if err != nil {
			t.Errorf("Parse(%.200q): %v (%s)", c.doc, err, c.page)
		} else if p.Statements() != c.statements {
			t.Errorf("Parse(%.200q) has %d statements, want %d", c.doc, p.Statements(), c.statements)
		}
	}
}

// TestEveryOperator holds the parser to the list of operators, with each suffix and prefix they take.
func TestEveryOperator(t *testing.T) {
	values := map[string]string{
		"String": "x", "Numeric": "1", "Date": "2026-01-31", "Bool": "true", "Binary": "QQ==", "Ip": "10.0.0.1", "NotIp": "10.0.0.1", "Arn": "*",
	}
	operators := []string{
		"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
		"Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike",
	}
	for _, op := range operators {
		value := ""
		for prefix, v := range values {
			if strings.HasPrefix(op, prefix) {
				value = v
			}
		}
		for _, prefix := range []string{"", "ForAllValues:", "ForAnyValue:"} {
			for _, suffix := range []string{"", "IfExists"} {
				doc := conditionWith(fmt.Sprintf(`%q:{"k":%q}`, prefix+op+suffix, value))
				g := grantsOf(t, doc)
				// Without the key, the name alone decides.
				want := suffix != "" || prefix == "ForAllValues:" || prefix == "" && strings.Contains(op, "Not")
				if got := Evaluate(g, &Request{Action: "a:b", Resource: "*"}).Allowed; got != want {
					t.Errorf("%s without its key: %v (%s)", prefix+op+suffix, got, pageOperators)
				}
			}
		}
	}
}

func TestSyntaxErrorPositions(t *testing.T) {
	const doc = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "a:b", "Resource": "*"},
    {
      "Effect": "Deny",
      "Action": "*",
      "Resource": "*",
      "Condition": {
        "StringEquals": {"é": "1", "aws:PrincipalTag/a b": ["x", HERE]}
      }
    }
  ]
}`
	for _, c := range []struct{ here, path, want string }{
		{`{}`, `Statement[1].Condition.StringEquals["aws:PrincipalTag/a b"][1]`, "must be a string, a number or a boolean, not an object"},
		{`"${x"`, `Statement[1].Condition.StringEquals["aws:PrincipalTag/a b"][1]`, "a policy variable lacks its closing brace"},
		{`;`, `Statement[1].Condition.StringEquals["aws:PrincipalTag/a b"][1]`, "';' stands where a value should"},
	} {
		_, err := Parse([]byte(strings.Replace(doc, "HERE", c.here, 1)))
		want := "parse policy: line 10, column 66: " + c.path + ": " + c.want
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	for _, c := range []struct {
		doc          string
		line, column int
	}{
		{"", 1, 1},
		{"\n\n  x", 3, 3},
		{"{\n\"Statement\":\n [{}]}", 3, 3},           // what lacks something is where it begins
		{"{\"Statement\":{\"Principal\":1}}", 1, 15},  // an element that should not be there: its name
		{"{\"Statement\":{\"Effect\":\"x\"}}", 1, 24}, // a bad value: the value
		{"{\"é\":1,\n\"é\":2}", 2, 1},                 // the second of two
		{"{\"Statement\":[\n{\"Sid\":\"é\\u00e9\", \"Sid\":\"\"}]}", 2, 19}, // columns are characters, not bytes
		{"{\"Statement\":", 1, 14}, // the end
		{"{}\r\n\r\nx", 3, 1},
	} {
		_, err := Parse([]byte(c.doc))
		var e *SyntaxError
		if !errors.As(err, &e) || e.Line != c.line || e.Column != c.column {
			t.Errorf("Parse(%q): %v, want line %d, column %d", c.doc, err, c.line, c.column)
		}
	}
}
