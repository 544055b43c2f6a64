package markup

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// frontMatter reads the YAML, TOML or JavaScript block between lines of
// hyphens or plus signs at the beginning of Markdown into t and returns what
// stands behind it. A block that cannot be read is kept as text, unless it is
// no YAML by its own account.
func frontMatter(t *canon.Text, source []byte) []byte {
	open, rest, _ := bytes.Cut(source, []byte("\n"))
	opening := strings.TrimRight(string(open), " \t")
	fence := opening[:min(len(opening), 3)]
	if fence != "---" && fence != "+++" || strings.Contains(opening, " ") || strings.Trim(opening[3:], "-+") == "" && len(opening) > 3 {
		return source
	}
	for at := 0; at < len(rest); {
		line, _, _ := bytes.Cut(rest[at:], []byte("\n"))
		next := min(at+len(line)+1, len(rest))
		end := strings.TrimRight(string(line), " \t")
		if end == fence || fence == "---" && end == "..." {
			if opening == "---" && !readMatter(t, rest[:at]) {
				return source
			}
			return rest[next:]
		}
		at = next
	}
	return source
}

// readMatter reads what is useful of YAML front matter, and reports whether it
// is a mapping at all. Matter that needs aliases or is large is not read.
func readMatter(t *canon.Text, matter []byte) bool {
	if len(bytes.TrimSpace(matter)) == 0 {
		return true
	}
	if len(matter) > 64<<10 {
		return false
	}
	var fields map[string]any
	if err := yaml.Unmarshal(matter, &fields); err != nil {
		// Titles with an unquoted colon are common and not worth a failure.
		return looksLikeMatter(t, matter)
	}
	if t.Title = scalar(fields["title"]); strings.Contains(t.Title, "<") {
		t.Title = canon.Inline(Words([]byte(t.Title)))
	}
	t.Author = people(fields["author"], fields["authors"])
	if lang := scalar(fields["lang"]); len(lang) >= 2 {
		t.Language = strings.ToLower(lang[:2])
	}
	t.Created = when(fields["date"], fields["created"])
	t.Modified = when(fields["updated"], fields["last_updated"], fields["last_modified"], fields["modified"], fields["lastmod"])
	t.Set("description", scalar(fields["description"]))
	t.Set("status", scalar(fields["status"]))
	t.Set("tags", people(fields["tags"]))
	return true
}

// looksLikeMatter reads "key: value" lines without YAML's rules.
func looksLikeMatter(t *canon.Text, matter []byte) bool {
	found := false
	for line := range strings.Lines(string(matter)) {
		key, value, ok := strings.Cut(line, ":")
		if !ok || strings.ContainsAny(key, " \t") {
			continue
		}
		found = true
		if key == "title" {
			t.Title = canon.Inline(strings.Trim(strings.TrimSpace(value), `"'`))
		}
	}
	return found
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return canon.Inline(v)
	case int, float64, bool:
		return fmt.Sprint(v)
	}
	return ""
}

// people joins names: of strings, lists of strings, and mappings with a name.
func people(values ...any) string {
	var names []string
	for _, v := range values {
		switch v := v.(type) {
		case []any:
			for _, each := range v {
				if name := people(each); name != "" {
					names = append(names, name)
				}
			}
		case map[string]any:
			names = append(names, scalar(v["name"]))
		default:
			if name := scalar(v); name != "" {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}

func when(values ...any) time.Time {
	for _, v := range values {
		switch v := v.(type) {
		case time.Time:
			return v.UTC()
		case string:
			if at := Date(v); !at.IsZero() {
				return at
			}
		}
	}
	return time.Time{}
}
