package files

import (
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/place"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// parse reads the settings without touching the folder. Errors are ErrInvalid.
func parse(env connectors.Environment, settings map[string]string) (*Folder, error) {
	f := &Folder{place: place.Place{Setting: "path", Env: env}, skip: map[string]bool{}}
	var err error
	if f.place.Path, err = place.Absolute("path", settings["path"]); err != nil {
		return nil, err
	}
	if f.include, err = selection.ParseGlobs("include", settings["include"]); err != nil {
		return nil, err
	}
	if f.exclude, err = selection.ParseGlobs("exclude", settings["exclude"]); err != nil {
		return nil, err
	}
	if f.rules, err = parseRules(settings["acl_rules"]); err != nil {
		return nil, err
	}
	if f.maxSize, err = selection.ParseSize("max_size", settings["max_size"]); err != nil {
		return nil, err
	}
	skipped, ok := settings["skip_folders"]
	if !ok {
		skipped = selection.DefaultSkipped
	}
	for _, name := range selection.Split(skipped, ",\n") {
		if strings.ContainsRune(name, '/') {
			return nil, cairn.Errorf(cairn.ErrInvalid, "skip_folders: %q is a path; give names of folders, or put the path into exclude", name)
		}
		f.skip[name] = true
	}
	return f, nil
}
