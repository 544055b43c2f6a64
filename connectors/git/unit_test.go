package git

import (
	"errors"
	"strings"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

func TestSettingErrors(t *testing.T) {
	good := map[string]string{"url": "https://git.example.com/acme/handbook.git"}
	for name, set := range map[string]map[string]string{
		"no url": {"url": ""}, "no repository": {"url": "https://git.example.com/"}, "a password": {"url": "https://a:b@git.example.com/r.git"},
		"a query": {"url": "https://git.example.com/r.git?x=y"}, "another protocol": {"url": "git://git.example.com/r.git"},
		"no keys": {"url": "git@git.example.com:r.git"}, "bad keys": {"url": "git@git.example.com:r.git", "known_hosts": "git.example.com ssh-rsa !"},
		"password by SSH": {"url": "ssh://git:x@git.example.com/r.git", "known_hosts": "x"}, "an option": {"url": "ssh://git@-oProxyCommand/r.git"},
		"a branch": {"branch": "-x"}, "two dots": {"branch": "a..b"}, "a space": {"branch": "a b"}, "a revision": {"branch": "main~1"}, "a refspec": {"branch": "a:b"},
		"commits": {"commits": "many"}, "negative": {"commits": "-1"}, "size": {"max_size": "big"}, "skip": {"skip_folders": "a/b"}, "include": {"include": "[a"}, "exclude": {"exclude": "/"},
		"link": {"link": "sourcehut"}, "template": {"link": "javascript:{path}"}, "no page": {"url": "/srv/git/r.git", "link": "github"}, "page": {"web_url": "ftp://x"},
		"misspelt": {"branches": "main"}, "a secret among the others": {"token": "x"},
	} {
		settings := map[string]string{}
		for _, from := range []map[string]string{good, set} {
			for k, v := range from {
				settings[k] = v
			}
		}
		if err := Kind().Validate(connectors.Environment{}, settings); !errors.Is(err, cairn.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, set := range []map[string]string{
		good, {"url": "https://git.example.com/acme/handbook"}, {"url": "http://10.0.0.1:3000/acme/handbook.git/", "branch": "release/1.0", "commits": "all", "max_size": "1MB"},
		{"url": "https://git.example.com/r", "link": "https://cgit.example.com/r/plain/{path}?id={commit}"},
	} {
		if err := Kind().Validate(connectors.Environment{}, set); err != nil {
			t.Errorf("%v: %v", set, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]shell{
		"git@github.com:acme/handbook.git":           {"git", "github.com", "22", "acme/handbook.git"},
		"github.com:acme/handbook.git":               {"git", "github.com", "22", "acme/handbook.git"},
		"ann@[2001:db8::1]:acme/x":                   {"ann", "2001:db8::1", "22", "acme/x"},
		"ssh://git@git.example.com:2222/~ann/x.git":  {"git", "git.example.com", "2222", "~ann/x.git"},
		"ssh://git.example.com/srv/it's here/x.git":  {"git", "git.example.com", "22", "/srv/it's here/x.git"},
		"ssh://git@[2001:db8::1]:22/acme/x%20y.git/": {"git", "2001:db8::1", "22", "/acme/x y.git/"},
	} {
		a, err := parseAddress(connectors.Environment{}, text)
		if err != nil || a.shell == nil || *a.shell != want {
			t.Errorf("%s: %+v, %v", text, a.shell, err)
		}
	}
	if got := (&shell{path: "it's!/x; touch y"}).command(); got != `git-upload-pack 'it'\''s'\!'/x; touch y'` {
		t.Errorf("the command is %s", got)
	}
}

func TestLinks(t *testing.T) {
	for name, tt := range map[string]struct{ url, link, page, file, commit string }{
		"Azure": {"https://dev.azure.com/acme/Travel%20desk/_git/handbook", "", "", "https://dev.azure.com/acme/Travel%20desk/_git/handbook?path=/a+b/c%23.go&version=GCC",
			"https://dev.azure.com/acme/Travel%20desk/_git/handbook/commit/C"},
		"Bitbucket Data Center": {"https://bitbucket.acme.com/scm/hb/handbook.git", "", "", "https://bitbucket.acme.com/projects/hb/repos/handbook/browse/a%20b/c%23.go?at=C",
			"https://bitbucket.acme.com/projects/hb/repos/handbook/commits/C"},
		"of a person": {"https://git.acme.com/bb/scm/~ann/notes.git", "bitbucket-server", "", "https://git.acme.com/bb/users/ann/repos/notes/browse/a%20b/c%23.go?at=C",
			"https://git.acme.com/bb/users/ann/repos/notes/commits/C"},
		"GitHub":     {"https://github.com/acme/handbook.git", "", "", "https://github.com/acme/handbook/blob/C/a%20b/c%23.go", "https://github.com/acme/handbook/commit/C"},
		"by SSH":     {"git@github.com:acme/handbook.git", "", "", "https://github.com/acme/handbook/blob/C/a%20b/c%23.go", "https://github.com/acme/handbook/commit/C"},
		"Enterprise": {"https://github.acme.com/acme/handbook", "", "", "https://github.acme.com/acme/handbook/blob/C/a%20b/c%23.go", "https://github.acme.com/acme/handbook/commit/C"},
		"GitLab":     {"https://gitlab.com/acme/team/handbook.git", "", "", "https://gitlab.com/acme/team/handbook/-/blob/C/a%20b/c%23.go", "https://gitlab.com/acme/team/handbook/-/commit/C"},
		"Bitbucket":  {"https://bitbucket.org/acme/handbook.git", "", "", "https://bitbucket.org/acme/handbook/src/C/a%20b/c%23.go", "https://bitbucket.org/acme/handbook/commits/C"},
		"Codeberg":   {"https://codeberg.org/acme/handbook.git", "", "", "https://codeberg.org/acme/handbook/src/commit/C/a%20b/c%23.go", "https://codeberg.org/acme/handbook/commit/C"},
		"named":      {"https://git.acme.com:3000/acme/handbook.git", "gitea", "", "https://git.acme.com:3000/acme/handbook/src/commit/C/a%20b/c%23.go", "https://git.acme.com:3000/acme/handbook/commit/C"},
		"a page":     {"ssh://git@ssh.acme.com:7999/x/handbook.git", "gitlab", "https://git.acme.com/x/handbook/", "https://git.acme.com/x/handbook/-/blob/C/a%20b/c%23.go", "https://git.acme.com/x/handbook/-/commit/C"},
		"unknown":    {"https://git.acme.com/handbook.git", "", "", "", ""},
		"none":       {"https://github.com/acme/handbook.git", "none", "", "", ""},
		"a template": {"https://git.acme.com/handbook.git", "https://cgit.acme.com/h/plain/{path}?id={commit}", "", "https://cgit.acme.com/h/plain/a%20b/c%23.go?id=C", ""},
	} {
		a, err := parseAddress(connectors.Environment{}, tt.url)
		if err != nil {
			t.Fatal(err)
		}
		l, err := parseLinks(a, tt.link, tt.page)
		if file, commit := l.ofFile("C", "a b/c#.go"), l.ofCommit("C"); err != nil || file != tt.file || commit != tt.commit {
			t.Errorf("%s: %q, %q, %v", name, file, commit, err)
		}
	}
}

func TestLines(t *testing.T) {
	for link, want := range map[string]string{
		"https://github.com/acme/handbook.git": "", "https://codeberg.org/acme/handbook.git": "", "https://git.acme.com/handbook.git": "",
		"https://gitlab.com/acme/handbook.git": "#L{first}-{last}", "https://bitbucket.org/acme/handbook.git": "#lines-{first}:{last}",
		"https://bitbucket.acme.com/scm/hb/handbook.git":   "#{first}-{last}",
		"https://acme.visualstudio.com/desk/_git/handbook": "?path=/a+b/c%23.go&version=GCC&line={first}&lineEnd={next}&lineStartColumn=1&lineEndColumn=1&lineStyle=plain",
	} {
		a, err := parseAddress(connectors.Environment{}, link)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := parseLinks(a, "", ""); err != nil || l.ofLines("C", "a b/c#.go") != want {
			t.Errorf("%s: %q, %v", link, l.ofLines("C", "a b/c#.go"), err)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("git@github.com:acme/handbook.git")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(connectors.Environment{}, text)
		if err != nil {
			return
		}
		if a.shell != nil && (strings.HasPrefix(a.shell.host, "-") || strings.HasPrefix(a.shell.user, "-") || strings.HasPrefix(a.shell.path, "-")) {
			t.Errorf("%q gives an option: %+v", text, a.shell)
		}
		_, _ = parseLinks(a, "", "")
	})
}
