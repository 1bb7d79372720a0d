package console

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/reqlog"
)

// sameCall is the request in one language.
type sameCall struct{ ID, Title, Code string }

// sdkNames are what the clients call the two services.
type sdkNames struct{ cli, python, goPackage, js, jsClient string }

// namesOfService returns what clients call a service, by the name that requests have.
func namesOfService(service string) (sdkNames, bool) {
	switch service {
	case awsproto.ServiceMetering:
		return sdkNames{"meteringmarketplace", "meteringmarketplace", "marketplacemetering", "@aws-sdk/client-marketplace-metering", "MarketplaceMeteringClient"}, true
	case awsproto.ServiceEntitlement:
		return sdkNames{"marketplace-entitlement", "marketplace-entitlement", "marketplaceentitlementservice", "@aws-sdk/client-marketplace-entitlement-service", "MarketplaceEntitlementServiceClient"}, true
	}
	return sdkNames{}, false
}

// sameCalls writes the request in five languages: those with an SDK only if its body is JSON that the operation could take, curl whatever it is.
func sameCalls(v reqlog.View, endpoint, body string) []sameCall {
	names, ok := namesOfService(v.Service)
	if !ok || !identifier.MatchString(v.Operation) { // it stands in the programs as it is
		return nil
	}
	if endpoint == "" {
		endpoint = "http://" + v.Host
	}
	call := callText{names: names, service: v.Service, operation: v.Operation, region: v.Region, endpoint: strings.TrimSuffix(endpoint, "/"), session: strings.HasPrefix(v.AccessKeyID, "ASIA")}
	if call.region == "" {
		call.region = "us-east-1"
	}
	input, ok := parseObject(body)
	if !ok {
		return []sameCall{{"curl", "curl", call.curl(body)}}
	}
	return []sameCall{
		{"cli", "AWS CLI", call.cli(input)}, {"curl", "curl", call.curl(jsonText(input, true))}, {"go", "Go", call.golang(input)},
		{"python", "Python", call.python(input)}, {"javascript", "JavaScript", call.javascript(input)},
	}
}

// callText is all that the languages need of a call but its input.
type callText struct {
	names                                sdkNames
	service, operation, region, endpoint string
	session                              bool // signed with temporary credentials
}

var camelCase = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// dashed is BatchMeterUsage with another sign between its words, in lower case.
func dashed(operation, sign string) string {
	return strings.ToLower(camelCase.ReplaceAllString(operation, "${1}"+sign+"${2}"))
}

// word quotes s for a POSIX shell where it has to be. Unlike what is shown of texts elsewhere it stays the same text: this is pasted.
func word(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return shellText(s)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@-]+$`)

// shellText quotes s. What steers the eye stands in quotes of the $'…' kind, which bash, zsh and POSIX 2024 read.
func shellText(s string) string {
	if plain(s) == s {
		return shellQuote(s)
	}
	var b strings.Builder
	b.WriteString("$'")
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case plain(string(r)) == string(r):
			b.WriteRune(r)
		default:
			for _, c := range []byte(string(r)) { // three octal digits: no digit that follows can be taken for a part of it
				b.WriteString(`\` + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7}))
			}
		}
	}
	return b.String() + "'"
}

func (c *callText) cli(input node) string {
	return "aws " + c.names.cli + " " + dashed(c.operation, "-") + " \\\n  --endpoint-url " + word(c.endpoint) + " --region " + word(c.region) +
		" \\\n  --cli-input-json " + shellText(jsonText(input, true))
}

func (c *callText) curl(body string) string {
	var b strings.Builder
	b.WriteString("curl --aws-sigv4 " + word("aws:amz:"+c.region+":aws-marketplace") + ` --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"`)
	if c.session {
		b.WriteString(" \\\n  -H \"X-Amz-Security-Token: $AWS_SESSION_TOKEN\"")
	}
	b.WriteString(" \\\n  -H 'Content-Type: application/x-amz-json-1.1' -H " + word("X-Amz-Target: "+c.service+"."+c.operation))
	b.WriteString(" \\\n  --data-raw " + shellText(body) + " " + word(c.endpoint+"/"))
	return b.String()
}

func (c *callText) python(input node) string {
	l := literals{
		quote: strconv.Quote, key: func(name string) string { return strconv.Quote(name) + ": " }, yes: "True", no: "False", null: "None",
		number: func(_, digits string) string { return digits }, trailing: true, // boto3 takes seconds since 1970 for a time
	}
	var b strings.Builder
	b.WriteString("import boto3\n\nclient = boto3.client(" + strconv.Quote(c.names.python) + ", region_name=" + strconv.Quote(c.region) + ", endpoint_url=" + strconv.Quote(c.endpoint) + ")\n")
	b.WriteString("answer = client." + dashed(c.operation, "_") + "(**")
	l.write(&b, input, "", "")
	return b.String() + ")\nprint(answer)"
}

// identifier is a name that JavaScript takes without quotes. __proto__ is none: it would not be a member.
var identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func (c *callText) javascript(input node) string {
	l := literals{
		quote: jsonQuote, yes: "true", no: "false", null: "null", trailing: true,
		key: func(name string) string {
			switch {
			case identifier.MatchString(name):
				return name + ": "
			case name == "__proto__":
				return `["__proto__"]: `
			}
			return jsonQuote(name) + ": "
		},
		number: func(path, digits string) string {
			if isTime(path) {
				return "new Date(" + digits + " * 1000)"
			}
			return digits
		},
	}
	var b strings.Builder
	b.WriteString("import { " + c.names.jsClient + ", " + c.operation + "Command } from " + jsonQuote(c.names.js) + ";\n\n")
	b.WriteString("const client = new " + c.names.jsClient + "({ region: " + jsonQuote(c.region) + ", endpoint: " + jsonQuote(c.endpoint) + " });\n")
	b.WriteString("const answer = await client.send(new " + c.operation + "Command(")
	l.write(&b, input, "", "")
	return b.String() + "));\nconsole.log(answer);"
}

// isTime reports whether the member at path is one of the operations' times.
func isTime(path string) bool { return path == "Timestamp" || path == "UsageRecords.Timestamp" }
