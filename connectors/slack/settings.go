package slack

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

const (
	defaultURL    = "https://slack.com"
	defaultWindow = 30
	defaultFileMB = 50
)

// config is what the settings say.
type config struct {
	url      string
	types    []string // of conversations, as Slack calls them
	only     []string // names and ids
	skip     []string
	everyone bool // reads public channels
	since    time.Time
	window   time.Duration
	files    bool
	maxFile  int64
}

// parse reads the settings; errors are ErrInvalid and say what to fix.
func parse(settings map[string]string) (config, error) {
	c := config{url: strings.TrimSpace(cmp.Or(settings["url"], defaultURL)), only: list(settings["channels"]), skip: list(settings["skip_channels"])}
	if _, err := remote.ParseURL("url", c.url); err != nil {
		return c, err
	}
	var err error
	if c.types, err = types(settings["types"]); err != nil {
		return c, err
	}
	if c.everyone, err = choice(settings, "public", "members", "everyone"); err != nil {
		return c, err
	}
	without, err := choice(settings, "files", "yes", "no")
	if err != nil {
		return c, err
	}
	c.files = !without
	if day := settings["since"]; day != "" {
		if c.since, err = time.Parse(time.DateOnly, day); err != nil {
			return c, cairn.Errorf(cairn.ErrInvalid, "since: %q is no day; write it as 2024-01-31", day)
		}
	}
	days, err := number(settings, "window", defaultWindow, 365)
	if err != nil {
		return c, err
	}
	c.window = time.Duration(days) * 24 * time.Hour
	mb, err := number(settings, "max_file_size", defaultFileMB, 512)
	c.maxFile = int64(mb) << 20
	return c, err
}

func types(value string) ([]string, error) {
	all := []string{"public_channel", "private_channel", "mpim"}
	chosen := list(cmp.Or(value, "public_channel,private_channel"))
	for _, name := range chosen {
		if name == "im" {
			return nil, cairn.Errorf(cairn.ErrInvalid, "types: direct messages (im) are not read; choose from %s", strings.Join(all, ", "))
		}
		if !slices.Contains(all, name) {
			return nil, cairn.Errorf(cairn.ErrInvalid, "types: there is no %q; choose from %s", name, strings.Join(all, ", "))
		}
	}
	if len(chosen) == 0 {
		return nil, cairn.Errorf(cairn.ErrInvalid, "types: choose from %s", strings.Join(all, ", "))
	}
	return chosen, nil
}

// choice reports whether the setting called name is other instead of usual.
func choice(settings map[string]string, name, usual, other string) (bool, error) {
	switch settings[name] {
	case "", usual:
		return false, nil
	case other:
		return true, nil
	}
	return false, cairn.Errorf(cairn.ErrInvalid, "%s: %q is neither %s nor %s", name, settings[name], usual, other)
}

func number(settings map[string]string, name string, usual, most int) (int, error) {
	text := settings[name]
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, cairn.Errorf(cairn.ErrInvalid, "%s: give a number from 1 to %d, as in %d", name, most, usual)
	}
	return n, nil
}

// list returns the parts of a value between commas and line ends.
func list(value string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\n' }) {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "#"); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (c config) typeList() string { return strings.Join(c.types, ",") }

// wants reports whether the settings let a channel be read.
func (c config) wants(ch channel) bool {
	named := func(names []string) bool { return slices.Contains(names, ch.Name) || slices.Contains(names, ch.ID) }
	return (len(c.only) == 0 || named(c.only)) && !named(c.skip)
}

// mode is what must be as it was for a cursor to be used: documents outside of the
// window would keep what another setting made of them.
func (c config) mode() string {
	return strconv.FormatBool(c.everyone) + " " + strconv.FormatBool(c.files) + " " + c.since.Format(time.DateOnly)
}
