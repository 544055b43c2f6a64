package postgres

import (
	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// section is how bodies.sections and chunks.sections keep a section: short names, as
// a long document has thousands.
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

// touching returns, for each chunk of a body, which are in order, the sections that it
// touches. Sections follow each other without overlap.
func touching(sections []cairn.Section, chunks []ingest.Chunk) [][]section {
	out := make([][]section, len(chunks))
	first := 0
	for i, c := range chunks {
		for first < len(sections) && sections[first].End <= c.Start {
			first++
		}
		out[i] = []section{}
		for _, s := range sections[first:] {
			if s.Start >= c.End {
				break
			}
			out[i] = append(out[i], section(s))
		}
	}
	return out
}
