package confluence

import (
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

var product = atlassian.Product{
	Name: "Confluence", Path: "/wiki", Example: "https://wiki.example.com/confluence", Part: "space", See: "view", Document: "page",
}

// settingList describes the settings.
func settingList() []connectors.Setting {
	return product.Settings(
		connectors.Setting{Name: connectors.HookSecret, Secret: true, Help: "Data Center: secret of the webhook by which Confluence tells of changes"},
		connectors.Setting{Name: "personal_spaces", Help: "on: personal spaces, too, when spaces does not name them; off by default"},
		connectors.Setting{Name: "everyone", Help: "names of groups or access classes that stand for everybody who signs in to Cairn, such as all-licensed-users"},
	)
}

// settings are the settings, read.
type settings struct {
	atlassian.Settings
	personal bool // spaces, too
}

// parse reads the settings. Errors are ErrInvalid.
func parse(from map[string]string) (settings, error) {
	var s settings
	var err error
	if s.Settings, err = product.Parse(from); err != nil {
		return s, err
	}
	s.personal, err = atlassian.OnOff("personal_spaces", from["personal_spaces"], false)
	return s, err
}

// reads reports whether a space is to be read.
func (s *settings) reads(sp space) bool {
	if len(s.Include) > 0 {
		return s.Include[sp.key]
	}
	return !s.Exclude[sp.key] && (s.personal || !sp.personal)
}

// takes reports whether an attachment is of a kind that is read.
func (s *settings) takes(a *attachment) bool { return s.Takes(a.name, a.mediaType) }
