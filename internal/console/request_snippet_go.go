package console

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// shapesOfGo are the members of the operations' inputs as the AWS SDK for Go types them: a function of package aws that makes the pointer, "time", or
// "[]" and the name of a shape. "" stands for the inputs, whose members do not contradict each other.
var shapesOfGo = map[string]map[string]string{
	"": {
		"RegistrationToken": "aws.String", "ProductCode": "aws.String", "Nonce": "aws.String", "UsageDimension": "aws.String", "ClientToken": "aws.String",
		"NextToken": "aws.String", "PublicKeyVersion": "aws.Int32", "UsageQuantity": "aws.Int32", "MaxResults": "aws.Int32", "DryRun": "aws.Bool",
		"Timestamp": "time", "UsageRecords": "[]UsageRecord", "UsageAllocations": "[]UsageAllocation", "Filter": "filter",
	},
	"UsageRecord": {
		"CustomerIdentifier": "aws.String", "CustomerAWSAccountId": "aws.String", "LicenseArn": "aws.String", "Dimension": "aws.String", "Quantity": "aws.Int32",
		"Timestamp": "time", "UsageAllocations": "[]UsageAllocation",
	},
	"UsageAllocation": {"AllocatedUsageQuantity": "aws.Int32", "Tags": "[]Tag"},
	"Tag":             {"Key": "aws.String", "Value": "aws.String"},
}

// goText writes a call for the AWS SDK for Go.
type goText struct {
	strings.Builder
	imports map[string]bool
}

func (c *callText) golang(input node) string {
	base := "github.com/aws/aws-sdk-go-v2/"
	g := &goText{imports: map[string]bool{"context": true, "fmt": true, "log": true, base + "aws": true, base + "config": true, base + "service/" + c.names.goPackage: true}}
	g.WriteString(c.names.goPackage + "." + c.operation + "Input{")
	g.members(input, "", "\t")
	g.WriteString("}")
	if strings.Contains(g.String(), "types.") {
		g.imports[base+"service/"+c.names.goPackage+"/types"] = true
	}
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n")
	for i, standard := range []bool{true, false} {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, path := range slices.Sorted(maps.Keys(g.imports)) {
			if !strings.Contains(path, ".") == standard {
				b.WriteString("\t" + strconv.Quote(path) + "\n")
			}
		}
	}
	b.WriteString(")\n\nfunc main() {\n\tctx := context.Background()\n\tcfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(" + strconv.Quote(c.region) + "))\n" +
		"\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tclient := " + c.names.goPackage + ".NewFromConfig(cfg, func(o *" + c.names.goPackage + ".Options) { o.BaseEndpoint = aws.String(" +
		strconv.Quote(c.endpoint) + ") })\n\tanswer, err := client." + c.operation + "(ctx, &" + g.String() + ")\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tfmt.Printf(\"%+v\\n\", answer)\n}")
	return b.String()
}

// members writes the members of a struct. What Go's types have no room for is said in a comment, so that the text compiles.
func (g *goText) members(n node, shape, indent string) {
	deeper := indent + "\t"
	seen := map[string]bool{}
	for _, m := range n.members {
		value, ok := n.member(m.name)
		if seen[m.name] || value.kind == 'n' {
			continue
		}
		seen[m.name] = true
		g.WriteString("\n" + deeper)
		kind := shapesOfGo[shape][m.name]
		if ok = ok && g.fits(kind, value); !ok {
			g.WriteString("// " + strconv.Quote(m.name) + ": " + jsonText(value, true) + " has no place in Go's type.")
			continue
		}
		// The SDK's names for Go are the members' own, which all begin with a capital letter.
		g.WriteString(m.name + ": ")
		g.value(kind, value, deeper)
		g.WriteString(",")
	}
	if len(seen) > 0 {
		g.WriteString("\n" + indent)
	}
}

func (g *goText) fits(kind string, n node) bool {
	switch kind {
	case "aws.String":
		return n.kind == '"'
	case "aws.Int32":
		_, err := strconv.ParseInt(n.text, 10, 32)
		return n.kind == '0' && err == nil
	case "aws.Bool":
		return n.kind == 't' || n.kind == 'f'
	case "time":
		_, err := strconv.ParseInt(n.text, 10, 64)
		return n.kind == '0' && err == nil
	case "filter":
		for _, m := range n.members {
			for _, item := range m.value.items {
				if item.kind != '"' {
					return false
				}
			}
			if m.value.kind != '[' {
				return false
			}
		}
		return n.kind == '{'
	}
	if !strings.HasPrefix(kind, "[]") || n.kind != '[' {
		return false
	}
	return !slices.ContainsFunc(n.items, func(item node) bool { return item.kind != '{' })
}

// value writes what fits.
func (g *goText) value(kind string, n node, indent string) {
	switch kind {
	case "aws.String":
		g.WriteString("aws.String(" + strconv.Quote(n.text) + ")")
	case "aws.Int32":
		g.WriteString("aws.Int32(" + n.text + ")")
	case "aws.Bool":
		g.WriteString("aws.Bool(" + strconv.FormatBool(n.kind == 't') + ")")
	case "time":
		g.imports["time"] = true
		g.WriteString("aws.Time(time.Unix(" + n.text + ", 0))")
	case "filter":
		g.WriteString("map[string][]string{")
		seen := map[string]bool{}
		for _, m := range n.members {
			if seen[m.name] { // twice in a literal does not compile
				continue
			}
			seen[m.name] = true
			last, _ := n.member(m.name)
			g.WriteString("\n" + indent + "\t" + strconv.Quote(m.name) + ": {")
			for i, item := range last.items {
				if i > 0 {
					g.WriteString(", ")
				}
				g.WriteString(strconv.Quote(item.text))
			}
			g.WriteString("},")
		}
		g.WriteString("\n" + indent + "}")
	default:
		shape := strings.TrimPrefix(kind, "[]")
		g.WriteString("[]types." + shape + "{")
		for _, item := range n.items {
			g.WriteString("\n" + indent + "\t{")
			g.members(item, shape, indent+"\t")
			g.WriteString("},")
		}
		if len(n.items) > 0 {
			g.WriteString("\n" + indent)
		}
		g.WriteString("}")
	}
}
