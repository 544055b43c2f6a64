package confluence

import (
	"net/url"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// gateway is where Atlassian serves the API of all sites of Confluence Cloud to OAuth
// apps and to API tokens with scopes.
const gateway = "https://api.atlassian.com/ex/confluence/"

// defaultTypes are the media types of attachments that have text.
const defaultTypes = "text/*, application/pdf, application/msword, application/vnd.openxmlformats-officedocument.*, application/json, application/yaml, message/rfc822"

// settingList describes the settings.
func settingList() []connectors.Setting {
	return []connectors.Setting{
		{Name: "url", Required: true, Help: "address of the site, such as https://acme.atlassian.net or https://wiki.example.com/confluence"},
		{Name: "edition", Help: "cloud or datacenter; unset: cloud for addresses that end in .atlassian.net"},
		{Name: "token", Secret: true, Help: "Cloud: API token of the account in email; Data Center: personal access token"},
		{Name: "email", Help: "Cloud: address of the account that the API token belongs to"},
		{Name: "cloud_id", Help: "Cloud, for OAuth and for API tokens with scopes: id of the site, from SITE/_edge/tenant_info"},
		{Name: "client_id", Help: "Cloud, for OAuth (3LO): id of the app; leave email and token out"},
		{Name: "client_secret", Secret: true, Help: "Cloud, for OAuth: secret of the app"},
		{Name: "refresh_token", Secret: true, Help: "Cloud, for OAuth: refresh token, which is replaced with each use"},
		{Name: connectors.HookSecret, Secret: true, Help: "Data Center: secret of the webhook by which Confluence tells of changes"},
		{Name: "spaces", Help: "only the spaces with these keys, separated by commas; unset: all that the account sees"},
		{Name: "exclude_spaces", Help: "not the spaces with these keys"},
		{Name: "personal_spaces", Help: "on: personal spaces, too, when spaces does not name them; off by default"},
		{Name: "comments", Help: "off: leave out comments, which are otherwise at the end of their page"},
		{Name: "attachments", Help: "off: leave out attachments"},
		{Name: "attachment_types", Help: "media types of attachments, as in text/*, application/pdf; unset: those that have text"},
		{Name: "max_attachment_size", Help: "larger attachments are reported and not read, such as 20MB; unset: 50MB"},
		{Name: "people", Help: "addresses of people whose profile hides theirs: ACCOUNT=ADDRESS, separated by commas or lines"},
		{Name: "everyone", Help: "names of groups or access classes that stand for everybody who signs in to Cairn, such as all-licensed-users"},
	}
}

// settings are the settings, read.
type settings struct {
	cloud    bool
	api      string // address that paths of requests are relative to
	web      string // address that paths of pages are relative to
	email    string
	clientID string

	include, exclude map[string]bool // keys of spaces
	personal         bool
	comments         bool
	attachments      bool
	types            []string
	maxSize          int64
	people           map[string]string // addresses by account id, user key or user name
	everyone         map[string]bool   // groups and access classes
}

// parse reads the settings. Errors are ErrInvalid.
func parse(from map[string]string) (settings, error) {
	s := settings{
		email: strings.TrimSpace(from["email"]), clientID: from["client_id"],
		include: atlassian.Set(from["spaces"]), exclude: atlassian.Set(from["exclude_spaces"]), everyone: atlassian.Set(from["everyone"]), people: map[string]string{},
		types: atlassian.List(from["attachment_types"]),
	}
	if len(s.types) == 0 {
		s.types = atlassian.List(defaultTypes)
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
	}{{"personal_spaces", &s.personal, false}, {"comments", &s.comments, true}, {"attachments", &s.attachments, true}} {
		if *sw.value, err = atlassian.OnOff(sw.name, from[sw.name], sw.unset); err != nil {
			return s, err
		}
	}
	if s.maxSize, err = atlassian.Size(from["max_attachment_size"]); err != nil {
		return s, err
	}
	for key := range s.include {
		if s.exclude[key] {
			return s, cairn.Errorf(cairn.ErrInvalid, "exclude_spaces: the space %s is in spaces, too; name it in one of them", key)
		}
	}
	return s, s.readPeople(from["people"])
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
	if !s.cloud {
		if s.email != "" || s.clientID != "" || cloudID != "" {
			return cairn.Errorf(cairn.ErrInvalid, "email, client_id and cloud_id belong to Confluence Cloud; a Data Center needs a personal access token alone (set edition to cloud if this is a Cloud site with an address of its own)")
		}
		s.api, s.web = site.String(), site.String()
		return nil
	}
	if site.Path != "" && site.Path != "/wiki" {
		return cairn.Errorf(cairn.ErrInvalid, "url: give the address of the site alone, such as https://acme.atlassian.net")
	}
	site.Path = "/wiki"
	s.api, s.web = site.String(), site.String()
	if cloudID != "" {
		s.api = gateway + url.PathEscape(cloudID) + "/wiki"
	}
	switch {
	case s.clientID != "" && s.email != "":
		return cairn.Errorf(cairn.ErrInvalid, "email belongs to an API token and client_id to OAuth; give one of them")
	case s.clientID != "" && cloudID == "":
		return cairn.Errorf(cairn.ErrInvalid, "cloud_id: OAuth needs the id of the site; it is in %s/_edge/tenant_info", strings.TrimSuffix(s.web, "/wiki"))
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

// reads reports whether a space is to be read.
func (s *settings) reads(sp space) bool {
	if len(s.include) > 0 {
		return s.include[sp.key]
	}
	return !s.exclude[sp.key] && (s.personal || !sp.personal)
}

// takes reports whether an attachment is of a kind that is read.
func (s *settings) takes(a *attachment) bool {
	media, _, _ := strings.Cut(strings.ToLower(a.mediaType), ";")
	if media == "" || media == "application/octet-stream" {
		return slices.Contains(textual, strings.ToLower(extension(a.name)))
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
var textual = []string{"md", "markdown", "txt", "csv", "pdf", "docx", "pptx", "xlsx", "eml", "json", "yaml", "yml", "html", "htm"}

func extension(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[i+1:]
	}
	return ""
}
