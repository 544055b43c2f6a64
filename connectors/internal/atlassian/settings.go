// Package atlassian has what the connectors of Confluence and Jira share.
package atlassian

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// Product is what tells one product from the other in settings and messages.
type Product struct {
	Name     string // "Confluence"
	Path     string // of the product at a site of Cloud, such as "/wiki"
	Example  string // address of a site of Data Center
	Part     string // what its documents lie in: "space"
	See      string // what the account must be let do with a part: "view"
	Document string // "page"
}

// Settings returns the settings that both products have, with the product's own among
// them.
func (p Product) Settings(own ...connectors.Setting) []connectors.Setting {
	parts := p.Part + "s"
	return slices.Concat([]connectors.Setting{
		{Name: "url", Required: true, Help: "address of the site, such as https://acme.atlassian.net or " + p.Example},
		{Name: "edition", Help: "cloud or datacenter; unset: cloud for addresses that end in .atlassian.net"},
		{Name: "token", Secret: true, Help: "Cloud: API token of the account in email; Data Center: personal access token"},
		{Name: "email", Help: "Cloud: address of the account that the API token belongs to"},
		{Name: "cloud_id", Help: "Cloud, for OAuth and for API tokens with scopes: id of the site, from SITE/_edge/tenant_info"},
		{Name: "client_id", Help: "Cloud, for OAuth (3LO): id of the app; leave email and token out"},
		{Name: "client_secret", Secret: true, Help: "Cloud, for OAuth: secret of the app"},
		{Name: "refresh_token", Secret: true, Help: "Cloud, for OAuth: refresh token, which is replaced with each use"},
		{Name: parts, Help: "only the " + parts + " with these keys, separated by commas; unset: all that the account sees"},
		{Name: "exclude_" + parts, Help: "not the " + parts + " with these keys"},
	}, own, []connectors.Setting{
		{Name: "comments", Help: "off: leave out comments, which are otherwise at the end of their " + p.Document},
		{Name: "attachments", Help: "off: leave out attachments"},
		{Name: "attachment_types", Help: "media types of attachments, as in text/*, application/pdf; unset: those that have text"},
		{Name: "max_attachment_size", Help: "larger attachments are reported and not read, such as 20MB; unset: 50MB"},
		{Name: "people", Help: "addresses of people whose profile hides theirs: ACCOUNT=ADDRESS, separated by commas or lines"},
	})
}

// Settings are the settings that both products have, read.
type Settings struct {
	Cloud    bool
	API      string // address that paths of requests are relative to
	Web      string // address that paths of pages are relative to
	Email    string
	ClientID string

	Include, Exclude map[string]bool // keys of spaces or projects
	Comments         bool
	Attachments      bool
	MaxSize          int64
	People           map[string]string // addresses by account id, user key or user name
	Everyone         map[string]bool   // what stands for everybody

	types []string
}

// defaultTypes are the media types of attachments that have text.
const defaultTypes = "text/*, application/pdf, application/msword, application/vnd.openxmlformats-officedocument.*, application/json, application/yaml, message/rfc822"

// Parse reads the settings that both products have. Errors are ErrInvalid.
func (p Product) Parse(from map[string]string) (Settings, error) {
	parts := p.Part + "s"
	s := Settings{
		Email: strings.TrimSpace(from["email"]), ClientID: from["client_id"],
		Include: Set(from[parts]), Exclude: Set(from["exclude_"+parts]), Everyone: Set(from["everyone"]), types: List(from["attachment_types"]),
	}
	if len(s.types) == 0 {
		s.types = List(defaultTypes)
	}
	site, err := remote.ParseURL("url", from["url"])
	if err != nil {
		return s, err
	}
	if err := s.place(p, site, from["edition"], strings.TrimSpace(from["cloud_id"])); err != nil {
		return s, err
	}
	if s.Comments, err = OnOff("comments", from["comments"], true); err != nil {
		return s, err
	}
	if s.Attachments, err = OnOff("attachments", from["attachments"], true); err != nil {
		return s, err
	}
	if s.MaxSize, err = selection.ParseSize("max_attachment_size", cmp.Or(from["max_attachment_size"], "50MB")); err != nil {
		return s, err
	}
	for key := range s.Include {
		if s.Exclude[key] {
			return s, cairn.Errorf(cairn.ErrInvalid, "exclude_%s: the %s %s is in %s, too; name it in one of them", parts, p.Part, key, parts)
		}
	}
	s.People, err = people(from["people"])
	return s, err
}

// place finds out where the site is served, and checks what belongs to its edition.
func (s *Settings) place(p Product, site *url.URL, edition, cloudID string) error {
	switch edition {
	case "cloud":
		s.Cloud = true
	case "datacenter":
	case "":
		s.Cloud = cloudID != "" || strings.HasSuffix(site.Hostname(), ".atlassian.net")
	default:
		return cairn.Errorf(cairn.ErrInvalid, "edition: give cloud or datacenter, not %q", edition)
	}
	if !s.Cloud {
		if s.Email != "" || s.ClientID != "" || cloudID != "" {
			return cairn.Errorf(cairn.ErrInvalid, "email, client_id and cloud_id belong to %s Cloud; a Data Center needs a personal access token alone (set edition to cloud if this is a Cloud site with an address of its own)", p.Name)
		}
		s.API, s.Web = site.String(), site.String()
		return nil
	}
	if site.Path != "" && site.Path != p.Path {
		return cairn.Errorf(cairn.ErrInvalid, "url: give the address of the site alone, such as https://acme.atlassian.net")
	}
	site.Path = p.Path
	s.API, s.Web = site.String(), site.String()
	if cloudID != "" { // where Atlassian serves the API of all sites to OAuth apps and to API tokens with scopes
		s.API = "https://api.atlassian.com/ex/" + strings.ToLower(p.Name) + "/" + url.PathEscape(cloudID) + p.Path
	}
	switch {
	case s.ClientID != "" && s.Email != "":
		return cairn.Errorf(cairn.ErrInvalid, "email belongs to an API token and client_id to OAuth; give one of them")
	case s.ClientID != "" && cloudID == "":
		return cairn.Errorf(cairn.ErrInvalid, "cloud_id: OAuth needs the id of the site; it is in %s/_edge/tenant_info", strings.TrimSuffix(s.Web, p.Path))
	case s.ClientID == "" && !strings.Contains(s.Email, "@"):
		return cairn.Errorf(cairn.ErrInvalid, "email: give the address of the account that the API token belongs to")
	}
	return nil
}

// people reads the setting people.
func people(text string) (map[string]string, error) {
	addresses := map[string]string{}
	for _, pair := range List(text) {
		account, address, ok := strings.Cut(pair, "=")
		account, address = strings.TrimSpace(account), strings.TrimSpace(address)
		if !ok || account == "" || !cairn.UserKey(address).Valid() {
			return nil, cairn.Errorf(cairn.ErrInvalid, "people: %q is not of the form ACCOUNT=ADDRESS", pair)
		}
		addresses[account] = address
	}
	return addresses, nil
}

// Takes reports whether an attachment with a name and a media type is of a kind that is
// read.
func (s *Settings) Takes(name, mediaType string) bool {
	media, _, _ := strings.Cut(strings.ToLower(mediaType), ";")
	if media == "" || media == "application/octet-stream" {
		return slices.Contains(textual, strings.ToLower(path.Ext(name)))
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
var textual = []string{".md", ".markdown", ".txt", ".csv", ".pdf", ".docx", ".pptx", ".xlsx", ".eml", ".json", ".yaml", ".yml", ".html", ".htm", ".log"}

// List splits a text at commas and line ends; parts are trimmed, empty ones left out.
func List(text string) []string {
	var out []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// Set returns the parts of a List.
func Set(text string) map[string]bool {
	out := map[string]bool{}
	for _, part := range List(text) {
		out[part] = true
	}
	return out
}

// OnOff reads the setting called name; unset is what an empty value means. Anything but
// on and off is ErrInvalid.
func OnOff(name, value string, unset bool) (bool, error) {
	switch value {
	case "":
		return unset, nil
	case "on":
		return true, nil
	case "off":
		return false, nil
	}
	return false, cairn.Errorf(cairn.ErrInvalid, "%s: give on or off, not %q", name, value)
}
