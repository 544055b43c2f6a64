package git

import (
	"net/url"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// links makes the addresses at which people see files and commits. The zero links makes
// none.
type links struct {
	file   string // template with {commit} and {path}
	commit string // template with {commit}
	lines  string // as in connectors.Metadata, with {commit} and {path}
}

// styles are how sites address the page of a file and of a commit, below that of the
// repository, and the lines of a file. "bitbucket" is the cloud, "bitbucket-server" Data
// Center.
var styles = map[string]links{
	"github":           {"/blob/{commit}/{path}", "/commit/{commit}", ""},
	"gitlab":           {"/-/blob/{commit}/{path}", "/-/commit/{commit}", "#L{first}-{last}"},
	"gitea":            {"/src/commit/{commit}/{path}", "/commit/{commit}", ""},
	"bitbucket":        {"/src/{commit}/{path}", "/commits/{commit}", "#lines-{first}:{last}"},
	"bitbucket-server": {"/browse/{path}?at={commit}", "/commits/{commit}", "#{first}-{last}"},
	"azure": {azureFile, "/commit/{commit}",
		azureFile + "&line={first}&lineEnd={next}&lineStartColumn=1&lineEndColumn=1&lineStyle=plain"},
}

const azureFile = "?path=/{path}&version=GC{commit}"

// byHost tells the style by one of the parts of a host's name.
var byHost = map[string]string{
	"github": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea", "codeberg": "gitea", "bitbucket": "bitbucket",
	"azure": "azure", "visualstudio": "azure",
}

// parseLinks reads the settings link and web_url. Errors are ErrInvalid.
func parseLinks(a address, link, page string) (links, error) {
	base, host := "", ""
	switch {
	case page != "":
		u, err := remote.ParseURL("web_url", page)
		if err != nil {
			return links{}, err
		}
		base, host = u.String(), u.Hostname()
	case a.web != nil:
		u := *a.web
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, ".git"), ""
		base, host = u.String(), u.Hostname()
	case a.shell != nil:
		base, host = (&url.URL{Scheme: "https", Host: a.shell.host, Path: "/" + a.repository()}).String(), a.shell.host
	}
	if strings.Contains(link, "{path}") {
		if u, err := url.Parse(strings.NewReplacer("{path}", "x", "{commit}", "x").Replace(link)); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
			return links{}, cairn.Errorf(cairn.ErrInvalid, "link: %q is no address of a page; it must begin with https:// or http://", link)
		}
		return links{file: link}, nil
	}
	if link == "" {
		link = styleOf(host)
	}
	if before, repository, ok := strings.Cut(base, "/scm/"); ok && strings.HasPrefix(link, "bitbucket") { // how Data Center is cloned from
		project, name, _ := strings.Cut(repository, "/")
		link, base = "bitbucket-server", before+"/projects/"+project+"/repos/"+name
		if user, personal := strings.CutPrefix(project, "~"); personal {
			base = before + "/users/" + user + "/repos/" + name
		}
	}
	style, known := styles[link]
	switch {
	case link == "none":
		return links{}, nil
	case !known:
		return links{}, cairn.Errorf(cairn.ErrInvalid, "link: %q is none of github, gitlab, gitea, bitbucket, bitbucket-server, azure, none, nor a template with {path}", link)
	case base == "":
		return links{}, cairn.Errorf(cairn.ErrInvalid, "link: say by web_url where the pages of the repository are")
	}
	base = strings.NewReplacer("{", "%7B", "}", "%7D").Replace(base)
	return links{file: base + style.file, commit: base + style.commit, lines: style.lines}, nil
}

func styleOf(host string) string {
	for part := range strings.SplitSeq(strings.ToLower(host), ".") {
		for name, style := range byHost {
			if part == name {
				return style
			}
		}
	}
	return "none"
}

// ofFile returns the address of a file as a commit left it; "" where there is none.
func (l links) ofFile(commit, path string) string {
	if l.file == "" || commit == "" {
		return ""
	}
	return fill(l.file, commit, path)
}

// ofLines returns how lines of a file are addressed, as in connectors.Metadata.
func (l links) ofLines(commit, path string) string { return fill(l.lines, commit, path) }

// fill puts a commit and a path into a template, the latter as it is written where it
// stands in an address.
func fill(template, commit, path string) string {
	escape := url.PathEscape
	if before, _, _ := strings.Cut(template, "{path}"); strings.Contains(before, "?") {
		escape = url.QueryEscape
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = escape(p)
	}
	return strings.NewReplacer("{commit}", commit, "{path}", strings.Join(parts, "/")).Replace(template)
}

// ofCommit returns the address of a commit; "" where there is none.
func (l links) ofCommit(commit string) string {
	if l.commit == "" {
		return ""
	}
	return strings.ReplaceAll(l.commit, "{commit}", commit)
}
