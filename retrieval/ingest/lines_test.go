package ingest

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/extract"
)

// here extracts in this process.
type here struct{}

func (here) Extract(ctx context.Context, in extract.Input, r io.Reader) (*extract.Text, error) {
	return extract.Extract(ctx, in, r, extract.DefaultLimits())
}

// Lines of code are linked to in the way of their source.
func TestLinesOfASource(t *testing.T) {
	program := "package main\n\nfunc one() {}\n\nfunc two() {\n\tone()\n}\n"
	const file = "https://git.test/a.go"
	for way, want := range map[string][]string{
		"":                         {file + "#L1", file + "#L3", file + "#L5-L7"},
		"#lines-{first}:{last}":    {file + "#lines-1:1", file + "#lines-3:3", file + "#lines-5:7"},
		"?line={first}&end={next}": {file + "?line=1&end=2", file + "?line=3&end=4", file + "?line=5&end=8"},
	} {
		p := &Preparer{Extractor: here{}}
		o := original{External: "a.go", Metadata: connectors.Metadata{Filename: "a.go", URL: file, Lines: way}}
		puts, err := p.read(t.Context(), o, strings.NewReader(program))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range puts[0].Document.Sections {
			got = append(got, s.Link(file))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", way, diff)
		}
	}
}
