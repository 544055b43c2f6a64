package code

import (
	"regexp"
	"slices"
	"strings"
)

// syntax is what must be known of a language to find its declarations.
type syntax struct {
	comments []string    // what begins a comment to the end of the line
	long     [][2]string // what begins and ends comments and strings over several lines
	marks    []string    // what else begins lines that belong to the declaration below
	outer    *regexp.Regexp
	inner    *regexp.Regexp
	members  *regexp.Regexp // more of inner, inside of containers only
	indented bool
}

// The kinds of declarations: those that others stand in, and the rest.
const (
	nothing = iota
	outer
	inner
)

// declares returns what a line at a level of nesting declares. The last group
// of the pattern that matches is the name.
func (s syntax) declares(line string, level int) (string, int) {
	if name := match(s.outer, line); name != "" {
		return name, outer
	}
	if name := match(s.inner, line); name != "" {
		return name, inner
	}
	if level > 0 {
		if name := match(s.members, line); name != "" && !slices.Contains(keywords, name) {
			return name, inner
		}
	}
	return "", nothing
}

func match(pattern *regexp.Regexp, line string) string {
	if pattern == nil || len(line) > 1000 {
		return ""
	}
	groups := pattern.FindStringSubmatch(line)
	for i := len(groups) - 1; i > 0; i-- {
		if groups[i] != "" {
			return groups[i]
		}
	}
	return ""
}

// keywords look like calls of functions but are statements.
var keywords = []string{"if", "for", "while", "switch", "catch", "return", "else", "do", "try", "using", "lock", "new", "super", "this", "foreach", "match", "function", "await", "throw"}

func (s syntax) isComment(text string) bool {
	return slices.ContainsFunc(s.comments, func(mark string) bool { return strings.HasPrefix(text, mark) })
}

// belongs reports whether a line, trimmed, belongs to the declaration below it.
func (s syntax) belongs(text string) bool {
	if s.isComment(text) || strings.HasPrefix(text, "/*") || strings.HasPrefix(text, "*") || strings.HasSuffix(text, "*/") {
		return true
	}
	return slices.ContainsFunc(s.marks, func(mark string) bool { return strings.HasPrefix(text, mark) })
}

var names = map[string]string{
	"makefile": "Make", "dockerfile": "Dockerfile", "jenkinsfile": "Groovy", "rakefile": "Ruby", "gemfile": "Ruby",
	"go.mod": "Go module", "cmakelists.txt": "CMake", "justfile": "Make", "vagrantfile": "Ruby",
}

var extensions = map[string]string{
	".go": "Go", ".py": "Python", ".pyi": "Python", ".js": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript", ".jsx": "JavaScript",
	".ts": "TypeScript", ".tsx": "TypeScript", ".mts": "TypeScript", ".cts": "TypeScript", ".java": "Java", ".kt": "Kotlin", ".kts": "Kotlin",
	".scala": "Scala", ".groovy": "Groovy", ".gradle": "Groovy", ".rs": "Rust", ".c": "C", ".h": "C", ".cc": "C++", ".cpp": "C++", ".cxx": "C++",
	".hpp": "C++", ".hh": "C++", ".hxx": "C++", ".cs": "C#", ".swift": "Swift", ".rb": "Ruby", ".php": "PHP", ".sh": "Shell", ".bash": "Shell",
	".zsh": "Shell", ".sql": "SQL", ".proto": "Protocol Buffers", ".tf": "Terraform", ".lua": "Lua", ".pl": "Perl", ".pm": "Perl", ".r": "R",
	".jl": "Julia", ".dart": "Dart", ".ex": "Elixir", ".exs": "Elixir", ".erl": "Erlang", ".hs": "Haskell", ".clj": "Clojure", ".zig": "Zig",
	".m": "Objective-C", ".mm": "Objective-C", ".vue": "Vue", ".svelte": "Svelte", ".css": "CSS", ".scss": "CSS", ".less": "CSS",
	".ps1": "PowerShell", ".bat": "Batch", ".graphql": "GraphQL", ".mk": "Make", ".cmake": "CMake", ".ml": "OCaml", ".fs": "F#", ".vb": "Visual Basic",
}

var (
	cComments = [][2]string{{"/*", "*/"}}
	slashes   = []string{"//"}
	hash      = []string{"#"}
)

// syntaxes are the languages whose declarations are found; a file of another
// language is one section.
var syntaxes = map[string]syntax{
	"Go": {comments: slashes, long: [][2]string{{"/*", "*/"}, {"`", "`"}},
		inner: regexp.MustCompile(`^(?:func (?:\([^)]*\) )?|type |var |const )(\w+)`)},
	"Python": {comments: hash, long: [][2]string{{`"""`, `"""`}, {"'''", "'''"}}, marks: []string{"@"}, indented: true,
		outer: regexp.MustCompile(`^class\s+(\w+)`),
		inner: regexp.MustCompile(`^(?:async\s+)?def\s+(\w+)`)},
	"Ruby": {comments: hash, long: [][2]string{{"=begin", "=end"}}, indented: true,
		outer: regexp.MustCompile(`^(?:class|module)\s+([\w:]+)`),
		inner: regexp.MustCompile(`^def\s+([\w.?!=]+)`)},
	"JavaScript": script,
	"TypeScript": script,
	"Java":       managed,
	"Groovy":     managed,
	"C#":         managed,
	"Kotlin":     managed,
	"Scala":      managed,
	"Swift":      managed,
	"Dart":       managed,
	"PHP":        managed,
	"Rust": {comments: slashes, long: cComments, marks: []string{"#["},
		outer: regexp.MustCompile(`^\s*(?:pub(?:\([^)]*\))?\s+)?(?:unsafe\s+)?(?:mod|trait|impl)(?:<[^{]*?>)?\s+([\w:<>', &]+?)(?:\s*\{|\s+where|\s*$|:)`),
		inner: regexp.MustCompile(`^\s*(?:pub(?:\([^)]*\))?\s+)?(?:default\s+|const\s+|async\s+|unsafe\s+|extern\s+"[^"]*"\s+)*(?:fn|struct|enum|union|type|static|const|macro_rules!)\s+(\w+)`)},
	"C": {comments: slashes, long: cComments,
		inner: regexp.MustCompile(`^(?:(?:typedef\s+)?(?:struct|enum|union)\s+(\w+)\s*\{?\s*$|#define\s+(\w+)\(|[A-Za-z_][\w\s*]*?[\s*](\w+)\s*\([^;]*$)`)},
	"C++": {comments: slashes, long: cComments, marks: []string{"template"},
		outer:   regexp.MustCompile(`^\s*(?:inline\s+)?(?:namespace|class|struct)\s+([\w:]+)[^;()]*$`),
		inner:   regexp.MustCompile(`^(?:\s*enum\s+(?:class\s+)?(\w+)|[A-Za-z_][\w\s*&:<>,]*?[\s*&]([\w:~]+)\s*\([^;]*$)`),
		members: regexp.MustCompile(`^\s+[\w:<>*&~,\s]*?([\w~]+)\s*\([^;]*\{\s*$`)},
	"Shell": {comments: hash,
		inner: regexp.MustCompile(`^(?:function\s+([\w:-]+)|([\w:-]+)\s*\(\)\s*\{?)`)},
	"SQL": {comments: []string{"--"}, long: [][2]string{{"/*", "*/"}, {"$$", "$$"}},
		inner: regexp.MustCompile(`(?i)^create\s+(?:or\s+replace\s+)?(?:unique\s+|temp\w*\s+|materialized\s+)*(?:table|view|function|procedure|trigger|type|index|policy)\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?([\w."]+)`)},
	"Protocol Buffers": {comments: slashes, long: cComments,
		outer: regexp.MustCompile(`^\s*(?:message|service)\s+(\w+)`),
		inner: regexp.MustCompile(`^\s*(?:enum|rpc)\s+(\w+)`)},
	"Terraform": {comments: []string{"#", "//"}, long: cComments,
		inner: regexp.MustCompile(`^(?:resource|data|module|variable|output|provider)\s+("[^{]*")`)},
}

var script = syntax{comments: slashes, long: [][2]string{{"/*", "*/"}, {"`", "`"}}, marks: []string{"@"},
	outer: regexp.MustCompile(`^\s*(?:export\s+)?(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:class|namespace|module)\s+([\w.]+)`),
	inner: regexp.MustCompile(`^(?:export\s+)?(?:default\s+)?(?:declare\s+)?(?:(?:async\s+)?function\*?\s+(\w+)|(?:interface|enum|const enum)\s+(\w+)|` +
		`type\s+(\w+)\b[^=]*=|(?:const|let|var)\s+(\w+)\s*(?::[^=]+)?=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*(?::[^=]+)?=>|\w+\s*=>|\($))`),
	members: regexp.MustCompile(`^\s+(?:(?:public|private|protected|static|async|override|readonly|get|set)\s+)*\*?#?(\w+)\s*(?:<[^(]*>)?\([^;]*\{\s*$`)}

var managed = syntax{comments: []string{"//", "#"}, long: cComments, marks: []string{"@", "["},
	outer: regexp.MustCompile(`^\s*(?:[a-z]+\s+)*?(?:class|interface|enum|record|object|trait|struct|namespace|extension|protocol|actor)\s+([\w.]+)[^;]*$`),
	inner: regexp.MustCompile(`^\s*(?:[a-z@]+\s+)*?(?:fun|func|def|function)\s+(?:<[^>]*>\s*)?(?:\w+\.)?(\w+)`),
	members: regexp.MustCompile(`^\s+(?:(?:public|private|protected|internal|static|final|abstract|async|override|virtual|synchronized|native|default)\s+)*` +
		`(?:<[^>]*>\s+)?(?:[\w.<>\[\],?]+\s+)?(\w+)\s*\([^;=]*$`)}
