package github

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// parsed are the settings.
type parsed struct {
	site         site
	owners       []string
	include      []string // globs; none: all
	exclude      []string
	read         map[string]bool // issues, pulls, discussions, releases, wiki
	state        string          // open, closed, all
	people       map[string]string
	app          string // empty: a token
	installation string
}

// site is where GitHub's interfaces lie.
type site struct {
	web     string // origin of the pages, and of git
	base    string // origin of the interfaces
	rest    string // path below base
	graphQL string // path below base
}

// The things that can be read.
const (
	issues      = "issues"
	pulls       = "pulls"
	discussions = "discussions"
	releases    = "releases"
	wikiPages   = "wiki"
)

var readable = []string{issues, pulls, discussions, releases, wikiPages}

// parse reads the settings. Errors are ErrInvalid.
func parse(settings map[string]string) (*parsed, error) {
	p := &parsed{state: "all", app: strings.TrimSpace(settings["app"]), installation: strings.TrimSpace(settings["installation"])}
	for _, read := range []func(map[string]string) error{p.parseSite, p.parseOwners, p.parseRepos, p.parseRead, p.parsePeople, p.checkApp} {
		if err := read(settings); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// parseSite finds the interfaces of a site: at github.com and GHE.com they have a host of
// their own, a server has them below its address.
func (p *parsed) parseSite(settings map[string]string) error {
	value := settings["url"]
	if value == "" {
		value = "https://github.com"
	}
	u, err := remote.ParseURL("url", value)
	if err != nil {
		return err
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case host == "api.github.com" || strings.HasPrefix(host, "api.") && strings.HasSuffix(host, ".ghe.com"):
		return cairn.Errorf(cairn.ErrInvalid, "url: give the address that people open, such as https://%s", strings.TrimPrefix(host, "api."))
	case host == "github.com" || host == "www.github.com" || strings.HasSuffix(host, ".ghe.com"):
		if strings.Trim(u.Path, "/") != "" {
			return cairn.Errorf(cairn.ErrInvalid, "url: give the address of the site alone, such as https://%s, and the organisation as owner", host)
		}
		host = strings.TrimPrefix(host, "www.")
		p.site = site{web: "https://" + host, base: "https://api." + host, graphQL: "graphql"}
	default:
		if strings.Trim(u.Path, "/") != "" {
			return cairn.Errorf(cairn.ErrInvalid, "url: leave out the path %s: give the address of the server, and the organisation as owner", u.Path)
		}
		server := (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
		p.site = site{web: server, base: server, rest: "api/v3/", graphQL: "api/graphql"}
	}
	return nil
}

// login is a name of an organisation or a user; those of enterprises have an underscore.
var login = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

func (p *parsed) parseOwners(settings map[string]string) error {
	for _, name := range split(settings["owner"]) {
		if !login.MatchString(name) {
			return cairn.Errorf(cairn.ErrInvalid, "owner: %q is no organisation or user; give names such as acme, and repositories in repos", name)
		}
		if !slices.ContainsFunc(p.owners, func(o string) bool { return strings.EqualFold(o, name) }) {
			p.owners = append(p.owners, name)
		}
	}
	if len(p.owners) == 0 {
		return cairn.Errorf(cairn.ErrInvalid, "owner: name at least one organisation or user")
	}
	return nil
}

func (p *parsed) parseRepos(settings map[string]string) error {
	for _, glob := range split(settings["repos"]) {
		list, pattern := &p.include, glob
		if rest, ok := strings.CutPrefix(glob, "!"); ok {
			list, pattern = &p.exclude, rest
		}
		if pattern == "" || strings.Count(pattern, "/") > 1 || !doublestar.ValidatePattern(pattern) {
			return cairn.Errorf(cairn.ErrInvalid, "repos: %q is no glob of a repository; give one such as handbook, infra-* or !acme/secret-*", glob)
		}
		*list = append(*list, strings.ToLower(pattern))
	}
	return nil
}

// wants reports whether a repository, owner/name, is to be read.
func (p *parsed) wants(repository string) bool {
	full := strings.ToLower(repository)
	_, name, _ := strings.Cut(full, "/")
	matches := func(glob string) bool {
		if strings.Contains(glob, "/") {
			return doublestar.MatchUnvalidated(glob, full)
		}
		return doublestar.MatchUnvalidated(glob, name)
	}
	return (len(p.include) == 0 || slices.ContainsFunc(p.include, matches)) && !slices.ContainsFunc(p.exclude, matches)
}

func (p *parsed) parseRead(settings map[string]string) error {
	p.read = map[string]bool{}
	for _, what := range split(settings["read"]) {
		if !slices.Contains(readable, what) {
			return cairn.Errorf(cairn.ErrInvalid, "read: there is no %q; there are: %s", what, strings.Join(readable, ", "))
		}
		p.read[what] = true
	}
	if len(p.read) == 0 {
		for _, what := range readable {
			p.read[what] = true
		}
	}
	if state := strings.TrimSpace(settings["state"]); state != "" {
		if state != "open" && state != "closed" && state != "all" {
			return cairn.Errorf(cairn.ErrInvalid, "state: give open, closed or all, not %q", state)
		}
		p.state = state
	}
	return nil
}

func (p *parsed) parsePeople(settings map[string]string) error {
	p.people = map[string]string{}
	for _, pair := range split(settings["people"]) {
		name, address, ok := strings.Cut(pair, "=")
		name, address = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(address)
		if !ok || !login.MatchString(name) || !cairn.UserKey(address).Valid() {
			return cairn.Errorf(cairn.ErrInvalid, "people: %q is no pair of a login and an address; give one such as octocat=ann@example.com", pair)
		}
		if other := p.people[name]; other != "" && !strings.EqualFold(other, address) {
			return cairn.Errorf(cairn.ErrInvalid, "people: %s has two addresses; give one", name)
		}
		p.people[name] = address
	}
	return nil
}

// appID is the id of an App, or its client id.
var (
	appID          = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	installationID = regexp.MustCompile(`^[0-9]{1,18}$`)
)

func (p *parsed) checkApp(map[string]string) error {
	switch {
	case p.app == "" && p.installation == "":
		return nil
	case !appID.MatchString(p.app):
		return cairn.Errorf(cairn.ErrInvalid, "app: give the App ID or the client ID from the App's settings page")
	case !installationID.MatchString(p.installation):
		return cairn.Errorf(cairn.ErrInvalid, "installation: give the number at the end of the address of the installation's page, as in …/settings/installations/12345")
	case len(p.owners) > 1:
		return cairn.Errorf(cairn.ErrInvalid, "owner: an installation of an App belongs to one organisation or user: add a source for each")
	}
	return nil
}

// account names whose requests GitHub counts: those of an installation; empty: of the
// source's token.
func (p *parsed) account() string {
	if p.app == "" {
		return ""
	}
	return "installation " + p.installation
}

// split returns the parts of a text between commas and lines.
func split(text string) []string {
	var parts []string
	depth, from := 0, 0
	add := func(to int) {
		if part := strings.TrimSpace(text[from:to]); part != "" {
			parts = append(parts, part)
		}
		from = to + 1
	}
	for i, r := range text {
		switch {
		case r == '{' || r == '[':
			depth++
		case r == '}' || r == ']':
			depth = max(0, depth-1)
		case r == '\n' || r == ',' && depth == 0:
			depth = 0
			add(i)
		}
	}
	if from < len(text) {
		add(len(text))
	}
	return parts
}
