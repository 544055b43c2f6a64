package clientconfig

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// editTOML puts an entry into the configuration of Codex: the tables of an entry of that
// name are taken out as text, and the new one comes at the end.
func editTOML(old []byte, e Entry) ([]byte, error) {
	before, err := decodedTOML(old)
	if err != nil {
		return nil, fmt.Errorf("it is no TOML: %w", err)
	}
	kept := strings.TrimRight(withoutTable(string(old), "mcp_servers", e.Name), "\n")
	if kept != "" {
		kept += "\n\n"
	}
	text := []byte(kept + tomlTable(e))
	if bytes.Equal(bytes.TrimSpace(old), bytes.TrimSpace(text)) {
		return old, nil
	}
	after, err := decodedTOML(text)
	if err != nil {
		return nil, errors.New("an entry of this name is written in a way that cannot be replaced; remove it by hand")
	}
	if _, ok := entryOf(after, e.Name); !ok {
		return nil, errors.New("the entry cannot be added; add it by hand: see --print")
	}
	forget(before, "mcp_servers", e.Name)
	forget(after, "mcp_servers", e.Name)
	if !reflect.DeepEqual(before, after) {
		return nil, errors.New("the entry cannot be added without changing something else; add it by hand: see --print")
	}
	return text, nil
}

func decodedTOML(text []byte) (map[string]any, error) {
	out := map[string]any{}
	err := toml.Unmarshal(text, &out)
	return out, err
}

func entryOf(doc map[string]any, name string) (any, bool) {
	servers, _ := doc["mcp_servers"].(map[string]any)
	entry, ok := servers[name]
	return entry, ok
}

// withoutTable leaves out the lines of a table and of those in it. Comments and blank lines
// at its end stay: they are about what follows.
func withoutTable(text, parent, name string) string {
	var b strings.Builder
	inside, held := false, ""
	for line := range strings.Lines(text) {
		if header, ok := tableHeader(line); ok {
			inside = header == parent+"."+name || strings.HasPrefix(header, parent+"."+name+".")
		}
		switch trimmed := strings.TrimSpace(line); {
		case !inside:
			b.WriteString(held + line)
			held = ""
		case trimmed == "" || trimmed[0] == '#':
			held += line
		default:
			held = ""
		}
	}
	b.WriteString(held)
	return b.String()
}

// tableHeader returns the name of the table that a line begins, without quotation marks
// and blanks.
func tableHeader(line string) (string, bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "[") {
		return "", false
	}
	name, rest, ok := strings.Cut(strings.TrimLeft(line, "["), "]")
	rest = strings.TrimSpace(strings.TrimLeft(rest, "]"))
	if !ok || rest != "" && !strings.HasPrefix(rest, "#") {
		return "", false // a list that goes over lines
	}
	return strings.NewReplacer(`"`, "", "'", "", " ", "", "\t", "").Replace(name), true
}

// tomlTable returns the table of an entry.
func tomlTable(e Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[mcp_servers.%s]\n", e.Name)
	if e.URL != "" {
		fmt.Fprintf(&b, "url = %s\n", tomlString(e.URL))
		return b.String()
	}
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = tomlString(a)
	}
	fmt.Fprintf(&b, "command = %s\nargs = [%s]\n", tomlString(e.Command), strings.Join(args, ", "))
	if e.Token {
		fmt.Fprintf(&b, "env_vars = [%s]\n", tomlString(tokenVariable))
	}
	if len(e.Env) > 0 {
		pairs := []string{}
		for _, name := range slices.Sorted(maps.Keys(e.Env)) {
			pairs = append(pairs, name+" = "+tomlString(e.Env[name]))
		}
		fmt.Fprintf(&b, "env = { %s }\n", strings.Join(pairs, ", "))
	}
	return b.String()
}

// tomlString returns a basic string of TOML.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
