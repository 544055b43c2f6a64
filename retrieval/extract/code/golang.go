package code

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// ParseGo parses Go source as far as it can be; false when it does not parse at all.
func ParseGo(body []byte, mode parser.Mode) (*token.FileSet, *ast.File, bool) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", body, mode|parser.SkipObjectResolution)
	return fset, file, file != nil && (err == nil || len(file.Decls) > 0)
}

// goDeclarations returns the declarations of Go source; false when it does not
// parse at all.
func goDeclarations(body []byte) ([]declaration, bool) {
	fset, file, ok := ParseGo(body, parser.ParseComments)
	if !ok {
		return nil, false
	}
	var found []declaration
	for _, decl := range file.Decls {
		name, doc := describe(decl)
		if name == "" {
			continue
		}
		pos := decl.Pos()
		if doc != nil {
			pos = doc.Pos()
		}
		line := fset.PositionFor(pos, false).Line - 1
		if n := len(found); line < 0 || n > 0 && line <= found[n-1].line {
			continue
		}
		found = append(found, declaration{line: line, path: []string{name}})
	}
	return found, true
}

// describe returns the name under which a declaration is known, empty for
// imports, and its comment.
func describe(decl ast.Decl) (string, *ast.CommentGroup) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if of := Receiver(d); of != "" {
			return of + "." + d.Name.Name, d.Doc
		}
		return d.Name.Name, d.Doc
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names = append(names, n.Name)
				}
			}
		}
		if len(names) > 4 {
			names = append(names[:3], "…")
		}
		return strings.Join(names, ", "), d.Doc
	}
	return "", nil
}

// Receiver returns the name of the type that a method belongs to; empty for a function.
func Receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	return nameOfType(d.Recv.List[0].Type)
}

// nameOfType returns the name of a type without what stands around it: *, (), [T].
func nameOfType(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return nameOfType(e.X)
	case *ast.ParenExpr:
		return nameOfType(e.X)
	case *ast.IndexExpr:
		return nameOfType(e.X)
	case *ast.IndexListExpr:
		return nameOfType(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
