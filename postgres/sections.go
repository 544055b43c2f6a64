package postgres

import "github.com/cairnhq/cairn"

// section is how bodies.sections keeps a section: short names, as a long
// document has thousands.
type section struct {
	Heading []string `json:"h,omitempty"`
	Start   int      `json:"s"`
	End     int      `json:"e"`
	Anchor  string   `json:"a,omitempty"`
}

func encodeSections(in []cairn.Section) []section {
	out := make([]section, len(in))
	for i, s := range in {
		out[i] = section(s)
	}
	return out
}

func decodeSections(in []section) []cairn.Section {
	out := make([]cairn.Section, len(in))
	for i, s := range in {
		out[i] = cairn.Section(s)
	}
	return out
}
