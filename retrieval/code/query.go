package code

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/cairnhq/cairn"
)

// Kind says how a query is meant.
type Kind string

// The kinds of queries.
const (
	Literal   Kind = "literal"   // text on one line; in any case when it has no capital letter
	Regex     Kind = "regex"     // a regular expression of RE2, on one line
	Symbol    Kind = "symbol"    // the name of something that is defined, as Decode or Decoder.Decode
	Reference Kind = "reference" // where a name is used, but not defined
)

// Query is a search for code. The viewer is in it, as there is no search without.
type Query struct {
	Viewer   cairn.Viewer
	Text     string
	Kind     Kind   // empty: Literal
	Repo     string // name of a repository, its last part, or a pattern; empty: all
	Path     string // pattern such as server/**/*.go, *.go, or a folder; empty: all
	Branch   string // name of a branch, or a pattern; empty: all
	Language string // empty: all
	Limit    int    // results
	PerFile  int    // results of one file; 0: as many as there are
}

// Result is a passage of a file as a commit left it.
type Result struct {
	Document   cairn.DocumentID
	Version    cairn.Version
	Source     string
	Repo       string
	Path       string
	Commit     string // empty where the source has none
	Language   string
	StartLine  int // from 1
	EndLine    int // the last that is given
	Lines      []string
	Matches    []Match
	Symbol     string // what is defined here, or what the first match stands in; may be empty
	SymbolKind string
	URL        string // at the forge, with lines; may be empty
	Score      float64
	best       int // line of the best match
}

// Match is the first match on a line. Start and End are bytes of that line as the result
// has it.
type Match struct {
	Line, Start, End int
}

// Results are what a search has found, best first.
type Results struct {
	Results []Result
	// More says that there are more than the limit, or that not all files were looked at.
	More bool
	// Incomplete says that the time was over before the search was, or that lines were left
	// out which are too long for the expression.
	Incomplete bool
}

const (
	maxQuery   = 1000 // bytes
	maxPattern = 300  // bytes of a pattern of paths
	maxChoices = 100  // names that one with alternatives stands for: each is compared with every file
)

// check returns ErrInvalid for what cannot be searched for.
func (q Query) check() error {
	switch {
	case !slices.Contains([]Kind{"", Literal, Regex, Symbol, Reference}, q.Kind):
		return cairn.Errorf(cairn.ErrInvalid, "code is not searched by %q; there are literal, regex, symbol, reference", q.Kind)
	case strings.TrimSpace(q.Text) == "":
		return cairn.Errorf(cairn.ErrInvalid, "the query is empty")
	case len(q.Text) > maxQuery:
		return cairn.Errorf(cairn.ErrInvalid, "the query is longer than %d bytes", maxQuery)
	case !utf8.ValidString(q.Text) || strings.ContainsFunc(q.Text, func(r rune) bool { return r < ' ' && r != '\t' }):
		return cairn.Errorf(cairn.ErrInvalid, "the query has a line break or another control character; code is searched line by line")
	}
	for name, pattern := range map[string]string{"path": q.Path, "repo": q.Repo, "branch": q.Branch} {
		if len(pattern) > maxPattern || choices(pattern) > maxChoices || strings.Count(pattern, "*") > 16 {
			return cairn.Errorf(cairn.ErrInvalid, "the pattern %q is too long or has too many alternatives", name)
		}
		if !doublestar.ValidatePattern(pattern) {
			return cairn.Errorf(cairn.ErrInvalid, "%q is no pattern of names: a bracket is open in it", name)
		}
	}
	return nil
}

// choices returns a number that no pattern exceeds by the patterns without alternatives that
// it stands for: a comma is one more of them wherever it stands behind a bracket, whatever
// is escaped or in a class.
func choices(pattern string) int {
	n := 1
	for i, part := range strings.Split(pattern, "{") {
		if i > 0 {
			n *= 1 + strings.Count(part, ",")
		}
		if n > maxChoices {
			break
		}
	}
	return n
}

// narrowed reports whether the query names files by where they lie.
func (q Query) narrowed() bool { return q.Repo != "" || q.Path != "" || q.Branch != "" }

// Place says where a file lies.
type Place struct {
	Repo   string // or else the name of the source
	Branch string // empty where the source has none
	Path   string
}

// admits reports whether a file lies where the query looks.
func (q Query) admits(p Place) bool {
	return (q.Repo == "" || q.Repo == p.Repo || q.Repo == path.Base(p.Repo) || matches(q.Repo, p.Repo)) && (q.Path == "" || under(q.Path, p.Path)) &&
		(q.Branch == "" || q.Branch == p.Branch || matches(q.Branch, p.Branch))
}

// under reports whether a path is meant by a pattern: the whole path, the name of the file
// where the pattern has no slash, or a folder above it.
func under(pattern, at string) bool {
	pattern = strings.TrimPrefix(pattern, "/")
	if matches(pattern, at) || !strings.Contains(pattern, "/") && matches(pattern, path.Base(at)) {
		return true
	}
	folder := strings.TrimSuffix(pattern, "/")
	return folder == "" || strings.HasPrefix(at, folder+"/")
}

func matches(pattern, name string) bool {
	ok, err := doublestar.Match(pattern, name)
	return err == nil && ok
}

// languages are short names for those that are not their own.
var languages = map[string]string{
	"golang": "Go", "py": "Python", "js": "JavaScript", "ts": "TypeScript", "tsx": "TypeScript", "rs": "Rust", "rb": "Ruby", "cpp": "C++", "cc": "C++",
	"cs": "C#", "csharp": "C#", "sh": "Shell", "bash": "Shell", "kt": "Kotlin", "proto": "Protocol Buffers", "protobuf": "Protocol Buffers", "tf": "Terraform",
}

// language returns the name of a language in the form in which it is compared.
func language(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if l, ok := languages[name]; ok {
		return strings.ToLower(l)
	}
	return name
}

// isName reports whether a text can be the name of something: letters, digits and
// underscores alone.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
