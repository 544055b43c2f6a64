package cairn_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cairnhq/cairn"

// layers says who may import what of ours: the first rule whose package matches
// decides. A name matches a package and, with "/…" at its end, what is below;
// "." is the root package and "*" anything. Files of tests are free.
var layers = []struct {
	packages string
	imports  []string
}{
	{".", nil},
	{"cmd/…", []string{"*"}}, // the wiring

	{"connectors", []string{"."}},
	{"connectors/connectortest", []string{".", "connectors", "outbound"}},
	{"connectors/internal/atlassian/atlassiantest", []string{"connectors/connectortest"}},
	{"connectors/internal/…", []string{".", "connectors", "connectors/internal/…"}},
	{"connectors/github/githubtest", []string{".", "connectors", "connectors/connectortest", "connectors/git/gittest"}},
	{"connectors/confluence", []string{".", "connectors", "connectors/internal/…", "connectors/confluence/storage"}},
	{"connectors/confluence/confluencetest", []string{".", "connectors/connectortest", "connectors/internal/atlassian/atlassiantest"}},
	{"connectors/slack/slacktest", []string{".", "connectors", "connectors/connectortest"}},
	{"connectors/jira", []string{".", "connectors", "connectors/internal/…", "connectors/jira/adf"}},
	{"connectors/jira/jiratest", []string{".", "connectors", "connectors/connectortest", "connectors/internal/atlassian/atlassiantest"}},
	{"connectors/…", []string{".", "connectors", "connectors/internal/…"}}, // no connector knows another

	{"retrieval/dense/…", []string{"."}},
	{"retrieval/lexical/…", []string{"."}},
	{"retrieval/sensitive", nil},
	{"retrieval/index", []string{"retrieval/dense", "retrieval/internal/parallel", "retrieval/lexical"}},
	{"retrieval/llm/builtin/…", []string{".", "retrieval/llm"}},
	{"retrieval/llm/…", []string{".", "retrieval/llm/…"}},
	{"retrieval/extract/…", []string{".", "retrieval/extract/…", "retrieval/lexical"}},
	{"retrieval/…", []string{".", "connectors", "retrieval/…"}}, // the contract, never a kind of source

	{"keyring", []string{"."}},
	{"outbound", []string{"."}},
	{"migrations", nil},
	{"postgres/local", nil},
	{"postgres/postgrestest", []string{"migrations", "postgres", "postgres/local"}},
	// What postgres imports beside the vocabulary are the packages whose
	// interfaces it implements; only the wiring imports postgres.
	{"postgres", []string{".", "connectors", "jobs/…", "keyring", "migrations", "retrieval/…", "server/api", "server/audit", "server/auth", "server/hooks", "server/mcp", "server/scim", "server/slack"}},
	{"jobs/schedule", []string{".", "connectors"}},
	{"jobs", []string{".", "connectors", "jobs/schedule", "retrieval/…"}},

	{"client/…", []string{".", "client/…"}},
	{"web", nil},
	{"server", []string{".", "connectors", "server/audit", "server/auth"}},
	{"server/audit", []string{"."}},
	{"server/auth/…", []string{".", "server/audit", "server/auth/…"}},
	{"server/slack/slacktest", nil},
	{"server/…", []string{".", "connectors", "jobs/…", "retrieval/…", "server", "server/audit", "server/auth", "server/auth/password"}}, // no surface knows another

	{"examples/…", []string{".", "connectors", "client"}},
	{"scripts/…", nil},
}

// fences says which of our packages may import a module of others: everything
// below the given paths. Modules that are not named may be imported anywhere but
// in the root package and in connectors, the contract.
var fences = map[string][]string{
	"github.com/gin-gonic/gin":     {"server/…"},
	"github.com/coreos/go-oidc":    {"server/auth/oidc"},
	"golang.org/x/oauth2":          {"client", "server/auth/oidc", "connectors/internal/remote"},
	"golang.org/x/crypto":          {"server/auth/password", "connectors/git"},
	"github.com/tmc/langchaingo":   {"retrieval/llm/langchain"},
	"github.com/sony/gobreaker":    {"retrieval/llm/reliable"},
	"github.com/jackc/pgx":         {"postgres/…", "migrations", "jobs", "cmd/…"},
	"github.com/pgvector":          {"postgres/…"},
	"github.com/pressly/goose":     {"migrations"},
	"github.com/riverqueue/river":  {"jobs", "migrations", "cmd/…"},
	"github.com/robfig/cron":       {"jobs/schedule"},
	"github.com/testcontainers":    {"postgres/postgrestest"},
	"github.com/spf13":             {"cmd/…"},
	"github.com/klippa-app":        {"retrieval/extract/pdf/…"},
	"github.com/tetratelabs":       {"retrieval/extract/pdf/…"},
	"github.com/xuri/excelize":     {"retrieval/extract/…"},
	"github.com/emersion":          {"retrieval/extract/mail/…"},
	"codeberg.org/readeck":         {"retrieval/extract/…"},
	"github.com/bmatcuk":           {"connectors/…", "retrieval/code/…"},
	"github.com/modelcontextproto": {"server/mcp/…"},
	"github.com/tailscale/hujson":  {"cmd/…"},
	"github.com/pelletier/go-toml": {"cmd/…"},
	"github.com/slack-go":          {"server/slack/…", "connectors/slack/…"},
	"github.com/gorilla":           {"server/slack/…"},
}

// forTests are modules and packages that only packages for tests may import
// outside of tests' own files; the names of such packages end in "test".
var forTests = []string{"testing", "net/http/httptest", "github.com/google/go-cmp", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/peterldowns/pgtestdb"}

// unwanted are names of folders that say nothing.
var unwanted = []string{"common", "handler", "helpers", "interfaces", "misc", "models", "pkg", "repository", "service", "services", "types", "util", "utils"}

type listed struct {
	ImportPath string
	Imports    []string
}

// packages lists our packages as the go command sees them. Its results are not
// part of the test cache's key: run this test with -count=1.
func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("read the output of go list: %v", err)
		}
		all = append(all, p)
	}
}

// local returns the path within the module, "." for the root package.
func local(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func covers(pattern, path string) bool {
	if below, ok := strings.CutSuffix(pattern, "/…"); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return pattern == path || pattern == "*"
}

func anyCovers(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, path) })
}

func TestArchitecture(t *testing.T) {
	all := packages(t)
	if len(all) < 5 {
		t.Fatalf("go list found %d packages", len(all))
	}
	for _, p := range all {
		name, ok := local(p.ImportPath)
		if !ok {
			t.Errorf("%s is not in the module", p.ImportPath)
			continue
		}
		for _, problem := range problems(name, p.Imports) {
			t.Error(problem)
		}
	}
}

// problems returns what is wrong with the imports of a package.
func problems(name string, imports []string) []string {
	var out []string
	i := slices.IndexFunc(layers, func(l struct {
		packages string
		imports  []string
	}) bool {
		return covers(l.packages, name)
	})
	if i < 0 {
		return []string{fmt.Sprintf("nothing is said of %s: add it to layers, with what it may import", name)}
	}
	for _, word := range strings.Split(name, "/") {
		if slices.Contains(unwanted, word) {
			out = append(out, fmt.Sprintf("%s: the name %q says nothing; name the thing", name, word))
		}
	}
	for _, imported := range imports {
		if ours, ok := local(imported); ok {
			if !anyCovers(layers[i].imports, ours) {
				out = append(out, fmt.Sprintf("%s must not import %s", name, ours))
			}
			continue
		}
		out = append(out, foreign(name, imported)...)
	}
	return out
}

// foreign returns what is wrong with importing a package of others.
func foreign(name, imported string) []string {
	within := func(prefix string) bool { return imported == prefix || strings.HasPrefix(imported, prefix+"/") }
	if slices.ContainsFunc(forTests, within) {
		if strings.HasSuffix(name, "test") {
			return nil
		}
		return []string{fmt.Sprintf("%s imports %s outside of tests", name, imported)}
	}
	host, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(host, ".") {
		return nil // the standard library
	}
	if name == "." || name == "connectors" {
		return []string{fmt.Sprintf("%s must not import %s: it is a vocabulary", name, imported)}
	}
	for prefix, allowed := range fences {
		if strings.HasPrefix(imported, prefix) && !anyCovers(allowed, name) {
			return []string{fmt.Sprintf("%s must not import %s: only %s may", name, imported, strings.Join(allowed, ", "))}
		}
	}
	return nil
}

// The rules must bite.
func TestArchitectureFindsProblems(t *testing.T) {
	for _, tt := range []struct {
		name, imported string
		bad            bool
	}{
		{".", "strings", false},
		{".", "golang.org/x/text", true},
		{".", module + "/connectors", true},
		{"connectors", module, false},
		{"connectors/git", module + "/connectors/files", true},
		{"connectors/git", module + "/connectors/internal/http", false},
		{"retrieval/answer", module + "/postgres", true},
		{"retrieval/index", module + "/retrieval/lexical", false},
		{"retrieval/index", module + "/retrieval", true},
		{"retrieval/ingest", module + "/connectors", false},
		{"retrieval/ingest", module + "/connectors/files", true},
		{"retrieval/llm", "github.com/tmc/langchaingo/llms", true},
		{"retrieval/llm/langchain", "github.com/tmc/langchaingo/llms", false},
		{"server/mcp", module + "/server/api", true},
		{"server/mcp", module + "/postgres", true},
		{"server/api", module + "/server/auth", false},
		{"server/api", "github.com/jackc/pgx/v5", true},
		{"jobs", "github.com/jackc/pgx/v5", false},
		{"jobs", module + "/postgres", true},
		{"cmd/cairn", module + "/postgres", false},
		{"retrieval/llm", "testing", true},
		{"retrieval/llm/llmtest", "testing", false},
		{"retrieval/utils", "strings", true},
		{"elsewhere", "strings", true},
	} {
		if got := problems(tt.name, []string{tt.imported}); (len(got) > 0) != tt.bad {
			t.Errorf("%s imports %s: %v", tt.name, tt.imported, got)
		}
	}
}
