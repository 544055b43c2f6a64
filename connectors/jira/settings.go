package jira

import (
	"net/url"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// gateway is where Atlassian serves the API of all sites of Jira Cloud to OAuth apps and
// to API tokens with scopes.
const gateway = "https://api.atlassian.com/ex/jira/"

// defaultTypes are the media types of attachments that have text.
const defaultTypes = "text/*, application/pdf, application/msword, application/vnd.openxmlformats-officedocument.*, application/json, application/yaml, message/rfc822"

// settingList describes the settings.
func settingList() []connectors.Setting {
	return []connectors.Setting{
		{Name: "url", Required: true, Help: "address of the site, such as https://acme.atlassian.net or https://jira.example.com"},
		{Name: "edition", Help: "cloud or datacenter; unset: cloud for addresses that end in .atlassian.net"},
		{Name: "token", Secret: true, Help: "Cloud: API token of the account in email; Data Center: personal access token"},
		{Name: "email", Help: "Cloud: address of the account that the API token belongs to"},
		{Name: "cloud_id", Help: "Cloud, for OAuth and for API tokens with scopes: id of the site, from SITE/_edge/tenant_info"},
		{Name: "client_id", Help: "Cloud, for OAuth (3LO): id of the app; leave email and token out"},
		{Name: "client_secret", Secret: true, Help: "Cloud, for OAuth: secret of the app"},
		{Name: "refresh_token", Secret: true, Help: "Cloud, for OAuth: refresh token, which is replaced with each use"},
		{Name: connectors.HookSecret, Secret: true, Help: "secret of the webhook by which Jira tells of changes"},
		{Name: "projects", Help: "only the projects with these keys, separated by commas; unset: all that the account sees"},
		{Name: "exclude_projects", Help: "not the projects with these keys"},
		{Name: "fields", Help: "custom fields to read, by name, separated by commas; off: none; unset: all that are texts"},
		{Name: "comments", Help: "off: leave out comments, which are otherwise at the end of their issue"},
		{Name: "internal_comments", Help: "on: internal comments of service projects, too; off by default"},
		{Name: "attachments", Help: "off: leave out attachments"},
		{Name: "attachment_types", Help: "media types of attachments, as in text/*, application/pdf; unset: those that have text"},
		{Name: "max_attachment_size", Help: "larger attachments are reported and not read, such as 20MB; unset: 50MB"},
		{Name: "people", Help: "addresses of people whose profile hides theirs: ACCOUNT=ADDRESS, separated by commas or lines"},
		{Name: "everyone", Help: "names of groups or application roles that stand for everybody who signs in to Cairn, such as jira-software"},
		{Name: "security_levels", Help: "Data Center, which does not tell them: LEVEL=group:NAME or LEVEL=ADDRESS, separated by commas or lines"},
	}
}

// settings are the settings, read.
type settings struct {
	cloud    bool
	api      string // address that paths of requests are relative to
	web      string // address that paths of pages are relative to
	email    string
	clientID string

	include, exclude map[string]bool // keys of projects
	fields           map[string]bool // names of custom fields; nil: all that are texts
	comments         bool
	internal         bool // comments, too
	attachments      bool
	types            []string
	maxSize          int64
	people           map[string]string   // addresses by account id, user key or user name
	everyone         map[string]bool     // groups and application roles
	levels           map[string][]holder // members of security levels, by name or id

	content string // changes whenever the text of issues does
	digest  string // changes whenever what is read changes
}

// parse reads the settings. Errors are ErrInvalid.
func parse(from map[string]string) (settings, error) {
	s := settings{
		email: strings.TrimSpace(from["email"]), clientID: from["client_id"],
		include: atlassian.Set(from["projects"]), exclude: atlassian.Set(from["exclude_projects"]), everyone: atlassian.Set(from["everyone"]),
		people: map[string]string{}, levels: map[string][]holder{}, types: atlassian.List(from["attachment_types"]),
	}
	if len(s.types) == 0 {
		s.types = atlassian.List(defaultTypes)
	}
	switch fields := strings.TrimSpace(from["fields"]); fields {
	case "":
	case "off":
		s.fields = map[string]bool{}
	default:
		s.fields = atlassian.Set(fields)
	}
	site, err := remote.ParseURL("url", from["url"])
	if err != nil {
		return s, err
	}
	if err := s.place(site, from["edition"], strings.TrimSpace(from["cloud_id"])); err != nil {
		return s, err
	}
	for _, sw := range []struct {
		name  string
		value *bool
		unset bool
	}{{"comments", &s.comments, true}, {"internal_comments", &s.internal, false}, {"attachments", &s.attachments, true}} {
		if *sw.value, err = atlassian.OnOff(sw.name, from[sw.name], sw.unset); err != nil {
			return s, err
		}
	}
	if s.maxSize, err = atlassian.Size(from["max_attachment_size"]); err != nil {
		return s, err
	}
	for key := range s.include {
		if s.exclude[key] {
			return s, cairn.Errorf(cairn.ErrInvalid, "exclude_projects: the project %s is in projects, too; name it in one of them", key)
		}
	}
	if err := s.readPeople(from["people"]); err != nil {
		return s, err
	}
	s.content = digest(made, from["fields"], from["comments"], from["internal_comments"])
	s.digest = digest(s.content, from["url"], from["attachments"], from["attachment_types"], from["max_attachment_size"], from["people"],
		from["everyone"], from["security_levels"])
	return s, s.readLevels(from["security_levels"])
}

// place finds out where the site is served, and checks what belongs to its edition.
func (s *settings) place(site *url.URL, edition, cloudID string) error {
	switch edition {
	case "cloud":
		s.cloud = true
	case "datacenter":
	case "":
		s.cloud = cloudID != "" || strings.HasSuffix(site.Hostname(), ".atlassian.net")
	default:
		return cairn.Errorf(cairn.ErrInvalid, "edition: give cloud or datacenter, not %q", edition)
	}
	s.api, s.web = site.String(), site.String()
	if !s.cloud {
		if s.email != "" || s.clientID != "" || cloudID != "" {
			return cairn.Errorf(cairn.ErrInvalid, "email, client_id and cloud_id belong to Jira Cloud; a Data Center needs a personal access token alone (set edition to cloud if this is a Cloud site with an address of its own)")
		}
		return nil
	}
	if site.Path != "" {
		return cairn.Errorf(cairn.ErrInvalid, "url: give the address of the site alone, such as https://acme.atlassian.net")
	}
	if cloudID != "" {
		s.api = gateway + url.PathEscape(cloudID)
	}
	switch {
	case s.clientID != "" && s.email != "":
		return cairn.Errorf(cairn.ErrInvalid, "email belongs to an API token and client_id to OAuth; give one of them")
	case s.clientID != "" && cloudID == "":
		return cairn.Errorf(cairn.ErrInvalid, "cloud_id: OAuth needs the id of the site; it is in %s/_edge/tenant_info", s.web)
	case s.clientID == "" && !strings.Contains(s.email, "@"):
		return cairn.Errorf(cairn.ErrInvalid, "email: give the address of the account that the API token belongs to")
	}
	return nil
}

// readPeople reads the setting people.
func (s *settings) readPeople(text string) error {
	for _, pair := range atlassian.List(text) {
		account, address, ok := strings.Cut(pair, "=")
		account, address = strings.TrimSpace(account), strings.TrimSpace(address)
		if !ok || account == "" || !cairn.UserKey(address).Valid() {
			return cairn.Errorf(cairn.ErrInvalid, "people: %q is not of the form ACCOUNT=ADDRESS", pair)
		}
		s.people[account] = address
	}
	return nil
}

// readLevels reads the setting security_levels.
func (s *settings) readLevels(text string) error {
	if text != "" && s.cloud {
		return cairn.Errorf(cairn.ErrInvalid, "security_levels: Jira Cloud tells who is in a security level; leave this out")
	}
	for _, pair := range atlassian.List(text) {
		level, who, ok := strings.Cut(pair, "=")
		level, who = strings.TrimSpace(level), strings.TrimSpace(who)
		h := holder{Type: "user", User: &user{EmailAddress: who}}
		name, isGroup := strings.CutPrefix(who, "group:")
		if isGroup {
			h = holder{Type: "group", Parameter: strings.TrimSpace(name)}
		}
		valid := cairn.UserKey(who).Valid()
		if isGroup {
			valid = cairn.GroupKey("site", h.Parameter).Valid()
		}
		if !ok || level == "" || !valid {
			return cairn.Errorf(cairn.ErrInvalid, "security_levels: %q is not of the form LEVEL=group:NAME or LEVEL=ADDRESS", pair)
		}
		s.levels[level] = append(s.levels[level], h)
	}
	return nil
}

// reads reports whether a project is to be read.
func (s *settings) reads(p project) bool {
	if len(s.include) > 0 {
		return s.include[p.Key]
	}
	return !s.exclude[p.Key]
}

// takes reports whether an attachment is of a kind that is read.
func (s *settings) takes(a attachment) bool {
	media, _, _ := strings.Cut(strings.ToLower(a.MimeType), ";")
	if media == "" || media == "application/octet-stream" {
		return slices.Contains(textual, strings.ToLower(extension(a.Filename)))
	}
	return slices.ContainsFunc(s.types, func(pattern string) bool {
		if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
			return strings.HasPrefix(media, strings.ToLower(prefix))
		}
		return media == strings.ToLower(pattern)
	})
}

// textual are the extensions of files that have text, for sites that do not know their
// media types.
var textual = []string{"md", "markdown", "txt", "csv", "pdf", "docx", "pptx", "xlsx", "eml", "json", "yaml", "yml", "html", "htm", "log"}

func extension(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[i+1:]
	}
	return ""
}
