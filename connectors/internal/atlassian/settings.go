// Package atlassian has what the connectors of Confluence and Jira share.
package atlassian

import (
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
)

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

// Size reads a number of bytes such as 20MB, from 1; empty stands for 50 MB. The error is
// ErrInvalid.
func Size(text string) (int64, error) {
	if text == "" {
		return 50 << 20, nil
	}
	number, shift := strings.ToUpper(strings.TrimSpace(text)), 0
	for _, unit := range []struct {
		name  string
		shift int
	}{{"KB", 10}, {"MB", 20}, {"GB", 30}} {
		if n, ok := strings.CutSuffix(number, unit.name); ok {
			number, shift = strings.TrimSpace(n), unit.shift
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n <= 0 {
		return 0, cairn.Errorf(cairn.ErrInvalid, "max_attachment_size: give a number of bytes such as 20MB, not %q", text)
	}
	return n << shift, nil
}
