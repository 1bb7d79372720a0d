package console

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/api"
	"github.com/souk-market/souk/internal/reqlog"
)

// knownCodes are the keys of the table that the AWS face answers from, read from its source: it exports no list of them.
func knownCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "api", "errors.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "shapes" {
			return true
		}
		for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
			code, err := strconv.Unquote(e.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return false
	})
	if len(codes) < 30 {
		t.Fatalf("only %d codes found in internal/api/errors.go", len(codes))
	}
	return codes
}

func TestEveryErrorCodeIsExplained(t *testing.T) {
	for _, code := range knownCodes(t) {
		_, ours := marketRemedies[code]
		_, common := commonRemedies[code]
		if ours && common {
			t.Errorf("%s is explained in both tables", code)
		}
		if !ours && !common {
			t.Errorf("%s is not explained", code)
			continue
		}
		list := explain(reqlog.View{ErrorCode: code, Status: 400}, "")
		if len(list) != 1 || list[0].Code != code {
			t.Errorf("%s: explained as %+v", code, list)
			continue
		}
		if strings.Contains(list[0].What, "no further words") {
			t.Errorf("%s has no explanation for a reason that is not known", code)
		}
	}
}

func TestRemediesAreSound(t *testing.T) {
	source := soukSource(t)
	check := func(code string, r remedy) {
		if len(r.what) < 20 || len(r.mend) == 0 {
			t.Errorf("%s: says too little: %+v", code, r)
		}
		for _, part := range r.when {
			if part != strings.ToLower(part) || !strings.Contains(source, part) {
				t.Errorf("%s: nothing in Souk says %q", code, part)
			}
		}
		for _, m := range r.fill(code, commandFiller(reqlog.View{}, "")).Mend {
			if m.Text == "" || strings.ContainsAny(m.Text+m.Command, "{}") {
				t.Errorf("%s: step %+v", code, m)
			}
		}
	}
	for _, table := range []map[string][]remedy{marketRemedies, commonRemedies} {
		for code, list := range table {
			if !api.KnownCode(code) {
				t.Errorf("%s is explained, and no error of the AWS face", code)
			}
			for i, r := range list {
				check(code, r)
				if (r.when == nil) != (i == len(list)-1) {
					t.Errorf("%s: the remedy for everything else has to be one, and the last", code)
				}
			}
		}
	}
	for status, r := range statusRemedies {
		check(status, r)
	}
	for _, effect := range []string{"refuse", "delay", "cut", "lose", "unprocessed", "new"} {
		check("fault "+effect, faultRemedy(effect))
	}
	check("warning", warningRemedy("BILLED TWICE: x"))
	check("warning", warningRemedy("x"))
}

// soukSource is what can stand in reasons and messages: the source of the packages that make them, in lower case.
func soukSource(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range []string{"market", "api", "sigv4", "iam", "awsproto"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			b.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.ToLower(b.String())
}

func TestExplainPicksTheCause(t *testing.T) {
	for name, tc := range map[string]struct {
		view    reqlog.View
		what    string
		command string
	}{
		"other seller":  {reqlog.View{ErrorCode: "InvalidTokenException", ProductCode: "abc", Reason: "the product was published by account 1, the call comes from account 2"}, "another seller’s product", "souk product show abc"},
		"altered":       {reqlog.View{ErrorCode: "InvalidTokenException", Reason: "the token does not open: altered, cut short"}, "altered or cut short", "souk buy --product CODE"},
		"token too old": {reqlog.View{ErrorCode: "ExpiredTokenException", ErrorMessage: "Registration token has expired", Reason: "minted …"}, "resolved too late", "souk clock show"},
		"session over": {reqlog.View{ErrorCode: "ExpiredTokenException", ErrorMessage: "The security token included in the request is expired", Principal: "arn:aws:sts::111122223333:assumed-role/App/x"},
			"temporary credentials have expired", "souk session --role arn:aws:iam::111122223333:role/App --duration 1h"},
		"milliseconds": {reqlog.View{ErrorCode: "TimestampOutOfBoundsException", Reason: "it is in the future; 1 looks like milliseconds"}, "milliseconds", ""},
		"denied":       {reqlog.View{ErrorCode: "AccessDeniedException", Authz: &reqlog.AuthzView{Why: `explicitly denied by statement 1 of identity policy "p"`}}, "denies this action", "souk export"},
		"quoting":      {reqlog.View{ErrorCode: "InvalidProductCodeException", ProductCode: `x'; rm -rf "$HOME"`, Reason: "was published by account"}, "another seller’s", `souk product show 'x'\''; rm -rf "$HOME"'`},
		"unknown code": {reqlog.View{ErrorCode: "NewException"}, "no further words", ""},
	} {
		list := explain(tc.view, "")
		if len(list) != 1 || !strings.Contains(list[0].What, tc.what) {
			t.Errorf("%s: %+v, want %q", name, list, tc.what)
			continue
		}
		found := tc.command == ""
		for _, m := range list[0].Mend {
			found = found || m.Command == tc.command
		}
		if !found {
			t.Errorf("%s: no step says %q: %+v", name, tc.command, list[0].Mend)
		}
	}
}

func TestExplainTellsOfFaultsRecordsAndWarnings(t *testing.T) {
	v := reqlog.View{
		Operation: "BatchMeterUsage", Outcome: "ok", Status: 200, FaultID: "f-1", FaultEffect: "unprocessed", Warning: "BILLED TWICE: account 1",
		Response: `{"Results":[{"Status":"Success"},{"Status":"DuplicateRecord"},{"Status":"DuplicateRecord"},{"Status":"CustomerNotSubscribed"}],"UnprocessedRecords":[{}]}`,
	}
	var codes []string
	for _, e := range explain(v, "agmt-1") {
		codes = append(codes, e.Code)
	}
	if got, want := strings.Join(codes, " "), " DuplicateRecord CustomerNotSubscribed UnprocessedRecords "; got != want {
		t.Errorf("explained %q, want %q", got, want)
	}
	if list := explain(reqlog.View{Outcome: "ok", Status: 200, Operation: "ResolveCustomer"}, ""); list != nil {
		t.Errorf("a call that went well is explained: %+v", list)
	}
	v = reqlog.View{FaultID: "f-2", FaultEffect: "refuse", ErrorCode: "ThrottlingException", Reason: "fault rule f-2"}
	if list := explain(v, ""); len(list) != 2 || list[0].Code != "" || list[0].Mend[1].Command != "souk fault remove f-2" || list[1].Code != "ThrottlingException" {
		t.Errorf("a fault is explained as %+v", list)
	}
}
