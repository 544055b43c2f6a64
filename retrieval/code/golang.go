package code

import (
	"go/ast"
	"go/token"

	"github.com/cairnhq/cairn/retrieval/extract/code"
)

// goSymbols returns the definitions of Go source; false when it does not parse at all.
func goSymbols(body []byte) ([]Definition, bool) {
	fset, file, ok := code.ParseGo(body, 0)
	if !ok {
		return nil, false
	}
	w := goWalker{fset: fset}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			w.function(d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				w.spec(d.Tok, spec)
			}
		}
	}
	return w.found, true
}

type goWalker struct {
	fset  *token.FileSet
	found []Definition
}

func (w *goWalker) add(name *ast.Ident, scope, kind string, node ast.Node) {
	if name == nil {
		return
	}
	line := w.fset.PositionFor(name.Pos(), false).Line
	w.found = append(w.found, Definition{
		Name: name.Name, Scope: scope, Kind: kind, Line: line, Last: max(line, w.fset.PositionFor(node.End(), false).Line),
	})
}

func (w *goWalker) function(d *ast.FuncDecl) {
	of, kind := code.Receiver(d), "func"
	if of != "" {
		kind = "method"
	}
	w.add(d.Name, of, kind, d)
}

func (w *goWalker) spec(tok token.Token, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		w.typeSpec(s)
	case *ast.ValueSpec:
		for _, name := range s.Names {
			w.add(name, "", tok.String(), s)
		}
	}
}

func (w *goWalker) typeSpec(s *ast.TypeSpec) {
	switch t := s.Type.(type) {
	case *ast.StructType:
		w.add(s.Name, "", "struct", s)
		w.members(s.Name.Name, "field", t.Fields)
	case *ast.InterfaceType:
		w.add(s.Name, "", "interface", s)
		w.members(s.Name.Name, "method", t.Methods)
	default:
		w.add(s.Name, "", "type", s)
	}
}

func (w *goWalker) members(scope, kind string, fields *ast.FieldList) {
	for _, f := range fields.List {
		for _, name := range f.Names {
			w.add(name, scope, kind, f)
		}
	}
}
