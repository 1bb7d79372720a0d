package iam

import (
	"fmt"
	"testing"
)

// Pages of the IAM User Guide that the rows below rest on.
const (
	pageOperators  = "IAM JSON policy elements: Condition operators"
	pageCondition  = "IAM JSON policy elements: Condition"
	pageMultiple   = "Conditions with multiple context keys or values"
	pageMultivalue = "Single-valued vs. multivalued context keys"
	pageVariables  = "IAM policy elements: Variables and tags"
	pageVersion    = "IAM JSON policy elements: Version"
	pageGrammar    = "Grammar of the IAM JSON policy language"
)

type keys map[string][]string

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		page      string
		condition string
		context   keys
		want      bool
	}{
		// Strings.
		{pageOperators, `{"StringEquals":{"k":"v"}}`, keys{"k": {"v"}}, true},
		{pageOperators, `{"StringEquals":{"k":"v"}}`, keys{"k": {"V"}}, false},
		{pageOperators, `{"StringEquals":{"k":"v*"}}`, keys{"k": {"vw"}}, false}, // no wildcards here
		{pageOperators, `{"StringEquals":{"k":"v*"}}`, keys{"k": {"v*"}}, true},
		{pageOperators, `{"StringEquals":{"k":"v"}}`, nil, false},
		{pageOperators, `{"StringEquals":{"k":["a","b"]}}`, keys{"k": {"b"}}, true},
		{pageOperators, `{"StringEquals":{"k":["a","b"]}}`, keys{"k": {"c"}}, false},
		{pageOperators, `{"StringNotEquals":{"k":"v"}}`, keys{"k": {"v"}}, false},
		{pageOperators, `{"StringNotEquals":{"k":"v"}}`, keys{"k": {"w"}}, true},
		{pageOperators, `{"StringNotEquals":{"k":"v"}}`, nil, true},
		{pageMultiple, `{"StringNotEquals":{"k":["a","b"]}}`, keys{"k": {"b"}}, false}, // NOR
		{pageMultiple, `{"StringNotEquals":{"k":["a","b"]}}`, keys{"k": {"c"}}, true},
		{pageOperators, `{"StringEqualsIgnoreCase":{"k":"vAlUe"}}`, keys{"k": {"VaLuE"}}, true},
		{pageOperators, `{"StringEqualsIgnoreCase":{"k":"v"}}`, keys{"k": {"w"}}, false},
		{pageOperators, `{"StringNotEqualsIgnoreCase":{"k":"v"}}`, keys{"k": {"V"}}, false},
		{pageOperators, `{"StringNotEqualsIgnoreCase":{"k":"v"}}`, keys{"k": {"w"}}, true},
		{pageOperators, `{"StringNotEqualsIgnoreCase":{"k":"v"}}`, nil, true},
		{pageOperators, `{"StringLike":{"k":"a*c?"}}`, keys{"k": {"abbcd"}}, true},
		{pageOperators, `{"StringLike":{"k":"a*c?"}}`, keys{"k": {"abbc"}}, false},
		{pageOperators, `{"StringLike":{"k":"A*"}}`, keys{"k": {"ab"}}, false}, // case-sensitive
		{pageOperators, `{"StringLike":{"k":"a"}}`, keys{"k": {"ab"}}, false},  // no partial match without a wildcard
		{pageOperators, `{"StringNotLike":{"k":"a*"}}`, keys{"k": {"ab"}}, false},
		{pageOperators, `{"StringNotLike":{"k":"a*"}}`, keys{"k": {"b"}}, true},
		{pageOperators, `{"StringNotLike":{"k":"a*"}}`, nil, true},
		{pageOperators, `{"StringLike":{"s3:prefix":["","home/"]}}`, keys{"s3:prefix": {""}}, true}, // the page's example

		// Numbers.
		{pageOperators, `{"NumericEquals":{"k":"10"}}`, keys{"k": {"10.0"}}, true},
		{pageOperators, `{"NumericEquals":{"k":10}}`, keys{"k": {"10"}}, true},
		{pageOperators, `{"NumericEquals":{"k":1e1}}`, keys{"k": {"10"}}, true},
		{pageOperators, `{"NumericEquals":{"k":"10"}}`, keys{"k": {"ten"}}, false},
		{pageOperators, `{"NumericEquals":{"k":"10"}}`, nil, false},
		{pageOperators, `{"NumericEquals":{"k":"999999999999999998"}}`, keys{"k": {"999999999999999999"}}, false}, // no rounding
		{pageOperators, `{"NumericNotEquals":{"k":"10"}}`, keys{"k": {"10"}}, false},
		{pageOperators, `{"NumericNotEquals":{"k":"10"}}`, keys{"k": {"11"}}, true},
		{pageOperators, `{"NumericNotEquals":{"k":"10"}}`, nil, true},
		{pageOperators, `{"NumericLessThan":{"k":"10"}}`, keys{"k": {"9.5"}}, true},
		{pageOperators, `{"NumericLessThan":{"k":"10"}}`, keys{"k": {"10"}}, false},
		{pageOperators, `{"NumericLessThan":{"k":"-1.5"}}`, keys{"k": {"-2"}}, true},
		{pageOperators, `{"NumericLessThanEquals":{"s3:max-keys":"10"}}`, keys{"s3:max-keys": {"10"}}, true}, // the page's example
		{pageOperators, `{"NumericLessThanEquals":{"s3:max-keys":"10"}}`, keys{"s3:max-keys": {"11"}}, false},
		{pageOperators, `{"NumericGreaterThan":{"k":"10"}}`, keys{"k": {"10"}}, false},
		{pageOperators, `{"NumericGreaterThan":{"k":"10"}}`, keys{"k": {"100"}}, true}, // not as text
		{pageOperators, `{"NumericGreaterThanEquals":{"k":"10"}}`, keys{"k": {"10"}}, true},
		{pageOperators, `{"NumericGreaterThanEquals":{"k":"10"}}`, keys{"k": {"9"}}, false},
		{pageMultiple, `{"NumericLessThan":{"k":["1","10"]}}`, keys{"k": {"5"}}, true}, // OR

		// Dates.
		{pageOperators, `{"DateEquals":{"k":"2026-01-31T12:00:00Z"}}`, keys{"k": {"2026-01-31T13:00:00+01:00"}}, true},
		{pageOperators, `{"DateEquals":{"k":"2026-01-31T12:00:00Z"}}`, keys{"k": {"1769860800"}}, true}, // epoch
		{pageOperators, `{"DateEquals":{"k":1769860800}}`, keys{"k": {"2026-01-31T12:00Z"}}, true},
		{pageOperators, `{"DateEquals":{"k":"2026"}}`, keys{"k": {"2026-01-01T00:00:00Z"}}, true}, // W3C: a year
		{pageOperators, `{"DateEquals":{"k":"2026-01-31"}}`, keys{"k": {"2026-01-31T00:00:00.000Z"}}, true},
		{pageOperators, `{"DateEquals":{"k":"2026-01-31T12:00:00Z"}}`, keys{"k": {"2026-01-31T12:00:00.5Z"}}, false},
		{pageOperators, `{"DateEquals":{"k":"2026-01-31"}}`, nil, false},
		{pageOperators, `{"DateNotEquals":{"k":"2026-01-31"}}`, keys{"k": {"2026-01-31T00:00:00Z"}}, false},
		{pageOperators, `{"DateNotEquals":{"k":"2026-01-31"}}`, keys{"k": {"2026-01-30T00:00:00Z"}}, true},
		{pageOperators, `{"DateNotEquals":{"k":"2026-01-31"}}`, nil, true},
		{pageOperators, `{"DateLessThan":{"k":"2026-01-31T12:00:00Z"}}`, keys{"k": {"2026-01-31T11:59:59.999Z"}}, true},
		{pageOperators, `{"DateLessThan":{"k":"2026-01-31T12:00:00Z"}}`, keys{"k": {"2026-01-31T12:00:00Z"}}, false},
		{pageOperators, `{"DateLessThanEquals":{"k":"2026-01-31T12:00:00Z"}}`, keys{"k": {"2026-01-31T12:00:00Z"}}, true},
		{pageOperators, `{"DateLessThanEquals":{"k":"2026-01-31T12:00:00Z"}}`, keys{"k": {"2026-01-31T12:00:01Z"}}, false},
		{pageOperators, `{"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}}`, keys{"aws:tokenissuetime": {"2020-01-01T00:00:02Z"}}, true},
		{pageOperators, `{"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}}`, keys{"aws:tokenissuetime": {"2020-01-01T00:00:01Z"}}, false},
		{pageOperators, `{"DateGreaterThanEquals":{"k":"2026-01-31"}}`, keys{"k": {"2026-01-31"}}, true},
		{pageOperators, `{"DateGreaterThanEquals":{"k":"2026-01-31"}}`, keys{"k": {"2026-01-30"}}, false},
		{pageOperators, `{"DateGreaterThan":{"k":"2026-01-31"}}`, keys{"k": {"yesterday"}}, false},

		// Booleans.
		{pageOperators, `{"Bool":{"aws:SecureTransport":"false"}}`, keys{"aws:securetransport": {"false"}}, true},
		{pageOperators, `{"Bool":{"aws:SecureTransport":"false"}}`, keys{"aws:securetransport": {"true"}}, false},
		{pageGrammar, `{"Bool":{"aws:SecureTransport":true}}`, keys{"aws:securetransport": {"true"}}, true},
		{pageOperators, `{"Bool":{"aws:SecureTransport":"false"}}`, nil, false},
		{pageOperators, `{"Bool":{"k":["true","false"]}}`, keys{"k": {"maybe"}}, false},
		{pageOperators, `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, nil, true},

		// Binary.
		{pageOperators, `{"BinaryEquals":{"key":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, keys{"key": {"BinaryValueInBase64"}}, true},
		{pageOperators, `{"BinaryEquals":{"key":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}`, keys{"key": {"binaryvalueinbase64"}}, false},
		{pageOperators, `{"BinaryEquals":{"key":"/wA="}}`, keys{"key": {"\xff\x00"}}, true},
		{pageOperators, `{"BinaryEquals":{"key":"/wA="}}`, nil, false},

		// IP addresses.
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, keys{"aws:sourceip": {"203.0.113.255"}}, true},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, keys{"aws:sourceip": {"203.0.114.0"}}, false},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}`, keys{"aws:sourceip": {"203.0.113.7"}}, true}, // /32
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}`, keys{"aws:sourceip": {"203.0.113.8"}}, false},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"203.0.113.9/24"}}`, keys{"aws:sourceip": {"203.0.113.7"}}, true},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:DB8:1234:5678::/64"]}}`, keys{"aws:sourceip": {"2001:db8:1234:5678::1"}}, true},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"2001:DB8:1234:5678::/64"}}`, keys{"aws:sourceip": {"2001:db8:1234:5679::1"}}, false},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"::1"}}`, keys{"aws:sourceip": {"::1"}}, true},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, keys{"aws:sourceip": {"::ffff:10.1.2.3"}}, true}, // a dual-stack listener says it so
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"::ffff:10.0.0.0/104"}}`, keys{"aws:sourceip": {"10.1.2.3"}}, true},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, keys{"aws:sourceip": {"::1"}}, false},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, keys{"aws:sourceip": {"localhost"}}, false},
		{pageOperators, `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, nil, false},
		{pageOperators, `{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","192.0.2.1"]}}`, keys{"aws:sourceip": {"192.0.2.1"}}, false},
		{pageOperators, `{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","192.0.2.1"]}}`, keys{"aws:sourceip": {"192.0.2.2"}}, true},
		{pageOperators, `{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, nil, true},

		// ARNs.
		{pageOperators, `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/met?ring"}}`, keys{"aws:principalarn": {"arn:aws:iam::111122223333:role/metering"}}, true},
		{pageOperators, `{"ArnLike":{"k":"arn:aws:iam::111122223333:role/x"}}`, keys{"k": {"arn:aws:iam::111122223333:role/X"}}, false}, // case-sensitive
		// The page's own example of where ArnLike and StringLike part.
		{pageOperators, `{"ArnLike":{"k":"arn:aws:someservice:*:111122223333:finance/*"}}`,
			keys{"k": {"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}}, false},
		{pageOperators, `{"StringLike":{"k":"arn:aws:someservice:*:111122223333:finance/*"}}`,
			keys{"k": {"arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"}}, true},
		{pageOperators, `{"ArnLike":{"k":"arn:aws:sns:*:*:*"}}`, keys{"k": {"arn:aws:sns:us-east-1:111122223333:topic:sub:1"}}, true}, // the last part has colons
		{pageOperators, `{"ArnLike":{"k":"arn:aws:sns:*:*:*"}}`, keys{"k": {"arn:aws:sns:us-east-1:111122223333"}}, false},
		{pageOperators, `{"ArnLike":{"k":"arn:aws?sns:us-east-1:1:a:b"}}`, keys{"k": {"arn:aws:sns:us-east-1:1:a:b"}}, false}, // nor does ? cross
		{pageOperators, `{"StringLike":{"k":"arn:aws?sns:us-east-1:1:a:b"}}`, keys{"k": {"arn:aws:sns:us-east-1:1:a:b"}}, true},
		{pageOperators, `{"ArnLike":{"k":"*"}}`, keys{"k": {"arn:aws:sns:us-east-1:111122223333:topic"}}, true},
		{pageOperators, `{"ArnEquals":{"k":"arn:aws:sns:*:*:*"}}`, nil, false},
		{pageOperators, `{"ArnNotEquals":{"k":"arn:aws:sns:*:*:*"}}`, keys{"k": {"arn:aws:sns:us-east-1:111122223333:topic"}}, false},
		{pageOperators, `{"ArnNotEquals":{"k":"arn:aws:sns:*:*:*"}}`, nil, true},
		{pageOperators, `{"ArnNotLike":{"k":"arn:aws:sns:*:*:*"}}`, keys{"k": {"arn:aws:sqs:us-east-1:111122223333:queue"}}, true},

		// Null.
		{pageOperators, `{"Null":{"aws:TokenIssueTime":"true"}}`, nil, true},
		{pageOperators, `{"Null":{"aws:TokenIssueTime":"true"}}`, keys{"aws:tokenissuetime": {"2026-01-01"}}, false},
		{pageOperators, `{"Null":{"aws:TokenIssueTime":"false"}}`, keys{"aws:tokenissuetime": {"2026-01-01"}}, true},
		{pageOperators, `{"Null":{"aws:TokenIssueTime":false}}`, nil, false},
		{pageMultivalue, `{"Null":{"aws:TagKeys":"false"}}`, keys{"aws:tagkeys": {}}, false},
		{pageMultivalue, `{"Null":{"aws:TagKeys":"false"}}`, keys{"aws:tagkeys": {""}}, false}, // "a null data set, such as an empty string"

		// IfExists.
		{pageOperators, `{"StringEqualsIfExists":{"k":"v"}}`, nil, true},
		{pageOperators, `{"StringEqualsIfExists":{"k":"v"}}`, keys{"k": {"v"}}, true},
		{pageOperators, `{"StringEqualsIfExists":{"k":"v"}}`, keys{"k": {"w"}}, false},
		{pageOperators, `{"StringNotEqualsIfExists":{"k":"v"}}`, nil, true}, // "still denied even if the tag is missing"
		{pageOperators, `{"StringNotEqualsIfExists":{"k":"v"}}`, keys{"k": {"v"}}, false},
		{pageOperators, `{"NumericLessThanIfExists":{"k":"1"}}`, nil, true},
		{pageOperators, `{"DateLessThanIfExists":{"k":"2026"}}`, nil, true},
		{pageOperators, `{"IpAddressIfExists":{"k":"10.0.0.0/8"}}`, nil, true},
		{pageOperators, `{"ArnLikeIfExists":{"k":"arn:aws:sns:*:*:*"}}`, nil, true},

		// Set operators.
		{pageMultivalue, `{"ForAllValues:StringEquals":{"k":["a","b","c"]}}`, keys{"k": {"a", "b"}}, true},
		{pageMultivalue, `{"ForAllValues:StringEquals":{"k":["a","b","c"]}}`, keys{"k": {"a", "x"}}, false},
		{pageMultivalue, `{"ForAllValues:StringEquals":{"k":["a"]}}`, nil, true},
		{pageMultivalue, `{"ForAllValues:StringEquals":{"k":["a"]}}`, keys{"k": {}}, true},
		{pageMultivalue, `{"ForAllValues:StringEquals":{"k":["a"]}}`, keys{"k": {""}}, true},
		{pageMultivalue, `{"ForAllValues:StringNotEquals":{"k":["a","b"]}}`, keys{"k": {"c", "d"}}, true},
		{pageMultivalue, `{"ForAllValues:StringNotEquals":{"k":["a","b"]}}`, keys{"k": {"c", "a"}}, false},
		{pageMultivalue, `{"ForAllValues:StringNotEquals":{"k":["a","b"]}}`, nil, true},
		{pageMultivalue, `{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, keys{"k": {"x", "b"}}, true},
		{pageMultivalue, `{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, keys{"k": {"x", "y"}}, false},
		{pageMultivalue, `{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, nil, false},
		{pageMultivalue, `{"ForAnyValue:StringEquals":{"k":["a","b"]}}`, keys{"k": {}}, false},
		{pageMultivalue, `{"ForAnyValue:StringLike":{"k":"*"}}`, keys{"k": {""}}, false},
		{pageMultivalue, `{"ForAnyValue:StringNotEquals":{"k":["a","b"]}}`, keys{"k": {"a", "c"}}, true},
		{pageMultivalue, `{"ForAnyValue:StringNotEquals":{"k":["a","b"]}}`, keys{"k": {"a", "b"}}, false},
		{pageMultivalue, `{"ForAnyValue:StringNotEquals":{"k":["a","b"]}}`, nil, false},
		{pageMultivalue, `{"ForAnyValue:StringEqualsIfExists":{"k":"a"}}`, nil, true},
		{pageMultivalue, `{"ForAllValues:IpAddress":{"k":"10.0.0.0/8"}}`, keys{"k": {"10.0.0.1", "10.9.9.9"}}, true},
		{pageMultivalue, `{"ForAnyValue:NumericGreaterThan":{"k":"5"}}`, keys{"k": {"1", "6"}}, true},

		// How conditions join, and empty ones, which IAM takes.
		{pageMultiple, `{"StringEquals":{"a":"1","b":"2"}}`, keys{"a": {"1"}, "b": {"2"}}, true}, // keys: AND
		{pageMultiple, `{"StringEquals":{"a":"1","b":"2"}}`, keys{"a": {"1"}, "b": {"3"}}, false},
		{pageMultiple, `{"StringEquals":{"a":"1"},"NumericLessThan":{"b":"2"}}`, keys{"a": {"1"}, "b": {"1"}}, true}, // operators: AND
		{pageMultiple, `{"StringEquals":{"a":"1"},"NumericLessThan":{"b":"2"}}`, keys{"a": {"1"}, "b": {"2"}}, false},
		{pageCondition, `{}`, nil, true},
		{pageCondition, `{"StringEquals":{}}`, nil, true},
		{pageCondition, `{"StringEquals":{"k":[]}}`, keys{"k": {"v"}}, false},
		{pageCondition, `{"StringEquals":{"AWS:UserName":"v"}}`, keys{"aws:username": {"v"}}, true}, // keys have no case
		{pageGrammar, `{"StringEquals":{"k":[1.50,true]}}`, keys{"k": {"1.50"}}, true},              // a value is its text

		// Variables.
		{pageVariables, `{"StringEquals":{"k":"u/${aws:username}"}}`, keys{"k": {"u/ann"}, "aws:username": {"ann"}}, true},
		{pageVariables, `{"StringEquals":{"k":"u/${AWS:UserName}"}}`, keys{"k": {"u/ann"}, "aws:username": {"ann"}}, true},
		{pageVariables, `{"StringEquals":{"k":"${aws:username}"}}`, keys{"k": {"ann"}}, false},                          // no value
		{pageVariables, `{"StringNotEquals":{"k":"${aws:username}"}}`, keys{"k": {"ann"}}, false},                       // nor when negated
		{pageVariables, `{"StringEquals":{"k":["${aws:username}","ann"]}}`, keys{"k": {"ann"}}, true},                   // another value still can
		{pageVariables, `{"StringNotEquals":{"k":["ann","${aws:username}"]}}`, keys{"k": {"bob"}}, false},               // NOR needs them all
		{pageMultivalue, `{"StringEquals":{"k":"${aws:TagKeys}"}}`, keys{"k": {"a"}, "aws:tagkeys": {"a", "b"}}, false}, // not a multivalued key
		{pageVariables, `{"StringEquals":{"k":"${aws:userid, 'anonymous'}"}}`, keys{"k": {"anonymous"}}, true},          // default
		{pageVariables, `{"StringEquals":{"k":"${aws:userid, 'a}b'}/x"}}`, keys{"k": {"a}b/x"}}, true},                  // with a brace in it
		{pageVariables, `{"StringEquals":{"k":"${aws:userid, 'anonymous'}"}}`, keys{"k": {"x"}, "aws:userid": {"x"}}, true},
		{pageVariables, `{"StringLike":{"k":"home/${aws:username}/*"}}`, keys{"k": {"home/ann/f"}, "aws:username": {"ann"}}, true},
		{pageVariables, `{"StringLike":{"k":"home/${aws:username}/*"}}`, keys{"k": {"home/bob/f"}, "aws:username": {"*"}}, false}, // a value is no pattern
		{pageVariables, `{"StringLike":{"k":"a${*}b*"}}`, keys{"k": {"a*bcd"}}, true},
		{pageVariables, `{"StringLike":{"k":"a${*}b*"}}`, keys{"k": {"axbcd"}}, false},
		{pageVariables, `{"StringLike":{"k":"${?}${$}{x}"}}`, keys{"k": {"?${x}"}}, true},
		{pageVariables, `{"StringEqualsIgnoreCase":{"k":"U/${aws:username}"}}`, keys{"k": {"u/ANN"}, "aws:username": {"ann"}}, true},
		{pageVariables, `{"StringEqualsIgnoreCase":{"k":"${aws:username}"}}`, keys{"k": {"ann"}}, false},
		{pageVariables, `{"ArnLike":{"k":"arn:aws:iam::${aws:PrincipalAccount}:user/*"}}`,
			keys{"k": {"arn:aws:iam::111122223333:user/ann"}, "aws:principalaccount": {"111122223333"}}, true},
		{pageVariables, `{"ArnEquals":{"k":"${aws:PrincipalArn}"}}`,
			keys{"k": {"arn:aws:iam::111122223333:user/ann"}, "aws:principalarn": {"arn:aws:iam::111122223333:user/ann"}}, true},
		{pageVariables, `{"StringEquals":{"k":"$5 {x}"}}`, keys{"k": {"$5 {x}"}}, true}, // a dollar sign alone is itself
	} {
		doc := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":%s}}`, c.condition)
		g := grantsOf(t, doc)
		if got := Evaluate(g, &Request{Action: "a:b", Resource: "*", Context: contextOf(c.context)}).Allowed; got != c.want {
			t.Errorf("%s with %v: %v (%s)", c.condition, c.context, got, c.page)
		}
	}
}

// TestVariablesOfTheOldVersion: "If you don't include the Version element and set it to an appropriate version date,
// variables like ${aws:username} are treated as literal strings in the policy."
func TestVariablesOfTheOldVersion(t *testing.T) {
	for _, version := range []string{``, `"Version":"2008-10-17",`} {
		doc := `{` + version + `"Statement":{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::${x}/${","*"],
			"Condition":{"StringLike":{"k":"${aws:username}*"}}}}`
		g := grantsOf(t, doc)
		ctx := keys{"k": {"${aws:username}!"}, "aws:username": {"ann"}}
		if !Evaluate(g, &Request{Action: "a:b", Resource: "arn:aws:s3:::${x}/${", Context: contextOf(ctx)}).Allowed {
			t.Errorf("version %q: a variable is not literal text (%s)", version, pageVersion)
		}
		ctx["k"] = []string{"ann!"}
		if Evaluate(g, &Request{Action: "a:b", Resource: "*", Context: contextOf(ctx)}).Allowed {
			t.Errorf("version %q: a variable is expanded (%s)", version, pageVersion)
		}
	}
}

func TestNilContextHasNoKeys(t *testing.T) {
	g := grantsOf(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"k":"true"}}}}`)
	if d := Evaluate(g, &Request{Action: "a:b", Resource: "*"}); !d.Allowed {
		t.Error(d.Why())
	}
}
