package console

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/marketplaceentitlementservice"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering/types"
	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/reqlog"
)

// awkward is text that breaks out of whatever is quoted carelessly, in each of the languages.
const awkward = "a'b\"c`d\\e\nf\r\tg${HOME}$(id)%s</script>\u2028é\U0001F600\u202ex\u0000\u0007!'; rm -rf ~ #\\"

func awkwardBody(t *testing.T) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"ProductCode": awkward, "UsageRecords": []any{map[string]any{
		"Timestamp": 1790000000, "Dimension": awkward, "Quantity": 3, "UsageAllocations": []any{map[string]any{"AllocatedUsageQuantity": 3, "Tags": []any{map[string]any{"Key": awkward, "Value": ""}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func callsIn(t *testing.T, body string) map[string]string {
	t.Helper()
	v := reqlog.View{Service: awsproto.ServiceMetering, Operation: "BatchMeterUsage", Region: "us-east-1", Host: "127.0.0.1:7685", AccessKeyID: "ASIAEXAMPLE"}
	out := map[string]string{}
	for _, c := range sameCalls(v, "", body) {
		out[c.ID] = c.Code
		if plain(c.Code) != strings.ReplaceAll(c.Code, "\t", "‹U+0009›") {
			t.Errorf("%s: holds what cannot be seen: %q", c.Title, c.Code)
		}
	}
	return out
}

func same(t *testing.T, name, got, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Errorf("%s: %v in %q", name, err, got)
		return
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("%s says something else (-want +got):\n%s", name, diff)
	}
}

// run feeds a program to an interpreter. One that is not installed is skipped, since what it would show is shown by the others.
func run(t *testing.T, program string, command ...string) string {
	t.Helper()
	path, err := exec.LookPath(command[0])
	if err != nil {
		t.Skip(command[0] + " is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, command[1:]...)
	cmd.Stdin = strings.NewReader(program)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command[0], err, program)
	}
	return string(out)
}

func TestShellSnippetsSayTheSame(t *testing.T) {
	body := awkwardBody(t)
	calls := callsIn(t, body)
	stub := "aws() { printf '%s\\0' \"$@\"; }; curl() { printf '%s\\0' \"$@\"; }\n"
	arguments := func(id string) map[string]string {
		args := strings.Split(run(t, stub+calls[id]+"\n", "bash", "--norc", "-s"), "\x00")
		after := map[string]string{"": args[max(0, len(args)-2)]}
		for i := range len(args) - 1 {
			after[args[i]] = args[i+1]
		}
		return after
	}
	cli := arguments("cli")
	same(t, "AWS CLI", cli["--cli-input-json"], body)
	if cli["meteringmarketplace"] != "batch-meter-usage" || cli["--endpoint-url"] != "http://127.0.0.1:7685" || cli["--region"] != "us-east-1" {
		t.Errorf("AWS CLI: %q", cli)
	}
	curl := arguments("curl")
	same(t, "curl", curl["--data-raw"], body)
	if curl["--aws-sigv4"] != "aws:amz:us-east-1:aws-marketplace" || curl[""] != "http://127.0.0.1:7685/" || !strings.Contains(calls["curl"], "$AWS_SESSION_TOKEN") {
		t.Errorf("curl: %q", curl)
	}
}

func TestBodiesThatAreNoJSONGoToCurlOnly(t *testing.T) {
	for _, body := range []string{`{"a":`, `[1]`, `{} x`, "'\n\\n\t\u202e9'\"", "@/etc/passwd", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)} {
		calls := callsIn(t, body)
		if len(calls) != 1 {
			t.Errorf("%q: %d languages", body, len(calls))
		}
		out := run(t, "curl() { printf '%s\\0' \"$@\"; }\n"+calls["curl"]+"\n", "bash", "--norc", "-s")
		if !strings.Contains(out, "--data-raw\x00"+body+"\x00") {
			t.Errorf("curl sends another body than %q: %q", body, out)
		}
	}
}

func TestPythonSnippetSaysTheSame(t *testing.T) {
	body := awkwardBody(t)
	code := callsIn(t, body)["python"]
	stub := "import sys, types, json\nclass C:\n  def __getattr__(self, name):\n    return lambda **k: json.dumps([name, k])\nm = types.ModuleType('boto3'); m.client = lambda *a, **k: C()\nsys.modules['boto3'] = m\n"
	var got []json.RawMessage
	if err := json.Unmarshal([]byte(run(t, stub+code, "python3", "-I", "-")), &got); err != nil || string(got[0]) != `"batch_meter_usage"` {
		t.Fatalf("%v: %s", err, got)
	}
	same(t, "Python", string(got[1]), body)
}

func TestJavaScriptSnippetSaysTheSame(t *testing.T) {
	body := awkwardBody(t)
	code := callsIn(t, body)["javascript"]
	imports, rest, ok := strings.Cut(code, "\n")
	if want := `import { MarketplaceMeteringClient, BatchMeterUsageCommand } from "@aws-sdk/client-marketplace-metering";`; !ok || imports != want {
		t.Fatalf("imports: %s", imports)
	}
	stub := "class MarketplaceMeteringClient { send(c) { return c; } }\nclass BatchMeterUsageCommand { constructor(i) { this.i = i; } }\nDate.prototype.toJSON = function() { return this.getTime() / 1000; };\n(async () => {\n"
	out := run(t, stub+strings.Replace(rest, "console.log(answer)", "process.stdout.write(JSON.stringify(answer.i))", 1)+"\n})();", "node", "-")
	same(t, "JavaScript", out, body)
}

func TestGoSnippetSaysTheSame(t *testing.T) {
	code := callsIn(t, awkwardBody(t))["go"]
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", code, 0)
	if err != nil {
		t.Fatalf("%v\n%s", err, code)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		if l, ok := node.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err != nil {
				t.Error(err)
			} else if s == awkward {
				n++
			}
		}
		return true
	})
	if n != 3 {
		t.Errorf("the text stands %d times, want 3:\n%s", n, code)
	}
	for _, want := range []string{"aws.Time(time.Unix(1790000000, 0))", `"time"`, "[]types.UsageAllocation{", "aws.Int32(3)", "marketplacemetering/types\""} {
		if !strings.Contains(code, want) {
			t.Errorf("lacks %s:\n%s", want, code)
		}
	}
}

// What Go's types cannot say must not keep the text from compiling, wherever it stands.
func TestGoSnippetOfWrongTypes(t *testing.T) {
	code := callsIn(t, `{"ProductCode":5,"ProductCode":"x","UsageRecords":[{"Quantity":99999999999,"Dimension":null,"Nope":"*/ \n}"}],"Other":{"a":"\u2028\n"}}`)["go"]
	if _, err := parser.ParseFile(token.NewFileSet(), "main.go", code, 0); err != nil {
		t.Fatalf("%v\n%s", err, code)
	}
	for _, want := range []string{`ProductCode: aws.String("x")`, `// "Quantity": 99999999999 has no place`, `// "Other": `} {
		if strings.Count(code, want) != 1 {
			t.Errorf("lacks %s:\n%s", want, code)
		}
	}
}

// TestShapesOfGo holds the table to the SDK's own types.
func TestShapesOfGo(t *testing.T) {
	kinds := map[string]string{"*string": "aws.String", "*int32": "aws.Int32", "*bool": "aws.Bool", "*time.Time": "time", "map[string][]string": "filter",
		"[]types.UsageRecord": "[]UsageRecord", "[]types.UsageAllocation": "[]UsageAllocation", "[]types.Tag": "[]Tag"}
	inputs := map[string]string{}
	for shape, list := range map[string][]any{
		"":            {marketplacemetering.ResolveCustomerInput{}, marketplacemetering.BatchMeterUsageInput{}, marketplacemetering.MeterUsageInput{}, marketplacemetering.RegisterUsageInput{}, marketplaceentitlementservice.GetEntitlementsInput{}},
		"UsageRecord": {types.UsageRecord{}}, "UsageAllocation": {types.UsageAllocation{}}, "Tag": {types.Tag{}},
	} {
		got := map[string]string{}
		for _, v := range list {
			for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
				if f.IsExported() && !f.Anonymous {
					got[f.Name] = kinds[f.Type.String()]
				}
			}
		}
		if diff := cmp.Diff(got, shapesOfGo[shape]); diff != "" {
			t.Errorf("shape %q (-SDK +ours):\n%s", shape, diff)
		}
		inputs[shape] = ""
	}
	if len(inputs) != len(shapesOfGo) {
		t.Errorf("%d shapes, want %d", len(shapesOfGo), len(inputs))
	}
}

func TestNamesOfOperations(t *testing.T) {
	for operation, want := range map[string]string{"BatchMeterUsage": "batch-meter-usage", "GetEntitlements": "get-entitlements", "ResolveCustomer": "resolve-customer"} {
		if got := dashed(operation, "-"); got != want {
			t.Errorf("%s: %s", operation, got)
		}
	}
	if sameCalls(reqlog.View{Service: "Other", Operation: "X"}, "", "{}") != nil || sameCalls(reqlog.View{Service: awsproto.ServiceMetering}, "", "{}") != nil {
		t.Error("there are clients for an operation that there is not")
	}
}
