package postgres

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestA11_17_StatementsHoldNoValues reads the source of this package: statements are
// put together from constants and quoted names alone, so that what people send can only
// be a parameter.
func TestA11_17_StatementsHoldNoValues(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	constants := map[string]bool{}
	set := token.NewFileSet()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		ast.Inspect(f, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.CONST {
				for _, spec := range d.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						constants[name.Name] = true
					}
				}
			}
			return true
		})
	}
	joined := 0
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isSprintf(call) && holdsSQL(call.Args[0]) {
				t.Errorf("%s: a statement by Sprintf", set.Position(n.Pos()))
			}
			sum, ok := n.(*ast.BinaryExpr)
			if !ok || sum.Op != token.ADD || !holdsSQL(sum) {
				return true
			}
			joined++
			for _, part := range parts(sum) {
				if !fixed(part, constants) {
					t.Errorf("%s: a statement is joined with what is no constant", set.Position(part.Pos()))
				}
			}
			return false
		})
	}
	if joined < 10 {
		t.Errorf("%d joined statements were found: this test says little", joined)
	}
}

// literals are parameters of functions that are given nothing but literals.
var literals = []string{"among", "by"} // of admittingOf and revokeMade

var sqlWord = regexp.MustCompile(`\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|FROM|WHERE|JOIN|VALUES|SET ROLE)\b`)

// holdsSQL reports whether an expression has a literal that is a part of a statement.
func holdsSQL(e ast.Expr) bool {
	for _, part := range parts(e) {
		if l, ok := part.(*ast.BasicLit); ok && sqlWord.MatchString(l.Value) {
			return true
		}
	}
	return false
}

// parts returns what an expression is a sum of.
func parts(e ast.Expr) []ast.Expr {
	if sum, ok := e.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		return append(parts(sum.X), parts(sum.Y)...)
	}
	return []ast.Expr{e}
}

// fixed reports whether an expression is a literal, a constant, such a one as text or
// a quoted name.
func fixed(e ast.Expr, constants map[string]bool) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return constants[e.Name] || slices.Contains(literals, e.Name)
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.SelectorExpr)
		return ok && (f.Sel.Name == "Sanitize" || f.Sel.Name == "Sprint" && len(e.Args) == 1 && fixed(e.Args[0], constants))
	}
	return false
}

func isSprintf(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == "Sprintf" && len(call.Args) > 0
}
