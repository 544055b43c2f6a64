package code

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// goDeclarations returns the declarations of Go source; false when it does not
// parse at all.
func goDeclarations(body []byte) ([]declaration, bool) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", body, parser.ParseComments|parser.SkipObjectResolution)
	if file == nil || err != nil && len(file.Decls) == 0 {
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
		if d.Recv != nil && len(d.Recv.List) > 0 {
			return receiver(d.Recv.List[0].Type) + "." + d.Name.Name, d.Doc
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

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}
