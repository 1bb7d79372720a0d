package browser

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-market/souk/test/site"
)

// Who adds a page to the console adds it to the table of pages, too: the tests look at those.
func TestEveryRouteHasAPage(t *testing.T) {
	routes := consoleRoutes(t)
	if len(routes) < 20 {
		t.Fatalf("the console's source has only %d routes that answer GET: %q", len(routes), routes)
	}
	var pages []string
	for _, p := range (&site.Site{}).Pages() {
		pages = append(pages, p.Route)
	}
	for _, route := range routes {
		why, none := site.NoPages()[route]
		switch {
		case none && slices.Contains(pages, route):
			t.Errorf("%s is a page, and is said to be none: %s", route, why)
		case !none && !slices.Contains(pages, route):
			t.Errorf("the console answers GET %s, and site.Pages has no page of it", route)
		}
	}
	for _, route := range pages {
		if !slices.Contains(routes, route) {
			t.Errorf("site.Pages has a page of %s, which the console does not register", route)
		}
	}
	for route := range site.NoPages() {
		if !slices.Contains(routes, route) {
			t.Errorf("site.NoPages has %s, which the console does not register", route)
		}
	}
}

// consoleRoutes are the patterns with a handler of GET among the calls of handle in the console's source, and "/", which has none.
func consoleRoutes(t *testing.T) (routes []string) {
	t.Helper()
	var files []*ast.File
	positions := token.NewFileSet()
	for _, name := range sourcesOf(t, "../../internal/console") {
		f, err := parser.ParseFile(positions, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	constants := map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if ok && len(spec.Names) == len(spec.Values) {
				for i, name := range spec.Names {
					if text, ok := textOf(spec.Values[i], nil); ok {
						constants[name.Name] = text
					}
				}
			}
			return true
		})
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 3 {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "handle" {
				return true
			}
			gets, readable := answersGet(call.Args[2])
			if !gets && readable {
				return true
			}
			route, ok := textOf(call.Args[1], constants)
			if !ok || !readable {
				t.Errorf("%s: this test cannot read the call of handle: write its path and its methods as literals or constants", positions.Position(call.Pos()))
			} else if !slices.Contains(routes, route) {
				routes = append(routes, route)
			}
			return true
		})
	}
	return routes
}

// answersGet reads methods{"GET": …}. nil is the console's answer for what nobody else answers, a page as well.
func answersGet(e ast.Expr) (gets, readable bool) {
	if id, ok := e.(*ast.Ident); ok && id.Name == "nil" {
		return true, true
	}
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		return false, false
	}
	for _, element := range list.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return false, false
		}
		method, ok := textOf(pair.Key, nil)
		if !ok {
			return false, false
		}
		gets = gets || method == "GET"
	}
	return gets, true
}

// textOf reads a string: a literal, one of the constants, or several added up, in which * stands for what cannot be read.
func textOf(e ast.Expr, constants map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		text, ok := constants[e.Name]
		return text, ok
	case *ast.BinaryExpr:
		a, okA := textOf(e.X, constants)
		b, okB := textOf(e.Y, constants)
		if !okB {
			b = "*"
		}
		return a + b, okA && e.Op == token.ADD
	}
	return "", false
}

// sourcesOf lists a package's files without its tests.
func sourcesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") {
			names = append(names, filepath.Join(dir, f.Name()))
		}
	}
	return names
}
