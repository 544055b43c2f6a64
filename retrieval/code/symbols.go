package code

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"

	"github.com/cairnhq/cairn/retrieval/extract/code"
)

// Definition is something that a file defines.
type Definition struct {
	Name  string
	Scope string // what it is a member of: a type, a class; may be empty
	Kind  string // as ctags calls them: func, method, struct, interface, type, class, const, var, field …
	Line  int    // from 1
	Last  int    // line on which it ends
}

// FullName returns the name with what it is a member of.
func (d Definition) FullName() string {
	if d.Scope == "" {
		return d.Name
	}
	return d.Scope + "." + d.Name
}

const (
	maxSymbols = 5000 // of a file
	maxName    = 200  // bytes
	// Larger files have their definitions looked for line by line: parsers may need
	// much more memory than the text has.
	maxParsed  = 1 << 20
	maxNesting = 1000
)

// symbols returns the definitions of a file in their order.
func symbols(body []byte, language string) []Definition {
	var found []Definition
	parsed := false
	if language == "Go" && len(body) <= maxParsed && nesting(body) <= maxNesting {
		found, parsed = goSymbols(body)
	}
	if !parsed {
		found = scanned(body, language)
	}
	kept := found[:0]
	for _, d := range found {
		if d.Name != "" && d.Name != "_" && !strings.ContainsFunc(d.Name+d.Scope, unicode.IsControl) && len(d.Name)+len(d.Scope) <= maxName && len(kept) < maxSymbols {
			kept = append(kept, d)
		}
	}
	return kept
}

// nesting returns how deep brackets stand in each other at most, those in strings and
// comments too.
func nesting(body []byte) int {
	depth, deepest := 0, 0
	for _, c := range body {
		switch c {
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth--
		}
	}
	return deepest
}

// scanned returns what is found line by line. A definition ends where the next begins
// that is not a member of it.
func scanned(body []byte, language string) []Definition {
	lines := bytes.Split(body, []byte{'\n'})
	declared := code.Scan(body, language)
	declared = declared[:min(len(declared), maxSymbols)]
	found := make([]Definition, 0, len(declared))
	for i, d := range declared {
		last := len(lines)
		for _, next := range declared[i+1:] {
			if len(next.Path) <= len(d.Path) {
				last = next.Line
				break
			}
		}
		n := len(d.Path) - 1
		found = append(found, Definition{
			Name: plainName(d.Path[n]), Scope: strings.Join(d.Path[:n], "."), Kind: kindOf(lines[d.Line], n > 0), Line: d.Line + 1, Last: max(last, d.Line+1),
		})
	}
	return found
}

// plainName returns the name without what languages write around it: `"aws_s3" "logs"`,
// P<'a>, Class::method.
func plainName(name string) string {
	name = strings.TrimSpace(name)
	if strings.HasPrefix(name, `"`) {
		parts := strings.FieldsFunc(name, func(r rune) bool { return r == '"' || r == ' ' })
		if len(parts) == 0 {
			return ""
		}
		return parts[len(parts)-1]
	}
	name, _, _ = strings.Cut(name, "<")
	if i := strings.LastIndex(name, "::"); i >= 0 {
		name = name[i+2:]
	}
	return strings.TrimSpace(name)
}

var kindWords = regexp.MustCompile(`\b(class|struct|interface|enum|trait|record|object|protocol|namespace|module|mod|impl|union|type|typedef|message|service|rpc|table|view|index|macro_rules|def|func|fun|fn|function|const|static|let|var|resource|variable|output)\b|#define`)

// kinds are the words of languages that are not what the kind is called.
var kinds = map[string]string{
	"def": "func", "fun": "func", "fn": "func", "function": "func", "mod": "module", "typedef": "type", "let": "var", "static": "var", "rpc": "method",
	"#define": "macro", "macro_rules": "macro",
}

// kindOf tells the kind of a definition by the first word on its line that says so.
func kindOf(line []byte, member bool) string {
	kind := string(kindWords.Find(line[:min(len(line), 1000)]))
	if k, ok := kinds[kind]; ok {
		kind = k
	}
	switch {
	case kind == "" && member, kind == "func" && member, kind == "var" && member && bytes.ContainsRune(line, '('):
		return "method"
	case kind == "", kind == "var" && bytes.ContainsRune(line, '('):
		return "func"
	}
	return kind
}
