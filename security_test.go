package cairn_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// catalogue has the cases of docs/security-tests.md: those on permissions, side
// channels and authentication.
var catalogue = map[string][]int{
	"A11": append(numbers(1, 18), append(numbers(24, 24), numbers(32, 34)...)...),
	"A12": append(numbers(1, 22), append(numbers(35, 35), numbers(39, 44)...)...),
}

func numbers(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

var (
	testName    = regexp.MustCompile("`((?:Test|Fuzz)[A-Z0-9]\\w*)`")
	caseRow     = regexp.MustCompile(`(?m)^\| (A1[12]) (\d+) \| (.+) \| (.+) \|$`)
	maxWords    = 24 // what a case is, is said shortly
	withoutTest = []string{"Not applicable: ", "Measured: "}
)

// TestSecurityTestsAreListed: every case has a row, and every row a test with its
// number, or the reason why there is none.
func TestSecurityTestsAreListed(t *testing.T) {
	b, err := os.ReadFile("docs/security-tests.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range caseRow.FindAllStringSubmatch(string(b), -1) {
		name, number, what, tests := m[1]+" "+m[2], fmt.Sprintf("_%02s", m[2]), m[3], m[4]
		if listed[name] {
			t.Errorf("%s stands twice", name)
		}
		listed[name] = true
		if n := len(strings.Fields(what)); n > maxWords {
			t.Errorf("%s is told in %d words", name, n)
		}
		if slices.ContainsFunc(withoutTest, func(reason string) bool { return strings.HasPrefix(tests, reason) }) {
			continue
		}
		numbered := regexp.MustCompile(m[1] + `(_\d\d)*` + number + `_`)
		if !slices.ContainsFunc(testName.FindAllString(tests, -1), numbered.MatchString) {
			t.Errorf("%s has no test with its number: %s", name, tests)
		}
	}
	for list, cases := range catalogue {
		for _, n := range cases {
			if name := fmt.Sprint(list, " ", n); !listed[name] {
				t.Errorf("%s is not listed", name)
			}
		}
	}
}

// TestDocumentedTestsExist: a test that a document names is there.
func TestDocumentedTestsExist(t *testing.T) {
	there := tests(t)
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, path := range append(documents, "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testName.FindAllStringSubmatch(string(b), -1) {
			named++
			if !there[m[1]] {
				t.Errorf("%s names %s, which does not exist", path, m[1])
			}
		}
	}
	if named < 100 {
		t.Errorf("the documents name %d tests", named)
	}
}

// tests returns the names of all tests and fuzz targets of the module.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	there := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || path == "scripts") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declared := range f.Decls {
			if fn, ok := declared.(*ast.FuncDecl); ok && fn.Recv == nil {
				there[fn.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return there
}
