// Command style checks that files and functions stay small, as CONTRIBUTING.md
// asks: it prints what is too long, and the figures, and exits 1.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

const (
	maxFile, medianFile  = 500, 150 // lines
	maxFunction, p90Func = 120, 45
)

func main() {
	var files, functions []int
	bad := 0
	complain := func(format string, args ...any) { bad++; fmt.Printf(format+"\n", args...) }
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.') {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil || ast.IsGenerated(file) {
			return err
		}
		lines := set.File(file.FileStart).LineCount()
		if files = append(files, lines); lines > maxFile {
			complain("%s: %d lines; split it (at most %d)", path, lines, maxFile)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				length := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1
				if functions = append(functions, length); length > maxFunction {
					complain("%s: %s has %d lines (at most %d)", set.Position(f.Pos()), f.Name.Name, length, maxFunction)
				}
			}
		}
		return nil
	})
	if err != nil {
		complain("%v", err)
	}
	if m := at(files, 50); m > medianFile {
		complain("the median file has %d lines (at most %d)", m, medianFile)
	}
	if p := at(functions, 90); p > p90Func {
		complain("one function in ten is longer than %d lines (at most %d)", p, p90Func)
	}
	fmt.Printf("style: %d files, median %d lines, 90 %% under %d; %d functions, median %d, 90 %% under %d\n",
		len(files), at(files, 50), at(files, 90), len(functions), at(functions, 50), at(functions, 90))
	if bad > 0 {
		os.Exit(1)
	}
}

// at returns a percentile.
func at(lengths []int, percent int) int {
	if len(lengths) == 0 {
		return 0
	}
	sort.Ints(lengths)
	return lengths[min(len(lengths)*percent/100, len(lengths)-1)]
}
