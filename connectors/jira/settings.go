package jira

import (
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

var product = atlassian.Product{Name: "Jira", Example: "https://jira.example.com", Part: "project", See: "browse", Document: "issue"}

// settingList describes the settings.
func settingList() []connectors.Setting {
	return product.Settings(
		connectors.Setting{Name: connectors.HookSecret, Secret: true, Help: "secret of the webhook by which Jira tells of changes"},
		connectors.Setting{Name: "fields", Help: "custom fields to read, by name, separated by commas; off: none; unset: all that are texts"},
		connectors.Setting{Name: "internal_comments", Help: "on: internal comments of service projects, too; off by default"},
		connectors.Setting{Name: "everyone", Help: "names of groups or application roles that stand for everybody who signs in to Cairn, such as jira-software"},
		connectors.Setting{Name: "security_levels", Help: "Data Center, which does not tell them: LEVEL=group:NAME or LEVEL=ADDRESS, separated by commas or lines"},
	)
}

// settings are the settings, read.
type settings struct {
	atlassian.Settings
	fields   map[string]bool     // names of custom fields; nil: all that are texts
	internal bool                // comments, too
	levels   map[string][]holder // members of security levels, by name or id

	content string // changes whenever the text of issues does
	digest  string // changes whenever what is read changes
}

// parse reads the settings. Errors are ErrInvalid.
func parse(from map[string]string) (settings, error) {
	s := settings{levels: map[string][]holder{}}
	var err error
	if s.Settings, err = product.Parse(from); err != nil {
		return s, err
	}
	switch fields := strings.TrimSpace(from["fields"]); fields {
	case "":
	case "off":
		s.fields = map[string]bool{}
	default:
		s.fields = atlassian.Set(fields)
	}
	if s.internal, err = atlassian.OnOff("internal_comments", from["internal_comments"], false); err != nil {
		return s, err
	}
	s.content = atlassian.Digest(made, from["fields"], from["comments"], from["internal_comments"])
	s.digest = atlassian.Digest(s.content, from["url"], from["attachments"], from["attachment_types"], from["max_attachment_size"], from["people"],
		from["everyone"], from["security_levels"])
	return s, s.readLevels(from["security_levels"])
}

// readLevels reads the setting security_levels.
func (s *settings) readLevels(text string) error {
	if text != "" && s.Cloud {
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
	if len(s.Include) > 0 {
		return s.Include[p.Key]
	}
	return !s.Exclude[p.Key]
}

// takes reports whether an attachment is of a kind that is read.
func (s *settings) takes(a attachment) bool { return s.Takes(a.Filename, a.MimeType) }
