package connectors

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
)

// Kind describes one kind of source.
type Kind struct {
	Name     string
	Settings []Setting // its own; Authority, Schedule and ListEvery belong to every kind
	// ReadsACL says that the connector reads the permissions of documents.
	ReadsACL bool
	// PruneEvery is how long deletions found by a complete listing may wait, where the
	// source has no ListEvery; 0 lists on every sync. It has no meaning for a connector that is no Lister.
	PruneEvery time.Duration
	// ListLast says that a listing takes about as long as reading everything: the first
	// sync reads before it lists, so that documents can be found while they come.
	ListLast bool
	// SyncEvery is how often a source is synchronised that has no Schedule of its own; 0:
	// when somebody asks.
	SyncEvery time.Duration
	// Pushed says that documents are brought by programs; there is no Open.
	Pushed bool
	// Hook understands the webhooks of the place, which are signed with the secret setting
	// HookSecret; nil: there are none.
	Hook *Hook
	// Rules returns, where settings give single documents an ACL of their own, what
	// that is, by external id; nil stands for none. May be nil. The settings are valid.
	Rules func(settings map[string]string) (func(external string) *cairn.ACL, error)
	// Check validates settings, which hold no secrets: an ErrInvalid error says what to
	// fix. It reaches out to nobody.
	Check func(env Environment, settings map[string]string) error
	// Open returns a connector for one run over the source that env belongs to. The
	// settings are validated and hold no secrets, which are in env.Secrets. It does not
	// yet reach out to the source.
	Open func(env Environment, settings map[string]string) (Connector, error)
}

// Setting describes one setting of a kind of source.
type Setting struct {
	Name     string
	Required bool
	// Secret says that the setting is kept encrypted and never shown. Connectors read it
	// from Environment.Secrets; it is in no map of settings.
	Secret bool
	Help   string // one line
}

// Authority is a setting that sources of every kind have: how far their documents
// are trusted before others, from 0 (the default) to 1. It counts when passages
// are ranked.
const Authority = "authority"

// Schedule is a setting that sources of every kind have which is not Pushed: when they
// are synchronised by the clock, as package jobs/schedule reads it. Unset: Kind.SyncEvery.
const Schedule = "schedule"

// ListEvery is a setting that sources of every kind have which is not Pushed: how long
// deletions that only a complete listing finds may wait. Unset: Kind.PruneEvery.
const ListEvery = "list_every"

// The bounds of ListEvery: a listing costs requests, and what has vanished must not be
// found for ever.
const (
	listMinimum = 15 * time.Minute
	listMaximum = 30 * 24 * time.Hour
)

// ListsEvery returns how long deletions that only a complete listing finds may wait, by
// settings; where they hold no ListEvery, or one that is not valid, that of the kind.
func (k Kind) ListsEvery(settings map[string]string) time.Duration {
	every, err := parseListEvery(settings[ListEvery])
	if settings[ListEvery] == "" || err != nil {
		return k.PruneEvery
	}
	return every
}

func parseListEvery(text string) (time.Duration, error) {
	every, err := time.ParseDuration(text)
	if err != nil || every < listMinimum || every > listMaximum {
		return 0, cairn.Errorf(cairn.ErrInvalid, "the setting %s is %q; give an interval from 15m to 720h, as in 6h", ListEvery, text)
	}
	return every, nil
}

// share is a number from 0 to 1 as people write it.
var share = regexp.MustCompile(`^(0(\.[0-9]{1,9})?|1(\.0{1,9})?)$`)

// Registry holds the kinds of source that a server knows, by name.
type Registry map[string]Kind

// NewRegistry returns a registry of the kinds.
func NewRegistry(kinds ...Kind) Registry {
	r := make(Registry, len(kinds))
	for _, k := range kinds {
		r[k.Name] = k
	}
	return r
}

// Lookup returns the kind called name, or an ErrInvalid error that lists the
// kinds that exist.
func (r Registry) Lookup(name string) (Kind, error) {
	k, ok := r[name]
	if !ok {
		names := strings.Join(slices.Sorted(maps.Keys(r)), ", ")
		return Kind{}, cairn.Errorf(cairn.ErrInvalid, "there is no kind of source %q; there are: %s", name, names)
	}
	return k, nil
}

// IsSecret reports whether the setting called name is a secret.
func (k Kind) IsSecret(name string) bool {
	return slices.ContainsFunc(k.Settings, func(s Setting) bool { return s.Name == name && s.Secret })
}

// ValidateSecrets checks which secret settings are there, by name: those that the kind
// does not know, and required ones that are missing. Errors are ErrInvalid.
func (k Kind) ValidateSecrets(secrets map[string]cairn.Secret) error {
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if !k.IsSecret(name) {
			return cairn.Errorf(cairn.ErrInvalid, "a source of kind %s has no secret setting %q", k.Name, name)
		}
	}
	for _, s := range k.Settings {
		if _, there := secrets[s.Name]; s.Required && s.Secret && !there {
			return k.needs(s)
		}
	}
	return nil
}

func (k Kind) needs(s Setting) error {
	return cairn.Errorf(cairn.ErrInvalid, "a source of kind %s needs the setting %s (%s)", k.Name, s.Name, s.Help)
}

// Validate checks settings, without the secret ones: names that the kind does not know,
// required ones that are missing, the authority, how often it lists, then the kind's own Check. Errors are
// ErrInvalid.
func (k Kind) Validate(env Environment, settings map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if name == Authority || !k.Pushed && name == ListEvery || name == Schedule {
			continue
		}
		if !slices.ContainsFunc(k.Settings, func(s Setting) bool { return s.Name == name }) {
			return cairn.Errorf(cairn.ErrInvalid, "a source of kind %s has no setting %q; it has: %s", k.Name, name, k.settingNames())
		}
	}
	for _, s := range k.Settings {
		if _, there := settings[s.Name]; there && s.Secret {
			return cairn.Errorf(cairn.ErrInvalid, "the setting %s is a secret; it is not kept among the others", s.Name)
		}
		if s.Required && !s.Secret && settings[s.Name] == "" {
			return k.needs(s)
		}
	}
	if value, ok := settings[Authority]; ok && !share.MatchString(value) {
		return cairn.Errorf(cairn.ErrInvalid, "the setting %s is %q; give a number from 0 to 1, as in 0.5", Authority, value)
	}
	if text, ok := settings[ListEvery]; ok {
		if _, err := parseListEvery(text); err != nil {
			return err
		}
	}
	if k.Check == nil {
		return nil
	}
	return k.Check(env, settings)
}

func (k Kind) settingNames() string {
	names := make([]string, len(k.Settings), len(k.Settings)+3)
	for i, s := range k.Settings {
		names[i] = s.Name
	}
	names = append(names, Authority)
	if !k.Pushed {
		names = append(names, Schedule, ListEvery)
	}
	return strings.Join(names, ", ")
}
